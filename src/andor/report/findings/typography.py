"""How findings are written: tables, numbers, intervals, and words of the user's."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Table of cells as they stand."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plain(text: str) -> str:
    """Words of the user's as one paragraph that is read as it stands: what marks something up becomes an entity."""
    marks = r"[\\`*_\[\]<>&#|~$]|^[-+=]|^\d+[.)]"
    return re.sub(marks, lambda mark: f"{mark[0][:-1]}&#{ord(mark[0][-1])};", " ".join(text.split()))


def number(value: float) -> str:
    """A share in two digits without a leading 0."""
    return "–" if pd.isna(value) else f"{value:.2f}".removeprefix("0")


def interval(value: float, low: float, high: float) -> str:
    """A share with its interval."""
    return f"{number(value)} [{number(low)}, {number(high)}]"


def signed(value: float, low: float, high: float) -> str:
    """A difference with its interval."""
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def range_(low: float, high: float) -> str:
    """From one number to another one, or one of them if they are the same."""
    if pd.isna(low):
        return "–"
    return f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"
