"""Tables in formats of the field that pandas does not read."""

from __future__ import annotations

import io
import re
from typing import IO

import pandas as pd

_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|[^\s{]+)", re.IGNORECASE)
_DATA = re.compile(r"^@data\s*$", re.IGNORECASE | re.MULTILINE)


def arff(text: str) -> pd.DataFrame:
    """Cells of a dense ARFF file, as Weka writes it; a question mark is an empty cell.

    Raises
    ------
    ValueError
        If there are no names of columns, or no data after them.
    """
    head, *rows = _DATA.split(text, maxsplit=1)
    names = [name.strip("'\"") for name in _ATTRIBUTE.findall(head)]
    if not names or not rows:
        raise ValueError("no @attribute or no @data")
    cells = {"names": names, "comment": "%", "quotechar": "'", "na_values": "?", "skipinitialspace": True}
    return pd.read_csv(io.StringIO(rows[0]), index_col=False, **cells)


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
