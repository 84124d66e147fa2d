"""What tables are made of: units, each explained by one extraction, and ensembles whose models are compared."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from andor.analysis import metrics, nulls
from andor.analysis.metrics import Bootstrap
from andor.analysis.pruning import ranks_by_error, ranks_by_strength, unfaithfulness_of_first
from andor.config import Salience
from andor.game.attributions import predict
from andor.game.coalitions import AND, OR, number_of_players, rename
from andor.game.coalitions import orders as orders_of
from andor.report.results import TaskResults
from andor.report.tables.frames import numbers
from andor.report.tables.schemas import SUMMARY_PERCENTS

STRONGEST = 10
"""Strongest interactions of a kind that the controls compare beside the shares of SUMMARY_PERCENTS."""


@dataclass(frozen=True, eq=False)
class Games:
    """The interactions of several models in the same samples, and what follows from them.

    `interactions`, `strength`, `ranked` and sets have the shape (K, m, kinds, 2^n), `shared` (salient in every model)
    (K, 1, kinds, 2^n). `output_range`, |v(N) - v(empty)| of shape (K, m), serves the rule `output`.
    """

    interactions: np.ndarray
    salience: Salience
    output_range: np.ndarray | None = None

    @property
    def players(self) -> int:
        """Number of players n."""
        return number_of_players(self.interactions.shape[-1])

    @functools.cached_property
    def strength(self) -> np.ndarray:
        """|I|, the empty coalition left out."""
        return metrics.strengths(self.interactions)

    @functools.cached_property
    def ranked(self) -> np.ndarray:
        """Rank of each interaction among the model's of its kind, 0 being the strongest."""
        return metrics.ranks(self.strength)

    def strongest(self, k: int) -> np.ndarray:
        """The k strongest of each model and kind."""
        return metrics.strongest(self.strength, self.ranked, k)

    @functools.cached_property
    def standard(self) -> np.ndarray:
        """Strength of which the bound of salience is a share, (K, m)."""
        return metrics.salience_bound(self.strength, self.salience.rule, 1.0, self.output_range)

    @property
    def bound(self) -> np.ndarray:
        """Strength above which an interaction is salient, (K, m)."""
        return self.salience.threshold * self.standard

    def salient_above(self, threshold: float) -> np.ndarray:
        """Which interactions would be salient by another threshold."""
        return metrics.salient(self.strength, threshold * self.standard)

    @functools.cached_property
    def salient(self) -> np.ndarray:
        """Which are stronger than their bound."""
        return self.salient_above(self.salience.threshold)

    @functools.cached_property
    def shared(self) -> np.ndarray:
        """Which are salient in every model."""
        return metrics.shared_by_all(self.salient)[:, None]

    @functools.cached_property
    def agreed(self) -> np.ndarray:
        """Of which coalitions all models agree about the sign, (K, kinds, 2^n)."""
        return metrics.same_sign(self.interactions)

    @functools.cached_property
    def compared(self) -> dict[str, np.ndarray]:
        """The sets whose overlap is measured, by name."""
        sizes = {f"{percent} %": metrics.shares_to_k(percent / 100, self.players) for percent in SUMMARY_PERCENTS}
        sizes[f"{STRONGEST} strongest"] = STRONGEST
        return {"salient": self.salient} | {name: self.strongest(k) for name, k in sizes.items()}

    @functools.cached_property
    def overlaps(self) -> dict[tuple[str, str], np.ndarray]:
        """Every measure of overlap, by measure and of what, (K, kinds) each."""
        return metrics.overlaps(self.interactions, self.compared)


@dataclass(frozen=True, eq=False)
class Unit:
    """What one extraction explained: a model by itself, or the models of an ensemble together."""

    results: TaskResults
    bootstrap: Bootstrap
    method: str
    name: str

    @property
    def members(self) -> list[str]:
        """Its models."""
        return self.results.units(self.method)[self.name]

    @functools.cached_property
    def games(self) -> Games:
        """Its models' interactions."""
        return games(self.results, self.results.merged_interactions(self.method, self.name), self.members)

    @functools.cached_property
    def v(self) -> np.ndarray:
        """Rewards v of its models, (K, m, 2^n)."""
        return np.stack([self.results.values(model) for model in self.members], axis=1)

    @functools.cached_property
    def predictions(self) -> np.ndarray:
        """Outputs v + epsilon that its interactions add up to, (K, m, 2^n)."""
        raw = self.results.raw_interactions(self.method, self.name)
        return predict(raw[:, :, AND], raw[:, :, OR])

    @property
    def possible(self) -> int:
        """How many interactions of all kinds there can be."""
        return int(metrics.possible(self.games.players, len(self.results.kinds(self.method))).sum())

    @functools.cached_property
    def pruned(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Numbers of interactions kept, and their unfaithfulness by the way to choose them; (K, m, numbers)."""
        kept, v, interactions = np.append(0, numbers(self.possible)), self.v, self.games.interactions
        ranked = {"strength": ranks_by_strength(interactions), "least error": ranks_by_error(v, interactions)}
        return kept, {by: unfaithfulness_of_first(v, interactions, own, kept) for by, own in ranked.items()}

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
    def survival(self) -> tuple[np.ndarray, np.ndarray]:
        """p-value and false discovery rate of every coalition of every sample, (K, kinds, 2^n) each; NaN without a
        null.

        Interactions are compared with renamed ones of their kind and order in all samples, and the rate is that among
        these.
        """
        observed = nulls.shared_strength(self.games.interactions)
        if not self.renamed:
            return np.full(observed.shape, np.nan), np.full(observed.shape, np.nan)
        drawn = np.stack([nulls.shared_strength(null.interactions) for null in self.renamed])
        order = orders_of(self.games.players)
        kinds = range(observed.shape[1])
        p = np.stack([nulls.p_values(observed[:, kind], drawn[:, :, kind], order) for kind in kinds], axis=1)
        q = np.stack([nulls.false_discovery_rates(p[:, kind], order) for kind in kinds], axis=1)
        return p, q

    @property
    def axes(self) -> dict[str, Sequence[str]]:
        """Labels of the first columns of its rows: method, ensemble."""
        return {"method": [self.method], "ensemble": [self.ensemble]}


def games(results: TaskResults, interactions: np.ndarray, members: Sequence[str]) -> Games:
    """Interactions (K, m, kinds, 2^n) of some models under the task's rule of salience."""
    salience = results.analysis.salience
    return Games(interactions, salience, results.output_range(members) if salience.rule == "output" else None)


def renamed(results: TaskResults, sets: np.ndarray, draw: int) -> np.ndarray:
    """Sets or signs of each sample, (K, ..., 2^n), with its players renamed: nothing corresponds."""
    players = number_of_players(sets.shape[-1])
    names = [nulls.names(players, 2, results.seed, number, draw)[1] for number in results.sample_numbers]
    return np.stack([rename(own, permutation) for own, permutation in zip(sets, names, strict=True)])


def units(results: TaskResults) -> Iterator[Unit]:
    """Every unit of every method; each is made when it is asked for."""
    bootstrap = _bootstrap(results)
    for method in results.methods:
        for name in results.units(method):
            yield Unit(results, bootstrap, method, name)


def comparisons(results: TaskResults) -> Iterator[Comparison]:
    """Every ensemble under every method; each is made when it is asked for."""
    bootstrap = _bootstrap(results)
    for method, ensemble in itertools.product(results.methods, results.ensembles):
        yield Comparison(results, bootstrap, method, ensemble)


def _bootstrap(results: TaskResults) -> Bootstrap:
    return Bootstrap(len(results.sample_numbers), results.analysis.draws, results.seed)
