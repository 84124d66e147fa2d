"""The reader `texts`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from andor.data.delimited import InFiles
from andor.errors import UserError
from andor.settings import Name

if TYPE_CHECKING:
    import pyarrow as pa

    from andor.data.formats import Records


class TextsData(InFiles):
    """Texts of any number of classes in CSV, TSV, JSON lines or Parquet, compressed or not."""

    modality: ClassVar = "text"
    place: ClassVar = 4
    reader: Literal["texts"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a file, or a folder of them. Files or folders whose names begin with train, and with
    validation or test, are the splits."""
    text: str = "text"
    """Column of the text."""
    label: str = "label"
    """Column of the class, a name or a whole number."""
    split: str | None = None
    """Column that says train, and validation or test; other rows are left out."""
    positive: Annotated[int, Field(ge=0)] | str | None = None
    """The class that is label 1, against the rest, by its number or name; null for all classes as labels, names
    numbered in their order."""
    test_fraction: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Share of the texts kept for testing and explaining, stratified by label, where neither files nor a column part
    them; 1 for all."""

    @property
    def two_labels(self) -> bool:
        """One class against the rest."""
        return self.positive is not None

    @property
    def trains(self) -> bool:
        """Unless all is for explaining."""
        return self.test_fraction < 1

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the texts that are not empty; an item's number is its row, over all files in their order."""
        from andor.data.building import split_of, tidy
        from andor.data.classes import by_number
        from andor.data.texts import whole, with_lines

        source = self.given(source)
        found, parts = self._records(source)
        texts = found.cells[self.text]
        if unfit := [text for text in texts if not isinstance(text, str | None)]:
            raise UserError(f"{source}: column `{self.text}` holds {str(unfit[0])[:40]!r}, no text; name one of texts")
        texts = [with_lines(whole(text or "")) for text in texts]
        kept = [row for row, (text, part) in enumerate(zip(texts, parts, strict=True)) if text and part != "other"]
        logging.getLogger(__name__).info("%d of %d rows are texts of a split", len(kept), len(texts))
        if not kept:
            raise UserError(f"{source}: column `{self.text}` holds no text; name another column")
        named = by_number(
            [_bare(found.cells[self.label][row]) for row in kept],
            str(source),
            self.label,
            found.classes.get(self.label, ()),
        )
        labels, names = named.against_rest(self.positive, str(source))
        split = split_of([parts[row] for row in kept], labels, self.test_fraction, seed)
        return tidy(kept, split, labels, [texts[row] for row in kept], classes=names)

    def _records(self, source: Path) -> tuple[Records, list[str | None]]:
        """Text and class of all rows, and the split of each: `train`, `test` or `other`, or None if nothing says it."""
        from andor.data.building import parted
        from andor.data.formats import Delimiting, files_in, joined, part_of, part_of_file, records

        form = Delimiting(self.separator, self.names, self.encoding)
        columns = list(dict.fromkeys([self.text, self.label, *([self.split] if self.split else [])]))
        files = files_in(source)
        if self.split is not None:
            found = records(files, columns, form)
            said = found.cells[self.split]
            return found, parted([part_of(str(cell)) for cell in said], f"{source}: column `{self.split}`", said)
        of_files = [None] * len(files) if source.is_file() else [part_of_file(file, source) for file in files]
        if not any(of_files):
            found = records(files, columns, form)
            return found, [None] * len(found)
        of_files = parted(of_files, str(source), [file.name for file in files])
        read = [
            (records([file], columns, form), part)
            for file, part in zip(files, of_files, strict=True)
            if part != "other"
        ]
        return joined([own for own, _ in read]), [part for own, part in read for _ in range(len(own))]


def _bare(cell: Any) -> Any:
    """A class without the spaces around it."""
    return cell.strip() if isinstance(cell, str) else cell
