"""Tidy tables of items: their columns of arrays, and their rows (see `andor.data`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd

ARRAYS = ("image", "features", "points")
"""Columns that hold arrays; a table has at most one of them."""
ROW = "row"
"""Column that holds rows of a table as they were, beside their features."""
FILE = "file"
"""Column that holds the files of the first images for testing, beside their pixels; null of others."""


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


def frame(table: pa.Table) -> pd.DataFrame:
    """The rows of a table as they were, with their columns and types."""
    cells = table[ROW].combine_chunks()
    return pa.Table.from_struct_array(cells).to_pandas()


def rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Rows as mappings; images, features and points as float32 arrays of the `shape` in the schema's metadata.

    Beside features, `row` is the row as it was, a frame of one row, and `columns` has the positions of its columns.
    """
    name = array_column(table)
    if name is None:
        yield from table.to_pylist()
        return
    more: Iterator[dict[str, Any]] = repeat({}, len(table))
    if ROW in table.column_names:
        columns, whole = json.loads(table.schema.metadata[b"columns"]), frame(table)
        more = ({ROW: whole.iloc[[number]], "columns": columns} for number in range(len(table)))
        table = table.drop_columns(ROW)
    for row, array, raw in zip(table.drop_columns(name).to_pylist(), arrays(table), more, strict=True):
        yield row | {name: array} | raw
