"""Coalitions as bit masks: bit i of a mask says whether player i is present.

An array over all coalitions of n players has a last axis of 2^n entries, indexed by the mask; the whole set of players
is the last entry, and the complement of `mask` is `2**n - 1 - mask`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from andor.errors import UserError

AND, OR = 0, 1
"""Places on the axis of kinds of interactions."""
KINDS = ("and", "or")
"""Names of the kinds, by place."""


def number_of_players(length: int) -> int:
    """Return n for an array with 2^n entries along its last axis.

    Raises
    ------
    UserError
        If `length` is no power of two.
    """
    if length < 1 or length & (length - 1):
        raise UserError(
            f"an array over coalitions has {length} entries, no power of two; n players have 2^n coalitions"
        )
    return length.bit_length() - 1


def orders(n: int) -> np.ndarray:
    """Return the order (number of players) of each of the 2^n coalitions, uint8."""
    return np.bitwise_count(np.arange(2**n, dtype=np.uint32))


def members(mask: int) -> tuple[int, ...]:
    """Return the players of a coalition in ascending order."""
    mask = int(mask)
    return tuple(i for i in range(mask.bit_length()) if mask >> i & 1)


def mask_of(players: Iterable[int]) -> int:
    """Return the mask of the coalition of these players."""
    mask = 0
    for player in players:
        mask |= 1 << int(player)
    return mask


def presence(n: int, masks: np.ndarray | None = None) -> np.ndarray:
    """Return which player is in which coalition.

    Parameters
    ----------
    n : number of players
    masks : integers, shape (k,), optional
        The coalitions; all 2^n, in the order of their masks, by default.

    Returns
    -------
    bool, shape (k, n)
    """
    masks = np.arange(2**n, dtype=np.uint32) if masks is None else np.asarray(masks)
    return (masks[:, None] >> np.arange(n, dtype=masks.dtype) & 1).astype(bool)


def rename(values: np.ndarray, permutation: Sequence[int]) -> np.ndarray:
    """Give player i the new number `permutation[i]` in an array over coalitions.

    Parameters
    ----------
    values : shape (..., 2^n)
    permutation : the numbers 0..n-1 in any order

    Raises
    ------
    ValueError
        If `permutation` is not one of the n players.
    """
    n = number_of_players(values.shape[-1])
    if sorted(permutation) != list(range(n)):
        raise ValueError(f"{list(permutation)} is no permutation of the players 0..{n - 1}")
    new = np.arange(2**n)
    old = np.zeros_like(new)
    for player, number in enumerate(permutation):
        old |= (new >> number & 1) << player
    return values[..., old]


def describe(mask: int, names: Sequence[str]) -> str:
    """Return a coalition as readers know it: `{cold, wet}`; the empty one is `∅`."""
    return "{" + ", ".join(names[i] for i in members(mask)) + "}" if mask else "∅"
