"""Targets: the text after a prompt whose probability under language models is explained."""

from __future__ import annotations

from typing import Any, Protocol

import pyarrow as pa
import torch
from torch import Tensor

from andor.errors import UserError

MOST_PIECES = 8
"""Tokens after which a word that is being completed is taken as it is."""


class Predictor(Protocol):
    """What predicts a target: `andor.models.loaded.LanguageModel`."""

    tokenizer: Any

    @property
    def device(self) -> torch.device:
        """Where its weights are."""

    def embed(self, token_ids: Tensor) -> Tensor:
        """Word embeddings (L, d) of token ids (L,)."""

    def next_logits(self, embeddings: Tensor) -> Tensor:
        """Logits (B, V) of the token after texts of equal length."""


def open_tokens(tokenizer: Any, text: str, special: bool = True) -> tuple[list[int], list[tuple[int, int]]]:
    """Tokens of a text that goes on, and the characters [start, stop) of each.

    Special tokens by which a tokenizer closes a text are left out: what follows such a token is another text. None at
    all are added unless they are to be ``special``.
    """
    asked = {"return_offsets_mapping": True, "return_special_tokens_mask": True, "verbose": False}
    read = tokenizer(text, add_special_tokens=special, **asked)
    closing = next((n for n, added in enumerate(reversed(read["special_tokens_mask"])) if not added), 0)
    end = len(read["input_ids"]) - closing
    return read["input_ids"][:end], read["offset_mapping"][:end]


@torch.inference_mode()
def with_targets(
    candidates: pa.Table, text: str | None = None, unit: str = "token", predictor: Predictor | None = None
) -> pa.Table:
    """Candidates with `target`: the given text, or what a language model predicts after each whole prompt.

    Parameters
    ----------
    unit
        What it predicts, `token` or `word`.
    predictor
        The model that predicts; not used for a given text.
    """
    prompts = candidates["text"].to_pylist()
    texts = [predicted(predictor, prompt, unit) if text is None else text for prompt in prompts]
    return candidates.append_column("target", pa.array(texts, pa.string()))


def predicted(model: Predictor, prompt: str, unit: str = "token") -> str:
    """Text of the most likely next token, or of the word that it begins and the most likely tokens after it complete.

    Special tokens and those that are no text by themselves (part of a character) are passed over. Of a prompt that is
    longer than the model reads, the last tokens are read.

    Raises
    ------
    UserError
        If no token is text.
    """
    tokenizer = model.tokenizer
    ids, _ = open_tokens(tokenizer, prompt)
    before = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    text = ""
    for _ in range(MOST_PIECES if unit == "word" else 1):
        read = ids[-int(tokenizer.model_max_length) :]
        logits = model.next_logits(model.embed(torch.tensor(read, device=model.device))[None])[0]
        for token in logits[: len(tokenizer)].argsort(descending=True, stable=True).tolist():
            # Decoded together with the prompt: some tokenizers drop the leading space of a token that stands alone.
            longer = tokenizer.decode([*ids, token], clean_up_tokenization_spaces=False)[len(before) :]
            special = token in tokenizer.all_special_ids
            if text and (special or not longer[len(text) :][:1].isalnum()):
                return text  # what would come next begins no letter or digit: the word is whole
            if not special and longer.strip() and "\ufffd" not in longer:
                break
        else:
            raise UserError(
                f"the target model has no next token that is text after {prompt[:40]!r}; name another `target.model`"
            )
        text = longer
        if unit == "word" and not text[-1:].isalnum():
            return text
        ids = [*ids, token]
    return text
