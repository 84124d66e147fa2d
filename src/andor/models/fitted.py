"""Models of tables from the files of their own libraries: skops, XGBoost, LightGBM. Nothing is unpickled.

They are given rows as they were, and say what their library says of them.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from andor.data.table import ROW
from andor.errors import UserError
from andor.files import canonical, file_digest, first_line
from andor.models.classes import in_order
from andor.models.loaded import ArrayClassifier, logits_of

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = {"scikit_learn": (".skops",), "xgboost": (".json", ".ubj"), "lightgbm": (".txt",)}
"""Files of each library's own format."""
_PACKAGES = {"scikit_learn": "skops", "xgboost": "xgboost", "lightgbm": "lightgbm"}


class FittedClassifier(ArrayClassifier):
    """A classifier or regressor that was fitted elsewhere, of rows of a table as they were.

    Log-probabilities are its logits, kept away from those of 0 and 1 (see `andor.models.loaded.PROBABILITY`); of an
    estimator without probabilities its decision function: one for two labels, else one for each; of a regressor what it
    predicts.

    Attributes
    ----------
    names
        Columns it was fitted to, in their order; None if it knows their number only.
    """

    columns = (ROW,)

    def __init__(self, file: Path, description: dict[str, Any], mean: pd.DataFrame) -> None:
        super().__init__(torch.nn.Module(), description, mean)
        self._file = file
        self.called, self.names, self.width, self.gives, self._classes = opened(file, description)

    @property
    def device(self) -> torch.device:
        """They compute on the CPU."""
        return torch.device("cpu")

    @property
    def classes(self) -> list[str]:
        """Names of its classes in the order of its outputs; none if it knows none."""
        return self._classes

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the description and of the file."""
        return hashlib.sha256(f"{canonical(self.description)} {file_digest(self._file)}".encode()).hexdigest()

    def outputs(self, inputs: pd.DataFrame) -> Tensor:
        """Probabilities (B, classes), or else the decision function, or predictions (B, 1), of B rows."""
        rows = self._read(inputs)
        try:
            outputs = np.asarray(self.called(rows), np.float64)
        except Exception as error:  # whatever a library, or what somebody put into a pipeline, raises
            raise UserError(
                f"the estimator in {self._file.name} cannot read the rows of the data ({first_line(error)}); give it "
                "the columns that it was fitted to"
            ) from error
        given = torch.from_numpy(outputs.reshape(len(inputs), -1))
        return in_order(given, self.description.get("order"), self.gives)

    def logits(self, inputs: pd.DataFrame) -> Tensor:
        """Logits (B, classes), or predictions (B, 1), float32 of B rows."""
        return logits_of(self.outputs(inputs), self.gives).float()

    def _read(self, rows: pd.DataFrame) -> Any:
        """Of rows the columns that it was fitted to; without names if it knows none."""
        if self.names is None:
            if rows.shape[1] != self.width:
                raise UserError(
                    f"the estimator was fitted to {self.width} columns without names, the data have {rows.shape[1]}; "
                    "name them in their order under `data.features`"
                )
            return rows.to_numpy()
        known = {_underlined(name): name for name in rows.columns} | {name: name for name in rows.columns}
        if lacking := [name for name in self.names if name not in known]:
            raise UserError(
                f"the estimator was fitted to columns that the data lack: {', '.join(lacking[:5])}; the data have "
                f"{', '.join(rows.columns[:5])}{', …' if rows.shape[1] > 5 else ''}"
            )
        return rows[[known[name] for name in self.names]]


Opened = tuple[Callable[[Any], Any], Sequence[str] | None, int, str, list[str]]
"""A function of rows, the columns it was fitted to by name, their number, what it gives, and names of its classes."""


def opened(file: Path, description: dict[str, Any]) -> Opened:
    """A classifier from its file, or a regressor where the description says `numeric`.

    Raises
    ------
    UserError
        If the library is missing, the file is damaged, holds another kind of model, or types that are not trusted.
    """
    library, numeric = description["library"], description.get("numeric", False)
    try:
        importlib.import_module(_PACKAGES[library])
    except ImportError:
        package = _PACKAGES[library]
        raise UserError(f"{file.name}: needs {package}, which is not installed; run `pip install {package}`") from None
    try:
        if library == "scikit_learn":
            return _skops(file, description["trusted"], numeric)
        return (_xgboost if library == "xgboost" else _lightgbm)(file, numeric)
    except UserError:
        raise
    except Exception as error:  # what somebody made up can fail anywhere in a reader
        raise UserError(
            f"{file.name}: no readable model of {library} ({first_line(error)}); save it again with {library}'s own "
            "function"
        ) from None


def _skops(file: Path, trusted: Sequence[str], numeric: bool) -> Opened:
    """An estimator or a pipeline of scikit-learn."""
    import skops.io

    if untrusted := sorted(set(skops.io.get_untrusted_types(file=file)) - set(trusted)):
        raise UserError(
            f"{file.name}: holds types that are not known to be safe: {', '.join(untrusted)}; name them under "
            "`trusted` if you trust who made it"
        )
    estimator = skops.io.load(file, trusted=list(trusted))
    if (method := _method(estimator, numeric)) is None:
        kind = "regressor" if numeric else "classifier"
        raise UserError(f"{file.name}: a {type(estimator).__name__} is no {kind} that is fitted; save one that is")
    last = _last(estimator)
    if getattr(last, "decision_function_shape", None) == "ovo":
        last.set_params(decision_function_shape="ovr")  # a number for each class instead of each pair of classes
    names = getattr(estimator, "feature_names_in_", None)
    return (
        getattr(estimator, method), None if names is None else list(names), getattr(estimator, "n_features_in_", 0),
        "probabilities" if method == "predict_proba" else "logits", list(map(str, getattr(estimator, "classes_", []))),
    )  # fmt: skip


def _method(estimator: Any, numeric: bool) -> str | None:
    """What of an estimator is asked; None if it is of another kind or not fitted."""
    from sklearn.base import is_classifier, is_regressor
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    asked = ("predict",) if numeric else ("predict_proba", "decision_function")
    try:
        check_is_fitted(estimator)
    except (TypeError, NotFittedError):  # no estimator, or not yet fitted
        return None
    fits = is_regressor(estimator) if numeric else is_classifier(estimator)
    return next((name for name in asked if hasattr(estimator, name)), None) if fits else None


def _last(estimator: Any) -> Any:
    """What of an estimator speaks last: a pipeline's last step, the best that a search found."""
    inner = getattr(estimator, "best_estimator_", None)
    if inner is None and hasattr(estimator, "steps"):
        inner = estimator.steps[-1][1]
    return estimator if inner is None else _last(inner)


def _xgboost(file: Path, numeric: bool) -> Opened:
    """A classifier or a regressor of XGBoost."""
    import xgboost

    booster = xgboost.Booster(model_file=str(file))
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    _check(file, objective, ("reg:", "count:", "survival:") if numeric else ("binary:", "multi:"), numeric)
    estimator = (xgboost.XGBRegressor if numeric else xgboost.XGBClassifier)(enable_categorical=True)
    estimator.load_model(file)
    called = estimator.predict if numeric else estimator.predict_proba
    gives = "logits" if numeric else "probabilities"
    return lambda rows: called(_with_categories(rows)), booster.feature_names, booster.num_features(), gives, []


def _lightgbm(file: Path, numeric: bool) -> Opened:
    """A classifier or a regressor of LightGBM; of two labels the probability of label 1."""
    import lightgbm

    with file.open(encoding="utf-8") as lines:
        objective = next((line[10:].strip() for line in lines if line.startswith("objective=")), "none of its own")
    numbers = ("regression", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie")
    _check(file, objective, numbers if numeric else ("binary", "multiclass", "cross_entropy"), numeric)
    booster = lightgbm.Booster(model_file=str(file))
    names, width = booster.feature_name(), booster.num_feature()
    unnamed = names == [f"Column_{place}" for place in range(width)]
    gives = "logits" if numeric else "probabilities"
    return lambda rows: booster.predict(_with_categories(rows)), None if unnamed else names, width, gives, []


def _check(file: Path, objective: str, known: tuple[str, ...], numeric: bool) -> None:
    """Refuse a model that was fitted for something else."""
    if not objective.startswith(known):
        what = "predicts no number; save a regressor" if numeric else "classifies nothing; save a classifier"
        raise UserError(f"{file.name}: its objective `{objective}` {what}")


def _with_categories(rows: Any) -> Any:
    """Rows whose columns of texts are categories, as these libraries want them."""
    from pandas.api.types import is_string_dtype

    if isinstance(rows, np.ndarray):
        return rows
    return rows.astype({name: "category" for name, cells in rows.items() if is_string_dtype(cells)})


def _underlined(name: str) -> str:
    """A column's name as LightGBM writes it."""
    return "_".join(name.split(" "))
