"""Pretrained image classifiers of torchvision, transformers and timm, from local files only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from andor.errors import UserError
from andor.models.states import classes_of, fill, read_state

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
"""Mean and standard deviation of ImageNet's channels, by which torchvision's and timm's images are normalised."""


class Normalised(nn.Module):
    """A network on images in [0, 1]: grey ones are given to all its channels, and channels are normalised first."""

    def __init__(self, network: nn.Module, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).reshape(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes) of images (B, C, H, W)."""
        outputs = self.network((images.expand(-1, len(self.mean), -1, -1) - self.mean) / self.std)
        return getattr(outputs, "logits", outputs)


def normalisation(library: str, source: Path, given: Mapping[str, Sequence[float] | None]) -> dict[str, list[float]]:
    """Mean and standard deviation of each channel: as given, as files beside the weights state them, or ImageNet's.

    Raises
    ------
    UserError
        If mean and standard deviation are not of as many channels.
    """
    found = IMAGENET | _stated(library, source if source.is_dir() else source.parent)
    found |= {key: list(value) for key, value in given.items() if value is not None}
    if len(found["mean"]) != len(found["std"]):
        raise UserError(f"`mean: {found['mean']}` and `std: {found['std']}` differ in length; mend one")
    return found


def _stated(library: str, folder: Path) -> dict[str, list[float]]:
    """Mean and standard deviation that a file beside the weights states, if there is one that does."""
    timm = library == "timm" and (folder / "config.json").is_file()
    path = folder / ("config.json" if timm else "preprocessor_config.json")
    if not path.is_file():
        return {}
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        if timm:
            stated = stated.get("pretrained_cfg", stated)  # which older folders do without
            return {key: stated[key] for key in IMAGENET if stated.keys() & IMAGENET.keys()}
        if not stated.get("do_normalize", True):
            return {"mean": [0.0] * 3, "std": [1.0] * 3}
        return {key: stated[f"image_{key}"] for key in IMAGENET}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: no mean and standard deviation ({error}); set `mean` and `std`") from None


def network_from(library: str, architecture: str, source: Path) -> tuple[nn.Module, int]:
    """Network of torchvision or timm with the weights of a state dict, and the number of its logits.

    Raises
    ------
    UserError
        If the architecture is unknown or the weights are not its own.
    """
    state = read_state(source)
    network = build(library, architecture)
    classes = classes_of(network, state)
    if classes is not None:
        network = build(library, architecture, classes)
    fill(network, state, source)
    return network, classes


def build(library: str, architecture: str, classes: int | None = None) -> nn.Module:
    """An architecture of torchvision or timm with new weights, by its name; 1,000 classes or whatever it has if unset.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    options = {} if classes is None else {"num_classes": classes}
    if library == "torchvision":
        from torchvision import models

        if architecture not in models.list_models(module=models):
            raise UserError(f"`architecture: {architecture}`: torchvision has no classifier of that name")
        return models.get_model(architecture, weights=None, **options)
    try:
        import timm
    except ImportError:
        raise UserError("`library: timm` is not installed; run `pip install timm`") from None
    try:
        return timm.create_model(architecture, pretrained=False, **options)
    except RuntimeError as error:
        raise UserError(f"`architecture: {architecture}`: {error}") from None
