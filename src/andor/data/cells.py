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
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?")


def numbers_of(cells: pd.Series, decimal: str = ".") -> np.ndarray | None:
    """Numbers (rows,) float64 that the cells of a column are or are written as; None if they are texts.

    Dates become days since 1970, spans of time days. Texts are numbers if all are: with signs, a currency, thousands
    parted by threes, an exponent, or all of them with a percent sign; and if all are dates of ISO 8601.

    Parameters
    ----------
    decimal
        What stands before the decimals in texts, full stop or comma; the other one parts thousands.

    Raises
    ------
    UserError
        If most of many texts are numbers, but not all.
    """
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return None
    if pd.api.types.is_numeric_dtype(cells):
        return cells.to_numpy(np.float64)
    if (cells.map(type) == pd.Timedelta).all():
        return (cells / pd.Timedelta(days=1)).to_numpy(np.float64)
    if cells.map(lambda cell: isinstance(cell, (Real, Decimal))).all():
        return cells.map(float).to_numpy(np.float64)
    texts = cells.astype(str).str.strip()
    if isinstance(cells.dtype, pd.DatetimeTZDtype) or texts.map(lambda text: bool(_DATE.fullmatch(text))).all():
        try:
            days = pd.to_datetime(cells, format="ISO8601", utc=True) - pd.Timestamp(0, tz="UTC")
        except ValueError as error:
            raise UserError(f"column `{cells.name}` holds no date ({first_line(error)}); mend it") from None
        return (days / pd.Timedelta(days=1)).to_numpy(np.float64)
    return _written(texts, decimal)


def _written(texts: pd.Series, decimal: str) -> np.ndarray | None:
    """Numbers that texts are written as, if they all are."""
    known = {text: _number(text, decimal) for text in texts.unique()}
    unfit = [text for text, number in known.items() if number is None]
    percent = {text.endswith("%") for text in known}
    if not unfit and len(percent) == 1:
        return texts.map(known).to_numpy(np.float64)
    if len(known) > MOST and len(unfit) < len(known) / 2:
        said = f"cells such as {unfit[0]!r} are no numbers" if unfit else "some cells have a percent sign"
        raise UserError(f"column `{texts.name}`: most cells are numbers, {said}; mend them, or name other features")
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
