"""Where the interactions of a model may lie if nothing ties them to those of another model: two null hypotheses.

- *Renaming*: the model's players have other names. Each of its interactions lies on any coalition of its order with
  the same chance. Do the models agree at all?
- *Importance*: coalitions come together by accident, of players that matter as much as they do. An interaction of some
  order lies on S with a chance proportional to the product of w_p over the players p of S, where the weights w are such
  that every player's sum of |I| is expected to be what it is. Of all distributions with these sums this one has the
  largest entropy (conditional Bernoulli sampling; Chen, Dempster & Liu 1994): what random swaps that preserve each
  player's sum tend to, without a chain that hardly moves where strengths differ much. Do the models agree in which
  players act together, or only in which matter?

Sums over coalitions of an order are elementary symmetric polynomials of the weights, so that what is expected under
either is exact. Coalitions are compared by one number each, the exclusive or of random 64-bit numbers of their players
(Zobrist 1970): two of a sample are taken for one with a chance of 2^-64.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from andor.analysis.discovery import at_least

STEPS, CLOSE = 500, 1e-6
"""Most steps in which weights are fitted, and the relative error of the sums at which they are taken."""


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
        return self._take((self.orders >= least) & (self.orders <= (most or self.presence.shape[1])))

    def with_(self, other: Placed) -> Placed:
        """Those that another one has too, with the same sign, and the lesser of the two strengths."""
        _, own, its = np.intersect1d(self.keys, other.keys, assume_unique=True, return_indices=True)
        strengths = lesser(self.strengths[own], other.strengths[its])
        return Placed(self.presence[own], strengths)._take(strengths != 0)

    def _take(self, chosen: np.ndarray) -> Placed:
        return Placed(self.presence[chosen], self.strengths[chosen])


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


def importance(placed: Placed) -> np.ndarray:
    """Weights w under which players are expected to matter as much as they do; float64, shape (n,), of sum 1.

    Found by iterative scaling. Of a player without an interaction it is 0, and all are the same if there is none.
    """
    sums = np.abs(placed.strengths) @ placed.presence
    n = len(sums)
    if not sums.any():
        return np.full(n, 1 / n)
    of_order = np.bincount(placed.orders, np.abs(placed.strengths))
    weights = sums / sums.sum()
    for _ in range(STEPS):
        fitted = of_order @ _inclusion(weights, len(of_order) - 1)
        factor = np.divide(sums, fitted, out=np.zeros(n), where=fitted > 0)
        weights = weights * factor / (weights @ factor)
        if np.abs(factor[sums > 0] - 1).max() < CLOSE:
            break
    return weights


def chances(presence: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Chance that an interaction of its order lies on each coalition; bool (c, n) to float64 (c,)."""
    orders = presence.sum(1)
    if not len(orders):
        return np.zeros(0)
    total = _polynomials(weights, int(orders.max()))[-1][orders]
    product = np.where(presence, weights, 1.0).prod(1)
    return np.divide(product, total, out=np.zeros(len(orders)), where=total > 0)


def expected(own: Placed, others: Placed, weights: np.ndarray | None, bounds: np.ndarray) -> np.ndarray:
    """Expected number of a model's interactions that are shared with others at least as strongly as each bound.

    Interactions that lie on one coalition are one, so that no more can be shared than others have. With names at random
    none do, and the number is that of all times their chance; by weights each lies where it does for itself.

    Parameters
    ----------
    own, others : of the model, and what the other models share
    weights : of players, by which each of `own` may lie elsewhere; None if their names are random
    bounds : shape (b,)

    Returns
    -------
    float64, shape (b,)
    """
    total = np.zeros(len(bounds))
    chance = chances(others.presence, np.ones(others.presence.shape[1]) if weights is None else weights)
    for order in np.intersect1d(own.orders, others.orders):
        mine, theirs = own.orders == order, others.orders == order
        for sign in (1, -1):
            strengths, found = sign * own.strengths[mine], sign * others.strengths[theirs]
            levels = np.sort(np.append(strengths, found))  # where what is expected changes
            number = at_least(strengths, levels)[:, None]
            met = number * chance[theirs] if weights is None else 1 - (1 - chance[theirs]) ** number
            reached = (met * (found >= levels[:, None])).sum(1)
            total += np.append(reached, 0.0)[np.searchsorted(levels, bounds)]
    return total


def _polynomials(weights: np.ndarray, order: int) -> np.ndarray:
    """Elementary symmetric polynomials of the first 0, 1, ..., n weights, up to an order: (n + 1, order + 1)."""
    table = np.zeros((len(weights) + 1, order + 1))
    table[0, 0] = 1
    for player, weight in enumerate(weights):
        table[player + 1] = table[player]
        table[player + 1, 1:] += weight * table[player, :-1]
    return table


def _inclusion(weights: np.ndarray, order: int) -> np.ndarray:
    """Chance that each player is in a coalition of each order up to one; (order + 1, n)."""
    before = _polynomials(weights, order)[:-1]
    behind = _polynomials(weights[::-1], order)[:-1][::-1]
    total = (before[-1] + weights[-1] * np.append(0, before[-1, :-1]))[1:]
    without = np.stack([(before[:, : k + 1] * behind[:, k::-1]).sum(1) for k in range(order)])
    share = np.divide(weights * without, total[:, None], out=np.zeros_like(without), where=total[:, None] > 0)
    return np.vstack([np.zeros(len(weights)), share])


# -------------------------------------------------------------------------------------------------------------- draws


def renamed(placed: Placed, draws: int, random: np.random.Generator) -> np.ndarray:
    """Where the interactions lie after the players changed names at random; uint64 keys, shape (draws, k)."""
    own = _labels(placed.presence.shape[1])
    return keys(placed.presence, random.permuted(np.broadcast_to(own, (draws, len(own))), axis=1))


def replaced(placed: Placed, weights: np.ndarray, draws: int, random: np.random.Generator) -> np.ndarray:
    """Where the interactions lie if each is put on a coalition by these weights; uint64 keys, shape (draws, k)."""
    wanted = np.broadcast_to(placed.orders, (draws, len(placed.orders))).copy()
    table, found = _polynomials(weights, int(wanted.max(initial=0))), np.zeros(wanted.shape, np.uint64)
    for player, label in reversed(list(enumerate(_labels(len(weights))))):
        rest = np.where(wanted > 0, table[player][np.maximum(wanted - 1, 0)], 0.0)
        takes = random.random(wanted.shape) * table[player + 1][wanted] < weights[player] * rest
        found ^= np.where(takes, label, np.uint64(0))
        wanted -= takes
    return found


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


def numbers(where: np.ndarray, strengths: np.ndarray, others: Placed) -> np.ndarray:
    """How many coalitions are shared with other models in each draw, whatever the strength; int, shape (draws,).

    As in `coincidences`; interactions that lie on one coalition are one.
    """
    met = np.sort(np.where(coincidences(where, strengths, others) > 0, where, np.uint64(0)), axis=1)
    return ((met != 0) & np.diff(met, axis=1, prepend=np.uint64(0)).astype(bool)).sum(1)
