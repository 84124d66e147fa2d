"""Tables of universal matching: do the interactions reproduce every masked output?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis.statistics import ratio
from andor.report.results import per_model
from andor.report.tables.frames import spread, tidy
from andor.report.tables.parts import Subject
from andor.report.tables.table import COUNT, NUMBER, TEXT, Table

MATCHING_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "unit": TEXT,
        "model": TEXT,
        "sample": COUNT,
        "max_difference": NUMBER,  # max over coalitions of |v - prediction|, which is |epsilon|
        "kappa": NUMBER,  # largest bound of |epsilon|; null where coalitions were drawn
        "max_error": NUMBER,  # how far the prediction leaves v +- kappa; null where coalitions were drawn
        "largest_output": NUMBER,  # max |v|
        "relative_error": NUMBER,  # max_error / largest_output
    }
)


def matching(subject: Subject) -> pd.DataFrame:
    """How well interactions reproduce the outputs on all 2^n masked inputs of each sample, or on what was held out."""
    if subject.results.sampled:
        return _of_held_out(subject)
    said = subject.results.interaction_metadata(subject.method, subject.name)
    found = np.array([_errors(subject, sample, entry) for sample, entry in enumerate(said)]).transpose(1, 2, 0)
    difference, kappa, error, largest = found  # (m, K) each
    return tidy(
        {**subject.axes, "sample": subject.results.sample_numbers},
        max_difference=difference,
        kappa=kappa,
        max_error=error,
        largest_output=largest,
        relative_error=ratio(error, largest),
    )


def _of_held_out(subject: Subject) -> pd.DataFrame:
    """The same where coalitions were drawn: on those that nothing was fitted to, of which no bound is known."""
    pairs = [subject.judged(sample) for sample in subject.results.sample_numbers]
    difference = np.array([np.abs(v - prediction).max(-1, initial=0) for v, prediction in pairs]).T
    return tidy(
        {**subject.axes, "sample": subject.results.sample_numbers},
        max_difference=difference,
        kappa=np.nan,
        max_error=np.nan,
        largest_output=np.array([np.abs(v).max(-1, initial=0) for v, _ in pairs]).T,
        relative_error=np.nan,
    )


def _errors(subject: Subject, sample: int, entry: Mapping[str, Any]) -> list[np.ndarray]:
    """Largest difference, bound of the noise, excess over it, and output of each model in a sample."""
    v = subject.v(sample)
    # broadcasting: kappa is one number per sample or one per coalition
    kappa = np.stack([np.broadcast_to(per_model(entry["kappa"], model), v.shape[1:]) for model in subject.members])
    difference = np.abs(v - subject.predictions(sample))
    error = np.maximum(difference - kappa, 0.0)
    return [values.max(-1) for values in (difference, kappa, error, np.abs(v))]


MATCHING_CURVE_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "unit": TEXT,
        "model": TEXT,
        "sample": COUNT,  # -1: mean over samples
        "position": NUMBER,  # share of the coalitions with smaller v
        "v": NUMBER,
        "prediction": NUMBER,
        "error": NUMBER,  # |v - prediction|
    }
)


def matching_curve(subject: Subject) -> pd.DataFrame:
    """Outputs in ascending order and what interactions predict: mean over samples, and the first sample."""
    results, size = subject.results, subject.judged_on
    if not size:
        return pd.DataFrame()
    chosen = spread(size)
    curves = np.stack([_curves(*subject.judged(sample), chosen) for sample in results.sample_numbers], axis=1)
    mean_and_first = np.stack([curves.mean(1), curves[:, 0]], axis=2)
    return tidy(
        {**subject.axes, "sample": [-1, 0], "position": (chosen + 0.5) / size},
        **dict(zip(("v", "prediction", "error"), mean_and_first, strict=True)),
    )


def _curves(v: np.ndarray, prediction: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Some outputs of a sample in ascending order, what is predicted of them, and the difference; (3, m, positions)."""
    ascending = np.argsort(v, axis=-1, kind="stable")[..., chosen]
    v, prediction = (np.take_along_axis(x, ascending, axis=-1) for x in (v, prediction))
    return np.stack([v, prediction, np.abs(v - prediction)])


TABLES = (
    Table("matching", Subject, matching, MATCHING_SCHEMA),
    Table("matching_curve", Subject, matching_curve, MATCHING_CURVE_SCHEMA),
)
"""Those of this module."""
