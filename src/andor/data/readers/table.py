"""The reader `table`."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from andor.data.delimited import OfNumbersToo
from andor.errors import UserError
from andor.files import first_line
from andor.settings import Name, near

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from andor.data.classes import Classes


class TableData(OfNumbersToo):
    """A table in CSV, ARFF, JSON lines or Parquet: a column of classes, or of numbers to predict, the others features.

    Numbers, and dates as days, are standardised by the training rows; other columns become an indicator for each of
    their values.
    """

    modality: ClassVar = "table"
    place: ClassVar = 7
    reader: Literal["table"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a file whose name ends in `.csv`, `.tsv`, `.data`, `.dat`, `.txt`, `.arff`, `.jsonl` or
    `.parquet`, with `.gz`, `.bz2`, `.xz` or `.zst` after that if it is compressed; or a folder with one such file."""
    svmlight: bool = False
    """The rows are those of svmlight: a label, then `number:value` for each feature that is not 0. The columns are
    `label`, `f1`, `f2` and so on."""
    label: str
    """Column of the class, or of the number that is to be predicted."""
    positive: str | int | float | bool | None = None
    """The class that is label 1, against the rest; null for all classes, numbered in their order."""
    features: Annotated[list[str], Field(min_length=1)] | None = None
    """Columns the models read; all but the label if unset."""
    decimal: Literal[".", ","] = "."
    """What stands before the decimals of numbers that are written as texts; the other one may part thousands."""
    missing: Literal["refuse", "drop", "fill", "indicator"] = "refuse"
    """Empty cells, and marks such as `?` and `n/a` among numbers: refused; their rows left out; filled with the mean of
    the training rows or their most frequent value; or that mean with an indicator beside it, and among texts a value of
    its own."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the features."""
        from andor.data.building import tidy_features

        frame, classes = self.look(self.given(source))
        features = frame.drop(columns=self.label)
        return tidy_features(features, classes, self.test_fraction, seed, self.decimal, self.missing)

    @property
    def column_names(self) -> list[str] | None:
        """Columns that models read, as far as the configuration says them."""
        return self.features or (None if self.names is None else self.features_of(self.names))

    def features_of(self, columns: list[str]) -> list[str]:
        """Columns that models read, of those of the table."""
        return self.features or [name for name in columns if name != self.label]

    def look(self, source: Path) -> tuple[pd.DataFrame, Classes]:
        """The table, and the classes of its rows, or the numbers that are to be predicted."""
        from andor.data.formats import separator_for

        frame = self._frame(source)
        for name in [self.label, *(self.features or [])]:
            if name not in frame.columns:
                known = list(frame.columns)
                fix = separator_for(known, source)
                raise UserError(f"{source}: no column `{name}`; it has {', '.join(known)}{fix}")
        frame = frame[[self.label, *self.features]] if self.features else frame
        frame = self._whole(frame, source) if self.missing == "drop" else frame
        return frame, self._classes(frame[self.label], source)

    @model_validator(mode="after")
    def _columns(self) -> TableData:
        if self.label in (self.features or []):
            raise ValueError(f"`features` names the label `{self.label}`; take it away")
        for name in [self.label, *(self.features or [])]:
            if self.names is not None and name not in self.names:
                raise ValueError(f"`{name}` is none of `names`{near(name, self.names)}")
        return self

    def _whole(self, frame: pd.DataFrame, source: Path) -> pd.DataFrame:
        """The rows without an empty cell; a mark among numbers is one, but not among classes.

        Where a column's last text that is no number goes with its row, what is left of it are numbers and marks.
        """
        import numpy as np

        from andor.data.cells import is_empty

        while True:
            numbers = frame if self.numeric else frame.drop(columns=self.label)
            empty = [frame[self.label].isna(), *(is_empty(cells, self.decimal) for _, cells in numbers.items())]
            if not (left_out := np.any(empty, axis=0)).any():
                break
            frame = frame[~left_out].reset_index(drop=True)
        if frame.empty:
            raise UserError(f"{source}: every row has an empty cell; fill them or name other features")
        return frame

    def _frame(self, source: Path) -> pd.DataFrame:
        """The table of a file, or of the only file in a folder."""
        from andor.data.formats import JSON, PARQUET

        inside = [file for file in source.rglob("*") if _kind(file) and not file.name.startswith(".")]
        files = [source] if source.is_file() else inside
        if len(files) != 1:
            raise UserError(
                f"`data.source: {self.source}`: {source} holds {len(files)} tables; name one, in an archive "
                "with !member"
            )
        frame = self._cells(files[0])
        if self.names is not None and not (self.svmlight or _kind(files[0]) in (".arff", *JSON, *PARQUET)):
            if len(self.names) != frame.shape[1]:
                raise UserError(
                    f"`data.names` are {len(self.names)}, {files[0]} has {frame.shape[1]} columns; name each"
                )
            frame.columns = self.names
        return _tidied(frame, files[0])

    def _cells(self, file: Path) -> pd.DataFrame:
        """The table of a file, with the types that it states or that pandas finds."""
        import pandas as pd
        import pyarrow as pa
        import pyarrow.parquet as pq

        from andor.data import frames
        from andor.data.formats import JSON, PARQUET, damages, encoding_of, objects, opened

        kind = _kind(file)
        try:
            if kind in PARQUET:
                return pq.ParquetFile(file).read().to_pandas()
            with opened(file) as binary:
                if self.svmlight:
                    return frames.svmlight(binary)
                encoding = encoding_of(binary, self.encoding)
                if kind in JSON:
                    return pd.DataFrame(objects(io.TextIOWrapper(binary, encoding)))
                if kind == ".arff":
                    return frames.arff(io.TextIOWrapper(binary, encoding).read())
                separator = "\t" if kind in (".tsv", ".tab") else self.separator
                form = {"sep": separator, "decimal": self.decimal, "header": 0 if self.names is None else None}
                return frames.delimited(binary, encoding=encoding, low_memory=False, **form)
        except UnicodeError as error:
            fix = "write it again" if kind in PARQUET else "set `data.encoding`, such as cp1252"
            raise UserError(f"{file}: is not in {self.encoding} ({first_line(error)}); {fix}") from None
        except (ValueError, pa.ArrowException, *damages()) as error:
            raise UserError(
                f"{file}: no readable table ({first_line(error)}); name a CSV, JSON-lines or Parquet file"
            ) from None

    def _classes(self, cells: pd.Series, source: Path) -> Classes:
        """Classes of the rows, or the numbers that are to be predicted."""
        from andor.data.classes import by_order, named, to_predict

        if cells.isna().any():
            raise UserError(
                f"{source}: column `{self.label}` has {cells.isna().sum()} empty cells; fill them, or set "
                "`data.missing: drop`"
            )
        if self.numeric:
            return to_predict(cells, str(source), self.label, self.decimal)
        classes = by_order([cell.strip() if isinstance(cell, str) else cell for cell in cells.tolist()])
        if self.positive is None and len(classes.names) > len(cells) / 2:
            raise UserError(
                f"`data.label: {self.label}`: {len(classes.names)} classes in {len(cells)} rows; name a column of few"
            )
        # As YAML reads it: `1` is a number, and the cells of a column may be texts.
        positive = None if self.positive is None else named(self.positive)
        return classes.against_rest(positive, str(source), self.positive)


def _kind(file: Path) -> str | None:
    """The ending that says what a table is written in; None if it is of no kind that is read."""
    from andor.data.formats import KINDS, kind_of

    return kind_of(file, (*KINDS, ".data", ".dat", ".txt", ".arff"))


def _tidied(frame: pd.DataFrame, file: Path) -> pd.DataFrame:
    """A table whose columns have names that are their own, without the row numbers that pandas and R put before it."""
    frame = frame.set_axis([str(name).strip() for name in frame.columns], axis=1)
    if twice := frame.columns[frame.columns.duplicated()].tolist():
        raise UserError(f"{file}: has several columns `{twice[0]}`; rename them")
    first, rows = next(iter(frame.columns), None), len(frame)
    if first in ("", "Unnamed: 0") and frame[first].tolist() in (list(range(rows)), list(range(1, rows + 1))):
        logging.getLogger(__name__).info("%s: its first column has no name and numbers the rows: left out", file)
        return frame.drop(columns=first)
    return frame
