"""The interactions of several models in the same samples, and what follows from them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from andor.analysis.overlap import OVERLAPS, same_sign
from andor.analysis.salience import salience_bound, shares_to_k
from andor.config import Salience
from andor.game.coalitions import Coalitions
from andor.game.interactions import Interactions
from andor.report.measures import ALL, MEASURES, SALIENT, STRONGEST, SUMMARY_PERCENTS, Measure


@dataclass(frozen=True, eq=False)
class Game:
    """The interactions of several models in one sample, and what follows from them.

    Sets of interactions are bool, (m, kinds, C); those that all models share (kinds, C).

    Attributes
    ----------
    interactions : merged
    standard : strength of which the bound of salience is a share, (m,)
    threshold : that share
    """

    interactions: Interactions
    standard: np.ndarray
    threshold: float

    @property
    def coalitions(self) -> Coalitions:
        """Those on which any model has an interaction, and maybe others."""
        return self.interactions.coalitions

    @property
    def strengths(self) -> np.ndarray:
        """I, the background at the empty coalition included, (m, kinds, C)."""
        return self.interactions.strengths

    @property
    def magnitude(self) -> np.ndarray:
        """|I|, the empty coalition left out, (m, kinds, C)."""
        return self.interactions.magnitude

    @property
    def bound(self) -> np.ndarray:
        """Strength above which an interaction is salient, (m,)."""
        return self.threshold * self.standard

    def salient_above(self, threshold: float) -> np.ndarray:
        """Which interactions would be salient by another threshold."""
        return self.interactions.salient(threshold * self.standard)

    @functools.cached_property
    def salient(self) -> np.ndarray:
        """Which are stronger than their bound."""
        return self.salient_above(self.threshold)

    @functools.cached_property
    def shared(self) -> np.ndarray:
        """Which are salient in every model, with one sign, (kinds, C)."""
        return self.salient.all(0) & self.agreed

    @functools.cached_property
    def agreed(self) -> np.ndarray:
        """Of which coalitions all models agree about the sign, (kinds, C)."""
        return same_sign(self.strengths)

    @functools.cached_property
    def compared(self) -> dict[str, np.ndarray]:
        """The sets whose overlap is measured, by name; shares of all 2^n coalitions where all were looked at."""
        n, strongest = self.coalitions.n, self.interactions.strongest
        percents = SUMMARY_PERCENTS if self.interactions.order is None else ()
        shares = {f"{percent} %": strongest(shares_to_k(percent / 100, n)) for percent in percents}
        every = self.magnitude > 0
        return {SALIENT: self.salient, **shares, f"{STRONGEST} strongest": strongest(STRONGEST), ALL: every}


@dataclass(frozen=True, eq=False)
class Games:
    """The interactions of several models in the same samples, one `Game` each."""

    samples: list[Game]

    @classmethod
    def of(
        cls, interactions: Sequence[Interactions], salience: Salience, output_range: np.ndarray | None = None
    ) -> Games:
        """Interactions of each sample under a rule of salience.

        Parameters
        ----------
        output_range : |v(N) - v(empty)|, shape (K, m), for the rule `output`
        """
        largest = np.array([one.magnitude.max((1, 2), initial=0) for one in interactions])
        standard = salience_bound(largest, salience.rule, 1.0, output_range)
        games = zip(interactions, standard, strict=True)
        return cls([Game(one, of_one, salience.threshold) for one, of_one in games])

    @property
    def players(self) -> int:
        """Number of players n of every sample, where all coalitions are known."""
        return self.samples[0].coalitions.n

    @property
    def most(self) -> int:
        """The largest order that was looked for."""
        return max(game.interactions.order or game.coalitions.n for game in self.samples)

    def each(self, measure: Callable[..., Any], *others: Sequence[Any]) -> np.ndarray:
        """What a function of a sample's game, and of what else is given of each sample, says of all; (K, ...)."""
        return np.array([measure(*of_sample) for of_sample in zip(self.samples, *others, strict=True)])

    @functools.cached_property
    def overlaps(self) -> dict[tuple[str, str], np.ndarray]:
        """Every measure of overlap, by its name and of what, (K, kinds) each."""

        def measured(name: str, of: str) -> np.ndarray:
            return self.each(lambda game: OVERLAPS[name](game.interactions, game.compared[of]))

        return {measure.key: measured(*measure.key) for measure in self.measures}

    @property
    def measures(self) -> list[Measure]:
        """Those whose sets there are."""
        return [measure for measure in MEASURES if measure.of in self.samples[0].compared]


def side_by_side(sets: Sequence[tuple[Coalitions, np.ndarray]]) -> tuple[Coalitions, np.ndarray]:
    """Sets or signs of all samples on the coalitions that are in any, (K, ..., C)."""
    first, *rest = (own.take((values != 0).any(tuple(range(values.ndim - 1)))) for own, values in sets)
    every = first.union(*rest)
    return every, np.stack([own.spread(values, every) for own, values in sets])
