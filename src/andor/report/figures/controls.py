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
    there = set(zip(table["measure"], table["of"], strict=True))
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
    for place, (measure, of) in enumerate(rows):
        of_measure = table[(table["measure"] == measure) & (table["of"] == of)]
        for number, (method, color) in enumerate(colours.items()):
            own = of_measure[of_measure["method"] == method].set_index("null")
            if own.empty:
                continue
            y = place + shift * (number - (len(colours) - 1) / 2)
            first = own.iloc[0]
            axes.plot(
                [first["low"], first["high"]], [y, y], color=color, linewidth=2.2, alpha=0.35, solid_capstyle="butt"
            )
            for null, marker in NULLS.items():
                if null in own.index and pd.notna(own.loc[null, "null_value"]):
                    level = own.loc[null, "null_value"]
                    if null == "renaming":
                        axes.plot([level, first["value"]], [y, y], color=color, linewidth=0.7)
                    axes.plot(level, y, marker, color=color, markerfacecolor="white", markersize=3, markeredgewidth=0.8)
            axes.plot(first["value"], y, "o", color=color, markersize=3.4)
            if pd.notna(first["chance"]):
                axes.plot(first["chance"], y, "|", color=style.GREY, markersize=4)
    axes.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), list(rows.values()))
    axes.set_xticks([0, 0.5, 1])
    axes.tick_params(axis="y", length=0)
    for place in range(1, len(rows)):
        axes.axhline(place - 0.5, color=style.tint(style.GREY, 0.3), linewidth=0.4, zorder=0)
