"""Players that are sets of pixels, given in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from andor.data.player_kind import Choice, Chooser, PlayerKind, PlayersError
from andor.data.segments import players_of, segmented
from andor.errors import UserError
from andor.settings import MAX_SAMPLED, Name


class PixelPlayers(PlayerKind):
    """Sets of pixels from a file."""

    of: ClassVar = {"image"}
    place: ClassVar = 4
    kind: Literal["pixels"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_SAMPLED)] | None = None
    """Players a sample; images with another number are passed over. As many as the file gives each image, if unset."""
    aligned: bool = False
    """A player of one number is the same in every image, such as the left eye: its transfer can be measured."""
    source: Name
    """An entry of `sources`: a JSON file with a list of players for all images, or a mapping from an image's number to
    its list; a player is a list of pixels, each as row·width + column. Images it does not name are passed over. Or the
    folder of the reader `player_segments`."""

    @property
    def needed_source(self) -> str:
        """The file of pixels."""
        return self.source

    @property
    def same_in_all(self) -> bool:
        """Whether the file was made so."""
        return self.aligned

    @model_validator(mode="after")
    def _aligned(self) -> PixelPlayers:
        if self.aligned and self.count is None:
            raise ValueError("`aligned` players are as many in every image; add their `count`")
        return self

    def chooser(self, metadata: Mapping[str, Any], seed: int, source: Path | None) -> Chooser:
        """Function from a row to the sets of pixels that the file gives its image."""
        given = read_pixels(source, self, metadata["shape"])
        return lambda row: given_pixels(given, row["item"], self)


def read_pixels(source: Path | None, players: PixelPlayers, shape: Sequence[int]) -> list | dict[str, list]:
    """Sets of pixels from a JSON file: a list of players for all images, or one for each image by its number.

    Raises
    ------
    UserError
        If the file is not that, or a pixel is outside an image of a shape (C, H, W).
    """
    where = f"`players.source: {players.source}`"
    try:
        given = _read(Path(source))
    except (OSError, TypeError, ValueError) as error:
        raise UserError(f"{where}: {source} is no readable JSON file ({error}); name one") from None
    pixels = shape[1] * shape[2]
    for sets in given.values() if isinstance(given, dict) else [given]:
        if not isinstance(sets, list) or not all(isinstance(own, list) and own for own in sets):
            raise UserError(f"{where}: {source} holds no lists of lists of pixels; write [[0, 1], [32, 33]]")
        flat = [pixel for own in sets for pixel in own]
        if wrong := [p for p in flat if not isinstance(p, int) or isinstance(p, bool) or not 0 <= p < pixels]:
            raise UserError(f"{where}: {wrong[0]!r} is no pixel of the {pixels} of an image; use row·width + column")
        if len(set(flat)) < len(flat):
            raise UserError(f"{where}: two players share a pixel; give it to one")
    return given


def _read(source: Path) -> list | dict[str, list]:
    """What is in a JSON file, or in those of a folder of segments: a list for each image, by its place among them."""
    if not source.is_dir():
        return json.loads(source.read_text(encoding="utf-8"))
    files = map(players_of, segmented(source))
    return {str(place): json.loads(file.read_text(encoding="utf-8")) for place, file in enumerate(files)}


def given_pixels(given: list | dict[str, list], item: int, players: PixelPlayers) -> Choice:
    """The given sets of pixels of one image.

    Raises
    ------
    PlayersError
        If the file does not name the image, or has another number of players for it.
    """
    sets = given.get(str(item)) if isinstance(given, dict) else given
    if sets is None:
        raise PlayersError("not in the file of pixels (players.source)")
    if players.count is not None and len(sets) != players.count:
        raise PlayersError(f"not {players.count} sets of pixels (players.count)")
    return {"players": sets, "player_names": [f"set {number}" for number in range(len(sets))]}
