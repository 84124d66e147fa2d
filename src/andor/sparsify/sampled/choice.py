"""Which penalty: the one whose solutions predict best the coalitions left out, over folds."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import torch

from andor.sparsify.sampled.path import Path, Point
from andor.sparsify.sampled.problem import SampledGames
from andor.sparsify.sampled.refit import RIDGES, refit
from andor.sparsify.sampled.restricted import Squares, solve

FOLDS = 4
NEAR = 0.8
"""Columns whose gauge is at least this share of the penalty may be in a fold's solution."""
PATIENCE = 2
"""Penalties without a gain after which smaller ones are not tried."""


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


class Folds:
    """Errors of prediction over folds of a problem's coalitions, along a path.

    Parameters
    ----------
    path : of the whole problem; its columns are those that a fold may use
    """

    def __init__(self, path: Path, folds: int = FOLDS) -> None:
        self.path = path
        numbers = [torch.as_tensor(part) for part in parts(path.games, folds)]
        self.held_out = [[own == fold for own in numbers] for fold in range(folds)]

    def errors(self, point: Point, gap: float) -> np.ndarray:
        """Mean squared error on what is left out, in units of the values' variance, for each of RIDGES.

        Mean over models of sums over folds.
        """
        near = self.path.near(NEAR * point.penalty)
        x, designs = self.path.x[:, near], [design[near] for design in self.path.designs]
        squared = np.zeros((len(designs), len(RIDGES)))
        for held_out in self.held_out:
            fitted = [design[:, ~out] for design, out in zip(designs, held_out, strict=True)]
            values = [v[~out] for v, out in zip(self.path.values, held_out, strict=True)]
            found = solve(Squares.of(fitted, values), x, point.penalty, self.path.weights, gap)
            for model, out in enumerate(held_out):
                left = designs[model][:, out].to(x.dtype)
                for place, ridge in enumerate(RIDGES):
                    again = refit(fitted[model], values[model], found[model], ridge)
                    rest = self.path.values[model][out] - again.constant - again.strengths @ left
                    squared[model, place] += float((rest**2).sum())
        return (squared / np.array([[len(v)] for v in self.path.values])).mean(0)


def chosen(path: Path, grid: Sequence[float], gap: float) -> tuple[float, float]:
    """Penalty and ridge with the least error over folds, along a falling grid that is left when it gains no more."""
    folds = Folds(path)
    best, since, answer = np.inf, 0, (float(grid[0]), RIDGES[-1])
    for penalty in grid:
        errors = folds.errors(path.solve(float(penalty), gap), gap)
        if errors.min() < best:
            best, since, answer = errors.min(), 0, (float(penalty), RIDGES[int(errors.argmin())])
        else:
            since += 1
            if since == PATIENCE:
                break
    return answer
