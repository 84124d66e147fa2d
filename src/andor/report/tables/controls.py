"""Tables of overlap beside what null games show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis.discovery import RATE
from andor.analysis.overlap import chance_power
from andor.analysis.statistics import Bootstrap, mean, ratio
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


SURVIVORS_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "kind": TEXT,
        "shared": NUMBER,  # interactions salient in every model, with one sign: mean per sample
        "surviving": NUMBER,  # those of them with q <= RATE
        "share": NUMBER,  # their ratio
        "low": NUMBER,
        "high": NUMBER,
        "strength": NUMBER,  # share of the shared ones' strength that the surviving ones hold
        "opposite": NUMBER,  # share of the strength salient in every model where signs differ
        "draws": COUNT,  # of renamed players
        "samples": COUNT,
    }
)


def survivors(each: Comparison) -> pd.DataFrame:
    """How many shared interactions are more than an accident, and how much of the shared strength cancels."""
    q, known = [q for _, q in each.survival], 1.0 if each.renamed else np.nan
    shared = each.games.each(lambda game: game.shared.sum(-1).astype(float))
    surviving = known * each.games.each(lambda game, q: _surviving(game, q).sum(-1), q)
    strength = known * each.games.each(lambda game, q: _strength(game, _surviving(game, q)), q)
    of_shared = each.games.each(lambda game: _strength(game, game.shared))
    of_all = each.games.each(lambda game: _strength(game, game.salient.all(0)))
    low, high = each.bootstrap.interval(surviving, over=shared)
    return tidy(
        {**each.axes, "kind": each.kinds},
        shared=shared.mean(0),
        surviving=surviving.mean(0),
        share=ratio(surviving.mean(0), shared.mean(0)),
        low=low,
        high=high,
        strength=ratio(strength.mean(0), of_shared.mean(0)),
        opposite=ratio((of_all - of_shared).mean(0), of_all.mean(0)),
        draws=len(each.renamed),
        samples=len(q),
    )


def _surviving(game: Game, q: np.ndarray) -> np.ndarray:
    """Which interactions all models share, with one sign and more often than by accident; bool, (kinds, C)."""
    return game.shared & (q <= RATE)


def _strength(game: Game, chosen: np.ndarray) -> np.ndarray:
    """Strength of some interactions of each kind, mean over models; (kinds,)."""
    return (game.magnitude.mean(0) * chosen).sum(-1)


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
    Table("survivors", Comparison, survivors, SURVIVORS_SCHEMA),
    Table("sample_size", Comparison, sample_size, SAMPLE_SIZE_SCHEMA),
)
"""Those of this module."""
