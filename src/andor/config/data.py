"""The key `data` of a task: readers."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from andor.settings import Closed, Name, NonNegative, PositiveInt


class DigitsData(Closed):
    """scikit-learn's 1,797 real 8×8 digits: one class against the rest, or all ten."""

    modality: ClassVar = "image"
    reader: Literal["digits"]
    """Which reader makes the tidy table."""
    positive: Annotated[int, Field(ge=0, le=9)] | None = 3
    """The digit that is label 1; null for all ten as labels 0 to 9."""
    size: Annotated[int, Field(ge=8, le=512)] = 32
    """Side to which the images are scaled, in pixels."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    source: None = None
    """The images come with scikit-learn."""


class ImagesData(Closed):
    """Images with a class number, in Parquet as the hub's data sets store them."""

    modality: ClassVar = "image"
    reader: Literal["images"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `train*.parquet` and `test*.parquet`, columns `image` and `label`."""
    positive: Annotated[int, Field(ge=0)] | None = 3
    """The class that is label 1, against the rest; null for the class numbers as labels."""
    size: Annotated[int, Field(ge=8, le=512)] = 32
    """Side to which the images are scaled, in pixels."""


class FilmReviewsData(Closed):
    """The film-review sentences with mean human scores that come with VADER."""

    modality: ClassVar = "text"
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


class SentencesData(Closed):
    """Labelled sentences in Parquet, as the hub's data sets store them."""

    modality: ClassVar = "text"
    reader: Literal["sentences"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `train*.parquet` and `validation*.parquet` or `test*.parquet`."""
    text: str = "sentence"
    """Column of the text."""
    label: str = "label"
    """Column of the label, 0 or 1."""


class PassagesData(Closed):
    """Passages whose first words are the prompt and whose next word is to be predicted."""

    modality: ClassVar = "passage"
    reader: Literal["passages"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: Parquet or JSON lines."""
    text: str = "context"
    """Column of the passage."""
    words: PositiveInt = 30
    """Words kept of each passage; more while the next word is a stop word or a sentence ended in the last 5."""


class ScikitLearnData(Closed):
    """One of the tables that come with scikit-learn."""

    modality: ClassVar = "table"
    reader: Literal["scikit_learn"]
    """Which reader makes the tidy table."""
    name: Literal["breast_cancer", "iris", "wine"]
    """The table; its classes are the labels."""
    positive: Annotated[int, Field(ge=0)] | None = None
    """The class that is label 1, against the rest; null for the class numbers as labels."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    source: None = None
    """The tables come with scikit-learn."""

    @property
    def columns(self) -> int:
        """Features of the table."""
        return {"breast_cancer": 30, "iris": 4, "wine": 13}[self.name]


class TableData(Closed):
    """A table in CSV or Parquet: a column of classes, the others features.

    Numbers are standardised by the training rows; other columns become an indicator for each of their values.
    """

    modality: ClassVar = "table"
    reader: Literal["table"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a file whose name ends in `.csv`, `.tsv`, `.data`, `.dat` or `.parquet`, or a folder with
    one such file."""
    names: Annotated[list[str], Field(min_length=2)] | None = None
    """Names of the columns, for a file whose first line is a row already."""
    label: str
    """Column of the class."""
    positive: str | int | float | bool | None = None
    """The class that is label 1, against the rest; null for all classes, numbered in their order."""
    features: Annotated[list[str], Field(min_length=1)] | None = None
    """Columns the models read; all but the label if unset."""
    separator: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    """What stands between the cells of a CSV file."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""


class ShapesData(Closed):
    """Synthetic point clouds, made from the seed: tables (label 0) and chairs (label 1) of random proportions."""

    modality: ClassVar = "points"
    reader: Literal["shapes"]
    """Which reader makes the tidy table."""
    count: Annotated[int, Field(ge=8)] = 400
    """Clouds, half of each label."""
    points: Annotated[int, Field(ge=16)] = 128
    """Points of a cloud."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    source: None = None
    """The clouds are made here: no package registry has ModelNet or ShapeNet."""


class PointCloudsData(Closed):
    """Point clouds of equal size in Parquet."""

    modality: ClassVar = "points"
    reader: Literal["point_clouds"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with `train*.parquet` and `test*.parquet`, columns `points` (a list of lists of
    coordinates), `label` and, if parts are given, `part` (a number for each point)."""
    positive: Annotated[int, Field(ge=0)] | None = None
    """The class that is label 1, against the rest; null for the class numbers as labels."""


Data = Annotated[
    DigitsData
    | ImagesData
    | FilmReviewsData
    | SentencesData
    | PassagesData
    | ScikitLearnData
    | TableData
    | ShapesData
    | PointCloudsData,
    Field(discriminator="reader"),
]


def two_labels(data: Data) -> bool:
    """Whether the labels are 0 and 1 whatever the source holds."""
    binary = ("film_reviews", "sentences", "shapes")
    return data.reader in binary or getattr(data, "positive", None) is not None
