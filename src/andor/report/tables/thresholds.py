"""Tables of what depends on where the line of salience is drawn."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from andor.analysis import metrics
from andor.report.tables.frames import excess, measured, tidy
from andor.report.tables.parts import Comparison, Games

THRESHOLDS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3)
"""Shares of the standard of salience."""
MEASURES = ("count", "power", "signed power", "shared strength")
FROM = 0.05
"""Threshold of the model that is to have what another has (ICML 2023), and the first of that other's."""


def thresholds(each: Comparison) -> pd.DataFrame:
    """How many interactions are salient and how much of them is shared, by threshold."""
    values, *drawn = (_by_threshold(games) for games in (each.games, *each.renamed))
    chance = np.full(values.shape, np.nan)
    chance[:, :, MEASURES.index("power")] = np.stack([_chance(each.games, line) for line in THRESHOLDS], axis=-1)
    return tidy(
        {**each.axes, "kind": each.kinds, "measure": MEASURES, "threshold": THRESHOLDS},
        **measured(values, each.bootstrap),
        chance=metrics.mean(chance),
        **excess(values, drawn, each.bootstrap),
        samples=(~np.isnan(values)).sum(0),
    )


def _by_threshold(games: Games) -> np.ndarray:
    """MEASURES of the salient interactions at each threshold, means over models; (K, kinds, measures, thresholds)."""
    total, found = games.strength.sum(-1), []
    for threshold in THRESHOLDS:
        chosen = games.salient_above(threshold)
        shared = metrics.shared_by_all(chosen)[:, None]
        of_models = (
            chosen.sum(-1).astype(float),
            metrics.generalization_power(chosen),
            metrics.generalization_power(chosen, games.agreed),
            metrics.ratio((games.strength * shared).sum(-1), total),
        )
        found.append(np.stack([metrics.mean(values.swapaxes(0, 1)) for values in of_models], axis=-1))
    return np.stack(found, axis=-1)


def _chance(games: Games, threshold: float) -> np.ndarray:
    return metrics.mean(metrics.chance_power(games.salient_above(threshold)).swapaxes(0, 1))


def model_transfer(each: Comparison) -> pd.DataFrame:
    """Share of a model's salient interactions that another model has, as the former's line rises: gamma of ICML 2023.

    The levels beside it are cover ratios too: of a random set as large as the other model's, and of that model's
    interactions under other names.
    """
    higher = [threshold for threshold in THRESHOLDS if threshold >= FROM]
    cover, drawn = _cover(each.games, higher), [_cover(games, higher) for games in each.renamed]
    count = np.stack([each.games.salient_above(threshold).sum(-1).mean(0) for threshold in higher], axis=-1)
    having = each.games.salient_above(FROM).sum(-1) / metrics.possible(each.games.players, len(each.kinds))
    frames = []
    for (i, model), (j, other) in itertools.permutations(enumerate(each.members), 2):
        values = cover[:, i, j]
        rows = tidy(
            {**each.axes, "model": [model], "other": [other], "kind": each.kinds, "threshold": higher},
            count=count[i],
            cover=metrics.mean(values),
            chance=metrics.mean(np.where(np.isnan(values), np.nan, having[:, j, :, None])),
            **excess(values, [one[:, i, j] for one in drawn], each.bootstrap),
            samples=(~np.isnan(values)).sum(0),
        )
        low, high = each.bootstrap.interval(values)
        frames.append(rows.assign(low=low.ravel(), high=high.ravel()))
    return pd.concat(frames, ignore_index=True)


def _cover(games: Games, higher: list[float]) -> np.ndarray:
    """|first's salient ones that the second has| / |first's|, by models: (K, m, m, kinds, thresholds)."""
    had = games.salient_above(FROM).astype(np.float32).transpose(0, 2, 3, 1)  # (K, kinds, 2^n, m)
    covers = []
    for threshold in higher:
        chosen = games.salient_above(threshold).astype(np.float32).transpose(0, 2, 1, 3)
        covers.append(metrics.ratio(chosen @ had, chosen.sum(-1, keepdims=True)))  # (K, kinds, m, m)
    return np.stack(covers, axis=-1).transpose(0, 2, 3, 1, 4)
