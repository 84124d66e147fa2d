"""How everything here is compiled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from numba import config
from numba.core import event
from numba.core.compiler import CompilerBase, DefaultPassBuilder

_OPTIONS = {
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "arcp"},  # a product and a sum may be one operation; infinities stay what they are
}
ENTRY = {**_OPTIONS, "cache": bool(config.CACHE_DIR), "nogil": True}
"""For what Python calls."""
INNER = {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""For what only compiled code calls: it is kept as a part of that."""


class _NoOverlap(CompilerBase):
    """numba's own compiler, told that no two arguments share memory: without that, loops stay scalar."""

    def define_pipelines(self) -> list[Any]:
        self.state.flags.noalias = True
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]


ROWS = {**INNER, "pipeline_class": _NoOverlap}
"""For functions of rows, no two of which overlap."""
SUMS = {**ROWS, "fastmath": {"contract", "nsz", "arcp", "reassoc"}}
"""For sums over a row, taken in any order that is always the same."""


def announced(say: Callable[[], None]) -> AbstractContextManager[None]:
    """Have it said once, before anything is compiled; nothing is said of what is read from a file."""
    return event.install_listener("numba:compile", _Announcer(say))


class _Announcer(event.Listener):
    def __init__(self, say: Callable[[], None]) -> None:
        self._say, self._said = say, False

    def on_start(self, event: Any) -> None:
        """Called for each function that is compiled."""
        if not self._said:
            self._said = True
            self._say()

    def on_end(self, event: Any) -> None:
        """Called for each that has been."""
