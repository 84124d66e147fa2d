"""The findings of a run in plain words: Markdown made of its tables, with intervals, chance levels and null games."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from andor.report import published
from andor.report.findings import compared, headline, noise
from andor.report.findings.typography import interval, markdown, number, plain, range_, signed
from andor.report.measures import MEASURES

Tables = Mapping[str, pd.DataFrame]

REPORTED = {measure.key: measure.label for measure in MEASURES if measure.reported}
"""Measures of overlap that are reported, and what they are called."""
KINDS = ("and", "or")
_NULLS = {"renaming": "renamed players", "exchange": "other samples"}
STRONGEST = 0.1
"""Share of all coalitions whose overlap is reported."""
UNFAITHFUL = 0.05
"""Unfaithfulness at which the number of interactions needed is reported."""


def findings(tasks: Mapping[str, tuple[str, Tables]], studies: Mapping[str, tuple[str, pd.DataFrame]]) -> str:
    """Markdown.

    Parameters
    ----------
    tasks
        By name: what the networks read (`text`, `image`, …), and its tables, those of `catalogue.FOUND_IN`.
    studies
        By name: the question, and the study's table.
    """
    parts = [
        "# What was found",
        "Made by the workflow from its tables. Brackets hold 95 % intervals over samples: bootstrap for means, "
        "Wilson's for accuracies and for shares of what all samples have together. *Null* is the level among networks "
        "whose players were renamed, so that none correspond; *excess* is what is left beyond it. It holds what "
        "networks have in common because they see the same input as well as what they learned: ensembles with a null "
        "network, where there are any, say how much the former is. A share of the k strongest interactions counts "
        "those that are among the k strongest of every network of the ensemble.",
    ]
    for name, (modality, tables) in tasks.items():
        parts += [f"## {name}", *_task(modality, tables)]
    for name, (question, table) in studies.items():
        parts += [f"## Study: {name.replace('_', ' ')}", plain(question), *_study(table)]
    return "\n\n".join(parts) + "\n"


# ---------------------------------------------------------------------------------------------------------- a task


def _task(modality: str, tables: Tables) -> Iterator[str]:
    if len(tables["agreement"]):
        yield "### Is more shared than by accident?"
        kinship = headline.kinship(tables["accuracy"], tables["sharing"])
        yield from headline.findings(tables["agreement"], tables["states"], tables["interactions"], kinship)
    yield "### The networks"
    yield _networks(tables)
    yield _sparsity(modality, tables)
    if len(tables["controls"]):
        yield "### How much is shared, as published"
        yield "Interactions count whatever their signs, but where it says *same sign*."
        yield from _words(tables)
        if not _drawn(tables):
            yield " ".join([_dust(tables["generalization"]), _published(modality)])
        for kind in _kinds(tables["controls"]):
            yield _sharing(kind, tables["controls"])
        yield _strength(None if _drawn(tables) else modality, tables["sharing"])
    if len(tables["held_out"]):
        yield "### Does another network have what is shared?"
        yield _held_out(tables["held_out"])
    yield "### How good these numbers are"
    yield _certificates(tables)
    yield from noise.findings(tables["noise"])
    if _drawn(tables):
        yield _fidelity(tables["fidelity"])


def _drawn(tables: Tables) -> bool:
    """Whether coalitions were drawn, so that nothing is known of all 2^n."""
    return bool(tables["matching"]["kappa"].isna().all())


def _measures(controls: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Measures that are reported, of those there are, and what they are called."""
    there = set(zip(controls["measure"], controls["of"], strict=True))
    return {measure: name for measure, name in REPORTED.items() if measure in there}


def _kinds(table: pd.DataFrame) -> list[str]:
    return [kind for kind in KINDS if (table["kind"] == kind).any()]


def _networks(tables: Tables) -> str:
    test = tables["accuracy"].query("split == 'test'")
    said = []
    what = "R²" if (test["measure"] == "R2").any() else "Accuracy"
    for title, chosen in ((f"{what} on held-out items", True), ("By the other labels they were trained on", False)):
        rows = test[(test["labels"] == "true") == chosen]
        if len(rows):
            right = [f"{row.model} {interval(row.accuracy, row.low, row.high)}" for row in rows.itertuples()]
            said.append(f"{title}: {', '.join(right)}.")
    counts = tables["eligibility"].set_index("reason")["items"]
    said.append(
        f"{counts['screened']} items were screened, {counts['eligible']} eligible, {counts['explained']} explained."
    )
    return " ".join(said)


def _sparsity(modality: str, tables: Tables) -> str:
    table, needed = tables["salient"], tables["faithful"]
    if _drawn(tables):
        return _salient_of_drawn(table)
    few = needed[(needed["by"] == "least error") & (needed["unfaithfulness"] == UNFAITHFUL)]
    rows = []
    for (method, unit), of_unit in table.groupby(["method", "unit"], sort=False):
        kept = few[(few["method"] == method) & (few["unit"] == unit)]["needed"]
        counts = [range_(column.min(), column.max()) for column in (of_unit["count"], of_unit["published"], kept)]
        rows.append([method, unit, *counts])
    known = published.SALIENT.get(modality)
    paper = f" The paper: {known}." if known else ""
    return (
        f"Salient interactions a sample, of {int(table['possible'].max()):,} possible ones: by the configured rule, by "
        f"the paper's (5 % of the largest of all samples); and how many, dropped by least error, explain all masked "
        f"outputs but {100 * UNFAITHFUL:.0f} % of their variance.{paper}\n\n"
        + markdown(["method", "network or ensemble", "salient", "by the paper's rule", "needed"], rows)
    )


def _salient_of_drawn(table: pd.DataFrame) -> str:
    rows = [
        [method, unit, *(range_(of_unit[name].min(), of_unit[name].max()) for name in ("count", "found"))]
        for (method, unit), of_unit in table.assign(found=table["possible"] - table["zeros"]).groupby(
            ["method", "unit"], sort=False
        )
    ]
    return (
        f"Interactions a sample, found among {table['possible'].mean():,.0f} possible ones (mean over samples) from "
        "outputs on drawn coalitions: those that are salient, and all that are not 0.\n\n"
        + markdown(["method", "network or ensemble", "salient", "not 0"], rows)
    )


def _words(tables: Tables) -> Iterator[str]:
    """What each method shares in the smallest main ensembles, how much of that renamed players share, and its price."""
    sizes = tables["sharing"].groupby("ensemble")["model"].nunique()
    renamed = tables["controls"].query("null == 'renaming'")
    renamed = renamed[renamed["main"]] if renamed["main"].any() else renamed
    size = sizes[renamed["ensemble"].unique()].min()
    renamed = renamed[renamed["ensemble"].map(sizes) == size]
    mean = renamed.groupby(["measure", "of", "method", "kind"])[["value", "null_value"]].mean()
    said = []
    for kind in _kinds(renamed):
        for measure, name in _measures(renamed).items():
            found = [
                f"{method} {number(row['value'])} (null {number(row['null_value'])})"
                for method, row in mean.xs((*measure, kind), level=("measure", "of", "kind")).iterrows()
            ]
            said.append(f"- {kind.upper()}, {name}: {', '.join(found)}")
    ensembles = renamed["ensemble"].unique()
    yield f"Mean over {', '.join(ensembles)}:\n\n" + "\n".join(said)
    summary = tables["summary"]
    price = summary[summary["ensemble"].isin(ensembles)].groupby("method")["l1_ratio"].mean().dropna()
    if len(price):
        ratios = ", ".join(f"{method} {ratio:.2f}" for method, ratio in price.items())
        yield f"Strength of all their interactions, over that of the traditional method: {ratios}."
    every = tables["controls"][tables["controls"]["ensemble"].isin(ensembles)]
    reported = every[pd.MultiIndex.from_frame(every[["measure", "of"]]).isin(list(REPORTED))]
    if reported["excess"].notna().any():
        yield _above(reported)


def _above(table: pd.DataFrame) -> str:
    """How many excesses are above 0, under each null."""
    said = []
    for null, own in table[table["excess"].notna()].groupby("null", sort=False):
        said.append(f"{(own['excess_low'] > 0).sum()} of {len(own)} over that of {_NULLS[null]}")
    return (
        f"Excesses that are above 0 with their whole interval: {'; '.join(said)} (about one in forty would be by "
        "accident; they are not independent)."
    )


def _dust(generalization: pd.DataFrame) -> str:
    """How many of the strongest 10 % are not salient."""
    dust = generalization[generalization["share"] == STRONGEST].groupby("method", sort=False)["dust"]
    said = [f"{method} {number(low)} to {number(high)}" for method, low, high in dust.agg(["min", "max"]).itertuples()]
    return (
        f"How much of a network's strongest {100 * STRONGEST:.0f} % is dust, too weak to be salient: "
        f"{', '.join(said) or 'not in the tables'}. Sharing of dust means little, here or in the paper."
    )


def _published(modality: str) -> str:
    """What the paper has of the same measure."""
    if modality not in published.NETWORKS:
        return "The paper has no task of this kind."
    found = [
        f"{method} {kind.upper()} {number(power[5])} and {number(power[10])}"
        for (read, method, kind), power in published.POWER.items()
        if read == modality
    ]
    return (
        f"The paper, of the strongest 5 % and 10 %, {published.NETWORKS[modality]}: {'; '.join(found)}. It names "
        "neither a null nor an interval."
    )


def _sharing(kind: str, controls: pd.DataFrame) -> str:
    renamed = controls[(controls["null"] == "renaming") & (controls["kind"] == kind)]
    rows = []
    for (method, ensemble, main), of_line in renamed.groupby(["method", "ensemble", "main"], sort=False):
        by_measure = of_line.set_index(["measure", "of"])
        name = ensemble if main else f"{ensemble} *"
        rows.append([method, name, *(_overlap(by_measure.loc[measure]) for measure in _measures(controls))])
    starred = "" if renamed["main"].all() else " Starred: with a null network, a repeated training or a state of one."
    return f"{kind.upper()} interactions: value (chance, null), excess.{starred}\n\n" + markdown(
        ["method", "ensemble", *_measures(controls).values()], rows
    )


def _overlap(row: pd.Series) -> str:
    levels = f"({number(row['chance'])}, {number(row['null_value'])})"
    excess = "" if pd.isna(row["excess"]) else f" {signed(row['excess'], row['excess_low'], row['excess_high'])}"
    return f"{number(row['value'])} {levels}{excess}"


def _strength(modality: str | None, sharing: pd.DataFrame) -> str:
    total = sharing.groupby(["method", "ensemble", "model"], sort=False)[["strength", "shared_strength"]].sum()
    shares = (total["shared_strength"] / total["strength"]).groupby(["method", "ensemble"], sort=False)
    rows = [
        [method, ensemble, ", ".join(f"{model} {number(share)}" for (*_, model), share in of_models.items())]
        for (method, ensemble), of_models in shares
    ]
    known = published.SHARED_STRENGTH.get(modality or "")
    paper = f" The paper, traditional to generalizable, by another rule of salience: {known}." if known else ""
    table = markdown(["method", "ensemble", "shared strength of each network"], rows)
    return (
        "Share of a network's strength that interactions hold which are salient in every network, with one sign."
        f"{paper}\n\n{table}"
    )


def _held_out(table: pd.DataFrame) -> str:
    rows = []
    for (method, ensemble, left_out, kind), of_line in table.groupby(
        ["method", "ensemble", "left_out", "kind"], sort=False
    ):
        by = of_line.set_index("by")
        cells = [
            f"{interval(row['found'], row['low'], row['high'])} ({number(row['chance'])}, {number(row['null'])})"
            for row in (by.loc["all"], by.loc["one"])
        ]
        alike = by.loc["alike"]
        more = "–" if pd.isna(alike["more"]) else signed(alike["more"], alike["more_low"], alike["more_high"])
        rows.append([method, ensemble, left_out, kind.upper(), *cells, number(alike["found"]), more])
    header = ["method", "ensemble", "left out", "kind", "shared by all", "of one alone", "of one, alike", "more"]
    return (
        "Share of an ensemble's interactions that a network it does without has, too, salient with the same sign when "
        "explained alone (chance, null): of those that all networks of the ensemble share, and of those that one alone "
        "has. Shared ones are of lower order and stronger, and such ones are found anyway: *alike* weights those of "
        "one to the orders and strengths of the shared ones, *more* is what sharing adds to that. The network left out "
        "had a say in which samples are explained: those on which every network is right and its output changes "
        "enough.\n\n" + markdown(header, rows)
    )


def _certificates(tables: Tables) -> str:
    solver, matching = tables["solver"], tables["matching"]
    proved = solver[solver["status"] != "uncertified"]
    late = int((proved["status"] == "max_iterations").sum())
    said = [
        f"Largest certified gap of {len(proved)} extractions: {proved['gap'].max():.2%}; {late} ran out of iterations."
    ]
    if len(proved) < len(solver):
        said.append(f"{len(solver) - len(proved)} extractions prove nothing.")
    if _drawn(tables):
        return " ".join(said)
    said.append(
        "Interactions reproduce every masked output within the bound of the noise; the largest excess over it is "
        f"{matching['relative_error'].max():.1e} of the largest output."
    )
    return " ".join(said if len(proved) else said[1:])


def _fidelity(table: pd.DataFrame) -> str:
    """R² on what was held out: of everything that was found, and of attributions to single players."""
    if table.empty:
        return "No coalitions were held out: how well the interactions predict is not known."
    by_order = table[table["by"] == "order"]
    rows = []
    for (method, unit, model), of_model in by_order.groupby(["method", "unit", "model"], sort=False):
        by = of_model.set_index("most")
        cells = [
            interval(row["r2"], row["low"], row["high"]) for row in (by.loc[by.index.max()], by.loc[by.index.min()])
        ]
        rows.append([method, unit, model, *cells])
    return (
        "Share of the variance of outputs on masked inputs that nothing was fitted to which the interactions predict "
        f"(R², mean over samples): all up to order {int(by_order['most'].max())}, and those of order "
        f"{int(by_order['most'].min())} alone, which is the best that attributions to single players can do.\n\n"
        + markdown(["method", "network or ensemble", "network", "all", "order 1"], rows)
    )


# --------------------------------------------------------------------------------------------------------- a study

STUDIED = {
    ("salient", "count"): "salient",
    ("strength", None): "strength, of the first",
    ("power", "10 %"): "strongest 10 %",
    ("signed power", "10 strongest"): "10 strongest, same sign",
    ("cosine", "all"): "cosine",
    ("agreement", None): "same as the first method",
    ("objective", "lower bound"): "objective, of the bound",
    ("gap", "solver"): "gap",
}


def _study(table: pd.DataFrame) -> Iterator[str]:
    if "first" in table:
        yield from compared.findings(table)
        return
    rows = []
    for (task, ensemble, method), of_line in table.groupby(["task", "ensemble", "method"], sort=False):
        cells = []
        for (measure, of), _ in STUDIED.items():
            chosen = of_line[(of_line["measure"] == measure) & ((of_line["of"] == of) | (of is None))]
            cells.append("; ".join(_studied(row) for row in chosen.itertuples()))
        rows.append([task, ensemble, method, *cells])
    yield markdown(["task", "ensemble", "method", *STUDIED.values()], rows)
    reported = table[pd.MultiIndex.from_frame(table[["measure", "of"]]).isin(list(REPORTED))]
    for main, own in reported[reported["change"].notna()].groupby("main", sort=False):
        of = "" if main else ", of ensembles with a null network or a repeated training"
        yield _changed(own, table["method"].iloc[0], of)


def _changed(table: pd.DataFrame, first: str, of: str) -> str:
    """How often each method's excess is larger, and how often smaller, than that under the study's first one."""
    said = []
    for method, own in table.groupby("method", sort=False):
        more, fewer = (own["change_low"] > 0).sum(), (own["change_high"] < 0).sum()
        verdict = " (clearly better)" if 2 * more > len(own) and not fewer else ""
        said.append(f"{method} larger in {more} and smaller in {fewer} of {len(own)}{verdict}")
    return f"Excess against that under {first}, sample by sample, whole intervals{of}: {'; '.join(said)}."


def _studied(row: Any) -> str:
    kind = "" if row.kind == "both" else f"{row.kind.upper()} "
    shown = {"salient": f"{row.value:.1f}", "objective": f"{row.value:.3f}", "gap": f"{row.value:.2%}"}
    value = "–" if pd.isna(row.value) else shown.get(row.measure, number(row.value))
    excess = "" if pd.isna(row.excess) else f" ({signed(row.excess, row.excess_low, row.excess_high)})"
    return f"{kind}{value}{excess}"
