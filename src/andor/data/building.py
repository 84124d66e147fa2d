"""What tidy tables are built of: labels, splits and the columns (see `andor.data`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.data.cells import features_of
from andor.data.classes import Classes
from andor.data.table import FILE, ROW
from andor.errors import UserError


def tidy(
    items: Iterable[int],
    split: Iterable[str],
    labels: Iterable[int] | np.ndarray,
    content: np.ndarray | Iterable[str],
    kind: str = "text",
    columns: Mapping[str, list[int]] | None = None,
    parts: np.ndarray | None = None,
    frame: pd.DataFrame | None = None,
    classes: Sequence[str] = (),
    files: Sequence[bytes | None] | None = None,
) -> pa.Table:
    """The tidy table; ``content`` is texts, or an array (rows, …) of a kind in `andor.data.table.ARRAYS`.

    ``frame`` holds the rows that features were made of, ``files`` those of images, ``classes`` the names of the labels.
    Labels are numbers of classes, or an array of floats that are to be predicted.
    """
    numeric = isinstance(labels, np.ndarray) and np.issubdtype(labels.dtype, np.floating)
    metadata = {"classes": json.dumps(classes)} if classes else {}
    table = {
        "item": pa.array(list(items), pa.int32()),
        "split": pa.array(list(split), pa.string()),
        "label": pa.array(list(labels), pa.float64() if numeric else pa.int16()),
    }
    if kind == "text":
        table["text"] = pa.array(list(content), pa.string())
        return pa.table(table).replace_schema_metadata(metadata or None)
    shape = content.shape[1:]
    flat = pa.array(np.ascontiguousarray(content, np.float32).ravel())
    table[kind] = pa.FixedSizeListArray.from_arrays(flat, int(np.prod(shape)))
    if parts is not None:
        table["part"] = pa.FixedSizeListArray.from_arrays(pa.array(parts.ravel()), parts.shape[1])
    if frame is not None:
        table[ROW] = as_they_are(frame)
    if files is not None:
        table[FILE] = pa.array(files, pa.binary())
    metadata["shape"] = json.dumps(shape)
    if columns is not None:
        metadata["columns"] = json.dumps(columns)
    return pa.table(table).replace_schema_metadata(metadata)


def tidy_features(
    frame: pd.DataFrame,
    classes: Classes,
    test_fraction: float,
    seed: int,
    decimal: str = ".",
    missing: str = "refuse",
) -> pa.Table:
    """The tidy table of features: numbers standardised by the training rows, an indicator for each other value.

    Parameters
    ----------
    classes
        Labels; those without names may be numbers that are to be predicted.
    missing
        What becomes of empty cells: see `andor.data.cells.features_of`.
    """
    labels, names = classes
    split = stratified_split(labels, test_fraction, seed)
    train = split == "train"
    columns: dict[str, list[int]] = {}
    encoded: list[np.ndarray] = []
    for name, cells in frame.items():
        own = features_of(cells, train, decimal, missing)
        columns[str(name)] = list(range(len(encoded), len(encoded) + len(own)))
        encoded += own
    features = np.stack(encoded, axis=1).astype(np.float32)
    return tidy(range(len(labels)), split, labels, features, "features", columns=columns, frame=frame, classes=names)


def as_they_are(frame: pd.DataFrame) -> pa.StructArray:
    """Rows of a table with the types of its columns; a column whose cells are of several types is one of texts."""

    def column(cells: pd.Series) -> pa.Array:
        try:
            array = pa.array(cells, from_pandas=True)
        except (pa.ArrowException, OverflowError):  # a whole number beyond 64 bits
            array = pa.array(cells.astype(str))
        return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array

    return pa.StructArray.from_arrays([column(cells) for _, cells in frame.items()], list(map(str, frame.columns)))


def stratified_split(labels: np.ndarray, test_fraction: float, seed: int) -> np.ndarray:
    """``train`` or ``test`` for each item, in equal shares of each label; of labels that are floats, without strata."""
    if np.issubdtype(labels.dtype, np.floating):
        labels = np.zeros(len(labels), np.int16)
    test = stratified(labels, test_fraction, seed, f"test_fraction: {test_fraction}")
    return np.where(np.isin(np.arange(len(labels)), test), "test", "train")


def within_limit(split: np.ndarray, labels: np.ndarray, limit: int | None, seed: int) -> np.ndarray:
    """Positions of the items without those for training beyond a limit, drawn in equal shares of each label."""
    train = np.flatnonzero(split == "train")
    if limit is None or limit >= len(train):
        return np.arange(len(split))
    dropped = train[stratified(labels[train], len(train) - limit, seed, f"train_limit: {limit}")]
    return np.setdiff1d(np.arange(len(split)), dropped)


def stratified(labels: np.ndarray, size: int | float, seed: int, key: str) -> np.ndarray:
    """Positions of a number or share of the items, drawn in equal shares of each label; ``key`` asks for it."""
    from sklearn.model_selection import train_test_split  # takes seconds to import, and most need none of it

    try:
        return train_test_split(np.arange(len(labels)), test_size=size, random_state=seed, stratify=labels)[1]
    except ValueError as error:
        known, sizes = np.unique(labels, return_counts=True)
        counts = " and ".join(f"{size} of label {label}" for label, size in zip(known, sizes, strict=True))
        counts = counts.replace(" of", " items of", 1)
        raise UserError(f"`data.{key}` does not fit {counts} ({error}); change it") from None
