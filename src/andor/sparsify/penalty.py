"""The penalty on an interaction of several models, Σ_T [w_max·max_i |I_i(T)| + w_sum·Σ_i |I_i(T)|]: prox and dual ball.

Chen et al., ICLR 2024, Eq 6. Tensors have the models as their last axis but one.
"""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor


def cost(interactions: Tensor, of_max: float, of_sum: float) -> Tensor:
    """Penalty of each coalition: (..., m, C) to (..., C)."""
    strength = interactions.abs()
    cost = of_sum * strength.sum(-2)
    return cost + of_max * strength.amax(-2) if of_max else cost


def prox(interactions: Tensor, step: Tensor | float, of_max: float, of_sum: float) -> Tensor:
    """Proximal point of `step` times the penalty; same shape.

    It is a soft threshold, then cutting off at a water level: the largest of the means of the k strongest, k = 1…m,
    each lowered by its share of the weight of the maximum.
    """
    strength = (interactions.abs() - of_sum * step).clamp_min_(0)
    if of_max:
        cut = of_max * step
        means = [(total - cut) / count for count, total in enumerate(largest_sums(strength), 1)]
        strength = torch.minimum(strength, reduce(torch.maximum, means).clamp_min_(0))
    return torch.copysign(strength, interactions)


def gauge(duals: Tensor, of_max: float, of_sum: float) -> Tensor:
    """By how much the duals of each coalition exceed the penalty's dual ball, ≤ 1 inside: (..., m, C) to (..., C).

    The ball is Σ_i (|y_i| − w_sum)₊ ≤ w_max: the k largest |y_i| sum to at most w_max + k·w_sum, for every k.
    """
    sums = enumerate(largest_sums(duals.abs()), 1)
    return reduce(torch.maximum, (total / (of_max + count * of_sum) for count, total in sums)).squeeze(-2)


def largest_sums(sizes: Tensor) -> list[Tensor]:
    """Sums of the k largest of sizes ≥ 0 over models, k = 1…m: of (..., m, C), m times (..., 1, C).

    Of up to three without sorting, which would take longer than all else.
    """
    models = sizes.shape[-2]
    if models > 3:
        return list(sizes.sort(-2, descending=True).values.cumsum(-2).split(1, -2))
    if models == 1:
        return [sizes]
    largest, total = sizes.amax(-2, keepdim=True), sizes.sum(-2, keepdim=True)
    return [largest, total] if models == 2 else [largest, total - sizes.amin(-2, keepdim=True), total]
