"""Tables of universal matching: do the interactions reproduce every masked output?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from andor.analysis import metrics
from andor.report.results import per_model
from andor.report.tables.frames import spread, tidy
from andor.report.tables.parts import Unit


def matching(unit: Unit) -> pd.DataFrame:
    """How well interactions reproduce the outputs on all 2^n masked inputs of each sample."""
    said = unit.results.interaction_metadata(unit.method, unit.name)
    # broadcasting: kappa is one number per sample or one per coalition
    kappa = np.stack(
        [
            [np.broadcast_to(per_model(entry["kappa"], model), unit.v.shape[-1:]) for entry in said]
            for model in unit.members
        ]
    )  # (m, K, 2^n)
    v, predictions = unit.v.swapaxes(0, 1), unit.predictions.swapaxes(0, 1)
    difference = np.abs(v - predictions)
    error, largest = np.maximum(difference - kappa, 0.0).max(-1), np.abs(v).max(-1)
    return tidy(
        {**unit.axes, "sample": unit.results.sample_numbers},
        max_difference=difference.max(-1),
        kappa=kappa.max(-1),
        max_error=error,
        largest_output=largest,
        relative_error=metrics.ratio(error, largest),
    )


def matching_curve(unit: Unit) -> pd.DataFrame:
    """Outputs in ascending order and what interactions predict: mean over samples, and the first sample."""
    chosen = spread(unit.v.shape[-1])
    ascending = np.argsort(unit.v, axis=-1, kind="stable")[..., chosen]
    v, prediction = (np.take_along_axis(x, ascending, axis=-1) for x in (unit.v, unit.predictions))
    curves = np.stack([v, prediction, np.abs(v - prediction)])  # (3, K, m, positions)
    mean_and_first = np.stack([curves.mean(1), curves[:, 0]], axis=2)
    position = (chosen + 0.5) / unit.v.shape[-1]
    return tidy(
        {**unit.axes, "sample": [-1, 0], "position": position},
        **dict(zip(("v", "prediction", "error"), mean_and_first, strict=True)),
    )
