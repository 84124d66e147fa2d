"""The penalty on an interaction of several models, Σ_T [w_max·max_i |I_i(T)| + w_sum·Σ_i |I_i(T)|]: prox and dual ball.

Chen et al., ICLR 2024, Eq 6. Tensors have the models as their last axis but one.
"""

from __future__ import annotations

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
        cut, models = of_max * step, interactions.shape[-2]
        if models == 1:
            level = strength - cut
        elif models == 2:
            mean = 0.5 * (strength.sum(-2, keepdim=True) - cut)
            level = torch.maximum(strength.amax(-2, keepdim=True) - cut, mean)
        else:
            total = strength.sort(-2, descending=True).values.cumsum(-2) - cut
            level = (total / one_to(models, total)).amax(-2, keepdim=True)
        strength = torch.minimum(strength, level.clamp_min_(0))
    return torch.copysign(strength, interactions)


def gauge(duals: Tensor, of_max: float, of_sum: float) -> Tensor:
    """By how much the duals of each coalition exceed the penalty's dual ball, ≤ 1 inside: (..., m, C) to (..., C).

    The ball is Σ_i (|y_i| − w_sum)₊ ≤ w_max: the k largest |y_i| sum to at most w_max + k·w_sum, for every k.
    """
    models, largest = duals.shape[-2], duals.abs()
    if models == 1:
        return largest[..., 0, :] / (of_max + of_sum)
    if models == 2:
        most = largest.amax(-2) / (of_max + of_sum)
        return torch.maximum(most, largest.sum(-2) / (of_max + 2 * of_sum))
    largest = largest.sort(-2, descending=True).values.cumsum(-2)
    return (largest / (of_max + of_sum * one_to(models, duals))).amax(-2)


def one_to(models: int, like: Tensor) -> Tensor:
    """1…m as a column, of the type and on the device of another tensor."""
    return torch.arange(1, models + 1, dtype=like.dtype, device=like.device)[:, None]
