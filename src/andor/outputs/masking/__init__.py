"""Masked inputs: one sample of one model as a function of which players are present.

`locate` finds the players in what the model reads (word pieces, pixels, features) and needs no weights: what it returns
describes the masked outputs completely and is the key of the cache. `bind` adds the weights and gives a `MaskedModel`.

A further class of loaded models needs a class with `content` and `bind` like those in `array`, `text` and `words`, and
a line at the end of this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any, Protocol, TypeVar

from torch import Tensor

from andor import config
from andor.data.table import ROW
from andor.errors import UserError
from andor.models.loaded import ArrayClassifier, LanguageModel, LoadedModel, TextClassifier
from andor.models.own import OwnModel
from andor.models.prompted import PromptedClassifier
from andor.models.served import ServedClassifier
from andor.outputs.masking.array import MaskedArray, locate_array
from andor.outputs.masking.model import MaskedModel, MaskingError, presence
from andor.outputs.masking.prompt import MaskedPrompt, MaskedQuestion
from andor.outputs.masking.question import AskedText, locate_question
from andor.outputs.masking.row import MaskedRow, locate_row
from andor.outputs.masking.text import MaskedText, locate_prompt, locate_text
from andor.outputs.masking.words import AskedWords, MaskedWords, locate_asked, locate_words

__all__ = [
    "AskedText", "AskedWords", "Located", "MaskedArray", "MaskedModel", "MaskedPrompt", "MaskedQuestion", "MaskedRow",
    "MaskedText", "MaskedWords", "MaskingError", "bind", "locate", "presence",
]  # fmt: skip

M = TypeVar("M", bound=LoadedModel, contravariant=True)


class Located(Protocol[M]):
    """A sample whose players were found in what the model reads."""

    def content(self) -> dict[str, Any]:
        """Everything about the input, the players and the baseline that can change an output, as JSON values."""

    def bind(self, model: M, baseline: Tensor | None = None) -> MaskedModel:
        """The model's outputs on this sample as a function of the players that are present.

        With another baseline value than the one that the masking names, if it is given.
        """


@singledispatch
def locate(model: LoadedModel, sample: Mapping[str, Any], masking: config.Masking) -> Located:
    """Players of one sample in what the model reads; no weights are touched.

    Parameters
    ----------
    model
        A model of `andor.models`, whose class says how; only the `tokenizer` of a text model, and the `mean` or
        `baseline` that the masking names are read.
    sample
        `players`, and `text`, `image`, `features` or `points` (float32 arrays), as `andor.data.table.rows` gives them;
        for language models also `target`.

    Raises
    ------
    MaskingError
        If this sample cannot be masked for this model: a word is cut off or shares a word piece with another player.
    UserError
        If the baseline value does not exist in this model.
    """
    raise UserError(f"models of family `{model.family}` cannot be masked: they read neither arrays nor texts")


def _locate_array(model: ArrayClassifier, sample: Mapping[str, Any], masking: config.Masking) -> Located:
    """Players in a text as it stands, in a row as it was, or in an array."""
    if isinstance(model, OwnModel) and "text" in sample:
        return locate_words(sample, masking)
    return (locate_row if ROW in model.columns else locate_array)(model, sample, masking)


def bind(model: LoadedModel, sample: Mapping[str, Any], masking: config.Masking) -> MaskedModel:
    """The model's outputs on one sample as a function of the players that are present (`locate`, then the weights)."""
    return locate(model, sample, masking).bind(model)


locate.register(ArrayClassifier, _locate_array)
locate.register(TextClassifier, locate_text)
locate.register(LanguageModel, locate_prompt)
locate.register(PromptedClassifier, locate_question)
locate.register(ServedClassifier, locate_asked)
