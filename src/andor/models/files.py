"""Models on disk: weights as safetensors, a JSON that describes them, and the tokenizer where there is one.

transformers models keep the layout of transformers. Nothing is unpickled, and no code that came with a model is run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from andor.errors import UserError
from andor.files import first_line, link_or_copy, replacing
from andor.models.loaded import ArrayClassifier, LoadedModel, TextModel
from andor.models.settings import KEPT
from andor.store import read_table

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTION = "model.json"
WEIGHTS = "model.safetensors"
INPUTS = "inputs.safetensors"
"""What is known of a model's inputs: their `mean`."""
MEAN_ROW = "mean.parquet"
"""Their mean, where they are rows of a table as they were."""


def save(model: LoadedModel, folder: Path) -> None:
    """Write a model whose network is one of `andor.models.architectures` into a folder, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(model, TextModel):
        model.tokenizer.save_pretrained(folder)
    save_tensors(model.network.state_dict(), folder / WEIGHTS)
    if isinstance(model, ArrayClassifier):
        save_tensors({"mean": model.mean}, folder / INPUTS)
    describe(model.description, folder)


def kept_in(folder: Path, step: int) -> Path:
    """Where a model is as it was after a step of its training, of the folder that training wrote."""
    return folder / KEPT / str(step)


def take_kept(trained: Path, step: int, folder: Path) -> None:
    """Put a model as it was after a step of its training into a folder of its own.

    Raises
    ------
    UserError
        If that step was not kept.
    """
    source = kept_in(trained, step)
    if not (source / DESCRIPTION).is_file():
        raise UserError(f"{source}: is not there; delete {trained} and run again")
    for file in sorted(source.iterdir()):
        link_or_copy(file, folder / file.name)


def describe(description: dict[str, Any], folder: Path) -> None:
    """Write what makes a model beside its weights."""
    with replacing(folder / DESCRIPTION) as temporary:
        temporary.write_text(json.dumps(description, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def description_of(folder: Path) -> dict[str, Any]:
    """What makes the model in a folder beside its weights.

    Raises
    ------
    UserError
        If it is missing or names no family.
    """
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        description["family"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder / DESCRIPTION}: missing or damaged ({error}); delete the folder and run again"
        ) from None
    return description


def save_tensors(named: dict[str, torch.Tensor], path: Path) -> None:
    """Write tensors by name as safetensors."""
    with replacing(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in named.items()}, temporary)


def tensors(path: Path) -> dict[str, torch.Tensor]:
    """Tensors by name.

    Raises
    ------
    UserError
        If the file is missing or damaged.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: missing or damaged ({first_line(error)}); delete the folder and run again") from None


def mean(folder: Path) -> torch.Tensor:
    """Mean over the training inputs of the model in a folder."""
    return tensors(folder / INPUTS)["mean"]


def mean_row(folder: Path) -> pd.DataFrame:
    """Row of means of the model in a folder, which reads rows of a table as they were."""
    return read_table(folder / MEAN_ROW).to_pandas()


def fill(network: nn.Module, folder: Path) -> None:
    """Put the weights in a folder into a network.

    Raises
    ------
    UserError
        If they are missing, damaged or of another network.
    """
    try:
        network.load_state_dict(tensors(folder / WEIGHTS))
    except RuntimeError as error:
        raise UserError(
            f"{folder / WEIGHTS}: does not fit {DESCRIPTION} ({first_line(error)}); delete the folder and run again"
        ) from None
