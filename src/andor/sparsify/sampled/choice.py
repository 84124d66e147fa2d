"""Which penalty: the one whose solutions predict best the coalitions left out, over folds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from andor.sparsify.sampled.path import Path
from andor.sparsify.sampled.problem import SampledGames
from andor.sparsify.sampled.restricted import Moments, Squares, solve

RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
"""Values of ρ to choose from, in units of the values' variance."""
FOLDS = 4
NEAR = 0.9
"""Columns whose gauge is at least this share of the penalty may be in a fold's solution."""
ROUGH = 0.05
"""Gap of the solutions that penalties are compared by, if the wanted one is smaller."""
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
        self.path, self.folds = path, folds
        self.parts = [torch.as_tensor(part, device=path.x.device) for part in parts(path.games, folds)]

    def errors(self, penalty: float, gap: float, ridges: Sequence[float] = RIDGES) -> np.ndarray:
        """Mean squared error on what is left out after a solution, in shares of the variance, for each ridge."""
        near = self.path.near(NEAR * penalty)
        designs = [design[near] for design in self.path.distinct]
        grams = [
            [_gram(design[:, part == fold]) for fold in range(self.folds)]
            for design, part in zip(designs, self.parts, strict=False)
        ]
        wholes, total = [reduce(add, own) for own in grams], np.zeros(len(ridges))
        x = self.path.x[:, near].to(torch.float32)
        for fold in range(self.folds):
            rests = [whole - own[fold] for whole, own in zip(wholes, grams, strict=True)]
            fitted, left_out = [], []
            for model, (v, part) in enumerate(zip(self.path.values, self.parts, strict=True)):
                design, out = designs[model % len(designs)], part == fold
                fitted.append(Moments.of(design[:, ~out], v[~out], rests[model % len(rests)]))
                left_out.append((design[:, out], v[out]))
            squares = Squares.of(fitted, torch.float32)
            found = solve(squares, x, penalty, self.path.weights, gap)
            for place, ridge in enumerate(ridges):
                for own, rest, strengths in zip(fitted, left_out, squares.refitted(found, ridge), strict=True):
                    total[place] += _error(*rest, strengths, own.constant(strengths.to(rest[1].dtype)))
        return total / sum(len(v) for v in self.path.values)


def _gram(design: Tensor) -> Tensor:
    return design @ design.T


def _error(design: Tensor, values: Tensor, strengths: Tensor, constant: Tensor) -> float:
    """Sum of squares of what interactions and a constant leave."""
    return float(((values - constant - strengths @ design) ** 2).sum())


def chosen(path: Path, grid: Sequence[float], gap: float) -> tuple[float, float]:
    """Penalty and ridge with the least error over folds, along a falling grid that is left when it gains no more.

    With the ridge that is best for one penalty, only its neighbours are tried for the next.
    """
    folds, gap = Folds(path), max(gap, ROUGH)
    best, since, answer, first, last = np.inf, 0, (float(grid[0]), RIDGES[-1]), 0, len(RIDGES)
    for penalty in grid:
        path.solve(float(penalty), gap)
        errors = folds.errors(float(penalty), gap, RIDGES[first:last])
        place = first + int(errors.argmin())
        first, last = max(0, place - 1), place + 2
        if errors.min() < best:
            best, since, answer = errors.min(), 0, (float(penalty), RIDGES[place])
        else:
            since += 1
            if since == PATIENCE:
                break
    return answer
