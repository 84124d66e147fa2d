"""Numbers in the notations of people: what the cells of a table's column say."""

from __future__ import annotations

import re
from decimal import Decimal
from numbers import Real

import numpy as np
import pandas as pd

from andor.errors import UserError
from andor.files import first_line

MOST = 10
"""Values that a column of texts may have, whatever the number of rows."""
_SPACES = r"\s'’_"
"""What parts thousands in any notation, beside comma or full stop."""
_ZONE = r"(?:Z|[+-]\d\d(?::?\d\d)?)?"
_DATE = re.compile(rf"\d{{4}}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?{_ZONE})?")
_TIME = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?")
_MARKS = re.compile(
    r"|[?*.–—-]|\.\.|n/?a|nan|null|none|nil|missing|unknown|#(?:n/a|null!|num!|ref!|name\?|value!|div/0!)",
    re.IGNORECASE,
)
"""What stands in a column of numbers for one that is not there, spreadsheets' errors too."""


def features_of(cells: pd.Series, train: np.ndarray, decimal: str = ".", missing: str = "refuse") -> list[np.ndarray]:
    """What models read of a column, each (rows,) float64: numbers standardised, or an indicator for each value.

    Parameters
    ----------
    train
        Rows that means, spreads and values are taken from, bool (rows,).
    missing
        Empty cells are refused (`refuse`); or become the mean, or the most frequent value (`fill`); or that mean with
        an indicator of its own beside it, or a value of its own (`indicator`). Rows with some are left out before
        (`drop`).

    Raises
    ------
    UserError
        If cells are empty, numbers are not finite, or most rows have a text of their own.
    """
    if (empty := int(cells.isna().sum())) and missing == "refuse":
        raise UserError(
            f"column `{cells.name}` has {empty} empty cells; fill them, name other features, or set `data.missing`"
        )
    if empty == len(cells):
        raise UserError(f"column `{cells.name}` is empty; name other features")
    numbers = numbers_of(cells, decimal, marks=missing != "refuse")
    if numbers is None:
        return _indicators(cells, train, missing)
    present = ~np.isnan(numbers)
    if not np.isfinite(numbers[present]).all():
        raise UserError(f"column `{cells.name}` holds numbers that are not finite; mend them, or name other features")
    if not (present & train).any():
        raise UserError(f"column `{cells.name}` has no number in any training row; name other features")
    mean, spread = numbers[present & train].mean(), numbers[present & train].std()
    standardised = (np.where(present, numbers, mean) - mean) / (spread if spread > 0 else 1.0)
    if missing == "indicator" and not present.all():
        return [standardised, (~present).astype(np.float64)]
    return [standardised]


def is_empty(cells: pd.Series, decimal: str = ".") -> np.ndarray:
    """Which cells of a column, bool (rows,), are empty, or a mark such as ``?`` among numbers."""
    empty = cells.isna().to_numpy()
    numbers = None if empty.all() else numbers_of(cells, decimal, marks=True)
    return empty if numbers is None else np.isnan(numbers)


def _indicators(cells: pd.Series, train: np.ndarray, missing: str) -> list[np.ndarray]:
    """An indicator for each value of a column of texts, and, where it is asked for, for those that are empty."""
    texts, empty = _texts(cells), cells.isna().to_numpy()
    if missing == "fill" and empty.any():
        texts = texts.mask(cells.isna(), texts[train & ~empty].mode().iloc[0])
        empty = np.zeros_like(empty)
    own = [(texts == value).to_numpy(np.float64) * ~empty for value in values_of(texts[~empty], train[~empty])]
    return [*own, empty.astype(np.float64)] if empty.any() else own


def numbers_of(cells: pd.Series, decimal: str = ".", marks: bool = False) -> np.ndarray | None:
    """Numbers (rows,) float64 that the cells of a column are or are written as; None if they are texts.

    Dates become days since 1970, times and spans of time days. Texts are numbers if all are: with signs, a currency,
    thousands parted by threes, an exponent, or all of them with a percent sign; and if all are dates of ISO 8601, or
    all times. Empty cells are nan.

    Parameters
    ----------
    decimal
        What stands before the decimals in texts, full stop or comma; the other one parts thousands.
    marks
        Whether texts such as ``?`` and ``n/a`` among numbers are empty cells.

    Raises
    ------
    UserError
        If most of many texts are numbers, but not all.
    """
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return None
    present = cells.dropna()
    found = _numbers(present, decimal, marks)
    if found is None:
        return None
    return pd.Series(found, present.index).reindex(cells.index).to_numpy(np.float64)


def _numbers(cells: pd.Series, decimal: str, marks: bool) -> np.ndarray | None:
    """Numbers of cells that are not empty."""
    if pd.api.types.is_numeric_dtype(cells):
        return cells.to_numpy(np.float64)
    if (cells.map(type) == pd.Timedelta).all():
        return (cells / pd.Timedelta(days=1)).to_numpy(np.float64)
    if cells.map(lambda cell: isinstance(cell, (Real, Decimal))).all():
        return cells.map(float).to_numpy(np.float64)
    texts = _texts(cells).str.strip()
    if isinstance(cells.dtype, pd.DatetimeTZDtype) or texts.map(lambda text: bool(_DATE.fullmatch(text))).all():
        try:
            days = pd.to_datetime(cells, format="ISO8601", utc=True) - pd.Timestamp(0, tz="UTC")
        except ValueError as error:
            raise UserError(f"column `{cells.name}` holds no date ({first_line(error)}); mend it") from None
        return (days / pd.Timedelta(days=1)).to_numpy(np.float64)
    if len(times := texts.map(_TIME.fullmatch)) and times.notna().all():
        return times.map(_of_day).to_numpy(np.float64)
    return _written(texts, decimal, marks)


def _texts(cells: pd.Series) -> pd.Series:
    """Cells as texts; bytes too, as old files have them."""
    return cells.map(lambda cell: cell.decode(errors="backslashreplace") if isinstance(cell, bytes) else cell).astype(
        str
    )


def _of_day(time: re.Match[str]) -> float:
    """A time as a share of the day."""
    hours, minutes, seconds = (float(part or 0) for part in time.groups())
    return (hours + minutes / 60 + seconds / 3600) / 24


def _written(texts: pd.Series, decimal: str, marks: bool) -> np.ndarray | None:
    """Numbers that texts are written as, if they all are."""
    known = {text: _number(text, decimal) for text in texts.unique()}
    unfit = [text for text, number in known.items() if number is None]
    if marks and len(unfit) < len(known) and all(map(_MARKS.fullmatch, unfit)):
        known |= dict.fromkeys(unfit, np.nan)
        unfit = []
    percent = {text.endswith("%") for text, number in known.items() if number is None or not np.isnan(number)}
    if not unfit and len(percent) == 1:
        return texts.map(known).to_numpy(np.float64)
    if len(known) > MOST and len(unfit) < len(known) / 2:
        said = f"cells such as {unfit[0]!r} are no numbers" if unfit else "some cells have a percent sign"
        fix = ", or set `data.missing`" if unfit and all(map(_MARKS.fullmatch, unfit)) else ""
        raise UserError(
            f"column `{texts.name}`: most cells are numbers, {said}; mend them, or name other features{fix}"
        )
    return None


def _number(text: str, decimal: str) -> float | None:
    """The number that a text is written as, if it is one."""
    mark, comma = re.escape(decimal), re.escape("." if decimal == "," else ",")
    text = re.sub(r"^\((.*)\)$", r"-\1", text.replace("−", "-"))  # a loss as bookkeepers write it
    text = re.sub(r"[$€£¥₹]", "", text).replace("%", "").strip().replace("- ", "-")
    whole = rf"(?:[1-9]\d{{0,2}}(?:[{_SPACES}{comma}]\d{{3}})+|\d+)"
    if not re.fullmatch(rf"[+-]?(?:{whole}(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?", text):
        return None
    return float(re.sub(rf"[{_SPACES}{comma}]", "", text).replace(decimal, "."))


def values_of(cells: pd.Series, train: np.ndarray) -> list[str]:
    """The values of a column of texts in the training rows, each of which becomes an indicator.

    Raises
    ------
    UserError
        If most rows have a value of their own.
    """
    known = sorted(cells[train].unique())
    if len(known) > max(MOST, train.sum() / 2):
        raise UserError(
            f"column `{cells.name}` has {len(known)} different texts in {train.sum()} rows, such as {known[0]!r}; name "
            "other features, or set `data.decimal` if they are numbers"
        )
    return known
