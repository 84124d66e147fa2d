"""Snakemake by a fork of a process that has imported it: the same program, without a second and a half each time.

The server of forks is the standard library's; it has no threads, and no state but what importing leaves. It does not
import this package: a clone has its own. Its jobs are forks of another such process, see `jobs.py`.
"""

import functools
import gc
import io
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import jobs

from forks import PROCESSES

OFFLINE = {"HF_HUB_OFFLINE": "1"}
"""Read when libraries are imported."""
_TESTS = Path(__file__).parents[1]
_ONLY_HERE = {_TESTS, _TESTS / "pipeline", _TESTS.parent / "workflow" / "scripts"}
"""Folders that only the tests have on their path."""


def snakemake(
    arguments: list[str], folder: Path, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess:
    """What ``python -m snakemake`` with these arguments gives in a folder, with an environment.

    Raises
    ------
    subprocess.TimeoutExpired
        If it takes longer than so many seconds.
    """
    with tempfile.TemporaryDirectory() as place:
        streams = [Path(place) / name for name in ("stdout", "stderr")]
        process = PROCESSES.Process(target=_run, args=(arguments, folder, dict(environment), _jobs(), *streams))
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            raise subprocess.TimeoutExpired(arguments, timeout)
        told = [stream.read_text(encoding="utf-8", errors="replace") if stream.exists() else "" for stream in streams]
        return subprocess.CompletedProcess(arguments, process.exitcode, *told)


@functools.cache
def _jobs() -> str | None:
    """The command that runs a script as a job; None where forks of many libraries are not safe."""
    if sys.platform != "linux":
        return None
    address = Path(tempfile.mkdtemp()) / "jobs"
    environment = {**os.environ, **OFFLINE, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, jobs.__file__, "serve", str(address)]
    _jobs.server = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)  # ends with this process
    return shlex.join([sys.executable, "-I", "-S", jobs.__file__, "run", str(address)])


def _run(arguments: list[str], folder: Path, environment: dict[str, str], job: str | None, *streams: Path) -> None:
    gc.freeze()  # what was imported: to look through it for garbage would copy its memory
    for number, stream in enumerate(streams, start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(number, "w"), write_through=True) for number in (1, 2))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["snakemake", *arguments]
    first = [str(folder), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.path[:] = [*first, *(path for path in sys.path if Path(path) not in _ONLY_HERE)]
    from snakemake.cli import main
    from snakemake.script import PythonScript

    if job is not None:
        PythonScript.execute_script = lambda script, file, edit=False: script._execute_cmd(f"{job} {shlex.quote(file)}")
    main(arguments)
