"""All that several models share in some samples, and how much of it each null hypothesis expects by accident."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from andor.analysis import importance, placements
from andor.analysis.discovery import RATE, false_discovery_rates, mean_number, tail_probability
from andor.analysis.placements import Placed

DRAWS = 200
"""Draws of a null hypothesis behind the p-value of a number, where a draw needs no extraction."""


@dataclass(frozen=True, eq=False)
class Null:
    """What a null hypothesis expects to be shared by accident, if it holds of one of m models at a time.

    Attributes
    ----------
    total : number of all, shape (m,)
    expected : number at least as strong as each of the T shared interactions, shape (m, T)
    numbers : of all in each draw, an array for each model
    least : number that could be told from 0; 0 where what is expected is exact
    why : why there is no such null; empty if there is
    """

    total: np.ndarray
    expected: np.ndarray
    numbers: Sequence[np.ndarray]
    least: float = 0.0
    why: str = ""

    @classmethod
    def without(cls, why: str) -> Null:
        """No null."""
        return cls(np.zeros(0), np.zeros((0, 0)), [], math.nan, why)

    @classmethod
    def of_draws(cls, drawn: Sequence[Sequence[np.ndarray]], shared: np.ndarray) -> Null:
        """From draws of each model.

        Parameters
        ----------
        drawn : strengths of what is shared, for each model and draw; a model may have none
        shared : strengths of what is shared in truth, shape (T,)
        """
        every = [np.concatenate([np.zeros(0), *of_model]) for of_model in drawn]
        fewest = min(map(len, drawn))
        return cls(
            np.array(
                [len(one) / len(of_model) if of_model else math.inf for one, of_model in zip(every, drawn, strict=True)]
            ),
            np.stack([mean_number(one, len(of_model), shared) for one, of_model in zip(every, drawn, strict=True)]),
            [np.array([len(one) for one in of_model]) for of_model in drawn],
            1 / fewest if fewest else math.inf,
        )


@dataclass(frozen=True, eq=False)
class Family:
    """Salient interactions of m models: one family, over which a rate of false discoveries is held.

    Attributes
    ----------
    cells : of each sample and kind, for each model; strengths in shares of the model's standard of salience, so that
        models and samples compare
    """

    cells: Sequence[Sequence[Placed]]

    def of_orders(self, least: int, most: int | None = None) -> Family:
        """Those of an order or larger, up to one if it is given."""
        return Family([[own.of_orders(least, most) for own in cell] for cell in self.cells])

    @property
    def models(self) -> range:
        """Places of the models."""
        return range(len(self.cells[0]))

    @functools.cached_property
    def shared_by_cell(self) -> list[Placed]:
        """What all models have with one sign in each cell."""
        return [placements.shared_by(cell) for cell in self.cells]

    @functools.cached_property
    def shared(self) -> np.ndarray:
        """Least strengths over models of all that is shared, without signs, cell by cell; shape (T,)."""
        return np.concatenate([np.abs(cell.strengths) for cell in self.shared_by_cell])

    @functools.cached_property
    def _others(self) -> list[list[Placed]]:
        """What all models but one share in each cell, for each model."""
        return [[placements.shared_by([*cell[:i], *cell[i + 1 :]]) for cell in self.cells] for i in self.models]

    def by_cell(self, values: np.ndarray) -> list[np.ndarray]:
        """Values of all that is shared, (T,), for each cell."""
        return np.split(values, np.cumsum([len(cell.strengths) for cell in self.shared_by_cell])[:-1])

    def renaming(self, seed: int) -> Null:
        """Null of players with names at random."""
        random = np.random.default_rng(seed)

        def number(own: Placed, others: Placed, _: np.ndarray) -> np.ndarray:
            where = placements.renamed(own, DRAWS, random)
            return (placements.coincidences(where, own.strengths, others) > 0).sum(1)

        return self._placed(placements.of_any_name, number)

    def importance(self, seed: int) -> Null:
        """Null of coalitions that come together by accident, of players that matter."""
        if not all(importance.countable(own) for cell in self.cells for own in cell):
            return Null.without("the players that matter have too many coalitions to count")
        random = np.random.default_rng(seed)

        def number(own: Placed, others: Placed, on_each: np.ndarray) -> np.ndarray:
            return (random.random((DRAWS, len(on_each))) < on_each).sum(1)

        return self._placed(importance.occupied, number)

    def _placed(
        self,
        law: Callable[[Placed, Placed], np.ndarray],
        number: Callable[[Placed, Placed, np.ndarray], np.ndarray],
    ) -> Null:
        """From the number expected on each coalition of the others, and draws of the number of all that is shared."""
        bounds = np.append(0.0, self.shared)
        expected, numbers = np.zeros((len(self.models), len(bounds))), np.zeros((len(self.models), DRAWS))
        for model in self.models:
            for cell, others in zip(self.cells, self._others[model], strict=True):
                own = cell[model]
                if len(own.strengths) and len(others.strengths):
                    on_each = law(own, others)
                    expected[model] += placements.expected(own, others, on_each, bounds)
                    numbers[model] += number(own, others, on_each)
        return Null(expected[:, 0], expected[:, 1:], list(numbers))

    def exchange(self, kinds: int, seed: int) -> Null:
        """Null of a model that shows other samples: each other one in turn, and in the draws all in random order.

        Parameters
        ----------
        kinds : cells of a sample; they follow each other, sample after sample, with as many players in all
        """
        count, random = len(self.cells) // kinds, np.random.default_rng(seed)
        orders = random.permuted(np.broadcast_to(np.arange(count), (DRAWS, count)), axis=1)
        drawn, numbers = [], []
        for model in self.models:
            shown = [[self._shown(model, own, other, kinds) for other in range(count)] for own in range(count)]
            drawn.append(
                [np.concatenate([shown[own][(own + by) % count] for own in range(count)]) for by in range(1, count)]
            )
            found = np.array([[len(strengths) for strengths in of_own] for of_own in shown])
            numbers.append(found[np.arange(count), orders].sum(1))
        return replace(Null.of_draws(drawn, self.shared), numbers=numbers)

    def _shown(self, model: int, own: int, other: int, kinds: int) -> np.ndarray:
        """Strengths of what is shared in a sample if one model shows another one there."""
        found = []
        for kind in range(kinds):
            moved, others = self.cells[other * kinds + kind][model], self._others[model][own * kinds + kind]
            found.append(placements.coincidences(moved.keys[None], moved.strengths, others)[0])
        strengths = np.concatenate(found)
        return strengths[strengths > 0]


@dataclass(frozen=True, eq=False)
class Claim:
    """What a null hypothesis leaves of all that is shared.

    Attributes
    ----------
    family : what is shared
    null : what is expected of it by accident
    within : a claim about the same family that must hold as well of what is listed, if there is one
    """

    family: Family
    null: Null
    within: Claim | None = None

    @functools.cached_property
    def rates(self) -> np.ndarray:
        """False discovery rate of each shared interaction, as in `Family.shared`; NaN without a null."""
        if self.unknown:
            return np.full(len(self.family.shared), math.nan)
        nulls = [self.null, *([self.within.null] if self.within else [])]
        return false_discovery_rates(self.family.shared, np.concatenate([null.expected for null in nulls]))

    @property
    def unknown(self) -> str:
        """Why no rate is known; empty if they are."""
        if self.null.why or self.within is None or not self.within.unknown:
            return self.null.why
        return f"the claim that must hold as well is not: {self.within.unknown}"

    @property
    def expected(self) -> float:
        """Number of accidents expected among all that is shared, for the model of which it is most; NaN if unknown."""
        largest = float(self.null.total.max(initial=0.0))
        return math.nan if self.null.why or math.isinf(largest) else largest

    @property
    def accidents(self) -> float:
        """Share of accidents to expect among all that is shared; NaN where nothing is."""
        shared = len(self.family.shared)
        return min(self.expected / shared, 1.0) if shared else math.nan

    @property
    def p(self) -> float:
        """Chance that the null has as many shared interactions as there are."""
        return tail_probability(len(self.family.shared), self.null.numbers)

    @property
    def floor(self) -> float:
        """Least rate that could come out."""
        shared = len(self.family.shared)
        own = self.null.least / shared if shared else math.nan
        return own if self.within is None else max(own, self.within.floor)

    @property
    def listed(self) -> int:
        """How many hold the rate."""
        return int((self.rates <= RATE).sum())

    @property
    def why(self) -> str:
        """Why none is listed; empty if any is."""
        if self.unknown or self.listed:
            return self.unknown
        if not len(self.family.shared):
            return "nothing is shared"
        if self.floor > RATE:
            return "too few draws to tell any list from accident"
        either = ", by this null or by that of the claim that must hold as well" if self.within else ""
        return f"of any list more than {RATE:.0%} would be accidents{either}"
