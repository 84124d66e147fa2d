"""Other labels and items to learn from, for networks that serve as controls."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from andor.data.table import array_column, arrays, is_numeric


def relabelled(table: pa.Table, labels: Literal["true", "shuffled", "size"], seed: int) -> pa.Table:
    """A tidy table with the labels that a network is to learn.

    Parameters
    ----------
    table
        With the true labels (see `andor.data`).
    labels
        `true`: as they are. `shuffled`: among all items, so that nothing is left to generalize. `size`: another task
        with the same inputs, whether an item is larger than others: more ink, a longer text, a larger sum; in as many
        classes as there are labels, of equal numbers. Where labels are numbers, how large it is, with the mean and the
        spread of these.
    seed
        Of the shuffling.
    """
    if labels == "true":
        return table
    true = table["label"].to_numpy()
    if labels == "shuffled":
        other = np.random.default_rng(seed).permutation(true)
    else:
        sizes = arrays(table).reshape(len(table), -1).sum(1) if array_column(table) else pc.utf8_length(table["text"])
        sizes = np.asarray(sizes, np.float64)
        rank = np.argsort(np.argsort(sizes, kind="stable"), kind="stable")
        if is_numeric(table):
            other = true.mean() + true.std() * (sizes - sizes.mean()) / max(sizes.std(), 1e-12)
        else:
            other = rank * (int(true.max()) + 1) // len(table)
    place = table.schema.get_field_index("label")
    return table.set_column(place, table.schema.field(place), pa.array(other, table.schema.field(place).type))


def exchanged(table: pa.Table, items: Literal["train", "test"]) -> pa.Table:
    """A tidy table in which the items to learn from are those for training, as they are, or those for testing."""
    if items == "train":
        return table
    is_train = pc.equal(table["split"], "train")
    place = table.schema.get_field_index("split")
    return table.set_column(place, table.schema.field(place), pc.if_else(is_train, "test", "train"))
