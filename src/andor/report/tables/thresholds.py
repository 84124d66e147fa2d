"""Tables of what depends on where the line of salience is drawn."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis.overlap import chance_power, generalization_power
from andor.analysis.statistics import FEWEST, mean, ratio
from andor.report.tables.frames import excess, measured, tidy
from andor.report.tables.games import Game
from andor.report.tables.parts import Comparison
from andor.report.tables.table import COUNT, NUMBER, TEXT, Table

THRESHOLDS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3)
"""Shares of the standard of salience."""
MEASURES = ("count", "power", "signed power", "shared strength")
FROM = 0.05
"""Threshold of the model that is to have what another has (ICML 2023), and the first of that other's."""


THRESHOLDS_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "kind": TEXT,
        "measure": TEXT,  # of the interactions salient by this threshold, mean over models
        "threshold": NUMBER,
        "value": NUMBER,
        "low": NUMBER,
        "high": NUMBER,
        "chance": NUMBER,  # of sets of the same sizes drawn at random, for the power
        "null": NUMBER,  # the same among renamed players
        "excess": NUMBER,  # of the one over the other, sample by sample
        "excess_low": NUMBER,
        "excess_high": NUMBER,
        "samples": COUNT,
    }
)


def thresholds(each: Comparison) -> pd.DataFrame:
    """How many interactions are salient and how much of them is shared, by threshold."""
    values, *drawn = (games.each(_by_threshold) for games in (each.games, *each.renamed))
    chance = np.full(values.shape, np.nan)
    chance[:, :, MEASURES.index("power")] = each.games.each(_chance)
    return tidy(
        {**each.axes, "kind": each.kinds, "measure": MEASURES, "threshold": THRESHOLDS},
        **measured(values, each.bootstrap),
        chance=mean(chance),
        **excess(values, drawn, each.bootstrap),
        samples=(~np.isnan(values)).sum(0),
    )


def _by_threshold(game: Game) -> np.ndarray:
    """MEASURES of the salient interactions at each threshold, means over models; (kinds, measures, thresholds)."""
    total, found = game.magnitude.sum(-1, dtype=float), []
    for threshold in THRESHOLDS:
        chosen = game.salient_above(threshold)
        of_models = (
            chosen.sum(-1).astype(float),
            generalization_power(chosen),
            generalization_power(chosen, game.agreed),
            ratio((game.magnitude * chosen.all(0)).sum(-1, dtype=float), total),
        )
        found.append(np.stack([mean(values) for values in of_models], axis=-1))
    return np.stack(found, axis=-1)


def _chance(game: Game) -> np.ndarray:
    """Power of random sets as large as those at each threshold, mean over models; (kinds, thresholds)."""
    possible = game.interactions.possible
    return np.stack([mean(chance_power(game.salient_above(line), possible)) for line in THRESHOLDS], axis=-1)


MODEL_TRANSFER_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "model": TEXT,
        "other": TEXT,
        "kind": TEXT,
        "threshold": NUMBER,  # of the model; that of the other model is the first
        "count": NUMBER,  # the model's salient ones, mean per sample
        "cover": NUMBER,  # share of them that are salient in the other model
        "low": NUMBER,
        "high": NUMBER,
        "chance": NUMBER,  # the other model's salient ones as a share of all that are possible
        "null": NUMBER,  # the same among renamed players
        "excess": NUMBER,  # of the one over the other, sample by sample
        "excess_low": NUMBER,
        "excess_high": NUMBER,
        "samples": COUNT,
    }
)


def model_transfer(each: Comparison) -> pd.DataFrame:
    """Share of a model's salient interactions that another model has, as the former's line rises: gamma of ICML 2023.

    The levels beside it are cover ratios too: of a random set as large as the other model's, and of that model's
    interactions under other names.
    """
    higher = [threshold for threshold in THRESHOLDS if threshold >= FROM]
    cover, *drawn = (games.each(_cover, [higher] * len(games.samples)) for games in (each.games, *each.renamed))
    count = each.games.each(lambda game: [game.salient_above(line).sum(-1) for line in higher])  # (K, lines, m, kinds)
    having = each.games.each(lambda game: game.salient_above(FROM).sum(-1) / game.interactions.possible)
    frames = []
    for (i, model), (j, other) in itertools.permutations(enumerate(each.members), 2):
        values = cover[:, i, j]
        rows = tidy(
            {**each.axes, "model": [model], "other": [other], "kind": each.kinds, "threshold": higher},
            count=count[:, :, i].mean(0).T,
            cover=mean(values),
            chance=mean(np.where(np.isnan(values), np.nan, having[:, j, :, None])),
            **excess(values, [one[:, i, j] for one in drawn], each.bootstrap),
            samples=(~np.isnan(values)).sum(0),
        )
        had = np.nansum(values * count[:, :, i].transpose(0, 2, 1), axis=0)
        low, high = (np.where(had < FEWEST, np.nan, bound) for bound in each.bootstrap.interval(values))
        frames.append(rows.assign(low=low.ravel(), high=high.ravel()))
    return pd.concat(frames, ignore_index=True)


def _cover(game: Game, higher: Sequence[float]) -> np.ndarray:
    """|first's salient ones that the second has| / |first's|, by models: (m, m, kinds, thresholds)."""
    had = game.salient_above(FROM).astype(np.float32).transpose(1, 2, 0)  # (kinds, C, m)
    covers = []
    for threshold in higher:
        chosen = game.salient_above(threshold).astype(np.float32).transpose(1, 0, 2)
        covers.append(ratio(chosen @ had, chosen.sum(-1, keepdims=True)))  # (kinds, m, m)
    return np.stack(covers, axis=-1).transpose(1, 2, 0, 3)


TABLES = (
    Table("thresholds", Comparison, thresholds, THRESHOLDS_SCHEMA),
    Table("model_transfer", Comparison, model_transfer, MODEL_TRANSFER_SCHEMA),
)
"""Those of this module."""
