"""What every script does around its work: log, number of threads, and one-line errors."""

from __future__ import annotations

import logging
import os
import platform
import site
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TextIO

# Snakemake puts the workflow's own package behind those of the environment, which may hold a copy of another state.
sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from andor import digests
from andor.errors import UserError, cannot_write, refused
from andor.files import first_line

DONE = "done\n"
"""How the log of a job ends that has made all of its output."""


class Log:
    """A rule's log. What a full disk does not take is left out: it must not hide why a job failed, nor fail one."""

    def __init__(self, path: Path) -> None:
        try:
            self.file = path.open("wb", buffering=0)  # what stays in a buffer fails once more when that is closed
        except OSError as error:
            sys.exit(f"error: {cannot_write(path, error)}")

    def write(self, text: str) -> int:
        with suppress(OSError):
            self.file.write(text.encode(errors="backslashreplace"))
        return len(text)

    def flush(self) -> None:
        pass

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


class Tee:
    """Standard error that is also kept in the rule's log, with progress bars as lines of their own."""

    def __init__(self, terminal: TextIO, log: Log) -> None:
        self.terminal, self.log = terminal, log

    def write(self, text: str) -> int:
        with suppress(OSError):  # it may be a file on the disk that is full
            self.terminal.write(text)
        return self.log.write(text.replace("\r", "\n"))

    def flush(self) -> None:
        with suppress(OSError):
            self.terminal.flush()

    def isatty(self) -> bool:
        return self.terminal.isatty()

    def fileno(self) -> int:
        return self.terminal.fileno()


def fetched(folders: list[str]) -> Path | None:
    """What a rule's `source` input gives: a file, the one file in its folder, the folder if it holds more, or none."""
    if not folders:
        return None
    if Path(folders[0]).is_file():
        return Path(folders[0])
    files = [path for path in Path(folders[0]).iterdir() if not path.name.startswith(".")]
    return files[0] if len(files) == 1 and files[0].is_file() else Path(folders[0])


def device(snakemake: Any) -> str:
    """The configured device, `auto` resolved; the CPU where there is no CUDA and the rule asks for no GPU.

    Raises
    ------
    UserError
        If torch finds no CUDA device and the job was given a GPU, or CUDA is configured and the rule says nothing.
    """
    name = snakemake.config.get("device", "auto")
    if name == "cpu":
        return name
    import torch  # takes seconds

    if torch.cuda.is_available():
        return "cuda" if name == "auto" else name
    if snakemake.resources.get("gpu", int(name != "auto")):
        raise UserError(
            f"`device: {name}`: torch {torch.__version__} finds no CUDA device on {platform.node()}; "
            "set `device: cpu`, install a build of torch with CUDA, or run the job on a node with a GPU"
        )
    return "cpu"


def check_allocation(snakemake: Any, given: Mapping[str, str]) -> None:
    """Refuse to work on less than the rule asked Slurm for.

    Parameters
    ----------
    snakemake
        The job, with its request.
    given
        Environment variables, of which Slurm sets those that tell what the job got.

    Raises
    ------
    UserError
        If cores, memory or GPUs are fewer than requested.
    """
    if "SLURM_JOB_ID" not in given:
        return
    cores = int(given.get("SLURM_CPUS_ON_NODE", snakemake.threads))
    got = {"threads": cores, "gpu": int(given.get("SLURM_GPUS_ON_NODE", 0))}
    if "SLURM_MEM_PER_NODE" in given:  # 0 is all that the node has
        got["mem_mb"] = int(given["SLURM_MEM_PER_NODE"]) or sys.maxsize
    elif "SLURM_MEM_PER_CPU" in given:
        got["mem_mb"] = int(given["SLURM_MEM_PER_CPU"]) * cores
    asked = {"threads": snakemake.threads} | {name: snakemake.resources.get(name) or 0 for name in ("gpu", "mem_mb")}
    short = [f"{name} {got[name]} instead of {asked[name]}" for name in got if got[name] < asked[name]]
    if short:
        raise UserError(
            f"Slurm job {given['SLURM_JOB_ID']} on {platform.node()} got {', '.join(short)}; mend "
            f"partition or limits, or lower `set-resources: {snakemake.rule}: {short[0].split()[0]}` in the profile"
        )


def leave_out_snakemake() -> None:
    """Take the packages of the Snakemake that started this job off the path, if they are another environment's.

    Snakemake puts them behind the environment's own, where they would stand in for what that lacks: another version, or
    one for another Python.
    """
    home = str(Path(sys.modules["snakemake"].__file__).parents[1])
    if home not in site.getsitepackages():
        sys.path[:] = [place for place in sys.path if place != home]


def checked(main: Callable[[Any], None], snakemake: Any) -> None:
    """Call ``main`` on inputs that are as they were written, and record what it writes."""
    outputs = [Path(path) for path in snakemake.output]
    began = time.perf_counter()
    for output in outputs:
        digests.drop(output)
    for path in snakemake.input:
        digests.check(Path(path))
    checking = time.perf_counter() - began
    main(snakemake)
    began = time.perf_counter()
    for output in outputs:
        if output.exists():  # Snakemake says what is missing
            digests.write(output)
    recording = time.perf_counter() - began
    logging.getLogger(__name__).info(
        "digests: inputs checked in %.3f s, outputs recorded in %.3f s", checking, recording
    )


def unforeseen(error: Exception, output: str, log: Path) -> UserError:
    """What to say of an error that nothing foresees: what was to be made, the error's kind and words, and the log."""
    words = first_line(error) if str(error) else "it says no more"
    return UserError(
        f"{output}: could not be made: {type(error).__name__}: {words}; the traceback is in {log}: mend the file or "
        "model that it names, or report it"
    )


def fail(error: UserError) -> NoReturn:
    """End the job with one line."""
    print(f"error: {error}", file=sys.stderr)
    sys.exit(1)


def run(main: Callable[[Any], None], names: dict[str, Any]) -> None:
    """Call ``main(snakemake)`` if Snakemake started the script; importing the script does nothing."""
    if "snakemake" not in names:
        return
    snakemake = names["snakemake"]
    leave_out_snakemake()
    # Read when numpy and torch are first imported: a job uses the cores it was given and no more.
    os.environ.update(
        dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(snakemake.threads))
    )
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    log_path = Path(snakemake.log[0])
    with Log(log_path) as log:
        sys.stderr = Tee(sys.__stderr__, log)
        logging.basicConfig(level=logging.INFO, stream=log, format="%(asctime)s %(levelname)s %(message)s", force=True)
        logging.getLogger("fontTools").setLevel(logging.WARNING)  # a line for every table of every font otherwise
        try:
            check_allocation(snakemake, os.environ)
            checked(main, snakemake)
            log.write(DONE)
        except UserError as error:
            fail(error)
        except SystemExit as error:  # of a library: with status 0 Snakemake would take the job for done
            log.write(traceback.format_exc())
            fail(UserError(f"the job left before its end, by sys.exit({error.code!r}); see {log_path}"))
        except Exception as error:
            log.write(traceback.format_exc())
            if refusal := refused(error):
                fail(cannot_write(refusal.filename or snakemake.output[0], refusal))
            fail(unforeseen(error, snakemake.output[0], log_path))
        finally:
            sys.stderr = sys.__stderr__
