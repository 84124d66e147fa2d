"""Tables of overlap beside what null games show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis.overlap import chance_power
from andor.analysis.statistics import Bootstrap, mean
from andor.game.nulls import NULLS
from andor.report.measures import ALL, Measure
from andor.report.tables.frames import excess, measured, tidy
from andor.report.tables.games import Game, Games
from andor.report.tables.parts import Comparison
from andor.report.tables.table import COUNT, FLAG, NUMBER, TEXT, Table

CONTROLS_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "kind": TEXT,
        "measure": TEXT,  # in `andor.report.measures`, mean over models
        "of": TEXT,
        "null": TEXT,
        "main": FLAG,  # no null network and no repeated training is in the ensemble
        "value": NUMBER,  # the measure of the models as they are
        "low": NUMBER,
        "high": NUMBER,
        "chance": NUMBER,  # of sets of the same sizes drawn at random; null where there are no sets
        "null_value": NUMBER,  # the measure of the null games
        "null_low": NUMBER,
        "null_high": NUMBER,
        "excess": NUMBER,  # of the one over the other, sample by sample
        "excess_low": NUMBER,
        "excess_high": NUMBER,
        "samples": COUNT,
    }
)


def controls(each: Comparison) -> pd.DataFrame:
    """Every measure of overlap beside what null games show, and how far it goes beyond them."""
    frames = []
    measures = each.games.measures
    values = _stacked(each.games, measures)
    chance = each.games.each(_chance, [measures] * len(values))
    for null in NULLS:
        drawn = [_stacked(games, measures) for games in each.null_games[null]]
        level = mean(np.array(drawn)) if drawn else np.full(values.shape, np.nan)
        null_low, null_high = each.bootstrap.interval(level)
        compared = excess(values, drawn, each.bootstrap)
        frames.append(
            _named(
                each,
                measures,
                **measured(values, each.bootstrap),
                chance=mean(chance),
                null_value=compared.pop("null"),
                null_low=null_low,
                null_high=null_high,
                **compared,
                samples=(~np.isnan(values)).sum(0),
            ).assign(null=null, main=each.is_main)
        )
    return pd.concat(frames, ignore_index=True)


def _chance(game: Game, measures: Sequence[Measure]) -> np.ndarray:
    """Each measure of sets of the same sizes drawn at random, (kinds, measures); NaN for measures that have no sets."""
    nothing = np.full(len(game.interactions.kinds), np.nan)
    return np.stack(
        [nothing if measure.of == ALL else _chance_power(game, *measure.key) for measure in measures], axis=-1
    )


def _chance_power(game: Game, measure: str, of: str) -> np.ndarray:
    signed = game.strengths if measure == "signed power" else None
    return mean(chance_power(game.compared[of], game.interactions.possible, signed))


def _stacked(games: Games, measures: Sequence[Measure]) -> np.ndarray:
    """Measures of overlap side by side, (K, kinds, measures)."""
    return np.stack([games.overlaps[measure.key] for measure in measures], axis=-1)


def _named(each: Comparison, measures: Sequence[Measure], **columns: np.ndarray) -> pd.DataFrame:
    """Rows for each kind and measure; columns have the shape (kinds, measures)."""
    rows = tidy({**each.axes, "kind": each.kinds, "measure": range(len(measures))}, **columns)
    of = np.array([measure.key for measure in measures], dtype=object)[rows["measure"]]
    return rows.assign(measure=of[:, 0], of=of[:, 1])


SAMPLE_SIZE_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "kind": TEXT,
        "measure": TEXT,  # as in `controls`
        "of": TEXT,
        "samples": COUNT,  # the first ones; bounds of salience that look at all samples do so here too
        "value": NUMBER,
        "low": NUMBER,
        "high": NUMBER,
        "null": NUMBER,  # the same among renamed players
        "excess": NUMBER,  # of the one over the other, sample by sample
        "excess_low": NUMBER,
        "excess_high": NUMBER,
    }
)


def sample_size(each: Comparison) -> pd.DataFrame:
    """The main measures of overlap over the first 5, 10, 20, ... samples, and over all of them."""
    results, frames = each.results, []
    sized = [measure for measure in each.games.measures if measure.sized]
    for size in sizes(len(results.sample_numbers)):
        bootstrap = Bootstrap(size, results.analysis.draws, results.seed)
        values, *drawn = (_stacked(games, sized)[:size] for games in (each.games, *each.renamed))
        compared = excess(values, drawn, bootstrap)
        frames.append(_named(each, sized, **measured(values, bootstrap), **compared).assign(samples=size))
    return pd.concat(frames, ignore_index=True)


def sizes(samples: int) -> list[int]:
    """5, 10, 20, ... below the number of samples, and that number."""
    sizes = [5]
    while sizes[-1] < samples:
        sizes.append(2 * sizes[-1])
    return [size for size in sizes if size < samples] + [samples]


TABLES = (
    Table("controls", Comparison, controls, CONTROLS_SCHEMA),
    Table("sample_size", Comparison, sample_size, SAMPLE_SIZE_SCHEMA),
)
"""Those of this module."""
