"""Coalitions as bit masks: bit i of a mask says whether player i is present."""

from __future__ import annotations

from andor.errors import UserError


def number_of_players(length: int) -> int:
    """n of an array with 2^n coalitions along its last axis.

    Raises
    ------
    UserError
        If `length` is no power of two.
    """
    if length < 1 or length & (length - 1):
        raise UserError(
            f"an array over coalitions has {length} entries; give one entry for each of the 2^n coalitions of n players"
        )
    return length.bit_length() - 1
