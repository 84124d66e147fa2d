"""The tidy tables of a task, each a function of its results: one observation a row, rows always in the same order.

Strengths are in units of the reward v. Orders <= 1 are merged everywhere; the empty coalition is no interaction.
``low`` and ``high`` bound 95 % intervals: bootstrap over samples, Wilson for accuracies.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from andor import metrics, store
from andor.attributions import predict
from andor.coalitions import members as players_of
from andor.coalitions import number_of_players
from andor.metrics import Bootstrap
from andor.results import TaskResults, per_model

TEXT, NUMBER, COUNT, FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()

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
                for percent in (1, 5, 10)  # of 2^n
                for quantity in ("power", "low", "high", "chance")
            },
            "salient": NUMBER,  # mean number per sample, both kinds
            "shared_share": NUMBER,
            "shared_low": NUMBER,
            "shared_high": NUMBER,
            "l1": NUMBER,  # mean sum of |I| per sample, both kinds
            "l1_ratio": NUMBER,  # to the first traditional method
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


def _bootstrap(results: TaskResults) -> Bootstrap:
    return Bootstrap(len(results.sample_numbers), results.analysis.draws, results.seed)


def _units(results: TaskResults) -> Iterator[tuple[str, str, list[str]]]:
    """Method, unit and the unit's models."""
    for method in results.methods:
        for unit, members in results.units(method).items():
            yield method, unit, members


def _ensembles(results: TaskResults) -> Iterator[tuple[str, str, list[str]]]:
    """Method, ensemble and the ensemble's models."""
    for method, (ensemble, members) in itertools.product(results.methods, results.ensembles.items()):
        yield method, ensemble, members


def _possible(results: TaskResults, method: str, n: int) -> int:
    """Number of interactions that a method can find."""
    return int(metrics.possible(n)[: len(results.kinds(method))].sum())


def _salience_bound(results: TaskResults, strength: np.ndarray, members: Sequence[str]) -> np.ndarray:
    """Bound of salience by the configured rule; float64, shape (K, m)."""
    salience = results.analysis.salience
    output_range = results.output_range(members) if salience.rule == "output" else None
    return metrics.salience_bound(strength, salience.rule, salience.threshold, output_range)


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
    shares, bootstrap = results.analysis.strongest, _bootstrap(results)
    frames = []
    for method, ensemble, members in _ensembles(results):
        interactions, kinds = results.of_ensemble(method, ensemble), results.kinds(method)
        frame = _power_of_strongest(interactions[:, :, : len(kinds)], members, kinds, shares, bootstrap)
        frames.append(frame.assign(method=method, ensemble=ensemble))
    return finish("generalization", frames)


def _power_of_strongest(
    interactions: np.ndarray,
    members: Sequence[str],
    kinds: Sequence[str],
    shares: Sequence[float],
    bootstrap: Bootstrap,
) -> pd.DataFrame:
    """Power, interval, chance and counts for each model, kind and share of 2^n."""
    strength = metrics.strengths(interactions)
    ranked = metrics.ranks(strength)
    sizes = [metrics.shares_to_k(share, number_of_players(strength.shape[-1])) for share in shares]
    powers, chances, short = [], [], []
    for k in sizes:
        chosen = metrics.strongest(strength, ranked, k)
        powers.append(metrics.generalization_power(chosen))
        chances.append(metrics.chance_power(chosen))
        short.append((chosen.sum(-1) < k).sum(0))
    power = np.stack(powers, axis=-1)  # (K, m, kinds, shares)
    low, high = bootstrap.interval(power)
    return tidy(
        {"model": members, "kind": kinds, "share": shares},
        k=sizes,
        power=metrics.mean(power),
        low=low,
        high=high,
        chance=metrics.mean(np.stack(chances, axis=-1)),
        samples=(~np.isnan(power)).sum(0),
        short=np.stack(short, axis=-1),
    )


def sharing(results: TaskResults) -> pd.DataFrame:
    """Salient interactions: how many, how many that all models of the ensemble have, and how much of the strength."""
    bootstrap = _bootstrap(results)
    frames = []
    for method, ensemble, members in _ensembles(results):
        kinds = results.kinds(method)
        strength = metrics.strengths(results.of_ensemble(method, ensemble))
        chosen = metrics.salient(strength, _salience_bound(results, strength, members))
        strength, chosen = strength[:, :, : len(kinds)], chosen[:, :, : len(kinds)]
        shared = metrics.shared_by_all(chosen)[:, None]
        power = metrics.generalization_power(chosen)
        low, high = bootstrap.interval(power)
        total, of_shared = strength.sum(-1), (strength * shared).sum(-1)
        shared_low, shared_high = bootstrap.interval(of_shared, over=total)
        frame = tidy(
            {"model": members, "kind": kinds},
            salient=chosen.sum(-1).mean(0),
            shared=shared.sum(-1).mean(0),
            power=metrics.mean(power),
            low=low,
            high=high,
            chance=metrics.mean(metrics.chance_power(chosen)),
            samples=(~np.isnan(power)).sum(0),
            strength=total.mean(0),
            shared_strength=of_shared.mean(0),
            shared_share=metrics.ratio(of_shared.mean(0), total.mean(0)),
            shared_low=shared_low,
            shared_high=shared_high,
        )
        frames.append(frame.assign(method=method, ensemble=ensemble))
    return finish("sharing", frames)


def orders(results: TaskResults) -> pd.DataFrame:
    """Strength by order and sign: of all interactions, and of those that every model of the ensemble shares."""
    frames = []
    for method, ensemble, members in _ensembles(results):
        kinds, interactions = results.kinds(method), results.of_ensemble(method, ensemble)
        strength = metrics.strengths(interactions)
        chosen = metrics.salient(strength, _salience_bound(results, strength, members))
        shared = metrics.shared_by_all(chosen)[:, None]
        of_all = metrics.strength_by_order(interactions[:, :, : len(kinds)]).mean(0)
        of_shared = metrics.strength_by_order((interactions * shared)[:, :, : len(kinds)]).mean(0)
        frame = tidy(
            {"model": members, "kind": kinds, "order": range(1, of_all.shape[-2]), "sign": [1, -1]},
            strength=of_all[:, :, 1:],
            shared=of_shared[:, :, 1:],
        )
        frames.append(frame.assign(method=method, ensemble=ensemble))
    return finish("orders", frames)


def interactions(results: TaskResults) -> pd.DataFrame:
    """The strongest interactions of each sample by name, with their strength in every model of the ensemble."""
    frames = []
    for method, ensemble, members in _ensembles(results):
        values, kinds = results.of_ensemble(method, ensemble), results.kinds(method)
        strength = metrics.strengths(values)
        chosen = metrics.salient(strength, _salience_bound(results, strength, members))
        shared = metrics.shared_by_all(chosen)
        ranked = metrics.ranks(strength)
        listed = metrics.strongest(strength, ranked, results.analysis.listed).any(1)
        sample, kind, coalition = np.nonzero(listed[:, : len(kinds)])
        best = ranked.min(1)[sample, kind, coalition]
        by_rank = np.lexsort((coalition, best, kind, sample))
        sample, kind, coalition = sample[by_rank], kind[by_rank], coalition[by_rank]
        names = [_members(results.player_names[s], c) for s, c in zip(sample.tolist(), coalition.tolist(), strict=True)]
        at = (sample[:, None], np.arange(len(members)), kind[:, None], coalition[:, None])
        repeat = len(members)
        frames.append(
            pd.DataFrame(
                {
                    "sample": np.repeat(np.array(results.sample_numbers)[sample], repeat),
                    "method": method,
                    "ensemble": ensemble,
                    "kind": np.repeat(np.array(kinds, dtype=object)[kind], repeat),
                    "coalition": np.repeat(coalition, repeat),
                    "order": np.repeat(np.bitwise_count(coalition), repeat).astype(np.int64),
                    "members": np.repeat(np.array(names, dtype=object), repeat),
                    "model": np.tile(np.array(members, dtype=object), len(sample)),
                    "strength": values[at].ravel(),
                    "rank": pd.array(ranked[at].ravel() + 1, dtype="Int64"),
                    "salient": chosen[at].ravel(),
                    "shared": np.repeat(shared[sample, kind, coalition], repeat),
                }
            ).assign(rank=lambda frame: frame["rank"].mask(frame["strength"] == 0))
        )
    return finish("interactions", frames)


def _members(names: Sequence[str], coalition: int) -> str:
    """Names of a coalition's players."""
    return ", ".join(names[player] for player in players_of(coalition))


# -------------------------------------------------------------------------------------------------------- sparsity


def sparsity(results: TaskResults) -> pd.DataFrame:
    """Sorted strengths of both kinds, in shares of the sample's largest, mean over samples."""
    bootstrap = _bootstrap(results)
    frames = []
    for method, unit, members in _units(results):
        strength = metrics.strengths(results.merged_interactions(method, unit))
        curve = metrics.sorted_strengths(strength)
        # the original method has no OR interactions: those zeros come last
        curve = curve[..., : _possible(results, method, number_of_players(strength.shape[-1]))]
        low, high = bootstrap.interval(curve)
        axes = {"model": members, "rank": range(1, curve.shape[-1] + 1)}
        frame = tidy(axes, strength=curve.mean(0), low=low, high=high, samples=len(curve))
        frames.append(frame.assign(method=method, unit=unit))
    return finish("sparsity", frames)


def salient(results: TaskResults) -> pd.DataFrame:
    """How many interactions of both kinds are salient, and how many are exactly 0."""
    bootstrap, rule = _bootstrap(results), results.analysis.salience
    frames = []
    for method, unit, members in _units(results):
        strength = metrics.strengths(results.merged_interactions(method, unit))
        bound = _salience_bound(results, strength, members)
        counts = metrics.salient(strength, bound).sum((-2, -1)).astype(float)
        possible = _possible(results, method, number_of_players(strength.shape[-1]))
        low, high = bootstrap.interval(counts)
        frame = tidy(
            {"model": members},
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
        frames.append(frame.assign(method=method, unit=unit))
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
                {"sample": results.sample_numbers},
                max_difference=difference.max(-1),
                kappa=kappa.max(-1),
                max_error=error,
                largest_output=largest,
                relative_error=metrics.ratio(error, largest),
            )
            frames.append(frame.assign(method=method, unit=unit, model=model))
    return finish("matching", frames)


def matching_curve(results: TaskResults) -> pd.DataFrame:
    """Outputs in ascending order and what interactions predict: the mean over samples (at most 1024 points), and all
    coalitions of the first sample."""
    frames = []
    for method, unit, members in _units(results):
        predictions = _predictions(results, method, unit)
        for place, model in enumerate(members):
            v = results.values(model)
            ascending = np.argsort(v, axis=-1, kind="stable")
            v, prediction = (np.take_along_axis(x, ascending, axis=-1) for x in (v, predictions[:, place]))
            curves = {"v": v, "prediction": prediction, "error": np.abs(v - prediction)}
            points = min(1024, v.shape[-1])
            means = {name: x.reshape(len(x), points, -1).mean((0, 2)) for name, x in curves.items()}
            firsts = {name: x[0] for name, x in curves.items()}
            for sample, curve in ((-1, means), (results.sample_numbers[0], firsts)):
                position = (np.arange(len(curve["v"])) + 0.5) / len(curve["v"])
                frame = pd.DataFrame({"position": position, **curve})
                frames.append(frame.assign(method=method, unit=unit, model=model, sample=sample))
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
        frame = tidy({"sample": results.sample_numbers}, seconds=seconds)
        frames.append(frame.assign(step="extraction", method=method, unit=unit, cached=None))
    return finish("timings", frames)


def summary(results: TaskResults) -> pd.DataFrame:
    """The main numbers of each model in each ensemble, one row a method."""
    bootstrap, percents = _bootstrap(results), (1, 5, 10)
    traditional = next((name for name, kind in results.methods.items() if kind == "traditional"), None)
    rows = []
    for method, ensemble, members in _ensembles(results):
        kinds, values = results.kinds(method), results.of_ensemble(method, ensemble)
        strength = metrics.strengths(values)
        chosen = metrics.salient(strength, _salience_bound(results, strength, members))
        total = strength.sum((-2, -1))
        of_shared = (strength * metrics.shared_by_all(chosen)[:, None]).sum((-2, -1))
        low, high = bootstrap.interval(of_shared, over=total)
        power = _power_of_strongest(
            values[:, :, : len(kinds)], members, kinds, [percent / 100 for percent in percents], bootstrap
        ).set_index(["model", "kind", "share"])
        for place, model in enumerate(members):
            row = {"method": method, "ensemble": ensemble, "model": model}
            for kind in kinds:
                for percent in percents:
                    numbers = power.loc[(model, kind, percent / 100)]
                    row |= {f"{name}_{kind}_{percent}": numbers[name] for name in ("power", "low", "high", "chance")}
            l1 = total[:, place].mean()
            row |= {
                "salient": chosen[:, place].sum((-2, -1)).mean(),
                "shared_share": metrics.ratio(of_shared[:, place].mean(), total[:, place].mean()),
                "shared_low": low[place],
                "shared_high": high[place],
                "l1": l1,
                "l1_ratio": np.nan,
            }
            if traditional is not None:
                alone = metrics.strengths(results.merged_interactions(traditional, model))
                row["l1_ratio"] = metrics.ratio(l1, alone.sum((-3, -2, -1)).mean())
            rows.append(row)
    return finish("summary", [pd.DataFrame(rows, columns=SCHEMAS["summary"].names)] if rows else [])


TABLES: dict[str, Callable[[TaskResults], pd.DataFrame]] = {
    "accuracy": accuracy,
    "eligibility": eligibility,
    "generalization": generalization,
    "sharing": sharing,
    "sparsity": sparsity,
    "salient": salient,
    "orders": orders,
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
