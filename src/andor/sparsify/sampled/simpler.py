"""Among solutions of the same worth, the one with fewer players: AND and OR of a pair against its two players.

Both are there exactly as often as either: [i ∧ j ∈ S] + [i ∨ j ∈ S] = [i ∈ S] + [j ∈ S]. So whatever a model's AND and
OR interaction of a pair have in common can stand with the two players instead, and no output changes; for one model the
penalty does not grow, and sum-like models get the sum that they are. With several models a pair is left as it is where
the penalty would grow.
"""

from __future__ import annotations

import numpy as np
import torch

from andor.sparsify.sampled.columns import Columns


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


def _both(columns: Columns) -> dict[tuple[int, int], tuple[int, int]]:
    """Places of the AND and the OR interaction of each pair that has both."""
    kinds, members = columns.kinds.cpu().numpy(), columns.members.cpu().numpy()
    found: dict[tuple[int, int], dict[int, int]] = {}
    for place in np.flatnonzero(members.sum(1) == 2):
        first, second = np.flatnonzero(members[place]).tolist()
        found.setdefault((first, second), {})[int(kinds[place])] = int(place)
    return {pair: (by[0], by[1]) for pair, by in found.items() if len(by) == 2}
