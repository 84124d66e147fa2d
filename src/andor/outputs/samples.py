"""Samples: which candidates are explained, and why the others are not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from andor import config
from andor.errors import UserError
from andor.outputs import rewards

ELIGIBILITY = pa.schema(
    [
        pa.field("item", pa.int32(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("right", pa.bool_(), nullable=False),
        pa.field("output_full", pa.float64()),
        pa.field("output_empty", pa.float64()),
        pa.field("range", pa.float64()),
        pa.field("eligible", pa.bool_(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""One row per candidate × model. `output_full` and `output_empty` are v(N) and v(∅), uncentred, and `range` is
|v(N) − v(∅)|: null if the candidate cannot be masked. `eligible`: it is under every model; `reason`: what this one has
against it."""


def select(
    candidates: pa.Table,
    screenings: Mapping[str, pa.Table],
    reward: config.Reward,
    samples: config.Samples,
    controls: Collection[str] = (),
) -> tuple[pa.Table, pa.Table]:
    """The first `samples.count` eligible candidates, and the account of all candidates.

    A candidate is eligible if every model predicts its label (a number to within `samples.max_error`) and has
    |v(N) − v(∅)| ≥ `samples.min_range`. A language model has no label to predict: its target is by definition the most
    likely next token of one of the models.

    Parameters
    ----------
    candidates
        From `andor.data.candidates.candidates`.
    screenings
        For each model the result of `andor.outputs.evaluate.screen` on these candidates.
    controls
        Models without a say: neither is being right asked of them, nor a range.

    Returns
    -------
    samples
        `sample` (0..K−1, in the order of candidates), the columns of `candidates`, and `output_<model>`: [v(N), v(∅)],
        uncentred float64.
    eligibility
        See `ELIGIBILITY`.

    Raises
    ------
    UserError
        If too few candidates are eligible; it counts the reasons and names the keys to change.
    """
    items = candidates["item"].to_pylist()
    language = "target" in candidates.column_names
    labels = candidates["label"].to_pylist()
    judged = {
        model: _judge(model, screening, items, labels, language, reward, samples, model in controls)
        for model, screening in screenings.items()
    }
    per_candidate = list(zip(*judged.values(), strict=True))
    eligible = [not any(judgement["reason"] for judgement in judgements) for judgements in per_candidate]
    account = [
        judgement | {"eligible": verdict}
        for judgements, verdict in zip(per_candidate, eligible, strict=True)
        for judgement in judgements
    ]
    eligibility = pa.Table.from_pylist(account, ELIGIBILITY)
    chosen = np.flatnonzero(eligible)[: samples.count]
    if len(chosen) < samples.count:
        raise UserError(_too_few(candidates, eligibility, len(chosen), samples))
    table = candidates.take(pa.array(chosen)).add_column(0, "sample", pa.array(range(len(chosen)), pa.int32()))
    for model, judgements in judged.items():
        outputs = [[judgements[row]["output_full"], judgements[row]["output_empty"]] for row in chosen]
        table = table.append_column(f"output_{model}", pa.array(outputs, pa.list_(pa.float64())))
    return table, eligibility


def mean_range(eligibility: pa.Table, model: str) -> float:
    """Mean |v(N) − v(∅)| of a model over all eligible candidates: the standard of τ (ICLR 2024, section 3)."""
    ranges = [row["range"] for row in eligibility.to_pylist() if row["model"] == model and row["eligible"]]
    if not ranges:
        raise UserError(f"model `{model}` has no eligible candidate; screen it and select the samples again")
    return float(np.mean(ranges))


def _judge(
    model: str,
    screening: pa.Table,
    items: list[int],
    labels: list[Any],
    language: bool,
    reward: config.Reward,
    samples: config.Samples,
    control: bool,
) -> list[dict[str, Any]]:
    """One model's row on every candidate, `eligible` apart; nothing is held against a control."""
    if screening["item"].to_pylist() != items:
        raise UserError(f"the screening of model `{model}` is of other candidates; delete it and run again")
    judgements = []
    for row, label in zip(screening.to_pylist(), labels, strict=True):
        judgement = {"item": row["item"], "model": model, "right": False, "reason": row["reason"] or ""}
        if not judgement["reason"]:
            outputs = np.array([row["full"], row["empty"]])
            if language:
                v = rewards.language_reward(outputs, reward.kind)
            else:
                v = rewards.classifier_reward(outputs, label, reward.kind, reward.temperature)
            full, empty = map(float, v)
            judgement |= {"output_full": full, "output_empty": empty, "range": abs(full - empty)}
            judgement["right"] = language or rewards.predicted_right(outputs[0], label, samples.max_error)
            if not control:
                judgement["reason"] = _against(judgement, samples)
        judgements.append(judgement)
    return judgements


def _against(judgement: Mapping[str, Any], samples: config.Samples) -> str:
    """What a model has against a candidate that it can be asked of; empty if nothing."""
    if not judgement["right"]:
        return "predicts another label" if samples.max_error is None else f"off by more than {samples.max_error:g}"
    return f"|v(N) − v(∅)| below {samples.min_range:g}" if judgement["range"] < samples.min_range else ""


def _too_few(candidates: pa.Table, eligibility: pa.Table, found: int, samples: config.Samples) -> str:
    against = Counter((row["model"], row["reason"]) for row in eligibility.to_pylist() if row["reason"])
    counts = [f"{model}: {count} × {reason}" for (model, reason), count in against.items()]
    passed_over = json.loads((candidates.schema.metadata or {}).get(b"passed_over", b"{}"))
    counts += [f"passed over before: {count} × {reason}" for reason, count in passed_over.items()]
    screened_all = len(candidates) < samples.candidates
    fixes = ["use data with more test items" if screened_all else f"raise `samples.candidates: {samples.candidates}`"]
    least = [f"`samples.min_range: {samples.min_range:g}`"] if samples.min_range else []
    if lower := [*least, *(["`samples.count`"] if samples.count > 1 else [])]:
        fixes.append(f"lower {' or '.join(lower)}")
    return (
        f"only {found} of {len(candidates)} candidates are eligible, `samples.count` is {samples.count} "
        f"({'; '.join(counts) or 'no reasons: the test split has no more items'}); {', or '.join(fixes)}"
    )
