"""Among solutions of the same worth, the one with fewer players: AND and OR of a pair against its two players.

Both are there exactly as often as either: [i ∧ j ∈ S] + [i ∨ j ∈ S] = [i ∈ S] + [j ∈ S]. So whatever a model's AND and
OR interaction of a pair have in common can stand with the two players instead, and no output changes; for one model the
penalty does not grow, and sum-like models get the sum that they are. With several models a pair is left as it is where
the penalty would grow.

Two players may be told in two ways without such a common part: i without j is [i] − [i ∧ j] and [i ∨ j] − [j], of the
same penalty, and mixtures of both are more. So what is a sum of stronger interactions of the solution is left to them.
"""

from __future__ import annotations

import numpy as np
import torch

from andor.sparsify.sampled.columns import Columns

TINY, ALONE = 1e-10, 1e-7
"""What is added to the variance of columns, and the least share of it that others do not explain."""


def singles(columns: Columns) -> Columns:
    """The players of all pairs that have an AND and an OR interaction, each by itself."""
    n, both = columns.members.shape[1], _both(columns)
    players = sorted({player for pair in both for player in pair})
    members = torch.zeros((len(players), n), dtype=torch.bool, device=columns.members.device)
    members[range(len(players)), players] = True
    return Columns(torch.zeros(len(players), dtype=torch.int64, device=members.device), members)


def simplified(columns: Columns, x: np.ndarray, of_max: float, of_sum: float) -> np.ndarray:
    """Interactions (m, W) of the same outputs and no larger penalty, whose pairs are no sums of players.

    Parameters
    ----------
    columns : W interactions, with `singles` among them
    """
    x, both = x.copy(), _both(columns)
    kinds, members = columns.kinds.cpu().numpy(), columns.members.cpu().numpy()
    alone = {int(members[place].argmax()): place for place in np.flatnonzero((kinds == 0) & (members.sum(1) == 1))}

    def worth(own: np.ndarray) -> float:
        strength = np.abs(own)
        return float(of_max * strength.max(0).sum() + of_sum * strength.sum())

    for (first, second), places in both.items():
        if not {first, second} <= alone.keys():  # a pair that no model has
            continue
        four = [*places, alone[first], alone[second]]
        own = x[:, four]
        common = np.where(own[:, 0] * own[:, 1] > 0, np.sign(own[:, 0]) * np.abs(own[:, :2]).min(1), 0.0)
        moved = own + common[:, None] * np.array([-1, -1, 1, 1])
        if worth(moved) <= worth(own) * (1 + 1e-12):
            x[:, four] = moved
    return x


def independent(gram: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Interactions (m, W) of the same outputs whose columns are linearly independent.

    Columns are taken from the strongest to the weakest, so that what is a sum of others is left to stronger ones. At
    the optimum of one model the penalty stays the same until one changes its sign: along a direction without effect its
    slope is that of the residual, which is 0.

    Parameters
    ----------
    gram : (m, W, W) or (1, W, W), products of centred columns
    """
    x, strength = x.clone(), x.abs().sum(0)
    for model, own in enumerate(x):
        support = own.nonzero()[:, 0]
        order = support[strength[support].argsort(descending=True, stable=True)]
        products = gram[model % len(gram)][order][:, order]
        drawn = products.clone()
        drawn.diagonal().add_(TINY)
        alone = torch.linalg.cholesky(drawn).diagonal() ** 2 > ALONE * products.diagonal()
        kept, others = order[alone], order[~alone]
        own[kept] += torch.linalg.solve(products[alone][:, alone], products[alone][:, ~alone]) @ own[others]
        own[others] = 0
    return x


def _both(columns: Columns) -> dict[tuple[int, int], tuple[int, int]]:
    """Places of the AND and the OR interaction of each pair that has both."""
    kinds, members = columns.kinds.cpu().numpy(), columns.members.cpu().numpy()
    found: dict[tuple[int, int], dict[int, int]] = {}
    for place in np.flatnonzero(members.sum(1) == 2):
        first, second = np.flatnonzero(members[place]).tolist()
        found.setdefault((first, second), {})[int(kinds[place])] = int(place)
    return {pair: (by[0], by[1]) for pair, by in found.items() if len(by) == 2}
