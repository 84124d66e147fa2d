"""Measures of overlap: what they are of, and what tables, findings and figures call them."""

from __future__ import annotations

from dataclasses import dataclass

SUMMARY_PERCENTS = (1, 5, 10)
"""Strongest interactions of a kind that are compared, of 2^n."""
STRONGEST = 10
"""Strongest interactions of a kind that are compared beside these."""
SALIENT, ALL = "salient", "all"
SETS = (SALIENT, *(f"{percent} %" for percent in SUMMARY_PERCENTS), f"{STRONGEST} strongest")
"""Sets of interactions whose overlap is measured."""


@dataclass(frozen=True)
class Measure:
    """A measure of overlap.

    Attributes
    ----------
    name : of the function in `andor.analysis.overlap.OVERLAPS`
    of : the set that is measured, or all interactions
    label : what figures and findings call it
    drawn, reported, sized : whether it is in figures, in findings, and in the table of sample sizes
    """

    name: str
    of: str
    label: str = ""
    drawn: bool = False
    reported: bool = False
    sized: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Its columns `measure` and `of`."""
        return self.name, self.of


MEASURES = (
    Measure("power", "salient", "salient", drawn=True, reported=True, sized=True),
    Measure("signed power", "salient"),
    Measure("power", "1 %"),
    Measure("signed power", "1 %"),
    Measure("power", "5 %", "strongest 5 %", drawn=True),
    Measure("signed power", "5 %"),
    Measure("power", "10 %", "strongest 10 %", drawn=True, reported=True),
    Measure("signed power", "10 %"),
    Measure("power", "10 strongest", "10 strongest", drawn=True),
    Measure("signed power", "10 strongest", "10 strongest, same sign", drawn=True, reported=True, sized=True),
    Measure("jaccard", "all", "weighted Jaccard", drawn=True, sized=True),
    Measure("cosine", "all", "cosine of strengths", drawn=True),
)
"""All of them, in the order of tables, findings and figures."""
