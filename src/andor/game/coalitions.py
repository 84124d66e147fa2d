"""Coalitions of players: all 2^n of them by bit mask, or a list of any of them.

Bit i of a mask says whether player i is present. An array over all coalitions of n players has a last axis of 2^n
entries, indexed by the mask; the whole set of players is the last entry, and the complement of `mask` is
`2**n - 1 - mask`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


def rename(values: np.ndarray, permutation: Sequence[int]) -> np.ndarray:
    """Give player i the new number `permutation[i]` in an array over all coalitions.

    Parameters
    ----------
    values : shape (..., 2^n)
    permutation : the numbers 0..n-1 in any order

    Raises
    ------
    ValueError
        If `permutation` is not one of the n players.
    """
    return values[..., _former(number_of_players(values.shape[-1]), permutation)]


def _former(n: int, permutation: Sequence[int]) -> np.ndarray:
    """Mask that each of the 2^n coalitions had before its players got new numbers."""
    _check(n, permutation)
    new = np.arange(2**n)
    old = np.zeros_like(new)
    for player, number in enumerate(permutation):
        old |= (new >> number & 1) << player
    return old


def _check(n: int, permutation: Sequence[int]) -> None:
    if sorted(permutation) != list(range(n)):
        raise ValueError(f"{list(permutation)} is no permutation of the players 0..{n - 1}")


@dataclass(frozen=True, eq=False)
class Coalitions:
    """Coalitions of n players, all 2^n or some: in ascending order of their masks, and none twice.

    One of the constructors below makes them; they may be given in any order, and more than once.

    Attributes
    ----------
    n : number of players
    words : uint64, shape (C, W) with W = max(1, ceil(n / 64)); None if all 2^n are there
        The masks, their lowest 64 bits first.
    """

    n: int
    words: np.ndarray | None

    @classmethod
    def all(cls, n: int) -> Coalitions:
        """All 2^n, of which nothing is stored."""
        return cls(n, None)

    @classmethod
    def of_masks(cls, n: int, masks: np.ndarray | Sequence[int]) -> Coalitions:
        """Coalitions with these bit masks; n <= 64."""
        words = np.asarray(masks, dtype=np.uint64).reshape(-1, 1)
        if n > 64 or (n < 64 and len(words) and int(words.max()) >> n):
            raise ValueError(f"masks of {n} players are numbers below 2^{min(n, 64)}")
        return cls._of_words(n, words)

    @classmethod
    def of_presence(cls, presence: np.ndarray) -> Coalitions:
        """Coalitions with these players present; bool, shape (C, n)."""
        return cls._of_words(presence.shape[1], _packed(presence))

    @classmethod
    def of_players(cls, n: int, players: Iterable[Sequence[int]]) -> Coalitions:
        """Coalitions of these lists of players."""
        return cls._of_words(n, _packed(presence_of(n, list(players))))

    @classmethod
    def _of_words(cls, n: int, words: np.ndarray) -> Coalitions:
        words = words[np.lexsort(words.T)]
        words = words[_is_new(words)]
        return cls(n, words if len(words) < 2**n else None)

    # ---------------------------------------------------------------------------------------------- what they are

    def __len__(self) -> int:
        return 2**self.n if self.words is None else len(self.words)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Coalitions) or self.n != other.n or len(self) != len(other):
            return False
        return self.words is None or bool((self.words == other.words).all())

    @property
    def packed(self) -> np.ndarray:
        """The masks in words; uint64, shape (C, W)."""
        return np.arange(2**self.n, dtype=np.uint64)[:, None] if self.words is None else self.words

    @property
    def masks(self) -> np.ndarray:
        """The masks, for n <= 64; uint64, shape (C,)."""
        if self.n > 64:
            raise ValueError(f"masks of {self.n} players do not fit into 64 bits")
        return self.packed[:, 0]

    @functools.cached_property
    def orders(self) -> np.ndarray:
        """Number of players of each; int64, shape (C,)."""
        return np.bitwise_count(self.packed).sum(-1, dtype=np.int64)

    @property
    def presence(self) -> np.ndarray:
        """Which player is in which coalition; bool, shape (C, n)."""
        octets = np.ascontiguousarray(self.packed.astype("<u8")).view(np.uint8)
        return np.unpackbits(octets, axis=1, bitorder="little")[:, : self.n].astype(bool)

    @property
    def players(self) -> list[list[int]]:
        """The players of each, in ascending order."""
        coalition, player = np.nonzero(self.presence)
        ends = np.searchsorted(coalition, np.arange(1, len(self)))
        return [part.tolist() for part in np.split(player, ends)][: len(self)]

    def names(self, player_names: Sequence[str]) -> list[str]:
        """Each as readers know it: `{cold, wet}`; the empty one is `∅`."""
        return ["{" + ", ".join(player_names[i] for i in own) + "}" if own else "∅" for own in self.players]

    def possible(self, kind: str, order: int | None = None, up_to: int | None = None) -> int:
        """Number of coalitions that can hold an interaction of a kind: all, of one order, or of orders up to one.

        Orders <= 1 are merged: an AND interaction has a player or more, an OR interaction two or more.
        """
        least = 1 + KINDS.index(kind)
        if order is not None:
            return math.comb(self.n, order) if order >= least else 0
        if up_to is not None:
            return sum(math.comb(self.n, order) for order in range(least, min(up_to, self.n) + 1))
        return 2**self.n - sum(math.comb(self.n, smaller) for smaller in range(least))

    # ------------------------------------------------------------------------------------------- where they are

    def position(self, players: Sequence[int]) -> int | None:
        """Place of the coalition of these players, None if it is not there."""
        place = int(self.positions(presence_of(self.n, [players]))[0])
        return place if place >= 0 else None

    @property
    def empty(self) -> int | None:
        """Place of the empty coalition."""
        return 0 if len(self) and not (self.words is not None and self.words[0].any()) else None

    @property
    def full(self) -> int | None:
        """Place of the coalition of all players."""
        return self.position(range(self.n))

    @property
    def single(self) -> np.ndarray:
        """Place of the coalition of each player alone, -1 if it is not there; int64, shape (n,)."""
        return self.positions(np.eye(self.n, dtype=bool))

    def positions(self, others: Coalitions | np.ndarray) -> np.ndarray:
        """Place of each of other coalitions here, -1 for one that is not there; int64.

        Parameters
        ----------
        others : coalitions, or the presence of their players in any order, bool (C', n)
        """
        wanted, n = (others.packed, others.n) if isinstance(others, Coalitions) else (_packed(others), others.shape[1])
        if n != self.n:
            raise ValueError(f"coalitions of {n} players are looked for among those of {self.n}")
        if self.words is None:
            return wanted[:, 0].astype(np.int64)
        rows = np.concatenate([self.words, wanted])
        ascending = np.lexsort(rows.T)  # stable: an own row stands before equal ones that are wanted
        new = _is_new(rows[ascending])
        first = np.empty(len(rows), dtype=np.int64)
        first[ascending] = ascending[new][np.cumsum(new) - 1]
        found = first[len(self) :]
        return np.where(found < len(self), found, -1)

    def spread(self, values: np.ndarray, onto: Coalitions) -> np.ndarray:
        """Values of these coalitions, (..., C), on another list, (..., C'): 0 for what is there alone."""
        places = onto.positions(self)
        there = np.zeros((*values.shape[:-1], len(onto)), values.dtype)
        there[..., places[places >= 0]] = values[..., places >= 0]
        return there

    # ------------------------------------------------------------------------------------------- others from them

    def renamed(self, permutation: Sequence[int]) -> tuple[Coalitions, np.ndarray]:
        """The coalitions after player i got the number `permutation[i]`, and the place here of each of them.

        Raises
        ------
        ValueError
            If `permutation` is not one of the n players.
        """
        if self.words is None:
            return self, _former(self.n, permutation)
        _check(self.n, permutation)
        presence = np.empty((len(self), self.n), dtype=bool)
        presence[:, list(permutation)] = self.presence
        words = _packed(presence)
        ascending = np.lexsort(words.T)
        return Coalitions(self.n, words[ascending]), ascending

    def union(self, *others: Coalitions) -> Coalitions:
        """The coalitions that are in any of several lists."""
        several = (self, *others)
        if any(one.n != self.n for one in several):
            raise ValueError(f"lists of coalitions of {sorted({one.n for one in several})} players have no union")
        if any(one.words is None for one in several):
            return Coalitions.all(self.n)
        return self._of_words(self.n, np.concatenate([one.packed for one in several]))

    def take(self, places: np.ndarray | Sequence[int]) -> Coalitions:
        """Some of them, by their places in ascending order or by a bool for each."""
        return self._of_words(self.n, self.packed[places])


def presence_of(n: int, players: Sequence[Sequence[int]]) -> np.ndarray:
    """Which player is in which of some lists of them; bool, shape (C, n)."""
    row = np.repeat(np.arange(len(players)), [len(own) for own in players])
    column = np.array([player for own in players for player in own], dtype=np.int64)
    if len(column) and not 0 <= column.min() <= column.max() < n:
        raise ValueError(f"players {column.min()} to {column.max()} are not all among the {n} from 0 on")
    presence = np.zeros((len(players), n), dtype=bool)
    presence[row, column] = True
    return presence


def _packed(presence: np.ndarray) -> np.ndarray:
    """Masks in words, lowest first, of presence (C, n); uint64, shape (C, max(1, ceil(n / 64)))."""
    octets = np.packbits(presence, axis=1, bitorder="little")
    padding = 8 * max(1, -(-presence.shape[1] // 64)) - octets.shape[1]
    return np.pad(octets, ((0, 0), (0, padding))).view("<u8").astype(np.uint64)


def _is_new(words: np.ndarray) -> np.ndarray:
    """Which rows, in ascending order, differ from the row before; bool, shape (C,)."""
    return np.append(True, (words[1:] != words[:-1]).any(-1))[: len(words)]
