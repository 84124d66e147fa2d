"""Generalization power over the number of strongest interactions compared (counterpart of ICLR 2024, Figure 3)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import MultipleLocator, PercentFormatter

from andor.figures import style
from andor.figures.style import TaskInfo

COLUMNS = {
    "generalization": (
        "method", "ensemble", "model", "kind", "share", "power", "low", "high", "chance", "samples",
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
    the mean over them, and its band the mean of their intervals (no narrower than the interval of the mean).
    """
    table = tables["generalization"]
    ensembles = style.members(table, task.models)
    colours = style.method_colours(table["method"])
    blocks, columns = style.grid(len(ensembles), MOST)
    kinds = [kind for kind in style.KINDS if (table["kind"] == kind).any()]
    figure = style.canvas(style.COLUMN if columns == 1 else style.WIDTH)
    panels = figure.subplots(blocks * len(kinds), columns, squeeze=False, sharex=True, sharey=True)
    labels: dict[Axes, list[Annotation]] = {}
    for position in range(blocks * columns):
        block, column = divmod(position, columns)
        for row, kind in enumerate(kinds):
            axes = panels[block * len(kinds) + row][column]
            if position >= len(ensembles):
                axes.remove()
                continue
            ensemble, names = list(ensembles.items())[position]
            chosen = table[(table["ensemble"] == ensemble) & (table["kind"] == kind)]
            ends = _panel(axes, chosen, colours)
            last = position == len(ensembles) - 1 or column == columns - 1
            if last:
                labels[axes] = [style.end_label(axes, *end) for end in ends]
            if row == 0:
                title = style.ensemble_title(ensemble, names)
                axes.set_title(style.wrapped(title, (figure.get_figwidth() - 1.3) / columns - 0.15), parse_math=False)
            axes.tick_params(labelbottom=row == len(kinds) - 1)
            if column == 0:
                axes.set_ylabel(style.kind_name(kind), color=style.shade(style.KINDS[kind]), fontweight="bold")
    figure.supxlabel(f"k as a share of the {task.coalitions} coalitions", fontsize=7)
    figure.supylabel("generalization power", fontsize=7)
    style.heading(
        figure,
        f"{task.title}: share of a model’s k strongest interactions that are among the k strongest of every model of "
        f"the ensemble; mean over {style.samples_phrase(table['samples'])}, "
        f"bands 95 % bootstrap intervals; dashed: chance",
    )
    return style.settle(figure, panels[:, 0], HEIGHT * len(panels), labels)


def _panel(axes: Axes, table: pd.DataFrame, colours: Mapping[str, str]) -> list[tuple[float, str, str]]:
    """Draw one panel and return height, text and colour of its lines' labels."""
    ends = []
    ends += _chance(axes, table, colours)
    for method, color in colours.items():
        mean = table[table["method"] == method].groupby("share")[["power", "low", "high"]].mean().dropna()
        if len(mean):
            axes.fill_between(mean.index, mean["low"], mean["high"], color=color, alpha=0.18, linewidth=0)
            axes.plot(mean.index, mean["power"], color=color, marker="o", markersize=1.8)
            ends.append((float(mean["power"].iloc[-1]), method, color))
    axes.set(xlim=(0, None), ylim=(0, 1.02))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.xaxis.set_major_locator(MultipleLocator(0.2))
    axes.yaxis.set_major_locator(MultipleLocator(0.5))
    axes.yaxis.set_minor_locator(MultipleLocator(0.25))
    return ends


def _chance(axes: Axes, table: pd.DataFrame, colours: Mapping[str, str]) -> list[tuple[float, str, str]]:
    """Draw the chance level: one grey line, or one for each method where some have too few interactions."""
    chance = table.pivot_table(index="share", columns="method", values="chance", aggfunc="mean", observed=True)
    if chance.empty:
        return []
    style_of = {"linewidth": 0.9, "linestyle": (0, (3, 2)), "zorder": 1}
    if (chance.max(axis=1) - chance.min(axis=1)).max() < SAME:
        chance = chance.mean(axis=1)
        axes.plot(chance.index, chance, color=style.GREY, **style_of)
        return [(float(chance.iloc[-1]), "chance", style.shade(style.GREY, 0.8))]
    for method in chance:
        axes.plot(chance.index, chance[method], color=style.tint(colours[method], 0.7), **style_of)
    return []
