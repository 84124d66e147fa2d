"""Networks that are trained from scratch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from andor.errors import UserError
from andor.models.settings import smallest_side

VGG_LAYERS = {"11": "A", "13": "B", "16": "D", "19": "E"}


def image_network(architecture: str, shape: Sequence[int], outputs: int = 1) -> nn.Module:
    """Network from images (B, C, H, W) to logits (B, outputs); ``shape`` is (C, H, W).

    Raises
    ------
    UserError
        If the images are too small for it.
    """
    channels, height, width = shape
    smallest = smallest_side(architecture)
    if (side := min(height, width)) < smallest:
        raise UserError(f"data.size {side}: {architecture} needs images of at least {smallest} pixels a side; raise it")
    if architecture == "lenet":
        return lenet(channels, height, width, outputs)
    if architecture.startswith("vgg"):
        return vgg(VGG_LAYERS[architecture[3:5]], channels, outputs, batch_norm=architecture.endswith("_bn"))
    if architecture in ("alexnet", "resnet18", "resnet34", "resnet50"):
        return torchvision_network(architecture, channels, outputs)
    return cifar_resnet(int(architecture.removeprefix("resnet")), channels, outputs)


def lenet(channels: int, height: int, width: int, outputs: int = 1) -> nn.Sequential:
    """LeNet-5 with rectifiers and max-pooling."""
    last_height, last_width = (((side - 4) // 2 - 4) // 2 for side in (height, width))
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * last_height * last_width, 120), nn.ReLU(),
        nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, outputs),
    )  # fmt: skip


def vgg(layers: str, channels: int, outputs: int = 1, batch_norm: bool = True) -> nn.Sequential:
    """torchvision's VGG, its three dense layers (made for 224 pixels) replaced by one."""
    from torchvision.models import vgg as published  # text jobs need no torchvision, which takes seconds to import

    features = published.make_layers(published.cfgs[layers], batch_norm=batch_norm)
    features[0] = nn.Conv2d(channels, 64, 3, padding=1)
    return _he(nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, outputs)))


def torchvision_network(architecture: str, channels: int, outputs: int = 1) -> nn.Module:
    """torchvision's AlexNet or ResNet with a first layer for so many channels."""
    from torchvision.models import get_model

    network = get_model(architecture, weights=None, num_classes=outputs)
    if channels != 3:
        holder, name = (network.features, "0") if architecture == "alexnet" else (network, "conv1")
        first = getattr(holder, name)
        setattr(holder, name, nn.Conv2d(
            channels, first.out_channels, first.kernel_size, first.stride, first.padding, bias=first.bias is not None,
        ))  # fmt: skip
    return network


def cifar_resnet(depth: int, channels: int, outputs: int = 1) -> nn.Sequential:
    """ResNet for small images (He et al. 2016, section 4.2): stages of 16, 32 and 64 filters, depth = 6·blocks + 2.

    Where a stage halves the image its shortcut is a 1×1 convolution (their option B).
    """
    from torchvision.models.resnet import BasicBlock, conv1x1, conv3x3

    stages: list[nn.Module] = [conv3x3(channels, 16), nn.BatchNorm2d(16), nn.ReLU()]
    width = 16
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        for block in range((depth - 2) // 6):
            first = block == 0 and stride == 2
            shortcut = nn.Sequential(conv1x1(width, filters, stride), nn.BatchNorm2d(filters)) if first else None
            stages.append(BasicBlock(width, filters, stride if first else 1, shortcut))
            width = filters
    return _he(nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, outputs)))


class MLP(nn.Module):
    """Multilayer perceptron, or ResMLP, of ICML 2023: rectifiers between linear layers, the last of which is the head.

    In a ResMLP each layer but the first and the last adds its input before its rectifier.
    """

    def __init__(
        self, features: int, layers: int, width: int, outputs: int, residual: bool = False, sigmoid: bool = False
    ) -> None:
        super().__init__()
        self.residual = residual
        self.first = nn.Linear(features, width)
        self.inner = nn.ModuleList(nn.Linear(width, width) for _ in range(layers - 2))
        self.last = nn.Sigmoid() if sigmoid else nn.ReLU()
        self.head = nn.Linear(width, outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (B, outputs) of features (B, F)."""
        hidden = self.first(features)
        for layer in self.inner:
            hidden = hidden.relu()
            hidden = layer(hidden) + hidden if self.residual else layer(hidden)
        return self.head(self.last(hidden))


class InUnits(nn.Module):
    """A network of standardised numbers, its predictions in the units of the target: mean + spread · output."""

    def __init__(self, network: nn.Module, mean: float, spread: float) -> None:
        super().__init__()
        self.network, self.mean, self.spread = network, mean, spread

    def forward(self, inputs: Tensor) -> Tensor:
        """Predictions (B, outputs)."""
        return self.mean + self.spread * self.network(inputs)


class PointNet(nn.Module):
    """PointNet (Qi et al. 2017) without its alignment networks: layers that all points share, a maximum over points."""

    def __init__(self, coordinates: int, width: int, outputs: int) -> None:
        super().__init__()
        self.shared = nn.Sequential(
            nn.Linear(coordinates, width), nn.ReLU(),
            nn.Linear(width, 2 * width), nn.ReLU(),
            nn.Linear(2 * width, 4 * width), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Linear(4 * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, outputs))

    def forward(self, points: Tensor) -> Tensor:
        """Logits (B, outputs) of points (B, P, coordinates)."""
        return self.head(self.shared(points).amax(dim=1))


class TextCNN(nn.Module):
    """Kim's (2014) sentence classifier: convolutions over word pieces, maxima over time, dropout, a dense layer."""

    def __init__(self, vocabulary: int, width: int, filters: int, kernels: Sequence[int], classes: int = 2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        # Each sentence has kernel − 1 zeros at either end, so that every kernel fits on every sentence.
        self.convolutions = nn.ModuleList(nn.Conv1d(width, filters, kernel, padding=kernel - 1) for kernel in kernels)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(filters * len(kernels), classes)

    def get_input_embeddings(self) -> nn.Module:
        """The layer from token ids to word embeddings, as networks of transformers give it."""
        return self.embedding

    def forward(self, inputs_embeds: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes) from embeddings (B, L, width); the mask (B, L) is 1 on word pieces and 0 on padding."""
        mask = inputs_embeds.new_ones(inputs_embeds.shape[:2]) if attention_mask is None else attention_mask
        sequence = (inputs_embeds * mask.unsqueeze(-1)).transpose(1, 2)
        lengths = mask.sum(dim=1, keepdim=True)
        features = []
        for convolution in self.convolutions:
            responses = convolution(sequence)
            extra = convolution.kernel_size[0] - 1
            beyond = torch.arange(responses.shape[-1], device=mask.device) >= lengths + extra
            features.append(responses.masked_fill(beyond.unsqueeze(1), -torch.inf).amax(dim=-1).relu())
        return self.head(self.dropout(torch.cat(features, dim=1)))


def _he(network: nn.Sequential) -> nn.Sequential:
    """Initial weights of He et al. (2015) for the convolutions, as torchvision's own networks have them."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network
