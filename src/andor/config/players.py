"""The key `players` of a task: kinds of players."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from andor.settings import MAX_PLAYERS, Closed, Name, PositiveInt


class WordPlayers(Closed):
    """Content words: all pieces of a word together; stop words and punctuation are never players."""

    of: ClassVar = {"text", "passage"}
    kind: Literal["words"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_PLAYERS)] = 10
    """Players a sample; texts with fewer content words are passed over."""
    choose: Literal["random", "first"] = "random"
    """Which content words: drawn with the seed and the item's number, or the first ones."""
    max_words: PositiveInt | None = None
    """Pass over texts with more words than this."""


class PatchPlayers(Closed):
    """Square patches of the image on a grid: those with the most foreground (the largest sum of intensities)."""

    of: ClassVar = {"image"}
    kind: Literal["patches"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_PLAYERS)] = 8
    """Players a sample."""
    size: PositiveInt = 8
    """Side of a patch in pixels; the grid starts at the upper left corner."""


class GridPlayers(Closed):
    """All cells of a grid over the image; there is no background."""

    of: ClassVar = {"image"}
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

    @model_validator(mode="after")
    def _not_too_many(self) -> GridPlayers:
        if self.count > MAX_PLAYERS:
            raise ValueError(f"{self.rows} × {self.columns} cells are more than {MAX_PLAYERS} players; lower one")
        return self


class PixelPlayers(Closed):
    """Sets of pixels from a file."""

    of: ClassVar = {"image"}
    kind: Literal["pixels"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_PLAYERS)]
    """Players a sample."""
    source: Name
    """An entry of `sources`: a JSON file with a list of players for all images, or a mapping from an image's number to
    its list; a player is a list of pixels, each as row·width + column. Images it does not name are passed over."""


class FeaturePlayers(Closed):
    """Columns of the table; all indicators of a column together."""

    of: ClassVar = {"table"}
    kind: Literal["features"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_PLAYERS)] = 10
    """Players a sample: the first columns, or as many as `groups` names; other columns are background."""
    groups: Annotated[dict[str, Annotated[list[str], Field(min_length=1)]], Field(min_length=1)] | None = None
    """Players by name, each one or more columns that are masked together; the first `count` columns, each alone, if
    unset."""

    @model_validator(mode="before")
    @classmethod
    def _counted(cls, raw: Any) -> Any:
        if isinstance(raw, Mapping) and "count" not in raw and isinstance(raw.get("groups"), Mapping):
            return {**raw, "count": len(raw["groups"])}
        return raw

    @model_validator(mode="after")
    def _disjoint(self) -> FeaturePlayers:
        columns = [column for group in (self.groups or {}).values() for column in group]
        if twice := [column for column in columns if columns.count(column) > 1]:
            raise ValueError(f"`groups` names the column `{twice[0]}` twice; let one player have it")
        if self.groups is not None and len(self.groups) != self.count:
            raise ValueError(f"`count: {self.count}` is not the number of `groups`, {len(self.groups)}; take it away")
        return self


class PartPlayers(Closed):
    """Parts of the point cloud; there is no background unless more parts are given than counted."""

    of: ClassVar = {"points"}
    kind: Literal["parts"]
    """Kind of players."""
    count: Annotated[int, Field(ge=1, le=MAX_PLAYERS)] = 8
    """Players a sample."""
    rule: Literal["kmeans", "given"] = "kmeans"
    """k-means over the points of each cloud, drawn with the seed and the item's number; or the data's own parts, those
    with the most points."""


Players = Annotated[
    WordPlayers | PatchPlayers | GridPlayers | PixelPlayers | FeaturePlayers | PartPlayers, Field(discriminator="kind")
]
