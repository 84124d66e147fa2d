"""The reader `sentences`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from andor.data.reader import Reader
from andor.errors import UserError
from andor.settings import Name

if TYPE_CHECKING:
    import pyarrow as pa


class SentencesData(Reader):
    """Labelled sentences in Parquet, as the hub's data sets store them."""

    modality: ClassVar = "text"
    place: ClassVar = 4
    reader: Literal["sentences"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `train*.parquet` and `validation*.parquet` or `test*.parquet`."""
    text: str = "sentence"
    """Column of the text."""
    label: str = "label"
    """Column of the label, 0 or 1."""

    @property
    def two_labels(self) -> bool:
        """The column of labels holds nothing else."""
        return True

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the sentences, split as the origin splits them."""
        import pyarrow.compute as pc

        from andor.data.building import tidy
        from andor.data.records import class_names, splits
        from andor.data.texts import repaired

        source = self.given(source)
        # The hub's test splits often hide their labels, hence validation first.
        held_out = "validation" if list(source.rglob("validation*.parquet")) else "test"
        rows, split = splits({"train": "train", held_out: "test"}, [self.text, self.label], source)
        labels = rows[self.label].to_pylist()
        if unknown := set(labels) - {0, 1}:
            raise UserError(
                f"`data.label: {self.label}`: {source} holds {unknown.pop()} there; name a column of 0 and 1"
            )
        texts = [repaired(text or "") for text in rows[self.text].to_pylist()]
        names = class_names(rows.schema, self.label)
        return tidy(range(len(texts)), split, labels, texts, classes=names).filter(pc.field("text") != "")
