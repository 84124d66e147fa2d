"""Tables of a task as a whole: its models, its samples, what the solver proved, and how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis.statistics import wilson_interval
from andor.report.results import TaskResults
from andor.report.tables.frames import tidy
from andor.report.tables.parts import Subject
from andor.report.tables.table import COUNT, FLAG, NUMBER, TEXT, Table
from andor.store import read_metadata

ACCURACY_SCHEMA = pa.schema(
    {
        "model": TEXT,
        "family": TEXT,
        "split": TEXT,
        "items": COUNT,
        "labels": TEXT,  # true, shuffled, or those of another task: `training.labels`
        "measure": TEXT,  # accuracy; R2 of numbers
        "correct": COUNT,
        "accuracy": NUMBER,
        "low": NUMBER,
        "high": NUMBER,
        "parameters": COUNT,
        "weights": TEXT,  # entry of `sources` whose weights it has or starts from; empty if they were new
    }
)


def accuracy(results: TaskResults) -> pd.DataFrame:
    """Accuracy of each model on each split; R² where it predicts numbers."""
    rows = []
    for model in results.models:
        measured = results.model_metrics(model)
        for split, counts in measured["splits"].items():
            rows.append(
                {
                    "model": model,
                    "family": measured["family"],
                    "split": split,
                    "items": counts["items"],
                    "labels": results.labels[model],
                    **_measured(counts),
                    "parameters": measured["parameters"],
                    "weights": results.weights.get(model, ""),
                }
            )
    return pd.DataFrame(rows)


def _measured(counts: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured of a model on a split (`andor.models.accuracy.quality`), with its interval."""
    if "r2" in counts:
        known = {"accuracy": counts["r2"], "low": counts["low"], "high": counts["high"]}
        return {"measure": "R2", "correct": None, **known}
    low, high = wilson_interval(counts["correct"], counts["items"])
    share = counts["correct"] / counts["items"] if counts["items"] else np.nan
    return {"measure": "accuracy", "correct": counts["correct"], "accuracy": share, "low": low, "high": high}


ELIGIBILITY_SCHEMA = pa.schema({"reason": TEXT, "items": COUNT})


def eligibility(results: TaskResults) -> pd.DataFrame:
    """How many test items were considered, passed over for each reason, eligible under every model and explained.

    A candidate counts once for each reason that one model or more have against it.
    """
    candidates = results.eligibility.to_pandas()
    eligible = candidates.groupby("item")["eligible"].all()
    unfit = results.passed_over
    against = candidates[candidates["reason"] != ""].groupby("reason")["item"].nunique().sort_index()
    counts = [
        ("considered", len(eligible) + sum(unfit.values())),
        *sorted(unfit.items()),
        ("screened", len(eligible)),
        *against.items(),
        ("eligible", int(eligible.sum())),
        ("explained", len(results.sample_numbers)),
    ]
    return pd.DataFrame(counts, columns=ELIGIBILITY_SCHEMA.names)


SOLVER_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "unit": TEXT,
        "sample": COUNT,
        "solver": TEXT,
        "objective": NUMBER,
        "lower_bound": NUMBER,
        "gap": NUMBER,
        "status": TEXT,
        "advice": TEXT,
        "iterations": COUNT,
        "l1": NUMBER,  # sum of |I| as stored (not merged, empty coalition included) over both kinds and all models
    }
)


def solver(subject: Subject) -> pd.DataFrame:
    """What the solver proved of each sample."""
    results = subject.results
    l1 = [np.abs(raw.strengths).sum() for raw in results.raw_interactions(subject.method, subject.name)]
    rows = []
    for sample, entry in enumerate(results.interaction_metadata(subject.method, subject.name)):
        kept = {key: entry.get(key) for key in SOLVER_SCHEMA.names if key in entry}
        rows.append({**kept, "method": subject.method, "unit": subject.name, "sample": sample, "l1": l1[sample]})
    return pd.DataFrame(rows, columns=SOLVER_SCHEMA.names)


NOISE_SCHEMA = pa.schema(
    {
        "model": TEXT,
        "sample": COUNT,
        "noise": NUMBER,  # sigma of the log-odds; null where memory was too little to measure it
        "repeats": COUNT,  # pairs of answers of a server that it is from; null for that of reduced precision
        "calls": COUNT,  # requests to a server, and tokens that it counted
        "tokens": COUNT,
    }
)


def noise(results: TaskResults) -> pd.DataFrame:
    """Noise in the masked outputs of each sample, of the models that have some: served ones, reduced precision."""
    rows = []
    for model in results.models:
        for sample, path in zip(results.sample_numbers, results.output_files(model), strict=True):
            made = read_metadata(path).get("made", {})
            if "noise" in made:
                rows.append({**made, "model": model, "sample": sample})
    return pd.DataFrame(rows, columns=NOISE_SCHEMA.names)


TIMINGS_SCHEMA = pa.schema(
    {
        "step": TEXT,  # masked_outputs or extraction
        "method": TEXT,  # of the extraction
        "unit": TEXT,
        "sample": COUNT,
        "seconds": NUMBER,
        "cached": FLAG,  # whether masked outputs came from the cache
    }
)


def timings(results: TaskResults) -> pd.DataFrame:
    """Seconds per sample of masked outputs (little where the cache had them) and of extraction."""
    frames = []
    for model in results.models:
        frame = pd.DataFrame(results.output_timings(model))
        frames.append(frame.assign(step="masked_outputs", method=None, unit=model))
    for method in results.methods:
        for subject in results.subjects(method):
            seconds = [entry["seconds"] for entry in results.interaction_metadata(method, subject)]
            axes: dict[str, Sequence[Any]] = {
                "step": ["extraction"], "method": [method], "unit": [subject], "sample": results.sample_numbers
            }  # fmt: skip
            frames.append(tidy(axes, seconds=seconds).assign(cached=None))
    return pd.concat(frames, ignore_index=True)


TABLES = (
    Table("accuracy", TaskResults, accuracy, ACCURACY_SCHEMA),
    Table("eligibility", TaskResults, eligibility, ELIGIBILITY_SCHEMA),
    Table("solver", Subject, solver, SOLVER_SCHEMA),
    Table("noise", TaskResults, noise, NOISE_SCHEMA),
    Table("timings", TaskResults, timings, TIMINGS_SCHEMA),
)
"""Those of this module."""
