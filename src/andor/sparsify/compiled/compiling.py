"""How everything here is compiled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from numba import config
from numba.core import event
from numba.core.compiler import CompilerBase, DefaultPassBuilder

OPTIONS = {
    "cache": bool(config.CACHE_DIR),
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "arcp"},  # a product and a sum may be one operation; infinities stay what they are
}


class _NoOverlap(CompilerBase):
    """numba's own compiler, told that no two arguments share memory: without that, loops stay scalar."""

    def define_pipelines(self) -> list[Any]:
        self.state.flags.noalias = True
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]


ROWS = {**OPTIONS, "pipeline_class": _NoOverlap}
"""For functions of rows, no two of which overlap."""


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
