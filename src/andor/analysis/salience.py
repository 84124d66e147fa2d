"""How strong an interaction must be to count."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np


def salience_bound(
    largest: np.ndarray,
    rule: Literal["sample", "pooled", "output"],
    threshold: float,
    output_range: np.ndarray | None = None,
) -> np.ndarray:
    """Strength above which an interaction is salient, for each sample and model.

    Parameters
    ----------
    largest : shape (K, m)
        The largest magnitude of any kind in K samples and m models.
    rule
        ``sample``: share of the largest strength of the sample and model, over all kinds. ``pooled``: of the model's
        largest over all samples (ICLR 2024, Figure 2). ``output``: of the model's mean |v(N) - v(empty)| (the authors'
        code for Figure 4).
    threshold : share
    output_range : float64, shape (K, m), optional
        |v(N) - v(empty)|, for the rule ``output``.

    Returns
    -------
    shape (K, m)
    """
    if rule == "pooled":
        largest = np.broadcast_to(largest.max(0), largest.shape)
    elif rule == "output":
        if output_range is None:
            raise ValueError("the rule `output` needs |v(N) - v(empty)|")
        largest = np.broadcast_to(output_range.mean(0), largest.shape)
    return threshold * largest


def shares_to_k(share: float, n: int) -> int:
    """k for a share of the 2^n coalitions, rounded down as in ICLR 2024 (5 % of 1024 is 51), at least 1."""
    return max(1, math.floor(share * 2**n))
