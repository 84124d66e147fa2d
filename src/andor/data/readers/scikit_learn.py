"""The reader `scikit_learn`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from andor.data.reader import Reader, against

if TYPE_CHECKING:
    import pyarrow as pa


_CELLS = [
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points", "symmetry",
    "fractal dimension",
]  # fmt: skip
COLUMNS = {
    "breast_cancer": [form.format(cell) for form in ("mean {}", "{} error", "worst {}") for cell in _CELLS],
    "diabetes": ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"],
    "iris": [f"{part} {side} (cm)" for part in ("sepal", "petal") for side in ("length", "width")],
    "wine": [
        "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
        "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline",
    ],
}  # fmt: skip
"""Columns of each table, known without scikit-learn, which takes a second to import."""
CLASSES = {
    "breast_cancer": ["malignant", "benign"],
    "diabetes": [],
    "iris": ["setosa", "versicolor", "virginica"],
    "wine": ["class_0", "class_1", "class_2"],
}
"""Names of the classes of each table; of numbers there are none."""


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
        classes = len(CLASSES.get(given.data.get("name", ""), []))
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
    def column_names(self) -> list[str]:
        """Features of the table."""
        return COLUMNS[self.name]

    @property
    def classes(self) -> list[str]:
        """Names of the classes, or of one of them against the rest; none of numbers."""
        names = CLASSES[self.name]
        return names if self.positive is None else against(names, names[self.positive])

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
