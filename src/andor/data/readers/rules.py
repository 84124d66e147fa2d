"""The reader `rules`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from andor.data.reader import Reader

if TYPE_CHECKING:
    import pyarrow as pa


class RulesData(Reader):
    """Random features x1, x2, … and a known rule of them, made from the seed: what there is to be found is known."""

    modality: ClassVar = "table"
    place: ClassVar = 7
    reader: Literal["rules"]
    """Which reader makes the tidy table."""
    terms: Annotated[list[Annotated[list[int], Field(min_length=1)]], Field(min_length=1)]
    """Terms of the rule, each a list of numbers of features: `[[1, 2, 3], [3, 4]]` is x1 x2 x3 + x3 x4."""
    values: Literal["binary", "gaussian", "uniform"] = "binary"
    """Features are 0 or 1; normal about 0; or even between −1 and 1."""
    numeric: bool = False
    """Predict the sum over terms of the products of their features; else the label is 1 if all features of a term are
    above 0."""
    features: Annotated[int, Field(ge=2, le=512)] = 10
    """Number of features, more than the rule has if some are to mean nothing."""
    count: Annotated[int, Field(ge=16, le=10**6)] = 4000
    """Items."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the items kept for testing and explaining, stratified by label."""
    source: None = None
    """The items are made here."""

    @model_validator(mode="after")
    def _known(self) -> RulesData:
        for number in (number for term in self.terms for number in term):
            if not 1 <= number <= self.features:
                raise ValueError(f"`terms` name the feature {number}, there are 1 to {self.features}; name one of them")
        return self

    @property
    def two_labels(self) -> bool:
        """The rule holds, or not."""
        return not self.numeric

    @property
    def is_numeric(self) -> bool:
        """A sum of products to predict."""
        return self.numeric

    @property
    def classes(self) -> list[str] | None:
        """What becomes of the rule."""
        return None if self.numeric else ["does not hold", "holds"]

    @property
    def columns(self) -> int:
        """Features of the table."""
        return self.features

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the features."""
        import numpy as np
        import pandas as pd

        from andor.data.building import tidy_features
        from andor.data.classes import Classes

        random, shape = np.random.default_rng(seed), (self.count, self.features)
        drawn = {
            "binary": lambda: random.integers(0, 2, shape).astype(float),
            "gaussian": lambda: random.normal(size=shape),
            "uniform": lambda: random.uniform(-1, 1, shape),
        }
        values = drawn[self.values]()
        terms = [values[:, np.array(term) - 1] for term in self.terms]
        if self.numeric:
            labels = sum(term.prod(axis=1) for term in terms)
        else:
            labels = np.any([(term > 0).all(axis=1) for term in terms], axis=0).astype(np.int16)
        frame = pd.DataFrame(values, columns=[f"x{number}" for number in range(1, self.features + 1)])
        return tidy_features(frame, Classes(labels, self.classes or []), self.test_fraction, seed)
