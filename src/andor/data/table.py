"""Tidy tables of items: their columns of arrays, and their rows (see `andor.data`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

ARRAYS = ("image", "features", "points")
"""Columns that hold arrays; a table has at most one of them."""


def is_numeric(table: pa.Table) -> bool:
    """Whether the labels are numbers that are to be predicted, and no classes."""
    return pa.types.is_floating(table.schema.field("label").type)


def array_column(table: pa.Table) -> str | None:
    """The column that holds arrays, if there is one."""
    return next((name for name in ARRAYS if name in table.column_names), None)


def arrays(table: pa.Table) -> np.ndarray:
    """Arrays of a table as float32 (rows, …): (rows, C, H, W) images, (rows, F) features or (rows, P, 3) points."""
    shape = json.loads(table.schema.metadata[b"shape"])
    return table[array_column(table)].combine_chunks().flatten().to_numpy().reshape(-1, *shape)


def rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Rows as mappings; images, features and points as float32 arrays of the `shape` in the schema's metadata."""
    name = array_column(table)
    if name is None:
        yield from table.to_pylist()
        return
    for row, array in zip(table.drop_columns(name).to_pylist(), arrays(table), strict=True):
        yield row | {name: array}
