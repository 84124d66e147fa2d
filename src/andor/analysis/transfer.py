"""What the samples of one model have in common (ICML 2023), where players mean the same in all of them."""

from __future__ import annotations

import functools
import math

import numpy as np

from andor.analysis.statistics import ratio


def frequent_cover(
    chosen: np.ndarray, leave_out: bool, numbers: np.ndarray, possible: float
) -> tuple[np.ndarray, np.ndarray]:
    """Share of a sample's set that is among the k elements most frequent in all samples (rho(k) of ICML 2023).

    What is frequent nowhere is never among them, so there may be fewer; ties go to the earlier place.

    Parameters
    ----------
    chosen : bool, shape (K, ..., C)
        All elements that are in any set, and maybe others.
    leave_out : whether a sample's own set does not count for it
    numbers : k, shape (R,)
    possible : number of elements that there can be

    Returns
    -------
    cover : float64, shape (K, ..., R)
        NaN for an empty set.
    chance : float64, shape (K, ..., R)
        Expected cover by as many elements drawn at random.
    """
    counts = np.broadcast_to(chosen.sum(0), chosen.shape) - (chosen if leave_out else 0)
    by_rank = np.argsort(-counts, axis=-1, kind="stable")
    found = np.take_along_axis(chosen & (counts > 0), by_rank, axis=-1).cumsum(-1)
    hits = np.concatenate([np.zeros((*found.shape[:-1], 1)), found], axis=-1)[
        ..., np.minimum(numbers, chosen.shape[-1])
    ]
    size = np.minimum(numbers, (counts > 0).sum(-1, keepdims=True))
    cover = ratio(hits, chosen.sum(-1, keepdims=True))
    return cover, np.where(np.isnan(cover), np.nan, size / possible)


def discrimination(signs: np.ndarray, labels: np.ndarray, bins: np.ndarray) -> dict[str, np.ndarray]:
    """Agreement of a label's samples about an interaction's sign: beta = max(m+, m-) / (m+ + m-) (ICML 2023).

    Interactions of a single sample are left out.

    Parameters
    ----------
    signs : integers, shape (K, C)
        Sign of each interaction where it is salient, else 0.
    labels : shape (K,)
    bins : ascending upper ends of bins of frequency, m / number of samples of the label; the last is 1

    Returns
    -------
    arrays of shape (len(bins),)
        `count` of interactions over all labels, mean `beta`, the `coin` level of fair signs for the same m, and `low`
        and `high`, the 95 % interval from the jackknife over samples. NaN for an empty bin.
    """
    samples = len(signs)
    plus = np.stack([(signs[labels == label] > 0).sum(0) for label in np.unique(labels)])
    minus = np.stack([(signs[labels == label] < 0).sum(0) for label in np.unique(labels)])
    of_label = np.array([(labels == label).sum() for label in np.unique(labels)])
    m = plus + minus
    place = np.where(m > 1, np.searchsorted(bins, m / of_label[:, None] - 1e-9), -1)

    def mean_beta(plus: np.ndarray, minus: np.ndarray) -> np.ndarray:
        beta = ratio(np.maximum(plus, minus), (plus + minus).astype(float))
        known = ~np.isnan(beta)
        return np.array([beta[(place == b) & known].mean() if (place == b).any() else np.nan for b in range(len(bins))])

    beta = mean_beta(plus, minus)
    without = []
    for sign, label in zip(signs, labels, strict=True):
        own = (np.unique(labels) == label)[:, None]
        without.append(mean_beta(plus - own * (sign > 0), minus - own * (sign < 0)))
    spread = np.sqrt((samples - 1) / samples * ((np.array(without) - np.mean(without, axis=0)) ** 2).sum(0))
    level = np.array([coin_level(int(number)) for number in range(m.max(initial=0) + 1)])[m]
    return {
        "count": np.array([(place == b).sum() for b in range(len(bins))]),
        "beta": beta,
        "low": np.maximum(beta - 1.96 * spread, 0.5),
        "high": np.minimum(beta + 1.96 * spread, 1.0),
        "coin": np.array([level[place == b].mean() if (place == b).any() else np.nan for b in range(len(bins))]),
    }


@functools.cache
def coin_level(m: int) -> float:
    """Expected max(m+, m-) / m of m fair signs; NaN without any."""
    if m == 0:
        return math.nan
    return sum(math.comb(m, plus) * max(plus, m - plus) for plus in range(m + 1)) / (m * 2**m)
