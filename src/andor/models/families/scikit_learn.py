"""Classifiers of scikit-learn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import JsonValue, field_validator

from andor.models.family import Family

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    import torch

    from andor.data.reader import Reader
    from andor.models.estimators import Estimator
    from andor.models.settings import Masked

_EXPONENT = re.compile(r"[+-]?\d+(?:\.\d*)?[eE][+-]?\d+")


def as_meant(value: Any) -> Any:
    """Values as JSON has them: keys are texts, and 1e-3 is a number, of which YAML 1.1 makes a text."""
    match value:
        case dict():
            return {str(key): as_meant(inner) for key, inner in value.items()}
        case list():
            return [as_meant(inner) for inner in value]
        case str() if _EXPONENT.fullmatch(value):
            return float(value)
    return value


class ScikitLearn(Family):
    """Any classifier of scikit-learn, or regressor where the label is a number, trained from the configuration.

    Nothing is unpickled: its training rows are kept and it is fitted anew, with the seed, wherever it is needed.
    """

    place: ClassVar = 5
    reads: ClassVar = {"table"}
    predicts_numbers: ClassVar = True
    has_gradients: ClassVar = False
    uses_gpu: ClassVar = False
    family: Literal["scikit_learn"]
    """Kind of model."""
    estimator: str
    """Name of its class, such as `RandomForestClassifier`."""
    parameters: dict[str, JsonValue] = {}
    """Arguments of the class; labels as keys, such as those of `class_weight`, are numbers from 0."""

    @field_validator("parameters", mode="before")
    @classmethod
    def _as_meant(cls, parameters: Any) -> Any:
        return as_meant(parameters)

    def misfits(self, name: str, data: Reader, masking: Masked) -> Iterator[str]:
        """Numbers for pairs of classes."""
        yield from super().misfits(name, data, masking)
        if self.parameters.get("decision_function_shape") == "ovo" and not data.two_labels:
            yield f"model `{name}`: `decision_function_shape: ovo` gives numbers for pairs of classes; take it away"

    def unknown(self) -> Iterator[str]:
        """A name that is no estimator's, a parameter that it does not have."""
        from andor.models.listed import faults

        yield from faults(self.estimator, self.parameters)

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
        """Keep the rows that it is fitted to."""
        from andor.models.adoption import settle
        from andor.models.files import WEIGHTS, save_tensors
        from andor.models.inputs import for_training, inputs, labels_of

        rows = for_training(table)
        folder.mkdir(parents=True, exist_ok=True)
        save_tensors({"features": inputs(rows), "labels": labels_of(rows)}, folder / WEIGHTS)
        described = {"estimator": self.estimator, "parameters": self.parameters, "seed": seed}
        settle(type(self), {"family": self.family, **described}, folder, table)

    @classmethod
    def loaded(cls, folder: Path, description: dict[str, Any], device: torch.device) -> Estimator:
        """The classifier, fitted anew."""
        from andor.models.estimators import Estimator
        from andor.models.files import WEIGHTS, tensors

        return Estimator(description, tensors(folder / WEIGHTS))
