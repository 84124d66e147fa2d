"""Multilayer perceptrons for tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from andor.models.family import TrainedOnArrays
from andor.models.settings import Training
from andor.settings import PositiveInt

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from andor.models.loaded import TableClassifier


class MLP(TrainedOnArrays):
    """A multilayer perceptron for tables (ICML 2023), trained from scratch: one logit for two labels, else one each.

    Where the label is a number to predict, it learns that by mean squared error.
    """

    place: ClassVar = 4
    reads: ClassVar = {"table"}
    predicts_numbers: ClassVar = True
    family: Literal["mlp"]
    """Kind of model."""
    layers: Annotated[int, Field(ge=2, le=10)] = 5
    """Linear layers, the last one included."""
    width: PositiveInt = 100
    """Units of each hidden layer."""
    residual: bool = False
    """Add to each inner layer its own input (ResMLP)."""
    sigmoid: bool = False
    """End the last hidden layer in a sigmoid instead of a rectifier."""
    training: Training = Training()
    """How to train it."""

    def described(self) -> dict[str, Any]:
        """The family, and what makes the network."""
        return {"family": self.family, "network": self.model_dump(include={"layers", "width", "residual", "sigmoid"})}

    @classmethod
    def untrained(cls, description: dict[str, Any], mean: Tensor, device: torch.device) -> TableClassifier:
        """A classifier of features with new weights."""
        from andor.models import architectures
        from andor.models.loaded import TableClassifier

        (features,) = description["shape"]
        network = architectures.MLP(features, outputs=description["outputs"], **description["network"])
        if target := description.get("target"):
            network = architectures.InUnits(network, **target)
        return TableClassifier(network.to(device), description, mean.to(device))
