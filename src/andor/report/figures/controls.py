"""What the models share beside what it would be by accident: in all, then by every measure of overlap."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from andor.report.figures import claims, style
from andor.report.figures.style import TaskInfo
from andor.report.measures import MEASURES

COLUMNS = {
    "agreement": claims.COLUMNS,
    "controls": (
        "method", "ensemble", "kind", "measure", "of", "null", "value", "low", "high", "chance", "null_value",
        "samples",
    ),
}  # fmt: skip
ROWS = {measure.key: measure.label for measure in MEASURES if measure.drawn}
"""Measures that are drawn, from top to bottom; those of shares of all coalitions where these are known."""
MOST = 4
"""Ensembles side by side."""
LINE = 0.2
"""Height of a measure, in inches; less where there are so many ensembles that the page would be too high."""
HIGHEST = 8.4
"""Height of all panels that stand one above the other, in inches."""
BESIDE = 1.65
"""Width of what stands left of the panels, in inches."""
NULLS = {"renaming": "o", "exchange": "x"}
"""Marker of each null."""


def draw(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """A column for each ensemble: on top what is shared in all, below it a row for each kind.

    On top is a line for each null hypothesis and method, below one for each measure. A filled dot is what the models
    share, the hollow one at the other end of its line what they would if nothing corresponded.
    """
    agreement, table = tables["agreement"], tables["controls"]
    ensembles = list(dict.fromkeys(table["ensemble"]))
    colours = style.method_colours(table["method"])
    kinds = [kind for kind in style.KINDS if (table["kind"] == kind).any()]
    table = table.assign(of_row=list(zip(table["measure"], table["of"], strict=True)))
    there = set(table["of_row"])
    rows = {key: label for key, label in ROWS.items() if key in there}
    lines = claims.lines(agreement)
    figure = style.canvas()
    blocks, columns = style.grid(len(ensembles), MOST)
    claimed = claims.LINE * len(lines)
    measured = min(LINE * len(rows), (HIGHEST / blocks - claimed) / len(kinds))
    panels, stacks = style.stacks(figure, len(ensembles), MOST, [claimed] + [measured] * len(kinds))
    width = (figure.get_figwidth() - BESIDE) / columns - 0.1
    for position, (ensemble, stack) in enumerate(zip(ensembles, stacks, strict=True)):
        title = style.wrapped(ensemble.replace("-", " + "), width)
        stack[0].set_title(title, parse_math=False)
        claims.panel(stack[0], agreement[agreement["ensemble"] == ensemble], lines, colours, width)
        for kind, axes in zip(kinds, stack[1:], strict=True):
            _panel(axes, table[(table["ensemble"] == ensemble) & (table["kind"] == kind)], rows, colours)
            axes.tick_params(labelbottom=kind == kinds[-1])
        if position % columns == 0:
            stack[0].set_ylabel("shared", fontweight="bold")
            for kind, axes in zip(kinds, stack[1:], strict=True):
                axes.set_ylabel(style.kind_name(kind), color=style.shade(style.KINDS[kind]), fontweight="bold")
        else:
            for axes in stack:
                axes.tick_params(labelleft=False)
    figure.supxlabel("below: overlap of the models (mean over samples, 95 % bootstrap interval)", fontsize=7)
    marks = {"marker": "o", "linestyle": "", "markersize": 3.5}
    key = [Line2D([], [], color=color, label=method, **marks) for method, color in colours.items()]
    style.heading(figure, _words(tables, task), key)
    return style.settle(figure, panels[:, 0], blocks * (claimed + measured * len(kinds)))


def _words(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> str:
    table = tables["controls"]
    exchanged = table.loc[table["null"] == "exchange", "null_value"].notna().any()
    return (
        f"{task.title}, {style.samples_phrase(table['samples'])}. On top: how many interactions all models share with "
        "one sign (filled), and how many they would by accident (hollow) under each null hypothesis; beside these the "
        "share of accidents, p, and how many are on a list of which at most one in ten is an accident. Below: "
        "measures of overlap (filled), and what they are if nothing corresponds: players renamed (hollow), "
        f"{'other samples (crossed), ' if exchanged else ''}sets drawn at random (grey bar)"
    )


def _panel(axes: Axes, table: pd.DataFrame, rows: Mapping[tuple[str, str], str], colours: Mapping[str, str]) -> None:
    shift = 0.7 / max(1, len(colours))
    places = {key: place for place, key in enumerate(rows)}
    for number, (method, color) in enumerate(colours.items()):
        own = table[(table["method"] == method) & table["of_row"].isin(places)]
        y = own["of_row"].map(places) + shift * (number - (len(colours) - 1) / 2)
        own = own.assign(y=y.astype(float))
        # All rows at once: with marks of their own the many measures would take most of the time.
        first = own.drop_duplicates("of_row")
        axes.hlines(first["y"], first["low"], first["high"], color, linewidth=2.2, alpha=0.35, capstyle="butt")
        for null, marker in NULLS.items():
            of_null = own[own["null"] == null].dropna(subset="null_value")
            if null == "renaming":
                axes.hlines(of_null["y"], of_null["null_value"], of_null["value"], color, linewidth=0.7)
            hollow = {"color": color, "markerfacecolor": "white", "markersize": 3, "markeredgewidth": 0.8}
            axes.plot(of_null["null_value"], of_null["y"], marker, **hollow)
        axes.plot(first["value"], first["y"], "o", color=color, markersize=3.4)
        axes.plot(first["chance"], first["y"], "|", color=style.GREY, markersize=4)
    axes.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), list(rows.values()))
    axes.set_xticks([0, 0.5, 1])
    axes.tick_params(axis="y", length=0)
    for place in range(1, len(rows)):
        axes.axhline(place - 0.5, color=style.tint(style.GREY, 0.3), linewidth=0.4, zorder=0)
