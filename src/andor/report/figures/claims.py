"""Panels of what is shared with one sign beside what null hypotheses expect of it: the figures' headline."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from andor.report.figures import style

COLUMNS = (
    "method", "ensemble", "claim", "least_order", "shared", "expected", "p", "accidents", "listed",
)  # fmt: skip
"""Columns of the table `agreement` that are drawn."""
LINES = {
    ("agree", 1): "names at random",
    ("exchange", 1): "other samples",
    ("agree", 2): "order ≥ 2: names at random",
    ("combinations", 2): "order ≥ 2: same players",
    ("exchange", 2): "order ≥ 2: other samples",
}
"""Claims from top to bottom: what a null hypothesis says instead."""
LINE = 0.13
"""Height of a line, in inches."""
NUMBERS = {"share": 0.55, "p": 0.28, "list": 0.02}
"""Where the numbers beside the dots end, in inches from the right: share of accidents, p, number listed."""
BESIDE = 0.9
"""Width of all of them, in inches."""
SMALLEST = 0.001
"""Smallest p that is written as a number."""


def lines(agreement: pd.DataFrame) -> list[tuple[str, int, str]]:
    """Lines of a panel from top to bottom: claim, least order and method, where an ensemble has a null hypothesis.

    The method without OR is left out where there are others; without any null the numbers shared stand alone.
    """
    known = agreement[agreement["expected"].notna()]
    known = agreement[agreement["claim"] == "agree"] if known.empty else known
    methods = style.method_order(known["method"])
    methods = [method for method in methods if method != "original"] or methods
    there = set(zip(known["claim"], known["least_order"], known["method"], strict=True))
    return [(*claim, method) for claim in LINES for method in methods if (*claim, method) in there]


def panel(
    axes: Axes, agreement: pd.DataFrame, rows: list[tuple[str, int, str]], colours: Mapping[str, str], inches: float
) -> None:
    """Draw an ensemble: number shared (filled), number expected (hollow), and beside them what that comes to.

    Parameters
    ----------
    agreement : rows of the ensemble
    rows : as of `lines`
    inches : width of the panel
    """
    by = agreement.set_index(["claim", "least_order", "method"])
    found = [by.loc[row] for row in rows]
    ends = {name: 1 - end / inches for name, end in NUMBERS.items()}
    for place, (row, color) in enumerate(zip(found, [colours[method] for *_, method in rows], strict=True)):
        axes.plot([row["expected"], row["shared"]], [place, place], color=color, linewidth=0.7)
        hollow = {"markerfacecolor": "white", "markersize": 3, "markeredgewidth": 0.8}
        axes.plot([row["expected"]], [place], "o", color=color, **hollow)
        axes.plot([row["shared"]], [place], "o", color=color, markersize=3.4)
        for text, end in zip(_numbers(row), ends.values(), strict=True):
            axes.text(end, place, text, color=color, ha="right", va="center", transform=axes.get_yaxis_transform())
    for name, end in ends.items():
        below = {"xycoords": "axes fraction", "xytext": (0, -4.5), "textcoords": "offset points"}
        axes.annotate(name, (end, 0), ha="right", va="top", color=style.GREY, **below)
    most = max([1.0, *(row["shared"] for row in found), *(row["expected"] for row in found if row["expected"] > 0)])
    dots = max(inches - BESIDE, 0.2)
    axes.set(xlim=(-0.05 * most, 1.1 * most * inches / dots), ylim=(len(rows) - 0.5, -0.5))
    axes.set_xticks([0, int(most)], ["0", f"{int(most):,}"])
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("right")  # away from the numbers' names
    axes.spines["bottom"].set_bounds(0, 1.05 * most)
    _names(axes, rows)


def _numbers(row: pd.Series) -> tuple[str, str, str]:
    if pd.isna(row["expected"]):
        return "–", "–", "–"
    p = "" if pd.isna(row["p"]) else f"{max(row['p'], SMALLEST):.3f}".removeprefix("0")
    share = "–" if pd.isna(row["accidents"]) else style.percent(row["accidents"])
    return share, p, "" if pd.isna(row["listed"]) else f"{row['listed']:.0f}"


def _names(axes: Axes, rows: list[tuple[str, int, str]]) -> None:
    """Name each claim once, at the middle of its lines, and part it from the next."""
    places: dict[tuple[str, int], list[int]] = {}
    for place, (claim, least, _) in enumerate(rows):
        places.setdefault((claim, least), []).append(place)
    axes.set_yticks([sum(own) / len(own) for own in places.values()], [LINES[claim] for claim in places])
    axes.tick_params(axis="y", length=0)
    for own in list(places.values())[1:]:
        axes.axhline(own[0] - 0.5, color=style.tint(style.GREY, 0.3), linewidth=0.4, zorder=0)
