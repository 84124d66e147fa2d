"""Tables in formats of the field that pandas does not read."""

from __future__ import annotations

import io
import re
import warnings
from typing import IO, Any

import pandas as pd

_ATTRIBUTE = re.compile(r"^[ \t]*@attribute[ \t]+('[^']*'|\"[^\"]*\"|[^\s{]+)", re.IGNORECASE | re.MULTILINE)
_DATA = re.compile(r"^[ \t]*@data[ \t]*(?:%.*)?$", re.IGNORECASE | re.MULTILINE)
_SPARSE = re.compile(r"^[ \t]*\{", re.MULTILINE)


def delimited(file: IO[Any], **form: Any) -> pd.DataFrame:
    """Cells of a delimited file, of types that pandas finds; ``form`` says how it is written, as `read_csv` takes it.

    Raises
    ------
    ValueError
        If rows have more cells than there are names of columns: pandas would take the first ones for names of rows.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(file, index_col=False, skipinitialspace=True, **form)
        except pd.errors.ParserWarning:
            raise ValueError("rows have more cells than there are names of columns") from None


def arff(text: str) -> pd.DataFrame:
    """Cells of a dense ARFF file, as Weka writes it; a question mark is an empty cell.

    Raises
    ------
    ValueError
        If there are no names of columns, no data after them, or data of the sparse kind.
    """
    head, *rows = _DATA.split(text, maxsplit=1)
    names = [name.strip("'\"") for name in _ATTRIBUTE.findall(head)]
    if not names or not rows:
        raise ValueError("no @attribute or no @data")
    if _SPARSE.search(rows[0]):
        raise ValueError("its rows {…} are sparse; write dense ones")
    return delimited(io.StringIO(rows[0]), names=names, comment="%", quotechar="'", na_values="?")


def svmlight(file: IO[bytes]) -> pd.DataFrame:
    """Columns `label`, `f1`, `f2`, … of a file of svmlight; what a row does not name is 0.

    Raises
    ------
    ValueError
        If a row is none of that format.
    """
    from sklearn.datasets import load_svmlight_file

    values, labels = load_svmlight_file(file)
    frame = pd.DataFrame(values.toarray(), columns=[f"f{number}" for number in range(1, values.shape[1] + 1)])
    frame.insert(0, "label", labels)
    return frame
