"""The tidy tables of a task, each a function of its results: one observation a row, rows always in the same order.

Strengths are in units of the reward v. Orders <= 1 are merged everywhere; the empty coalition is no interaction.
``low`` and ``high`` bound 95 % intervals: bootstrap over samples; Wilson for accuracies, and for shares of what all
samples have together (`andor.analysis.statistics.Share`); jackknife for discrimination.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from andor import files, store
from andor.report import catalogue
from andor.report.results import TaskResults
from andor.report.tables import (
    agreement,
    controls,
    fidelity,
    held_out,
    matching,
    sharing,
    sparsity,
    task,
    thresholds,
    transfer,
)
from andor.report.tables.parts import Comparison, Subject, comparisons, subjects
from andor.report.tables.table import Table

_MODULES = (task, agreement, sharing, sparsity, controls, thresholds, held_out, transfer, matching, fidelity)
_TABLES = {table.name: table for module in _MODULES for table in module.TABLES}
TABLES: dict[str, Table] = {name: _TABLES[name] for name in catalogue.TABLES}
"""All tables by name, in the order of the catalogue."""


def make(results: TaskResults, names: Collection[str] = catalogue.TABLES) -> dict[str, pd.DataFrame]:
    """Make tables of a task, all by default, in one pass over its subjects and comparisons.

    One of them is held at a time: an ensemble's null games are many times larger than its interactions.
    """
    frames: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES if name in names}
    parts: dict[type, Iterable[Any]] = {
        TaskResults: [results],
        Subject: subjects(results),
        Comparison: comparisons(results),
    }
    for of, several in parts.items():
        wanted = [TABLES[name] for name in frames if TABLES[name].of is of]
        for part in several if wanted else []:
            for table in wanted:
                frames[table.name].append(table.rows(part))
    return {name: TABLES[name].whole(rows) for name, rows in frames.items()}


def write(
    name: str, frame: pd.DataFrame, parquet: str | Path, csv: str | Path, schema: pa.Schema | None = None
) -> None:
    """Write a table as Parquet and as CSV, each whole or not at all; a task's has the schema of its name."""
    columns = schema or TABLES[name].schema
    table = pa.Table.from_pandas(frame, schema=columns, preserve_index=False).replace_schema_metadata()
    store.write_table(Path(parquet), table, {"table": name})
    with files.replacing(Path(csv)) as temporary:
        pyarrow.csv.write_csv(table, temporary, pyarrow.csv.WriteOptions(quoting_style="needed"))
