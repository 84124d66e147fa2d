"""A study: a line for each method and ensemble, a column for each measure, a block for each task."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from andor.report.figures import style

COLUMNS = ("task", "ensemble", "method", "kind", "measure", "of", "value", "low", "high", "chance", "null", "samples")
PANELS = {
    ("salient", "count"): "salient interactions",
    ("strength", None): "strength, of the first",
    ("last network", "salient"): "salient in the last network",
    ("last network", "strength"): "strength of the last network, of the first",
    ("power", "10 %"): "shared of the strongest 10 %",
    ("signed power", "10 strongest"): "shared of the 10 strongest, same sign",
    ("cosine", "all"): "cosine of strengths",
    ("agreement", None): "same as in the first method",
}
"""Measures that are drawn, from left to right."""
SHARES = ("power", "signed power", "cosine", "agreement")
MARGIN, BETWEEN = 0.35, 0.06
"""Left of the names of lines, and between headings, in inches."""
LINE = 0.17
"""Height of a line, in inches."""
LEAST = 5
"""Lines that a task's name needs beside them."""


def draw(table: pd.DataFrame, question: str) -> Figure:
    """A filled dot is the measure with its 95 % interval, a hollow one that of renamed players, a bar chance."""
    tasks = list(dict.fromkeys(table["task"]))
    panels = [panel for panel in PANELS if not _of(table, panel).empty]
    lines = {task: _lines(table[table["task"] == task]) for task in tasks}
    names = [_name(line, table) for of_task in lines.values() for line in of_task]
    size = style.RC["axes.titlesize"]
    longest = max(style.text_width(word, size) for panel in panels for word in PANELS[panel].split())
    room = max(longest, (style.WIDTH - MARGIN - max(map(style.text_width, names))) / len(panels) - BETWEEN)
    figure = style.canvas()
    axes = figure.subplots(
        len(tasks), len(panels), squeeze=False, sharex="col", sharey="row",
        height_ratios=[max(LEAST, len(lines[task])) for task in tasks],
    )  # fmt: skip
    for row, task in enumerate(tasks):
        for column, panel in enumerate(panels):
            chosen = _of(table[table["task"] == task], panel)
            _panel(axes[row][column], chosen, lines[task])
            if row == 0:
                axes[row][column].set_title(style.wrapped(PANELS[panel], room, size))
        axes[row][0].set_yticks(range(len(lines[task])), [_name(line, table) for line in lines[task]])
        axes[row][0].set_ylabel(task, fontweight="bold", parse_math=False)
    for axis, panel in zip(axes[0], panels, strict=True):
        if panel[0] in SHARES:
            axis.set(xlim=(-0.02, 1.02), xticks=[0, 0.5, 1])
        else:
            axis.set_xlim(0, 1.08 * _of(table, panel)["high"].max())
    marks = {"marker": "o", "linestyle": "", "markersize": 3.5}
    kinds = {**style.KINDS, "both": style.BLACK}
    key = [
        Line2D([], [], color=color, label=style.kind_name(kind) if kind != "both" else "both kinds", **marks)
        for kind, color in kinds.items()
        if (table["kind"] == kind).any()
    ]
    key.append(Line2D([], [], color=style.GREY, markerfacecolor="white", label="players renamed", **marks))
    key.append(Line2D([], [], color=style.GREY, marker="|", linestyle="", label="chance"))
    samples = style.samples_phrase(pd.concat([_of(table, panel)["samples"] for panel in panels]))
    title = f"{question} Mean over samples, 95 % bootstrap interval; {samples}"
    style.heading(figure, title, key)
    return style.settle(figure, axes[:, 0], LINE * sum(max(LEAST, len(of_task)) for of_task in lines.values()))


def _of(table: pd.DataFrame, panel: tuple[str, str | None]) -> pd.DataFrame:
    measure, of = panel
    chosen = table[table["measure"] == measure]
    return chosen if of is None else chosen[chosen["of"] == of]


def _lines(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Ensemble and method of each line: the lines of an ensemble stand together."""
    pairs = table[["ensemble", "method"]].drop_duplicates()
    return sorted(pairs.itertuples(index=False, name=None), key=lambda pair: list(pairs["ensemble"]).index(pair[0]))


def _name(line: tuple[str, str], table: pd.DataFrame) -> str:
    """What tells the line from others: its ensemble, its method, or both."""
    columns = ("ensemble", "method")
    varied = [name for name, column in zip(line, columns, strict=True) if len(table[column].unique()) > 1]
    return ", ".join(varied or line[1:]).replace("-", " + ")


def _panel(axes: Axes, table: pd.DataFrame, lines: list[tuple[str, str]]) -> None:
    kinds = list(dict.fromkeys(table["kind"]))
    for row in table.itertuples():
        y = lines.index((row.ensemble, row.method)) + 0.3 * (kinds.index(row.kind) - (len(kinds) - 1) / 2)
        color = style.KINDS.get(row.kind, style.BLACK)
        axes.plot([row.low, row.high], [y, y], color=color, linewidth=2.2, alpha=0.35, solid_capstyle="butt")
        if pd.notna(row.null):
            axes.plot([row.null, row.value], [y, y], color=color, linewidth=0.7)
            axes.plot(row.null, y, "o", color=color, markerfacecolor="white", markersize=3, markeredgewidth=0.8)
        axes.plot(row.value, y, "o", color=color, markersize=3.2)
        if pd.notna(row.chance):
            axes.plot(row.chance, y, "|", color=style.GREY, markersize=4)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    for place in range(1, len(lines)):
        axes.axhline(place - 0.5, color=style.tint(style.GREY, 0.3), linewidth=0.4, zorder=0)
