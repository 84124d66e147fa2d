"""How few interactions explain a model: unfaithfulness of those that are kept, and matching precision of the strongest
(counterparts of ICML 2023 on pruning, and of ICLR 2024, Figure 11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from andor.report.figures import style
from andor.report.figures.style import TaskInfo

COLUMNS = {
    "pruning": ("method", "unit", "model", "by", "kept", "unfaithfulness", "low", "high", "samples"),
    "precision": ("method", "unit", "model", "k", "precision", "low", "high", "samples"),
}
HEIGHTS = (1.3, 1.0)
"""Heights of the panels, in inches."""
LINES = {"least error": "-", "strength": (0, (2.5, 1.5))}
"""Line of each way to choose what is kept."""
WORST = 1.5
"""Unfaithfulness at the upper edge: what is worse than the mean output explains nothing."""


def draw(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """One column per model: unfaithfulness over the number kept, by both ways to choose, and below it the precision."""
    errors, precision = tables["pruning"], tables["precision"]
    chosen, joint = style.one_ensemble(errors, task)
    errors, precision = (table[table["unit"].isin(chosen)] for table in (errors, precision))
    colours = style.method_colours(errors["method"])
    models = [model for model in task.models if (errors["model"] == model).any()]
    figure = style.canvas()
    panels, stacks = style.stacks(figure, len(models), 3, HEIGHTS, sharex=True)
    columns = panels.shape[1]
    for position, (upper, lower) in enumerate(stacks):
        column = position % columns
        own_errors, own = (table[table["model"] == models[position]] for table in (errors, precision))
        for by, line in LINES.items():
            _curves(upper, own_errors[own_errors["by"] == by], "kept", "unfaithfulness", colours, line)
        _curves(lower, own, "k", "precision", colours, "-")
        upper.axhline(1, color=style.GREY, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
        upper.set(ylim=(0, WORST), yticks=[0, 0.5, 1])
        lower.set(ylim=(0, 1.03), yticks=[0, 0.5, 1])
        lower.set(xscale="log", xlim=(0.9, 1.1 * float(errors["kept"].max())))
        lower.xaxis.set_major_locator(LogLocator(10))
        lower.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        lower.xaxis.set_minor_formatter(NullFormatter())
        upper.tick_params(labelbottom=False)
        lower.tick_params(labelbottom=True)
        upper.set_title(style.wrapped(models[position], style.WIDTH / columns - 0.5), parse_math=False)
        if column == 0:
            upper.set_ylabel("unfaithfulness\nof those kept")
            lower.set_ylabel("precision of\nthe strongest")
    figure.align_ylabels(panels[:, 0])
    figure.supxlabel("number of interactions of both kinds", fontsize=7)
    key = [Line2D([], [], color=color, label=method) for method, color in colours.items()]
    key += [
        Line2D([], [], color=style.GREY, linestyle=line, label=f"kept by {by}", linewidth=1)
        for by, line in LINES.items()
    ]
    style.heading(
        figure,
        f"{task.title}: squared error of the kept interactions on all {2**task.players:,} masked inputs, in shares "
        f"of the variance (dashed: the mean output), and how well the k strongest add up to v(N) − v(∅); mean over "
        f"{style.samples_phrase(precision['samples'])}, bands 95 % bootstrap intervals{joint}",
        key,
    )
    return style.settle(figure, panels[:, 0], len(panels) // 2 * sum(HEIGHTS))


def _curves(axes: Axes, own: pd.DataFrame, x: str, y: str, colours: Mapping[str, str], line: Any) -> None:
    for method, color in colours.items():
        curve = own[(own["method"] == method) & (own[x] > 0)].sort_values(x)
        axes.fill_between(curve[x], curve["low"], curve["high"], color=color, alpha=0.15, linewidth=0)
        axes.plot(curve[x], curve[y], color=color, linestyle=line, linewidth=1 if line == "-" else 0.9)
