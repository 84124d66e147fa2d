"""Overlap of the models beside what null games show: what is shared beyond accident, by every measure."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from andor.report.figures import style
from andor.report.figures.style import TaskInfo
from andor.report.measures import MEASURES

COLUMNS = {
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
"""Height of a measure, in inches."""
NULLS = {"renaming": "o", "exchange": "x"}
"""Marker of each null."""


def draw(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """A row for each kind, a column for each ensemble; in a panel a line for each measure and method.

    A filled dot is the true overlap, the hollow one at the other end of its line that of renamed players.
    """
    table = tables["controls"]
    ensembles = list(dict.fromkeys(table["ensemble"]))
    colours = style.method_colours(table["method"])
    kinds = [kind for kind in style.KINDS if (table["kind"] == kind).any()]
    table = table.assign(of_row=list(zip(table["measure"], table["of"], strict=True)))
    there = set(table["of_row"])
    rows = {key: label for key, label in ROWS.items() if key in there}
    figure = style.canvas()
    panels, stacks = style.stacks(figure, len(ensembles), MOST, [1] * len(kinds), sharex=True, sharey=True)
    columns = panels.shape[1]
    for position, stack in enumerate(stacks):
        column = position % columns
        for row, (kind, axes) in enumerate(zip(kinds, stack, strict=True)):
            chosen = table[(table["ensemble"] == ensembles[position]) & (table["kind"] == kind)]
            _panel(axes, chosen, rows, colours)
            if row == 0:
                title = ensembles[position].replace("-", " + ")
                axes.set_title(style.wrapped(title, (figure.get_figwidth() - 1.6) / columns - 0.1), parse_math=False)
            if column == 0:
                axes.set_ylabel(style.kind_name(kind), color=style.shade(style.KINDS[kind]), fontweight="bold")
    figure.supxlabel("overlap of the models (mean over samples, 95 % bootstrap interval)", fontsize=7)
    marks = {"marker": "o", "linestyle": "", "markersize": 3.5}
    key = [Line2D([], [], color=color, label=method, **marks) for method, color in colours.items()]
    exchanged = table.loc[table["null"] == "exchange", "null_value"].notna().any()
    style.heading(
        figure,
        f"{task.title}: how far the models’ interactions agree (filled), and how far they would if nothing "
        f"corresponded: players renamed (hollow), {'other samples (crossed), ' if exchanged else ''}"
        f"sets drawn at random (grey bar); "
        f"{style.samples_phrase(table['samples'])}",
        key,
    )
    return style.settle(figure, panels[:, 0], LINE * len(rows) * len(panels))


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
