"""Sorted strengths of all interactions (counterpart of ICLR 2024, Figure 2)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from andor.report.figures import style
from andor.report.figures.style import TaskInfo

COLUMNS = {
    "sparsity": ("method", "unit", "model", "rank", "strength", "low", "high", "samples"),
    "salient": ("method", "unit", "model", "count", "low", "high", "rule", "threshold"),
}
CURVES = 1.35
"""Height of the sorted strengths, in inches."""


def draw(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """One panel per model: strength over rank for each method and, below on the same axis, how many are salient."""
    curves, counts = tables["sparsity"], tables["salient"]
    chosen, joint = style.one_ensemble(curves, task)
    curves, counts = (table[table["unit"].isin(chosen)] for table in (curves, counts))
    rule, threshold = counts["rule"].iloc[0], float(counts["threshold"].iloc[0])
    methods = style.method_order(curves["method"])
    colours = style.method_colours(methods)
    models = [model for model in task.models if (curves["model"] == model).any()]
    strip = 0.14 * len(methods) + 0.06
    figure = style.canvas()
    panels, stacks = style.stacks(figure, len(models), 3, (CURVES, strip), sharex=True)
    columns = panels.shape[1]
    for position, (upper, lower) in enumerate(stacks):
        column = position % columns
        model = models[position]
        own, salient = (t[t["model"] == model].set_index("method") for t in (curves, counts))
        _curves(upper, own, colours)
        if rule == "sample":  # by another rule the bound is no height on this axis
            last = position == len(models) - 1 or column == columns - 1
            _salience(upper, f"salient\n> {threshold:g}" if last else "", threshold)
        _strip(lower, salient, colours, last=int(curves["rank"].max()), named=column == 0)
        upper.set_title(style.wrapped(model, style.WIDTH / columns - 0.5), parse_math=False)
        if column == 0:
            upper.set_ylabel("strength |I| / largest\nof the sample")
    # `sharex` leaves tick labels to the last row alone; a block that is short of a panel needs its own.
    for axes in panels[1::2].flat:
        axes.tick_params(labelbottom=True)
    among = "that were found" if task.sampled else f"({task.coalitions} coalitions each)"
    figure.supxlabel(f"rank among the interactions of both kinds {among}; dots: number of salient ones", fontsize=7)
    style.heading(
        figure,
        f"{task.title}: mean over {style.samples_phrase(curves['samples'])}, "
        f"bands and bars 95 % bootstrap intervals{joint}",
    )
    return style.settle(figure, panels[:, 0], len(panels) // 2 * (CURVES + strip))


def _curves(axes: Axes, own: pd.DataFrame, colours: Mapping[str, str]) -> None:
    for method, color in colours.items():
        if method in own.index:
            curve = own.loc[[method]].sort_values("rank")
            axes.fill_between(curve["rank"], curve["low"], curve["high"], color=color, alpha=0.18, linewidth=0)
            axes.plot(curve["rank"], curve["strength"], color=color)
    axes.set(ylim=(0, 1.03), yticks=[0, 0.5, 1])
    axes.tick_params(labelbottom=False)


def _salience(axes: Axes, label: str, threshold: float) -> None:
    axes.axhline(threshold, color=style.GREY, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
    style.end_label(axes, threshold, label, style.shade(style.GREY, 0.8))


def _strip(axes: Axes, salient: pd.DataFrame, colours: Mapping[str, str], last: int, named: bool) -> None:
    """Counts as points on the axis of ranks: where a single sample's curve would cross the line of salience."""
    for row, (method, color) in enumerate(colours.items()):
        if method not in salient.index:
            continue
        found = salient.loc[method]
        low, count, high = (max(float(found[key]), 0.9) for key in ("low", "count", "high"))
        axes.plot([low, high], [row, row], color=color, linewidth=1)
        axes.plot([count], [row], color=color, marker="o", markersize=3.2)
        left = count > last**0.6
        axes.annotate(
            f"{found['count']:,.1f}",
            xy=(low if left else high, row),
            xytext=(-4 if left else 4, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            color=color,
        )
    axes.set(xscale="log", xlim=(0.85, 1.15 * last), ylim=(len(colours) - 0.4, -0.6), yticks=range(len(colours)))
    axes.xaxis.set_major_locator(LogLocator(10))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticklabels(list(colours) if named else [""] * len(colours), parse_math=False)
    for label, color in zip(axes.get_yticklabels(), colours.values(), strict=True):
        label.set_color(color)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
