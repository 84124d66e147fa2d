"""What readers share whose files may be delimited texts."""

from __future__ import annotations

import codecs
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints, field_validator, model_validator

from andor.data.reader import Reader

if TYPE_CHECKING:
    from andor.data.formats import Delimiting

MOST_BYTES = 2**25
"""Size of local files up to which a check of the configuration looks into them."""


class InFiles(Reader):
    """A reader of files that may be delimited, with a class in each row."""

    if TYPE_CHECKING:  # fields of each reader, as in `Reader`
        positive: object
        test_fraction: float

    names: Annotated[list[str], Field(min_length=2)] | None = None
    """Names of the columns, for a file whose first line is a row already."""
    separator: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    """What stands between the cells of a CSV file; of a TSV file it is a tab."""
    encoding: str = "utf-8"
    """Encoding of delimited files and JSON lines, such as cp1252; UTF-16 is known by its first bytes."""

    @property
    def form(self) -> Delimiting:
        """How a delimited file is written."""
        from andor.data.formats import Delimiting

        return Delimiting(self.separator, self.names, self.encoding)

    @property
    def two_labels(self) -> bool:
        """One class against the rest."""
        return self.positive is not None

    @property
    def trains(self) -> bool:
        """Unless all is for explaining."""
        return self.test_fraction < 1

    def glance(self, source: Path) -> Any:
        """What `look` gives, of files of a size that is quickly read."""
        files = [source] if source.is_file() else [file for file in source.rglob("*") if file.is_file()]
        return self.look(source) if sum(file.stat().st_size for file in files) < MOST_BYTES else None

    @abstractmethod
    def look(self, source: Path) -> object:
        """Read columns and classes.

        Raises
        ------
        UserError
            If something is not as it should be.
        """

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            codecs.lookup(encoding)
        except (LookupError, ValueError):
            raise ValueError(
                f"{encoding[:40]!r} is no encoding; write utf-8, cp1252 or another that Python knows"
            ) from None
        return encoding


class OfNumbersToo(InFiles):
    """A reader of files with a class, or a number that is to be predicted, in each row."""

    numeric: bool = False
    """Predict the number in the column of the label (regression)."""

    @model_validator(mode="after")
    def _one_target(self) -> OfNumbersToo:
        if self.numeric and self.positive is not None:
            raise ValueError(f"`positive: {self.positive}` is a class, and `numeric` asks for a number; take one away")
        return self

    @property
    def is_numeric(self) -> bool:
        """A number to predict."""
        return self.numeric
