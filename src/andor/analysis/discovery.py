"""Which shared interactions are more than an accident: tests against null games."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from andor.analysis.overlap import same_sign
from andor.game.interactions import Interactions

RATE = 0.1
"""False discovery rate up to which a shared interaction counts as more than an accident."""


def shared_strength(interactions: Interactions) -> np.ndarray:
    """Least strength |I_i(S)| over models, in shares of each model's largest.

    0 where the models disagree about the sign, and for the empty coalition; shape (kinds, C).
    """
    magnitude = interactions.magnitude
    largest = magnitude.max((-2, -1), keepdims=True, initial=0)
    relative = np.divide(magnitude, largest, out=np.zeros_like(magnitude), where=largest > 0)
    return np.where(same_sign(interactions.strengths), relative.min(-3), 0.0)


def p_values(
    observed: np.ndarray, strata: np.ndarray, null: np.ndarray, null_strata: np.ndarray, sizes: Mapping[int, int]
) -> np.ndarray:
    """Chance that a null interaction of the same stratum is shared at least as strongly.

    (1 + how many null ones are at least as strong) / (1 + how many there are) (Davison & Hinkley 1997, ch. 4). What is
    not shared at all has p = 1.

    Parameters
    ----------
    observed : `shared_strength` of interactions of all samples, shape (T,)
    strata : integers, shape (T,): only interactions of one stratum are compared
    null, null_strata : the same of null games, shape (N,); what is not shared may be left out
    sizes : how many null interactions there are by stratum, those left out included

    Returns
    -------
    float64, shape (T,)
    """
    p = np.ones(len(observed))
    for stratum in np.unique(strata):
        here = strata == stratum
        pool = np.sort(null[null_strata == stratum])
        at_least = len(pool) - np.searchsorted(pool, observed[here], side="left")
        p[here] = np.where(observed[here] > 0, (1 + at_least) / (1 + sizes[int(stratum)]), 1.0)
    return p


def false_discovery_rates(p: np.ndarray, strata: np.ndarray, sizes: Mapping[int, int]) -> np.ndarray:
    """Share of accidents to expect among all of the stratum with p-values as small (Benjamini & Hochberg 1995).

    Strata are corrected apart: in a small one no p-value can be as small as many tests elsewhere would ask for.

    Parameters
    ----------
    p : shape (T,); some with p = 1 may be left out
    strata : integers, shape (T,)
    sizes : number of tests by stratum, those left out included

    Returns
    -------
    float64, shape (T,)
    """
    q = np.empty(len(p))
    for stratum in np.unique(strata):
        (here,) = np.nonzero(strata == stratum)
        ascending = here[np.argsort(p[here], kind="stable")]
        rates = p[ascending] * (sizes[int(stratum)] / np.arange(1, len(here) + 1))
        q[ascending] = np.minimum(np.minimum.accumulate(rates[::-1])[::-1], 1.0)
    return q
