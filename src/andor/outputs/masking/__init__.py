"""Masked inputs: one sample of one model as a function of which players are present.

`locate` finds the players in what the model reads (word pieces, pixels, features) and needs no weights: what it returns
describes the masked outputs completely and is the key of the cache. `bind` adds the weights and gives a `MaskedModel`.

A further family needs a class with `content` and `bind` like those in `array`, `text` and `words`, and a line in
`locate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

from andor import config
from andor.errors import UserError
from andor.outputs.masking.array import MaskedArray, locate_array
from andor.outputs.masking.model import MaskedModel, MaskingError, presence
from andor.outputs.masking.prompt import MaskedPrompt
from andor.outputs.masking.text import MaskedText, locate_text
from andor.outputs.masking.words import MaskedWords, locate_words

__all__ = [
    "Located", "MaskedArray", "MaskedModel", "MaskedPrompt", "MaskedText", "MaskedWords", "MaskingError", "bind",
    "locate", "presence",
]  # fmt: skip

TEXT = ("text_encoder", "text_cnn", "causal_lm")
"""Families that read word embeddings."""
ARRAY = ("image_classifier", "pretrained_image_classifier", "mlp", "scikit_learn", "pointnet", "own")
"""Families that read images, features or points; `own` models may read texts too, as they stand."""


class Located(Protocol):
    """A sample whose players were found in what the model reads."""

    def content(self) -> dict[str, Any]:
        """Everything about the input, the players and the baseline that can change an output, as JSON values."""

    def bind(self, model: Any, baseline: Tensor | None = None) -> MaskedModel:
        """The model's outputs on this sample as a function of the players that are present.

        With another baseline value than the one that the masking names, if it is given.
        """


def locate(model: Any, sample: Mapping[str, Any], masking: config.Masking) -> Located:
    """Players of one sample in what the model reads; no weights are touched.

    Parameters
    ----------
    model
        A model of `andor.models`; only `family`, the `tokenizer` of a text model, and the `mean` or `baseline` that the
        masking names are read.
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
    if model.family == "own" and "text" in sample:
        return locate_words(sample, masking)
    if model.family in ARRAY:
        return locate_array(model, sample, masking)
    if model.family in TEXT:
        return locate_text(model, sample, masking)
    raise UserError(f"models of family `{model.family}` cannot be masked; use {', '.join(ARRAY + TEXT)}")


def bind(model: Any, sample: Mapping[str, Any], masking: config.Masking) -> MaskedModel:
    """The model's outputs on one sample as a function of the players that are present (`locate`, then the weights)."""
    return locate(model, sample, masking).bind(model)
