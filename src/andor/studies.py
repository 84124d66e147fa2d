"""Studies: methods, ensembles and tasks side by side, in one tidy table each.

A study's rows are numbers of an ensemble under a method in a task: how many interactions are salient, how strong all
are, how far models agree beyond renamed ones, how far methods agree about one model, and what the solver proved.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa

from andor import metrics
from andor.results import TaskResults
from andor.tables import controls
from andor.tables.frames import measured, tidy
from andor.tables.parts import Comparison, comparisons

AGREED = 0.1
"""Strongest interactions of a kind, of 2^n, by which methods are compared: 102 of 1,024."""

TEXT, NUMBER = pa.string(), pa.float64()
SCHEMA = pa.schema(
    {
        "task": TEXT,
        "ensemble": TEXT,
        "method": TEXT,
        "kind": TEXT,  # and, or; both
        "measure": TEXT,  # of the table `controls`; salient, strength, gap, seconds, agreement
        "of": TEXT,  # what is measured, or the method that is the reference
        "value": NUMBER,
        "low": NUMBER,
        "high": NUMBER,
        "chance": NUMBER,
        "null": NUMBER,  # among renamed players
        "excess": NUMBER,
        "excess_low": NUMBER,
        "excess_high": NUMBER,
        "samples": pa.int64(),
    }
)
"""Columns of a study's table."""


def study(results: Mapping[str, TaskResults]) -> pd.DataFrame:
    """The table of a study, from the part of each task's results that it looks at (`TaskResults.of_study`).

    The first method of the study is the reference for strength and agreement. Intervals are 95 % bootstrap over
    samples; `null` and `excess` are those of renamed players.
    """
    frames = chain.from_iterable(_of_task(task, part) for task, part in results.items())
    return pd.concat(frames, ignore_index=True).reindex(columns=SCHEMA.names)


def _of_task(task: str, results: TaskResults) -> list[pd.DataFrame]:
    frames, first = [], {}
    for each in comparisons(results):
        reference = first.setdefault(each.ensemble, each)
        frames += [_overlaps(each), *_numbers(each, reference)]
    return [frame.assign(task=task) for frame in frames]


def _overlaps(each: Comparison) -> pd.DataFrame:
    """How far the models agree, by every measure, beside renamed ones."""
    table = controls(each)
    return table[table["null"] == "renaming"].drop(columns="null").rename(columns={"null_value": "null"})


def _numbers(each: Comparison, reference: Comparison) -> list[pd.DataFrame]:
    """What else there is to say of an ensemble under a method."""
    counts = each.games.salient.sum((-2, -1)).mean(1)
    frames = [_row(each, "salient", "count", counts[:, None]), _strength(each, reference)]
    frames += [_row(each, name, "solver", _said(each, name)[:, None]) for name in ("gap", "seconds")]
    return frames if each is reference else [*frames, _agreement(each, reference)]


def _row(
    each: Comparison, measure: str, of: str, values: np.ndarray, kinds: tuple[str, ...] = ("both",)
) -> pd.DataFrame:
    """Rows of what is known of each sample, (K, kinds): its mean with its interval."""
    columns = measured(values, each.bootstrap) | {"samples": (~np.isnan(values)).sum(0)}
    return tidy({**each.axes, "kind": kinds}, **columns).assign(measure=measure, of=of)


def _strength(each: Comparison, reference: Comparison) -> pd.DataFrame:
    """Strength of all interactions of all models, over that under the reference."""
    own, first = (side.games.strength.sum((1, 2, 3)) for side in (each, reference))
    low, high = each.bootstrap.interval(own, over=first)
    columns = {"value": metrics.ratio(own.mean(), first.mean()), "low": low, "high": high, "samples": len(own)}
    return tidy({**each.axes, "kind": ("both",)}, **columns).assign(measure="strength", of=reference.method)


def _said(each: Comparison, name: str) -> np.ndarray:
    """A number that the solver left with each sample, the largest where models were treated apart; (K,)."""
    units = [unit for unit in each.results.units(each.method) if unit in (each.ensemble, *each.members)]
    said = [each.results.interaction_metadata(each.method, unit) for unit in units]
    return np.max([[entry[name] for entry in unit] for unit in said], axis=0).astype(float)


def _agreement(each: Comparison, reference: Comparison) -> pd.DataFrame:
    """Share of a method's strongest interactions that the reference has among its own, in the same model."""
    size = metrics.shares_to_k(AGREED, each.games.players)
    kinds = min(each.kinds, reference.kinds, key=len)
    own, other = (side.games.strongest(size)[:, :, : len(kinds)] for side in (each, reference))
    shared = metrics.ratio((own & other).sum(-1).astype(float), own.sum(-1))  # (K, m, kinds)
    agreed = metrics.mean(np.moveaxis(shared, 1, 0))
    chance = metrics.mean(other.sum(-1).mean(1) / metrics.possible(each.games.players, len(kinds)))
    return _row(each, "agreement", reference.method, agreed, kinds).assign(chance=chance)
