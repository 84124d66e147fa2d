"""Which penalty: the one whose solutions predict best the coalitions left out, over folds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from zlib import crc32

import numpy as np
import torch

from andor.sparsify.sampled.path import Path
from andor.sparsify.sampled.problem import SampledGames
from andor.sparsify.sampled.restricted import Moments, Squares, solve

RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
"""Values of ρ to choose from, in units of the values' variance."""
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
        self.held_out = [
            [torch.as_tensor(part == fold, device=path.x.device) for fold in range(folds)]
            for part in parts(path.games, folds)
        ]

    def errors(self, penalty: float, gap: float) -> np.ndarray:
        """Mean squared error on what is left out after a solution, in shares of the variance, for each of RIDGES."""
        near = self.path.near(NEAR * penalty)
        moments = [
            [Moments.of(design[near][:, out], v[out]) for out in held_out]
            for design, v, held_out in zip(self.path.designs, self.path.values, self.held_out, strict=True)
        ]
        wholes = [reduce(add, own) for own in moments]
        errors = np.zeros(len(RIDGES))
        for left_out in zip(*moments, strict=True):
            fitted = [whole - own for whole, own in zip(wholes, left_out, strict=True)]
            squares = Squares.of(fitted)
            x = solve(squares, self.path.x[:, near], penalty, self.path.weights, gap)
            for place, ridge in enumerate(RIDGES):
                for own, rest, strengths in zip(fitted, left_out, squares.refitted(x, ridge), strict=True):
                    errors[place] += float(rest.error(strengths, own.constant(strengths)))
        return errors / sum(whole.count for whole in wholes)


def chosen(path: Path, grid: Sequence[float], gap: float) -> tuple[float, float]:
    """Penalty and ridge with the least error over folds, along a falling grid that is left when it gains no more."""
    folds = Folds(path)
    best, since, answer = np.inf, 0, (float(grid[0]), RIDGES[-1])
    for penalty in grid:
        path.solve(float(penalty), gap)
        errors = folds.errors(float(penalty), gap)
        if errors.min() < best:
            best, since, answer = errors.min(), 0, (float(penalty), RIDGES[int(errors.argmin())])
        else:
            since += 1
            if since == PATIENCE:
                break
    return answer
