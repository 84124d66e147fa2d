"""Figures of a task, each drawn from its tables alone.

``FIGURES`` names them, ``COLUMNS`` says which tables and columns each reads; `draw` makes one and `save` writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from andor import files
from andor.errors import UserError
from andor.report import catalogue
from andor.report.figures import compared, studies, style
from andor.report.figures.style import TaskInfo

__all__ = ["COLUMNS", "FIGURES", "TaskInfo", "draw", "draw_study", "save"]

_MODULES = {name: import_module(f"{__name__}.{name}") for name in catalogue.FIGURES}
FIGURES: dict[str, Callable[[Mapping[str, pd.DataFrame], TaskInfo], Figure]] = {
    name: module.draw for name, module in _MODULES.items()
}
"""What draws each figure."""
COLUMNS: dict[str, Mapping[str, Sequence[str]]] = {name: module.COLUMNS for name, module in _MODULES.items()}
"""Tables that each figure reads, with their columns."""

# Without dates and versions the same tables give the same bytes.
_METADATA = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


def draw(name: str, tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """Draw a figure.

    Parameters
    ----------
    name
        A key of `FIGURES`.
    tables
        At least the tables of ``COLUMNS[name]``, by name (``samples`` is a task's ``samples.parquet``).
    task
        What the labels say about the task.

    Raises
    ------
    UserError
        If the figure is unknown, or a table, one of its columns or all its rows are missing.
    """
    if name not in FIGURES:
        raise UserError(f"figure `{name}` is unknown; choose one of {', '.join(FIGURES)}")
    style.required(name, tables, COLUMNS[name])
    with style.styled():
        return FIGURES[name](tables, task)


def draw_study(table: pd.DataFrame, question: str) -> Figure:
    """Draw the figure of a study.

    Parameters
    ----------
    table
        Of `andor.report.studies.study`, or of `andor.report.compared.compared`.
    question
        What it asks: the figure's title.

    Raises
    ------
    UserError
        If the table has no rows.
    """
    module = compared if "first" in table else studies
    style.required("study", {"study": table}, {"study": module.COLUMNS})
    with style.styled():
        return module.draw(table, question)


def save(figure: Figure, paths: Iterable[str | Path]) -> None:
    """Write a figure to each path, whole or not at all, in the format of its ending: the same bytes each time.

    Raises
    ------
    UserError
        If an ending is none of pdf, svg and png, or a path cannot be written.
    """
    for path in map(Path, paths):
        ending = path.suffix.removeprefix(".")
        if ending not in _METADATA:
            raise UserError(f"{path}: figures are written as {', '.join(_METADATA)}; give it one of these endings")
        with style.styled(), files.replacing(path) as temporary:
            figure.savefig(temporary, format=ending, metadata=_METADATA[ending])
