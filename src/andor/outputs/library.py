"""What a model's own library says of a whole input, beside what is computed here with all players present."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor

from andor.data.table import ROW
from andor.data.targets import open_tokens
from andor.errors import UserError
from andor.models import processors
from andor.models.adoption import ROUNDING
from andor.models.classes import in_order
from andor.models.loaded import ArrayClassifier, ImageClassifier, LanguageModel, LoadedModel, TextClassifier
from andor.models.prompted import PromptedClassifier, class_scores
from andor.models.questions import Tokens
from andor.outputs.masking.prompt import target_outputs
from andor.outputs.masking.text import target_tokens

ITEMS = 3
"""Items of a model that are compared."""
REDUCED = 0.05
"""How far outputs in reduced precision may be from the library's, as a share of the largest."""

Pair = tuple[Tensor, Tensor]
"""Outputs (C,) that are computed here, and the library's."""


def check(where: str, model: LoadedModel, sample: Mapping[str, Any], whole: Tensor) -> None:
    """Compare outputs (C,) of a whole sample with those of the model's library, where it offers a way to get them.

    Raises
    ------
    UserError
        If they differ by more than rounding.
    """
    pair = compared(model, sample, whole)
    if pair is None:
        return
    ours, theirs = (outputs.detach().cpu().float() for outputs in pair)
    share = ROUNDING if model.precision == "float32" else REDUCED
    if not (ours - theirs).abs().max() <= share * theirs.abs().max().clamp(min=1):
        given, expected = ([round(value, 4) for value in outputs.tolist()[:5]] for outputs in (ours, theirs))
        raise UserError(
            f"{where}: with all players present the outputs are {given}, its library says {expected} of the input as "
            "it is; what is explained would be another model: use another one, and tell the authors of andor"
        )


@singledispatch
def compared(model: LoadedModel, sample: Mapping[str, Any], whole: Tensor) -> Pair | None:
    """Outputs of a whole sample, and what the model's library says of it; None where it offers nothing."""
    return None


@compared.register
def _row(model: ArrayClassifier, sample: Mapping[str, Any], whole: Tensor) -> Pair | None:
    return (whole, model.logits(sample[ROW])[0]) if ROW in model.columns else None


@compared.register
def _image(model: ImageClassifier, sample: Mapping[str, Any], whole: Tensor) -> Pair | None:
    """Of the image in eight bits, as libraries read it."""
    if model.processor is None:
        return None
    image = processors.whole(sample["image"])
    theirs = model.processor.said(image)
    return None if theirs is None else (model.logits(torch.from_numpy(image).float()[None] / 255)[0], theirs)


@compared.register
def _text(model: TextClassifier, sample: Mapping[str, Any], whole: Tensor) -> Pair | None:
    """Of the whole text's tokens instead of their embeddings."""
    if not hasattr(model.network, "config"):
        return None  # a network of this package
    cut = model.tokenizer.model_max_length < 10**9
    read = model.tokenizer(sample["text"], truncation=cut, return_tensors="pt").to(model.device)
    return whole, in_order(model.network(**read).logits, model.description.get("order"))[0]


@compared.register
def _prompt(model: LanguageModel, sample: Mapping[str, Any], whole: Tensor) -> Pair | None:
    """Of the tokens of prompt and target, read at once."""
    ids, _ = open_tokens(model.tokenizer, sample["text"])
    target = target_tokens(model.tokenizer, ids, sample["text"], sample["target"])
    read = torch.tensor([ids + target[:-1]], device=model.device)
    return whole, target_outputs(model.network(input_ids=read).logits[:, -len(target) :], tuple(target))[0]


@compared.register
def _question(model: PromptedClassifier, sample: Mapping[str, Any], whole: Tensor) -> Pair | None:
    """Of the tokens of prompt and answer, read at once for each answer."""
    asked = model.asked(sample["text"])

    def after(stem: Tokens) -> Tensor:
        read = torch.tensor([[*asked.ids, *stem]], device=model.device)
        return model.network(input_ids=read).logits[:, -len(stem) - 1 :].float()

    return whole, class_scores(asked.answers, after)[0]
