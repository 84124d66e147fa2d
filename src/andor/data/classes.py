"""Classes of items: the labels that models read, and what people call them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from andor.data.reader import against
from andor.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 10
"""Classes that a message lists."""
MOST = int(np.iinfo(np.int16).max) + 1
"""Classes that labels can number from 0."""
_WHOLE = re.compile(r"[+-]?\d+(?:\.0*)?")
"""A whole number as files write it."""


class Classes(NamedTuple):
    """Labels of items, and the names of their classes.

    Attributes
    ----------
    labels : shape (rows,), int16; or float64, numbers that are to be predicted
    names : of the labels 0, 1, …; none where classes are known by number alone
    """

    labels: np.ndarray
    names: list[str]

    def against_rest(self, positive: int | str | None, origin: str, said: object = None) -> Classes:
        """Label 1 for one class, by its name or number, and 0 for the rest; all as they are if it is None.

        Raises
        ------
        UserError
            If no item or every item is of that class; ``origin`` and ``said`` name data and class.
        """
        if positive is None:
            return self
        unknown = -1 if isinstance(positive, str) else positive
        number = self.names.index(positive) if positive in self.names else unknown
        labels = (self.labels == number).astype(np.int16)
        known = self.names or sorted(set(self.labels.tolist()))
        if not 0 < labels.sum() < len(labels):
            raise UserError(
                f"`data.positive: {positive if said is None else said}`: {labels.sum()} of {len(labels)} items of "
                f"{origin} are of that class; choose one of {known[:SHOWN]}"
            )
        return Classes(labels, against(self.names, self.names[number] if self.names else str(number)))


def by_number(cells: Sequence[Any], origin: str, column: str = "label", names: Sequence[str] = ()) -> Classes:
    """Classes of a column: whole numbers are labels as they are, names are numbered in their order.

    Parameters
    ----------
    names
        Names of the classes that are numbers, where the file states them.

    Raises
    ------
    UserError
        If a class is missing, negative (as data sets write labels that they hide) or neither name nor whole number.
    """
    cells = [cell.strip() if isinstance(cell, str) else cell for cell in cells]
    _check_filled(cells, origin, column)
    if all(isinstance(cell, bool) for cell in cells):
        names = names or ["false", "true"]
    if all(isinstance(cell, str) for cell in cells) and not all(map(_WHOLE.fullmatch, cells)):
        names = sorted(set(cells))
        if len(names) > max(SHOWN, len(cells) / 2):
            raise UserError(f"{origin}: column `{column}` has {len(names)} names in {len(cells)} rows; name one of few")
        cells = list(map({name: number for number, name in enumerate(names)}.get, cells))
    if unfit := [cell for cell in cells if not _is_whole(cell)]:
        raise UserError(f"{origin}: column `{column}` holds {unfit[0]!r}; name one of names or whole numbers")
    numbers = [int(float(cell)) for cell in cells]
    if hidden := sum(number < 0 for number in numbers):
        raise UserError(
            f"{origin}: column `{column}` holds {min(numbers)}, in {hidden} rows negative numbers, which stand for "
            "hidden labels; use another split or leave these rows out"
        )
    if (largest := max(numbers, default=0)) >= MOST:
        raise UserError(f"{origin}: column `{column}` holds {largest}; number the classes from 0")
    if names and largest >= len(names):
        raise UserError(f"{origin}: column `{column}` holds {largest} and the file names {len(names)} classes; mend it")
    return Classes(np.array(numbers, np.int16), list(names))


def by_order(cells: Sequence[Any]) -> Classes:
    """Classes of a column of any values, numbered in the order of these: what tables have.

    Raises
    ------
    UserError
        If there are more than labels can number.
    """
    try:
        known = sorted(set(cells))
    except TypeError:  # texts among numbers
        known = sorted(set(cells), key=str)
    if len(known) > MOST:
        raise UserError(f"the data have {len(known)} classes, of which {MOST} at most can be numbered; use fewer")
    place = {value: number for number, value in enumerate(known)}
    return Classes(np.array([place[cell] for cell in cells], np.int16), [named(value) for value in known])


def to_predict(cells: Sequence[Any] | pd.Series, origin: str, column: str, decimal: str = ".") -> Classes:
    """The numbers of a column that are to be predicted, whatever notation they are in.

    Raises
    ------
    UserError
        If a number is missing or not finite, or all are the same.
    """
    import pandas as pd

    from andor.data.cells import numbers_of

    series = pd.Series(cells, name=column)
    present = [cell.strip() if isinstance(cell, str) else cell for cell in series.dropna()]
    _check_filled(present + [None] * int(series.isna().sum()), origin, column)
    numbers = numbers_of(series, decimal)
    if numbers is None or not np.isfinite(numbers).all():
        raise UserError(f"{origin}: column `{column}` holds what is no number; name another, or mend it")
    if numbers.min() == numbers.max():
        raise UserError(f"{origin}: column `{column}` holds {numbers[0]:g} in all rows; name another")
    return Classes(numbers, [])


def label_of(table: pa.Table, name: int | str) -> int:
    """The label that a number or the name of a class means in tidy data.

    Raises
    ------
    UserError
        If it is no class of theirs.
    """
    names = class_names(table)
    if isinstance(name, int):
        return name
    if name not in names:
        known = ", ".join(names[:SHOWN]) or "numbers alone"
        raise UserError(f"`samples.label: {name}` is none of the data's classes; they have {known}")
    return names.index(name)


def class_names(table: pa.Table) -> list[str]:
    """Names of the labels 0, 1, … of tidy data; none where classes are known by number alone."""
    return json.loads((table.schema.metadata or {}).get(b"classes", b"[]"))


def _check_filled(cells: Sequence[Any], origin: str, column: str) -> None:
    """Refuse a column of labels that has empty cells."""
    if empty := sum(cell is None or cell == "" for cell in cells):
        raise UserError(f"{origin}: column `{column}` has {empty} empty cells; fill them or leave these rows out")


def _is_whole(cell: Any) -> bool:
    try:
        return float(cell).is_integer()
    except (TypeError, ValueError):
        return False


def named(value: object) -> str:
    """What a value is called; a whole number the same whatever its type."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)
