"""The findings of a run in plain words: Markdown made of its tables, with intervals, chance levels and null games."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from andor import published
from andor.nulls import RATE

Tables = Mapping[str, pd.DataFrame]

MEASURES = {
    ("power", "10 %"): "strongest 10 %",
    ("power", "salient"): "salient",
    ("signed power", "10 strongest"): "10 strongest, same sign",
    ("cosine", "all"): "cosine of strengths",
}
"""Measures of overlap that are reported."""
KINDS = ("and", "or")
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
        "Made by the workflow from its tables. Brackets hold 95 % bootstrap intervals over samples (Wilson's for "
        "accuracies). *Null* is the level among networks whose players were renamed, so that they can agree by "
        "accident alone; *excess* is what is left beyond it. A share of the k strongest interactions counts those that "
        "are among the k strongest of every network of the ensemble.",
    ]
    for name, (modality, tables) in tasks.items():
        parts += [f"## {name}", *_task(modality, tables)]
    for name, (question, table) in studies.items():
        parts += [f"## Study: {name.replace('_', ' ')}", question, *_study(table)]
    return "\n\n".join(parts) + "\n"


# ---------------------------------------------------------------------------------------------------------- a task


def _task(modality: str, tables: Tables) -> Iterator[str]:
    yield _networks(tables)
    yield _sparsity(modality, tables)
    yield "### How much is shared"
    yield _words(tables)
    yield _published(modality)
    for kind in KINDS:
        yield _sharing(kind, tables["controls"])
    yield _strength(modality, tables["sharing"])
    yield "### Which shared interactions are more than an accident"
    yield _survivors(tables["survivors"])
    if len(tables["held_out"]):
        yield "### Does sharing tell what another network has?"
        yield _held_out(tables["held_out"])
    yield "### How good these numbers are"
    yield _certificates(tables)


def _networks(tables: Tables) -> str:
    test = tables["accuracy"].query("split == 'test'")
    right = [f"{row.model} {_interval(row.accuracy, row.low, row.high)}" for row in test.itertuples()]
    counts = tables["eligibility"].set_index("reason")["items"]
    said = f"{counts['screened']} items were screened, {counts['eligible']} eligible, {counts['explained']} explained."
    return f"Accuracy on held-out items: {', '.join(right)}. {said}" if right else said


def _sparsity(modality: str, tables: Tables) -> str:
    table, needed = tables["salient"], tables["faithful"]
    few = needed[(needed["by"] == "least error") & (needed["unfaithfulness"] == UNFAITHFUL)]
    rows = []
    for (method, unit), of_unit in table.groupby(["method", "unit"], sort=False):
        kept = few[(few["method"] == method) & (few["unit"] == unit)]["needed"]
        counts = [_range(column.min(), column.max()) for column in (of_unit["count"], of_unit["published"], kept)]
        rows.append([method, unit, *counts])
    known = published.SALIENT.get(modality)
    paper = f" The paper: {known}." if known else ""
    return (
        f"Salient interactions a sample, of {int(table['possible'].max()):,} possible ones: by the configured rule, by "
        f"the paper's (5 % of the largest of all samples); and the fewest that explain all masked outputs but "
        f"{100 * UNFAITHFUL:.0f} % of their variance.{paper}\n\n"
        + _markdown(["method", "network or ensemble", "salient", "by the paper's rule", "needed"], rows)
    )


def _words(tables: Tables) -> str:
    """What the joint method shares more than the other, how much of that renamed players share too, and its price."""
    controls, l1 = tables["controls"], tables["summary"].groupby("method")["l1_ratio"].mean()
    renamed = controls[controls["null"] == "renaming"]
    mean = renamed.groupby(["measure", "of", "method", "kind"])[["value", "chance", "null_value", "excess"]].mean()
    said = []
    for kind in KINDS:
        for measure, name in MEASURES.items():
            found = [
                f"{method} {_number(row['value'])} (null {_number(row['null_value'])})"
                for method, row in mean.xs((*measure, kind), level=("measure", "of", "kind")).iterrows()
            ]
            said.append(f"- {kind.upper()}, {name}: {', '.join(found)}")
    price = ", ".join(f"{method} {ratio:.2f}" for method, ratio in l1.dropna().items())
    text = "Mean over ensembles:\n\n" + "\n".join(said)
    text += f"\n\nStrength of all interactions, over that of the traditional method: {price}." if price else ""
    beyond = renamed[renamed["excess"].notna()]
    if not len(beyond):
        return text
    best = beyond.loc[beyond["excess"].idxmax()]
    return (
        f"{text} Most is shared beyond the null by {best['kind'].upper()} interactions of {best['ensemble']} under "
        f"{best['method']}, {best['measure']} of {best['of']}: "
        f"{_signed(best['excess'], best['excess_low'], best['excess_high'])}. {(beyond['excess_low'] > 0).sum()} of "
        f"{len(beyond)} excesses are above 0 with their whole interval."
    )


def _published(modality: str) -> str:
    """What the paper has of the same measure."""
    if modality not in published.NETWORKS:
        return "The paper has no task of this kind."
    found = [
        f"{method} {kind.upper()} {_number(power[5])} and {_number(power[10])}"
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
    for (method, ensemble), of_line in renamed.groupby(["method", "ensemble"], sort=False):
        by_measure = of_line.set_index(["measure", "of"])
        rows.append([method, ensemble, *(_overlap(by_measure.loc[measure]) for measure in MEASURES)])
    return f"{kind.upper()} interactions: value (chance, null), excess.\n\n" + _markdown(
        ["method", "ensemble", *MEASURES.values()], rows
    )


def _overlap(row: pd.Series) -> str:
    beside = ", ".join(_number(row[name]) for name in ("chance", "null_value") if pd.notna(row[name]))
    excess = "" if pd.isna(row["excess"]) else f" {_signed(row['excess'], row['excess_low'], row['excess_high'])}"
    return f"{_number(row['value'])} ({beside}){excess}"


def _strength(modality: str, sharing: pd.DataFrame) -> str:
    total = sharing.groupby(["method", "ensemble"], sort=False)[["strength", "shared_strength"]].sum()
    shares = total["shared_strength"] / total["strength"]
    rows = [[method, ensemble, _number(share)] for (method, ensemble), share in shares.items()]
    known = published.SHARED_STRENGTH.get(modality)
    paper = f" The paper, traditional to generalizable: {known}." if known else ""
    table = _markdown(["method", "ensemble", "shared strength"], rows)
    return f"Share of all strength that salient interactions of every network hold.{paper}\n\n{table}"


def _survivors(table: pd.DataFrame) -> str:
    rows = [
        [
            row.method, row.ensemble, row.kind.upper(), f"{row.shared:.1f}", f"{row.surviving:.1f}",
            _interval(row.share, row.low, row.high), _number(row.strength), _number(row.opposite),
        ]
        for row in table.itertuples()
    ]  # fmt: skip
    return (
        "Interactions a sample that are salient in every network with one sign, and those of them that survive a false "
        f"discovery rate of {100 * RATE:.0f} % against renamed players. *Opposite*: share of the strength salient in "
        "every network about whose sign they disagree.\n\n"
        + _markdown(["method", "ensemble", "kind", "shared", "surviving", "share", "of the strength", "opposite"], rows)
    )


def _held_out(table: pd.DataFrame) -> str:
    rows = []
    for (method, ensemble, left_out, kind), of_line in table.groupby(
        ["method", "ensemble", "left_out", "kind"], sort=False
    ):
        by = of_line.set_index("by")
        cells = [
            f"{_interval(row['found'], row['low'], row['high'])} ({_number(row['chance'])}, {_number(row['null'])})"
            for row in (by.loc["all"], by.loc["one"])
        ]
        rows.append([method, ensemble, left_out, kind.upper(), *cells])
    return (
        "Share of an ensemble's interactions that a network it does without has, too, salient with the same sign when "
        "explained alone (chance, null): of those that all networks of the ensemble share, and of those that one alone "
        "has.\n\n" + _markdown(["method", "ensemble", "left out", "kind", "shared by all", "of one alone"], rows)
    )


def _certificates(tables: Tables) -> str:
    solver, matching = tables["solver"], tables["matching"]
    proved = solver[solver["status"] != "uncertified"]
    late = int((proved["status"] == "max_iterations").sum())
    return (
        f"Largest certified gap of {len(proved)} extractions: {proved['gap'].max():.2%}; {late} ran out of iterations. "
        f"Interactions reproduce every masked output within the bound of the noise; the largest excess over it is "
        f"{matching['relative_error'].max():.1e} of the largest output."
    )


# --------------------------------------------------------------------------------------------------------- a study

STUDIED = {
    ("salient", "count"): "salient",
    ("strength", None): "strength, of the first",
    ("power", "10 %"): "strongest 10 %",
    ("signed power", "10 strongest"): "10 strongest, same sign",
    ("cosine", "all"): "cosine",
    ("agreement", None): "same as the first method",
    ("gap", "solver"): "gap",
}


def _study(table: pd.DataFrame) -> Iterator[str]:
    rows = []
    for (task, ensemble, method), of_line in table.groupby(["task", "ensemble", "method"], sort=False):
        cells = []
        for (measure, of), _ in STUDIED.items():
            chosen = of_line[(of_line["measure"] == measure) & ((of_line["of"] == of) | (of is None))]
            cells.append("; ".join(_studied(row) for row in chosen.itertuples()))
        rows.append([task, ensemble, method, *cells])
    yield _markdown(["task", "ensemble", "method", *STUDIED.values()], rows)
    beyond = table[table["excess"].notna()]
    if len(beyond):
        best = beyond.loc[beyond["excess"].idxmax()]
        yield (
            f"Largest excess over renamed players: {_signed(best['excess'], best['excess_low'], best['excess_high'])} "
            f"({best['task']}, {best['ensemble']}, {best['method']}, {best['kind'].upper()}, {best['measure']} of "
            f"{best['of']}); {(beyond['excess_low'] > 0).sum()} of {len(beyond)} are above 0 with their whole interval."
        )
    if said := _clearly_more(beyond):
        yield said


def _clearly_more(beyond: pd.DataFrame) -> str:
    """How often each method's excess lies above that of the study's first one, and whether that is most of the time."""
    places = ["task", "ensemble", "measure", "of", "kind"]
    excess = beyond.set_index(places)
    counts = {}
    for method, own in excess.groupby("method", sort=False):
        first = next(iter(counts), method)
        both = own[["excess_low"]].join(excess.loc[excess["method"] == first, "excess_high"], how="inner")
        counts[method] = int((both["excess_low"] > both["excess_high"]).sum()), len(both)
    if len(counts) < 2:
        return ""
    first, *others = counts
    listed = "; ".join(f"{method} {counts[method][0]} of {counts[method][1]}" for method in others)
    better = [method for method in others if 2 * counts[method][0] > counts[method][1]]
    verdict = f"Clearly better, in most of them: {', '.join(better)}." if better else "None is clearly better."
    return f"Excess above that under {first} in how many comparisons, whole above whole interval: {listed}. {verdict}"


def _studied(row: Any) -> str:
    kind = "" if row.kind == "both" else f"{row.kind.upper()} "
    value = f"{row.value:.1f}" if row.measure == "salient" else _number(row.value)
    excess = "" if pd.isna(row.excess) else f" ({_signed(row.excess, row.excess_low, row.excess_high)})"
    return f"{kind}{value}{excess}"


# ------------------------------------------------------------------------------------------------------ typography


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float) -> str:
    """A share in two digits without a leading 0."""
    return "–" if pd.isna(value) else f"{value:.2f}".removeprefix("0")


def _interval(value: float, low: float, high: float) -> str:
    return f"{_number(value)} [{_number(low)}, {_number(high)}]"


def _signed(value: float, low: float, high: float) -> str:
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def _range(low: float, high: float) -> str:
    return f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"
