"""Coalitions as columns of a linear model: on which coalitions of a list is an interaction active?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Columns:
    """Interactions of either kind.

    Attributes
    ----------
    kinds : (W,) int64, 0 AND, 1 OR
    members : (W, n) bool
    """

    kinds: Tensor
    members: Tensor

    @classmethod
    def none(cls, n: int, device: torch.device | str = "cpu") -> Columns:
        """No interaction of n players."""
        return cls(
            torch.empty(0, dtype=torch.int64, device=device), torch.empty((0, n), dtype=torch.bool, device=device)
        )

    @classmethod
    def of(cls, kinds: Tensor, players: Tensor, n: int) -> Columns:
        """From players (W, d), padded by −1."""
        members = torch.zeros((len(players), n + 1), dtype=torch.bool, device=players.device)
        members.scatter_(1, players % (n + 1), True)  # −1 is the last place, which is nobody's
        return cls(kinds, members[:, :n])

    def __len__(self) -> int:
        """W."""
        return len(self.kinds)

    def take(self, which: Tensor) -> Columns:
        """Some of them."""
        return Columns(self.kinds[which], self.members[which])

    def join(self, other: Columns) -> Columns:
        """These and others."""
        return Columns(torch.cat((self.kinds, other.kinds)), torch.cat((self.members, other.members)))

    def new_in(self, other: Columns) -> Tensor:
        """Which of the others are not among these, bool."""
        if not len(self):
            return torch.ones(len(other), dtype=torch.bool, device=other.kinds.device)
        both = torch.cat((self._rows(), other._rows()))
        _, place = torch.unique(both, dim=0, return_inverse=True)
        return ~torch.isin(place[len(self) :], place[: len(self)])

    def design(self, presence: Tensor) -> Tensor:
        """Whether each interaction is active on each coalition, 0 or 1: presence (n, M) to (W, M)."""
        members = self.members.to(presence.dtype)
        count = members @ presence
        active = torch.where(self.kinds[:, None] == 0, count == members.sum(1, keepdim=True), count > 0)
        return active.to(presence.dtype)

    def _rows(self) -> Tensor:
        return torch.cat((self.kinds[:, None].to(torch.uint8), self.members.to(torch.uint8)), 1)
