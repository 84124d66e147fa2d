"""Interactions of one kind in one sample, of several models: what they share, and where one's may lie by other names.

Under the hypothesis of *renaming* a model's players have other names. Each of its interactions lies on any coalition of
its order with the same chance. Do the models agree at all? Coalitions are compared by one number each, the exclusive or
of random 64-bit numbers of their players (Zobrist 1970): two of a sample are taken for one with a chance of 2^-64.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from andor.analysis.discovery import at_least


@dataclass(frozen=True, eq=False)
class Placed:
    """Interactions of one kind in one sample: of one model, or those that several have.

    Attributes
    ----------
    presence : bool, shape (k, n)
        The players of each; no two are of the same coalition, and none is empty.
    strengths : float64, shape (k,)
        With their signs; none is 0.
    """

    presence: np.ndarray
    strengths: np.ndarray

    @functools.cached_property
    def orders(self) -> np.ndarray:
        """Number of players of each, shape (k,)."""
        return self.presence.sum(1)

    @functools.cached_property
    def keys(self) -> np.ndarray:
        """The number of each coalition; uint64, shape (k,)."""
        return keys(self.presence, _labels(self.presence.shape[1]))

    def of_orders(self, least: int, most: int | None = None) -> Placed:
        """Those of as many players or more, up to a number if one is given."""
        return self.chosen((self.orders >= least) & (self.orders <= (most or self.presence.shape[1])))

    def with_(self, other: Placed) -> Placed:
        """Those that another one has too, with the same sign, and the lesser of the two strengths."""
        _, own, its = np.intersect1d(self.keys, other.keys, assume_unique=True, return_indices=True)
        strengths = lesser(self.strengths[own], other.strengths[its])
        return Placed(self.presence[own], strengths).chosen(strengths != 0)

    def chosen(self, which: np.ndarray) -> Placed:
        """Some of them, by a bool array (k,)."""
        return Placed(self.presence[which], self.strengths[which])


def shared_by(several: Sequence[Placed]) -> Placed:
    """Those that all have with one sign, each with its least strength."""
    return functools.reduce(Placed.with_, several)


def lesser(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The strengths of less magnitude, with their sign; 0 where the two have not the same."""
    return np.where(first * second > 0, np.sign(first) * np.minimum(np.abs(first), np.abs(second)), 0.0)


def keys(presence: np.ndarray, of_players: np.ndarray) -> np.ndarray:
    """The number of each coalition: bool (..., k, n) and uint64 (..., n) to uint64 (..., k)."""
    return np.bitwise_xor.reduce(np.where(presence, of_players[..., None, :], np.uint64(0)), axis=-1)


@functools.cache
def _labels(players: int) -> np.ndarray:
    """The number of each player; uint64, shape (n,), always the same."""
    return np.random.default_rng(0).integers(2**64, size=players, dtype=np.uint64)


# ----------------------------------------------------------------------------------------------------- what is expected


def of_any_name(own: Placed, others: Placed) -> np.ndarray:
    """Expected number of a model's interactions on each coalition of others, of its sign, by any name; shape (c,)."""
    n = others.presence.shape[1]
    coalitions = np.array([math.comb(n, order) for order in range(n + 1)], dtype=float)
    return _alike(own, others) / coalitions[others.orders]


def expected(own: Placed, others: Placed, on_each: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Expected number of a model's interactions that are shared with others at least as strongly as each bound.

    Parameters
    ----------
    own, others : of the model, and what the other models share
    on_each : number expected on each coalition of `others`, with its sign, shape (c,)
    bounds : shape (b,)

    Returns
    -------
    float64, shape (b,)
    """
    total = np.zeros(len(bounds))
    of_one = np.divide(on_each, _alike(own, others), out=np.zeros(len(on_each)), where=on_each > 0)
    for order in np.intersect1d(own.orders, others.orders):
        mine, theirs = own.orders == order, others.orders == order
        for sign in (1, -1):
            strengths, found = sign * own.strengths[mine], sign * others.strengths[theirs]
            levels = np.sort(np.append(strengths, found))  # where what is expected changes
            met = at_least(strengths, levels)[:, None] * of_one[theirs]
            reached = (met * (found >= levels[:, None])).sum(1)
            total += np.append(reached, 0.0)[np.searchsorted(levels, bounds)]
    return total


def _alike(own: Placed, others: Placed) -> np.ndarray:
    """How many interactions of a model have the order and the sign of each of others, shape (c,)."""
    places = others.orders * np.sign(others.strengths).astype(int)
    return (own.orders * np.sign(own.strengths).astype(int) == places[:, None]).sum(1)


# -------------------------------------------------------------------------------------------------------------- draws


def renamed(placed: Placed, draws: int, random: np.random.Generator) -> np.ndarray:
    """Where the interactions lie after the players changed names at random; uint64 keys, shape (draws, k)."""
    own = _labels(placed.presence.shape[1])
    return keys(placed.presence, random.permuted(np.broadcast_to(own, (draws, len(own))), axis=1))


def coincidences(where: np.ndarray, strengths: np.ndarray, others: Placed) -> np.ndarray:
    """How strongly interactions that were put elsewhere are shared with other models there.

    Parameters
    ----------
    where : keys of the coalitions in each draw, shape (draws, k)
    strengths : shape (k,)
    others : what the other models share

    Returns
    -------
    float64, shape (draws, k) : least strengths, without their signs; 0 where nothing is shared
    """
    if not len(others.strengths):
        return np.zeros(where.shape)
    ascending = np.argsort(others.keys)
    known = others.keys[ascending]
    place = np.minimum(np.searchsorted(known, where), len(known) - 1)
    there = np.where(known[place] == where, others.strengths[ascending][place], 0.0)
    return np.abs(lesser(there, np.broadcast_to(strengths, where.shape)))
