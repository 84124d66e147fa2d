"""Classifiers and regressors of scikit-learn, kept as what they are fitted to and fitted anew wherever they are needed.

An estimator has no safe file format of its own: its pickle runs code when it is read. Its parameters, the seed and the
training rows give the same estimator again, in the seconds it takes to fit.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import sklearn
import torch
from sklearn.base import ClassifierMixin, RegressorMixin
from torch import Tensor

from andor.errors import UserError
from andor.files import first_line
from andor.models import listed
from andor.models.loaded import TableClassifier, logits_of


class Estimator(TableClassifier):
    """A fitted classifier of scikit-learn; log-probabilities are its logits, predictions those of a regressor.

    Probabilities are kept away from 0 and 1 (see `andor.models.loaded.PROBABILITY`). An estimator without probabilities
    gives its decision function: one for two labels, else one for each.

    Attributes
    ----------
    training
        The rows it was fitted to: `features` (rows, F) float32 and `labels` (rows,) int64, float32 of a regressor.
    """

    def __init__(self, description: dict[str, Any], training: dict[str, Tensor]) -> None:
        # Weights of a module that does nothing: what there is to hash and to count are the training rows.
        super().__init__(torch.nn.Module(), description | {"scikit_learn": sklearn.__version__}, None)
        self.training = training
        for name, tensor in training.items():
            self.network.register_buffer(name, tensor)
        self.mean = training["features"].mean(dim=0)
        self.estimator = fitted(description, training)
        self.gives = "probabilities" if hasattr(self.estimator, "predict_proba") else "logits"

    @property
    def device(self) -> torch.device:
        """scikit-learn computes on the CPU."""
        return torch.device("cpu")

    def outputs(self, inputs: Tensor) -> Tensor:
        """Probabilities (B, classes), or else the decision function, of features (B, F) float32; predictions (B, 1)."""
        features = inputs.cpu().numpy()
        if self.training["labels"].is_floating_point():
            called = self.estimator.predict
        elif self.gives == "probabilities":
            called = self.estimator.predict_proba
        else:
            called = self.estimator.decision_function
        return torch.from_numpy(called(features).reshape(len(features), -1))

    def logits(self, inputs: Tensor) -> Tensor:
        """Logits (B, classes), or predictions (B, 1), of features (B, F), both float32."""
        return logits_of(self.outputs(inputs), self.gives).float()


def kind_of(name: str, parameters: Iterable[str], wanted: str) -> type[Any]:
    """The class of a name, of a wanted kind; only its own module is imported, as all take many seconds.

    Raises
    ------
    UserError
        If there is none, or it does not take one of the parameters.
    """
    if fault := next(listed.faults(name, parameters, wanted), None):
        raise UserError(fault)
    place = listed.classes()[name].file.relative_to(Path(sklearn.__path__[0]).parent).with_suffix("")
    return getattr(import_module(".".join(place.parts)), name)


def fitted(description: dict[str, Any], training: dict[str, Tensor]) -> ClassifierMixin | RegressorMixin:
    """A classifier, or a regressor where labels are numbers, fitted.

    Raises
    ------
    UserError
        If there is no such class, or it does not take the parameters or the rows.
    """
    name = description["estimator"]
    parameters = {key: _by_label(value) for key, value in description["parameters"].items()}
    kind = kind_of(name, parameters, "regressor" if training["labels"].is_floating_point() else "classifier")
    if parameters.get("decision_function_shape") == "ovo" and len(training["labels"].unique()) > 2:
        raise UserError(
            "`parameters.decision_function_shape: ovo` gives a number for each pair of classes, not for each class; "
            "take it away"
        )
    if "random_state" in inspect.signature(kind).parameters:
        parameters.setdefault("random_state", description["seed"])
    try:
        return kind(**parameters).fit(training["features"].numpy(), training["labels"].numpy())
    except (TypeError, ValueError) as error:
        raise UserError(f"`estimator: {name}` cannot be fitted ({first_line(error)}); change `parameters`") from None


def _by_label(value: Any) -> Any:
    """A parameter with numbers for labels again, which are texts in JSON."""
    if isinstance(value, dict) and all(re.fullmatch(r"-?\d+", key) for key in value):
        return {int(key): inner for key, inner in value.items()}
    return value
