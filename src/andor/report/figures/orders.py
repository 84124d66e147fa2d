"""Strength by order and sign, of all interactions and of the shared ones (counterpart of ICLR 2024, Figure 4)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from andor.report.figures import style
from andor.report.figures.style import TaskInfo

COLUMNS = {"orders": ("method", "ensemble", "model", "kind", "order", "sign", "strength", "shared")}
HEIGHT = 1.0
"""Height of a panel, in inches."""


def draw(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """A row for each method, a column for each model: positive strength upwards, negative downwards, shared ones dark.

    Methods differ in total strength by far more than a page can show, so a panel has its own scale and says its total.
    """
    table = tables["orders"]
    ensembles = style.members(table, task.models)
    ensemble = style.widest(ensembles)
    models = ensembles[ensemble]
    table = table[(table["ensemble"] == ensemble) & (table["order"] > 0)]
    methods, most = style.method_order(table["method"]), int(table["order"].max())
    blocks, columns = style.grid(len(models), 3)
    figure = style.canvas()
    panels = figure.subplots(blocks * len(methods), columns, squeeze=False)
    colours = style.method_colours(methods)
    for position in range(blocks * columns):
        block, column = divmod(position, columns)
        for row, method in enumerate(methods):
            axes = panels[block * len(methods) + row][column]
            if position >= len(models):
                axes.remove()
                continue
            chosen = table[(table["model"] == models[position]) & (table["method"] == method)]
            _panel(axes, chosen, most)
            if row == 0:
                axes.set_title(style.wrapped(models[position], style.WIDTH / columns - 0.5), parse_math=False)
            axes.tick_params(labelbottom=row == len(methods) - 1)
            if column == 0:
                axes.set_ylabel(style.wrapped(method, 0.95), color=colours[method], parse_math=False)
    figure.supxlabel("order |S| (number of players in the interaction)", fontsize=7)
    unit = style.wrapped(f"strength Σ|I| ({task.output})", HEIGHT * len(panels), breaks=" ")
    figure.supylabel(unit, fontsize=7, parse_math=False)
    key = [
        Patch(
            color=style.tint(color) if light else color,
            label=f"{style.kind_name(kind)}, {'all' if light else 'shared'}",
        )
        for kind, color in style.KINDS.items()
        if (table["kind"] == kind).any()
        for light in (True, False)
    ]
    style.heading(
        figure,
        f"{task.title}: mean per sample, positive up, negative down, each panel on its own scale; "
        f"shared = salient in every model of {style.ensemble_title(ensemble, models)}, with one sign",
        key,
    )
    return style.settle(figure, panels[:, 0], HEIGHT * len(panels))


def _panel(axes: Axes, table: pd.DataFrame, most: int) -> None:
    sums = table.groupby(["kind", "sign", "order"], observed=True)[["strength", "shared"]].sum()
    orders = np.arange(1, most + 1)
    for kind, offset in zip(style.KINDS, (-0.2, 0.2), strict=True):
        for sign in (1, -1):
            own = (
                sums.xs((kind, sign)).reindex(orders, fill_value=0) if (kind, sign) in sums.index.droplevel(2) else None
            )
            if own is not None:
                color = style.KINDS[kind]
                axes.bar(orders + offset, sign * own["strength"], width=0.4, color=style.tint(color), linewidth=0)
                axes.bar(orders + offset, sign * own["shared"], width=0.4, color=color, linewidth=0)
    axes.axhline(0, color=style.BLACK, linewidth=0.6)
    total, shared = sums["strength"].sum(), sums["shared"].sum()
    axes.set_xlim(0.4, most + 0.6)
    axes.margins(y=0.08)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.3 * (high - low))  # room for the total, above every bar
    axes.text(
        0.99,
        0.98,
        f"Σ|I| = {style.number(total)}, {style.percent(shared / total)} shared" if total else "Σ|I| = 0",
        transform=axes.transAxes,
        ha="right",
        va="top",
    )
    axes.set_xticks(orders if most <= 10 else orders[1::2])
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):,g}"))
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0)
