"""A sample's text as it runs, with some of its players marked by their names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes

from andor.report.figures import fonts, style

LINE = 0.125
"""Height of a line, in inches."""
MOST = 10
"""Lines that a text takes at most."""
AROUND = (16, 8, 4, 2, 1, 0)
"""Words that are kept on either side of a marked one where the text is longer; as many as fit."""
PIXELS = 1.02
"""By how much small type is wider where it is made of pixels, as figures are saved."""


@dataclass(frozen=True)
class Piece:
    """A piece of the text that is drawn in one look.

    Attributes
    ----------
    text : without white space at its ends
    player : that it belongs to, if that is marked
    spaced : whether white space is before it
    """

    text: str
    player: int | None = None
    spaced: bool = True

    @property
    def weight(self) -> str:
        """Marked players stand out."""
        return "normal" if self.player is None else "bold"


Line = list[tuple[float, Piece]]
"""Pieces with the place of each, in inches from the left."""


def lines(
    text: str, spans: Sequence[Sequence[int]], names: Sequence[str], marked: Collection[int], inches: float
) -> list[Line]:
    """The text in lines of a width; where it is too long, what is around its marked players.

    Parameters
    ----------
    spans : first character of each player and the one behind its last
    names : by which players are called: a marked one has its number where a word comes again, as in `not (2)`
    marked : numbers of the players that stand out
    """
    pieces = list(_pieces(text, spans, names, marked))
    found = _filled(pieces, inches)
    for around in AROUND:
        if len(found) <= MOST:
            break
        found = _filled(list(_near(pieces, around)), inches)
    turned = fonts.is_turned(text)
    return [_placed(line, turned, inches) for line in found[:MOST]]


def _placed(line: Line, turned: bool, inches: float) -> Line:
    """The pieces of a line in the order in which they are seen; from the right edge if the text is read from there."""
    order = fonts.in_sight([piece.text for _, piece in line], turned)
    if order == list(range(len(line))) and not turned:
        return line
    ends = [place + _width(piece) for place, piece in line]
    gaps = [start - end for (start, _), end in zip(line[1:], ends, strict=False)]
    left = inches - ends[-1] if turned else 0.0
    found = []
    for rank, place in enumerate(order):
        piece = line[place][1]
        found.append((left, piece))
        if rank + 1 < len(order):
            after = order[rank + 1]
            parted = max(place, after) - 1 if abs(place - after) == 1 else len(gaps) - 1 - rank if turned else rank
            left += _width(piece) + gaps[parted]
    return found


def show(axes: Axes, text: Sequence[Line], color: str) -> None:
    """Draw lines from the upper left corner of the axes downwards, in inches whatever the size of the axes.

    Each piece is put in its place: whole lines of small type would come out of another width in each format.
    """
    for row, line in enumerate(text):
        for place, piece in line:
            drawn = axes.annotate(
                piece.text,
                xy=(0, 1),
                xycoords="axes fraction",
                xytext=(72 * place, -72 * LINE * (row + 0.8)),
                textcoords="offset points",
                va="baseline",
                fontsize=style.SMALL,
                fontweight=piece.weight,
                color=color if piece.player is None else style.BLACK,
                annotation_clip=False,
                parse_math=False,
            )
            drawn.set_in_layout(False)


def _pieces(
    text: str, spans: Sequence[Sequence[int]], names: Sequence[str], marked: Collection[int]
) -> Iterator[Piece]:
    """Words between and inside the marked players, in the order of the text."""
    end = 0
    for player in sorted(marked, key=lambda one: spans[one][0]):
        start, stop = spans[player]
        yield from _words(text[end:start], text[:end])
        own = text[start:stop]
        number = re.search(r" \(\d+\)$", names[player])  # of a word that comes again
        shown = own + (number.group() if number else "")
        yield from _words(shown, text[:start], player)
        end = stop
    yield from _words(text[end:], text[:end])


def _words(text: str, before: str, player: int | None = None) -> Iterator[Piece]:
    """The words of a part of the text; the first one may go on from what is before."""
    for match in re.finditer(r"\S+", text):
        goes_on = match.start() == 0 and before and not before[-1].isspace()
        yield Piece(match.group(), player, spaced=not goes_on)


def _near(pieces: Sequence[Piece], around: int) -> Iterator[Piece]:
    """Pieces at most so many away from a marked one, and an ellipsis for what is left out."""
    marked = [place for place, piece in enumerate(pieces) if piece.player is not None]
    kept = {place + step for place in marked for step in range(-around, around + 1)}
    for place, piece in enumerate(pieces):
        if place in kept:
            yield piece
        elif place - 1 in kept or place == 0:
            yield Piece("…")


def _filled(pieces: Sequence[Piece], inches: float) -> list[Line]:
    """Pieces line by line; those that no white space parts stay together, if they fit into a line at all."""
    space = style.text_width("a a") - 2 * style.text_width("a")
    found: list[Line] = [[]]
    end = 0.0
    for group in _held_together(pieces, inches):
        widths = [_width(piece) for piece in group]
        before = space if group[0].spaced else 0.0
        if found[-1] and end + before + sum(widths) > inches:
            found.append([])
            end = 0.0
        end += before if found[-1] else 0.0
        for piece, width in zip(group, widths, strict=True):
            found[-1].append((end, piece))
            end += width
    return found


def _held_together(pieces: Sequence[Piece], inches: float) -> Iterator[list[Piece]]:
    """Pieces that stand in one line; parted, if need be inside, where they are wider than that."""
    for group in _unspaced(pieces):
        if sum(map(_width, group)) <= inches:
            yield group
            continue
        for piece in group:
            parts = style.wrapped(piece.text, inches / 1.2, style.SMALL, breaks=" ").split("\n")  # bold is wider
            for place, part in enumerate(parts):
                yield [replace(piece, text=part, spaced=piece.spaced and place == 0)]


def _unspaced(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Pieces with no white space between them."""
    group: list[Piece] = []
    for piece in pieces:
        if piece.spaced and group:
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _width(piece: Piece) -> float:
    return PIXELS * style.text_width(piece.text, weight=piece.weight)
