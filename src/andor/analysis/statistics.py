"""Means over samples and their intervals, where what is not known is NaN and left out."""

from __future__ import annotations

import math

import numpy as np


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, broadcast, float64; NaN where the whole is 0."""
    nothing = np.equal(whole, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.asarray(np.divide(part, whole), dtype=np.float64)
    return (np.where(nothing, np.nan, shares) if nothing.any() else shares)[()]


def mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis, NaNs left out; NaN where there is nothing else."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(0), known.sum(0))


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


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927); NaN without trials."""
    from scipy.stats import binomtest

    if trials == 0:
        return math.nan, math.nan
    interval = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    return interval.low, interval.high
