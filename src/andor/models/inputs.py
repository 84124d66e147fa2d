"""What of a tidy table models read, and what it says of their inputs and outputs."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from andor.data.table import ROW, array_column, arrays, frame, is_numeric
from andor.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def inputs(rows: pa.Table, columns: Collection[str] = ()) -> torch.Tensor | pd.DataFrame | list[str]:
    """What a model without a tokenizer reads of rows: float32 (rows, …), or texts; rows as they were if it reads those.

    Parameters
    ----------
    columns
        Of the model, those that it may read.

    Raises
    ------
    UserError
        If it reads rows as they were, and there are none.
    """
    if ROW in columns:
        if ROW not in rows.column_names:
            raise UserError("the model reads rows of a table with their own columns, and these data have none")
        return frame(rows)
    return torch.from_numpy(arrays(rows).copy()) if array_column(rows) else rows["text"].to_pylist()


def labels_of(rows: pa.Table) -> torch.Tensor:
    """Labels (rows,) int64, or float32 where they are numbers to predict."""
    return torch.from_numpy(rows["label"].to_numpy().astype(np.float32 if is_numeric(rows) else np.int64))


def for_training(table: pa.Table) -> pa.Table:
    """Rows that a model is trained on."""
    return table.filter(pc.field("split") == "train")


def mean_input(rows: pa.Table) -> torch.Tensor:
    """Mean over the inputs of a table; of points, over all points."""
    mean = torch.from_numpy(arrays(rows).copy()).mean(dim=0)
    return mean.mean(dim=0) if array_column(rows) == "points" else mean


def typical_row(rows: pd.DataFrame) -> pd.DataFrame:
    """A row of means: of numbers, dates and spans of time; of other columns the most frequent value."""
    from pandas.api import types

    def typical(cells: pd.Series) -> pd.Series:
        numbers = types.is_numeric_dtype(cells) and not types.is_bool_dtype(cells)
        if numbers or types.is_datetime64_any_dtype(cells) or types.is_timedelta64_dtype(cells):
            return cells.agg(["mean"]).reset_index(drop=True)
        return cells.mode().head(1)

    return rows.apply(typical).reset_index(drop=True)


def count_labels(table: pa.Table) -> int:
    """How many labels there are."""
    return int(np.max(table["label"].to_numpy())) + 1


def count_logits(table: pa.Table) -> int:
    """How many outputs a model for the labels of a table has: one for two labels or a number, else one for each."""
    return 1 if is_numeric(table) or count_labels(table) <= 2 else count_labels(table)
