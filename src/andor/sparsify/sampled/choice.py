"""Which penalty: the one whose solutions predict best the coalitions left out, over folds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from andor.sparsify.sampled.columns import Columns
from andor.sparsify.sampled.path import Path
from andor.sparsify.sampled.problem import SampledGames

RIDGES = (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Values of ρ to choose from, in units of the values' variance; 0 is least squares on what stands out of noise."""
FOLDS = 4
ROUGH = 0.05
"""Least gap, on the columns at hand, at which solutions of folds are compared."""
GAIN = 0.99
"""A smaller penalty is taken if it leaves less than this share of the error: fewer interactions say the same."""

PATIENCE = 2
"""Penalties without a gain after which smaller ones are not tried: one alone may only have moved the ridge."""


def parts(games: SampledGames, count: int) -> list[np.ndarray]:
    """Part of each coalition of each model, 0…count−1, by content: whatever the order of coalitions, players or models.

    A coalition that all models have is in one part for all.
    """
    keys = [
        np.array([crc32(np.array([v, size]).tobytes()) for v, size in zip(values, own.sum(1), strict=True)])
        for own, values in zip(games.presence, games.values, strict=True)
    ]
    if all(own is games.presence[0] for own in games.presence):
        keys = [np.sum(keys, axis=0, dtype=np.int64)] * len(keys)
    return [_dealt(key, count) for key in keys]


def _dealt(keys: np.ndarray, count: int) -> np.ndarray:
    """Parts of almost equal size: equal keys stay together, and are dealt in their order."""
    _, place = np.unique(keys, return_inverse=True)
    return place % count


class Fold:
    """A problem without some of its coalitions, which judge its solutions.

    Interactions are looked for anew in each fold: columns that were found with what is left out would know it already.

    Parameters
    ----------
    path : of the problem without them
    presence, values : of each model, what is left out: (n, M_i) float32, and (M_i,) in the units of the path
    """

    def __init__(self, path: Path, presence: Sequence[Tensor], values: Sequence[Tensor]) -> None:
        self.path, self.presence, self.values = path, presence, values

    def errors(self, penalty: float, gap: float, ridges: Sequence[float]) -> np.ndarray:
        """Sums of squared errors on what is left out, over all models, for each ridge."""
        self.path.approach(penalty, gap)
        used, found = (self.path.x != 0).any(0), np.zeros(len(ridges))
        columns = self.path.columns.take(used)
        designs = {id(own): columns.design(own).to(torch.float64) for own in self.presence}
        fitted = [design[used].mean(1, dtype=torch.float64) for design in self.path.distinct]
        for place, ridge in enumerate(ridges):
            for model, strengths in enumerate(self.path.refitted(ridge)[:, used]):
                constant = self.path.values[model].mean() - strengths @ fitted[model % len(fitted)]
                predicted = constant + strengths @ designs[id(self.presence[model])]
                found[place] += float(((self.values[model] - predicted) ** 2).sum())
        return found


def folds(path: Path, count: int = FOLDS) -> list[Fold]:
    """Folds of a problem."""
    games, shared = path.games, {}
    every, made = parts(games, count), []
    for fold in range(count):
        out = [part == fold for part in every]
        rest = games.part([~own for own in out])
        judged = games.part(out)
        presence = [
            shared.setdefault((fold, id(own)), torch.as_tensor(own.T, dtype=torch.float32, device=path.x.device))
            for own in judged.presence
        ]
        values = [
            torch.as_tensor(v / scale, device=path.x.device)
            for v, scale in zip(judged.values, games.scales, strict=True)
        ]
        made.append(Fold(Path(rest, path.order, path.weights, path.x.device), presence, values))
    return made


def chosen(path: Path, grid: Sequence[float], gap: float) -> tuple[float, float, Columns]:
    """Penalty and ridge with the least error over folds, along a falling grid that is left when it gains no more.

    With them come the interactions of the last solutions in the folds, to begin with. With the ridge that is best for
    one penalty, only its neighbours are tried for the next.
    """
    apart, gap = folds(path), max(gap, ROUGH)
    best, since, answer, first, last = np.inf, 0, (float(grid[0]), RIDGES[-1]), 0, len(RIDGES)
    seen = Columns.none(path.games.players, path.x.device)
    for penalty in grid:
        errors = reduce(np.add, (fold.errors(float(penalty), gap, RIDGES[first:last]) for fold in apart))
        place = first + int(errors.argmin())
        first, last = max(0, place - 1), place + 2
        if errors.min() < GAIN * best:
            best, since, answer, seen = errors.min(), 0, (float(penalty), RIDGES[place]), _all_columns(apart)
        else:
            since += 1
            if since == PATIENCE:
                break
    return *answer, seen


def _all_columns(apart: Sequence[Fold]) -> Columns:
    """Interactions that are not 0 in some fold."""
    first = apart[0].path
    seen = Columns.none(first.games.players, first.x.device)
    for fold in apart:
        own = fold.path.columns.take((fold.path.x != 0).any(0))
        seen = seen.join(own.take(seen.new_in(own)))
    return seen
