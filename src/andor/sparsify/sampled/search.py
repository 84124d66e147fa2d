"""The coalitions whose duals leave the dual ball: a pruned search over all coalitions up to an order.

For one model y(T) = Σ_j θ(j)·[T ⊆ S_j], and for every superset T' of T

    |y(T')| ≤ max(Σ_{j: T⊆S_j} θ(j)⁺, Σ_{j: T⊆S_j} θ(j)⁻),

so that a branch whose bound lies in the ball holds nothing that does not (safe pattern pruning: Nakagawa et al., KDD
2016), for several models because the gauge of the ball is monotone. As Σθ = 0, OR is AND on complements with the sign
turned: [T ∩ S ≠ ∅] = 1 − [T ⊆ N∖S]. A level of the search is a few matrix products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from andor.sparsify.penalty import gauge

AND, OR = 0, 1
ENTRIES = 1 << 20
"""Numbers of an array of supports that are worked on at once."""
SLACK = 1e-5
"""Relative room left for rounding where a branch is cut off."""


@dataclass(frozen=True)
class Found:
    """Coalitions whose gauge exceeds a level, the largest first.

    Attributes
    ----------
    largest : largest gauge of all coalitions that were looked for, or the level if none exceeds it
    gauges : (k,)
    kinds : (k,), 0 AND, 1 OR
    players : (k, d) int64, ascending, −1 where the coalition is smaller
    searched : coalitions whose gauge was computed
    """

    largest: float
    gauges: Tensor
    kinds: Tensor
    players: Tensor
    searched: int


def search(
    presence: Sequence[Tensor],
    thetas: Sequence[Tensor],
    order: int,
    level: float,
    weights: tuple[float, float],
    most: int,
) -> Found:
    """Coalitions of both kinds and order ≤ `order` whose gauge exceeds `level`.

    Parameters
    ----------
    presence : (n, M_i) of each model, 0 and 1 in the precision of the search; the same object for models that share it
    thetas : (M_i,) of each model, each with sum 0
    weights : of the maximum and of the sum over models
    most : at most so many are kept, those of the largest gauge
    """
    kept = _Kept(order, most, level, thetas[0])
    complement = {id(own): 1 - own for own in presence}
    searched = 0
    for kind in (AND, OR):
        sets = presence if kind == AND else [complement[id(own)] for own in presence]
        for piece, first, gauges in _levels(sets, thetas, order, kept, weights):
            searched += int((gauges >= 0).sum())
            if piece.shape[1] or kind == AND:  # with one player there is nothing between AND and OR
                kept.add(kind, piece, first, gauges)
    return Found(kept.largest, *kept.sorted(), searched)


class _Kept:
    """The coalitions of largest gauge so far: once there are as many as are kept, the level is the least of theirs."""

    def __init__(self, order: int, most: int, level: float, like: Tensor) -> None:
        self.most, self.order, self.level, self.largest = most, order, level, level
        self.gauges = like.new_empty(0)
        self.kinds = torch.empty(0, dtype=torch.int64, device=like.device)
        self.players = torch.empty((0, order), dtype=torch.int64, device=like.device)

    def add(self, kind: int, piece: Tensor, first: int, gauges: Tensor) -> None:
        """Keep what exceeds the level, of branches (B, d) with each further player from `first` on."""
        row, column = (gauges > self.level).nonzero(as_tuple=True)
        if not len(row):
            return
        self.largest = max(self.largest, float(gauges.max()))
        players = torch.cat((piece[row], column[:, None] + first), 1)
        padded = torch.nn.functional.pad(players, (0, self.order - players.shape[1]), value=-1)
        self.gauges = torch.cat((self.gauges, gauges[row, column]))
        self.kinds = torch.cat((self.kinds, torch.full_like(row, kind)))
        self.players = torch.cat((self.players, padded))
        if len(self.gauges) > self.most:
            self._keep(self.gauges.topk(self.most).indices)
            self.level = float(self.gauges.min())

    def sorted(self) -> tuple[Tensor, Tensor, Tensor]:
        """Gauges, kinds and players, the largest gauge first."""
        self._keep(self.gauges.argsort(descending=True, stable=True))
        return self.gauges, self.kinds, self.players

    def _keep(self, which: Tensor) -> None:
        self.gauges, self.kinds, self.players = self.gauges[which], self.kinds[which], self.players[which]


def _levels(
    sets: Sequence[Tensor], thetas: Sequence[Tensor], order: int, kept: _Kept, weights: tuple[float, float]
) -> Iterator[tuple[Tensor, int, Tensor]]:
    """Branches (B, d) that no bound excludes, order by order and piece by piece, and the gauges of what follows them.

    With each piece come the first player that is added, and the gauges with it and each later one, (B, n − first): −1
    where that does not come after all of the branch's.
    """
    n = len(sets[0])
    branches = torch.empty((1, 0), dtype=torch.int64, device=sets[0].device)
    for size in range(1, order + 1):
        ahead = []
        for piece in _pieces(branches, n, sum(own.shape[1] for own in sets)):
            last = piece[:, -1:] if size > 1 else torch.full((1, 1), -1, device=piece.device)
            first = int(last.min()) + 1
            sums, bounds = _sums(piece, sets, thetas, first, with_bounds=size < order)
            later = torch.arange(first, n, device=piece.device) > last
            yield piece, first, _gauge(sums, weights).where(later, sums.new_tensor(-1))
            if size < order:
                open_ = (_gauge(bounds, weights) * (1 + SLACK) > kept.level) & later
                row, column = open_.nonzero(as_tuple=True)
                ahead.append(torch.cat((piece[row], column[:, None] + first), 1))
        branches = torch.cat(ahead) if ahead else branches[:0]
        if not len(branches):
            return


def _pieces(branches: Tensor, n: int, numbers: int) -> Iterator[Tensor]:
    """Branches by their last player, so that a piece has few columns to its left to leave out."""
    if branches.shape[1]:
        branches = branches[branches[:, -1] < n - 1]
        branches = branches[branches[:, -1].argsort(stable=True)]
    if len(branches):
        yield from branches.split(max(1, ENTRIES // numbers))


def _sums(
    piece: Tensor, sets: Sequence[Tensor], thetas: Sequence[Tensor], first: int, with_bounds: bool
) -> tuple[Tensor, Tensor | None]:
    """Sums of θ over the supports of each branch with each player from `first` on, and bounds of all that follow.

    Both have shape (m, branches, n − first).
    """
    supports: dict[int, Tensor] = {}
    sums, bounds = [], []
    for own, theta in zip(sets, thetas, strict=True):
        if id(own) not in supports:
            supports[id(own)] = _support(piece, own)
        weighted = supports[id(own)] * theta
        further = own[first:].T
        total = weighted @ further
        sums.append(total)
        if with_bounds:
            positive = weighted.clamp_min(0) @ further
            bounds.append(torch.maximum(positive, positive - total))
    return torch.stack(sums), torch.stack(bounds) if with_bounds else None


def _support(piece: Tensor, own: Tensor) -> Tensor:
    """Which of a model's coalitions hold all players of each branch, 0 or 1: (branches, M)."""
    support = own.new_ones((len(piece), own.shape[1])) if not piece.shape[1] else own[piece[:, 0]]
    for place in range(1, piece.shape[1]):
        support = support * own[piece[:, place]]
    return support


def _gauge(duals: Tensor, weights: tuple[float, float]) -> Tensor:
    """Gauge of duals (m, B, C): (B, C)."""
    return gauge(duals.movedim(0, -2), *weights)
