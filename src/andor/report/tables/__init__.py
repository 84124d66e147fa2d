"""The tidy tables of a task, each a function of its results: one observation a row, rows always in the same order.

Strengths are in units of the reward v. Orders <= 1 are merged everywhere; the empty coalition is no interaction.
``low`` and ``high`` bound 95 % intervals: bootstrap over samples; Wilson for accuracies; jackknife for discrimination.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from andor import files, store
from andor.report.results import TaskResults
from andor.report.tables.controls import controls, sample_size, survivors
from andor.report.tables.frames import finish
from andor.report.tables.held_out import held_out
from andor.report.tables.matching import matching, matching_curve
from andor.report.tables.parts import Comparison, Subject, comparisons, subjects
from andor.report.tables.schemas import SCHEMAS
from andor.report.tables.sharing import generalization, interactions, orders, sharing, summary
from andor.report.tables.sparsity import faithful, precision, pruning, salient, sparsity
from andor.report.tables.task import accuracy, eligibility, solver, timings
from andor.report.tables.thresholds import model_transfer, thresholds
from andor.report.tables.transfer import discrimination, transfer

__all__ = ["SCHEMAS", "TABLES", "make", "write"]

_OF_TASK: dict[str, Callable[[TaskResults], pd.DataFrame]] = {
    "accuracy": accuracy,
    "eligibility": eligibility,
    "timings": timings,
}
_OF_SUBJECTS: dict[str, Callable[[Subject], pd.DataFrame]] = {
    "sparsity": sparsity,
    "salient": salient,
    "precision": precision,
    "pruning": pruning,
    "faithful": faithful,
    "transfer": transfer,
    "discrimination": discrimination,
    "matching": matching,
    "matching_curve": matching_curve,
    "solver": solver,
}
_OF_COMPARISONS: dict[str, Callable[[Comparison], pd.DataFrame]] = {
    "generalization": generalization,
    "sharing": sharing,
    "orders": orders,
    "controls": controls,
    "survivors": survivors,
    "thresholds": thresholds,
    "model_transfer": model_transfer,
    "held_out": held_out,
    "sample_size": sample_size,
    "interactions": interactions,
    "summary": summary,
}


def make(results: TaskResults, names: Collection[str] = SCHEMAS.keys()) -> dict[str, pd.DataFrame]:
    """Make tables of a task, all by default, in one pass over its subjects and comparisons.

    One of them is held at a time: an ensemble's null games are many times larger than its interactions.
    """
    frames: dict[str, list[pd.DataFrame]] = {name: [] for name in SCHEMAS if name in names}
    _add(frames, _OF_TASK, [results])
    _add(frames, _OF_SUBJECTS, subjects(results))
    _add(frames, _OF_COMPARISONS, comparisons(results))
    return {name: finish(name, parts) for name, parts in frames.items()}


def _add(frames: Mapping[str, list[pd.DataFrame]], makers: Mapping[str, Callable], parts: Iterable[Any]) -> None:
    """Add the rows of each part to the tables that are made of such parts."""
    wanted = [name for name in frames if name in makers]
    for part in parts if wanted else []:
        for name in wanted:
            frames[name].append(makers[name](part))


def _one(name: str, results: TaskResults) -> pd.DataFrame:
    return make(results, [name])[name]


TABLES: dict[str, Callable[[TaskResults], pd.DataFrame]] = {name: functools.partial(_one, name) for name in SCHEMAS}
"""What makes each table alone."""


def write(
    name: str, frame: pd.DataFrame, parquet: str | Path, csv: str | Path, schema: pa.Schema | None = None
) -> None:
    """Write a table as Parquet and as CSV, each whole or not at all; a task's has the schema of its name."""
    table = pa.Table.from_pandas(frame, schema=schema or SCHEMAS[name], preserve_index=False).replace_schema_metadata()
    store.write_table(Path(parquet), table, {"table": name})
    with files.replacing(Path(csv)) as temporary:
        pyarrow.csv.write_csv(table, temporary, pyarrow.csv.WriteOptions(quoting_style="needed"))
