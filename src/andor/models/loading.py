"""Models from their folders, whatever their family."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch

from andor.errors import UserError
from andor.models.arithmetic import exact_arithmetic
from andor.models.families import families
from andor.models.families.causal_lm import CausalLM
from andor.models.families.text_encoder import TextEncoder
from andor.models.family import check_labels
from andor.models.files import DESCRIPTION, description_of
from andor.models.loaded import LoadedModel


def load(folder: Path, device: torch.device | str = "cpu") -> LoadedModel:
    """Read a model that its family put into a folder.

    Raises
    ------
    UserError
        If a file is missing or damaged.
    """
    folder = Path(folder)
    description = description_of(folder)
    family = families().get(description["family"])
    if family is None:
        raise UserError(
            f"{folder / DESCRIPTION}: unknown family `{description['family']}`; delete the folder and run again"
        )
    exact_arithmetic()
    return family.loaded(folder, description, torch.device(device))


def load_transformers(folder: Path, device: torch.device | str = "cpu", dtype: str = "float32") -> LoadedModel:
    """Read a text classifier or a language model in the layout of transformers where it stands.

    Parameters
    ----------
    dtype
        Precision of a language model.

    Raises
    ------
    UserError
        If a file is missing or damaged, or a classifier has one label or reduced precision is asked of it.
    """
    from andor.models import pretrained

    settings = pretrained.settings_of(folder)
    if not pretrained.classifies(settings):
        model: CausalLM | TextEncoder = CausalLM(family="causal_lm", source="folder", dtype=cast(Any, dtype))
    elif dtype != "float32":
        raise UserError(f"{folder}: is a text classifier, {dtype} is for language models; take it away")
    else:
        check_labels(settings.num_labels, settings.problem_type, str(folder))
        model = TextEncoder(family="text_encoder", source="folder")
    exact_arithmetic()
    return model.loaded(folder, model.described(), torch.device(device))
