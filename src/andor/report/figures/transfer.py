"""What the samples of one model have in common (counterpart of ICML 2023 on transfer and discrimination)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from andor.report.figures import style
from andor.report.figures.style import TaskInfo

COLUMNS = {
    "transfer": ("method", "unit", "model", "chosen", "k", "rho", "low", "high", "chance", "null", "samples"),
    "discrimination": ("method", "unit", "model", "frequency", "beta", "low", "high", "coin"),
}
HEIGHTS = (1.3, 1.0)
"""Heights of the panels, in inches."""


def draw(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """One column per model: cover by the most frequent interactions of the other samples; agreement about the sign."""
    cover, signs = tables["transfer"], tables["discrimination"]
    chosen, joint = style.one_ensemble(cover, task)
    cover, signs = (table[table["unit"].isin(chosen)] for table in (cover, signs))
    cover = cover[cover["chosen"] == "other samples"]
    colours = style.method_colours(cover["method"])
    models = [model for model in task.models if (cover["model"] == model).any()]
    figure = style.canvas()
    panels, stacks = style.stacks(figure, len(models), 3, HEIGHTS)
    columns = panels.shape[1]
    for position, (upper, lower) in enumerate(stacks):
        column = position % columns
        own, own_signs = (table[table["model"] == models[position]] for table in (cover, signs))
        _cover(upper, own, colours)
        _signs(lower, own_signs, colours)
        upper.set_title(style.wrapped(models[position], style.WIDTH / columns - 0.5), parse_math=False)
        if column == 0:
            upper.set_ylabel("share of a sample’s\nsalient ones")
            lower.set_ylabel("agreement\nabout the sign")
        if position + columns >= len(models):
            upper.set_xlabel("number of frequent interactions")
            lower.set_xlabel("share of the label’s samples, up to")
    figure.align_ylabels(panels[:, 0])
    key = [Line2D([], [], color=color, label=method) for method, color in colours.items()]
    key += [
        Line2D([], [], color=style.GREY, linestyle=":", linewidth=1, label="players renamed"),
        Line2D([], [], color=style.GREY, linestyle=(0, (3, 2)), linewidth=0.9, label="chance"),
    ]
    style.heading(
        figure,
        f"{task.title}: cover of a sample’s salient interactions by the most frequent ones of all other samples, and "
        f"how far samples of a label agree about their sign (0.5 to 1); mean over "
        f"{style.samples_phrase([cover['samples'].max()])}, 95 % intervals (bootstrap, jackknife){joint}",
        key,
    )
    return style.settle(figure, panels[:, 0], len(panels) // 2 * sum(HEIGHTS))


def _cover(axes: Axes, own: pd.DataFrame, colours: Mapping[str, str]) -> None:
    for method, color in colours.items():
        curve = own[own["method"] == method].sort_values("k")
        axes.fill_between(curve["k"], curve["low"], curve["high"], color=color, alpha=0.15, linewidth=0)
        axes.plot(curve["k"], curve["rho"], color=color)
        axes.plot(curve["k"], curve["null"], color=color, linestyle=":", linewidth=1)
        axes.plot(curve["k"], curve["chance"], color=style.tint(color, 0.6), linestyle=(0, (3, 2)), linewidth=0.9)
    axes.set(xscale="log", ylim=(0, 1.03), yticks=[0, 0.5, 1], xlim=(0.9, 1.1 * float(own["k"].max())))
    axes.xaxis.set_major_locator(LogLocator(10))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _signs(axes: Axes, own: pd.DataFrame, colours: Mapping[str, str]) -> None:
    for number, (method, color) in enumerate(colours.items()):
        bins = own[(own["method"] == method) & own["beta"].notna()].sort_values("frequency")
        x = bins["frequency"] + 0.02 * (number - (len(colours) - 1) / 2)
        axes.vlines(x, bins["low"], bins["high"], color=color, linewidth=2.2, alpha=0.35)
        axes.plot(x, bins["beta"], "o", color=color, markersize=3)
        axes.plot(x, bins["coin"], "_", color=style.tint(color, 0.8), markersize=5)
    axes.set(xlim=(0.1, 1.1), ylim=(0.48, 1.03), xticks=[0.2, 0.6, 1], yticks=[0.5, 0.75, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
