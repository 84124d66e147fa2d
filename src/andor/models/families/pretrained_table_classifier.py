"""Classifiers of tables that were fitted elsewhere, from the files of their own libraries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator

from andor.errors import UserError
from andor.models.family import Family, misfits_of_rows
from andor.models.settings import Masked
from andor.settings import Name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    import torch

    from andor.data.reader import Reader
    from andor.models.fitted import FittedClassifier


class PretrainedTableClassifier(Family):
    """A classifier of tables that was fitted elsewhere, or a regressor where the label is a number, used as it comes.

    It reads rows as they were.
    """

    place: ClassVar = 5
    reads: ClassVar = {"table"}
    predicts_numbers: ClassVar = True
    has_gradients: ClassVar = False
    uses_gpu: ClassVar = False
    family: Literal["pretrained_table_classifier"]
    """Kind of model."""
    library: Literal["scikit_learn", "xgboost", "lightgbm"]
    """Whose it is: scikit-learn, from a file of skops (`.skops`); XGBoost (`.json`, `.ubj`) or LightGBM (`.txt`), from
    its own. skops, XGBoost and LightGBM have to be installed."""
    source: Name
    """An entry of `sources`: the file, or a folder with one such file. Nothing is unpickled."""
    trusted: list[str] = []
    """Types in a file of skops that it may make beside those known to be safe; the error names those it wants."""

    @model_validator(mode="after")
    def _has_effect(self) -> PretrainedTableClassifier:
        if self.trusted and self.library != "scikit_learn":
            raise ValueError(f"`trusted` has no effect on a model of {self.library}; take it away")
        return self

    def misfits(self, name: str, data: Reader, masking: Masked) -> Iterator[str]:
        """Baseline values of standardised numbers."""
        yield from super().misfits(name, data, masking)
        yield from misfits_of_rows(name, masking)

    def make(
        self,
        table: pa.Table | None,
        source: Path | None,
        weights: Path | None,
        folder: Path,
        seed: int,
        device: torch.device | str = "cpu",
        progress: bool = True,
    ) -> None:
        """Link the file."""
        from andor.data.table import is_numeric
        from andor.files import link_or_copy
        from andor.models.adoption import settle
        from andor.models.fitted import SUFFIXES

        files = [source] if source.is_file() else sorted(file for file in source.rglob("*") if file.is_file())
        files = [file for file in files if file.suffix in SUFFIXES[self.library]]
        if len(files) != 1:
            known = " or ".join(SUFFIXES[self.library])
            raise UserError(
                f"`source: {self.source}`: {source} holds {len(files)} files {known}; name one file with !member"
            )
        file = f"estimator{files[0].suffix}"
        link_or_copy(files[0], folder / file)
        described = {"library": self.library, "file": file, "trusted": self.trusted, "rows": True}
        if table is not None and is_numeric(table):
            described["numeric"] = True
        settle(type(self), {"family": self.family, **described}, folder, table)

    @classmethod
    def loaded(cls, folder: Path, description: dict[str, Any], device: torch.device) -> FittedClassifier:
        """The model that `make` put into a folder."""
        from andor.models import files
        from andor.models.fitted import FittedClassifier

        return FittedClassifier(folder / description["file"], description, files.mean_row(folder))
