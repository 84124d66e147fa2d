"""What is shared, by where the line of salience is drawn (model-wise transfer: counterpart of ICML 2023)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from andor.report.figures import style
from andor.report.figures.style import TaskInfo

COLUMNS = {
    "thresholds": ("method", "ensemble", "kind", "measure", "threshold", "value", "low", "high", "chance", "null"),
    "model_transfer": (
        "method", "ensemble", "model", "other", "kind", "threshold", "cover", "low", "high", "chance", "null",
        "samples",
    ),
}  # fmt: skip
PANELS = {
    "count": "salient\ninteractions",
    "power": "power",
    "signed power": "power,\nsame sign",
    "shared strength": "strength\nshared",
    "cover": "covered by what\nanother has > .05",
}
"""What is drawn, from left to right."""
HEIGHT = 1.05
"""Height of a panel, in inches."""
LINES = {"null": ":", "chance": (0, (3, 2))}
"""Line of each level beside the true one."""


def draw(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """A row for each kind, a column for each measure, of the widest ensemble; cover is a mean over pairs of models."""
    table, transfer = tables["thresholds"], tables["model_transfer"]
    ensembles = style.members(transfer, task.models)
    ensemble = style.widest(ensembles)
    table, transfer = (t[t["ensemble"] == ensemble] for t in (table, transfer))
    colours = style.method_colours(table["method"])
    kinds = [kind for kind in style.KINDS if (table["kind"] == kind).any()]
    # the mean of intervals is no narrower than the interval of the mean
    levels = ["value", "low", "high", "chance", "null"]
    cover = transfer.rename(columns={"cover": "value"}).groupby(["method", "kind", "threshold"], observed=True)[levels]
    every = pd.concat([table, cover.mean().reset_index().assign(measure="cover")], ignore_index=True)
    figure = style.canvas()
    panels = figure.subplots(len(kinds), len(PANELS), squeeze=False, sharex=True, sharey="col")
    for row, kind in enumerate(kinds):
        for axes, (measure, title) in zip(panels[row], PANELS.items(), strict=True):
            _panel(axes, every[(every["kind"] == kind) & (every["measure"] == measure)], colours)
            if measure == "count":
                axes.set_ylim(bottom=0)
                axes.set_ylabel(style.kind_name(kind), color=style.shade(style.KINDS[kind]), fontweight="bold")
            else:
                axes.set(ylim=(0, 1.03), yticks=[0, 0.5, 1])
            if row == 0:
                axes.set_title(title)
    figure.supxlabel("threshold of salience, as a share of its standard", fontsize=7)
    key = [Line2D([], [], color=color, label=method) for method, color in colours.items()]
    key += [
        Line2D([], [], color=style.GREY, linestyle=line, linewidth=1, label=label)
        for line, label in zip(LINES.values(), ("players renamed", "chance"), strict=True)
    ]
    style.heading(
        figure,
        f"{task.title}, {style.ensemble_title(ensemble, ensembles[ensemble])}: what its models share by the threshold "
        f"of salience; mean over {style.samples_phrase([transfer['samples'].max()])}, bands 95 % bootstrap intervals",
        key,
    )
    return style.settle(figure, panels[:, 0], HEIGHT * len(panels))


def _panel(axes: Axes, own: pd.DataFrame, colours: Mapping[str, str]) -> None:
    for method, color in colours.items():
        curve = own[own["method"] == method].sort_values("threshold")
        axes.fill_between(curve["threshold"], curve["low"], curve["high"], color=color, alpha=0.15, linewidth=0)
        axes.plot(curve["threshold"], curve["value"], color=color)
        for level, line in LINES.items():
            axes.plot(curve["threshold"], curve[level], color=color, linestyle=line, linewidth=0.9)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([0.01, 0.05, 0.3]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".removeprefix("0")))
