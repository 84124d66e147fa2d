"""Does what several models share turn up in a model that the extraction never saw?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis.statistics import Share, ratio
from andor.game.coalitions import Coalitions
from andor.report.tables.frames import tidy
from andor.report.tables.games import Game, Games
from andor.report.tables.parts import Comparison, games, renamed
from andor.report.tables.table import COUNT, NUMBER, TEXT, Table

Groups = dict[str, np.ndarray]
Signs = Sequence[tuple[Coalitions, np.ndarray]]

DOUBLINGS = 4
"""Classes of strength in which interactions are compared: up to 2, 4, 8 times the threshold of salience, and above."""
SIGNS = (1, -1)


HELD_OUT_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "left_out": TEXT,  # a model that the ensemble does without
        "reference": TEXT,  # method by which that model was explained, alone
        "kind": TEXT,
        "by": TEXT,  # `all` models of the ensemble, `one`, or `alike`: of one, weighted to be like `all`
        "count": NUMBER,  # interactions that these models have: mean per sample
        "found": NUMBER,  # share of them that are salient in the model left out, with the same sign
        "low": NUMBER,
        "high": NUMBER,
        "chance": NUMBER,  # if that model's were drawn at random, as many of each sign
        "null": NUMBER,  # with that model's players renamed
        "excess": NUMBER,  # of the share found over that
        "excess_low": NUMBER,
        "excess_high": NUMBER,
        "more": NUMBER,  # found of the shared ones that have counterparts, less found of those `alike`
        "more_low": NUMBER,
        "more_high": NUMBER,
        "samples": COUNT,  # with such interactions
    }
)


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
            frames += _found(each, alone, {"left_out": [model], "reference": [reference]})
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def groups(each: Game) -> Groups:
    """Signs of the interactions that are salient in all models, with one sign, and of those salient in exactly one.

    0 for other coalitions; int8, shape (kinds, C) each.
    """
    signed = np.sign(each.strengths).astype(np.int8) * each.salient
    together, count = signed.sum(0, dtype=np.int8), each.salient.sum(0)
    return {"all": np.sign(together) * each.shared, "one": together * (count == 1)}


def _found(each: Comparison, alone: Games, named: dict[str, list[str]]) -> list[pd.DataFrame]:
    """Rows of all groups against a model left out."""
    signs = [(game.coalitions, (np.sign(game.strengths) * game.salient)[0].astype(np.int8)) for game in alone.samples]
    elsewhere = [renamed(each.results, signs, draw) for draw in range(each.results.draws("renaming"))]
    of = [groups(game) for game in each.games.samples]
    weights = alike(each.games, of)
    ones = [{by: np.ones(group.shape) for by, group in own.items()} for own in of]
    whole, cells = ({by: _counted(each, of, by, w, signs, elsewhere) for by in of[0]} for w in (ones, weights))
    beyond_one = _share(cells["all"], "found").less(_share(cells["one"], "found"))
    more = {"more": beyond_one.value, "more_low": beyond_one.low, "more_high": beyond_one.high}
    rows = [(by, counted, dict.fromkeys(more, np.nan)) for by, counted in whole.items()]
    return [
        tidy({**each.axes, **named, "kind": each.kinds}, **_columns(counted, len(elsewhere)), **beyond).assign(by=by)
        for by, counted, beyond in [*rows, ("alike", cells["one"], more)]
    ]


def alike(each: Games, of: Sequence[Groups]) -> list[Groups]:
    """Weights under which the interactions of one model are of the orders and strengths of those of all.

    Shared interactions are of lower order and stronger than others, and such ones turn up elsewhere anyway. Those of
    one alone count as often as there are shared ones of their kind, order and strength (by doublings of the threshold,
    relative to the model's largest); shared ones that have no counterpart count not at all. (kinds, C) for each sample.
    """
    cells, kinds = [_cells(game) for game in each.samples], range(len(each.samples[0].interactions.kinds))
    most = DOUBLINGS * (1 + each.most)

    def number(by: str, kind: int) -> np.ndarray:
        """How many of a group there are in each cell, of all samples."""
        held = [cell[kind, group[by][kind] != 0] for cell, group in zip(cells, of, strict=True)]
        return np.bincount(np.concatenate(held), minlength=most)

    counts = [{by: number(by, kind) for by in ("all", "one")} for kind in kinds]
    weight = {
        "all": np.array([(count["one"] > 0).astype(float) for count in counts]),
        "one": np.array([np.nan_to_num(ratio(count["all"].astype(float), count["one"])) for count in counts]),
    }
    return [
        {by: np.take_along_axis(weight[by], cell, axis=-1) for by in group}
        for cell, group in zip(cells, of, strict=True)
    ]


def _cells(game: Game) -> np.ndarray:
    """Class of each coalition by its order and by its largest strength in a model that has it salient; (kinds, C)."""
    largest = game.magnitude.max((-2, -1), keepdims=True, initial=0)
    relative = (np.where(game.salient, game.magnitude, 0.0) / np.where(largest > 0, largest, 1.0)).max(0)
    doublings = np.log2(np.maximum(relative / game.threshold, 1.0)).astype(int).clip(max=DOUBLINGS - 1)
    return game.coalitions.orders * DOUBLINGS + doublings


def _counted(
    each: Comparison,
    of: Sequence[Groups],
    by: str,
    weights: Sequence[Groups],
    signs: Signs,
    elsewhere: Sequence[Signs],
) -> dict[str, np.ndarray]:
    """How many there are, and how many are found: in the model left out, by chance, and with its players renamed."""

    def count(game: Game, group: Groups, weight: Groups) -> np.ndarray:
        return _total(group[by] != 0, weight[by])

    def found(game: Game, group: Groups, weight: Groups, own: tuple[Coalitions, np.ndarray]) -> np.ndarray:
        there = own[0].spread(own[1], game.coalitions)
        return _total((group[by] == there) & (group[by] != 0), weight[by])

    def chance(game: Game, group: Groups, weight: Groups, own: tuple[Coalitions, np.ndarray]) -> np.ndarray:
        share = [(own[1] == sign).sum(-1) / game.interactions.possible for sign in SIGNS]
        return sum(_total(group[by] == sign, weight[by]) * part for sign, part in zip(SIGNS, share, strict=True))

    def squares(game: Game, group: Groups, weight: Groups) -> np.ndarray:
        return _total(group[by] != 0, weight[by] ** 2)

    null = [each.games.each(found, of, weights, other) for other in elsewhere]
    counted = {
        "count": each.games.each(count, of, weights),
        "squares": each.games.each(squares, of, weights),
        "found": each.games.each(found, of, weights, signs),
        "chance": each.games.each(chance, of, weights, signs),
    }
    return counted | {"null": np.sum(null, axis=0) if null else np.full(counted["found"].shape, np.nan)}


def _total(chosen: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return (chosen * weight).sum(-1)


def _share(counted: dict[str, np.ndarray], name: str, draws: int = 1) -> Share:
    """Share of the group that is found, in so many draws together."""
    return Share.of(counted[name], draws * counted["count"], draws * counted["squares"])


def _columns(counted: dict[str, np.ndarray], draws: int) -> dict[str, np.ndarray]:
    """Shares of the group with their intervals, (kinds,) each."""
    count = counted["count"]
    found, null = _share(counted, "found"), _share(counted, "null", max(1, draws))
    excess = found.less(null)
    return {
        "count": count.mean(0),
        "found": found.value,
        "low": found.low,
        "high": found.high,
        "chance": ratio(counted["chance"].sum(0), count.sum(0)),
        "null": null.value,
        "excess": excess.value,
        "excess_low": excess.low,
        "excess_high": excess.high,
        "samples": (count > 0).sum(0),
    }


TABLES = (Table("held_out", Comparison, held_out, HELD_OUT_SCHEMA),)
"""Those of this module."""
