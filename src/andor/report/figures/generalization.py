"""Generalization power over the number of strongest interactions compared (counterpart of ICLR 2024, Figure 3)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator, NullLocator, PercentFormatter

from andor.report.figures import style
from andor.report.figures.style import TaskInfo

COLUMNS = {
    "generalization": (
        "method", "ensemble", "model", "kind", "share", "k", "power", "low", "high", "chance", "null", "samples",
    ),
}  # fmt: skip
MOST = 4
"""Ensembles side by side."""
HEIGHT = 1.0
"""Height of a panel, in inches."""
SAME = 0.005
"""Chance levels that differ by less are one line."""


def draw(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """A row for each kind and a column for each ensemble: power of each method against chance.

    The models of an ensemble differ only where one of them has fewer than k interactions that are not 0, so a line is
    the mean over them, and its band the mean of their intervals (no narrower than the interval of the mean). Lines go
    over shares of all coalitions; where these were drawn, over k itself.
    """
    table = tables["generalization"]
    table = table.assign(at=table["k"] if task.sampled else table["share"])
    ensembles = style.members(table, task.models)
    colours = style.method_colours(table["method"])
    one_chance = _one_chance(table)
    _, columns = style.grid(len(ensembles), MOST)
    kinds = [kind for kind in style.KINDS if (table["kind"] == kind).any()]
    figure = style.canvas(style.COLUMN if columns == 1 else style.WIDTH)
    panels, stacks = style.stacks(figure, len(ensembles), MOST, [1] * len(kinds), sharex=True, sharey=True)
    labels: dict[Axes, list[Annotation]] = {}
    for position, stack in enumerate(stacks):
        column = position % columns
        for row, (kind, axes) in enumerate(zip(kinds, stack, strict=True)):
            ensemble, names = list(ensembles.items())[position]
            chosen = table[(table["ensemble"] == ensemble) & (table["kind"] == kind)]
            ends = _panel(axes, chosen, colours, one_chance)
            _scale(axes, table, task.sampled)
            last = position == len(ensembles) - 1 or column == columns - 1
            if last:
                labels[axes] = [style.end_label(axes, *end) for end in ends]
            if row == 0:
                title = style.ensemble_title(ensemble, names)
                axes.set_title(style.wrapped(title, (figure.get_figwidth() - 1.3) / columns - 0.15), parse_math=False)
            axes.tick_params(labelbottom=row == len(kinds) - 1)
            if column == 0:
                axes.set_ylabel(style.kind_name(kind), color=style.shade(style.KINDS[kind]), fontweight="bold")
    share = "" if task.sampled else f" as a share of the {task.coalitions} coalitions"
    figure.supxlabel(f"k{share or ', the number of strongest interactions'}", fontsize=7)
    figure.supylabel("generalization power", fontsize=7)
    style.heading(
        figure,
        f"{task.title}: share of a model’s k strongest interactions that are among the k strongest of every model of "
        f"the ensemble; mean over {style.samples_phrase(table['samples'])}, "
        f"bands 95 % bootstrap intervals; dotted: the same with players renamed; dashed: chance",
    )
    return style.settle(figure, panels[:, 0], HEIGHT * len(panels), labels)


def _panel(
    axes: Axes, table: pd.DataFrame, colours: Mapping[str, str], one_chance: bool
) -> list[tuple[float, str, str]]:
    """Draw one panel and return height, text and colour of its lines' labels."""
    ends = _chance(axes, table, colours, one_chance)
    for method, color in colours.items():
        own = table[table["method"] == method].groupby("at")
        mean, null = own[["power", "low", "high"]].mean().dropna(), own["null"].mean().dropna()
        if len(null):
            axes.plot(null.index, null, color=color, linewidth=1.1, linestyle=":")
        if len(mean):
            axes.fill_between(mean.index, mean["low"], mean["high"], color=color, alpha=0.18, linewidth=0)
            axes.plot(mean.index, mean["power"], color=color, marker="o", markersize=1.8)
            ends.append((float(mean["power"].iloc[-1]), method, color))
    return ends


def _scale(axes: Axes, table: pd.DataFrame, sampled: bool) -> None:
    """Shares of all coalitions from 0 on, or numbers on a logarithmic axis."""
    axes.set(ylim=(0, 1.02))
    axes.yaxis.set_major_locator(MultipleLocator(0.5))
    axes.yaxis.set_minor_locator(MultipleLocator(0.25))
    if sampled:
        numbers = sorted(table["k"].unique())
        axes.set(xscale="log", xlim=(0.9 * numbers[0], 1.1 * numbers[-1]))
        axes.xaxis.set_major_locator(FixedLocator(numbers))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.xaxis.set_minor_locator(NullLocator())
        return
    axes.set(xlim=(0, None))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.xaxis.set_major_locator(MultipleLocator(0.2))


def _chance(
    axes: Axes, table: pd.DataFrame, colours: Mapping[str, str], one_chance: bool
) -> list[tuple[float, str, str]]:
    """Draw the chance level of each method, or one grey line for all; return the label of that."""
    chance = table.groupby(["method", "at"], observed=True)["chance"].mean().dropna()
    dashed = {"linewidth": 0.9, "linestyle": (0, (3, 2)), "zorder": 1}
    if one_chance and len(chance):
        curve = chance.groupby("at").mean()
        axes.plot(curve.index, curve, color=style.GREY, **dashed)
        return [(float(curve.iloc[-1]), "chance", style.shade(style.GREY, 0.8))]
    for method, curve in chance.groupby("method", observed=True):
        axes.plot(curve.index.get_level_values("at"), curve, color=style.tint(colours[method], 0.7), **dashed)
    return []


def _one_chance(table: pd.DataFrame) -> bool:
    """Whether all methods have the same chance level: not so where one has fewer than k interactions that are not 0."""
    chance = table.groupby(["ensemble", "kind", "at"], observed=True)["chance"].agg(["min", "max"])
    return bool((chance["max"] - chance["min"]).max() < SAME)
