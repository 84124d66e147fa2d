"""Players that are square patches of an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from andor.data.player_kind import Choice, Chooser, PlayerKind, PlayersError
from andor.data.reader import Reader, said
from andor.settings import MAX_SAMPLED, PositiveInt

if TYPE_CHECKING:
    import numpy as np


class PatchPlayers(PlayerKind):
    """Square patches of the image on a grid: those with the most foreground (the largest sum of intensities)."""

    of: ClassVar = {"image"}
    place: ClassVar = 2
    kind: Literal["patches"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_SAMPLED)] = 8
    """Players a sample."""
    size: PositiveInt = 8
    """Side of a patch in pixels; the grid starts at the upper left corner."""

    def chooser(self, metadata: Mapping[str, Any], seed: int, source: Path | None) -> Chooser:
        """Function from a row to patches of its image."""
        import numpy as np

        shape = metadata["shape"]
        return lambda row: choose_patches(np.asarray(row["image"], np.float32).reshape(shape), self)

    def misfits(self, data: Reader) -> Iterator[str]:
        """More patches than the image has."""
        if data.shape is None:
            return
        height, width = data.shape
        if (cells := (height // self.size) * (width // self.size)) < self.count:
            yield (
                f"players.count {self.count} is more than the {cells} patches of {self.size} "
                f"pixels in an image of {said(data.shape)}; lower count or size"
            )


def choose_patches(image: np.ndarray, players: PatchPlayers) -> Choice:
    """Patches of one image (C, H, W) with the largest sums of intensities, in reading order.

    Of equal patches the first in reading order is taken. What the grid leaves over, right and below, is background.

    Raises
    ------
    PlayersError
        If too few patches have any intensity.
    """
    import numpy as np

    size = players.size
    _, height, width = image.shape
    rows, columns = height // size, width // size
    grid = image[:, : rows * size, : columns * size].astype(np.float64)
    ink = grid.reshape(-1, rows, size, columns, size).sum(axis=(0, 2, 4)).ravel()
    if np.count_nonzero(ink > 0) < players.count:
        raise PlayersError(f"fewer than {players.count} patches of {size} pixels that are not empty (players.count)")
    patches = np.sort(np.argsort(-ink, kind="stable")[: players.count])
    pixels = np.arange(height * width).reshape(height, width)
    corners = [divmod(int(patch), columns) for patch in patches]
    return {
        "players": [pixels[r * size : (r + 1) * size, c * size : (c + 1) * size].ravel().tolist() for r, c in corners],
        "player_names": [f"{r},{c}" for r, c in corners],
    }
