"""Models compared order by order: a line for each two, or curves along the training of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from andor.report.figures import style

COLUMNS = (
    "task", "method", "first", "second", "partner", "model", "step", "order", "measure", "value", "low", "high", "null",
    "samples",
)  # fmt: skip
LINE, HEIGHT = 0.3, 1.05
"""Height of a line of two models, and of a panel of curves, in inches."""
LEAST = 3
"""Lines that a task's name needs beside them."""
FEW = 3
"""Orders that are drawn one by one beside all together."""
PAIRS = {
    "consistency": "shared, of those that\nare salient in either",
    "ips": "symmetric change (IPS)",
    "unstable": "unstable, though\nboth are right",
}
"""Measures of two models that are drawn, from left to right."""
OWN = 4
"""Panels of a training by itself."""
ACCIDENT = {"linestyle": (0, (2, 1.5)), "linewidth": 0.8}


def draw(table: pd.DataFrame, question: str) -> Figure:
    """Curves where states of one training are compared, a line for each two models otherwise."""
    return _along(table, question) if table["step"].notna().any() else _pairs(table, question)


def colours(orders: Sequence[int]) -> dict[int, str]:
    """Colour of each order, of all together (0) black."""
    shades = matplotlib.colormaps["viridis_r"](np.linspace(0.08, 0.9, max(len(orders) - 1, 1)))
    return {0: style.BLACK} | dict(zip([order for order in orders if order], map(to_hex, shades), strict=True))


# ------------------------------------------------------------------------------------------------------ two by two


def _pairs(table: pd.DataFrame, question: str) -> Figure:
    """A filled dot is the measure with its 95 % interval, a hollow one that of renamed players; by order."""
    similar = table[table["measure"] == "similar alike"]
    turned = {"value": 1 - similar["value"], "low": 1 - similar["high"], "high": 1 - similar["low"]}
    unstable = similar.assign(measure="unstable", null=1 - similar["null"], **turned)
    table = pd.concat([table[table["measure"].isin(PAIRS)], unstable])
    table = table[table["order"] <= FEW]
    blocks = {(task, method): of for (task, method), of in table.groupby(["task", "method"], sort=False)}
    lines = {block: list(_lines(of)) for block, of in blocks.items()}
    figure = style.canvas()
    axes = figure.subplots(
        len(blocks), len(PAIRS), squeeze=False, sharex="col", sharey="row",
        height_ratios=[max(LEAST, len(own)) for own in lines.values()],
    )  # fmt: skip
    palette = colours(range(FEW + 1))
    for row, (block, of_block) in enumerate(blocks.items()):
        for panel, measure in zip(axes[row], PAIRS, strict=True):
            _panel(panel, of_block[of_block["measure"] == measure], lines[block], palette)
            if row == 0:
                panel.set_title(PAIRS[measure])
        axes[row][0].set_yticks(range(len(lines[block])), [" + ".join(pair) for pair in lines[block]])
        axes[row][0].set_ylabel(_title(block, blocks), fontweight="bold", parse_math=False)
    for panel, measure in zip(axes[0], PAIRS, strict=True):
        panel.set(xlim=(-0.04, 2.08), xticks=[0, 1, 2]) if measure == "ips" else panel.set(xlim=(-0.02, 1.04))
    key = [_dot(palette[order], f"order {order}" if order else "all orders") for order in palette]
    key.append(_dot(style.GREY, "players renamed", markerfacecolor="white"))
    _heading(figure, question, table, key)
    return style.settle(figure, axes[:, 0], LINE * sum(max(LEAST, len(own)) for own in lines.values()))


def _lines(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(table[["first", "second"]].drop_duplicates().itertuples(index=False, name=None))


def _panel(axes: Axes, table: pd.DataFrame, lines: list[tuple[str, str]], palette: dict[int, str]) -> None:
    for row in table.itertuples():
        y, color = lines.index((row.first, row.second)) + 0.18 * (row.order - FEW / 2), palette[row.order]
        axes.plot([row.low, row.high], [y, y], color=color, linewidth=2.0, alpha=0.35, solid_capstyle="butt")
        if pd.notna(row.null):
            axes.plot([row.null, row.value], [y, y], color=color, linewidth=0.6)
            axes.plot(row.null, y, "o", color=color, markerfacecolor="white", markersize=2.6, markeredgewidth=0.7)
        axes.plot(row.value, y, "o", color=color, markersize=2.8)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    for place in range(1, len(lines)):
        axes.axhline(place - 0.5, color=style.tint(style.GREY, 0.3), linewidth=0.4, zorder=0)


# ------------------------------------------------------------------------------------------------ along a training


def _along(table: pd.DataFrame, question: str) -> Figure:
    """By state of a training: strength and number by order, mean order, accuracy, and what is shared with each other
    model."""
    blocks = {(task, method): of for (task, method), of in table.groupby(["task", "method"], sort=False)}
    partners = {block: _partners(of) for block, of in blocks.items()}
    most, largest = int(table["order"].max()), OWN + max(map(len, partners.values()))
    columns = min((4, 3), key=lambda number: -largest % number)  # as few places as can be stay empty
    rows = {block: -(-(OWN + len(own)) // columns) for block, own in partners.items()}
    figure = style.canvas()
    axes = figure.subplots(sum(rows.values()), columns, squeeze=False)
    palette, top = colours(range(most + 1)), 0
    for block, of_block in blocks.items():
        _block(axes[top : top + rows[block]], of_block, partners[block], palette)
        axes[top][0].set_ylabel(_title(block, blocks), fontweight="bold", parse_math=False)
        top += rows[block]
    figure.supxlabel("steps of training", fontsize=7)
    key = [Patch(color=color, label=str(order)) for order, color in palette.items() if order]
    key += [
        Line2D([], [], color=style.BLACK, label="all orders"),
        Line2D([], [], color=style.GREY, label="by accident", **ACCIDENT),
    ]
    _heading(figure, question, table, [Line2D([], [], linestyle="", label="order"), *key])
    return style.settle(figure, axes[:, 0], HEIGHT * len(axes))


def _block(axes: Any, table: pd.DataFrame, partners: dict[str, str], palette: dict[int, str]) -> None:
    pairs = table[table["first"].notna()]
    steps = [*sorted(pairs["step"].dropna().unique()), None]
    own = table[table["first"].isna() & (table["model"] == pairs["model"].iloc[0])]
    panels = iter(axes.flat)
    for measure, title in (("share", "share of strength"), ("salient", "salient interactions")):
        _stacked(next(panels), own[own["measure"] == measure], steps, palette, title)
    panel = next(panels)
    _curve(panel, own[own["measure"] == "mean order"], steps, style.BLACK, "mean order,\nby strength")
    panel = next(panels)
    for split, line in (("train", "--"), ("test", "-")):
        _curve(panel, own[own["measure"] == split], steps, style.BLACK, "accuracy: training\n(dashed), held out", line)
    for partner, title in partners.items():
        panel, of_partner = next(panels), pairs[pairs["partner"] == partner]
        chosen = of_partner[of_partner["measure"] == "of second"]
        for order in [*range(1, FEW + 1), 0]:
            _curve(panel, chosen[chosen["order"] == order], steps, palette[order], title)
        _accidents(panel, chosen[chosen["order"] == 0], steps)
        panel.set_ylim(-0.02, 1.02)
    for spare in panels:
        spare.remove()


def _partners(table: pd.DataFrame) -> dict[str, str]:
    """Titles of the panels of what is shared, by with what."""
    pairs = table[table["first"].notna()]
    found = {}
    for partner, own in pairs.groupby("partner", sort=False):
        with_what = "its end" if partner == own["model"].iloc[0] else partner
        same = (own["first"] != partner) | own["step"].isna()  # or the end of both
        when = "" if (own["first"] == partner).all() else ", same step" if same.all() else ", same step or end"
        found[partner] = f"also in {with_what}{when}"
    return {partner: style.wrapped(title, 1.5, breaks="_ ") for partner, title in found.items()}


def _at(table: pd.DataFrame, steps: Sequence[Any], column: str = "value") -> np.ndarray:
    """A column by step, the end last; NaN where there is no row."""
    known = {None if pd.isna(row.step) else row.step: getattr(row, column) for row in table.itertuples()}
    return np.array([known.get(step, np.nan) for step in steps], dtype=float)


def _ticks(axes: Axes, steps: Sequence[Any], title: str) -> None:
    axes.set_title(title, parse_math=False)
    axes.set_xticks(range(len(steps)), ["end" if step is None else f"{step:.0f}" for step in steps], rotation=90)
    axes.set_xlim(-0.3, len(steps) - 0.7)


def _stacked(axes: Axes, table: pd.DataFrame, steps: Sequence[Any], palette: dict[int, str], title: str) -> None:
    orders = [order for order in palette if order]
    heights = [np.nan_to_num(_at(table[table["order"] == order], steps)) for order in orders]
    axes.stackplot(range(len(steps)), heights, colors=[palette[order] for order in orders], linewidth=0)
    axes.set_ylim(0, None)
    _ticks(axes, steps, title)


def _curve(axes: Axes, table: pd.DataFrame, steps: Sequence[Any], color: str, title: str, line: str = "-") -> None:
    places, values = np.arange(len(steps)), _at(table, steps)
    axes.plot(places, values, line, color=color, linewidth=1.0, marker="o", markersize=1.8)
    if color == style.BLACK and line == "-":
        axes.fill_between(
            places, _at(table, steps, "low"), _at(table, steps, "high"), color=color, alpha=0.15, linewidth=0
        )
    _ticks(axes, steps, title)


def _accidents(axes: Axes, table: pd.DataFrame, steps: Sequence[Any]) -> None:
    axes.plot(np.arange(len(steps)), _at(table, steps, "null"), color=style.GREY, **ACCIDENT)


# ---------------------------------------------------------------------------------------------------- what both have


def _title(block: tuple[str, str], blocks: Any) -> str:
    task, method = block
    return task if len({method for _, method in blocks}) == 1 else f"{task}, {method}"


def _dot(color: str, label: str, **more: Any) -> Line2D:
    return Line2D([], [], color=color, label=label, marker="o", linestyle="", markersize=3.5, **more)


def _heading(figure: Figure, question: str, table: pd.DataFrame, key: Sequence[Any]) -> None:
    samples = style.samples_phrase(table[table["measure"].isin(["consistency", "of second"])]["samples"])
    said = f"{question} Mean or share over samples, 95 % interval; {samples}"
    if table["step"].notna().any():
        said += "; also in: share of its salient interactions that are salient in another model, with one sign"
    style.heading(figure, said, key)
