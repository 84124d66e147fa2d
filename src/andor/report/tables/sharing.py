"""Tables of what the models of an ensemble share, and of its interactions by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis.overlap import chance_power, generalization_power
from andor.analysis.statistics import Share, mean, ratio
from andor.analysis.strength import strength_by_order
from andor.game.coalitions import KINDS, Coalitions
from andor.game.interactions import Interactions, ranks
from andor.report.measures import SUMMARY_PERCENTS
from andor.report.tables.frames import excess, tidy
from andor.report.tables.games import Game, Games
from andor.report.tables.parts import Comparison
from andor.report.tables.solutions import stability
from andor.report.tables.table import COUNT, FLAG, NUMBER, TEXT, Table

GENERALIZATION_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "model": TEXT,
        "kind": TEXT,
        "share": NUMBER,  # of the 2^n coalitions; null where those were drawn
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
        "dust": NUMBER,  # share of the k strongest that are not salient, mean over samples
    }
)


def generalization(each: Comparison) -> pd.DataFrame:
    """Generalization power of the k strongest interactions, for several k."""
    return _power_of_strongest(each, each.cuts(each.results.analysis.strongest))


def _power_of_strongest(each: Comparison, cuts: tuple[Sequence[int], Sequence[float]]) -> pd.DataFrame:
    """Power, interval, chance and counts for each model, kind and number k, which is a share of 2^n."""
    sizes, shares = cuts
    power, *drawn = (_power(games, sizes) for games in (each.games, *each.renamed))  # (K, m, kinds, numbers)
    low, high = each.bootstrap.interval(power)
    return tidy(
        {**each.axes, "model": each.members, "kind": each.kinds, "share": shares},
        k=sizes,
        power=mean(power),
        low=low,
        high=high,
        chance=mean(each.games.each(_chance, [sizes] * len(power))),
        **excess(power, drawn, each.bootstrap),
        samples=(~np.isnan(power)).sum(0),
        short=(_counts(each.games, sizes) < sizes).sum(0),
        dust=mean(each.games.each(_dust, [sizes] * len(power))),
    )


def _power(games: Games, sizes: Sequence[int]) -> np.ndarray:
    def of_sample(game: Game) -> np.ndarray:
        return np.stack([generalization_power(game.interactions.strongest(k)) for k in sizes], axis=-1)

    return games.each(of_sample)


def _chance(game: Game, sizes: Sequence[int]) -> np.ndarray:
    possible = game.interactions.possible
    return np.stack([chance_power(game.interactions.strongest(k), possible) for k in sizes], axis=-1)


def _dust(game: Game, sizes: Sequence[int]) -> np.ndarray:
    """Share of the strongest that are not salient, (m, kinds, numbers)."""
    strongest = np.stack([game.interactions.strongest(k) for k in sizes], axis=-1)
    return ratio((strongest & ~game.salient[..., None]).sum(-2), strongest.sum(-2))


def _counts(games: Games, sizes: Sequence[int]) -> np.ndarray:
    """How many of the strongest there are, (K, m, kinds, numbers)."""
    return games.each(lambda game: np.stack([game.interactions.strongest(k).sum(-1) for k in sizes], axis=-1))


SHARING_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "model": TEXT,
        "kind": TEXT,
        "salient": NUMBER,  # mean number per sample, as `shared`
        "shared": NUMBER,  # salient in every model of the ensemble, with one sign
        "power": NUMBER,  # among the salient ones, of whatever sign
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
    total, of_shared, squares = _totals(games)
    share = Share.of(of_shared, total, squares)
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
        shared_share=share.value,
        shared_low=share.low,
        shared_high=share.high,
    )


def _totals(games: Games) -> list[np.ndarray]:
    """Strength of each kind in each model: of all interactions, of the shared ones, and squared; (K, m, kinds) each."""
    of_shared = games.each(lambda game: (game.magnitude * game.shared).sum(-1))
    return [
        games.each(lambda game: game.magnitude.sum(-1)),
        of_shared,
        games.each(lambda game: (game.magnitude**2).sum(-1)),
    ]


ORDERS_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "model": TEXT,
        "kind": TEXT,
        "order": COUNT,
        "sign": COUNT,
        "strength": NUMBER,  # mean sum of |I| per sample
        "shared": NUMBER,  # the same over interactions salient in every model of the ensemble, with one sign
        "null": NUMBER,  # the same among renamed players
    }
)


def orders(each: Comparison) -> pd.DataFrame:
    """Strength by order and sign: of all interactions, and of those that every model of the ensemble shares."""
    most = each.games.most

    def of_all(game: Game) -> np.ndarray:
        return strength_by_order(game.strengths, game.coalitions.orders, most)

    def of_shared(game: Game) -> np.ndarray:
        return strength_by_order(game.strengths * game.shared, game.coalitions.orders, most)

    of_null = [mean(null.each(of_shared)) for null in each.renamed]
    axes = {
        **each.axes, "model": each.members, "kind": each.kinds, "order": range(1, most + 1), "sign": [1, -1]
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
        "class": TEXT,  # name of the sample's class; null where classes are known by number alone
        "method": TEXT,
        "ensemble": TEXT,
        "kind": TEXT,
        "coalition": COUNT,  # its bit mask; null where that is longer than 63 bits
        "players": TEXT,  # their numbers
        "order": COUNT,
        "members": TEXT,  # their names
        "model": TEXT,
        "strength": NUMBER,  # with its sign
        "error": NUMBER,  # its standard error, where coalitions were drawn
        "rank": COUNT,  # among the model's interactions of the kind; null if the strength is 0
        "salient": FLAG,
        "shared": FLAG,  # salient in every model of the ensemble, with one sign
        "state": TEXT,  # shared, opposed, distinctive or undecided, as in `states`; null if salient in no model
        "stability": NUMBER,  # share of near-optimal solutions in which it is shared; null for what is not
        "solutions": COUNT,  # their number, the one that is listed among them
        "settled": FLAG,  # whether it is shared in all of them: else it is the solver's choice; null as `stability`
        "agree": NUMBER,  # false discovery rates of the claims in `agreement`; null for what is not shared
        "combinations": NUMBER,
        "exchange": NUMBER,
    }
)


def interactions(each: Comparison) -> pd.DataFrame:
    """What is shared in each sample, and its strongest interactions, by name, with their strengths in every model."""
    numbers = each.results.sample_numbers
    known = each.results.errors(each.method, each.ensemble) or [None] * len(numbers)
    samples = enumerate(zip(numbers, each.games.samples, known, strict=True))
    frame = pd.concat([_listed(each, place, *of_sample) for place, of_sample in samples], ignore_index=True)
    return frame.assign(coalition=frame["coalition"].astype("Int64"))


def _listed(each: Comparison, sample: int, number: int, game: Game, known: Interactions | None) -> pd.DataFrame:
    """Rows of a sample: for each interaction listed, one of each model."""
    strongest, names = (
        game.interactions.strongest(each.results.analysis.listed).any(0),
        each.results.player_names[number],
    )
    listed = strongest | game.shared
    rank = _ranks(game)
    kind, place = np.nonzero(listed)
    by_rank = np.lexsort((place, rank.min(0)[kind, place], kind))
    kind, place = kind[by_rank], place[by_rank]
    coalitions, state = game.coalitions, each.states[sample]
    errors = np.full(game.strengths.shape, np.nan) if known is None else known.on(coalitions).strengths
    kept = stability(game, each.others[sample])[kind, place][:, None]
    # a row per listed interaction and model
    at = (np.arange(len(each.members)), kind[:, None], place[:, None])
    rows = {
        "sample": number,
        "class": each.results.classes[sample],
        "kind": np.array(each.kinds, dtype=object)[kind][:, None],
        "coalition": _masks(coalitions)[place][:, None],
        "players": _joined(coalitions, " ", range(coalitions.n))[place][:, None],
        "order": coalitions.orders[place][:, None],
        "members": _joined(coalitions, ", ", names)[place][:, None],
        "model": np.array(each.members, dtype=object),
        "strength": game.strengths[at],
        "error": np.where(game.magnitude[at] > 0, errors[at], np.nan),
        "rank": np.where(game.magnitude[at] > 0, rank[at] + 1.0, np.nan),
        "salient": game.salient[at],
        "shared": game.shared[kind, place][:, None],
        "stability": kept,
        "solutions": 1 + len(each.others[sample]),
        "settled": np.where(np.isnan(kept), None, kept == 1),
        "state": np.where(state == "", None, state)[kind, place][:, None],
        **{name: rates[sample][kind, place][:, None] for name, rates in each.claims.rates.items()},
    }
    flat = {name: np.broadcast_to(column, (len(kind), len(each.members))).ravel() for name, column in rows.items()}
    return pd.DataFrame({"method": each.method, "ensemble": each.ensemble, **flat})


def _masks(coalitions: Coalitions) -> np.ndarray:
    """Bit masks, no floats, which have no room for all their bits; pd.NA if there are too many players."""
    if coalitions.n >= 64:
        return np.full(len(coalitions), pd.NA, dtype=object)
    return coalitions.masks.astype(np.int64).astype(object)


def _joined(coalitions: Coalitions, between: str, names: Sequence[Any]) -> np.ndarray:
    """The players of each coalition as one text."""
    return np.array([between.join(str(names[player]) for player in own) for own in coalitions.players], dtype=object)


def _ranks(game: Game) -> np.ndarray:
    """Rank of each interaction in its model and kind, 0 being the strongest; (m, kinds, C).

    What is 0 stands behind in the order of masks, those of coalitions that are not on the list between them: rows stay
    in one order, whatever is on the list. Where masks are too long there is nothing between them.
    """
    present, n = game.magnitude > 0, game.coalitions.n
    place = game.coalitions.masks.astype(np.int64) if n < 64 else np.arange(len(game.coalitions))
    before = present.cumsum(-1) - present
    behind = present.sum(-1, keepdims=True) + place - before
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
        },  # null where coalitions were drawn
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
    powers = {} if results.sampled else _powers(each)
    total, of_shared, squares = (strength.sum(-1) for strength in _totals(each.games))
    share = Share.of(of_shared, total, squares)
    alone = np.full(len(each.members), np.nan)
    if traditional := results.first("traditional"):
        alone = np.mean([one.magnitude.sum((1, 2)) for one in results.of_ensemble(traditional, each.ensemble)], axis=0)
    frame = tidy(
        {**each.axes, "model": each.members},
        **powers,
        salient=each.games.each(lambda game: game.salient.sum((-2, -1))).mean(0),
        shared_share=share.value,
        shared_low=share.low,
        shared_high=share.high,
        l1=total.mean(0),
        l1_ratio=ratio(total.mean(0), alone),
    )
    return frame.reindex(columns=SUMMARY_SCHEMA.names)


def _powers(each: Comparison) -> dict[str, pd.Series]:
    """Columns of power by kind and share of 2^n."""
    power = _power_of_strongest(each, each.cuts([percent / 100 for percent in SUMMARY_PERCENTS]))
    wide = power.pivot_table(index="model", columns=["kind", "share"], values=list(QUANTITIES))
    wide = wide.reindex(each.members)  # a model without any interaction has no power
    return {f"{quantity}_{kind}_{100 * share:.0f}": column for (quantity, kind, share), column in wide.items()}


TABLES = (
    Table("generalization", Comparison, generalization, GENERALIZATION_SCHEMA),
    Table("sharing", Comparison, sharing, SHARING_SCHEMA),
    Table("orders", Comparison, orders, ORDERS_SCHEMA),
    Table("interactions", Comparison, interactions, INTERACTIONS_SCHEMA),
    Table("summary", Comparison, summary, SUMMARY_SCHEMA),
)
"""Those of this module."""
