"""Key-value caches of transformers that can be forked: many prompts that go on from one prefix."""

from __future__ import annotations

import copy
from typing import Any, Protocol

import torch
from torch import Tensor, nn

_AGREE = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 1e-1}
"""How far log-probabilities may be from those of a whole pass, as a share of the largest: above rounding, far below a
fault. Logits themselves may share an offset, which no probability sees."""


def fork(cache: Any, repeats: int = 1) -> Any:
    """A cache that goes on from ``cache``, each of its rows ``repeats`` times in a row; ``cache`` stays as it is.

    Growing a dynamic cache makes new tensors, so a fork shares those of its origin and costs no memory.
    """
    branch = copy.copy(cache)
    branch.layers = [copy.copy(layer) for layer in cache.layers]
    if repeats > 1:
        branch.batch_repeat_interleave(repeats)
    return branch


class Continuing(Protocol):
    """A language model that can go on from a cache: `andor.models.loaded.LanguageModel`."""

    network: nn.Module
    tokenizer: Any

    @property
    def device(self) -> torch.device:
        """Where its weights are."""

    def embed(self, token_ids: Tensor) -> Tensor:
        """Word embeddings (L, d) of token ids (L,)."""

    def logits_at(self, embeddings: Tensor, positions: Tensor) -> Tensor:
        """Logits (B, P, V) of the token after each of the positions (P,)."""

    def new_cache(self) -> Any:
        """An empty cache."""

    def extend(self, cache: Any, embeddings: Tensor, keep: int) -> Tensor:
        """Logits (B, `keep`, V) after the last positions of texts that go on from a cache."""


def shares_prefixes(model: Continuing) -> bool:
    """Whether a model's outputs are the same when it goes on from forks of the cache of a prefix.

    Six tokens are tried, two continuations from one prefix, whatever the model's class says.
    """
    tokens = torch.arange(6, device=model.device) % len(model.tokenizer)
    prompts = model.embed(tokens)[torch.tensor([[0, 1, 2, 3], [0, 1, 4, 5]])]
    whole = model.logits_at(prompts, torch.tensor([3]))[:, 0]
    prefix = model.new_cache()
    model.extend(prefix, prompts[:1, :2], 0)
    alone = [model.extend(fork(prefix), prompt[None, 2:], 1)[0, 0] for prompt in prompts]
    pair = model.extend(fork(prefix, 2), prompts[:, 2:], 1)[:, 0]
    return all(agree(logits, whole, model.network.dtype) for logits in (torch.stack(alone), pair))


def agree(logits: Tensor, whole: Tensor, dtype: torch.dtype) -> bool:
    """Whether logits (B, V) give the log-probabilities of those of a whole pass, to the rounding of a precision."""
    found, expected = logits.log_softmax(dim=-1), whole.log_softmax(dim=-1)
    return bool((found - expected).abs().max() <= _AGREE.get(dtype, 1e-4) * expected.abs().max())
