"""What is said of an ensemble in all samples together: is more shared than by accident, and what can be listed?"""

from __future__ import annotations

from typing import Any

import pandas as pd

SUPPOSED = {
    "agree": "if the players of one model had names at random",
    "combinations": "if the same players mattered, but came together by accident",
    "exchange": "if one model were shown other samples",
}
"""Claims, and what the null hypothesis of each says."""


def sentences(agreement: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """A first sentence and one for each claim, by method and ensemble, from the table `agreement`."""
    said: dict[str, dict[str, list[str]]] = {}
    for (method, ensemble), own in agreement.groupby(["method", "ensemble"], sort=False):
        claims = own.drop_duplicates("claim")  # the least order comes first, that of the list
        said.setdefault(str(method), {})[str(ensemble)] = [_shared(claims.iloc[0]), *map(_claim, claims.itertuples())]
    return said


def _shared(row: pd.Series) -> str:
    samples = "the one sample" if row["samples"] == 1 else f"all {row['samples']} samples together"
    return f"In {samples}, {_counted(row['shared'])} salient in every model with one sign. How many are accidents?"


def _counted(number: int) -> str:
    return "1 interaction is" if number == 1 else f"{number:,} interactions are"


def _claim(row: Any) -> str:
    """How many a null hypothesis expects, and how many can be listed, or why none."""
    supposed = SUPPOSED[row.claim]
    if pd.isna(row.expected):
        return f"{supposed.capitalize()}: not known, as {row.why}."
    of = f"{row.expected:,.1f} of {row.shared:,}{' of two players and more' if row.least_order == 2 else ''}"
    chance = "" if pd.isna(row.p) else f" (p = {row.p:.3f})"
    named = (
        f"{row.listed:,.0f} can be listed, at most {row.rate:.0%} of them accidents" if row.listed else _none(row.why)
    )
    return f"{supposed.capitalize()}: {of} are expected{chance}; {named}."


def _none(why: str) -> str:
    return f"none can be listed: {why}"
