"""Models on disk: weights as safetensors, a JSON that describes them, and the tokenizer where there is one.

transformers models keep the layout of transformers. Nothing is unpickled, and no code that came with a model is run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging as transformers_logging

from andor import config
from andor.errors import UserError
from andor.models.architectures import TextCNN, image_network
from andor.models.loaded import ImageClassifier, LanguageModel, LoadedModel, TextClassifier, TextModel
from andor.store import link_or_copy, replacing

DESCRIPTION = "model.json"
WEIGHTS = "model.safetensors"


def save(model: LoadedModel, folder: Path) -> None:
    """Write a trained model into a folder, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(model, TextModel):
        model.tokenizer.save_pretrained(folder)
    if isinstance(model.network, PreTrainedModel):
        with quiet():
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

    Raises
    ------
    UserError
        If its weights are no safetensors, or an encoder does not classify into two classes.
    """
    settings = transformers_config(source)
    if not list(source.glob("*.safetensors")):
        raise UserError(
            f"`source: {model.source}`: {source} has no *.safetensors, and pickles are not read; name another revision"
        )
    if isinstance(model, config.TextEncoder):
        classifies = any(name.endswith("ForSequenceClassification") for name in settings.architectures or [])
        if not classifies or settings.num_labels != 2:
            raise UserError(
                f"`source: {model.source}` is no classifier with two labels; set `training` to fine-tune it"
            )
        _keep_layers(settings, model)
    for file in sorted(source.iterdir()):
        if file.is_file() and file.suffix in (".safetensors", ".json", ".txt", ".model"):
            link_or_copy(file, folder / file.name)
    if isinstance(model, config.TextEncoder) and model.layers is not None:
        (folder / "config.json").unlink()  # a link to the source, which stays as it is
        settings.save_pretrained(folder)
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
    match family:
        case "image_classifier":
            weights = _weights(folder)
            mean_image = weights.pop("mean_image")
            network = image_network(description["architecture"], mean_image.shape)
            _fill(network, weights, folder)
            return ImageClassifier(network.to(device), description, mean_image.to(device))
        case "text_cnn":
            network = TextCNN(**description["network"])
            _fill(network, _weights(folder), folder)
            return TextClassifier(network.to(device), description, tokenizer(folder))
        case "text_encoder":
            network = pretrained(AutoModelForSequenceClassification, folder, complete=True)
            return TextClassifier(network.to(device), description, tokenizer(folder))
        case "causal_lm":
            network = pretrained(
                AutoModelForCausalLM, folder, complete=True, dtype=getattr(torch, description["dtype"])
            )
            return LanguageModel(network.to(device), description, tokenizer(folder))
    raise UserError(f"{folder / DESCRIPTION}: unknown family `{family}`; delete the folder and run again")


def description(model: config.Model, **more: Any) -> dict[str, Any]:
    """What `load` needs to know of a model, and nothing about its training: it is part of the digest."""
    match model:
        case config.ImageClassifier():
            more["architecture"] = model.architecture
        case config.CausalLM():
            more["dtype"] = model.dtype
    return {"family": model.family, **more}


# ---------------------------------------------------------------------------------------------- transformers


def tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The fast tokenizer of a folder in the layout of transformers."""
    try:
        found = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_fast=True)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{folder}: no tokenizer ({_first_line(error)}); name a folder with tokenizer.json") from None
    if not found.is_fast:
        raise UserError(f"{folder}: its tokenizer has no fast version; name a folder with tokenizer.json")
    if len(found) == len(found.all_special_ids):  # what transformers makes of a folder without a vocabulary
        raise UserError(f"{folder}: no tokenizer; name a folder with tokenizer.json")
    return found


def transformers_config(folder: Path) -> Any:
    """The config.json of a folder in the layout of transformers."""
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{folder}: no readable config.json ({_first_line(error)}); name a folder in the layout of transformers"
        ) from None


def pretrained_encoder(model: config.TextEncoder, source: Path) -> PreTrainedModel:
    """An encoder with pretrained weights, its first `layers` only, and a new head with two classes."""
    settings = transformers_config(source)
    _keep_layers(settings, model)
    settings.num_labels = 2
    return pretrained(AutoModelForSequenceClassification, source, config=settings, ignore_mismatched_sizes=True)


def pretrained(
    kind: type, folder: Path, *, complete: bool = False, dtype: torch.dtype = torch.float32, **options: Any
) -> PreTrainedModel:
    """A transformers model from local safetensors; ``complete`` refuses a file that lacks weights of the network."""
    try:
        with quiet():
            network, report = kind.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=dtype,
                output_loading_info=True, **options,
            )  # fmt: skip
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise UserError(
            f"{folder}: weights cannot be read ({_first_line(error)}); fetch or train the model again"
        ) from None
    if complete and report["missing_keys"]:
        raise UserError(
            f"{folder}: has no weights {', '.join(sorted(report['missing_keys'])[:3])}; fetch or train the model again"
        )
    return network


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no list of unused weights from transformers: both are expected here."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        transformers_logging.enable_progress_bar()


def exact_arithmetic() -> None:
    """Full float32 products (no TF32) and, wherever torch has them, algorithms that give the same bits every time."""
    torch.backends.fp32_precision = "ieee"
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)  # CUDA has none for some gradients, such as max-pooling's
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a tenth of the time


# --------------------------------------------------------------------------------------------------- helpers


def _keep_layers(settings: Any, model: config.TextEncoder) -> None:
    if model.layers is None:
        return
    if model.layers > settings.num_hidden_layers:
        raise UserError(f"layers {model.layers}: `{model.source}` has only {settings.num_hidden_layers}; lower it")
    settings.num_hidden_layers = model.layers


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"{folder / WEIGHTS}: missing or damaged ({_first_line(error)}); delete the folder and run again"
        ) from None


def _fill(network: nn.Module, weights: dict[str, torch.Tensor], folder: Path) -> None:
    try:
        network.load_state_dict({name.removeprefix("network."): weight for name, weight in weights.items()})
    except RuntimeError as error:
        raise UserError(
            f"{folder / WEIGHTS}: does not fit {DESCRIPTION} ({_first_line(error)}); delete the folder and run again"
        ) from None


def _describe(description: dict[str, Any], folder: Path) -> None:
    with replacing(folder / DESCRIPTION) as temporary:
        temporary.write_text(json.dumps(description, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
