"""Outputs on masked inputs and what the interactions predict (counterpart of ICLR 2024, Figure 6)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import MaxNLocator, PercentFormatter

from andor.report.figures import style
from andor.report.figures.style import TaskInfo

COLUMNS = {
    "matching_curve": ("method", "unit", "model", "sample", "position", "v", "prediction", "error"),
    "matching": ("method", "unit", "model", "sample", "kappa"),
}
BINS, TOGETHER = 64, 8
"""Most points of the curves of mean errors, where neighbouring coalitions are averaged, and how many at least."""
HEIGHTS = (1.1, 0.85, 0.85)
LABELS = ("v(S), prediction\n(first sample)", "v − prediction\n(first sample)", "|v − prediction|\n(mean)")


def draw(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """Per model, coalitions sorted by v: outputs and predictions, what is between them, and its mean size.

    The coalitions are all there are, or those that were held out; of these no bound of the noise is known.
    """
    curves, bounds = tables["matching_curve"], tables["matching"]
    chosen, joint = style.one_ensemble(curves, task)
    curves, bounds = (table[table["unit"].isin(chosen)] for table in (curves, bounds))
    colours = style.method_colours(curves["method"])
    models = [model for model in task.models if (curves["model"] == model).any()]
    figure = style.canvas()
    panels, stacks = style.stacks(figure, len(models), 3, HEIGHTS)
    columns = panels.shape[1]
    labels: dict[Axes, list[Annotation]] = {}
    for position, rows in enumerate(stacks):
        column = position % columns
        model = models[position]
        own, bound = curves[curves["model"] == model], bounds[bounds["model"] == model]
        # A model outside of the ensemble that is shown has no joint extraction.
        methods = {method: color for method, color in colours.items() if (own["method"] == method).any()}
        ends = _outputs(rows[0], own[own["sample"] >= 0], methods, task.sampled)
        _residuals(
            rows[1], own[own["sample"] >= 0], _noise_bound(bound[bound["sample"] == bound["sample"].min()]), methods
        )
        _errors(rows[2], own[own["sample"] < 0], _noise_bound(bound), methods)
        rows[0].set_title(style.wrapped(model, style.WIDTH / columns - 0.5), parse_math=False)
        if position == len(models) - 1 or column == columns - 1:
            labels[rows[0]] = [style.end_label(rows[0], *end) for end in ends]
        for axes, label in zip(rows, LABELS, strict=True):
            axes.set_xlim(0, 1)
            axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
            axes.set_xticks([0, 0.5, 1])
            axes.tick_params(labelbottom=axes is rows[2])
            if column == 0:
                axes.set_ylabel(label)
    figure.align_ylabels(panels[:, 0])
    among = "held-out coalitions S, sorted by v(S)"
    if not task.sampled:
        among = f"coalitions S, sorted by v(S) (share of {task.coalitions})"
    figure.supxlabel(among, fontsize=7)
    count = style.samples_phrase([bounds["sample"].nunique()])
    style.heading(
        figure,
        f"{task.title}: v is the {task.output}; first sample and, at the bottom, mean over {count}; "
        f"{'nothing was fitted to these coalitions' if task.sampled else 'κ bounds the output noise'}{joint}",
    )
    return style.settle(figure, panels[:, 0], len(panels) // 3 * sum(HEIGHTS), labels)


def _noise_bound(bounds: pd.DataFrame) -> float:
    """Largest κ of the methods (one that learns no noise has 0), mean over the samples given; NaN if none is known."""
    return float(bounds.groupby("method")["kappa"].mean().max())


def _outputs(axes: Axes, first: pd.DataFrame, colours: Mapping[str, str], dotted: bool) -> list[tuple[float, str, str]]:
    """Draw v and the predictions, as lines or as dots; return height, text and colour of the labels."""
    look: dict[str, Any] = {"linewidth": 0.6}
    if dotted:  # where predictions scatter, a line through them would hide the other method's
        look = {"linestyle": "none", "marker": "."} | _dots(len(first) / len(colours))
    v = first[first["method"] == next(iter(colours))].sort_values("position")
    axes.plot(v["position"], v["v"], color="#C8C8C8", linewidth=4, solid_capstyle="butt")
    top = float(v["v"].iloc[-1])  # the lines end together: their labels stand there in order
    ends = []
    for method, color in colours.items():
        curve = first[first["method"] == method].sort_values("position")
        axes.plot(curve["position"], curve["prediction"], color=color, **look)
        ends.append((top, method, color))
    return [*reversed(ends), (top, "v(S)", style.shade(style.GREY, 0.8))]


def _residuals(axes: Axes, first: pd.DataFrame, kappa: float, colours: Mapping[str, str]) -> None:
    for method, color in colours.items():
        curve = first[first["method"] == method]
        # 2^n points a method: as pixels, or a page of three models at n = 14 takes tens of megabytes
        residual = curve["v"] - curve["prediction"]
        dots = _dots(len(curve))
        axes.plot(curve["position"], residual, marker=".", linestyle="none", color=color, rasterized=True, **dots)
    _kappa(axes, kappa, (1, -1))
    limit = _limit(kappa, float((first["v"] - first["prediction"]).abs().max()))
    axes.set_ylim(-limit, limit)


def _dots(count: float) -> dict[str, Any]:
    """Look of so many points: smaller where they are many."""
    return {"markersize": min(4.0, 0.5 + 35 / count**0.5), "markeredgewidth": 0, "alpha": 0.6}


def _errors(axes: Axes, mean: pd.DataFrame, kappa: float, colours: Mapping[str, str]) -> None:
    for method, color in colours.items():
        curve = mean[mean["method"] == method]
        bins = min(BINS, max(1, len(curve) // TOGETHER))
        curve = curve.groupby((curve["position"] * bins).astype(int))[["position", "error"]].mean()
        axes.plot(curve["position"], curve["error"], color=color, linewidth=0.9)
    _kappa(axes, kappa, (1,))
    axes.set_ylim(0, _limit(kappa, float(mean["error"].max())))


def _limit(kappa: float, largest: float) -> float:
    """End of an axis of errors: room for all of them, and for κ if it is known."""
    return max(0.0 if math.isnan(kappa) else 1.5 * kappa, 1.1 * largest) or 1.0


def _kappa(axes: Axes, kappa: float, signs: Sequence[int]) -> None:
    """Lines at κ on each side, with its name; nothing where it is not known."""
    if math.isnan(kappa):
        return
    for sign in signs:
        axes.axhline(sign * kappa, color=style.GREY, linewidth=0.7, linestyle=(0, (4, 2)))
    axes.annotate(
        "κ", xy=(1, kappa), xycoords=axes.get_yaxis_transform(), xytext=(2, 0), textcoords="offset points",
        va="center", color=style.shade(style.GREY, 0.8), annotation_clip=False,
    )  # fmt: skip
