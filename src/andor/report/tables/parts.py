"""What tables are made of: subjects, each what one extraction explains, and ensembles whose models are compared."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from andor.analysis import discovery
from andor.analysis.overlap import OVERLAPS, same_sign
from andor.analysis.pruning import ABREAST, ranks_by_error, ranks_by_strength, unfaithfulness_of_first
from andor.analysis.salience import salience_bound, shares_to_k
from andor.analysis.statistics import Bootstrap
from andor.config import Salience
from andor.game import nulls
from andor.game.attributions import predict
from andor.game.coalitions import Coalitions
from andor.game.interactions import Interactions
from andor.report.measures import ALL, MEASURES, SALIENT, STRONGEST, SUMMARY_PERCENTS
from andor.report.results import TaskResults
from andor.report.tables.frames import numbers


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
        """Which are salient in every model, (kinds, C)."""
        return self.salient.all(0)

    @functools.cached_property
    def agreed(self) -> np.ndarray:
        """Of which coalitions all models agree about the sign, (kinds, C)."""
        return same_sign(self.strengths)

    def largest_share(self, share: float) -> np.ndarray:
        """The strongest of each model and kind, as many as are a share of all coalitions."""
        return self.interactions.strongest(shares_to_k(share, self.coalitions.n))

    @functools.cached_property
    def compared(self) -> dict[str, np.ndarray]:
        """The sets whose overlap is measured, by name."""
        shares = {f"{percent} %": self.largest_share(percent / 100) for percent in SUMMARY_PERCENTS}
        strongest = self.interactions.strongest(STRONGEST)
        every = self.magnitude > 0
        return {SALIENT: self.salient, **shares, f"{STRONGEST} strongest": strongest, ALL: every}


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
        """Number of players n."""
        return self.samples[0].coalitions.n

    @property
    def possible(self) -> np.ndarray:
        """How many interactions of each kind there can be, (kinds,)."""
        return self.samples[0].interactions.possible

    def each(self, measure: Callable[..., Any], *others: Sequence[Any]) -> np.ndarray:
        """What a function of a sample's game, and of what else is given of each sample, says of all; (K, ...)."""
        return np.array([measure(*of_sample) for of_sample in zip(self.samples, *others, strict=True)])

    @functools.cached_property
    def overlaps(self) -> dict[tuple[str, str], np.ndarray]:
        """Every measure of overlap, by its name and of what, (K, kinds) each."""

        def measured(name: str, of: str) -> np.ndarray:
            return self.each(lambda game: OVERLAPS[name](game.interactions, game.compared[of]))

        return {measure.key: measured(*measure.key) for measure in MEASURES}


@dataclass(frozen=True, eq=False)
class Subject:
    """What one extraction explained: a model by itself, or the models of an ensemble together."""

    results: TaskResults
    bootstrap: Bootstrap
    method: str
    name: str

    @property
    def members(self) -> list[str]:
        """Its models."""
        return self.results.subjects(self.method)[self.name]

    @functools.cached_property
    def games(self) -> Games:
        """Its models' interactions."""
        return games(self.results, self.results.merged_interactions(self.method, self.name), self.members)

    def v(self, sample: int) -> np.ndarray:
        """Rewards v of its models in a sample, (m, 2^n)."""
        return np.stack([self.results.values(model)[sample] for model in self.members])

    def predictions(self, sample: int) -> np.ndarray:
        """Outputs v + epsilon that its interactions add up to in a sample, (m, 2^n)."""
        raw = self.results.raw_interactions(self.method, self.name)[sample].dense()
        return predict(raw[:, 0], raw[:, 1])

    @property
    def possible(self) -> int:
        """How many interactions of all kinds there can be."""
        return sum(map(self.games.samples[0].coalitions.possible, self.results.kinds(self.method)))

    @functools.cached_property
    def pruned(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Numbers of interactions kept, and their unfaithfulness by the way to choose them; (K, m, numbers)."""
        kept = np.append(0, numbers(self.possible))
        errors: dict[str, list[np.ndarray]] = {"strength": [], "least error": []}
        samples = np.arange(len(self.games.samples))
        for some in np.split(samples, samples[:: max(1, ABREAST // len(self.members))][1:]):
            v = np.stack([self.v(sample) for sample in some])
            interactions = np.stack([self.games.samples[sample].interactions.dense() for sample in some])
            ranked = {"strength": ranks_by_strength(interactions), "least error": ranks_by_error(v, interactions)}
            for by, own in ranked.items():
                errors[by].append(unfaithfulness_of_first(v, interactions, own, kept))
        return kept, {by: np.concatenate(batches) for by, batches in errors.items()}

    @property
    def axes(self) -> dict[str, Sequence[str]]:
        """Labels of the first columns of its rows: method, unit, model."""
        return {"method": [self.method], "unit": [self.name], "model": self.members}


@dataclass(frozen=True, eq=False)
class Comparison:
    """The models of an ensemble side by side, under one method, and the null games beside them."""

    results: TaskResults
    bootstrap: Bootstrap
    method: str
    ensemble: str

    @property
    def members(self) -> list[str]:
        """The models of the ensemble."""
        return self.results.ensembles[self.ensemble]

    @property
    def is_main(self) -> bool:
        """Whether no null network and no repeated training is among them."""
        return set(self.members) <= set(self.results.main)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of interactions that the method has."""
        return self.results.kinds(self.method)

    @functools.cached_property
    def games(self) -> Games:
        """The models' interactions, be they found together or one by one."""
        return games(self.results, self.results.of_ensemble(self.method, self.ensemble), self.members)

    @functools.cached_property
    def null_games(self) -> Mapping[str, list[Games]]:
        """The same in each draw of each null."""
        drawn = self.results.null_interactions(self.method, self.ensemble)
        return {null: [games(self.results, one, self.members) for one in drawn[null]] for null in nulls.NULLS}

    @property
    def renamed(self) -> list[Games]:
        """The same among renamed players, a draw each."""
        return self.null_games["renaming"]

    @functools.cached_property
    def survival(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """p-value and false discovery rate of every coalition of each sample, (kinds, C) each; NaN without a null.

        Interactions are compared with renamed ones of their kind and order in all samples, and the rate is that among
        these.
        """
        return survival(self.games, self.renamed)

    @property
    def axes(self) -> dict[str, Sequence[str]]:
        """Labels of the first columns of its rows: method, ensemble."""
        return {"method": [self.method], "ensemble": [self.ensemble]}


def survival(true: Games, renamed: Sequence[Games]) -> list[tuple[np.ndarray, np.ndarray]]:
    """p-value and false discovery rate of each sample's interactions by those of renamed players, (kinds, C) each."""
    observed = [discovery.shared_strength(game.interactions) for game in true.samples]
    p, q = ([np.full(own.shape, np.nan) for own in observed] for _ in range(2))
    for kind in range(len(true.samples[0].interactions.kinds)) if renamed else []:
        strength, orders = _shared(true, kind)
        null, null_orders = map(np.concatenate, zip(*(_shared(games, kind) for games in renamed), strict=True))
        tests = _number_by_order(true)
        sizes = {order: len(renamed) * number for order, number in tests.items()}
        of_kind = discovery.p_values(strength, orders, null, null_orders, sizes)
        rates = discovery.false_discovery_rates(of_kind, orders, tests)
        ends = np.cumsum([own.shape[1] for own in observed])[:-1]
        for sample, found in enumerate(zip(np.split(of_kind, ends), np.split(rates, ends), strict=True)):
            p[sample][kind], q[sample][kind] = found
    return list(zip(p, q, strict=True))


def _shared(games: Games, kind: int) -> tuple[np.ndarray, np.ndarray]:
    """Shared strength of a kind of interactions, and their orders, of all samples one after the other."""
    strengths = [discovery.shared_strength(game.interactions)[kind] for game in games.samples]
    return np.concatenate(strengths), np.concatenate([game.coalitions.orders for game in games.samples])


def _number_by_order(games: Games) -> dict[int, int]:
    """How many coalitions of each order the players of all samples have together."""
    every = [game.coalitions for game in games.samples]
    most = max(coalitions.n for coalitions in every)
    return {order: sum(math.comb(own.n, order) for own in every) for order in range(most + 1)}


def games(results: TaskResults, interactions: Sequence[Interactions], members: Sequence[str]) -> Games:
    """Interactions of some models in each sample under the task's rule of salience."""
    salience = results.analysis.salience
    return Games.of(interactions, salience, results.output_range(members) if salience.rule == "output" else None)


def renamed(
    results: TaskResults, sets: Sequence[tuple[Coalitions, np.ndarray]], draw: int
) -> list[tuple[Coalitions, np.ndarray]]:
    """Sets or signs of each sample, (..., C) on its coalitions, with its players renamed: nothing corresponds."""
    moved = []
    for number, (coalitions, values) in zip(results.sample_numbers, sets, strict=True):
        permutation = nulls.permutations(coalitions.n, 2, results.seed, number, draw)[1]
        there, former = coalitions.renamed(permutation)
        moved.append((there, values[..., former]))
    return moved


def side_by_side(sets: Sequence[tuple[Coalitions, np.ndarray]]) -> tuple[Coalitions, np.ndarray]:
    """Sets or signs of all samples on the coalitions that are in any, (K, ..., C)."""
    first, *rest = (own.take((values != 0).any(tuple(range(values.ndim - 1)))) for own, values in sets)
    every = first.union(*rest)
    return every, np.stack([own.spread(values, every) for own, values in sets])


def subjects(results: TaskResults) -> Iterator[Subject]:
    """Every subject of every method; each is made when it is asked for."""
    bootstrap = _bootstrap(results)
    for method in results.methods:
        for name in results.subjects(method):
            yield Subject(results, bootstrap, method, name)


def comparisons(results: TaskResults) -> Iterator[Comparison]:
    """Every ensemble under every method; each is made when it is asked for."""
    bootstrap = _bootstrap(results)
    for method, ensemble in itertools.product(results.methods, results.ensembles):
        yield Comparison(results, bootstrap, method, ensemble)


def _bootstrap(results: TaskResults) -> Bootstrap:
    return Bootstrap(len(results.sample_numbers), results.analysis.draws, results.seed)
