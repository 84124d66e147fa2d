"""Strengths refitted on the coalitions of a solution, and their errors.

{i}, {j}, AND{i,j} and OR{i,j} are linearly dependent, so that least squares on a support may be singular. The refit is
therefore drawn towards the penalised point: it minimises ½·mean_j (residual)² + (ρ/2)·‖x − x_penalised‖², so that
dependent columns stay as the penalised point shares them out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
"""Values of ρ to choose from, in units of the values' variance."""


@dataclass(frozen=True, eq=False)
class Refit:
    """One model's refitted strengths (W,), 0 where the penalised ones are, and its constant b."""

    strengths: Tensor
    constant: float


def refit(design: Tensor, values: Tensor, penalised: Tensor, ridge: float) -> Refit:
    """Strengths of one model.

    Parameters
    ----------
    design : (W, M), 0 and 1
    values : (M,), float64
    penalised : (W,)
    ridge : ρ
    """
    support = penalised.nonzero()[:, 0]
    used = design[support].to(values.dtype)
    means = used.mean(1)
    centred = used - means[:, None]
    gram, rest = centred @ centred.T / len(values), values - values.mean() - penalised[support] @ centred
    gram.diagonal().add_(ridge)
    strengths = penalised.clone()
    strengths[support] += torch.linalg.solve(gram, centred @ rest / len(values))
    return Refit(strengths, float(values.mean() - strengths[support] @ means))


def errors(design: Tensor, values: Tensor, penalised: Tensor, ridge: float, groups: Tensor) -> Tensor:
    """Standard error of each refitted strength of one model, from the jackknife over groups of coalitions: (W,).

    Each group is left out in turn and the rest refitted (Efron & Tibshirani 1993, ch. 11). What choosing the support
    adds is not in it.

    Parameters
    ----------
    groups : (M,) int64, the group of each coalition, 0…G−1
    """
    support = penalised.nonzero()[:, 0]
    used = torch.cat((torch.ones_like(values)[None], design[support].to(values.dtype)))
    rest = values - penalised[support] @ used[1:]
    count = int(groups.max()) + 1
    sizes, parts, rights = [], [], []
    for group in range(count):
        own = used[:, groups == group]
        sizes.append(own.shape[1])
        parts.append(own @ own.T)
        rights.append(own @ rest[groups == group])
    gram, right, total = sum(parts), sum(rights), len(values)
    drawn = torch.full((len(used),), ridge, dtype=values.dtype, device=values.device).diag()
    drawn[0, 0] = 0  # the constant is free
    moved = torch.stack(
        [
            torch.linalg.solve((gram - part) / (total - size) + drawn, (right - own) / (total - size))[1:]
            for size, part, own in zip(sizes, parts, rights, strict=True)
        ]
    )
    spread = ((moved - moved.mean(0)) ** 2).sum(0) * (count - 1) / count
    found = torch.zeros_like(penalised)
    found[support] = spread.sqrt()
    return found
