"""What tidy tables are built of: labels, splits and the columns (see `andor.data`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.data.cells import numbers_of, values_of
from andor.errors import UserError


def tidy(
    items: Iterable[int],
    split: Iterable[str],
    labels: Iterable[int] | np.ndarray,
    content: np.ndarray | Iterable[str],
    kind: str = "text",
    columns: Mapping[str, list[int]] | None = None,
    parts: np.ndarray | None = None,
) -> pa.Table:
    """The tidy table; ``content`` is texts, or an array (rows, …) of a kind in `andor.data.table.ARRAYS`.

    Labels are numbers of classes, or an array of floats that are to be predicted.
    """
    numeric = isinstance(labels, np.ndarray) and np.issubdtype(labels.dtype, np.floating)
    table = {
        "item": pa.array(list(items), pa.int32()),
        "split": pa.array(list(split), pa.string()),
        "label": pa.array(list(labels), pa.float64() if numeric else pa.int16()),
    }
    if kind == "text":
        return pa.table(table | {"text": pa.array(list(content), pa.string())})
    shape = content.shape[1:]
    flat = pa.array(np.ascontiguousarray(content, np.float32).ravel())
    table[kind] = pa.FixedSizeListArray.from_arrays(flat, int(np.prod(shape)))
    if parts is not None:
        table["part"] = pa.FixedSizeListArray.from_arrays(pa.array(parts.ravel()), parts.shape[1])
    more = {} if columns is None else {"columns": json.dumps(columns)}
    return pa.table(table).replace_schema_metadata({"shape": json.dumps(shape)} | more)


def tidy_features(
    frame: pd.DataFrame, labels: np.ndarray, test_fraction: float, seed: int, decimal: str = "."
) -> pa.Table:
    """The tidy table of features: numbers standardised by the training rows, an indicator for each other value."""
    split = stratified_split(labels, test_fraction, seed)
    train = split == "train"
    columns: dict[str, list[int]] = {}
    encoded: list[np.ndarray] = []
    for name, cells in frame.items():
        if cells.isna().any():
            raise UserError(f"column `{name}` has {cells.isna().sum()} empty cells; fill them or name other features")
        numbers = numbers_of(cells, decimal)
        if numbers is not None:
            spread = numbers[train].std()
            own = [(numbers - numbers[train].mean()) / (spread if spread > 0 else 1.0)]
        else:
            texts = cells.astype(str)
            own = [(texts == value).to_numpy(np.float64) for value in values_of(texts, train)]
        columns[str(name)] = list(range(len(encoded), len(encoded) + len(own)))
        encoded += own
    features = np.stack(encoded, axis=1).astype(np.float32)
    if not np.isfinite(features).all():
        raise UserError("the table holds numbers that are not finite; mend them")
    return tidy(range(len(labels)), split, labels, features, "features", columns=columns)


def class_labels(
    classes: np.ndarray, positive: int | None, origin: str, said: object = None, known: list | None = None
) -> np.ndarray:
    """Class numbers as they are, or 1 for one class and 0 for the rest; int16."""
    if positive is None:
        return classes.astype(np.int16)
    labels = (classes == positive).astype(np.int16)
    if not 0 < labels.sum() < len(labels):
        raise UserError(
            f"`data.positive: {positive if said is None else said}`: {labels.sum()} of {len(labels)} items of {origin} "
            f"are of that class; choose one of {(known or sorted(set(classes.tolist())))[:10]}"
        )
    return labels


def numbered(
    classes: pa.ChunkedArray, positive: int | str | None, origin: str, names: Sequence[str] = ()
) -> np.ndarray:
    """Labels (rows,) int16 of a column of classes: numbers as they are, names numbered in their order.

    Parameters
    ----------
    positive
        The class, by number or name, that is label 1 against the rest; None for all classes.
    names
        Names of the classes that are numbers, where the file states them.

    Raises
    ------
    UserError
        If a class is missing, negative (as data sets write labels that they hide) or neither name nor whole number.
    """
    listed = classes.to_pylist()
    if empty := classes.null_count:
        raise UserError(f"{origin}: column `label` has {empty} empty cells; fill them or leave these rows out")
    known = list(names)
    if all(isinstance(name, str) for name in listed):
        known = sorted(set(listed))
        listed = list(map({name: number for number, name in enumerate(known)}.get, listed))
    if unfit := [label for label in listed if isinstance(label, str) or not float(label).is_integer()]:
        raise UserError(f"{origin}: column `label` holds {unfit[0]!r}; name one of names or whole numbers")
    numbers = np.array(listed, np.int64)
    if hidden := int((numbers < 0).sum()):
        raise UserError(
            f"{origin}: column `label` holds {numbers.min()}, in {hidden} rows negative numbers, which stand for "
            "hidden labels; use another split or leave these rows out"
        )
    if numbers.max(initial=0) > np.iinfo(np.int16).max:
        raise UserError(f"{origin}: column `label` holds {numbers.max()}; number the classes from 0")
    if isinstance(positive, str) and positive in known:
        return class_labels(numbers, known.index(positive), origin, positive, known)
    return class_labels(numbers, -1 if isinstance(positive, str) else positive, origin, positive, known or None)


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
