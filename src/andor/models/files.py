"""Models on disk: weights as safetensors, a JSON that describes them, and the tokenizer where there is one.

transformers models keep the layout of transformers. Nothing is unpickled, and no code that came with a model is run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from andor import config
from andor.errors import UserError
from andor.models.architectures import TextCNN, image_network
from andor.models.loaded import ImageClassifier, LanguageModel, LoadedModel, TextClassifier, TextModel
from andor.store import first_line, link_or_copy, replacing

DESCRIPTION = "model.json"
WEIGHTS = "model.safetensors"


def save(model: LoadedModel, folder: Path) -> None:
    """Write a trained model into a folder, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(model, TextModel):
        model.tokenizer.save_pretrained(folder)
    if model.family == "text_encoder":
        from andor.models import pretrained

        with pretrained.quiet():
            model.network.save_pretrained(folder)
    else:
        weights = {f"network.{name}": weight.contiguous() for name, weight in model.network.state_dict().items()}
        if isinstance(model, ImageClassifier):
            weights["mean_image"] = model.mean_image
        with replacing(folder / WEIGHTS) as temporary:
            save_file(weights, temporary)
    _describe(model.description, folder)


def adopt(model: config.TextEncoder | config.CausalLM, source: Path, folder: Path) -> None:
    """Take a pretrained model as it is: its files are linked into a folder (copied where that cannot be).

    Weights that are no safetensors are read once, tensors and nothing else, and written as safetensors; so is a
    language model in a GGUF file.

    Raises
    ------
    UserError
        If there are no readable weights, or an encoder does not classify into two classes.
    """
    from andor.models import pretrained

    if source.is_file() and isinstance(model, config.CausalLM):
        folder.mkdir(parents=True, exist_ok=True)
        pretrained.convert_gguf(model, source, folder)
        _describe(description(model), folder)
        return
    settings = pretrained.settings_of(source)
    if isinstance(model, config.TextEncoder):
        classifies = any(name.endswith("ForSequenceClassification") for name in settings.architectures or [])
        if not classifies or settings.num_labels != 2:
            raise UserError(
                f"`source: {model.source}` is no classifier with two labels; set `training` to fine-tune it"
            )
        pretrained.keep_layers(settings, model)
    folder.mkdir(parents=True, exist_ok=True)
    if not pretrained.has_safetensors(source):
        pretrained.convert(model, source, folder)
    elif isinstance(model, config.TextEncoder) and model.layers is not None:
        settings.save_pretrained(folder)
    for file in sorted(source.iterdir()):
        # What was just written differs from the source, and a link in its place would be the source itself.
        ours = file.suffix in (".safetensors", ".json", ".txt", ".model") and not (folder / file.name).exists()
        if ours and file.is_file():
            link_or_copy(file, folder / file.name)
    _describe(description(model), folder)


def load(folder: Path, device: torch.device | str = "cpu") -> LoadedModel:
    """Read a model that `save` or `adopt` wrote.

    Raises
    ------
    UserError
        If a file is missing or damaged.
    """
    folder = Path(folder)
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        family = description["family"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder / DESCRIPTION}: missing or damaged ({error}); delete the folder and run again"
        ) from None
    device = torch.device(device)
    exact_arithmetic()
    if family == "image_classifier":
        weights = _weights(folder)
        mean_image = weights.pop("mean_image")
        network = image_network(description["architecture"], mean_image.shape)
        _fill(network, weights, folder)
        return ImageClassifier(network.to(device), description, mean_image.to(device))
    from andor.models import pretrained

    match family:
        case "text_cnn":
            network = TextCNN(**description["network"])
            _fill(network, _weights(folder), folder)
            return TextClassifier(network.to(device), description, pretrained.tokenizer(folder))
        case "text_encoder":
            network = pretrained.classifier(folder)
            return TextClassifier(network.to(device), description, pretrained.tokenizer(folder))
        case "causal_lm":
            network = pretrained.language_model(folder, getattr(torch, description["dtype"]))
            return LanguageModel(network.to(device), description, pretrained.tokenizer(folder))
    raise UserError(f"{folder / DESCRIPTION}: unknown family `{family}`; delete the folder and run again")


def description(model: config.Model, **more: Any) -> dict[str, Any]:
    """What `load` needs to know of a model, and nothing about its training: it is part of the digest."""
    match model:
        case config.ImageClassifier():
            more["architecture"] = model.architecture
        case config.CausalLM():
            more["dtype"] = model.dtype
    return {"family": model.family, **more}


def exact_arithmetic() -> None:
    """Full float32 products (no TF32) and, wherever torch has them, algorithms that give the same bits every time."""
    torch.backends.fp32_precision = "ieee"
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)  # CUDA has none for some gradients, such as max-pooling's
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a tenth of the time


# --------------------------------------------------------------------------------------------------- helpers


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"{folder / WEIGHTS}: missing or damaged ({first_line(error)}); delete the folder and run again"
        ) from None


def _fill(network: nn.Module, weights: dict[str, torch.Tensor], folder: Path) -> None:
    try:
        network.load_state_dict({name.removeprefix("network."): weight for name, weight in weights.items()})
    except RuntimeError as error:
        raise UserError(
            f"{folder / WEIGHTS}: does not fit {DESCRIPTION} ({first_line(error)}); delete the folder and run again"
        ) from None


def _describe(description: dict[str, Any], folder: Path) -> None:
    with replacing(folder / DESCRIPTION) as temporary:
        temporary.write_text(json.dumps(description, indent=1, sort_keys=True) + "\n", encoding="utf-8")
