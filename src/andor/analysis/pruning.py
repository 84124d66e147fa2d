"""Explanations by few interactions: which to keep, and how faithful what is kept remains.

Interactions have shape (..., kinds, 2^n), AND and OR or AND alone, with orders <= 1 merged. The empty coalition is the
background: it is always kept, and counts as no interaction.

The *unfaithfulness* of kept interactions is their squared error over all 2^n masked outputs in shares of the variance
of these: mean_S (v(S) - v_kept(S))^2 / var_S v(S). 0 is perfect; 1 is as bad as their mean for all of them.
"""

from __future__ import annotations

import numpy as np

from andor.analysis.statistics import ratio
from andor.game.attributions import predict
from andor.game.coalitions import KINDS, Coalitions, number_of_players, orders
from andor.game.interactions import ranks, without_empty
from andor.game.transforms import and_inverse_adjoint, or_inverse_adjoint

MOST = 1024
"""Strongest interactions among which the greedy choice is made, whose effort is quadratic; all up to 9 players."""
ABREAST = 64
"""Games that are pruned side by side, so that memory stays bounded."""


def unfaithfulness(v: np.ndarray, interactions: np.ndarray, keep: np.ndarray | bool = True) -> np.ndarray:
    """Unfaithfulness of the kept interactions; NaN where v is constant.

    Parameters
    ----------
    v : shape (..., 2^n), masked outputs
    interactions : shape (..., kinds, 2^n)
    keep : bool, broadcasts to the shape of `interactions`

    Returns
    -------
    shape (...)
    """
    return ratio((_residual(v, interactions, keep) ** 2).mean(-1), v.var(-1))


def unfaithfulness_of_first(
    v: np.ndarray, interactions: np.ndarray, ranked: np.ndarray, kept: np.ndarray
) -> np.ndarray:
    """Unfaithfulness of the k interactions that rank first, for each k of `kept`; shape (..., len(kept))."""
    return np.stack([unfaithfulness(v, interactions, ranked < k) for k in kept], axis=-1)


def ranks_by_strength(interactions: np.ndarray) -> np.ndarray:
    """Rank of each interaction among those of all kinds, 0 being the strongest; int64, the shape of `interactions`.

    What cannot be an interaction (the empty coalition, OR of one player) ranks behind all that can.
    """
    *lead, kinds, size = interactions.shape
    can_be = orders(number_of_players(size)) > np.arange(kinds)[:, None]
    strength = np.where(can_be, without_empty(np.abs(interactions), 0), -1.0)
    return ranks(strength.reshape(*lead, kinds * size)).reshape(interactions.shape)


def ranks_by_error(v: np.ndarray, interactions: np.ndarray, most: int = MOST) -> np.ndarray:
    """Rank of each interaction when they are taken away one by one, each time the one without which the error is least.

    The one that goes last is 0, the one before 1, and so on. Where there are more than `most`, the weakest go first.

    Parameters
    ----------
    v : shape (..., 2^n), masked outputs
    interactions : shape (..., kinds, 2^n)

    Returns
    -------
    int64, the shape of `interactions`
    """
    flat_v, flat = v.reshape(-1, v.shape[-1]), interactions.reshape(-1, *interactions.shape[-2:])
    batches = [slice(start, start + ABREAST) for start in range(0, len(flat), ABREAST)]
    return np.concatenate([_greedy(flat_v[i], flat[i], most) for i in batches]).reshape(interactions.shape)


def needed(errors: np.ndarray, kept: np.ndarray, level: float) -> np.ndarray:
    """Smallest k in `kept` with unfaithfulness ≤ level; float64, NaN if none.

    Parameters
    ----------
    errors : shape (..., len(kept)), of `unfaithfulness_of_first`
    kept : ascending numbers
    """
    enough = errors <= level
    return np.where(enough.any(-1), kept[enough.argmax(-1)], np.nan)


def faithful(v: np.ndarray, interactions: np.ndarray, level: float) -> np.ndarray:
    """The faithful explanation: the fewest interactions of the greedy choice that are at most so unfaithful.

    `andor.game.attributions.predict` says with them, as its `keep`, what the explanation says.

    Parameters
    ----------
    v : shape (..., 2^n), masked outputs
    interactions : shape (..., kinds, 2^n)

    Returns
    -------
    bool, shape (..., kinds, 2^n)
        With the empty coalition; all interactions where no number suffices.
    """
    ranked = ranks_by_error(v, interactions)
    every = np.arange(ranked.max() + 2)
    number = needed(unfaithfulness_of_first(v, interactions, ranked, every), every, level)
    keep = ranked < np.where(np.isnan(number), np.inf, number)[..., None, None]
    keep[..., 0, 0] = True
    return keep


def _residual(v: np.ndarray, interactions: np.ndarray, keep: np.ndarray | bool) -> np.ndarray:
    """Outputs less what the kept interactions add up to, the empty coalition included."""
    kept = np.where(keep, interactions, 0.0)
    kept[..., 0] = interactions[..., 0]
    return v - predict(kept[..., 0, :], kept[..., 1, :] if kept.shape[-2] > 1 else np.zeros_like(kept[..., 0, :]))


def _greedy(v: np.ndarray, interactions: np.ndarray, most: int) -> np.ndarray:
    """`ranks_by_error` for a batch, (B, 2^n) and (B, kinds, 2^n).

    Interaction i stands for outputs I_i·b_i(S), where b_i(S) = 1 if it is active on S, else 0. Taking it away changes
    the mean square of the residual r by its cost, 2·I_i·mean(r·b_i) + I_i²·mean(b_i). Taking j away adds I_j·b_j to r,
    and so 2·I_i·I_j·mean(b_i·b_j) to all other costs.

    Written as b = offset + sign·f, where f(S) = 1 if all of T is in S (AND) or none of it (OR, b = 1 − f), mean(f) is
    2^-|T| and mean(f_T·f_U) is 2^-|T∪U|, but 0 if one wants a player that the other does not.
    """
    count, kinds, size = interactions.shape
    n = number_of_players(size)
    left, rows = min(most, sum(map(Coalitions.all(n).possible, KINDS[:kinds]))), np.arange(count)
    ranked = ranks_by_strength(interactions)
    residual = _residual(v, interactions, ranked < left)
    ranked = ranked.reshape(count, -1)
    place = np.argsort(ranked, axis=-1)[:, :left]

    active = np.stack([and_inverse_adjoint(residual), or_inverse_adjoint(residual)][:kinds], axis=1) / size
    strength, slope = (np.take_along_axis(a.reshape(count, -1), place, axis=-1) for a in (interactions, active))
    halves = 2.0 ** -orders(n).astype(float)
    is_or = place >= size
    players = (place % size).astype(np.uint64)  # two sets of them side by side below
    wanted = np.where(is_or, players << np.uint64(n), players)
    unwanted = np.where(is_or, players, players << np.uint64(n))
    sign = np.where(is_or, -1.0, 1.0)
    alone = halves[players]  # mean(f)
    share = is_or + sign * alone  # mean(b)
    cost = 2 * strength * slope + strength**2 * share
    of_share, of_offset, of_sign = 2 * strength * share, 2 * strength * is_or, 2 * strength * sign

    columns = (place, players, wanted, unwanted, strength, alone, sign, is_or, of_share, of_offset, of_sign, cost)
    for last in range(left - 1, 0, -1):
        here = slice(0, last + 1)
        at = (rows, cost[:, here].argmin(-1))
        ranked[rows, place[at]] = last
        both = halves[players[:, here] | players[at][:, None]]
        both *= (wanted[:, here] & unwanted[at][:, None]) == 0
        # mean(b_i·b_j) = offset_j·mean(b_i) + sign_j·(offset_i·mean(f_j) + sign_i·mean(f_i·f_j))
        own = [strength[at] * factor for factor in (is_or[at], sign[at] * alone[at], sign[at])]
        cost[:, here] += own[0][:, None] * of_share[:, here]
        cost[:, here] += own[1][:, None] * of_offset[:, here]
        both *= of_sign[:, here]
        both *= own[2][:, None]
        cost[:, here] += both
        for column in columns:
            column[at] = column[:, last]
    ranked[rows, place[:, 0]] = 0
    return ranked.reshape(interactions.shape)
