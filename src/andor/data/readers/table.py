"""The reader `table`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from andor.data.reader import Reader
from andor.errors import UserError
from andor.files import first_line
from andor.settings import Name

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from andor.data.classes import Classes

KINDS = (".csv", ".tsv", ".data", ".dat", ".txt", ".arff", ".parquet")


class TableData(Reader):
    """A table in CSV, ARFF or Parquet: a column of classes, or of numbers to predict, the others features.

    Numbers, and dates as days, are standardised by the training rows; other columns become an indicator for each of
    their values.
    """

    modality: ClassVar = "table"
    place: ClassVar = 7
    reader: Literal["table"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a file whose name ends in `.csv`, `.tsv`, `.data`, `.dat`, `.txt`, `.arff` or `.parquet`,
    or a folder with one such file."""
    svmlight: bool = False
    """The rows are those of svmlight: a label, then `number:value` for each feature that is not 0. The columns are
    `label`, `f1`, `f2` and so on."""
    names: Annotated[list[str], Field(min_length=2)] | None = None
    """Names of the columns, for a file whose first line is a row already."""
    label: str
    """Column of the class, or of the number that is to be predicted."""
    numeric: bool = False
    """Predict the number in the column of the label (regression)."""
    positive: str | int | float | bool | None = None
    """The class that is label 1, against the rest; null for all classes, numbered in their order."""
    features: Annotated[list[str], Field(min_length=1)] | None = None
    """Columns the models read; all but the label if unset."""
    separator: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    """What stands between the cells of a CSV file."""
    decimal: Literal[".", ","] = "."
    """What stands before the decimals of numbers that are written as texts; the other one may part thousands."""
    drop_empty: bool = False
    """Leave out rows that have an empty cell in one of these columns, which is refused otherwise."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""

    @model_validator(mode="after")
    def _one_target(self) -> TableData:
        if self.numeric and self.positive is not None:
            raise ValueError(f"`positive: {self.positive}` is a class, and `numeric` asks for a number; take one away")
        return self

    @property
    def is_numeric(self) -> bool:
        """A number to predict."""
        return self.numeric

    @property
    def two_labels(self) -> bool:
        """One class against the rest."""
        return self.positive is not None

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the features."""
        from andor.data.building import tidy_features

        source = self.given(source)
        frame = self._frame(source)
        for name in [self.label, *(self.features or [])]:
            if name not in frame.columns:
                raise UserError(f"{source}: no column `{name}`; it has {', '.join(map(str, frame.columns))}")
        if self.label in (self.features or []):
            raise UserError(f"`data.features` names the label `{self.label}`; take it away")
        frame = frame[[self.label, *self.features]] if self.features else frame
        if self.drop_empty and (frame := frame.dropna().reset_index(drop=True)).empty:
            raise UserError(f"{source}: every row has an empty cell; fill them or name other features")
        classes = self._classes(frame[self.label], source)
        return tidy_features(frame.drop(columns=self.label), classes, self.test_fraction, seed, self.decimal)

    def _frame(self, source: Path) -> pd.DataFrame:
        """The table of a file, or of the only file in a folder."""
        import pandas as pd
        import pyarrow as pa
        import pyarrow.parquet as pq

        from andor.data import frames

        files = [source] if source.is_file() else sorted(f for f in source.rglob("*") if f.suffix in KINDS)
        if len(files) != 1:
            raise UserError(
                f"`data.source: {self.source}`: {source} holds {len(files)} tables; name one file with !member"
            )
        try:
            if files[0].suffix == ".parquet":
                return pq.read_table(files[0]).to_pandas()
            if self.svmlight or files[0].suffix == ".arff":
                return frames.svmlight(files[0]) if self.svmlight else frames.arff(files[0])
            separator = "\t" if files[0].suffix == ".tsv" else self.separator
            header = 0 if self.names is None else None
            frame = pd.read_csv(files[0], sep=separator, skipinitialspace=True, header=header, decimal=self.decimal)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise UserError(
                f"{files[0]}: no readable table ({first_line(error)}); name a CSV or Parquet file"
            ) from None
        if self.names is not None:
            if len(self.names) != frame.shape[1]:
                raise UserError(
                    f"`data.names` are {len(self.names)}, {files[0]} has {frame.shape[1]} columns; name each"
                )
            frame.columns = self.names
        return frame

    def _classes(self, cells: pd.Series, source: Path) -> Classes:
        """Classes of the rows, or the numbers that are to be predicted."""
        from andor.data.classes import Classes, by_order, named

        if cells.isna().any():
            raise UserError(f"{source}: column `{self.label}` has {cells.isna().sum()} empty cells; fill them")
        if self.numeric:
            return Classes(self._numbers(cells, source), [])
        classes = by_order(cells.tolist())
        if self.positive is None and len(classes.names) > len(cells) / 2:
            raise UserError(
                f"`data.label: {self.label}`: {len(classes.names)} classes in {len(cells)} rows; name a column of few"
            )
        # As YAML reads it: `1` is a number, and the cells of a column may be texts.
        positive = None if self.positive is None else named(self.positive)
        return classes.against_rest(positive, str(source), self.positive)

    def _numbers(self, cells: pd.Series, source: Path) -> np.ndarray:
        """Numbers of the rows that are to be predicted."""
        import numpy as np

        from andor.data.cells import numbers_of

        numbers = numbers_of(cells, self.decimal)
        if numbers is None or not np.isfinite(numbers).all():
            raise UserError(f"{source}: column `{self.label}` holds what is no number; name another, or mend it")
        if numbers.min() == numbers.max():
            raise UserError(f"{source}: column `{self.label}` holds {numbers[0]:g} in all rows; name another")
        return numbers
