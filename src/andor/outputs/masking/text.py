"""Masked texts: the embeddings of a player's word pieces take the baseline embedding.

Positions, segments and attention stay those of the whole text, and so do special tokens ([CLS], [SEP], a first token).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from andor import config
from andor.data.targets import open_tokens
from andor.errors import UserError
from andor.models.loaded import LanguageModel, TextClassifier, TextModel, TokenClassifier
from andor.outputs.masking import baselines
from andor.outputs.masking.model import MaskedModel, MaskingError, batch_size, owners
from andor.outputs.masking.prompt import MaskedPrompt, block_size, target_outputs

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class MaskedText:
    """A text as one model's tokenizer cuts it, and its players."""

    ids: list[int]
    """The L tokens, special ones too."""
    players: list[list[int]]
    """Positions of each player's word pieces among them."""
    masking: config.Masking
    """How they are masked."""
    token: int | None
    """The token that the baseline value names, if it does."""
    target: list[int] | None = None
    """Language models: the tokens after the prompt whose joint probability is the output."""
    value: Tensor | None = None
    """Baseline value that belongs to the model, if it is from a file or learned."""

    def content(self) -> dict[str, Any]:
        """What determines the masked outputs besides the weights (the mean embedding is one of them)."""
        more: dict[str, Any] = {} if self.token is None else {"token": self.token}
        if self.masking.baseline == "damp":
            more["damp"] = self.masking.damp
        if self.masking.baseline in ("file", "learned"):
            more["value"] = baselines.digest(self.value)
        target = {} if self.target is None else {"target": self.target}
        return {
            "input": {"ids": self.ids, **target},
            "players": self.players,
            "masking": {"baseline": self.masking.baseline, "background": "keep", **more},
        }

    def embedding(self, model: TextModel, embeddings: Tensor) -> Tensor:
        """Baseline embedding in place of embeddings (L, d) of the text: (d,), or (L, d)."""
        return baselines.embedding(model, self.masking, self.token, embeddings).to(embeddings.dtype)

    @torch.no_grad()
    def bind(self, model: TextClassifier | LanguageModel, baseline: Tensor | None = None) -> MaskedModel:
        """Logits (B, 2), or (log-probability, log-odds) of the target (B, 2), by the players that are present."""
        ids = self.ids + (self.target or [])[:-1]
        owner = owners(self.players, len(ids)).reshape(-1, 1).to(model.device)
        embeddings = model.embed(torch.tensor(ids, device=model.device))
        if isinstance(model, TokenClassifier):
            owner, baseline = owner[:, 0], torch.tensor(self.token, device=model.device)
        if baseline is None:
            baseline = self.embedding(model, embeddings)
        inputs = (embeddings[None], baseline, owner, len(self.players))
        if isinstance(model, TextClassifier):
            size = batch_size(len(ids), on_cpu=1 << 11, on_cuda=1 << 16, device=model.device)
            return MaskedModel(model.logits, *inputs, size)
        target = tuple(self.target)

        def forward(prompts: torch.Tensor) -> torch.Tensor:
            return target_outputs(model.last_logits(prompts, len(target)), target)

        if model.shares_prefixes:
            logits = 4 * len(target) * model.network.get_output_embeddings().weight.shape[0]
            size = block_size(self.players, len(ids), model.cache_bytes, logits, model.device)
        else:
            size = batch_size(len(ids), on_cpu=1 << 11, on_cuda=1 << 14, device=model.device)
        return MaskedPrompt(forward, *inputs, size, model, target)


def locate_text(model: TextClassifier, sample: Mapping[str, Any], masking: config.Masking) -> MaskedText:
    """Word pieces of each player, found by the characters they come from.

    Raises
    ------
    MaskingError
        If a word is cut off by the model's maximal length, or a piece belongs to two players.
    UserError
        If the tokenizer lacks the token that stands for a masked player, or the model wants one and it is none.
    """
    if isinstance(model, TokenClassifier) and not masking.tokens:
        raise UserError(
            f"`masking.baseline: {masking.baseline}` is no token, and a network `{type(model.network).__name__}` reads "
            "tokens alone; use mask, pad, unk, cls or sep, whichever its tokenizer has"
        )
    # Tokenizers that know no limit state an enormous one.
    cut = model.tokenizer.model_max_length < 10**9
    read = model.tokenizer(sample["text"], return_offsets_mapping=True, truncation=cut, verbose=False)
    ids, players = read["input_ids"], word_pieces(read["offset_mapping"], sample["text"], sample["players"])
    token, value = baseline_of(model, masking)
    return MaskedText(ids, players, masking, token, value=value)


def locate_prompt(model: LanguageModel, sample: Mapping[str, Any], masking: config.Masking) -> MaskedText:
    """Word pieces of each player, and the tokens of the target.

    Raises
    ------
    MaskingError
        If the prompt with its target is longer than the model reads, or a piece belongs to two players.
    UserError
        If the tokenizer lacks the token that stands for a masked player.
    """
    ids, offsets = open_tokens(model.tokenizer, sample["text"])
    players = word_pieces(offsets, sample["text"], sample["players"])
    target = target_tokens(model.tokenizer, ids, sample["text"], sample["target"])
    most, length = model.tokenizer.model_max_length, len(ids) + len(target) - 1  # the last token is never read
    if length > most:
        raise MaskingError(f"the prompt has {length} tokens with its target, the model reads {most}")
    token, value = baseline_of(model, masking)
    return MaskedText(ids, players, masking, token, target, value)


def word_pieces(offsets: Sequence[tuple[int, int]], text: str, words: Sequence[Sequence[int]]) -> list[list[int]]:
    """Positions of each player's pieces among the tokens of a text; players are characters [start, stop)."""
    players = [pieces(offsets, start, stop) for start, stop in words]
    for (start, stop), own in zip(words, players, strict=True):
        covered = {character for piece in own for character in range(*offsets[piece])}
        if not covered.issuperset(range(start, stop)):
            raise MaskingError(f"a word is missing or cut off after the {len(offsets)} tokens that the model reads")
    if len({piece for own in players for piece in own}) < sum(map(len, players)):
        raise MaskingError("two players share a word piece of the model's tokenizer")
    for (start, stop), own in zip(words, players, strict=True):
        held = {character for piece in own for character in range(*offsets[piece])} - set(range(start, stop))
        if any(text[character].isalnum() for character in held):
            raise MaskingError("a word piece of the model's tokenizer holds letters that are not of its player")
    return players


def baseline_of(model: TextModel, masking: config.Masking) -> tuple[int | None, Tensor | None]:
    """The token that the baseline value names, and the value that belongs to the model, if it is one of these."""
    value = model.baseline if masking.baseline in ("file", "learned") else None
    return baselines.special_token(model.tokenizer, masking.baseline), value


def pieces(offsets: Sequence[tuple[int, int]], start: int, stop: int) -> list[int]:
    """Positions of the word pieces that hold any of the characters [start, stop)."""
    return [piece for piece, (first, last) in enumerate(offsets) if start < last and first < stop and first < last]


def target_tokens(tokenizer: PreTrainedTokenizerFast, ids: list[int], text: str, target: str) -> list[int]:
    """Tokens of the target where it follows the prompt.

    Tokenizers that would merge the target into the prompt's last token get the target's own tokens instead.
    """
    if not target:
        raise MaskingError("the target is empty")
    own, _ = open_tokens(tokenizer, text + target)
    own = own[len(ids) :] if own[: len(ids)] == ids else tokenizer(target, add_special_tokens=False)["input_ids"]
    if not own:
        raise MaskingError(f"the target {target!r} is no token of the model")
    return own
