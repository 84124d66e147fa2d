"""Image classifiers that are trained from scratch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from andor.data.reader import said
from andor.models.family import TrainedOnArrays
from andor.models.settings import Masked, Training, smallest_side

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch import Tensor

    from andor.data.reader import Reader
    from andor.models import loaded


class ImageClassifier(TrainedOnArrays):
    """An image classifier trained from scratch: one logit for two labels, else one for each."""

    place: ClassVar = 2
    reads: ClassVar = {"image"}
    memory_mb: ClassVar = 2500
    family: Literal["image_classifier"]
    """Kind of model."""
    architecture: Literal[
        "lenet",
        "resnet20", "resnet32", "resnet44", "resnet56", "resnet110",
        "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn",
        "alexnet", "resnet18", "resnet34", "resnet50",
    ]  # fmt: skip
    """LeNet-5, CIFAR-style ResNets (20 to 110 layers), torchvision's VGGs with a one-layer head, and torchvision's
    AlexNet and ResNets (18, 34, 50 layers) for larger images."""
    training: Training = Training()
    """How to train it."""

    def misfits(self, name: str, data: Reader, masking: Masked) -> Iterator[str]:
        """Images of which its pooling leaves nothing."""
        yield from super().misfits(name, data, masking)
        if data.shape is not None and min(data.shape) < (smallest := smallest_side(self.architecture)):
            yield (
                f"model `{name}` ({self.architecture}) needs images of at least {smallest} pixels a side, "
                f"data.size is {said(data.shape)}; raise it"
            )

    @property
    def title(self) -> str:
        """Name of the architecture."""
        return self.architecture

    def described(self) -> dict[str, Any]:
        """The family, and what makes the network."""
        return {"family": self.family, "architecture": self.architecture}

    @classmethod
    def untrained(cls, description: dict[str, Any], mean: Tensor, device: torch.device) -> loaded.ImageClassifier:
        """A classifier of images with new weights."""
        from andor.models import loaded
        from andor.models.architectures import image_network

        network = image_network(description["architecture"], description["shape"], description["outputs"])
        return loaded.ImageClassifier(network.to(device), description, mean.to(device))

    def varied(self, inputs: Tensor) -> Tensor:
        """Images moved by a few pixels."""
        from andor.models.training import shifted

        return shifted(inputs)
