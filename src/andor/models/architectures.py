"""Networks that are trained from scratch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from andor.config import smallest_side
from andor.errors import UserError

VGG_LAYERS = {"vgg11_bn": "A", "vgg13_bn": "B", "vgg16_bn": "D", "vgg19_bn": "E"}


def image_network(architecture: str, shape: Sequence[int]) -> nn.Module:
    """Network from images (B, C, H, W) to one logit (B, 1); ``shape`` is (C, H, W).

    Raises
    ------
    UserError
        If the images are too small for it.
    """
    channels, side, _ = shape
    smallest = smallest_side(architecture)
    if side < smallest:
        raise UserError(f"data.size {side}: {architecture} needs images of at least {smallest} pixels a side; raise it")
    if architecture == "lenet":
        return lenet(channels, side)
    if architecture in VGG_LAYERS:
        return vgg_bn(VGG_LAYERS[architecture], channels)
    return cifar_resnet(int(architecture.removeprefix("resnet")), channels)


def lenet(channels: int, side: int) -> nn.Sequential:
    """LeNet-5 with rectifiers and max-pooling."""
    last = ((side - 4) // 2 - 4) // 2
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * last * last, 120), nn.ReLU(),
        nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, 1),
    )  # fmt: skip


def vgg_bn(layers: str, channels: int) -> nn.Sequential:
    """torchvision's VGG with batch norm, its three dense layers (made for 224 pixels) replaced by one."""
    from torchvision.models import vgg  # text jobs need no torchvision, which takes seconds to import

    features = vgg.make_layers(vgg.cfgs[layers], batch_norm=True)
    features[0] = nn.Conv2d(channels, 64, 3, padding=1)
    return _he(nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1)))


def cifar_resnet(depth: int, channels: int) -> nn.Sequential:
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
    return _he(nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1)))


class TextCNN(nn.Module):
    """Kim's (2014) sentence classifier: convolutions over word pieces, maxima over time, dropout, a dense layer."""

    def __init__(self, vocabulary: int, width: int, filters: int, kernels: Sequence[int], classes: int = 2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        # Each sentence has kernel − 1 zeros at either end, so that every kernel fits on every sentence.
        self.convolutions = nn.ModuleList(nn.Conv1d(width, filters, kernel, padding=kernel - 1) for kernel in kernels)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(filters * len(kernels), classes)

    def forward(self, embeddings: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes) from embeddings (B, L, width); ``mask`` (B, L) is 1 on word pieces and 0 on padding."""
        if mask is None:
            mask = embeddings.new_ones(embeddings.shape[:2])
        sequence = (embeddings * mask.unsqueeze(-1)).transpose(1, 2)
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
