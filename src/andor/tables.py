"""The tidy tables of a task, each a function of its results: one observation a row, rows always in the same order.

Strengths are in units of the reward v. Orders <= 1 are merged everywhere; the empty coalition is no interaction.
``low`` and ``high`` bound 95 % intervals: bootstrap over samples, Wilson for accuracies.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from andor import metrics, nulls, store
from andor.attributions import predict
from andor.coalitions import members as players_of
from andor.coalitions import number_of_players
from andor.coalitions import orders as orders_of
from andor.metrics import Bootstrap
from andor.results import TaskResults, per_model

TEXT, NUMBER, COUNT, FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()
SUMMARY_PERCENTS = (1, 5, 10)
"""Strongest interactions that the summary compares, of 2^n."""
SUMMARY_QUANTITIES = ("power", "low", "high", "chance", "null")
STRONGEST = 10
"""Strongest interactions of a kind that the controls compare beside the shares of SUMMARY_PERCENTS."""

SCHEMAS: dict[str, pa.Schema] = {
    name: pa.schema(columns)
    for name, columns in {
        "accuracy": {
            "model": TEXT,
            "family": TEXT,
            "split": TEXT,
            "items": COUNT,
            "correct": COUNT,
            "accuracy": NUMBER,
            "low": NUMBER,
            "high": NUMBER,
            "parameters": COUNT,
        },
        "eligibility": {"reason": TEXT, "items": COUNT},
        "generalization": {
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
        },
        "sharing": {
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
        },
        "sparsity": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "rank": COUNT,
            "strength": NUMBER,  # in shares of the sample's largest
            "low": NUMBER,
            "high": NUMBER,
            "samples": COUNT,
        },
        "salient": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "count": NUMBER,  # mean per sample
            "low": NUMBER,
            "high": NUMBER,
            "zeros": NUMBER,  # mean number of possible interactions that are exactly 0
            "possible": COUNT,
            "rule": TEXT,
            "threshold": NUMBER,  # the configured share
            "bound": NUMBER,  # the strength it comes to, mean over samples
            "samples": COUNT,
        },
        "orders": {
            "method": TEXT,
            "ensemble": TEXT,
            "model": TEXT,
            "kind": TEXT,
            "order": COUNT,
            "sign": COUNT,
            "strength": NUMBER,  # mean sum of |I| per sample
            "shared": NUMBER,  # the same over interactions salient in every model of the ensemble
            "null": NUMBER,  # the same among renamed players
        },
        "controls": {
            "method": TEXT,
            "ensemble": TEXT,
            "kind": TEXT,
            "measure": TEXT,  # `overlaps` of metrics, mean over models
            "of": TEXT,
            "null": TEXT,
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
        },
        "survivors": {
            "method": TEXT,
            "ensemble": TEXT,
            "kind": TEXT,
            "shared": NUMBER,  # interactions salient in every model, with one sign: mean per sample
            "surviving": NUMBER,  # those of them with q <= nulls.RATE
            "share": NUMBER,  # their ratio
            "low": NUMBER,
            "high": NUMBER,
            "strength": NUMBER,  # share of the shared ones' strength that the surviving ones hold
            "opposite": NUMBER,  # share of the strength salient in every model where signs differ
            "samples": COUNT,
        },
        "interactions": {
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
        },
        "matching": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "sample": COUNT,
            "max_difference": NUMBER,  # max over coalitions of |v - prediction|, which is |epsilon|
            "kappa": NUMBER,  # largest bound of |epsilon|
            "max_error": NUMBER,  # how far the prediction leaves v +- kappa
            "largest_output": NUMBER,  # max |v|
            "relative_error": NUMBER,  # max_error / largest_output
        },
        "matching_curve": {
            "method": TEXT,
            "unit": TEXT,
            "model": TEXT,
            "sample": COUNT,  # -1: mean over samples
            "position": NUMBER,  # share of the coalitions with smaller v
            "v": NUMBER,
            "prediction": NUMBER,
            "error": NUMBER,  # |v - prediction|
        },
        "solver": {
            "method": TEXT,
            "unit": TEXT,
            "sample": COUNT,
            "solver": TEXT,
            "objective": NUMBER,
            "lower_bound": NUMBER,
            "gap": NUMBER,
            "status": TEXT,
            "advice": TEXT,
            "iterations": COUNT,
            "l1": NUMBER,  # sum of |I| as stored (not merged, empty coalition included) over both kinds and all models
        },
        "timings": {
            "step": TEXT,  # masked_outputs or extraction
            "method": TEXT,  # of the extraction
            "unit": TEXT,
            "sample": COUNT,
            "seconds": NUMBER,
            "cached": FLAG,  # whether masked outputs came from the cache
        },
        "summary": {
            "method": TEXT,
            "ensemble": TEXT,
            "model": TEXT,
            **{
                f"{quantity}_{kind}_{percent}": NUMBER
                for kind in metrics.KINDS
                for percent in SUMMARY_PERCENTS
                for quantity in SUMMARY_QUANTITIES
            },
            "salient": NUMBER,  # mean number per sample, both kinds
            "shared_share": NUMBER,
            "shared_low": NUMBER,
            "shared_high": NUMBER,
            "l1": NUMBER,  # mean sum of |I| per sample, both kinds
            "l1_ratio": NUMBER,  # to the first traditional method
        },
        "study": {
            "task": TEXT,
            "ensemble": TEXT,
            "method": TEXT,
            "kind": TEXT,  # and, or; both
            "measure": TEXT,  # of `controls`; salient, strength, gap, seconds, agreement
            "of": TEXT,  # what is measured, or the method that is the reference
            "value": NUMBER,
            "low": NUMBER,
            "high": NUMBER,
            "chance": NUMBER,
            "null": NUMBER,  # among renamed players
            "excess": NUMBER,
            "excess_low": NUMBER,
            "excess_high": NUMBER,
            "samples": COUNT,
        },
    }.items()
}
"""Columns of each table."""

# ------------------------------------------------------------------------------------------------------------- helpers


def tidy(axes: Mapping[str, Sequence[Any]], **columns: Any) -> pd.DataFrame:
    """Rows for every combination of the axes' labels, in their order; columns are arrays over these axes."""
    shape = tuple(len(labels) for labels in axes.values())
    frame = pd.MultiIndex.from_product(axes.values(), names=list(axes)).to_frame(index=False)
    for name, column in columns.items():
        frame[name] = np.broadcast_to(column, shape).ravel()
    return frame


def finish(name: str, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The frames one below the other, with exactly the columns of the table."""
    schema = SCHEMAS[name]
    if not frames:
        return schema.empty_table().to_pandas()
    return pd.concat(frames, ignore_index=True)[schema.names]


def spread(count: int, head: bool = False) -> np.ndarray:
    """Positions 0..count-1; where a table would get too long, up to 4096 of them, denser at the ``head`` if asked."""
    if count <= 4096:
        return np.arange(count)
    points = np.geomspace(1, count, 4096) - 1 if head else np.linspace(0, count - 1, 4096)
    return np.unique(points.round().astype(np.int64))


def _bootstrap(results: TaskResults) -> Bootstrap:
    return Bootstrap(len(results.sample_numbers), results.analysis.draws, results.seed)


def _units(results: TaskResults) -> Iterator[tuple[str, str, list[str]]]:
    """Method, unit and the unit's models."""
    for method in results.methods:
        for unit, members in results.units(method).items():
            yield method, unit, members


def _salience_bound(results: TaskResults, strength: np.ndarray, members: Sequence[str]) -> np.ndarray:
    """Bound of salience by the configured rule; float64, shape (K, m)."""
    salience = results.analysis.salience
    output_range = results.output_range(members) if salience.rule == "output" else None
    return metrics.salience_bound(strength, salience.rule, salience.threshold, output_range)


@dataclass(frozen=True, eq=False)
class Comparison:
    """The models of an ensemble side by side, under one method.

    `interactions`, `strength` and `salient` have the shape (K, m, kinds, 2^n), `shared` (salient in every model)
    (K, 1, kinds, 2^n). `bound` gives the bound of salience (K, m) for strengths, `null_interactions` the interactions
    of each draw of a null.
    """

    method: str
    ensemble: str
    members: list[str]
    kinds: tuple[str, ...]
    interactions: np.ndarray
    bound: Callable[[np.ndarray], np.ndarray]
    null_interactions: Callable[[str], np.ndarray]

    @functools.cached_property
    def strength(self) -> np.ndarray:
        """|I|, the empty coalition left out."""
        return metrics.strengths(self.interactions)

    @functools.cached_property
    def salient(self) -> np.ndarray:
        """Which interactions are stronger than their bound."""
        return metrics.salient(self.strength, self.bound(self.strength))

    @functools.cached_property
    def shared(self) -> np.ndarray:
        """Which are salient in every model."""
        return metrics.shared_by_all(self.salient)[:, None]

    @functools.cached_property
    def renamed(self) -> list[Comparison]:
        """The same among renamed players, a draw each."""
        return [replace(self, interactions=drawn) for drawn in self.null_interactions("renaming")]

    def axes(self) -> dict[str, Sequence[str]]:
        """Labels of the first columns of its rows: method, ensemble, model."""
        return {"method": [self.method], "ensemble": [self.ensemble], "model": self.members}


def comparisons(results: TaskResults) -> Iterator[Comparison]:
    """Every ensemble under every method."""
    for method, (ensemble, members) in itertools.product(results.methods, results.ensembles.items()):
        yield Comparison(
            method,
            ensemble,
            members,
            results.kinds(method),
            results.of_ensemble(method, ensemble),
            functools.partial(_salience_bound, results, members=members),
            functools.partial(results.null_interactions, method, ensemble),
        )


def _excess(values: np.ndarray, drawn: Sequence[np.ndarray], bootstrap: Bootstrap) -> dict[str, np.ndarray]:
    """Null level and excess over it, with its interval; values (K, ...), and the same for each draw of the null."""
    null = metrics.mean(np.array(drawn)) if len(drawn) else np.full(values.shape, np.nan)
    over = values - null
    low, high = bootstrap.interval(over)
    return {"null": metrics.mean(null), "excess": metrics.mean(over), "excess_low": low, "excess_high": high}


# ---------------------------------------------------------------------------------------------- models and samples


def accuracy(results: TaskResults) -> pd.DataFrame:
    """Accuracy of each model on each split."""
    rows = []
    for model in results.models:
        measured = results.model_metrics(model)
        for split, counts in measured["splits"].items():
            low, high = metrics.wilson_interval(counts["correct"], counts["items"])
            rows.append(
                {
                    "model": model,
                    "family": measured["family"],
                    "split": split,
                    "items": counts["items"],
                    "correct": counts["correct"],
                    "accuracy": counts["correct"] / counts["items"] if counts["items"] else np.nan,
                    "low": low,
                    "high": high,
                    "parameters": measured["parameters"],
                }
            )
    return finish("accuracy", [pd.DataFrame(rows)] if rows else [])


def eligibility(results: TaskResults) -> pd.DataFrame:
    """How many test items were considered, passed over for each reason, eligible under every model and explained.

    A candidate counts once for each reason that one model or more have against it.
    """
    candidates = results.eligibility.to_pandas()
    eligible = candidates.groupby("item")["eligible"].all()
    unfit = results.passed_over
    against = candidates[candidates["reason"] != ""].groupby("reason")["item"].nunique().sort_index()
    counts = [
        ("considered", len(eligible) + sum(unfit.values())),
        *sorted(unfit.items()),
        ("screened", len(eligible)),
        *against.items(),
        ("eligible", int(eligible.sum())),
        ("explained", len(results.sample_numbers)),
    ]
    return finish("eligibility", [pd.DataFrame(counts, columns=SCHEMAS["eligibility"].names)])


# --------------------------------------------------------------------------------------------------------- sharing


def generalization(results: TaskResults) -> pd.DataFrame:
    """Generalization power of the k strongest interactions, for several k."""
    bootstrap = _bootstrap(results)
    frames = [_power_of_strongest(each, results.analysis.strongest, bootstrap) for each in comparisons(results)]
    return finish("generalization", frames)


def _power_of_strongest(each: Comparison, shares: Sequence[float], bootstrap: Bootstrap) -> pd.DataFrame:
    """Power, interval, chance and counts for each model, kind and share of 2^n."""
    sizes = [metrics.shares_to_k(share, number_of_players(each.strength.shape[-1])) for share in shares]
    chosen = _strongest(each.strength, sizes)
    power = _stacked(metrics.generalization_power, chosen)  # (K, m, kinds, shares)
    drawn = [_stacked(metrics.generalization_power, _strongest(null.strength, sizes)) for null in each.renamed]
    low, high = bootstrap.interval(power)
    return tidy(
        {**each.axes(), "kind": each.kinds, "share": shares},
        k=sizes,
        power=metrics.mean(power),
        low=low,
        high=high,
        chance=metrics.mean(_stacked(metrics.chance_power, chosen)),
        **_excess(power, drawn, bootstrap),
        samples=(~np.isnan(power)).sum(0),
        short=np.stack([(of_k.sum(-1) < k).sum(0) for k, of_k in zip(sizes, chosen, strict=True)], axis=-1),
    )


def _strongest(strength: np.ndarray, sizes: Sequence[int]) -> list[np.ndarray]:
    """The k strongest for each k."""
    ranked = metrics.ranks(strength)
    return [metrics.strongest(strength, ranked, k) for k in sizes]


def _stacked(measure: Callable[[np.ndarray], np.ndarray], sets: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([measure(chosen) for chosen in sets], axis=-1)


def sharing(results: TaskResults) -> pd.DataFrame:
    """Salient interactions: how many, how many that all models of the ensemble have, and how much of the strength."""
    bootstrap = _bootstrap(results)
    frames = []
    for each in comparisons(results):
        power = metrics.generalization_power(each.salient)
        low, high = bootstrap.interval(power)
        total, of_shared = each.strength.sum(-1), (each.strength * each.shared).sum(-1)
        shared_low, shared_high = bootstrap.interval(of_shared, over=total)
        frames.append(
            tidy(
                {**each.axes(), "kind": each.kinds},
                salient=each.salient.sum(-1).mean(0),
                shared=each.shared.sum(-1).mean(0),
                power=metrics.mean(power),
                low=low,
                high=high,
                chance=metrics.mean(metrics.chance_power(each.salient)),
                samples=(~np.isnan(power)).sum(0),
                strength=total.mean(0),
                shared_strength=of_shared.mean(0),
                shared_share=metrics.ratio(of_shared.mean(0), total.mean(0)),
                shared_low=shared_low,
                shared_high=shared_high,
            )
        )
    return finish("sharing", frames)


def orders(results: TaskResults) -> pd.DataFrame:
    """Strength by order and sign: of all interactions, and of those that every model of the ensemble shares."""
    frames = []
    for each in comparisons(results):
        of_all = metrics.strength_by_order(each.interactions).mean(0)[:, :, 1:]
        of_shared = metrics.strength_by_order(each.interactions * each.shared).mean(0)[:, :, 1:]
        of_null = [
            metrics.mean(metrics.strength_by_order(null.interactions * null.shared))[:, :, 1:] for null in each.renamed
        ]
        axes = {**each.axes(), "kind": each.kinds, "order": range(1, of_all.shape[2] + 1), "sign": [1, -1]}
        null = np.mean(of_null, axis=0) if of_null else np.nan
        frames.append(tidy(axes, strength=of_all, shared=of_shared, null=null))
    return finish("orders", frames)


def controls(results: TaskResults) -> pd.DataFrame:
    """Every measure of overlap beside what null games show, and how far it goes beyond them."""
    bootstrap, frames = _bootstrap(results), []
    for each in comparisons(results):
        players = number_of_players(each.strength.shape[-1])
        sizes = {f"{percent} %": metrics.shares_to_k(percent / 100, players) for percent in SUMMARY_PERCENTS}
        sizes[f"{STRONGEST} strongest"] = STRONGEST
        bound = each.bound(each.strength)
        true = metrics.overlaps(each.interactions, bound, sizes)
        chance = {
            name: metrics.mean(metrics.chance_power(chosen).swapaxes(0, 1))
            for name, chosen in metrics.compared_sets(each.strength, bound, sizes).items()
        }  # (K, kinds)
        for null in nulls.NULLS:
            drawn = [
                metrics.overlaps(games, each.bound(metrics.strengths(games)), sizes)
                for games in each.null_interactions(null)
            ]
            for (measure, of), values in true.items():
                low, high = bootstrap.interval(values)
                found = [one[measure, of] for one in drawn]
                compared = _excess(values, found, bootstrap)
                level = metrics.mean(np.array(found)) if found else np.full(values.shape, np.nan)
                null_low, null_high = bootstrap.interval(level)
                axes = {"method": [each.method], "ensemble": [each.ensemble], "kind": each.kinds}
                frame = tidy(
                    axes,
                    value=metrics.mean(values),
                    low=low,
                    high=high,
                    chance=metrics.mean(chance[of]) if of in chance else np.nan,
                    null_value=compared.pop("null"),
                    null_low=null_low,
                    null_high=null_high,
                    **compared,
                    samples=(~np.isnan(values)).sum(0),
                )
                frames.append(frame.assign(measure=measure, of=of, null=null))
    return finish("controls", frames)


def _survival(each: Comparison) -> tuple[np.ndarray, np.ndarray]:
    """p-value and false discovery rate of every coalition of every sample, (K, kinds, 2^n) each; NaN without a null.

    Interactions are compared with renamed ones of their kind and order in all samples, and the rate is that among
    these.
    """
    observed = nulls.shared_strength(each.interactions)
    if not each.renamed:
        return np.full(observed.shape, np.nan), np.full(observed.shape, np.nan)
    drawn = np.stack([nulls.shared_strength(null.interactions) for null in each.renamed])
    order = orders_of(number_of_players(observed.shape[-1]))
    kinds = range(observed.shape[1])
    p = np.stack([nulls.p_values(observed[:, kind], drawn[:, :, kind], order) for kind in kinds], axis=1)
    q = np.stack([nulls.false_discovery_rates(p[:, kind], order) for kind in kinds], axis=1)
    return p, q


def survivors(results: TaskResults) -> pd.DataFrame:
    """How many shared interactions are more than an accident, and how much of the shared strength cancels."""
    bootstrap, frames = _bootstrap(results), []
    for each in comparisons(results):
        _, q = _survival(each)
        agreed = metrics.same_sign(each.interactions)
        shared = each.shared[:, 0] & agreed
        surviving = np.where(np.isnan(q), np.nan, shared & (q <= nulls.RATE))
        strength = each.strength.mean(1)  # (K, kinds, 2^n)
        of_shared, of_all = ((strength * chosen).sum(-1) for chosen in (shared, each.shared[:, 0]))
        low, high = bootstrap.interval(surviving.sum(-1), over=shared.sum(-1).astype(float))
        frames.append(
            tidy(
                {"method": [each.method], "ensemble": [each.ensemble], "kind": each.kinds},
                shared=shared.sum(-1).mean(0),
                surviving=surviving.sum(-1).mean(0),
                share=metrics.ratio(surviving.sum(-1).mean(0), shared.sum(-1).mean(0)),
                low=low,
                high=high,
                strength=metrics.ratio((strength * surviving).sum(-1).mean(0), of_shared.mean(0)),
                opposite=metrics.ratio((of_all - of_shared).mean(0), of_all.mean(0)),
                samples=len(q),
            )
        )
    return finish("survivors", frames)


def interactions(results: TaskResults) -> pd.DataFrame:
    """The strongest interactions of each sample by name, with their strength in every model of the ensemble."""
    frames = []
    for each in comparisons(results):
        ranked = metrics.ranks(each.strength)
        p, q = _survival(each)
        listed = metrics.strongest(each.strength, ranked, results.analysis.listed).any(1)
        sample, kind, coalition = np.nonzero(listed)
        best = ranked.min(1)[sample, kind, coalition]
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
            "strength": each.interactions[at],
            "rank": np.where(each.strength[at] > 0, ranked[at] + 1.0, np.nan),
            "salient": each.salient[at],
            "shared": each.shared[:, 0][sample, kind, coalition][:, None],
            "p": p[sample, kind, coalition][:, None],
            "q": q[sample, kind, coalition][:, None],
        }
        flat = {name: np.broadcast_to(column, at[0].shape[:1] + at[1].shape).ravel() for name, column in rows.items()}
        frames.append(pd.DataFrame({"method": each.method, "ensemble": each.ensemble, **flat}))
    return finish("interactions", frames)


def _members(names: Sequence[str], coalition: int) -> str:
    """Names of a coalition's players."""
    return ", ".join(names[player] for player in players_of(coalition))


# -------------------------------------------------------------------------------------------------------- sparsity


def sparsity(results: TaskResults) -> pd.DataFrame:
    """Sorted strengths of all kinds, in shares of the sample's largest, mean over samples."""
    bootstrap = _bootstrap(results)
    frames = []
    for method, unit, members in _units(results):
        curve = metrics.sorted_strengths(metrics.strengths(results.merged_interactions(method, unit)))
        ranks = spread(curve.shape[-1], head=True)
        curve = curve[..., ranks]
        low, high = bootstrap.interval(curve)
        axes = {"method": [method], "unit": [unit], "model": members, "rank": ranks + 1}
        frames.append(tidy(axes, strength=curve.mean(0), low=low, high=high, samples=len(curve)))
    return finish("sparsity", frames)


def salient(results: TaskResults) -> pd.DataFrame:
    """How many interactions of all kinds are salient, and how many are exactly 0."""
    bootstrap, rule = _bootstrap(results), results.analysis.salience
    frames = []
    for method, unit, members in _units(results):
        strength = metrics.strengths(results.merged_interactions(method, unit))
        bound = _salience_bound(results, strength, members)
        counts = metrics.salient(strength, bound).sum((-2, -1)).astype(float)
        possible = metrics.possible(number_of_players(strength.shape[-1]), kinds=strength.shape[-2]).sum()
        low, high = bootstrap.interval(counts)
        frames.append(
            tidy(
                {"method": [method], "unit": [unit], "model": members},
                count=counts.mean(0),
                low=low,
                high=high,
                zeros=(possible - (strength > 0).sum((-2, -1))).mean(0),
                possible=possible,
                rule=rule.rule,
                threshold=rule.threshold,
                bound=bound.mean(0),
                samples=len(counts),
            )
        )
    return finish("salient", frames)


# -------------------------------------------------------------------------------------------------------- matching


def _predictions(results: TaskResults, method: str, unit: str) -> np.ndarray:
    """Outputs v + epsilon that the interactions of a unit add up to, on every coalition; float64, shape (K, m, 2^n)."""
    raw = results.raw_interactions(method, unit)
    return predict(raw[:, :, metrics.AND], raw[:, :, metrics.OR])


def matching(results: TaskResults) -> pd.DataFrame:
    """How well interactions reproduce the outputs on all 2^n masked inputs of each sample."""
    frames = []
    for method, unit, members in _units(results):
        predictions, said = _predictions(results, method, unit), results.interaction_metadata(method, unit)
        for place, model in enumerate(members):
            v = results.values(model)
            # broadcasting: kappa is one number per sample or one per coalition
            kappa = np.stack([np.broadcast_to(per_model(entry["kappa"], model), v.shape[1:]) for entry in said])
            difference = np.abs(v - predictions[:, place])
            error, largest = np.maximum(difference - kappa, 0.0).max(-1), np.abs(v).max(-1)
            frame = tidy(
                {"method": [method], "unit": [unit], "model": [model], "sample": results.sample_numbers},
                max_difference=difference.max(-1),
                kappa=kappa.max(-1),
                max_error=error,
                largest_output=largest,
                relative_error=metrics.ratio(error, largest),
            )
            frames.append(frame)
    return finish("matching", frames)


def matching_curve(results: TaskResults) -> pd.DataFrame:
    """Outputs in ascending order and what interactions predict: mean over samples, and the first sample."""
    frames = []
    for method, unit, members in _units(results):
        predictions = _predictions(results, method, unit)
        for place, model in enumerate(members):
            v = results.values(model)
            ascending = np.argsort(v, axis=-1, kind="stable")[:, spread(v.shape[-1])]
            position = (spread(v.shape[-1]) + 0.5) / v.shape[-1]
            v, prediction = (np.take_along_axis(x, ascending, axis=-1) for x in (v, predictions[:, place]))
            curves = np.stack([v, prediction, np.abs(v - prediction)])
            mean_and_first = np.stack([curves.mean(1), curves[:, 0]], axis=1)
            axes = {"method": [method], "unit": [unit], "model": [model], "sample": [-1, 0], "position": position}
            frames.append(tidy(axes, **dict(zip(("v", "prediction", "error"), mean_and_first, strict=True))))
    return finish("matching_curve", frames)


# ---------------------------------------------------------------------------------------------------- the machinery


def solver(results: TaskResults) -> pd.DataFrame:
    """What the solver proved of each sample."""
    rows = []
    for method, unit, _ in _units(results):
        l1 = np.abs(results.raw_interactions(method, unit)).sum((1, 2, 3))
        for sample, entry in enumerate(results.interaction_metadata(method, unit)):
            kept = {key: entry.get(key) for key in SCHEMAS["solver"].names if key in entry}
            rows.append({**kept, "method": method, "unit": unit, "sample": sample, "l1": l1[sample]})
    return finish("solver", [pd.DataFrame(rows, columns=SCHEMAS["solver"].names)] if rows else [])


def timings(results: TaskResults) -> pd.DataFrame:
    """Seconds per sample of masked outputs (little where the cache had them) and of extraction."""
    frames = []
    for model in results.models:
        frame = pd.DataFrame(results.output_timings(model))
        frames.append(frame.assign(step="masked_outputs", method=None, unit=model))
    for method, unit, _ in _units(results):
        seconds = [entry["seconds"] for entry in results.interaction_metadata(method, unit)]
        axes: dict[str, Sequence[Any]] = {
            "step": ["extraction"], "method": [method], "unit": [unit], "sample": results.sample_numbers
        }  # fmt: skip
        frames.append(tidy(axes, seconds=seconds).assign(cached=None))
    return finish("timings", frames)


def summary(results: TaskResults) -> pd.DataFrame:
    """The main numbers of each model in each ensemble, one row a method."""
    bootstrap, shares = _bootstrap(results), [percent / 100 for percent in SUMMARY_PERCENTS]
    traditional = next((name for name, kind in results.methods.items() if kind == "traditional"), None)
    frames = []
    for each in comparisons(results):
        power = _power_of_strongest(each, shares, bootstrap)
        wide = power.pivot_table(index="model", columns=["kind", "share"], values=list(SUMMARY_QUANTITIES)).loc[
            each.members
        ]
        powers = {f"{quantity}_{kind}_{100 * share:.0f}": column for (quantity, kind, share), column in wide.items()}
        total, of_shared = each.strength.sum((-2, -1)), (each.strength * each.shared).sum((-2, -1))
        low, high = bootstrap.interval(of_shared, over=total)
        alone = np.full(len(each.members), np.nan)
        if traditional is not None:
            alone = metrics.strengths(results.of_ensemble(traditional, each.ensemble)).sum((-2, -1)).mean(0)
        frame = tidy(
            each.axes(),
            **powers,
            salient=each.salient.sum((-2, -1)).mean(0),
            shared_share=metrics.ratio(of_shared.mean(0), total.mean(0)),
            shared_low=low,
            shared_high=high,
            l1=total.mean(0),
            l1_ratio=metrics.ratio(total.mean(0), alone),
        )
        frames.append(frame.reindex(columns=SCHEMAS["summary"].names))
    return finish("summary", frames)


TABLES: dict[str, Callable[[TaskResults], pd.DataFrame]] = {
    "accuracy": accuracy,
    "eligibility": eligibility,
    "generalization": generalization,
    "sharing": sharing,
    "sparsity": sparsity,
    "salient": salient,
    "orders": orders,
    "controls": controls,
    "survivors": survivors,
    "interactions": interactions,
    "matching": matching,
    "matching_curve": matching_curve,
    "solver": solver,
    "timings": timings,
    "summary": summary,
}
"""What makes each table."""


def write(name: str, frame: pd.DataFrame, parquet: str | Path, csv: str | Path) -> None:
    """Write a table as Parquet and as CSV, each whole or not at all."""
    table = pa.Table.from_pandas(frame, schema=SCHEMAS[name], preserve_index=False).replace_schema_metadata()
    store.write_table(Path(parquet), table, {"table": name})
    with store.replacing(Path(csv)) as temporary:
        pyarrow.csv.write_csv(table, temporary, pyarrow.csv.WriteOptions(quoting_style="needed"))
