"""Pretrained image classifiers of torchvision, transformers and timm, from local files only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from andor.errors import UserError
from andor.files import first_line
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
    folder = source if source.is_dir() else source.parent
    if library == "timm":
        settings = timm_settings(architecture, folder)
        found: dict[str, Any] = {key: list(settings[key]) for key in IMAGENET}
    elif library == "torchvision":
        found = IMAGENET | _scale(architecture)
    else:
        found = IMAGENET | _processed(folder)
    found |= own
    if len(found["mean"]) != len(found["std"]):
        raise UserError(f"`mean: {found['mean']}` and `std: {found['std']}` differ in length; mend one")
    return found


def published(architecture: str | None) -> list[Any]:
    """torchvision's own weights of an architecture, those with a head, if all of them want images of the same scale."""
    from torchvision import models

    if architecture not in models.list_models(module=models):
        return []
    headed = [weights for weights in models.get_model_weights(architecture) if weights.meta["categories"]]
    made = [weights.transforms() for weights in headed]
    same = all((each.mean, each.std) == (made[0].mean, made[0].std) for each in made)
    return headed if same else []


def _scale(architecture: str | None) -> dict[str, list[float]]:
    """Mean and standard deviation of torchvision's own weights of an architecture."""
    made = [weights.transforms() for weights in published(architecture)[:1]]
    return {key: list(map(float, getattr(each, key))) for each in made for key in IMAGENET}


def timm_settings(architecture: str, folder: Path) -> dict[str, Any]:
    """What timm makes images of that a model reads: by the `config.json` in a folder, or else by its architecture.

    Raises
    ------
    UserError
        If timm is not installed, or the file cannot be read.
    """
    stated = timm_config(folder)
    _import_timm()
    from timm.data import resolve_data_config
    from timm.models import get_pretrained_cfg

    known = get_pretrained_cfg(architecture)
    settings = (known.to_dict() if known else {}) | stated.get("pretrained_cfg", stated)  # which older folders lack
    return resolve_data_config({}, pretrained_cfg=settings)


def timm_config(folder: Path) -> dict[str, Any]:
    """timm's `config.json` in a folder; nothing without one."""
    path = folder / "config.json"
    try:
        stated = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        inner = stated.get("pretrained_cfg", stated)
        for key in IMAGENET if inner.keys() & IMAGENET.keys() else ():
            inner[key]
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UserError(f"{path}: no mean and standard deviation ({error}); set `mean` and `std`") from None
    return stated


def _import_timm() -> Any:
    try:
        import timm
    except ImportError:
        raise UserError("`library: timm` is not installed; run `pip install timm`") from None
    return timm


def processor_of(folder: Path, backend: str | None = None) -> Any:
    """What makes inputs of images, by the files of transformers in a folder, its best way or a `backend`; or None."""
    from transformers import AutoImageProcessor

    try:
        return AutoImageProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, backend=backend
        )
    except (OSError, ValueError, KeyError, ImportError):
        return None


def _processed(folder: Path) -> dict[str, Any]:
    """Mean, standard deviation and order of channels of images in [0, 1], as the processor in a folder has them.

    They are seen from what it makes of a black, a white and a red image, whatever its keys mean in which version.

    Raises
    ------
    UserError
        If there is a file that says so, but it cannot be used.
    """
    path, processor = folder / "preprocessor_config.json", processor_of(folder)
    if processor is None and not path.is_file():
        return {}
    try:
        if processor is None:
            stated = json.loads(path.read_text(encoding="utf-8"))
            return {"mean": list(stated["image_mean"]), "std": list(stated["image_std"])}
        images = [Image.new("RGB", (64, 64), colour) for colour in ("black", "white", "red")]
        made = processor(images, do_resize=False, do_center_crop=False, return_tensors="pt")["pixel_values"]
        black, white, red = made.double().mean(dim=(2, 3))
        spread = 1 / (white - black)
        seen = {"mean": (-black * spread).tolist(), "std": spread.tolist()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: no mean and standard deviation ({error}); set `mean` and `std`") from None
    order = {"flipped": True} if (red - black).abs().argmax() == 2 else {}
    return order | {key: [float(f"{value:.6g}") for value in values] for key, values in seen.items()}


def network_from(
    library: str, architecture: str, source: Path, more: Mapping[str, Any] | None = None
) -> tuple[nn.Module, int]:
    """Network of torchvision or timm with the weights of a state dict, and the number of its logits (see `build`).

    Raises
    ------
    UserError
        If the architecture is unknown or the weights are not its own.
    """
    state = read_state(source)
    network = build(library, architecture, None, more)
    classes = classes_of(network, state)
    if classes is not None:
        network = build(library, architecture, classes, more)
    fill(network, state, source)
    return network, classes


def build(
    library: str, architecture: str, classes: int | None = None, more: Mapping[str, Any] | None = None
) -> nn.Module:
    """An architecture of torchvision or timm with new weights, by its name; 1,000 classes or whatever it has if unset.

    Parameters
    ----------
    more
        Arguments of timm's architecture.

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
    timm = _import_timm()
    try:
        return timm.create_model(architecture, pretrained=False, **options, **(more or {}))
    except (RuntimeError, TypeError) as error:
        raise UserError(f"`architecture: {architecture}`: {first_line(error)}") from None
