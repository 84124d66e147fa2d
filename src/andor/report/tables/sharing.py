"""Tables of what the models of an ensemble share, and of its interactions by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis.overlap import chance_power, generalization_power
from andor.analysis.salience import shares_to_k
from andor.analysis.statistics import mean, ratio
from andor.analysis.strength import strength_by_order
from andor.game.coalitions import KINDS
from andor.game.interactions import ranks
from andor.report.measures import SUMMARY_PERCENTS
from andor.report.tables.frames import excess, tidy
from andor.report.tables.games import Game, Games
from andor.report.tables.parts import Comparison
from andor.report.tables.table import COUNT, FLAG, NUMBER, TEXT, Table

GENERALIZATION_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "model": TEXT,
        "kind": TEXT,
        "share": NUMBER,  # of the 2^n coalitions
        "k": COUNT,
        "power": NUMBER,
        "low": NUMBER,
        "high": NUMBER,
        "chance": NUMBER,
        "null": NUMBER,  # the power among renamed players
        "excess": NUMBER,  # of the power over that
        "excess_low": NUMBER,
        "excess_high": NUMBER,
        "samples": COUNT,  # with any interaction of the kind: the others have no power
        "short": COUNT,  # samples with fewer than k interactions that are not 0
    }
)


def generalization(each: Comparison) -> pd.DataFrame:
    """Generalization power of the k strongest interactions, for several k."""
    return _power_of_strongest(each, each.results.analysis.strongest)


def _power_of_strongest(each: Comparison, shares: Sequence[float]) -> pd.DataFrame:
    """Power, interval, chance and counts for each model, kind and share of 2^n."""
    sizes = [shares_to_k(share, each.games.players) for share in shares]
    power, *drawn = (_power(games, shares) for games in (each.games, *each.renamed))  # (K, m, kinds, shares)
    low, high = each.bootstrap.interval(power)
    return tidy(
        {**each.axes, "model": each.members, "kind": each.kinds, "share": shares},
        k=sizes,
        power=mean(power),
        low=low,
        high=high,
        chance=mean(each.games.each(_chance, [shares] * len(power))),
        **excess(power, drawn, each.bootstrap),
        samples=(~np.isnan(power)).sum(0),
        short=(_counts(each.games, shares) < sizes).sum(0),
    )


def _power(games: Games, shares: Sequence[float]) -> np.ndarray:
    def of_sample(game: Game) -> np.ndarray:
        return np.stack([generalization_power(game.largest_share(share)) for share in shares], axis=-1)

    return games.each(of_sample)


def _chance(game: Game, shares: Sequence[float]) -> np.ndarray:
    possible = game.interactions.possible
    return np.stack([chance_power(game.largest_share(share), possible) for share in shares], axis=-1)


def _counts(games: Games, shares: Sequence[float]) -> np.ndarray:
    """How many of the strongest there are, (K, m, kinds, shares)."""
    return games.each(lambda game: np.stack([game.largest_share(share).sum(-1) for share in shares], axis=-1))


SHARING_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "model": TEXT,
        "kind": TEXT,
        "salient": NUMBER,  # mean number per sample, as `shared`
        "shared": NUMBER,  # salient in every model of the ensemble
        "power": NUMBER,  # among the salient ones
        "low": NUMBER,
        "high": NUMBER,
        "chance": NUMBER,
        "samples": COUNT,  # with a salient interaction of the kind
        "strength": NUMBER,  # mean sum of |I| per sample
        "shared_strength": NUMBER,  # the same over the shared ones
        "shared_share": NUMBER,  # their ratio
        "shared_low": NUMBER,
        "shared_high": NUMBER,
    }
)


def sharing(each: Comparison) -> pd.DataFrame:
    """Salient interactions: how many, how many that all models of the ensemble have, and how much of the strength."""
    games = each.games
    power = games.each(lambda game: generalization_power(game.salient))
    low, high = each.bootstrap.interval(power)
    total, of_shared = _totals(games)
    shared_low, shared_high = each.bootstrap.interval(of_shared, over=total)
    return tidy(
        {**each.axes, "model": each.members, "kind": each.kinds},
        salient=games.each(lambda game: game.salient.sum(-1)).mean(0),
        shared=games.each(lambda game: game.shared.sum(-1)).mean(0),
        power=mean(power),
        low=low,
        high=high,
        chance=mean(games.each(lambda game: chance_power(game.salient, game.interactions.possible))),
        samples=(~np.isnan(power)).sum(0),
        strength=total.mean(0),
        shared_strength=of_shared.mean(0),
        shared_share=ratio(of_shared.mean(0), total.mean(0)),
        shared_low=shared_low,
        shared_high=shared_high,
    )


def _totals(games: Games) -> tuple[np.ndarray, np.ndarray]:
    """Strength of each kind in each model, of all interactions and of the shared ones; (K, m, kinds) each."""
    of_shared = games.each(lambda game: (game.magnitude * game.shared).sum(-1))
    return games.each(lambda game: game.magnitude.sum(-1)), of_shared


ORDERS_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "model": TEXT,
        "kind": TEXT,
        "order": COUNT,
        "sign": COUNT,
        "strength": NUMBER,  # mean sum of |I| per sample
        "shared": NUMBER,  # the same over interactions salient in every model of the ensemble
        "null": NUMBER,  # the same among renamed players
    }
)


def orders(each: Comparison) -> pd.DataFrame:
    """Strength by order and sign: of all interactions, and of those that every model of the ensemble shares."""
    players = each.games.players

    def of_all(game: Game) -> np.ndarray:
        return strength_by_order(game.strengths, game.coalitions.orders, players)

    def of_shared(game: Game) -> np.ndarray:
        return strength_by_order(game.strengths * game.shared, game.coalitions.orders, players)

    of_null = [mean(null.each(of_shared)) for null in each.renamed]
    axes = {
        **each.axes, "model": each.members, "kind": each.kinds, "order": range(1, players + 1), "sign": [1, -1]
    }  # fmt: skip
    return tidy(
        axes,
        strength=each.games.each(of_all).mean(0),
        shared=each.games.each(of_shared).mean(0),
        null=np.mean(of_null, axis=0) if of_null else np.nan,
    )


INTERACTIONS_SCHEMA = pa.schema(
    {
        "sample": COUNT,
        "method": TEXT,
        "ensemble": TEXT,
        "kind": TEXT,
        "coalition": COUNT,
        "order": COUNT,
        "members": TEXT,
        "model": TEXT,
        "strength": NUMBER,  # with its sign
        "rank": COUNT,  # among the model's interactions of the kind; null if the strength is 0
        "salient": FLAG,
        "shared": FLAG,  # salient in every model of the ensemble
        "p": NUMBER,  # chance that a renamed interaction of the kind and order is shared as strongly
        "q": NUMBER,  # false discovery rate among all of the kind and order that are shared as surely
    }
)


def interactions(each: Comparison) -> pd.DataFrame:
    """The strongest interactions of each sample by name, with their strength in every model of the ensemble."""
    samples = zip(each.results.sample_numbers, each.games.samples, each.survival, strict=True)
    return pd.concat([_listed(each, *of_sample) for of_sample in samples], ignore_index=True)


def _listed(each: Comparison, number: int, game: Game, rates: tuple[np.ndarray, np.ndarray]) -> pd.DataFrame:
    """Rows of a sample: for each interaction listed, one of each model."""
    listed, names = game.interactions.strongest(each.results.analysis.listed).any(0), each.results.player_names[number]
    rank = _ranks(game)
    kind, place = np.nonzero(listed)
    by_rank = np.lexsort((place, rank.min(0)[kind, place], kind))
    kind, place = kind[by_rank], place[by_rank]
    coalitions, (p, q) = game.coalitions, rates
    members = np.array([", ".join(names[player] for player in own) for own in coalitions.players], dtype=object)
    # a row per listed interaction and model
    at = (np.arange(len(each.members)), kind[:, None], place[:, None])
    rows = {
        "sample": number,
        "kind": np.array(each.kinds, dtype=object)[kind][:, None],
        "coalition": coalitions.masks.astype(np.int64)[place][:, None],
        "order": coalitions.orders[place][:, None],
        "members": members[place][:, None],
        "model": np.array(each.members, dtype=object),
        "strength": game.strengths[at],
        "rank": np.where(game.magnitude[at] > 0, rank[at] + 1.0, np.nan),
        "salient": game.salient[at],
        "shared": game.shared[kind, place][:, None],
        "p": p[kind, place][:, None],
        "q": q[kind, place][:, None],
    }
    flat = {name: np.broadcast_to(column, (len(kind), len(each.members))).ravel() for name, column in rows.items()}
    return pd.DataFrame({"method": each.method, "ensemble": each.ensemble, **flat})


def _ranks(game: Game) -> np.ndarray:
    """Rank of each interaction in its model and kind, 0 being the strongest; (m, kinds, C).

    What is 0 stands behind in the order of masks, those of coalitions that are not on the list between them: rows stay
    in one order, whatever is on the list.
    """
    present = game.magnitude > 0
    before = present.cumsum(-1) - present
    behind = present.sum(-1, keepdims=True) + game.coalitions.masks.astype(np.int64) - before
    return np.where(present, ranks(game.magnitude), behind)


QUANTITIES = ("power", "low", "high", "chance", "null")
"""Columns of the table `generalization` that the summary has of some shares."""
SUMMARY_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "model": TEXT,
        **{
            f"{quantity}_{kind}_{percent}": NUMBER
            for kind in KINDS
            for percent in SUMMARY_PERCENTS
            for quantity in QUANTITIES
        },
        "salient": NUMBER,  # mean number per sample, both kinds
        "shared_share": NUMBER,
        "shared_low": NUMBER,
        "shared_high": NUMBER,
        "l1": NUMBER,  # mean sum of |I| per sample, both kinds
        "l1_ratio": NUMBER,  # to the first traditional method
    }
)


def summary(each: Comparison) -> pd.DataFrame:
    """The main numbers of each model in each ensemble, one row a method."""
    results = each.results
    power = _power_of_strongest(each, [percent / 100 for percent in SUMMARY_PERCENTS])
    wide = power.pivot_table(index="model", columns=["kind", "share"], values=list(QUANTITIES))
    wide = wide.reindex(each.members)  # a model without any interaction has no power
    powers = {f"{quantity}_{kind}_{100 * share:.0f}": column for (quantity, kind, share), column in wide.items()}
    total, of_shared = (strength.sum(-1) for strength in _totals(each.games))
    low, high = each.bootstrap.interval(of_shared, over=total)
    alone = np.full(len(each.members), np.nan)
    if traditional := results.first("traditional"):
        alone = np.mean([one.magnitude.sum((1, 2)) for one in results.of_ensemble(traditional, each.ensemble)], axis=0)
    frame = tidy(
        {**each.axes, "model": each.members},
        **powers,
        salient=each.games.each(lambda game: game.salient.sum((-2, -1))).mean(0),
        shared_share=ratio(of_shared.mean(0), total.mean(0)),
        shared_low=low,
        shared_high=high,
        l1=total.mean(0),
        l1_ratio=ratio(total.mean(0), alone),
    )
    return frame.reindex(columns=SUMMARY_SCHEMA.names)


TABLES = (
    Table("generalization", Comparison, generalization, GENERALIZATION_SCHEMA),
    Table("sharing", Comparison, sharing, SHARING_SCHEMA),
    Table("orders", Comparison, orders, ORDERS_SCHEMA),
    Table("interactions", Comparison, interactions, INTERACTIONS_SCHEMA),
    Table("summary", Comparison, summary, SUMMARY_SCHEMA),
)
"""Those of this module."""
