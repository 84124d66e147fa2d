"""Column generation along a path of penalties, certified over all coalitions up to an order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from andor.sparsify.sampled.columns import Columns
from andor.sparsify.sampled.problem import SampledGames
from andor.sparsify.sampled.refit import standing_out, threshold
from andor.sparsify.sampled.restricted import Bounds, Squares, bounds, solve
from andor.sparsify.sampled.search import Found, search
from andor.sparsify.sampled.simpler import independent, simplified, singles

ADDED = 400
"""Most columns that one search adds."""
ROUNDS = 60
"""Most searches for one penalty."""


@dataclass(frozen=True, eq=False)
class Point:
    """A solution for one penalty.

    Attributes
    ----------
    columns : W interactions, those that are not 0 in some model
    x : (m, W), in units of each model's standard deviation
    """

    penalty: float
    columns: Columns
    x: Tensor
    bounds: Bounds
    searched: int
    seconds: float


class Path:
    """Solutions of one problem for falling penalties, each the start of the next.

    Parameters
    ----------
    games : values on coalitions
    order : of the largest coalitions looked at
    weights : of the maximum and of the sum over models
    device : of the search

    Attributes
    ----------
    distinct : columns (W, M_i) float32, 0 and 1, of each model; of one if all share their coalitions
    """

    def __init__(
        self, games: SampledGames, order: int, weights: tuple[float, float], device: torch.device | str = "cpu"
    ) -> None:
        self.games, self.order, self.weights = games, min(order, games.players), weights
        shared: dict[int, Tensor] = {}
        self._presence = [
            shared.setdefault(id(own), torch.as_tensor(own.T, dtype=torch.float32, device=device).contiguous())
            for own in games.presence
        ]
        lists = games.models if len(shared) > 1 else 1
        self.values = [
            torch.as_tensor(v / scale, device=device) for v, scale in zip(games.values, games.scales, strict=True)
        ]
        self._centred = [v - v.mean() for v in self.values]
        self.columns = Columns.none(games.players, device)
        self.distinct = [own.new_empty((0, own.shape[1])) for own in self._presence[:lists]]
        empty = torch.zeros((games.models, 0), dtype=torch.float64, device=device)
        total = torch.stack([(v @ v) / len(v) for v in self._centred])
        self._squares = Squares(empty.new_empty((lists, 0, 0)), empty, total)
        self.x = empty

    @property
    def designs(self) -> list[Tensor]:
        """Columns of each model, (W, M_i) float32, 0 and 1; one object if all models share their coalitions."""
        return [self.distinct[model % len(self.distinct)] for model in range(self.games.models)]

    def largest_penalty(self) -> float:
        """Least penalty at which no interaction is left."""
        thetas = [v / len(v) for v in self._centred]
        level = self._search(thetas, min(2, self.order), 0.0, 1).largest
        return self._search(thetas, self.order, level * (1 - 1e-6), 1).largest

    def solve(self, penalty: float, gap: float, proven: bool = False) -> Point:
        """The solution for a penalty, its gap over all coalitions up to the order at most `gap` if rounds suffice.

        While columns are missing, those at hand are solved no better than that costs. The search is in single
        precision, and once more in double precision where the bound is to be a proof.
        """
        began, searched, dtype, allowed = time.perf_counter(), 0, torch.float32, 1.0
        for _ in range(ROUNDS):
            self.x = solve(self._squares, self.x, penalty, self.weights, 0.3 * allowed)
            found = self._search(self._thetas(), self.order, penalty, ADDED, dtype)
            searched = max(searched, found.searched)
            at = self._bounds(penalty, found.largest)
            added = at.gap > gap and self._add_found(found)
            done = at.gap <= gap or not (added or allowed > gap)
            if done and (dtype == torch.float64 or not proven):
                break
            if done:
                dtype = torch.float64
            allowed = max(gap, at.gap) if added else gap
        if proven:  # the residual stays, and with it the bound
            at = self._simplify(penalty, gap, found.largest)
        used = (self.x != 0).any(0)
        point = Point(penalty, self.columns.take(used), self.x[:, used], at, searched, time.perf_counter() - began)
        return point

    def approach(self, penalty: float, gap: float) -> None:
        """Have `x` near the solution for a penalty, by one search: enough to compare what penalties predict."""
        self.x = solve(self._squares, self.x, penalty, self.weights, 0.3 * gap)
        found = self._search(self._thetas(), self.order, penalty, ADDED)
        if self._add_found(found):
            self.x = solve(self._squares, self.x, penalty, self.weights, 0.3 * gap)

    def look_further(self, penalty: float, share: float) -> None:
        """Have columns at hand that would come into use if the penalty were a share of what it is."""
        used = int((self.x != 0).any(0).sum())
        self._add_found(self._search(self._thetas(), self.order, share * penalty, used + ADDED))

    def go_aside(self, x: Tensor, weights: Tensor, penalty: float, gap: float, most: float) -> float:
        """Have `x` where it would be if the penalty of each column were weighted; the objective without weights.

        Parameters
        ----------
        x : (m, W), the solution to begin with
        weights : (W,)
        gap : of the weighted problem on the columns at hand
        most : objective up to which linearly dependent columns give way to others
        """
        aside = solve(self._squares.scaled(1 / weights), x * weights, penalty, self.weights, 0.3 * gap) / weights
        moved = torch.as_tensor(simplified(self.columns, aside.cpu().numpy(), *self.weights), device=x.device)
        for form in (independent(self._squares.gram, moved), moved):
            self.x = form
            objective = self._bounds(penalty, penalty).objective
            if objective <= most:
                break
        return objective

    def _simplify(self, penalty: float, gap: float, largest: float) -> Bounds:
        """Have players instead of pairs where both say the same, and no interaction that is a sum of stronger ones."""
        self._add(singles(self.columns.take((self.x != 0).any(0))))
        moved = simplified(self.columns, self.x.cpu().numpy(), *self.weights)
        self.x = torch.as_tensor(moved, device=self.x.device)
        before, self.x = self.x, independent(self._squares.gram, self.x)
        at = self._bounds(penalty, largest)
        if at.gap <= gap:
            return at
        self.x = before
        return self._bounds(penalty, largest)

    def _bounds(self, penalty: float, largest: float) -> Bounds:
        return bounds(self._squares, self.x, self._squares.duals(self.x), penalty, self.weights, largest)

    def refitted(self, ridge: float) -> Tensor:
        """Strengths (m, W) of the last solution: `Squares.refitted`, or `standing_out` with ridge 0."""
        if ridge:
            return self._squares.refitted(self.x, ridge)
        level, strengths = threshold(self.games.players, self.order), torch.zeros_like(self.x)
        for model, own in enumerate(independent(self._squares.gram, self.x)):
            used, squares = own.nonzero()[:, 0], self._squares
            gram = squares.gram[model % len(squares.gram)][used][:, used]
            count = len(self.values[model])
            strengths[model, used] = standing_out(gram, squares.right[model, used], squares.total[model], count, level)
        return strengths

    def begin_with(self, columns: Columns) -> None:
        """Have columns at hand, so that fewer searches find what is missing."""
        self._add(columns)

    def _thetas(self) -> list[Tensor]:
        """Residuals divided by the number of coalitions, (M_i,), float64, each with sum 0."""
        used = (self.x != 0).any(0)
        designs = [design[used].to(self.x.dtype) for design in self.distinct]
        thetas = []
        for model, (centred, x) in enumerate(zip(self._centred, self.x[:, used], strict=True)):
            fit = x @ designs[model % len(designs)]
            thetas.append((centred - fit + fit.mean()) / len(centred))
        return thetas

    def _search(
        self, thetas: Sequence[Tensor], order: int, level: float, most: int, dtype: torch.dtype = torch.float32
    ) -> Found:
        same = {id(own): own.to(dtype) for own in self._presence}
        presence = [same[id(own)] for own in self._presence]
        return search(presence, [theta.to(dtype) for theta in thetas], order, level, self.weights, most)

    def _add_found(self, found: Found) -> bool:
        return self._add(Columns.of(found.kinds, found.players, self.games.players))

    def _add(self, found: Columns) -> bool:
        """Add columns that are new, drop those that are long unused; whether there are new ones."""
        found = found.take(self.columns.new_in(found))
        if not len(found):
            return False
        kept = (self.x != 0).any(0)
        if len(self.columns) > 3 * int(kept.sum()) + 2 * ADDED:
            self.columns, self.x = self.columns.take(kept), self.x[:, kept]
            self.distinct = [design[kept] for design in self.distinct]
            self._squares = self._squares.take(kept.nonzero()[:, 0])
        new = [found.design(own) for own in self._presence[: len(self.distinct)]]
        self._squares = _joined(self._squares, self.distinct, new, self._centred)
        self.distinct = [torch.cat(pair) for pair in zip(self.distinct, new, strict=True)]
        self.columns = self.columns.join(found)
        self.x = torch.cat((self.x, self.x.new_zeros((len(self.x), len(found)))), 1)
        return True


def _joined(squares: Squares, old: Sequence[Tensor], new: Sequence[Tensor], values: Sequence[Tensor]) -> Squares:
    """Products after columns were added, of which only those with the new ones are computed; values are centred.

    Columns hold 0 and 1, so that products in single precision are exact numbers of coalitions.
    """
    dtype, size = squares.gram.dtype, squares.gram.shape[1]
    grams = squares.gram.new_empty((len(old), size + len(new[0]), size + len(new[0])))
    for gram, before, a, b in zip(grams, squares.gram, old, new, strict=True):
        count = b.shape[1]
        means = [(design @ design.new_ones(count)).to(dtype) / count for design in (a, b)]
        gram[:size, :size] = before
        gram[:size, size:] = ((a @ b.T).to(dtype) / count).addr_(*means, alpha=-1)
        gram[size:, :size] = gram[:size, size:].T
        gram[size:, size:] = ((b @ b.T).to(dtype) / count).addr_(means[1], means[1], alpha=-1)
    designs = [design.to(dtype) for design in new]
    rights = torch.stack([designs[model % len(new)] @ v / len(v) for model, v in enumerate(values)])
    return Squares(grams, torch.cat((squares.right, rights), 1), squares.total)


def penalties(largest: float, count: int, least: float) -> np.ndarray:
    """A falling geometric sequence of penalties, from below the largest to a share of it."""
    return largest * np.geomspace(0.5, least, count)
