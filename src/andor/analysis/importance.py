"""Where interactions may lie if coalitions come together by accident, of players that matter as much as they do.

The interactions of one kind and sign lie on distinct coalitions, with a chance for each coalition S of

    pi(S) = x(S) / (1 + x(S)),  x(S) = c_|S| * prod of w_p over the players p of S.

The numbers c make as many of each order expected as there are, and the weights w make every player's sum of |I|
expected to be what it is, strengths being laid at random on what is occupied of their order. Like random graphs with
given degrees (Park & Newman 2004) it is what random swaps that preserve each player's sum tend to, without a chain that
hardly moves where strengths differ much. Signs are kept apart: a player whose interactions have one sign in two models
would else seem to act together with whatever player it meets.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy.special import expit, logit

from andor.analysis.placements import Placed

STEPS, CLOSE = 300, 1e-4
"""Most steps in which a law is fitted, and the relative error of its sums at which it is taken."""
PRIOR = 1.0
"""Interactions of mean strength by which a player's signs are taken to be those of all players."""
MOST = 500_000
"""Coalitions that are counted at most for one law."""


def countable(own: Placed) -> bool:
    """Whether the coalitions of a model's players are few enough for `occupied`."""
    players = int(own.presence.any(0).sum())
    return sum(math.comb(players, int(order)) for order in np.unique(own.orders)) <= MOST


def occupied(own: Placed, others: Placed) -> np.ndarray:
    """Chance that each coalition of `others` has an interaction of `own`, with the same sign; float64, shape (c,)."""
    chance = np.zeros(len(others.strengths))
    for sign in (1, -1):
        mine, theirs = sign * own.strengths > 0, np.flatnonzero(sign * others.strengths > 0)
        if mine.any() and len(theirs):
            chance[theirs] = _law(own.chosen(mine), sums(own, sign), others.presence[theirs])
    return chance


def sums(own: Placed, sign: int) -> np.ndarray:
    """Sum of |I| of one sign that each player is taken to have, shape (n,).

    Its share in all that the player has is drawn to the share of all players, as by `PRIOR` interactions of mean
    strength: of a player with a single interaction little is known about its signs.
    """
    strengths = np.abs(own.strengths)
    of_sign = np.where(sign * own.strengths > 0, strengths, 0.0)
    total, signed = strengths @ own.presence, of_sign @ own.presence
    prior = PRIOR * strengths.mean()
    drawn = total * (signed + prior * of_sign.sum() / strengths.sum()) / (total + prior)
    return drawn * signed.sum() / drawn.sum()


def _law(own: Placed, held: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Chances of coalitions, bool (c, n), under the law of interactions of one sign whose players have these sums."""
    players, n = np.flatnonzero(held), len(held)
    number, total = np.bincount(own.orders, minlength=n + 1), np.bincount(own.orders, np.abs(own.strengths), n + 1)
    mean = np.divide(total, number, where=number > 0, out=np.zeros(n + 1))
    c, w = _fitted(*_coalitions(len(players), np.flatnonzero(number)), number, mean, held[players])
    logs, asked = np.zeros(n), where.sum(1)
    logs[players] = w
    possible = (number[asked] > 0) & ~where[:, held == 0].any(1)
    return np.where(possible, expit(c[asked] + where @ logs), 0.0)


def _coalitions(players: int, orders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All coalitions of these orders: the players of each, filled up with a player that is none; and its order."""
    width = int(orders.max())
    parts = [
        np.pad(
            np.array(list(itertools.combinations(range(players), int(order)))),
            ((0, 0), (0, width - order)),
            constant_values=players,
        )
        for order in orders
    ]
    return np.concatenate(parts), np.repeat(orders, [len(part) for part in parts])


def _fitted(
    members: np.ndarray, order: np.ndarray, number: np.ndarray, mean: np.ndarray, sums: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of c (by order) and w (by player), by iterative scaling of both.

    Parameters
    ----------
    members, order : of all coalitions, as of `_coalitions`
    number, mean : of interactions of each order, and their mean strength
    sums : of |I| of each player
    """
    players, there = len(sums), number > 0
    possible = np.bincount(order, minlength=len(number))[there]
    wanted = _logit(number[there] / possible)
    c, w = np.zeros(len(number)), np.zeros(players + 1)
    c[there] = wanted
    for _ in range(STEPS):
        chance = expit(c[order] + w[members].sum(1))
        held = np.bincount(members.ravel(), np.repeat(chance * mean[order], members.shape[1]))[:players]
        w[:players] += np.log(sums / held)
        chance = expit(c[order] + w[members].sum(1))
        c[there] += wanted - _logit(np.bincount(order, chance, len(number))[there] / possible)
        if np.abs(sums / held - 1).max() < CLOSE:
            break
    return c, w[:players]


def _logit(share: np.ndarray) -> np.ndarray:
    """Finite where all are occupied, too."""
    return logit(np.clip(share, 1e-12, 1 - 1e-9))
