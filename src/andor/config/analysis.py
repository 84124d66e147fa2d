"""The keys `analysis` and `nulls`: what the tables count, and what every overlap is compared with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from andor.settings import Closed, PositiveFloat, PositiveInt


class Salience(Closed):
    """When an interaction counts as salient."""

    rule: Literal["sample", "pooled", "output"] = "sample"
    """Against the sample's largest merged strength; the largest of all samples; or the mean |v(N) − v(∅)|."""
    threshold: PositiveFloat = 0.05
    """Share of that above which |I| is salient."""


class Analysis(Closed):
    """What the tables count."""

    salience: Salience = Salience()
    """The rule of salience."""
    strongest: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)] = [
        0.01,
        0.02,
        0.05,
        0.1,
        0.15,
        0.2,
        0.25,
        0.3,
        0.35,
        0.4,
        0.45,
    ]
    """How many of the strongest interactions of a kind are compared, as shares of 2^n."""
    listed: PositiveInt = 50
    """Strongest interactions of a kind listed by name for each sample, beside all that are shared."""
    draws: Annotated[int, Field(ge=100, le=10**6)] = 1000
    """Bootstrap draws over samples behind each 95 % interval."""


class Nulls(Closed):
    """Null games, from the same masked outputs: how much would networks share if nothing in them corresponded?"""

    renamings: Annotated[int, Field(ge=0, le=1000)] = 3
    """Draws in which the players of one model, of each in turn, get other names."""
    exchanges: Annotated[int, Field(ge=0, le=1000)] = 1
    """Draws in which all models but the first show the outputs of other samples of the task."""
