"""Which shared interactions are more than an accident: all that are shared are one family, against a null hypothesis.

The k that are shared most strongly are expected to hold as many accidents as the null has interactions shared as
strongly; that number over k is their rate of false discoveries. With p-values pooled over all interactions of all
samples, kinds and orders this is what Benjamini & Hochberg (1995) do: (number of tests) · p is the number expected, so
that interactions which no model has need not be counted.

A claim about all of m models is tested against nulls of one model at a time, of which the worst counts (partial
conjunction, Benjamini & Heller 2008): were all names broken at once, two models that agree would be enough to reject.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RATE = 0.1
"""False discovery rate up to which a shared interaction counts as more than an accident."""


def mean_number(drawn: np.ndarray, draws: int, bounds: np.ndarray) -> np.ndarray:
    """Mean number of interactions a draw that are shared at least as strongly as each bound: at least 1 / draws.

    One is added to what all draws have together, so that what no draw reached is not said to be impossible (Davison &
    Hinkley 1997, ch. 4). Infinite without a draw.

    Parameters
    ----------
    drawn : strengths of what is shared in all draws together, in any order
    bounds : shape (b,)
    """
    return (1 + at_least(drawn, bounds)) / draws if draws else np.full(len(bounds), np.inf)


def false_discovery_rates(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Share of accidents to expect in the smallest share of all that each is in, from the most strongly shared on.

    Parameters
    ----------
    observed : strengths of what is shared, without signs, shape (T,)
    expected : number of accidents at least as strong under the null of each model, shape (m, T)

    Returns
    -------
    float64, shape (T,)
    """
    ascending = np.argsort(observed, kind="stable")
    rates = (expected.max(0, initial=0) / at_least(observed, observed))[ascending]
    q = np.empty(len(observed))
    q[ascending] = np.minimum(np.minimum.accumulate(rates), 1.0)
    return q


def tail_probability(observed: int, drawn: Sequence[np.ndarray]) -> float:
    """Chance that the null has as many as there are, the worst over models; NaN if one has no draw.

    Parameters
    ----------
    drawn : numbers in each draw of the null of each model
    """
    if not drawn or not all(map(len, drawn)):
        return float("nan")
    return max(float((1 + (own >= observed).sum()) / (1 + len(own))) for own in drawn)


def at_least(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """How many values reach each bound."""
    return len(values) - np.searchsorted(np.sort(values), bounds, side="left")
