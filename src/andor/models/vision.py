"""Pretrained image classifiers of torchvision, transformers and timm, from local files only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from andor.errors import UserError
from andor.models.states import classes_of, fill, read_state

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
"""Mean and standard deviation of ImageNet's channels, by which torchvision's and timm's images are normalised."""


class Normalised(nn.Module):
    """A network on images in [0, 1]: grey ones are given to all its channels, and channels are normalised first.

    Attributes
    ----------
    flipped
        Whether it reads channels from blue to red.
    """

    def __init__(self, network: nn.Module, mean: list[float], std: list[float], flipped: bool = False) -> None:
        super().__init__()
        self.network, self.flipped = network, flipped
        self.register_buffer("mean", torch.tensor(mean).reshape(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes) of images (B, C, H, W)."""
        channels = images.expand(-1, len(self.mean), -1, -1)
        outputs = self.network(((channels.flip(1) if self.flipped else channels) - self.mean) / self.std)
        return getattr(outputs, "logits", outputs)


def normalisation(
    library: str, source: Path, given: Mapping[str, Sequence[float] | None], architecture: str | None = None
) -> dict[str, Any]:
    """Mean and standard deviation of each channel: as given, stated by files beside the weights, or published.

    `flipped` is among them, and true, if the model reads channels from blue to red.

    Raises
    ------
    UserError
        If mean and standard deviation are not of as many channels.
    """
    own = {key: list(value) for key, value in given.items() if value is not None}
    found: dict[str, Any] = IMAGENET | _published(library, architecture)
    found |= _stated(library, source if source.is_dir() else source.parent, complete=own.keys() == IMAGENET.keys())
    found |= own
    if len(found["mean"]) != len(found["std"]):
        raise UserError(f"`mean: {found['mean']}` and `std: {found['std']}` differ in length; mend one")
    return found


def _published(library: str, architecture: str | None) -> dict[str, list[float]]:
    """Mean and standard deviation of torchvision's own weights of an architecture, if all of them have the same."""
    from torchvision import models

    if library != "torchvision" or architecture not in models.list_models(module=models):
        return {}
    whole = (weights for weights in models.get_model_weights(architecture) if weights.meta["categories"])
    made = [weights.transforms() for weights in whole]  # some of VGG have no head
    scales = [{key: list(map(float, getattr(each, key))) for key in IMAGENET} for each in made]
    return scales[0] if scales and all(scale == scales[0] for scale in scales) else {}


def _stated(library: str, folder: Path, complete: bool) -> dict[str, Any]:
    """What a file beside the weights states, if there is one; mean and standard deviation unless they are given."""
    timm = library == "timm" and (folder / "config.json").is_file()
    path = folder / ("config.json" if timm else "preprocessor_config.json")
    if not path.is_file():
        return {}
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        if timm:
            stated = stated.get("pretrained_cfg", stated)  # which older folders do without
            return {key: stated[key] for key in IMAGENET if stated.keys() & IMAGENET.keys()}
        return _processed({"do_normalize": True} | stated | _completed(folder), complete)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: no mean and standard deviation ({error}); set `mean` and `std`") from None


def _completed(folder: Path) -> dict[str, Any]:
    """What the processor of a folder does where its file does not say it; nothing if it is none of transformers."""
    from transformers import AutoImageProcessor

    try:
        found = AutoImageProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError):
        return {}
    return found.to_dict()


def _processed(stated: Mapping[str, Any], complete: bool) -> dict[str, Any]:
    """Mean, standard deviation and order of channels of images in [0, 1], as a processor of transformers has them."""
    order = {"flipped": True} if stated.get("do_flip_channel_order") else {}
    if complete:
        return order
    # It multiplies pixels of 0 to 255 by a factor, may take 1 away, and normalises what it gets.
    whole = 255 * stated.get("rescale_factor", 1 / 255) if stated.get("do_rescale", True) else 255
    below = 1.0 if stated.get("rescale_offset") else 0.0
    mean, std = (stated["image_mean"], stated["image_std"]) if stated["do_normalize"] else ([0.0] * 3, [1.0] * 3)
    return order | {"mean": [(value + below) / whole for value in mean], "std": [value / whole for value in std]}


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
    options: dict[str, Any] = {} if classes is None else {"num_classes": classes}
    if library == "torchvision":
        from torchvision import models

        if architecture not in models.list_models(module=models):
            raise UserError(f"`architecture: {architecture}`: torchvision has no classifier of that name")
        if architecture in ("inception_v3", "googlenet"):
            # As with torchvision's own weights: they want another scale, and heads for training are left away.
            options |= {"transform_input": True, "aux_logits": False, "init_weights": False}
        return models.get_model(architecture, weights=None, **options)
    try:
        import timm
    except ImportError:
        raise UserError("`library: timm` is not installed; run `pip install timm`") from None
    try:
        return timm.create_model(architecture, pretrained=False, **options)
    except RuntimeError as error:
        raise UserError(f"`architecture: {architecture}`: {error}") from None
