"""The reader `scikit_learn`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from andor.data.reader import Reader

if TYPE_CHECKING:
    import pyarrow as pa


class ScikitLearnData(Reader):
    """One of the tables that come with scikit-learn."""

    modality: ClassVar = "table"
    place: ClassVar = 6
    reader: Literal["scikit_learn"]
    """Which reader makes the tidy table."""
    name: Literal["breast_cancer", "diabetes", "iris", "wine"]
    """The table; its classes are the labels, those of `diabetes` numbers: how far the disease is a year later."""
    positive: Annotated[int, Field(ge=0)] | None = None
    """The class that is label 1, against the rest; null for the class numbers as labels."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    source: None = None
    """The tables come with scikit-learn."""

    @field_validator("positive")
    @classmethod
    def _known(cls, positive: int | None, given: ValidationInfo) -> int | None:
        classes = {"breast_cancer": 2, "iris": 3, "wine": 3}.get(given.data.get("name", ""), 0)
        if positive is not None and given.data.get("name") == "diabetes":
            raise ValueError(f"{positive} is no class: diabetes has numbers to predict; take it away")
        if positive is not None and classes and positive >= classes:
            raise ValueError(
                f"{positive} is none of the classes 0 to {classes - 1} of {given.data['name']}; choose one"
            )
        return positive

    @property
    def two_labels(self) -> bool:
        """One class against the rest."""
        return self.positive is not None

    @property
    def is_numeric(self) -> bool:
        """Numbers of `diabetes`."""
        return self.name == "diabetes"

    @property
    def title(self) -> str:
        """Name of the table."""
        return self.name

    @property
    def columns(self) -> int:
        """Features of the table."""
        return {"breast_cancer": 30, "diabetes": 10, "iris": 4, "wine": 13}[self.name]

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the features."""
        from sklearn import datasets

        from andor.data.building import tidy_features
        from andor.data.classes import Classes, by_number

        origin = getattr(datasets, f"load_{self.name}")(as_frame=True)
        if self.is_numeric:
            return tidy_features(origin.data, Classes(origin.target.to_numpy(), []), self.test_fraction, seed)
        classes = by_number(origin.target.tolist(), self.name, names=[str(name) for name in origin.target_names])
        return tidy_features(origin.data, classes.against_rest(self.positive, self.name), self.test_fraction, seed)
