"""The reader `texts`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from andor.data.delimited import OfNumbersToo
from andor.errors import UserError
from andor.settings import Name

if TYPE_CHECKING:
    import pyarrow as pa

    from andor.data.classes import Classes
    from andor.data.parts import Rows


class TextsData(OfNumbersToo):
    """Texts with classes, or numbers to predict, in CSV, TSV, JSON lines or Parquet, compressed or not."""

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
    """Column of the class, a name or a whole number; or of the number that is to be predicted."""
    split: str | None = None
    """Column that says train, and validation or test; other rows are left out."""
    positive: Annotated[int, Field(ge=0)] | str | None = None
    """The class that is label 1, against the rest, by its number or name; null for all classes as labels, names
    numbered in their order."""
    test_fraction: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Share of the texts kept for testing and explaining, stratified by label, where neither files nor a column part
    them; 1 for all."""

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the texts that are not empty; an item's number is its row, over all files in their order."""
        from andor.data.building import tidy
        from andor.data.parts import split_of
        from andor.data.texts import whole, with_lines

        source = self.given(source)
        found, classes = self.look(source)
        texts = [with_lines(whole(text)) for text in found.cells[self.text]]
        kept = [row for row, text in enumerate(texts) if text]
        logging.getLogger(__name__).info("%d of %d rows have a text", len(kept), len(texts))
        labels = classes.labels[kept]
        split = split_of([found.parts[row] for row in kept], labels, self.test_fraction, seed)
        numbers = [found.numbers[row] for row in kept]
        return tidy(numbers, split, labels, [texts[row] for row in kept], classes=classes.names)

    def look(self, source: Path) -> tuple[Rows, Classes]:
        """Rows in their splits, and their classes, or the numbers that are to be predicted."""
        from andor.data.classes import by_number, to_predict
        from andor.data.formats import files_in
        from andor.data.parts import rows_of

        found = rows_of(files_in(source), source, [self.text, self.label], self.split, self.form)
        texts = found.cells[self.text]
        if unfit := [text for text in texts if not isinstance(text, str | None)]:
            raise UserError(f"{source}: column `{self.text}` holds {str(unfit[0])[:40]!r}, no text; name one of texts")
        with_text = [row for row, text in enumerate(texts) if text and text.strip()]
        if not any(any(map(str.isalnum, texts[row])) for row in with_text):
            raise UserError(f"{source}: column `{self.text}` holds no text with a word; name another column")
        found = found.take(with_text)
        if self.numeric:
            return found, to_predict(found.cells[self.label], str(source), self.label)
        classes = by_number(found.cells[self.label], str(source), self.label, found.classes.get(self.label, ()))
        return found, classes.against_rest(self.positive, str(source))
