"""Tables of overlap beside what null games show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from andor.analysis import metrics, nulls
from andor.analysis.metrics import Bootstrap
from andor.report.tables.frames import excess, measured, tidy
from andor.report.tables.parts import Comparison, Games

SIZED = (("power", "salient"), ("signed power", "10 strongest"), ("jaccard", "all"))
"""Measures of overlap whose dependence on the number of samples is tabled."""


def controls(each: Comparison) -> pd.DataFrame:
    """Every measure of overlap beside what null games show, and how far it goes beyond them."""
    measures, frames = list(each.games.overlaps), []
    values = _stacked(each.games, measures)
    chance = np.stack([_chance(each.games, *measure) for measure in measures], axis=-1)
    for null in nulls.NULLS:
        drawn = [_stacked(games, measures) for games in each.null_games[null]]
        level = metrics.mean(np.array(drawn)) if drawn else np.full(values.shape, np.nan)
        null_low, null_high = each.bootstrap.interval(level)
        compared = excess(values, drawn, each.bootstrap)
        frames.append(
            _named(
                each,
                measures,
                **measured(values, each.bootstrap),
                chance=metrics.mean(chance),
                null_value=compared.pop("null"),
                null_low=null_low,
                null_high=null_high,
                **compared,
                samples=(~np.isnan(values)).sum(0),
            ).assign(null=null, main=each.is_main)
        )
    return pd.concat(frames, ignore_index=True)


def _chance(games: Games, measure: str, of: str) -> np.ndarray:
    """The measure of sets of the same sizes drawn at random, (K, kinds); NaN for measures that have no sets."""
    if of not in games.compared:
        return np.full(games.agreed.shape[:2], np.nan)
    signed = games.interactions if measure == "signed power" else None
    return metrics.mean(metrics.chance_power(games.compared[of], signed).swapaxes(0, 1))


def _stacked(games: Games, measures: Sequence[tuple[str, str]]) -> np.ndarray:
    """Measures of overlap side by side, (K, kinds, measures)."""
    return np.stack([games.overlaps[measure] for measure in measures], axis=-1)


def _named(each: Comparison, measures: Sequence[tuple[str, str]], **columns: np.ndarray) -> pd.DataFrame:
    """Rows for each kind and measure; columns have the shape (kinds, measures)."""
    rows = tidy({**each.axes, "kind": each.kinds, "measure": range(len(measures))}, **columns)
    of = np.array(measures, dtype=object)[rows["measure"]]
    return rows.assign(measure=of[:, 0], of=of[:, 1])


def survivors(each: Comparison) -> pd.DataFrame:
    """How many shared interactions are more than an accident, and how much of the shared strength cancels."""
    games, (_, q) = each.games, each.survival
    shared = games.shared[:, 0] & games.agreed
    surviving = np.where(np.isnan(q), np.nan, shared & (q <= nulls.RATE))
    strength = games.strength.mean(1)  # (K, kinds, 2^n)
    of_shared, of_all = ((strength * chosen).sum(-1) for chosen in (shared, games.shared[:, 0]))
    low, high = each.bootstrap.interval(surviving.sum(-1), over=shared.sum(-1).astype(float))
    return tidy(
        {**each.axes, "kind": each.kinds},
        shared=shared.sum(-1).mean(0),
        surviving=surviving.sum(-1).mean(0),
        share=metrics.ratio(surviving.sum(-1).mean(0), shared.sum(-1).mean(0)),
        low=low,
        high=high,
        strength=metrics.ratio((strength * surviving).sum(-1).mean(0), of_shared.mean(0)),
        opposite=metrics.ratio((of_all - of_shared).mean(0), of_all.mean(0)),
        draws=len(each.renamed),
        samples=len(q),
    )


def sample_size(each: Comparison) -> pd.DataFrame:
    """The main measures of overlap over the first 5, 10, 20, ... samples, and over all of them."""
    results, frames = each.results, []
    for size in sizes(len(results.sample_numbers)):
        bootstrap = Bootstrap(size, results.analysis.draws, results.seed)
        values, *drawn = (_stacked(games, SIZED)[:size] for games in (each.games, *each.renamed))
        compared = excess(values, drawn, bootstrap)
        frames.append(_named(each, SIZED, **measured(values, bootstrap), **compared).assign(samples=size))
    return pd.concat(frames, ignore_index=True)


def sizes(samples: int) -> list[int]:
    """5, 10, 20, ... below the number of samples, and that number."""
    sizes = [5]
    while sizes[-1] < samples:
        sizes.append(2 * sizes[-1])
    return [size for size in sizes if size < samples] + [samples]
