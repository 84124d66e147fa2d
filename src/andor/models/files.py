"""Models on disk: weights as safetensors, a JSON that describes them, and the tokenizer where there is one.

transformers models keep the layout of transformers. Nothing is unpickled, and no code that came with a model is run.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from andor import config
from andor.errors import UserError
from andor.files import first_line, link_or_copy, replacing
from andor.models.architectures import MLP, PointNet, TextCNN, image_network
from andor.models.loaded import ArrayClassifier, ImageClassifier, LanguageModel, LoadedModel, TextClassifier, TextModel
from andor.store import array_column, arrays

DESCRIPTION = "model.json"
WEIGHTS = "model.safetensors"
INPUTS = "inputs.safetensors"
"""What is known of a model's inputs: their `mean`."""


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
        _save_tensors(model.network.state_dict(), folder / WEIGHTS)
        if isinstance(model, ArrayClassifier):
            _save_tensors({"mean": model.mean}, folder / INPUTS)
    _describe(model.description, folder)


def adopt(
    model: config.Model,
    source: Path | None,
    folder: Path,
    table: pa.Table | None = None,
    weights: Path | None = None,
    seed: int = 0,
) -> None:
    """Take a model that needs no training here into a folder.

    Parameters
    ----------
    source
        Where its files are: those of transformers are linked (copied where that cannot be). Weights that are no
        safetensors are read once, tensors and nothing else, and written as safetensors.
    table
        The tidy data of a classifier of images, features or points.
    weights
        A state dict that replaces the weights of a text encoder's `source`.
    seed
        Seed of a scikit-learn estimator.

    Raises
    ------
    UserError
        If there are no readable weights, or the model cannot read the data.
    """
    match model:
        case config.PretrainedImageClassifier():
            _adopt_images(model, source, folder)
        case config.ScikitLearn():
            _adopt_estimator(model, folder, table, seed)
        case config.OwnModel():
            _adopt_own(model, source, folder)
        case config.TextEncoder() if weights is not None:
            _adopt_state(model, source, weights, folder)
        case _:
            _adopt_transformers(cast(Any, model), source, folder)
    if table is not None and array_column(table):
        _save_tensors({"mean": mean_input(table.filter(pc.field("split") == "train"))}, folder / INPUTS)
    if table is not None and (array_column(table) or isinstance(model, config.OwnModel)):
        _try(model, folder, table)


def _adopt_transformers(model: config.TextEncoder | config.CausalLM, source: Path, folder: Path) -> None:
    """Link the files of an encoder that classifies, or of a language model."""
    from andor.models import pretrained

    if source.is_file() and isinstance(model, config.CausalLM):
        folder.mkdir(parents=True, exist_ok=True)
        pretrained.convert_gguf(model, source, folder)
        _describe(description(model), folder)
        return
    settings = pretrained.settings_of(source)
    if isinstance(model, config.TextEncoder):
        if not pretrained.classifies(settings) or settings.num_labels != 2:
            raise UserError(
                f"`source: {model.source}` is no classifier with two labels; set `training` to fine-tune it"
            )
        pretrained.keep_layers(settings, model)
    folder.mkdir(parents=True, exist_ok=True)
    if not pretrained.has_safetensors(source):
        pretrained.convert(model, source, folder)
    elif isinstance(model, config.TextEncoder) and model.layers is not None:
        settings.save_pretrained(folder)
    _link(source, folder)
    _describe(description(model), folder)


def _adopt_state(model: config.TextEncoder, source: Path, weights: Path, folder: Path) -> None:
    """A text classifier from a state dict, with configuration and tokenizer of the source."""
    from andor.models import pretrained, states

    network = pretrained.new_classifier(source)
    states.fill(network, states.read_state(weights), weights)
    folder.mkdir(parents=True, exist_ok=True)
    pretrained.tokenizer(source).save_pretrained(folder)
    with pretrained.quiet():
        network.save_pretrained(folder)
    _describe(description(model), folder)


def _adopt_images(model: config.PretrainedImageClassifier, source: Path, folder: Path) -> None:
    from andor.models import pretrained, vision

    described = vision.describe(model, source)
    folder.mkdir(parents=True, exist_ok=True)
    if model.library == "transformers":
        if pretrained.has_safetensors(source):
            _link(source, folder)
        else:
            with pretrained.quiet():
                pretrained.image_classifier(source).save_pretrained(folder)
    else:
        network, classes = vision.network_from(model, source)
        described["classes"] = classes
        _save_tensors(network.state_dict(), folder / WEIGHTS)
    _describe(description(model, **described), folder)


def _adopt_estimator(model: config.ScikitLearn, folder: Path, table: pa.Table, seed: int) -> None:
    rows = table.filter(pc.field("split") == "train")
    training = {
        "features": torch.from_numpy(arrays(rows).copy()),
        "labels": torch.from_numpy(rows["label"].to_numpy().astype(np.int64)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    _save_tensors(training, folder / WEIGHTS)
    more = {"estimator": model.estimator, "parameters": model.parameters, "seed": seed}
    _describe(description(model, **more), folder)


def _adopt_own(model: config.OwnModel, source: Path | None, folder: Path) -> None:
    from andor.models import own

    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model.file, folder / own.CODE)  # a link would change with the file
    for file in [] if source is None else [source] if source.is_file() else sorted(source.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            name = file.name if source.is_file() else file.relative_to(source)
            link_or_copy(file, folder / own.SOURCE / name)
    _describe(description(model, **model.model_dump(include={"load", "outputs", "gives"})), folder)


def _try(model: config.Model, folder: Path, table: pa.Table) -> None:
    """One forward pass, so that a model that cannot read the data says so now."""
    loaded: Any = load(folder)
    try:
        with torch.no_grad():
            logits = loaded.logits(inputs(table.slice(0, 1)))
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:
        raise UserError(
            f"a model of family `{model.family}` cannot read inputs of shape "
            f"{tuple(arrays(table.slice(0, 1)).shape[1:])} ({first_line(error)}); change the data or the model"
        ) from None
    labels = int(np.max(table["label"].to_numpy())) + 1
    if max(logits.shape[1], 2) < labels:
        raise UserError(
            f"a model of family `{model.family}` has {logits.shape[1]} logits and the data {labels} labels; "
            "set `data.positive` or use another model"
        )


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
    return _loaded(family, folder, description, torch.device(device))


def load_transformers(folder: Path, device: torch.device | str = "cpu", dtype: str = "float32") -> LoadedModel:
    """Read a text classifier or a language model in the layout of transformers where it stands.

    Parameters
    ----------
    dtype
        Precision of a language model.

    Raises
    ------
    UserError
        If a file is missing or damaged, or a classifier has other than two labels or reduced precision is asked of it.
    """
    from andor.models import pretrained

    settings = pretrained.settings_of(folder)
    if not pretrained.classifies(settings):
        made = description(config.CausalLM(family="causal_lm", source="folder", dtype=cast(Any, dtype)))
    elif settings.num_labels != 2:
        raise UserError(f"{folder}: classifies texts by {settings.num_labels} labels; name a classifier with two")
    elif dtype != "float32":
        raise UserError(f"{folder}: is a text classifier, {dtype} is for language models; take it away")
    else:
        made = description(config.TextEncoder(family="text_encoder", source="folder"))
    return _loaded(made["family"], folder, made, torch.device(device))


def _loaded(family: str, folder: Path, description: dict[str, Any], device: torch.device) -> LoadedModel:
    exact_arithmetic()
    if family in ("image_classifier", "mlp", "pointnet"):
        model = array_classifier(description, _mean(folder), device)
        _fill(model.network, _tensors(folder / WEIGHTS), folder)
        return model
    if family == "scikit_learn":
        from andor.models.estimators import Estimator

        return Estimator(description, _tensors(folder / WEIGHTS))
    if family == "own":
        from andor.models.own import OwnModel

        reads_texts = not (folder / INPUTS).exists()
        return OwnModel(folder, description, None if reads_texts else _mean(folder), device)
    from andor.models import pretrained

    match family:
        case "pretrained_image_classifier":
            return _pretrained_image_classifier(folder, description, device)
        case "text_cnn":
            network = TextCNN(**description["network"])
            _fill(network, _tensors(folder / WEIGHTS), folder)
            return TextClassifier(network.to(device), description, pretrained.tokenizer(folder))
        case "text_encoder":
            network = pretrained.classifier(folder)
            return TextClassifier(network.to(device), description, pretrained.tokenizer(folder))
        case "causal_lm":
            network = pretrained.language_model(folder, getattr(torch, description["dtype"]))
            return LanguageModel(network.to(device), description, pretrained.tokenizer(folder))
    raise UserError(f"{folder / DESCRIPTION}: unknown family `{family}`; delete the folder and run again")


def array_classifier(description: dict[str, Any], mean: torch.Tensor, device: torch.device | str) -> ArrayClassifier:
    """A model that is trained here, with new weights drawn from torch's generator."""
    outputs, shape = description["outputs"], description["shape"]
    match description["family"]:
        case "image_classifier":
            network = image_network(description["architecture"], shape, outputs)
            return ImageClassifier(network.to(device), description, mean.to(device))
        case "mlp":
            network = MLP(shape[0], outputs=outputs, **description["network"])
        case "pointnet":
            network = PointNet(shape[1], description["width"], outputs)
    return ArrayClassifier(network.to(device), description, mean.to(device))


def _pretrained_image_classifier(folder: Path, description: dict[str, Any], device: torch.device) -> ImageClassifier:
    from andor.models import pretrained, vision

    if description["library"] == "transformers":
        network = pretrained.image_classifier(folder)
    else:
        network = vision.build(description["library"], description["architecture"], description["classes"])
        _fill(network, _tensors(folder / WEIGHTS), folder)
    network = vision.Normalised(network, description["mean"], description["std"])
    return ImageClassifier(network.to(device), description, _mean(folder).to(device))


def inputs(rows: pa.Table) -> torch.Tensor | list[str]:
    """What a model without a tokenizer reads of rows: float32 (rows, …), or texts."""
    return torch.from_numpy(arrays(rows).copy()) if array_column(rows) else rows["text"].to_pylist()


def mean_input(rows: pa.Table) -> torch.Tensor:
    """Mean over the inputs of a table; of points, over all points."""
    mean = torch.from_numpy(arrays(rows).copy()).mean(dim=0)
    return mean.mean(dim=0) if array_column(rows) == "points" else mean


def description(model: config.Model, **more: Any) -> dict[str, Any]:
    """What `load` needs to know of a model, and nothing about its training: it is part of the digest."""
    match model:
        case config.ImageClassifier():
            more["architecture"] = model.architecture
        case config.MLP():
            more["network"] = model.model_dump(include={"layers", "width", "residual", "sigmoid"})
        case config.PointNet():
            more["width"] = model.width
        case config.CausalLM():
            more["dtype"] = model.dtype
    return {"family": model.family, **more}


def exact_arithmetic() -> None:
    """Full float32 products (no TF32) and, wherever torch has them, algorithms that give the same bits every time."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it CUDA's products are not deterministic
    torch.backends.fp32_precision = "ieee"
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"
    torch.backends.cudnn.benchmark = False
    # Warns where there are none, as for some gradients on CUDA. `use_deterministic_algorithms` would do the same, and
    # spend two seconds on importing a compiler that is not used here.
    torch.set_deterministic_debug_mode("warn")
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a tenth of the time


# --------------------------------------------------------------------------------------------------- helpers


def _link(source: Path, folder: Path) -> None:
    """The files of a model in the layout of transformers, but for those that were just written."""
    for file in sorted(source.iterdir()):
        # What was just written differs from the source, and a link in its place would be the source itself.
        ours = file.suffix in (".safetensors", ".json", ".txt", ".model") and not (folder / file.name).exists()
        if ours and file.is_file():
            link_or_copy(file, folder / file.name)


def _save_tensors(tensors: dict[str, torch.Tensor], path: Path) -> None:
    with replacing(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)


def _mean(folder: Path) -> torch.Tensor:
    return _tensors(folder / INPUTS)["mean"]


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: missing or damaged ({first_line(error)}); delete the folder and run again") from None


def _fill(network: nn.Module, weights: dict[str, torch.Tensor], folder: Path) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(
            f"{folder / WEIGHTS}: does not fit {DESCRIPTION} ({first_line(error)}); delete the folder and run again"
        ) from None


def _describe(description: dict[str, Any], folder: Path) -> None:
    with replacing(folder / DESCRIPTION) as temporary:
        temporary.write_text(json.dumps(description, indent=1, sort_keys=True) + "\n", encoding="utf-8")
