"""What of a tidy table models read, and what it says of their inputs and outputs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from andor.data.table import array_column, arrays, is_numeric


def inputs(rows: pa.Table) -> torch.Tensor | list[str]:
    """What a model without a tokenizer reads of rows: float32 (rows, …), or texts."""
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


def count_labels(table: pa.Table) -> int:
    """How many labels there are."""
    return int(np.max(table["label"].to_numpy())) + 1


def count_logits(table: pa.Table) -> int:
    """How many outputs a model for the labels of a table has: one for two labels or a number, else one for each."""
    return 1 if is_numeric(table) or count_labels(table) <= 2 else count_labels(table)
