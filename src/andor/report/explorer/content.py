"""What there is to see of a sample: its text in pieces, its image with the players' areas, or names alone."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from andor.report.explorer.coding import to_base64


def content(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown of a row of ``samples.parquet``."""
    players = row["players"]
    shown: dict[str, Any] = {"names": row["player_names"]}
    shown |= {key: row[key] for key in ("label", "class", "target") if row.get(key) is not None}
    if row.get("text") is not None:
        shown["text"] = pieces(row["text"], players)
    elif row.get("image") is not None:
        image = np.asarray(row["image"])
        shown["image"] = {
            "channels": image.shape[0],
            "height": image.shape[1],
            "width": image.shape[2],
            "pixels": to_base64(np.moveaxis(np.rint(255 * np.clip(image, 0, 1)), 0, -1), "u1"),
            "areas": [areas(pixels, image.shape[2]) for pixels in players],
        }
    return shown


def pieces(text: str, players: Sequence[Sequence[int]]) -> list[list[Any]]:
    """A text cut at its players: [piece, number of the player or None], in reading order.

    Cut here, because the positions count characters, and a browser counts UTF-16 units.
    """
    cut: list[list[Any]] = []
    end = 0
    for start, stop, player in sorted((start, stop, player) for player, (start, stop) in enumerate(players)):
        cut += [[text[end:start], None], [text[start:stop], player]]
        end = stop
    return [piece for piece in [*cut, [text[end:], None]] if piece[0]]


def areas(pixels: Sequence[int], width: int) -> list[list[int]]:
    """A set of pixels (row·width + column) as rectangles [column, row, width, height]."""
    rectangles: list[list[int]] = []
    for row in sorted({pixel // width for pixel in pixels}):
        columns = sorted(pixel % width for pixel in pixels if pixel // width == row)
        breaks = [0, *(np.flatnonzero(np.diff(columns) > 1) + 1).tolist(), len(columns)]
        for first, last in itertools.pairwise(breaks):
            run = [columns[first], last - first]
            above = next((r for r in rectangles if [r[0], r[2]] == run and r[1] + r[3] == row), None)
            if above:
                above[3] += 1
            else:
                rectangles.append([run[0], row, run[1], 1])
    return rectangles
