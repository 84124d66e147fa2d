"""The solver's inner loop as machine code: compiled by numba on its first call on a machine, and kept.

Only `loop`, `certificates` and `polishing` are for others. They import numba, and nothing before does: it takes half a
second.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import platform
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

import numpy as np
from filelock import FileLock

_log = logging.getLogger(__name__)

SMALLEST = 3
"""Players of the smallest game that fills a vector."""


def loop(dtype: str) -> ModuleType | None:
    """The module of the loop, ready for arrays of float32 or float64; None, said once, where numba is not."""
    return _ready("iteration", dtype)


def certificates(dtype: str) -> ModuleType | None:
    """The module that measures states of a type; None where numba is not."""
    return _ready("measures", dtype)


def polishing() -> ModuleType | None:
    """The module of the polish's equations, which are float64; None where numba is not."""
    return _ready("equations", "float64")


@functools.cache
def _ready(name: str, dtype: str) -> ModuleType | None:
    module = _module(name)
    if module is None:
        return None
    from andor.sparsify.compiled.compiling import announced

    folder = _folder()
    kept = "once on this machine" if folder else "in every process, as there is no folder to keep it in"
    # Of several processes that find nothing here the first compiles, and the others wait for what it makes.
    lock = FileLock(folder / f"{name}.lock") if folder else nullcontext()
    with lock, announced(lambda: _log.warning("compiling %s: some seconds, %s", module.TITLE, kept)):
        module.prepare(np.dtype(dtype))
    return module


def _module(name: str) -> ModuleType | None:
    if not _has_numba():
        return None
    import numba

    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(_folder() or "")  # read when functions are defined, which is now
    try:
        from andor.sparsify.compiled import equations, iteration, measures
    finally:
        numba.config.CACHE_DIR = before
    return {"iteration": iteration, "equations": equations, "measures": measures}[name]


@functools.cache
def _has_numba() -> bool:
    try:
        import numba  # noqa: F401
    except ImportError as error:
        _log.warning("numba cannot be imported (%s): the solver takes its slower path, through torch", error)
        return False
    return True


@functools.cache
def _folder() -> Path | None:
    """Where machine code is kept: beside the source, or else in the user's cache; None if neither can be written.

    One folder for each state of the source, each numba and each kind of processor: numba itself looks at one file only,
    and processes on unlike machines that share a folder could take each other's code for their own.
    """
    import llvmlite.binding
    import numba

    here = Path(__file__).parent
    state = hashlib.sha256()
    for path in sorted(here.glob("*.py")):
        state.update(path.read_bytes())
    state.update(repr((numba.__version__, sys.implementation.cache_tag, platform.machine())).encode())
    state.update(repr(sorted(llvmlite.binding.get_host_cpu_features().items())).encode())
    state.update(llvmlite.binding.get_host_cpu_name().encode())
    name = f"andor-{state.hexdigest()[:16]}"
    own = os.environ.get("NUMBA_CACHE_DIR")
    for parent in (Path(own),) if own else (here / "__pycache__", Path.home() / ".cache" / "andor"):
        try:
            (parent / name).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=parent / name):
                return parent / name
        except OSError:
            continue
    return None
