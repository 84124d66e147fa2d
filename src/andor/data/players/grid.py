"""Players that are the cells of a grid over an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from andor.data.player_kind import Choice, Chooser, PlayerKind
from andor.data.reader import Reader, said
from andor.settings import MAX_SAMPLED, PositiveInt


class GridPlayers(PlayerKind):
    """All cells of a grid over the image; there is no background."""

    of: ClassVar = {"image"}
    place: ClassVar = 3
    leaves_background: ClassVar = False
    kind: Literal["grid"]
    """Kind of players."""
    rows: PositiveInt = 3
    """Rows of cells; where the pixels do not divide evenly, some cells have one more."""
    columns: PositiveInt = 3
    """Columns of cells."""

    @property
    def count(self) -> int:
        """Players a sample."""
        return self.rows * self.columns

    @property
    def same_in_all(self) -> bool:
        """Every image has the same cells."""
        return True

    @model_validator(mode="after")
    def _not_too_many(self) -> GridPlayers:
        if self.count > MAX_SAMPLED:
            raise ValueError(f"{self.rows} × {self.columns} cells are more than {MAX_SAMPLED} players; lower one")
        return self

    def chooser(self, metadata: Mapping[str, Any], seed: int, source: Path | None) -> Chooser:
        """Function from any row to the cells."""
        cells = grid_cells(metadata["shape"], self)
        return lambda row: cells

    def misfits(self, data: Reader) -> Iterator[str]:
        """Cells without a pixel."""
        if data.shape is not None and (data.shape[0] < self.rows or data.shape[1] < self.columns):
            yield f"players.rows and columns are more than the {said(data.shape)} pixels of data.size; lower them"


def grid_cells(shape: Sequence[int], players: GridPlayers) -> Choice:
    """All cells of a grid over images of a shape (C, H, W), in reading order."""
    import numpy as np

    _, height, width = shape
    pixels = np.arange(height * width).reshape(height, width)
    rows = np.array_split(pixels, players.rows)
    cells = [cell for row in rows for cell in np.array_split(row, players.columns, axis=1)]
    return {
        "players": [cell.ravel().tolist() for cell in cells],
        "player_names": [f"{r},{c}" for r in range(players.rows) for c in range(players.columns)],
    }
