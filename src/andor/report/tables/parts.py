"""What tables are made of: subjects, each what one extraction explains, and ensembles whose models are compared."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from andor.analysis.pruning import ABREAST, ranks_by_error, ranks_by_strength, unfaithfulness_of_first
from andor.analysis.salience import shares_to_k
from andor.analysis.statistics import Bootstrap
from andor.game import nulls
from andor.game.attributions import predict
from andor.game.coalitions import Coalitions
from andor.game.interactions import Interactions
from andor.report.results import TaskResults, per_model
from andor.report.tables.claims import Claims
from andor.report.tables.frames import numbers
from andor.report.tables.games import Game, Games
from andor.report.tables.solutions import deviation
from andor.report.tables.states import half_width, states

STRONGEST_DRAWN = (1, 2, 5, 10, 20, 50)
"""Numbers of strongest interactions that are compared where coalitions were drawn."""


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
    def judged_on(self) -> int:
        """Least number of coalitions of a sample on which predictions are judged."""
        if not self.results.sampled:
            return 2**self.games.players
        return min(len(own.held_out_values) for model in self.members for own in self.results.drawn_values(model))

    def judged(self, sample: int) -> tuple[np.ndarray, np.ndarray]:
        """Outputs v of its models in a sample and predictions, on all coalitions or those held out; (m, …) each."""
        if not self.results.sampled:
            return self.v(sample), self.predictions(sample)
        drawn = [self.results.drawn_values(model)[sample] for model in self.members]
        found = self.games.samples[sample].interactions
        predicted = [found.predict(own.held_out_presence)[place] for place, own in enumerate(drawn)]
        return np.stack([own.held_out_values for own in drawn]), np.stack(predicted)

    @property
    def possible(self) -> int:
        """How many interactions of all kinds there can be, where all coalitions are known."""
        return sum(map(self.games.samples[0].coalitions.possible, self.results.kinds(self.method)))

    @property
    def most(self) -> int:
        """The largest number of interactions that a model may have: those there can be, or those that were found."""
        if not self.results.sampled:
            return self.possible
        return max(int((game.magnitude > 0).sum((1, 2)).max(initial=1)) for game in self.games.samples)

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

    @functools.cached_property
    def others(self) -> list[list[Game]]:
        """The same in other solutions of each sample that are nearly as good, under the bounds of the first."""
        found = self.results.others_of_ensemble(self.method, self.ensemble)
        return [
            [replace(game, interactions=other) for other in several]
            for game, several in zip(self.games.samples, found, strict=True)
        ]

    def cuts(self, shares: Sequence[float]) -> tuple[list[int], list[float]]:
        """Numbers of the strongest interactions of a kind that are compared, and the share of 2^n that each is.

        Where coalitions were drawn, a share of all would be more than there are: then they are fixed, and no share.
        """
        if self.results.sampled:
            return list(STRONGEST_DRAWN), [np.nan] * len(STRONGEST_DRAWN)
        return [shares_to_k(share, self.games.players) for share in shares], list(shares)

    @property
    def renamed(self) -> list[Games]:
        """The same among renamed players, a draw each."""
        return self.null_games["renaming"]

    @functools.cached_property
    def claims(self) -> Claims:
        """What can be claimed of the interactions that its models share."""
        joint = self.results.methods[self.method] == "generalizable"
        return Claims(self.games, self.null_games if joint else None, self.results.same_number, self.results.seed)

    @functools.cached_property
    def states(self) -> list[np.ndarray]:
        """What each interaction is to the ensemble: shared, opposed, distinctive or undecided, (kinds, C) each."""
        return [states(game, width) for game, width in zip(self.games.samples, self.widths, strict=True)]

    @functools.cached_property
    def widths(self) -> list[np.ndarray] | list[np.ndarray | None]:
        """How far each strength of each sample may be from the true one, (m, kinds, C); None if that is not known.

        Where all coalitions are known: how far other solutions differ, and the output noise that all of them allow.
        """
        games, known = self.games.samples, self.results.errors(self.method, self.ensemble)
        if known is None:
            apart = zip(map(deviation, games, self.others), self._noise, strict=True)
            return [None if width is None else width + noise[:, None, None] for width, noise in apart]
        return [half_width(own.on(game.coalitions).strengths) for game, own in zip(games, known, strict=True)]

    @property
    def _noise(self) -> np.ndarray:
        """Bound κ of the output noise of each sample and model, float64 (K, m)."""
        subjects = self.results.subjects(self.method)
        bounds = []
        for model in self.members:
            subject = self.ensemble if self.ensemble in subjects else model
            said = self.results.interaction_metadata(self.method, subject)
            bounds.append([float(np.max(per_model(each["kappa"], model))) for each in said])
        return np.array(bounds).T

    @property
    def axes(self) -> dict[str, Sequence[str]]:
        """Labels of the first columns of its rows: method, ensemble."""
        return {"method": [self.method], "ensemble": [self.ensemble]}


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
        there, former = coalitions.renamed(nulls.permutation(coalitions.n, results.seed, number, draw))
        moved.append((there, values[..., former]))
    return moved


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
