"""PointNets for point clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from andor.models.family import TrainedOnPoints
from andor.settings import PositiveInt

if TYPE_CHECKING:
    from torch import nn


class PointNet(TrainedOnPoints):
    """A small PointNet for point clouds, trained from scratch: one logit for two labels, else one each."""

    family: Literal["pointnet"]
    """Kind of model."""
    width: PositiveInt = 64
    """Units of the first layer that all points share; the second has twice, the third four times as many."""

    def described(self) -> dict[str, Any]:
        """The family, and what makes the network."""
        return {"family": self.family, "width": self.width}

    @classmethod
    def network(cls, description: dict[str, Any]) -> nn.Module:
        """A PointNet with new weights."""
        from andor.models import architectures

        _, coordinates = description["shape"]
        return architectures.PointNet(coordinates, description["width"], description["outputs"])
