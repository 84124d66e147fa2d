"""Training data made worse on purpose: labels replaced, features shuffled among items; test items stay as they are."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from andor.data.table import array_column, arrays, is_numeric
from andor.models.settings import Corruption


def corrupted(table: pa.Table, corruption: Corruption, seed: int) -> pa.Table:
    """A tidy table with training rows that are corrupted in part; a larger share corrupts the same rows, and more.

    Parameters
    ----------
    table
        With the labels that are to be learned.
    corruption
        Share of the training labels that give way to another label, drawn evenly among the others (to that of another
        item, where labels are numbers); and share of the training items that, in each feature anew, exchange their
        values among each other. A feature is a column of a table with all its indicators, a pixel with all its
        channels, a point of a cloud.
    """
    train = np.flatnonzero(np.asarray(table["split"].to_pylist()) == "train")
    random = np.random.default_rng(seed)
    if corruption.labels:
        place = table.schema.get_field_index("label")
        labels = _replaced(table["label"].to_numpy().copy(), train, corruption.labels, is_numeric(table), random)
        table = table.set_column(place, table.schema.field(place), pa.array(labels, table.schema.field(place).type))
    if corruption.features:
        name = array_column(table)
        values = arrays(table).reshape(len(table), -1).copy()
        for feature in _features(table):
            rows = _first(train, corruption.features, random)
            values[np.ix_(rows, feature)] = values[np.ix_(np.roll(rows, 1), feature)]
        column = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


def _first(rows: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """A share of the rows, in random order: of two shares the smaller one has the first rows of the larger one."""
    return random.permutation(rows)[: round(share * len(rows))]


def _replaced(
    labels: np.ndarray, train: np.ndarray, share: float, numeric: bool, random: np.random.Generator
) -> np.ndarray:
    """Labels (rows,), those of a share of the training rows replaced by others."""
    known = labels[train] if numeric else np.unique(labels[train])
    place = {row: place for place, row in enumerate(train)} if numeric else {name: p for p, name in enumerate(known)}
    steps = random.integers(1, len(known), len(train))  # to another place among them
    rows = _first(train, share, random)
    own = np.array([place[row if numeric else labels[row]] for row in rows], int)
    labels[rows] = known[(own + steps[: len(rows)]) % len(known)]
    return labels


def _features(table: pa.Table) -> list[np.ndarray]:
    """Positions of each feature in the flattened arrays of a table."""
    shape = json.loads(table.schema.metadata[b"shape"])
    positions = np.arange(int(np.prod(shape)))
    if columns := json.loads(table.schema.metadata.get(b"columns", b"null")):
        return list(map(np.array, columns.values()))
    if array_column(table) == "image":
        return list(positions.reshape(shape[0], -1).T)
    return list(positions.reshape(shape[0], -1))
