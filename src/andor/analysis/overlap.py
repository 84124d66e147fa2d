"""How much several models have in common in a sample.

Interactions and sets of them have shape (..., m, kinds, C): models, kinds, coalitions. What is 0 in all models may be
on the list of coalitions or not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from andor.analysis.statistics import mean, ratio
from andor.game.interactions import Interactions


def shared_by_all(chosen: np.ndarray) -> np.ndarray:
    """Coalitions that every model chose: bool (..., m, kinds, C) to (..., kinds, C)."""
    return chosen.all(-3)


def generalization_power(chosen: np.ndarray, where: np.ndarray | bool = True) -> np.ndarray:
    """s^(i) = |intersection of all models' sets| / |set of model i| (ICLR 2024, Figure 3).

    Parameters
    ----------
    chosen : bool, shape (..., m, kinds, C)
    where : bool, broadcasts to (..., kinds, C)
        Coalitions that may count as shared, such as those of which all models agree about the sign.

    Returns
    -------
    float64, shape (..., m, kinds)
        NaN where model i's set is empty.
    """
    own = chosen.sum(-1)
    return ratio((shared_by_all(chosen) & where).sum(-1)[..., None, :], own)


def chance_power(chosen: np.ndarray, possible: np.ndarray, strengths: np.ndarray | None = None) -> np.ndarray:
    """Expected `generalization_power` of sets of the same sizes drawn at random from the possible interactions.

    The product of |set of j| / `possible` over the other models j. NaN where model i's set is empty.

    Parameters
    ----------
    chosen : bool, shape (..., m, kinds, C)
    possible : number of possible interactions of each kind, shape (kinds,)
    strengths : shape of `chosen`; if given, only those of one sign count as shared, and sets are drawn sign by sign

    Returns
    -------
    float64, shape (..., m, kinds)
    """
    own = chosen.sum(-1)
    signs = [chosen] if strengths is None else [chosen & (strengths > 0), chosen & (strengths < 0)]
    among = np.maximum(possible, 1)
    shared = np.zeros(own.shape)
    for of_sign in (part.sum(-1) for part in signs):
        others = [np.delete(of_sign / among, i, axis=-2).prod(-2) for i in range(own.shape[-2])]
        shared += of_sign * np.stack(others, axis=-2)
    return ratio(shared, own)


def same_sign(strengths: np.ndarray) -> np.ndarray:
    """Coalitions of which all models agree about the sign: (..., m, kinds, C) to bool (..., kinds, C)."""
    sign = np.sign(strengths)
    return (sign == sign[..., :1, :, :]).all(-3)


def weighted_jaccard(interactions: Interactions) -> np.ndarray:
    """Strength that all models have over strength that any has, signs told apart; float64, shape (kinds,).

    Every model's strengths of a kind are divided by their sum, so that a model of larger outputs is no louder. NaN
    where one has no interaction of the kind.
    """
    signed = np.sign(interactions.strengths) * interactions.magnitude
    scaled = ratio(signed, interactions.magnitude.sum(-1, keepdims=True, dtype=float))
    sides = np.stack([np.maximum(scaled, 0.0), np.maximum(-scaled, 0.0)])
    return ratio(sides.min(-3).sum((0, -1)), sides.max(-3).sum((0, -1)))


def cosine(interactions: Interactions) -> np.ndarray:
    """Cosine of the models' magnitudes, mean over pairs of models; float64, shape (kinds,).

    NaN where a model has no interaction of the kind.
    """
    magnitude = interactions.magnitude.astype(float)
    norm = np.linalg.norm(magnitude, axis=-1)
    models = range(len(magnitude))
    pairs = [ratio((magnitude[i] * magnitude[j]).sum(-1), norm[i] * norm[j]) for i in models for j in range(i)]
    return np.mean(pairs, axis=0)


def _power(interactions: Interactions, chosen: np.ndarray) -> np.ndarray:
    return mean(generalization_power(chosen))


def _signed_power(interactions: Interactions, chosen: np.ndarray) -> np.ndarray:
    return mean(generalization_power(chosen, same_sign(interactions.strengths)))


OVERLAPS: dict[str, Callable[[Interactions, np.ndarray], np.ndarray]] = {
    "power": _power,
    "signed power": _signed_power,
    "jaccard": lambda interactions, _: weighted_jaccard(interactions),
    "cosine": lambda interactions, _: cosine(interactions),
}
"""Measures of overlap by name: of a sample's interactions and a set of them, (m, kinds, C), to (kinds,).

`power` is the mean over models; in `signed power` only equal signs count as shared; the others are of all interactions.
"""
