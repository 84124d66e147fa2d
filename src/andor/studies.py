"""Studies: methods, ensembles and tasks side by side, in one tidy table each.

A study's rows are numbers of an ensemble under a method in a task: how many interactions are salient, how strong all
are, how far models agree beyond renamed ones, how far methods agree about one model, and what the solver proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from andor import metrics
from andor.coalitions import number_of_players
from andor.metrics import Bootstrap
from andor.results import TaskResults
from andor.tables import Comparison, comparisons, controls, finish, tidy

AGREED = 0.1
"""Strongest interactions of a kind, of 2^n, by which methods are compared: 102 of 1,024."""


def study(results: Mapping[str, TaskResults]) -> pd.DataFrame:
    """The table of a study, from the part of each task's results that it looks at (`TaskResults.of_study`).

    The first method of the study is the reference for strength and agreement. Intervals are 95 % bootstrap over
    samples; `null` and `excess` are those of renamed players.
    """
    frames = []
    for task, of_task in results.items():
        bootstrap = Bootstrap(len(of_task.sample_numbers), of_task.analysis.draws, of_task.seed)
        frames += [frame.assign(task=task) for frame in (_overlaps(of_task), *_numbers(of_task, bootstrap))]
    return finish("study", frames)


def _overlaps(results: TaskResults) -> pd.DataFrame:
    """How far the models agree, by every measure, beside renamed ones."""
    table = controls(results)
    renamed = table[table["null"] == "renaming"].drop(columns="null")
    return renamed.rename(columns={"null_value": "null"})


def _numbers(results: TaskResults, bootstrap: Bootstrap) -> Iterator[pd.DataFrame]:
    """What else there is to say of each ensemble under each method."""
    first: dict[str, Comparison] = {}
    for each in comparisons(results):
        reference = first.setdefault(each.ensemble, each)
        total, of_first = each.strength.sum((1, 2, 3)), reference.strength.sum((1, 2, 3))
        yield _row(each, "salient", "count", each.salient.sum((-2, -1)).mean(1), bootstrap)
        yield _row(each, "strength", reference.method, total, bootstrap, over=of_first)
        for name in ("gap", "seconds"):
            yield _row(each, name, "solver", _said(results, each, name), bootstrap)
        if each.method != reference.method:
            yield _agreement(each, reference, bootstrap)


def _row(
    each: Comparison,
    measure: str,
    of: str,
    values: np.ndarray,
    bootstrap: Bootstrap,
    over: np.ndarray | None = None,
    kinds: tuple[str, ...] = ("both",),
    chance: float = np.nan,
) -> pd.DataFrame:
    """Rows of a number known of each sample, (K,) or (K, kinds): its mean, or its ratio to another's."""
    values = values.reshape(len(values), len(kinds))
    low, high = bootstrap.interval(values, over=None if over is None else over[:, None])
    value = metrics.mean(values) if over is None else metrics.ratio(values.mean(0), over.mean(0, keepdims=True))
    empty = dict.fromkeys(("null", "excess", "excess_low", "excess_high"), np.nan)
    samples = (~np.isnan(values)).sum(0)
    axes = {"method": [each.method], "ensemble": [each.ensemble], "kind": kinds}
    return tidy(axes, value=value, low=low, high=high, chance=chance, samples=samples, **empty).assign(
        measure=measure, of=of
    )


def _said(results: TaskResults, each: Comparison, name: str) -> np.ndarray:
    """A number that the solver left with each sample, the largest where models were treated apart; (K,)."""
    units = results.units(each.method)
    said = [results.interaction_metadata(each.method, unit) for unit in units if unit in (each.ensemble, *each.members)]
    return np.max([[entry[name] for entry in unit] for unit in said], axis=0).astype(float)


def _agreement(each: Comparison, reference: Comparison, bootstrap: Bootstrap) -> pd.DataFrame:
    """Share of a method's strongest interactions that the reference has among its own, in the same model."""
    players = number_of_players(each.strength.shape[-1])
    size = metrics.shares_to_k(AGREED, players)
    kinds = tuple(kind for kind in each.kinds if kind in reference.kinds)
    own, other = (
        metrics.strongest(strength, metrics.ranks(strength), size)
        for strength in (each.strength[:, :, : len(kinds)], reference.strength[:, :, : len(kinds)])
    )
    shared = metrics.ratio((own & other).sum(-1).astype(float), own.sum(-1))  # (K, m, kinds)
    agreed = metrics.mean(np.moveaxis(shared, 1, 0))
    chance = metrics.mean(other.sum(-1).mean(1) / metrics.possible(players, len(kinds)))
    return _row(each, "agreement", reference.method, agreed, bootstrap, kinds=kinds, chance=chance)
