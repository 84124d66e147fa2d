"""Tables of what the models of an ensemble share, and of its interactions by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from andor.analysis import metrics
from andor.game.coalitions import Coalitions
from andor.report.tables.frames import excess, tidy
from andor.report.tables.parts import Comparison
from andor.report.tables.schemas import SCHEMAS, SUMMARY_PERCENTS, SUMMARY_QUANTITIES


def generalization(each: Comparison) -> pd.DataFrame:
    """Generalization power of the k strongest interactions, for several k."""
    return _power_of_strongest(each, each.results.analysis.strongest)


def _power_of_strongest(each: Comparison, shares: Sequence[float]) -> pd.DataFrame:
    """Power, interval, chance and counts for each model, kind and share of 2^n."""
    sizes = [metrics.shares_to_k(share, each.games.players) for share in shares]
    chosen = [each.games.strongest(k) for k in sizes]
    power = _stacked(metrics.generalization_power, chosen)  # (K, m, kinds, shares)
    drawn = [_stacked(metrics.generalization_power, [null.strongest(k) for k in sizes]) for null in each.renamed]
    low, high = each.bootstrap.interval(power)
    return tidy(
        {**each.axes, "model": each.members, "kind": each.kinds, "share": shares},
        k=sizes,
        power=metrics.mean(power),
        low=low,
        high=high,
        chance=metrics.mean(_stacked(metrics.chance_power, chosen)),
        **excess(power, drawn, each.bootstrap),
        samples=(~np.isnan(power)).sum(0),
        short=np.stack([(of_k.sum(-1) < k).sum(0) for k, of_k in zip(sizes, chosen, strict=True)], axis=-1),
    )


def _stacked(measure: Callable[[np.ndarray], np.ndarray], sets: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([measure(chosen) for chosen in sets], axis=-1)


def sharing(each: Comparison) -> pd.DataFrame:
    """Salient interactions: how many, how many that all models of the ensemble have, and how much of the strength."""
    games = each.games
    power = metrics.generalization_power(games.salient)
    low, high = each.bootstrap.interval(power)
    total, of_shared = games.strength.sum(-1), (games.strength * games.shared).sum(-1)
    shared_low, shared_high = each.bootstrap.interval(of_shared, over=total)
    return tidy(
        {**each.axes, "model": each.members, "kind": each.kinds},
        salient=games.salient.sum(-1).mean(0),
        shared=games.shared.sum(-1).mean(0),
        power=metrics.mean(power),
        low=low,
        high=high,
        chance=metrics.mean(metrics.chance_power(games.salient)),
        samples=(~np.isnan(power)).sum(0),
        strength=total.mean(0),
        shared_strength=of_shared.mean(0),
        shared_share=metrics.ratio(of_shared.mean(0), total.mean(0)),
        shared_low=shared_low,
        shared_high=shared_high,
    )


def orders(each: Comparison) -> pd.DataFrame:
    """Strength by order and sign: of all interactions, and of those that every model of the ensemble shares."""
    games = each.games
    of_all = metrics.strength_by_order(games.interactions).mean(0)[:, :, 1:]
    of_shared = metrics.strength_by_order(games.interactions * games.shared).mean(0)[:, :, 1:]
    of_null = [
        metrics.mean(metrics.strength_by_order(null.interactions * null.shared))[:, :, 1:] for null in each.renamed
    ]
    axes = {
        **each.axes, "model": each.members, "kind": each.kinds, "order": range(1, games.players + 1), "sign": [1, -1]
    }  # fmt: skip
    return tidy(axes, strength=of_all, shared=of_shared, null=np.mean(of_null, axis=0) if of_null else np.nan)


def interactions(each: Comparison) -> pd.DataFrame:
    """The strongest interactions of each sample by name, with their strength in every model of the ensemble."""
    results, games = each.results, each.games
    p, q = each.survival
    listed = games.strongest(results.analysis.listed).any(1)
    sample, kind, coalition = np.nonzero(listed)
    best = games.ranked.min(1)[sample, kind, coalition]
    by_rank = np.lexsort((coalition, best, kind, sample))
    sample, kind, coalition = sample[by_rank], kind[by_rank], coalition[by_rank]
    names = [_members(results.player_names[s], c) for s, c in zip(sample.tolist(), coalition.tolist(), strict=True)]
    # a row per listed interaction and model
    at = (sample[:, None], np.arange(len(each.members)), kind[:, None], coalition[:, None])
    rows = {
        "sample": np.array(results.sample_numbers)[sample][:, None],
        "kind": np.array(each.kinds, dtype=object)[kind][:, None],
        "coalition": coalition[:, None],
        "order": np.bitwise_count(coalition)[:, None],
        "members": np.array(names, dtype=object)[:, None],
        "model": np.array(each.members, dtype=object),
        "strength": games.interactions[at],
        "rank": np.where(games.strength[at] > 0, games.ranked[at] + 1.0, np.nan),
        "salient": games.salient[at],
        "shared": games.shared[:, 0][sample, kind, coalition][:, None],
        "p": p[sample, kind, coalition][:, None],
        "q": q[sample, kind, coalition][:, None],
    }
    flat = {name: np.broadcast_to(column, at[0].shape[:1] + at[1].shape).ravel() for name, column in rows.items()}
    return pd.DataFrame({"method": each.method, "ensemble": each.ensemble, **flat})


def _members(names: Sequence[str], coalition: int) -> str:
    """Names of a coalition's players."""
    return ", ".join(names[player] for player in Coalitions.of_masks(len(names), [coalition]).players[0])


def summary(each: Comparison) -> pd.DataFrame:
    """The main numbers of each model in each ensemble, one row a method."""
    results, strength = each.results, each.games.strength
    power = _power_of_strongest(each, [percent / 100 for percent in SUMMARY_PERCENTS])
    wide = power.pivot_table(index="model", columns=["kind", "share"], values=list(SUMMARY_QUANTITIES))
    wide = wide.reindex(each.members)  # a model without any interaction has no power
    powers = {f"{quantity}_{kind}_{100 * share:.0f}": column for (quantity, kind, share), column in wide.items()}
    total, of_shared = strength.sum((-2, -1)), (strength * each.games.shared).sum((-2, -1))
    low, high = each.bootstrap.interval(of_shared, over=total)
    alone = np.full(len(each.members), np.nan)
    if traditional := results.first("traditional"):
        alone = metrics.strengths(results.of_ensemble(traditional, each.ensemble)).sum((-2, -1)).mean(0)
    frame = tidy(
        {**each.axes, "model": each.members},
        **powers,
        salient=each.games.salient.sum((-2, -1)).mean(0),
        shared_share=metrics.ratio(of_shared.mean(0), total.mean(0)),
        shared_low=low,
        shared_high=high,
        l1=total.mean(0),
        l1_ratio=metrics.ratio(total.mean(0), alone),
    )
    return frame.reindex(columns=SCHEMAS["summary"].names)
