"""PointConv for point clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from andor.models.family import TrainedOnPoints

if TYPE_CHECKING:
    from torch import nn


class PointConv(TrainedOnPoints):
    """PointConv, trained from scratch: one logit for two labels, else one each.

    It convolves points with weights that are a function of place, scaled by the inverse of their density.
    """

    family: Literal["pointconv"]
    """Kind of model."""

    @classmethod
    def network(cls, description: dict[str, Any]) -> nn.Module:
        """The network with new weights."""
        from andor.models import points

        return points.PointConv(description["outputs"])
