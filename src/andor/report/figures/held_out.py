"""What the models of an ensemble share, looked for in a model that they do without."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from andor.report.figures import style
from andor.report.figures.style import TaskInfo

COLUMNS = {
    "held_out": (
        "method", "ensemble", "left_out", "kind", "by", "count", "found", "low", "high", "chance", "null", "samples",
    ),
}  # fmt: skip
GROUPS = {
    "all": "of all models of the ensemble",
    "one": "of one of them alone",
    "alike": "the latter weighted to the orders and strengths of the former",
}
MOST = 4
"""Panels side by side."""
DRAWN = 12
"""Pairs of an ensemble and a model left out that a page holds."""
LINE = 0.14
"""Height of a line, in inches."""


def draw(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """A panel for each ensemble and model left out, a line for each method, kind and group of interactions."""
    table = tables["held_out"]
    pairs = list(dict.fromkeys(zip(table["ensemble"], table["left_out"], strict=True)))
    shown = pairs[:DRAWN]
    colours = style.method_colours(table["method"])
    kinds = [kind for kind in style.KINDS if (table["kind"] == kind).any()]
    figure = style.canvas()
    panels, stacks = style.stacks(figure, len(shown), MOST, [1] * len(kinds), sharex=True, sharey=True)
    columns = panels.shape[1]
    for position, stack in enumerate(stacks):
        column = position % columns
        for row, (kind, axes) in enumerate(zip(kinds, stack, strict=True)):
            ensemble, model = shown[position]
            own = table[(table["ensemble"] == ensemble) & (table["left_out"] == model) & (table["kind"] == kind)]
            _panel(axes, own, colours)
            if row == 0:
                width = (figure.get_figwidth() - 1.2) / columns - 0.1
                axes.set_title(style.wrapped(f"{ensemble} in {model}", width), parse_math=False)
            if column == 0:
                axes.set_ylabel(style.kind_name(kind), color=style.shade(style.KINDS[kind]), fontweight="bold")
    figure.supxlabel("share that the model left out has, with the same sign (95 % bootstrap interval)", fontsize=7)
    filled = {"marker": "o", "linestyle": "", "markersize": 3.5}
    key = [Line2D([], [], color=color, label=method, **filled) for method, color in colours.items()]
    key += [
        Line2D([], [], color=style.GREY, label="players renamed", markerfacecolor="white", **filled),
        Line2D([], [], color=style.GREY, label="chance", marker="|", linestyle="", markersize=4),
    ]
    more = f" (the first {DRAWN} of {len(pairs)} pairs)" if len(pairs) > DRAWN else ""
    style.heading(
        figure,
        f"{task.title}: salient interactions {GROUPS['all']} (“all”) and {GROUPS['one']} (“one”; “alike”: "
        f"{GROUPS['alike']}): how many of them are salient in a model that the extraction never saw{more}; "
        f"{style.samples_phrase([table['samples'].max()])}",
        key,
    )
    return style.settle(figure, panels[:, 0], len(panels) * LINE * len(GROUPS) * max(3, len(colours)))


def _panel(axes: Axes, own: pd.DataFrame, colours: Mapping[str, str]) -> None:
    step = 0.8 / max(1, len(colours))
    for place, by in enumerate(GROUPS):
        for number, (method, color) in enumerate(colours.items()):
            rows = own[(own["by"] == by) & (own["method"] == method)]
            if rows.empty or pd.isna(rows["found"].iloc[0]):
                continue
            found = rows.iloc[0]
            y = place + step * (number - (len(colours) - 1) / 2)
            axes.plot(
                [found["low"], found["high"]], [y, y], color=color, linewidth=2.2, alpha=0.35, solid_capstyle="butt"
            )
            if pd.notna(found["null"]):
                axes.plot([found["null"], found["found"]], [y, y], color=color, linewidth=0.7)
                axes.plot(
                    found["null"], y, "o", color=color, markerfacecolor="white", markersize=3, markeredgewidth=0.8
                )
            axes.plot(found["found"], y, "o", color=color, markersize=3.4)
            axes.plot(found["chance"], y, "|", color=style.GREY, markersize=4)
    axes.set(xlim=(-0.02, 1.02), ylim=(len(GROUPS) - 0.5, -0.5), xticks=[0, 0.5, 1])
    axes.set_yticks(range(len(GROUPS)), list(GROUPS))
    axes.tick_params(axis="y", length=0)
    for place in range(1, len(GROUPS)):
        axes.axhline(place - 0.5, color=style.tint(style.GREY, 0.3), linewidth=0.4, zorder=0)
