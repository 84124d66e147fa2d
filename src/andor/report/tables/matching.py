"""Tables of universal matching: do the interactions reproduce every masked output?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from andor.analysis.statistics import ratio
from andor.report.results import per_model
from andor.report.tables.frames import spread, tidy
from andor.report.tables.parts import Unit


def matching(unit: Unit) -> pd.DataFrame:
    """How well interactions reproduce the outputs on all 2^n masked inputs of each sample."""
    said = unit.results.interaction_metadata(unit.method, unit.name)
    found = np.array([_errors(unit, sample, entry) for sample, entry in enumerate(said)]).transpose(1, 2, 0)
    difference, kappa, error, largest = found  # (m, K) each
    return tidy(
        {**unit.axes, "sample": unit.results.sample_numbers},
        max_difference=difference,
        kappa=kappa,
        max_error=error,
        largest_output=largest,
        relative_error=ratio(error, largest),
    )


def _errors(unit: Unit, sample: int, entry: Mapping[str, Any]) -> list[np.ndarray]:
    """Largest difference, bound of the noise, excess over it, and output of each model in a sample."""
    v = unit.v(sample)
    # broadcasting: kappa is one number per sample or one per coalition
    kappa = np.stack([np.broadcast_to(per_model(entry["kappa"], model), v.shape[1:]) for model in unit.members])
    difference = np.abs(v - unit.predictions(sample))
    error = np.maximum(difference - kappa, 0.0)
    return [values.max(-1) for values in (difference, kappa, error, np.abs(v))]


def matching_curve(unit: Unit) -> pd.DataFrame:
    """Outputs in ascending order and what interactions predict: mean over samples, and the first sample."""
    size = 2**unit.games.players
    chosen = spread(size)
    curves = np.stack([_curves(unit, sample, chosen) for sample in unit.results.sample_numbers], axis=1)
    mean_and_first = np.stack([curves.mean(1), curves[:, 0]], axis=2)
    return tidy(
        {**unit.axes, "sample": [-1, 0], "position": (chosen + 0.5) / size},
        **dict(zip(("v", "prediction", "error"), mean_and_first, strict=True)),
    )


def _curves(unit: Unit, sample: int, chosen: np.ndarray) -> np.ndarray:
    """Some outputs of a sample in ascending order, what is predicted of them, and the difference; (3, m, positions)."""
    v = unit.v(sample)
    ascending = np.argsort(v, axis=-1, kind="stable")[..., chosen]
    v, prediction = (np.take_along_axis(x, ascending, axis=-1) for x in (v, unit.predictions(sample)))
    return np.stack([v, prediction, np.abs(v - prediction)])
