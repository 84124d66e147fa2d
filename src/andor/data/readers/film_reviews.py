"""The reader `film_reviews`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from andor.data.reader import Reader
from andor.errors import UserError
from andor.settings import Name, NonNegative, PositiveInt

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class FilmReviewsData(Reader):
    """The film-review sentences with mean human scores that come with VADER."""

    modality: ClassVar = "text"
    place: ClassVar = 3
    reader: Literal["film_reviews"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: the tab-separated file of scored sentences."""
    min_score: NonNegative = 0.5
    """Sentences whose score is nearer to 0 than this are left out; the label is the score's sign."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    train_limit: PositiveInt | None = None
    """Train on at most so many sentences (stratified); all of them if unset."""

    @property
    def two_labels(self) -> bool:
        """The sign of the score."""
        return True

    @property
    def classes(self) -> list[str]:
        """The sign in words."""
        return ["negative", "positive"]

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the sentences that are clearly for or against."""
        import numpy as np

        from andor.data.building import stratified_split, tidy, within_limit

        # A sentence that was scored twice counts once, at its first position, with the mean of its scores.
        scored = self._scored(self.given(source))
        scored = scored.rename_axis("item").reset_index().groupby("text", as_index=False, sort=False)
        scored = scored.agg({"item": "min", "score": "mean"})
        scored = scored[(scored["score"].abs() >= self.min_score) & (scored["score"] != 0)]
        labels = (scored["score"] > 0).to_numpy(np.int8)
        split = stratified_split(labels, self.test_fraction, seed)
        table = tidy(scored["item"], split, labels, scored["text"], classes=self.classes)
        return table.take(within_limit(split, labels, self.train_limit, seed))

    def _scored(self, source: Path) -> pd.DataFrame:
        """Columns `text` and `score`, a row for each line of the file."""
        import pandas as pd

        from andor.data.texts import repaired

        try:
            # A number, the mean human score (-4 to 4), the sentence; its quotation marks mean nothing to the format.
            rows = pd.read_csv(source, sep="\t", header=None, quoting=csv.QUOTE_NONE, encoding="utf-8")
            return pd.DataFrame({"text": rows[2].map(repaired), "score": rows[1].astype(float)})
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"`data.source: {self.source}`: {source} has no number, score and sentence in each line ({error}); "
                "name VADER's movieReviewSnippets_GroundTruth.txt"
            ) from None
