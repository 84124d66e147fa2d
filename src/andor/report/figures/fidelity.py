"""How well interactions predict masked inputs that nothing was fitted to, and what they add to single players."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from andor.report.figures import style
from andor.report.figures.style import TaskInfo

COLUMNS = {"fidelity": ("method", "unit", "model", "by", "most", "r2", "low", "high", "samples")}
HEIGHTS = (1.2, 1.2)
"""Heights of the panels, in inches."""
LEAST = -0.5
"""Lowest R² on a page: what is below it predicts far worse than the mean output."""
SINGLE = (0, (3, 2))
"""Line of what order 1 reaches."""
APART = 0.16
"""Distance of the methods at an order."""


def draw(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """One column per model: R² over the number of interactions kept and, below, by the largest order that is fitted."""
    table = tables["fidelity"]
    chosen, joint = style.one_ensemble(table, task)
    table = table[table["unit"].isin(chosen)]
    colours = style.method_colours(table["method"])
    models = [model for model in task.models if (table["model"] == model).any()]
    numbers, orders = (table[table["by"] == by] for by in ("number", "order"))
    lowest = max(LEAST, min(0.0, float(table["low"].min()) - 0.03))
    figure = style.canvas()
    panels, stacks = style.stacks(figure, len(models), 3, HEIGHTS, sharey=True)
    columns = panels.shape[1]
    for position, (upper, lower) in enumerate(stacks):
        of_model = orders[orders["model"] == models[position]]
        _by_number(upper, numbers[numbers["model"] == models[position]], of_model[of_model["most"] == 1], colours)
        _by_order(lower, of_model, colours, int(orders["most"].max()))
        upper.set_title(style.wrapped(models[position], style.WIDTH / columns - 0.5), parse_math=False)
        upper.set(xlim=(0.9, 1.15 * float(numbers["most"].max())), ylim=(lowest, 1.03), yticks=[0, 0.5, 1])
        if position % columns == 0:
            upper.set_ylabel("R² on what\nwas held out")
            lower.set_ylabel("R² on what\nwas held out")
        upper.set_xlabel("number of interactions kept")
        lower.set_xlabel("largest order that is fitted")
    figure.align_ylabels(panels[:, 0])
    key = [
        Line2D([], [], color=color, label=method, marker="o", markersize=3, linewidth=1)
        for method, color in colours.items()
    ]
    key.append(Line2D([], [], color=style.GREY, linestyle=SINGLE, linewidth=0.9, label="all of order 1"))
    style.heading(
        figure,
        f"{task.title}: share of the variance of the {task.output} that interactions predict on masked inputs that "
        f"nothing was fitted to; order 1 is the best that attributions to single players can do; mean over "
        f"{style.samples_phrase(orders['samples'])}, bands and bars 95 % bootstrap intervals{joint}",
        key,
    )
    return style.settle(figure, panels[:, 0], len(panels) // 2 * sum(HEIGHTS))


def _by_number(axes: Axes, own: pd.DataFrame, single: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """Lines over the number kept; what none of them predicts, about 0, has no place on a logarithmic axis."""
    own = own[own["most"] > 0]
    for method, color in colours.items():
        curve = own[(own["method"] == method) & own["r2"].notna()].sort_values("most")
        axes.fill_between(curve["most"], curve["low"], curve["high"], color=color, alpha=0.18, linewidth=0)
        axes.plot(curve["most"], curve["r2"], color=color, marker="o", markersize=2)
        for level in single.loc[single["method"] == method, "r2"]:
            axes.axhline(level, color=style.tint(color, 0.7), linestyle=SINGLE, linewidth=0.9, zorder=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([1, 10, 100]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _by_order(axes: Axes, own: pd.DataFrame, colours: Mapping[str, str], most: int) -> None:
    """A dot with its interval for each order and method."""
    for number, (method, color) in enumerate(colours.items()):
        dots = own[own["method"] == method].sort_values("most")
        x = dots["most"] + APART * (number - (len(colours) - 1) / 2)
        axes.plot(x, dots["r2"], color=style.tint(color), linewidth=0.7, zorder=1)
        axes.vlines(x, dots["low"], dots["high"], color=color, linewidth=2.2, alpha=0.35)
        axes.plot(x, dots["r2"], "o", color=color, markersize=3)
    orders = range(1, most + 1)
    axes.set(xlim=(0.5, most + 0.5), xticks=orders if most <= 10 else orders[::10])
