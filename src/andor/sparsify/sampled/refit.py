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
    count, used = len(values), design[support].to(torch.float32)
    mean = used.mean(1, dtype=torch.float64)
    products = (used @ used.T).to(torch.float64).addr_(mean, mean, alpha=-count)  # whole numbers until they are centred
    centred = used - mean[:, None]
    rest = values - values.mean() - penalised[support] @ centred
    duals, factor = centred @ rest, _factor(products, LEAST * count)
    step = torch.cholesky_solve(duals[:, None], factor)[:, 0]
    drawn = step - torch.cholesky_solve(duals[:, None], _factor(products, max(ridge, LEAST) * count))[:, 0]
    halves = torch.linalg.solve_triangular(factor, centred, upper=False)
    moved = _moved(halves, rest - step @ centred, groups)
    moved = torch.linalg.solve_triangular(factor.T, moved.T, upper=True).T
    variance = ((moved - moved.mean(0)) ** 2).sum(0) * (len(moved) - 1) / len(moved)
    found[support] = (variance + drawn**2).sqrt()
    return found


def _moved(halves: Tensor, rest: Tensor, groups: Tensor) -> Tensor:
    """By how much strengths move (up to the sign) when each group is left out, times the factor's transpose: (G, W).

    `halves` is the factor's inverse times the centred columns; the constant has a share of 1/M in every residual.
    """
    found, constant = [], 1 / (rest.shape[0] * (1 + LEAST))
    for own in (groups == group for group in groups.unique()):
        half, left = halves[:, own], rest[own]
        within = torch.eye(len(left), dtype=left.dtype, device=left.device) - half.T @ half - constant
        found.append(half @ torch.linalg.solve(within, left))
    return torch.stack(found)


def _factor(products: Tensor, ridge: float) -> Tensor:
    """Cholesky factor of products and a ridge."""
    drawn = products.clone()
    drawn.diagonal().add_(ridge)
    return torch.linalg.cholesky(drawn)


def _inverse(products: Tensor, ridge: float) -> Tensor:
    """Inverse of products and a ridge."""
    return torch.cholesky_inverse(_factor(products, ridge))
