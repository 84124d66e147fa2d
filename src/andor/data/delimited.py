"""Keys of readers whose files may be delimited texts."""

from __future__ import annotations

import codecs
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from andor.data.reader import Reader


class InFiles(Reader):
    """A reader of files that may be delimited."""

    names: Annotated[list[str], Field(min_length=2)] | None = None
    """Names of the columns, for a file whose first line is a row already."""
    separator: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    """What stands between the cells of a CSV file; of a TSV file it is a tab."""
    encoding: str = "utf-8"
    """Encoding of delimited files and JSON lines, such as cp1252; UTF-16 is known by its first bytes."""

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
