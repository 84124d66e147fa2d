"""Does what several models share turn up in a model that the extraction never saw?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from andor.analysis import metrics
from andor.game.coalitions import orders
from andor.report.tables.frames import tidy
from andor.report.tables.parts import Comparison, Games, games, renamed

DOUBLINGS = 4
"""Classes of strength in which interactions are compared: up to 2, 4, 8 times the threshold of salience, and above."""


def held_out(each: Comparison) -> pd.DataFrame:
    """Interactions of all models of an ensemble, and of one alone, that a model left out has with the same sign.

    The model left out was explained by itself: by the same method, or by the first traditional one if that joins
    models. Null networks and repeated trainings are neither looked for nor in.
    """
    results = each.results
    joint = results.methods[each.method] == "generalizable"
    reference = results.first("traditional") if joint else each.method
    frames: list[pd.DataFrame] = []
    for model in results.main if each.is_main else []:
        if reference and model not in each.members:
            alone = games(results, results.merged_interactions(reference, model), [model])
            frames += _found(each, _signs(alone), {"left_out": [model], "reference": [reference]})
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def groups(each: Games) -> dict[str, np.ndarray]:
    """Signs of the interactions that are salient in all models, with one sign, and of those salient in exactly one.

    0 for other coalitions; int8, shape (K, kinds, 2^n) each.
    """
    signed = np.sign(each.interactions).astype(np.int8) * each.salient
    together, count = signed.sum(1, dtype=np.int8), each.salient.sum(1)
    shared = each.salient.all(1) & each.agreed
    return {"all": np.sign(together) * shared, "one": together * (count == 1)}


def _signs(alone: Games) -> np.ndarray:
    """Signs of the salient interactions of a single model; (K, kinds, 2^n)."""
    return (np.sign(alone.interactions) * alone.salient)[:, 0].astype(np.int8)


def _found(each: Comparison, signs: np.ndarray, named: dict[str, list[str]]) -> list[pd.DataFrame]:
    """Rows of all groups against the signs of a model left out."""
    elsewhere = [renamed(each.results, signs, draw) for draw in range(each.results.draws("renaming"))]
    of = groups(each.games)
    weights = alike(each.games, of)
    whole = {by: _counted(each, group, np.ones(group.shape), signs, elsewhere) for by, group in of.items()}
    cells = {by: _counted(each, group, weights[by], signs, elsewhere) for by, group in of.items()}
    shares = [metrics.ratio(*(each.bootstrap.means(cells[by][name]) for name in ("found", "count"))) for by in of]
    low, high = each.bootstrap.percentiles(shares[0] - shares[1])
    more = {"more": _share(cells["all"], "found") - _share(cells["one"], "found"), "more_low": low, "more_high": high}
    rows = [(by, counted, dict.fromkeys(more, np.nan)) for by, counted in whole.items()]
    return [
        tidy({**each.axes, **named, "kind": each.kinds}, **_columns(each, counted), **beyond).assign(by=by)
        for by, counted, beyond in [*rows, ("alike", cells["one"], more)]
    ]


def alike(each: Games, of: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights under which the interactions of one model are of the orders and strengths of those of all.

    Shared interactions are of lower order and stronger than others, and such ones turn up elsewhere anyway. Those of
    one alone count as often as there are shared ones of their kind, order and strength (by doublings of the threshold,
    relative to the model's largest); shared ones that have no counterpart count not at all. (K, kinds, 2^n) each.
    """
    largest = each.strength.max((-2, -1), keepdims=True)
    relative = (np.where(each.salient, each.strength, 0.0) / np.where(largest > 0, largest, 1.0)).max(1)
    doublings = np.log2(np.maximum(relative / each.salience.threshold, 1.0)).astype(int).clip(max=DOUBLINGS - 1)
    cells = orders(each.players) * DOUBLINGS + doublings
    weights = {by: np.zeros(cells.shape) for by in of}
    for kind in range(cells.shape[1]):
        cell = cells[:, kind]
        count = {by: np.bincount(cell[group[:, kind] != 0], minlength=cells.max() + 1) for by, group in of.items()}
        weights["all"][:, kind] = (count["one"] > 0)[cell]
        weights["one"][:, kind] = np.nan_to_num(metrics.ratio(count["all"].astype(float), count["one"]))[cell]
    return weights


def _counted(
    each: Comparison, group: np.ndarray, weight: np.ndarray, signs: np.ndarray, elsewhere: list[np.ndarray]
) -> dict[str, np.ndarray]:
    """How many there are, and how many are found: in the model left out, by chance, and with its players renamed."""
    possible = metrics.possible(each.games.players, len(each.kinds))

    def total(chosen: np.ndarray) -> np.ndarray:
        return (chosen * weight).sum(-1)

    count, found = total(group != 0), total((group == signs) & (group != 0))
    chance = sum(total(group == sign) * (signs == sign).sum(-1) / possible for sign in (1, -1))
    null = [total((group == other) & (group != 0)) for other in elsewhere]
    return {
        "count": count,
        "found": found,
        "chance": np.asarray(chance),
        "null": np.mean(null, axis=0) if null else np.full(found.shape, np.nan),
    }


def _share(counted: dict[str, np.ndarray], name: str) -> np.ndarray:
    return metrics.ratio(counted[name].mean(0), counted["count"].mean(0))


def _columns(each: Comparison, counted: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Shares of the group with their intervals, (kinds,) each."""
    count, over = counted["count"], counted["found"] - counted["null"]
    low, high = each.bootstrap.interval(counted["found"], over=count)
    excess_low, excess_high = each.bootstrap.interval(over, over=count)
    return {
        "count": count.mean(0),
        **{name: _share(counted, name) for name in ("found", "chance", "null")},
        "low": low,
        "high": high,
        "excess": metrics.ratio(over.mean(0), count.mean(0)),
        "excess_low": excess_low,
        "excess_high": excess_high,
        "samples": (count > 0).sum(0),
    }
