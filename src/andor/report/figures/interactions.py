"""The strongest shared and distinctive interactions of one sample (counterpart of ICLR 2024, Figure 5)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from andor.errors import UserError
from andor.report.figures import fonts, running_text, style
from andor.report.figures.style import TaskInfo

COLUMNS = {
    "interactions": (
        "sample", "method", "ensemble", "kind", "players", "order", "members", "model", "strength", "error",
        "salient", "shared",
    ),
    "samples": ("sample", "players", "player_names"),
}  # fmt: skip
LISTED = 5
"""Interactions in each list."""
TEXT = 3.1
"""Largest width of the words of an interaction, in inches."""
KIND = 0.35
"""Width of the word AND, in inches."""
TILE = 0.82
"""Side of an image, in inches."""
OUTLINED = 36
"""Most players of which those outside of an interaction are outlined."""
WHISKER = 1.96
"""Standard errors on either side of a strength."""

Layout = tuple[Figure, Sequence[Axes], float]
"""A figure, a column of its panels and the height they should have."""


def draw(tables: Mapping[str, pd.DataFrame], task: TaskInfo) -> Figure:
    """For each method, the strongest interactions of the first sample that all models of the largest ensemble share and
    the strongest others that any has salient, as words or on the image, with their strength in each model."""
    table = tables["interactions"]
    ensembles = style.members(table, task.models)
    ensemble = style.widest(ensembles)
    models = ensembles[ensemble]
    number = table["sample"].min()
    table = table[(table["sample"] == number) & (table["ensemble"] == ensemble) & (table["order"] > 0)]
    found = tables["samples"][tables["samples"]["sample"] == number]
    if found.empty:
        raise UserError(f"figure `interactions`: the table `samples` has no sample {number}; make the tables again")
    methods = _compared(table["method"])
    lists = {method: _lists(table[table["method"] == method], models) for method in methods}
    sample = found.iloc[0]
    if "image" in found and task.shape is None:
        raise UserError("figure `interactions`: the shape of the images is not given; give channels, height and width")
    named = f"{number} ({sample['class']})" if isinstance(sample.get("class"), str) else str(number)
    about = f"{task.title}, sample {named}, {style.ensemble_title(ensemble, models)}: strongest interactions"
    if table["error"].notna().any():
        about += f"; whiskers: {WHISKER} standard errors"
    families, lacking = fonts.families([about, str(sample.get("text", "")), *sample["player_names"]])
    if lacking:
        about += f"; this machine has no font for {', '.join(lacking)}"
    layout = _images if "image" in found else _words
    with style.styled(families):
        figure, column, height = layout(sample, lists, models, task)
        style.heading(figure, about)
        return style.settle(figure, column, height)


def _compared(methods: pd.Series) -> list[str]:
    """The two learned methods, or the first two there are."""
    ordered = style.method_order(methods)
    return [name for name in ("traditional", "generalizable") if name in ordered] or ordered[:2]


def _lists(table: pd.DataFrame, models: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The strongest shared and the strongest other interactions: a row each, with strength, its error and salience by
    model. Those of one model alone and those about whose sign models differ are no shared ones."""
    keys = ["kind", "players"]
    table = table.astype({"kind": str})
    by_model = table.set_index([*keys, "model"])
    strength = by_model["strength"].unstack("model").reindex(columns=models)  # noqa: PD010 - nothing to aggregate
    error = by_model["error"].astype(float).unstack("model").reindex(columns=models)  # noqa: PD010
    salient = by_model["salient"].unstack("model").reindex(columns=models).eq(True)  # noqa: PD010
    # Models differ in scale, so an interaction counts by its share of the model’s strongest.
    score = (strength.abs() / strength.abs().max()).max(axis=1).rename("score")
    about = table.groupby(keys)[["order", "members", "shared"]].first()
    joined = pd.concat({"strength": strength, "error": error, "salient": salient}, axis=1)
    joined[[("about", name) for name in about]] = about
    ranked = joined.loc[score.sort_values(ascending=False, kind="stable").index]
    shared = ranked["about", "shared"].astype(bool)
    distinctive = ranked["salient"].any(axis=1) & ~shared
    number = "both" if len(models) == 2 else f"all {len(models)}"
    return {
        f"shared by {number} models, with one sign": ranked[shared].head(LISTED),
        "not shared (salient in some models, or of both signs)": ranked[distinctive].head(LISTED),
    }


# ------------------------------------------------------------------------------------------------------- words


LINE, BETWEEN, TITLE = 0.115, 0.06, 0.2
"""Heights of a line of words, of the space below an entry and of a list's title, in inches."""


def _words(
    sample: pd.Series, lists: Mapping[str, Mapping[str, pd.DataFrame]], models: Sequence[str], task: TaskInfo
) -> Layout:
    """The sample's text, if it has one; a list of words for each method, with a column of bars for each model."""
    texts = {method: [_texts(rows) for rows in blocks.values()] for method, blocks in lists.items()}
    every = [text for blocks in texts.values() for block in blocks for text in block]
    widest = KIND + max(style.text_width(line) for text in every for line in text.split("\n"))
    titles = max(style.text_width(title) for blocks in lists.values() for title in blocks)
    words = 0.15 + max(widest, titles)
    bar = (style.WIDTH - words) / len(models)
    heights = [sum(TITLE + sum(map(_height, block)) for block in blocks) for blocks in texts.values()]
    figure = style.canvas()
    above = _running(sample, lists) if "text" in sample.index else []
    top = [running_text.LINE * len(above) + BETWEEN] * bool(above)
    ratios = {"width_ratios": [words] + [bar] * len(models), "height_ratios": top + heights}
    places = figure.add_gridspec(len(top) + len(lists), 1 + len(models), **ratios)
    panels = _panels(figure, places, len(top))
    limits = _limits(lists, models)
    colours = style.method_colours(lists)
    for row, (method, blocks) in enumerate(lists.items()):
        axes, bars = panels[row][0], panels[row][1:]
        _fill(panels[row], blocks, texts[method], models)
        axes.set(xlim=(0, words), xticks=[])
        axes.set_axis_off()
        axes.set_title(method, loc="left", color=colours[method], fontweight="bold", parse_math=False)
        for panel, model in zip(bars, models, strict=True):
            panel.axvline(0, color=style.BLACK, linewidth=0.6)
            panel.spines["left"].set_visible(False)
            panel.set_xlim(-limits[model], limits[model])
            panel.set_xticks(_ticks(limits[model]))
            panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
            panel.tick_params(labelbottom=row == len(lists) - 1)
            if row == 0:
                panel.set_title(style.wrapped(model, bar - 0.2), parse_math=False)
    column = [row[0] for row in panels]
    if above:
        column.insert(0, figure.add_subplot(places[0, 0]))  # one that spans all columns would part them evenly
        column[0].set_axis_off()
        running_text.show(column[0], above, style.shade(style.GREY))
    figure.supxlabel(f"strength in each model ({task.output}); pale where not salient", fontsize=7, x=0.995, ha="right")
    return figure, column, sum(top + heights)


def _panels(figure: Figure, places: GridSpec, above: int) -> list[list[Axes]]:
    """Panels in the rows of the page below the first ones; those below each other share their axis."""
    panels: list[list[Axes]] = []
    for row in range(above, places.nrows):
        shared = panels[0] if panels else [None] * places.ncols
        panels.append([figure.add_subplot(places[row, column], sharex=of) for column, of in enumerate(shared)])
    return panels


def _running(sample: pd.Series, lists: Mapping[str, Mapping[str, pd.DataFrame]]) -> list[running_text.Line]:
    """The sample's text with the players of all listed interactions marked."""
    listed = [rows for blocks in lists.values() for rows in blocks.values()]
    marked = {player for rows in listed for _, players in rows.index for player in _numbers(players)}
    spans, names = sample["players"], sample["player_names"]
    return running_text.lines(str(sample["text"]), spans, names, marked, style.WIDTH - 0.15)


def _numbers(players: str) -> list[int]:
    """Numbers of the players of an interaction."""
    return [int(number) for number in players.split()]


def _texts(rows: pd.DataFrame) -> list[str]:
    """The words of each interaction of a list, in lines; `none` for an empty one."""
    names = rows["about", "members"] if len(rows) else []
    return [style.wrapped(name, TEXT, style.SMALL, breaks=" ", most=2) for name in names] or ["none"]


def _height(text: str) -> float:
    """Inches that an entry takes, with the space below."""
    return LINE * (1 + text.count("\n")) + BETWEEN


def _fill(
    panels: Sequence[Axes], blocks: Mapping[str, pd.DataFrame], texts: Sequence[Sequence[str]], models: Sequence[str]
) -> None:
    """The lists of one method, from the top of its panels downwards."""
    axes, bars = panels[0], panels[1:]
    y = 0.0
    for (title, rows), block in zip(blocks.items(), texts, strict=True):
        axes.text(0, y + 0.12, title, va="center", style="italic", color=style.shade(style.GREY))
        y += TITLE
        for place, text in enumerate(block):
            middle = y + (_height(text) - BETWEEN) / 2
            if len(rows):
                _entry(axes, bars, rows.iloc[place], text, middle, models)
            else:
                axes.text(KIND, middle, text, va="center")
            y += _height(text)
    for panel in panels:
        panel.set_ylim(y, 0)
        panel.set_yticks([])


def _entry(axes: Axes, bars: Sequence[Axes], row: pd.Series, text: str, y: float, models: Sequence[str]) -> None:
    """One interaction: its kind, its words, and a bar in each model's column."""
    color = style.KINDS[row.name[0]]
    axes.text(0, y, style.kind_name(row.name[0]), va="center", color=style.shade(color), fontweight="bold")
    axes.text(KIND, y, text, va="center", linespacing=1.05, parse_math=False)
    for panel, model in zip(bars, models, strict=True):
        panel.barh(y, row["strength", model], height=0.09, color=color if row["salient", model] else style.tint(color))
        _whisker(panel, row["strength", model], row["error", model], y)


def _whisker(axes: Axes, strength: float, error: float, y: float) -> None:
    """Interval of a strength, if its error is known."""
    if not math.isnan(error):
        ends = [strength - WHISKER * error, strength + WHISKER * error]
        axes.plot(ends, [y, y], color=style.BLACK, linewidth=0.6, solid_capstyle="butt")


def _limits(lists: Mapping[str, Mapping[str, pd.DataFrame]], models: Sequence[str]) -> dict[str, float]:
    """Largest strength of each model in any list, for axes that are the same for all methods.

    Whiskers have room, too, unless one is as long as the longest bar: that one is cut off.
    """
    every = pd.concat([rows for blocks in lists.values() for rows in blocks.values()])
    size = every["strength"].abs()
    largest = size.max().fillna(0)
    ends = (size + WHISKER * every["error"].fillna(0)).max().fillna(0).clip(upper=2 * largest)
    return {model: 1.08 * float(max(largest[model], ends[model])) or 1.0 for model in models}


def _ticks(limit: float) -> list[float]:
    """Zero and the largest round number on either side."""
    unit = 10.0 ** math.floor(math.log10(limit))
    tick = next(step * unit for step in (5, 2, 1) if step * unit <= limit)
    return [-tick, 0, tick]


# ------------------------------------------------------------------------------------------------------ images


def _images(
    sample: pd.Series, lists: Mapping[str, Mapping[str, pd.DataFrame]], models: Sequence[str], task: TaskInfo
) -> Layout:
    """A row of images for each method and list; below each image a bar for each model, relative to its strongest."""
    bars = 0.12 * len(models)
    figure = style.canvas()
    picture = _picture(sample, task)
    limits = _limits(lists, models)
    colours = style.method_colours(lists)
    bands = figure.subfigures(2 * len(lists), 1, squeeze=False)[:, 0]
    entries = [(method, title, rows) for method, blocks in lists.items() for title, rows in blocks.items()]
    column = []
    for band, (method, title, rows) in zip(bands, entries, strict=True):
        band.suptitle(f"{method}: {title}", x=0.005, ha="left", fontsize=7, color=colours[method], parse_math=False)
        column += _band(band, rows, picture, sample["players"], models, limits, bars)
    figure.supxlabel(
        f"strength in each model ({task.output}), bars relative to the model’s strongest; pale where not salient",
        fontsize=7,
    )
    return figure, column, len(bands) * (TILE + bars)


def _band(
    band: SubFigure,
    rows: pd.DataFrame,
    picture: np.ndarray,
    players: Sequence[Sequence[int]],
    models: Sequence[str],
    limits: Mapping[str, float],
    bars: float,
) -> list[Axes]:
    """Draw a row of images; return the panels of its first column."""
    panels = band.subplots(2, LISTED, height_ratios=[TILE, bars], squeeze=False)
    for place in range(LISTED):
        image, strengths = panels[:, place]
        if place >= len(rows):
            image.set_axis_off()
            strengths.set_axis_off()
            if place == 0:
                image.text(0.5, 0.5, "none", transform=image.transAxes, ha="center")
            continue
        row = rows.iloc[place]
        color = style.KINDS[row.name[0]]
        image.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        chosen = _numbers(row.name[1])
        for player, positions in enumerate(players):
            if player in chosen or len(players) <= OUTLINED:
                _patch(image, positions, picture.shape[1], color if player in chosen else None)
        image.set(xticks=[], yticks=[])
        image.spines[:].set_visible(False)
        image.set_title(f"{style.kind_name(row.name[0])}, order {row['about', 'order']}", color=style.shade(color))
        for y, model in enumerate(models):
            value = row["strength", model]
            strengths.barh(
                y, value / limits[model], height=0.7, color=color if row["salient", model] else style.tint(color)
            )
            _whisker(strengths, value / limits[model], row["error", model] / limits[model], y)
            ink = style.BLACK if row["salient", model] else style.GREY
            strengths.text(1.12, y, style.number(value, "+") if value else "0", va="center", color=ink)
        strengths.axvline(0, color=style.BLACK, linewidth=0.6)
        strengths.set(xlim=(-1, 1), ylim=(len(models) - 0.5, -0.5), xticks=[], yticks=[])
        strengths.spines[:].set_visible(False)
        if place == 0:
            strengths.set_yticks(range(len(models)), [style.elided(model, 18) for model in models], parse_math=False)
            strengths.tick_params(axis="y", length=0)
    return list(panels[:, 0])


def _picture(sample: pd.Series, task: TaskInfo) -> np.ndarray:
    """The sample's image as (H, W) or (H, W, 3) in [0, 1]."""
    channels = np.asarray(sample["image"], dtype=float).reshape(task.shape)
    return channels[0] if len(channels) == 1 else np.moveaxis(channels, 0, -1)


def _patch(axes: Axes, positions: Sequence[int], width: int, color: str | None) -> None:
    """Outline a player's pixels; fill them with a colour if it belongs to the interaction.

    Pixels that are no rectangle are drawn one by one, faintly where they do not belong to it.
    """
    rows, columns = np.divmod(np.asarray(positions), width)
    if len(positions) < (np.ptp(rows) + 1) * (np.ptp(columns) + 1):
        alpha = 0.15 if color is None else 0.55
        for row, column in zip(rows, columns, strict=True):
            corner = (column - 0.5, row - 0.5)
            axes.add_patch(Rectangle(corner, 1, 1, facecolor=color or style.GREY, alpha=alpha, linewidth=0))
        return
    corner = (columns.min() - 0.5, rows.min() - 0.5)
    size = (np.ptp(columns) + 1, np.ptp(rows) + 1)
    if color is not None:
        axes.add_patch(Rectangle(corner, *size, facecolor=color, alpha=0.55, linewidth=0))
    axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=color or style.GREY, linewidth=1.1 if color else 0.5))
