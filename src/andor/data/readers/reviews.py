"""The reader `reviews`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from andor.data.reader import Reader
from andor.errors import UserError
from andor.files import first_line
from andor.settings import Name

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class ReviewsData(Reader):
    """Labelled texts of any length in CSV, all of them for explaining models that learnt from others."""

    modality: ClassVar = "text"
    place: ClassVar = 10
    reader: Literal["reviews"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a CSV file with a header; line breaks of HTML in its texts become line breaks."""
    text: str = "text"
    """Column of the text."""
    label: str = "label"
    """Column of the label, 0 or 1."""

    @property
    def two_labels(self) -> bool:
        """The column of labels holds nothing else."""
        return True

    @property
    def trains(self) -> bool:
        """Nothing is kept for training."""
        return False

    @property
    def classes(self) -> list[str]:
        """None has a name."""
        return []

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the texts that are not empty; an item's number is its row in the file."""
        import pyarrow.compute as pc

        from andor.data.building import tidy
        from andor.data.texts import with_lines

        source = self.given(source)
        frame = self._frame(source)
        labels = frame[self.label].tolist()
        if unknown := [label for label in labels if label not in ("0", "1")]:
            raise UserError(
                f"`data.label: {self.label}`: {source} holds {unknown[0]!r} there; name a column of 0 and 1"
            )
        texts = frame[self.text].map(with_lines)
        table = tidy(range(len(texts)), ["test"] * len(texts), map(int, labels), texts)
        return table.filter(pc.field("text") != "")

    def _frame(self, source: Path) -> pd.DataFrame:
        """Cells of the file as they stand there."""
        import pandas as pd

        try:
            frame = pd.read_csv(source, dtype=str, keep_default_na=False, encoding="utf-8")
        except (OSError, ValueError) as error:
            raise UserError(f"{source}: no readable table ({first_line(error)}); name a CSV file") from None
        for name in (self.text, self.label):
            if name not in frame.columns:
                raise UserError(f"{source}: no column `{name}`; it has {', '.join(map(str, frame.columns))}")
        return frame
