"""Numbers that compare the interactions of several models: pure functions of arrays.

Interactions have shape (..., m, kinds, 2^n): models, AND and OR (or AND alone), coalitions by bit mask. Orders <= 1 are
merged, so OR interactions of these orders are 0. The empty coalition is background, no interaction: it is in no set,
maximum or sum.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Literal

import numpy as np

from andor.game.coalitions import number_of_players, orders


def possible(n: int, kinds: int = 2) -> np.ndarray:
    """How many coalitions can hold an interaction once orders <= 1 are merged: 2^n - 1 for AND, 2^n - n - 1 for OR."""
    return np.array([2**n - 1, 2**n - n - 1])[:kinds]


def without_rounding(interactions: np.ndarray) -> np.ndarray:
    """Interactions with what rounding may have left of a 0 set to 0, so that no set is filled up with noise.

    An interaction is a signed sum of 2^n float64 values; what is below 2^n * machine epsilon of the largest one of the
    sample and model is 0. Same shape, (..., kinds, 2^n).
    """
    size = np.abs(interactions)
    noise = size.max((-2, -1), keepdims=True) * size.shape[-1] * np.finfo(np.float64).eps
    return np.where(size > noise, interactions, 0.0)


def strengths(interactions: np.ndarray) -> np.ndarray:
    """|I| with the empty coalition set to 0: it is no interaction. Same shape."""
    size = np.abs(interactions)
    size[..., 0] = 0.0
    return size


# ------------------------------------------------------------------------------------------------- sets of interactions


def salience_bound(
    strength: np.ndarray,
    rule: Literal["sample", "pooled", "output"],
    threshold: float,
    output_range: np.ndarray | None = None,
) -> np.ndarray:
    """Strength above which an interaction is salient, for each sample and model.

    Parameters
    ----------
    strength : float64, shape (K, m, kinds, 2^n)
        `strengths` of K samples.
    rule
        ``sample``: share of the largest strength of the sample and model, over all kinds. ``pooled``: of the model's
        largest over all samples (ICLR 2024, Figure 2). ``output``: of the model's mean |v(N) - v(empty)| (the authors'
        code for Figure 4).
    threshold : share
    output_range : float64, shape (K, m), optional
        |v(N) - v(empty)|, for the rule ``output``.

    Returns
    -------
    float64, shape (K, m)
    """
    largest = strength.max((-2, -1))
    if rule == "pooled":
        largest = np.broadcast_to(largest.max(0), largest.shape)
    elif rule == "output":
        if output_range is None:
            raise ValueError("the rule `output` needs |v(N) - v(empty)|")
        largest = np.broadcast_to(output_range.mean(0), largest.shape)
    return threshold * largest


def salient(strength: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """Which interactions are stronger than their sample's and model's bound; bool, shape (K, m, kinds, 2^n)."""
    return strength > bound[..., None, None]


def ranks(strength: np.ndarray) -> np.ndarray:
    """Rank of each entry of the last axis, 0 being the strongest; ties go to the smaller bit mask. Same shape."""
    places = np.argsort(-strength, axis=-1, kind="stable")
    ranked = np.empty_like(places)
    np.put_along_axis(ranked, places, np.arange(strength.shape[-1]), axis=-1)
    return ranked


def strongest(strength: np.ndarray, ranked: np.ndarray, k: int) -> np.ndarray:
    """The k strongest along the last axis, or fewer where fewer are not 0; bool."""
    return (ranked < k) & (strength > 0)


def shares_to_k(share: float, n: int) -> int:
    """k for a share of the 2^n coalitions, rounded down as in ICLR 2024 (5 % of 1024 is 51), at least 1."""
    return max(1, math.floor(share * 2**n))


# --------------------------------------------------------------------------------------------------------- shared sets


def shared_by_all(chosen: np.ndarray) -> np.ndarray:
    """Coalitions that every model chose: bool (..., m, kinds, 2^n) to (..., kinds, 2^n)."""
    return chosen.all(-3)


def generalization_power(chosen: np.ndarray, where: np.ndarray | bool = True) -> np.ndarray:
    """s^(i) = |intersection of all models' sets| / |set of model i| (ICLR 2024, Figure 3).

    Parameters
    ----------
    chosen : bool, shape (..., m, kinds, 2^n)
    where : bool, broadcasts to (..., kinds, 2^n)
        Coalitions that may count as shared, such as those of which all models agree about the sign.

    Returns
    -------
    float64, shape (..., m, kinds)
        NaN where model i's set is empty.
    """
    own = chosen.sum(-1)
    return ratio((shared_by_all(chosen) & where).sum(-1)[..., None, :], own)


def chance_power(chosen: np.ndarray, interactions: np.ndarray | None = None) -> np.ndarray:
    """Expected `generalization_power` of sets of the same sizes drawn at random from the possible interactions.

    The product of |set of j| / C over the other models j, C being `possible`. NaN where model i's set is empty.

    Parameters
    ----------
    chosen : bool, shape (..., m, kinds, 2^n)
    interactions : of that shape; if given, only those of one sign count as shared, and sets are drawn sign by sign

    Returns
    -------
    float64, shape (..., m, kinds)
    """
    own = chosen.sum(-1)
    signs = [chosen] if interactions is None else [chosen & (interactions > 0), chosen & (interactions < 0)]
    among = np.maximum(possible(number_of_players(chosen.shape[-1]), kinds=own.shape[-1]), 1)
    shared = np.zeros(own.shape)
    for of_sign in (part.sum(-1) for part in signs):
        others = [np.delete(of_sign / among, i, axis=-2).prod(-2) for i in range(own.shape[-2])]
        shared += of_sign * np.stack(others, axis=-2)
    return ratio(shared, own)


def same_sign(interactions: np.ndarray) -> np.ndarray:
    """Coalitions of which all models agree about the sign: (..., m, kinds, 2^n) to bool (..., kinds, 2^n)."""
    sign = np.sign(interactions)
    return (sign == sign[..., :1, :, :]).all(-3)


def weighted_jaccard(interactions: np.ndarray) -> np.ndarray:
    """Strength that all models have over strength that any has, signs told apart; (..., m, kinds, 2^n) to (..., kinds).

    Every model's strengths of a kind are divided by their sum, so that a model of larger outputs is no louder. NaN
    where one has no interaction of the kind.
    """
    interactions = interactions.copy()
    interactions[..., 0] = 0.0
    scaled = ratio(interactions, np.abs(interactions).sum(-1, keepdims=True))
    sides = np.stack([np.maximum(scaled, 0.0), np.maximum(-scaled, 0.0)])
    return ratio(sides.min(-3).sum((0, -1)), sides.max(-3).sum((0, -1)))


def cosine(interactions: np.ndarray) -> np.ndarray:
    """Cosine of the models' strengths |I|, mean over pairs of models; (..., m, kinds, 2^n) to (..., kinds).

    NaN where a model has no interaction of the kind.
    """
    strength = strengths(interactions)
    unit = ratio(strength, np.linalg.norm(strength, axis=-1, keepdims=True))
    models = unit.shape[-3]
    pairs = [(unit[..., i, :, :] * unit[..., j, :, :]).sum(-1) for i in range(models) for j in range(i)]
    return np.mean(pairs, axis=0)


def overlaps(interactions: np.ndarray, sets: Mapping[str, np.ndarray]) -> dict[tuple[str, str], np.ndarray]:
    """How much the models of an ensemble have in common, by every measure: (measure, of what) to (K, kinds), mean over
    models.

    Measures are the generalization power of sets (`power`, and `signed power` where only equal signs count as shared);
    `jaccard` (weighted) and `cosine` of `all`.

    Parameters
    ----------
    interactions : float64, shape (K, m, kinds, 2^n), merged
    sets : bool, of that shape, by name
    """
    agreed = same_sign(interactions)
    measured = {}
    for name, chosen in sets.items():
        measured["power", name] = mean(np.moveaxis(generalization_power(chosen), 1, 0))
        measured["signed power", name] = mean(np.moveaxis(generalization_power(chosen, agreed), 1, 0))
    return measured | {("jaccard", "all"): weighted_jaccard(interactions), ("cosine", "all"): cosine(interactions)}


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, broadcast; NaN where the whole is 0."""
    shape = np.broadcast_shapes(np.shape(part), np.shape(whole))
    return np.divide(part, whole, out=np.full(shape, np.nan), where=whole != 0)[()]


# ------------------------------------------------------------------------------------------------------------ strength


def sorted_strengths(strength: np.ndarray) -> np.ndarray:
    """Strengths of all kinds together, strongest first, in shares of the sample's largest (all 0 if that is 0).

    Parameters
    ----------
    strength : float64, shape (..., kinds, 2^n)

    Returns
    -------
    float64, shape (..., R)
        R is the number of possible interactions.
    """
    order = orders(number_of_players(strength.shape[-1]))
    together = np.concatenate([strength[..., kind, order > kind] for kind in range(strength.shape[-2])], axis=-1)
    together = -np.sort(-together, axis=-1)
    return np.divide(together, together[..., :1], out=np.zeros_like(together), where=together[..., :1] > 0)


def matching_precision(interactions: np.ndarray, span: np.ndarray) -> np.ndarray:
    """How well the k strongest interactions of all kinds account for the output: sum|I| / (sum|I| + |rest|).

    The rest is what the k leave of v(N) - v(empty) (ICLR 2024, Figure 11).

    Parameters
    ----------
    interactions : float64, shape (..., kinds, 2^n), merged
    span : float64, shape (...)
        v(N) - v(empty).

    Returns
    -------
    float64, shape (..., R)
        For k = 1..R, the number of possible interactions; NaN where nothing is there to be explained.
    """
    kinds, size = interactions.shape[-2:]
    order = orders(number_of_players(size))
    together = np.concatenate([interactions[..., kind, order > kind] for kind in range(kinds)], axis=-1)
    together = np.take_along_axis(together, np.argsort(-np.abs(together), axis=-1, kind="stable"), axis=-1)
    strength = np.abs(together).cumsum(-1)
    return ratio(strength, strength + np.abs(span[..., None] - together.cumsum(-1)))


def strength_by_order(interactions: np.ndarray) -> np.ndarray:
    """Sums of |I| over the coalitions of each order, positive and negative effects apart (ICLR 2024, Figure 4).

    Parameters
    ----------
    interactions : float64, shape (..., 2^n)

    Returns
    -------
    float64, shape (..., n + 1, 2)
        By order, and by sign: positive, negative; order 0 is always 0.
    """
    n = number_of_players(interactions.shape[-1])
    of_order = (orders(n)[:, None] == np.arange(n + 1)).astype(float)
    of_order[0] = 0.0
    positive = np.maximum(interactions, 0.0) @ of_order
    negative = np.maximum(-interactions, 0.0) @ of_order
    return np.stack([positive, negative], axis=-1)


# ------------------------------------------------------------------------------------------------------ across samples


def frequent_cover(chosen: np.ndarray, leave_out: bool) -> tuple[np.ndarray, np.ndarray]:
    """Share of a sample's set that is among the k elements most frequent in all samples (rho(k) of ICML 2023).

    What is frequent nowhere is never among them, so there may be fewer; ties go to the earlier place.

    Parameters
    ----------
    chosen : bool, shape (K, ..., C)
    leave_out : whether a sample's own set does not count for it

    Returns
    -------
    cover : float64, shape (K, ..., C)
        For k = 1..C. NaN for an empty set.
    chance : float64, shape (K, ..., C)
        Expected cover by as many elements drawn at random.
    """
    counts = np.broadcast_to(chosen.sum(0), chosen.shape) - (chosen if leave_out else 0)
    by_rank = np.argsort(-counts, axis=-1, kind="stable")
    hits = np.take_along_axis(chosen & (counts > 0), by_rank, axis=-1).cumsum(-1)
    size = np.minimum(np.arange(1, chosen.shape[-1] + 1), (counts > 0).sum(-1, keepdims=True))
    cover = ratio(hits, chosen.sum(-1, keepdims=True))
    return cover, np.where(np.isnan(cover), np.nan, size / chosen.shape[-1])


def discrimination(signs: np.ndarray, labels: np.ndarray, bins: np.ndarray) -> dict[str, np.ndarray]:
    """How far the samples of a label agree about an interaction's sign: beta = max(m+, m-) / (m+ + m-) (ICML 2023).

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
    level = np.array([coin_level(int(number)) for number in range(m.max() + 1)])[m]
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


# ----------------------------------------------------------------------------------------------------------- intervals


class Bootstrap:
    """Resamples of the same K samples for every number that is asked of them, so that ratios and differences pair up.

    Parameters
    ----------
    samples : K
    draws : number of resamples
    seed : of the draws
    """

    def __init__(self, samples: int, draws: int, seed: int) -> None:
        self.tail = tail(samples)
        random = np.random.default_rng(seed)
        self.counts = random.multinomial(samples, np.full(samples, 1 / samples), size=draws).astype(float)

    def means(self, values: np.ndarray) -> np.ndarray:
        """Mean over the first axis in each resample, NaNs left out: (K, ...) to (draws, ...)."""
        flat = values.reshape(len(values), -1)
        known = ~np.isnan(flat)
        total = self.counts @ np.where(known, flat, 0.0)
        return ratio(total, self.counts @ known.astype(float)).reshape(-1, *values.shape[1:])

    def interval(self, values: np.ndarray, over: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """95 % interval of the mean over the first axis, or of its ratio to the mean of `over`."""
        means = self.means(values)
        if over is not None:
            means = ratio(means, self.means(over))
        return self.percentiles(means)

    def percentiles(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expanded percentile interval of what each resample gives, NaNs left out; NaN where there is nothing else."""
        levels = [self.tail, 1 - self.tail]
        bounds = np.quantile(drawn, levels, axis=0)
        patchy = np.isnan(drawn).any(0) & ~np.isnan(drawn).all(0)  # few if any, and slow
        if patchy.any():
            bounds[:, patchy] = np.nanquantile(drawn[:, patchy], levels, axis=0)
        return bounds[0], bounds[1]


def tail(samples: int) -> float:
    """Share of resamples to leave out at either end of a 95 % interval.

    The plain 2.5 % cover too little with few samples, as if their spread were known and not divided by K − 1; these
    make the interval of a mean as wide as Student's (Hesterberg 2015, section 5.2).
    """
    from scipy.special import ndtr, stdtrit

    if samples < 2:
        return 0.025
    return float(ndtr(-stdtrit(samples - 1, 0.975) * np.sqrt(samples / (samples - 1))))


def mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis, NaNs left out; NaN where there is nothing else."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(0), known.sum(0))


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927); NaN without trials."""
    from scipy.stats import binomtest

    if trials == 0:
        return math.nan, math.nan
    interval = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    return interval.low, interval.high
