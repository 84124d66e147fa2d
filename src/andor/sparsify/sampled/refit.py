"""Errors of refitted strengths."""

from __future__ import annotations

from functools import reduce
from operator import add

import torch
from torch import Tensor

from andor.sparsify.sampled.restricted import Moments


def errors(design: Tensor, values: Tensor, penalised: Tensor, ridge: float, groups: Tensor) -> Tensor:
    """Standard error of each refitted strength of one model, from the jackknife over groups of coalitions: (W,).

    Each group is left out in turn and the rest refitted (Efron & Tibshirani 1993, ch. 11). What choosing the support
    adds is not in it.

    Parameters
    ----------
    design : (W, M), 0 and 1
    values : (M,), float64
    penalised : (W,)
    ridge : ρ of `Squares.refitted`
    groups : (M,) int64, the group of each coalition, 0…G−1
    """
    support, count = penalised.nonzero()[:, 0], int(groups.max()) + 1
    used = design[support]
    parts = [Moments.of(used[:, groups == group], values[groups == group]) for group in range(count)]
    whole, x = reduce(add, parts), penalised[support][None]
    moved = torch.cat([(whole - part).squares().refitted(x, ridge) for part in parts])
    found = torch.zeros_like(penalised)
    found[support] = (((moved - moved.mean(0)) ** 2).sum(0) * (count - 1) / count).sqrt()
    return found
