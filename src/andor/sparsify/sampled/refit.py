"""Errors of refitted strengths."""

from __future__ import annotations

import torch
from torch import Tensor


def errors(design: Tensor, values: Tensor, penalised: Tensor, ridge: float, groups: Tensor) -> Tensor:
    """Standard error of each refitted strength of one model, from the jackknife over groups of coalitions: (W,).

    Each group is left out in turn and the rest refitted (Efron & Tibshirani 1993, ch. 11), all from one inverse:
    without a group g, strengths move by H·A_g·(1 − A_gᵀ·H·A_g)⁻¹·r_g, with H the inverse of the sum of products and r
    the residuals. The ridge stays that of all coalitions. What choosing the support adds is not in it.

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
    used = torch.cat((used, used.new_ones((1, used.shape[1]))))
    drawn = used @ used.T
    drawn.diagonal()[:-1].add_(ridge * used.shape[1])
    factor = torch.linalg.cholesky(drawn)
    inverse = torch.cholesky_inverse(factor)
    rest = values - penalised[support] @ used[:-1]
    rest = rest - (inverse @ (used @ rest)) @ used
    moved = torch.stack([_moved(inverse, used[:, own], rest[own]) for own in (groups == g for g in groups.unique())])
    count = len(moved)
    found[support] = (((moved - moved.mean(0)) ** 2).sum(0) * (count - 1) / count).sqrt()[:-1]
    return found


def _moved(inverse: Tensor, group: Tensor, rest: Tensor) -> Tensor:
    """By how much strengths move (up to the sign) when a group of coalitions is left out."""
    across = inverse @ group
    within = torch.eye(len(rest), dtype=rest.dtype, device=rest.device) - group.T @ across
    return across @ torch.linalg.solve(within, rest)
