"""Coalitions as Python knows them, to count by."""

from collections.abc import Iterable


def members(mask: int) -> tuple[int, ...]:
    """The players of a coalition in ascending order."""
    return tuple(i for i in range(int(mask).bit_length()) if int(mask) >> i & 1)


def mask_of(players: Iterable[int]) -> int:
    """The mask of the coalition of these players."""
    return sum(1 << int(player) for player in players)
