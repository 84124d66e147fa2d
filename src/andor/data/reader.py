"""What every reader is: the key `data` of a task, which knows how to make the tidy table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from andor.errors import UserError
from andor.kinds import Kind

if TYPE_CHECKING:
    import pyarrow as pa

Modality = Literal["image", "text", "passage", "table", "points"]


class Reader(Kind):
    """A data set and how to read it.

    What is asked of the data before they are read has a default here; a reader that knows more says it.
    """

    modality: ClassVar[Modality]
    """What models read of an item."""

    if TYPE_CHECKING:  # fields of each reader, which gives them a narrower type and a description
        reader: str
        source: str | None

    @abstractmethod
    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the data (see `andor.data`).

        Parameters
        ----------
        source
            The file or folder of the entry of `sources` it names; None for data that come with a library.
        seed
            Seed of the stratified split, where the origin has none of its own.

        Raises
        ------
        UserError
            If a file or column is missing, or a value is not what it should be.
        """

    @property
    def two_labels(self) -> bool:
        """Whether the labels are 0 and 1 whatever the source holds."""
        return False

    @property
    def is_numeric(self) -> bool:
        """Whether the labels are numbers that are to be predicted, and no classes."""
        return False

    @property
    def classes(self) -> list[str] | None:
        """Names of the labels 0, 1, …; None if they are known only when the data are read."""
        return None

    @property
    def trains(self) -> bool:
        """Whether some items are for training."""
        return True

    @property
    def most_for_training(self) -> int | None:
        """The most items that there can be for training; None if that is known only when the data are read."""
        return getattr(self, "train_limit", None)

    @property
    def title(self) -> str:
        """What messages call the data."""
        return self.reader

    @property
    def shape(self) -> tuple[int, int] | None:
        """Height and width of the images in pixels; None if they are known only when these are read."""
        return None

    @property
    def column_names(self) -> list[str] | None:
        """Columns of the table that are features; None if they are known only when it is read."""
        return None

    @property
    def columns(self) -> int | None:
        """Their number."""
        return None if self.column_names is None else len(self.column_names)

    @property
    def cloud(self) -> int | None:
        """Points of a cloud; None if they are known only when the clouds are read."""
        return None

    def glance(self, source: Path) -> Any:
        """What a look at local files shows, without pixels being read; None of large ones, and of other readers' files.

        Raises
        ------
        UserError
            If they lack something.
        """
        return None

    def given(self, source: Path | None) -> Path:
        """The fetched source, which must be there."""
        if source is None or not source.exists():
            raise UserError(f"`data.source: {self.source}`: {source} is not there; fetch the sources first")
        return source


def said(shape: tuple[int, int]) -> str:
    """Height and width as messages have them: one number of a square."""
    height, width = shape
    return str(height) if height == width else f"{height} × {width}"


def against(names: Sequence[str], name: str) -> list[str]:
    """Names of the labels 0 and 1 where one class stands against the rest: the other class's, if there is but one."""
    rest = [other for other in names if other != name]
    return [rest[0] if len(rest) == 1 else f"not {name}", name]
