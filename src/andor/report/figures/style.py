"""The look of every figure: sizes, colours, names and labels, defined once."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Annotation
from matplotlib.textpath import text_to_path
from matplotlib.transforms import ScaledTranslation

from andor.errors import UserError
from andor.report.figures import fonts

WIDTH = 6.8
"""Width of two journal columns, in inches."""
COLUMN = 3.3
"""Width of one, in inches."""
SMALL = 6.5
"""Smallest type, in points."""

RC: dict[str, Any] = {
    "font.family": fonts.OWN,
    "font.size": SMALL,
    "axes.titlesize": 7,
    "axes.titlepad": 4,
    "axes.labelsize": 7,
    "axes.labelpad": 2,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "xtick.minor.width": 0.4,
    "xtick.minor.size": 1.5,
    "lines.linewidth": 1.2,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.h_pad": 0.03,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,  # TrueType: journals refuse Type 3
    "svg.hashsalt": "andor",  # ids from the content, not from the clock
}

# Okabe & Ito's palette, told apart by every eye. Methods and kinds share no colour, so that a colour has one meaning.
BLACK, ORANGE, GREEN, BLUE, VERMILION = "#000000", "#E69F00", "#009E73", "#0072B2", "#D55E00"
GREY = "#7F7F7F"
METHODS = {"original": BLACK, "traditional": BLUE, "generalizable": VERMILION}
OTHER_METHODS = ["#AA4499", "#332288", "#999933", "#882255"]  # Tol's muted palette, for methods by other names
KINDS = {"and": GREEN, "or": ORANGE}


@dataclass(frozen=True)
class TaskInfo:
    """What a figure says about a task besides its tables.

    Parameters
    ----------
    title
        Name of the task, for the heading.
    players
        n, the number of players; the largest where samples differ.
    models
        Names of the models in the order in which they are shown.
    output
        What v is, in words: the unit of every strength.
    shape
        Channels, height and width of the samples' images, if they are images.
    sampled
        Whether coalitions were drawn instead of all evaluated.
    """

    title: str
    players: int
    models: tuple[str, ...]
    output: str = "model output"
    shape: tuple[int, ...] | None = None
    sampled: bool = False

    @property
    def coalitions(self) -> str:
        """Number of all coalitions, as it stands in labels; nobody has all of them where they were drawn."""
        return f"$2^{{{self.players}}}$ = {2**self.players:,}"


# ------------------------------------------------------------------------------------------------------ canvas


@contextmanager
def styled(families: Sequence[str] = (fonts.OWN,)) -> Iterator[None]:
    """Matplotlib's defaults and `RC`, whatever the user's own settings are; fonts of one family after the other."""
    with warnings.catch_warnings(), matplotlib.style.context(["default", RC, {"font.family": list(families)}]):
        warnings.filterwarnings("ignore", "Glyph .* missing")  # `fonts.families` says it once
        yield


def canvas(width: float = WIDTH) -> Figure:
    """An empty figure, in inches, on the Agg canvas: no pyplot, no display, no state shared between figures.

    Its height is found by `settle`.
    """
    figure = Figure(figsize=(width, 5), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def settle(
    figure: Figure, column: Sequence[Axes], height: float, labels: Mapping[Axes, Sequence[Annotation]] | None = None
) -> Figure:
    """Lay the figure out for good: the same page in every format.

    The figure becomes as high as it must for a column of panels to add up to a height in inches, however many lines
    headings and names take; labels at line ends that would overlap are parted.
    """
    _lay_out(figure)
    found = sum(axes.bbox.height for axes in column) / figure.dpi
    figure.set_figheight(figure.get_figheight() + height - found)
    _lay_out(figure)
    for axes, ends in (labels or {}).items():
        if ends:
            _part(axes, ends)
    figure.set_layout_engine(None)  # not "none", which leaves one that has every file drawn twice
    return figure


def _lay_out(figure: Figure) -> None:
    """Give the panels their places; to draw all that is in them only for this takes as long again."""
    figure.get_layout_engine().execute(figure)


def end_label(axes: Axes, y: float, text: str, color: str) -> Annotation:
    """A label to the right of the axes, at the height where a line ends (`settle` parts several of them)."""
    return axes.annotate(
        text,
        xy=(1, y),
        xycoords=axes.get_yaxis_transform(),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        color=color,
        annotation_clip=False,
        parse_math=False,
    )


def _part(axes: Axes, annotations: Sequence[Annotation]) -> None:
    """Move labels apart vertically by as little as possible (least squares) and keep them beside the axes."""
    from scipy.optimize import isotonic_regression  # slow to import, and few figures need it

    figure = axes.get_figure(root=True)
    points = 72 / figure.dpi
    bottom, top = axes.bbox.y0 * points, axes.bbox.y1 * points
    annotations = sorted(annotations, key=lambda annotation: annotation.xy[1])
    heights = [axes.transData.transform((0, annotation.xy[1]))[1] * points for annotation in annotations]
    gap = max(a.get_window_extent(figure.canvas.get_renderer()).height * points for a in annotations) + 1
    steps = gap * np.arange(len(annotations))
    free = isotonic_regression(np.array(heights) - steps).x
    placed = np.clip(free, bottom, max(bottom, top - steps[-1])) + steps
    for annotation, height, position in zip(annotations, heights, placed, strict=True):
        annotation.set_position((annotation.get_position()[0], position - height))


def heading(figure: Figure, text: str, key: Sequence[Artist] = ()) -> None:
    """What is drawn, over how many samples, with which interval: on top, with a key below if one is needed."""
    lines = wrapped(text, figure.get_figwidth() - 0.25, breaks=" ")
    figure.suptitle(lines + "\n " * bool(key), x=0.005, ha="left", va="top", fontsize=7, parse_math=False)
    if key:
        below = RC["figure.constrained_layout.h_pad"] + text_height(lines) + 0.03
        legend = figure.legend(
            handles=key,
            loc="upper left",
            bbox_to_anchor=(0.005, 1),
            bbox_transform=figure.transFigure + ScaledTranslation(0, -below, figure.dpi_scale_trans),
            ncols=len(key),
            fontsize=SMALL,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            handlelength=1,
            handleheight=0.8,
            handletextpad=0.4,
            columnspacing=1.5,
        )
        legend.set_in_layout(False)


def text_height(lines: str, size: float = 7) -> float:
    """Height of lines of text, in inches."""
    return size * 1.2 / 72 * (1 + lines.count("\n"))


# ------------------------------------------------------------------------------------------------------- names


def text_width(text: str, size: float = SMALL, weight: str = "normal") -> float:
    """Width of a line of text in the present fonts, in inches."""
    return _width(text, size, weight, tuple(matplotlib.rcParams["font.family"]))


@functools.cache
def _width(text: str, size: float, weight: str, families: tuple[str, ...]) -> float:
    font = FontProperties(family=list(families), size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def wrapped(text: str, inches: float, size: float = 7, breaks: str = "_- ", most: int | None = None) -> str:
    """Text broken after certain characters (failing those, anywhere) into lines of a width, at most so many."""
    pieces = re.findall(f"[^{re.escape(breaks)}]*[{re.escape(breaks)}]|[^{re.escape(breaks)}]+", text)
    lines = [""]
    while pieces:
        piece = pieces.pop(0)
        if text_width((lines[-1] + piece).rstrip(), size) <= inches:
            lines[-1] += piece
        elif lines[-1]:
            lines.append("")
            pieces.insert(0, piece)
        else:  # one piece wider than a line: break it where it is full
            fits = max(1, next(i for i in range(1, len(piece) + 1) if text_width(piece[:i], size) > inches) - 1)
            lines[-1] = piece[:fits]
            lines.append("")
            pieces.insert(0, piece[fits:])
    lines = [line.strip() for line in lines if line.strip()]
    if most is not None and len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1]} …"]
    return "\n".join(lines)


def elided(text: str, most: int) -> str:
    """At most so many characters; the middle is left out, as names often differ at their ends."""
    if len(text) <= most:
        return text
    head = most // 2
    return f"{text[:head].rstrip()}…{text[head + 1 - most :].lstrip()}"


def number(value: float, sign: str = "") -> str:
    """A number in three digits or so; ``sign`` as in format strings."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    value = round(value, digits) + 0.0  # no minus before a zero
    return f"{value:{sign},.{digits}f}".replace("-", "−")


def percent(value: float) -> str:
    """A share in percent."""
    return f"{100 * value:.0f} %"


def kind_name(kind: str) -> str:
    """AND or OR."""
    return kind.upper()


def ensemble_title(ensemble: str, members: Sequence[str]) -> str:
    """``a + b`` for an ensemble named by its models, its own name otherwise."""
    return " + ".join(members) if ensemble == "-".join(members) else ensemble


def method_order(methods: Iterable[str]) -> list[str]:
    """Methods as they are listed everywhere: the three by name, then others as they come."""
    found = list(dict.fromkeys(methods))
    return [name for name in METHODS if name in found] + [name for name in found if name not in METHODS]


def method_colours(methods: Iterable[str]) -> dict[str, str]:
    """Colour of each method: fixed for the three by name, the rest of the palette for others (sweeps)."""
    ordered = method_order(methods)
    others = [name for name in ordered if name not in METHODS]
    return {name: METHODS[name] for name in ordered if name in METHODS} | {
        name: OTHER_METHODS[i % len(OTHER_METHODS)] for i, name in enumerate(others)
    }


def tint(color: str, share: float = 0.35) -> str:
    """A lighter version of a colour: that share of it on white."""
    return to_hex([1 - share * (1 - channel) for channel in to_rgb(color)])


def shade(color: str, share: float = 0.72) -> str:
    """A darker version of a colour, for text."""
    return to_hex([share * channel for channel in to_rgb(color)])


# ------------------------------------------------------------------------------------------------------ tables


def members(table: pd.DataFrame, models: Sequence[str]) -> dict[str, list[str]]:
    """Models of each ensemble of a table: small ensembles first, models in the task's order."""
    present = table.groupby("ensemble", sort=False)["model"].agg(set)
    found = {str(name): [model for model in models if model in names] for name, names in present.items()}
    place = list(models).index
    return dict(sorted(found.items(), key=lambda item: (len(item[1]), [place(model) for model in item[1]])))


def widest(ensembles: Mapping[str, Sequence[str]]) -> str:
    """The ensemble of most models; the first of them if several are as large."""
    return max(ensembles, key=lambda name: len(ensembles[name]))


def one_ensemble(table: pd.DataFrame, task: TaskInfo) -> tuple[list[str], str]:
    """Units for a figure with a panel per model: each model, the widest ensemble; and words that say so."""
    joint = table[~table["unit"].isin(task.models)]
    if joint.empty:
        return list(task.models), ""
    ensembles = members(joint.rename(columns={"unit": "ensemble"}), task.models)
    chosen = widest(ensembles)
    methods = ", ".join(method_order(joint["method"]))
    return [*task.models, chosen], f"; {methods}: from {ensemble_title(chosen, ensembles[chosen])} together"


def samples_phrase(counts: Iterable[int]) -> str:
    """``20 samples``, ``1 sample`` or ``18–20 samples``."""
    values = sorted({int(count) for count in counts})
    if values == [1]:
        return "1 sample"
    return f"{values[0]} samples" if len(values) == 1 else f"{values[0]}–{values[-1]} samples"


def required(figure: str, tables: Mapping[str, pd.DataFrame], columns: Mapping[str, Sequence[str]]) -> None:
    """Check that every table a figure reads is there, has its columns and at least one row.

    Raises
    ------
    UserError
        Naming the figure, the table and what it lacks.
    """
    for name, wanted in columns.items():
        if name not in tables:
            raise UserError(f"figure `{figure}` needs the table `{name}`, which is missing; make the tables first")
        missing = [column for column in wanted if column not in tables[name]]
        if missing:
            raise UserError(
                f"figure `{figure}`: the table `{name}` lacks the column `{missing[0]}`; make the tables again"
            )
        if tables[name].empty:
            raise UserError(f"figure `{figure}`: the table `{name}` has no rows; make the tables again")


def grid(count: int, most: int) -> tuple[int, int]:
    """Rows and columns of as even a grid as holds ``count`` panels, at most ``most`` side by side."""
    rows = -(-count // most)
    return rows, -(-count // rows)


def stacks(
    figure: Figure, count: int, most: int, heights: Sequence[float], **shared: bool
) -> tuple[np.ndarray, list[list[Axes]]]:
    """Panels one above the other for each of ``count`` things, at most ``most`` of these side by side.

    Returns all places of the page, a row of panels each, and the panels of each thing from top to bottom. ``heights``
    are those of a thing's panels to one another; ``shared`` goes to `Figure.subplots`.
    """
    blocks, columns = grid(count, most)
    rows = len(heights)
    panels = figure.subplots(blocks * rows, columns, squeeze=False, height_ratios=[*heights] * blocks, **shared)
    found = [
        list(panels[rows * block : rows * (block + 1), column]) for block in range(blocks) for column in range(columns)
    ]
    for axes in (axes for spare in found[count:] for axes in spare):
        axes.remove()
    return panels, found[:count]
