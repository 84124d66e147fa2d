"""Tables of a task as a whole: its models, its samples, what the solver proved, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from andor.analysis.statistics import wilson_interval
from andor.report.results import TaskResults
from andor.report.tables.frames import tidy
from andor.report.tables.parts import Subject
from andor.report.tables.schemas import SCHEMAS


def accuracy(results: TaskResults) -> pd.DataFrame:
    """Accuracy of each model on each split."""
    rows = []
    for model in results.models:
        measured = results.model_metrics(model)
        for split, counts in measured["splits"].items():
            low, high = wilson_interval(counts["correct"], counts["items"])
            rows.append(
                {
                    "model": model,
                    "family": measured["family"],
                    "split": split,
                    "items": counts["items"],
                    "labels": results.labels[model],
                    "correct": counts["correct"],
                    "accuracy": counts["correct"] / counts["items"] if counts["items"] else np.nan,
                    "low": low,
                    "high": high,
                    "parameters": measured["parameters"],
                }
            )
    return pd.DataFrame(rows)


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
    return pd.DataFrame(counts, columns=SCHEMAS["eligibility"].names)


def solver(subject: Subject) -> pd.DataFrame:
    """What the solver proved of each sample."""
    results = subject.results
    l1 = [np.abs(raw.strengths).sum() for raw in results.raw_interactions(subject.method, subject.name)]
    rows = []
    for sample, entry in enumerate(results.interaction_metadata(subject.method, subject.name)):
        kept = {key: entry.get(key) for key in SCHEMAS["solver"].names if key in entry}
        rows.append({**kept, "method": subject.method, "unit": subject.name, "sample": sample, "l1": l1[sample]})
    return pd.DataFrame(rows, columns=SCHEMAS["solver"].names)


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
