"""How the strength of a sample's interactions is spread."""

from __future__ import annotations

import numpy as np

from andor.analysis.statistics import ratio


def sorted_strengths(magnitude: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Strengths of all kinds together, strongest first, in shares of the sample's largest (all 0 if that is 0).

    Parameters
    ----------
    magnitude : shape (..., kinds, C)
    ranks : which of them, 0 being the strongest, shape (R,); 0 behind the last of the list

    Returns
    -------
    float64, shape (..., R)
    """
    flat = magnitude.reshape(*magnitude.shape[:-2], -1)
    together = np.concatenate([-np.sort(-flat, axis=-1), np.zeros((*flat.shape[:-1], 1))], axis=-1)
    chosen = together[..., np.minimum(ranks, flat.shape[-1])]
    largest = together[..., :1]
    return np.divide(chosen, largest, out=np.zeros_like(chosen), where=largest > 0)


def matching_precision(strengths: np.ndarray, span: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Matching precision of the k strongest interactions of all kinds: sum|I| / (sum|I| + |rest|).

    The rest is what the k leave of v(N) - v(empty) (ICLR 2024, Figure 11).

    Parameters
    ----------
    strengths : shape (..., kinds, C), merged, 0 for the empty coalition
    span : shape (...)
        v(N) - v(empty).
    numbers : k, shape (R,)

    Returns
    -------
    float64, shape (..., R)
        NaN where nothing is there to be explained.
    """
    flat = strengths.reshape(*strengths.shape[:-2], -1)
    together = np.take_along_axis(flat, np.argsort(-np.abs(flat), axis=-1, kind="stable"), axis=-1)
    added = np.concatenate([np.zeros((*flat.shape[:-1], 1)), together], axis=-1)
    last = np.minimum(numbers, flat.shape[-1])
    strength = np.abs(added).cumsum(-1)[..., last]
    return ratio(strength, strength + np.abs(span[..., None] - added.cumsum(-1)[..., last]))


def strength_by_order(strengths: np.ndarray, orders: np.ndarray, most: int) -> np.ndarray:
    """Sums of |I| over the coalitions of each order, positive and negative effects apart (ICLR 2024, Figure 4).

    Parameters
    ----------
    strengths : shape (..., C)
    orders : of the coalitions, shape (C,)
    most : the largest order, n

    Returns
    -------
    float64, shape (..., n, 2)
        By order from 1 on, and by sign: positive, negative.
    """
    of_order = (orders[:, None] == np.arange(1, most + 1)).astype(float)
    return np.stack([np.maximum(strengths, 0.0) @ of_order, np.maximum(-strengths, 0.0) @ of_order], axis=-1)
