"""Strengths without the penalty on what stands out of noise, and errors of refitted strengths."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LEAST = 1e-7
"""Ridge of least squares, in units of the values' variance: enough where columns are linearly dependent."""


def threshold(players: int, order: int) -> float:
    """√(2 ln C) standard errors: what the largest of the C interactions up to an order reaches by accident.

    Noise alone hardly exceeds it (Donoho & Johnstone, Biometrika 1994); as a rule of which columns a regression keeps
    it is the risk inflation criterion (Foster & George, Ann. Stat. 1994).
    """
    count = 2 * sum(math.comb(players, size) for size in range(1, order + 1)) - players
    return math.sqrt(2 * math.log(max(count, 2)))


def standing_out(gram: Tensor, right: Tensor, total: Tensor, count: int, level: float) -> Tensor:
    """Strengths (W,) of least squares on those columns whose strength is `level` standard errors or more; others are 0.

    Columns of noise share what belongs to others, so that those below the level go by and by: the weaker half of them,
    and the rest is fitted again.

    Parameters
    ----------
    gram, right, total : (W, W), (W,) and (), products of centred columns and values, divided by their number
    count : of the coalitions
    """
    kept = torch.arange(len(right), device=right.device)
    strengths = torch.zeros_like(right)
    while len(kept):
        inverse = _inverse(gram[kept][:, kept], LEAST)
        found = inverse @ right[kept]
        variance = ((total - found @ right[kept]) / max(count - len(kept) - 1, 1)).clamp_min(0)
        size = found.abs() / (inverse.diagonal() * variance).sqrt()
        weak = int((size < level).sum())
        if not weak:
            strengths[kept] = found
            break
        kept = kept[size.argsort(descending=True, stable=True)[: len(kept) - (weak + 1) // 2]]
    return strengths


def errors(design: Tensor, values: Tensor, penalised: Tensor, ridge: float, groups: Tensor) -> Tensor:
    """Error of each refitted strength of one model, (W,): of least squares, and how far the ridge drew it from there.

    Least squares on the support is unbiased, and its standard error s is that of the jackknife over groups of
    coalitions: each group is left out in turn and the rest refitted (Efron & Tibshirani 1993, ch. 11), all from one
    inverse: without a group g, strengths move by H·A_g·(1 − A_gᵀ·H·A_g)⁻¹·r_g, with H the inverse of the sum of
    products and r the residuals. The ridge draws a strength by d, a bias of which s knows nothing; the error is
    √(s² + d²), and strength ± 1.96 errors holds ± 1.96 s about least squares with at least the same probability. What
    choosing the support adds is not in it, and where columns are linearly dependent on the coalitions their shares stay
    those of the penalised point.

    Parameters
    ----------
    design : (W, M), 0 and 1
    values : (M,), float64
    penalised : (W,)
    ridge : ρ of `Squares.refitted`
    groups : (M,) int64, the group of each coalition, 0…G−1
    """
    support = penalised.nonzero()[:, 0]
    found = torch.zeros_like(penalised)
    if not len(support):
        return found
    used = design[support].to(torch.float64)
    used = torch.cat((used - used.mean(1, keepdim=True), used.new_ones((1, used.shape[1]))))
    rest = values - values.mean() - penalised[support] @ used[:-1]
    products, duals = used @ used.T, used @ rest
    inverse = _inverse(products, LEAST * len(values))
    drawn = (inverse - _inverse(products, max(ridge, LEAST) * len(values))) @ duals
    rest = rest - (inverse @ duals) @ used
    moved = torch.stack([_moved(inverse, used[:, own], rest[own]) for own in (groups == g for g in groups.unique())])
    count = len(moved)
    variance = ((moved - moved.mean(0)) ** 2).sum(0) * (count - 1) / count
    found[support] = (variance + drawn**2).sqrt()[:-1]
    return found


def _inverse(products: Tensor, ridge: float) -> Tensor:
    """Inverse of products and a ridge."""
    drawn = products.clone()
    drawn.diagonal().add_(ridge)
    return torch.cholesky_inverse(torch.linalg.cholesky(drawn))


def _moved(inverse: Tensor, group: Tensor, rest: Tensor) -> Tensor:
    """By how much strengths move (up to the sign) when a group of coalitions is left out."""
    across = inverse @ group
    within = torch.eye(len(rest), dtype=rest.dtype, device=rest.device) - group.T @ across
    return across @ torch.linalg.solve(within, rest)
