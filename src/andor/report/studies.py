"""Studies: methods, ensembles and tasks side by side, in one tidy table each.

A study's rows are numbers of an ensemble under a method in a task: how many interactions are salient, how strong all
are, how far models agree beyond renamed ones, how far methods agree about one model, and how near the optimum is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis.salience import shares_to_k
from andor.analysis.statistics import mean, ratio
from andor.report.results import TaskResults
from andor.report.tables.controls import controls
from andor.report.tables.frames import measured, tidy
from andor.report.tables.games import Game
from andor.report.tables.parts import Comparison, comparisons

AGREED = 0.1
"""Strongest interactions of a kind, of 2^n, by which methods are compared: 102 of 1,024."""

TEXT, NUMBER = pa.string(), pa.float64()
SCHEMA = pa.schema(
    {
        "task": TEXT,
        "ensemble": TEXT,
        "method": TEXT,
        "kind": TEXT,  # and, or; both
        "main": pa.bool_(),  # no null network and no repeated training is in the ensemble
        "measure": TEXT,  # of the table `controls`; salient, strength, last network, gap, seconds, objective, agreement
        "of": TEXT,  # what is measured, or the method that is the reference
        "value": NUMBER,
        "low": NUMBER,
        "high": NUMBER,
        "chance": NUMBER,
        "null": NUMBER,  # among renamed players
        "excess": NUMBER,
        "excess_low": NUMBER,
        "excess_high": NUMBER,
        "change": NUMBER,  # of the excess from that under the first method, sample by sample
        "change_low": NUMBER,
        "change_high": NUMBER,
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
    frames, first, bounds = [], {}, _lower_bounds(results)
    for each in comparisons(results):
        reference = first.setdefault(each.ensemble, each)
        of_each = [_overlaps(each, reference), *_numbers(each, reference), *_solved(each, bounds)]
        frames += [frame.assign(task=task, main=each.is_main) for frame in of_each]
    return frames


def _overlaps(each: Comparison, reference: Comparison) -> pd.DataFrame:
    """How far the models agree, by every measure, beside renamed ones; and how that differs from the reference."""
    table = controls(each)
    table = table[table["null"] == "renaming"].drop(columns="null").rename(columns={"null_value": "null"})
    return table if each is reference else table.merge(_changes(each, reference), how="left")


def _changes(each: Comparison, reference: Comparison) -> pd.DataFrame:
    """The excess over renamed players less that under the reference, sample by sample."""
    kinds = min(each.kinds, reference.kinds, key=len)
    own, first = (_excess(side) for side in (each, reference))
    frames = []
    for (measure, of), values in own.items():
        change = values[:, : len(kinds)] - first[measure, of][:, : len(kinds)]
        low, high = each.bootstrap.interval(change)
        rows = tidy({"kind": kinds}, change=mean(change), change_low=low, change_high=high)
        frames.append(rows.assign(measure=measure, of=of))
    return pd.concat(frames, ignore_index=True)


def _excess(each: Comparison) -> dict[tuple[str, str], np.ndarray]:
    """Every measure of overlap less its mean among renamed players, (K, kinds) each; NaN without those."""
    renamed = [null.overlaps for null in each.renamed]
    return {
        measure: values - (mean(np.array([null[measure] for null in renamed])) if renamed else np.nan)
        for measure, values in each.games.overlaps.items()
    }


def _numbers(each: Comparison, reference: Comparison) -> list[pd.DataFrame]:
    """What else there is to say of an ensemble under a method."""
    counts = each.games.each(lambda game: game.salient.sum((-2, -1)).mean())
    frames = [_row(each, "salient", "count", counts[:, None]), _strength(each, reference), *_of_control(each)]
    return frames if each is reference else [*frames, _agreement(each, reference)]


def _of_control(each: Comparison) -> list[pd.DataFrame]:
    """Of a control, the last of two networks: how many interactions are salient, and how strong all are in units of the
    first network's."""
    if each.is_main or len(each.members) != 2:
        return []
    counts = each.games.each(lambda game: game.salient[-1].sum())
    first, last = each.games.each(lambda game: game.magnitude.sum((1, 2))).T
    strength = _share(each, "last network", "strength", last, first)
    return [_row(each, "last network", "salient", counts[:, None].astype(float)), strength]


def _row(
    each: Comparison, measure: str, of: str, values: np.ndarray, kinds: tuple[str, ...] = ("both",)
) -> pd.DataFrame:
    """Rows of what is known of each sample, (K, kinds): its mean with its interval."""
    columns = measured(values, each.bootstrap) | {"samples": (~np.isnan(values)).sum(0)}
    return tidy({**each.axes, "kind": kinds}, **columns).assign(measure=measure, of=of)


def _share(each: Comparison, measure: str, of: str, values: np.ndarray, base: np.ndarray) -> pd.DataFrame:
    """A row of the ratio of two means over samples, of what is measured (K,) to its base (K,), with its interval."""
    low, high = each.bootstrap.interval(values, over=base)
    columns = {"value": ratio(values.mean(), base.mean()), "low": low, "high": high, "samples": len(values)}
    return tidy({**each.axes, "kind": ("both",)}, **columns).assign(measure=measure, of=of)


def _strength(each: Comparison, reference: Comparison) -> pd.DataFrame:
    """Strength of all interactions of all models, over that under the reference."""
    own, first = (side.games.each(lambda game: game.magnitude.sum()) for side in (each, reference))
    return _share(each, "strength", reference.method, own, first)


def _solved(each: Comparison, bounds: Mapping[str, float]) -> list[pd.DataFrame]:
    """Certified gap, time of a sample, and how far its objective is above the best lower bound of the same problem."""
    subjects = [subject for subject in each.results.subjects(each.method) if subject in (each.ensemble, *each.members)]
    said = [each.results.interaction_metadata(each.method, subject) for subject in subjects]
    gap = np.max([[_certified(entry) for entry in of_one] for of_one in said], axis=0)
    seconds, objective = (np.sum([[entry[name] for entry in of_one] for of_one in said], axis=0) for name in TOGETHER)
    bound = np.sum(
        [[bounds[_problem(sample, entry)] for sample, entry in enumerate(of_one)] for of_one in said], axis=0
    )
    above = _share(each, "objective", "lower bound", objective, bound)
    rows = {"gap": gap, "seconds": seconds}
    return [above, *(_row(each, name, "solver", values[:, None]) for name, values in rows.items())]


TOGETHER = ("seconds", "objective")
"""What the solver said of models apart adds up to."""


def _certified(entry: Mapping[str, Any]) -> float:
    """The gap of a sample; NaN if the solver proves none."""
    return np.nan if entry["status"] == "uncertified" else entry["gap"]


def _lower_bounds(results: TaskResults) -> dict[str, float]:
    """The best lower bound that any method has proved of each problem."""
    bounds: dict[str, float] = {}
    for method in results.methods:
        for subject in results.subjects(method):
            for sample, entry in enumerate(results.interaction_metadata(method, subject)):
                problem = _problem(sample, entry)
                bounds[problem] = max(bounds.get(problem, 0.0), entry["lower_bound"])
    return bounds


def _problem(sample: int, entry: Mapping[str, Any]) -> str:
    """What was to be solved, whatever solver did it and from wherever it began."""
    method = {key: value for key, value in entry["method"].items() if key != "solver"}
    return json.dumps([sample, entry["models"], method, entry["kappa"], entry["tau"]], sort_keys=True)


def _agreement(each: Comparison, reference: Comparison) -> pd.DataFrame:
    """Share of a method's strongest interactions that the reference has among its own, in the same model."""
    size = shares_to_k(AGREED, each.games.players)
    kinds = min(each.kinds, reference.kinds, key=len)

    def agreed(own: Game, other: Game) -> np.ndarray:
        chosen, there = (one.interactions.strongest(size)[:, : len(kinds)] for one in (own, other))
        both = chosen & other.coalitions.spread(there, own.coalitions)
        return mean(ratio(both.sum(-1).astype(float), chosen.sum(-1)))

    def chance(other: Game) -> np.ndarray:
        strongest = other.interactions.strongest(size)[:, : len(kinds)]
        return strongest.sum(-1).mean(0) / other.interactions.possible[: len(kinds)]

    values = each.games.each(agreed, reference.games.samples)
    of_chance = mean(reference.games.each(chance))
    return _row(each, "agreement", reference.method, values, kinds).assign(chance=of_chance)
