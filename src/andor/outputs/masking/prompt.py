"""Masked prompts of language models: masks that agree on a prefix share its key-value cache.

What a causal model computes at a token depends on the tokens up to it alone. With the players in the order of their
first tokens, the 2^n masked prompts are the leaves of a binary tree: at depth k the first k players are decided, and a
node stands for all prompts that agree on them. A step down runs the tokens from the first of one player to the first of
the next, for both cases of that player, on top of the keys and values that are known. For players spread evenly that is
about 2·2^n/n of the L·2^n tokens of all prompts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from andor.models.caches import fork
from andor.outputs.masking.model import MaskedModel

if TYPE_CHECKING:
    from andor.models.loaded import CausalModel
    from andor.models.prompted import PromptedClassifier
    from andor.models.questions import Tokenized


@dataclass(frozen=True)
class MaskedTree(MaskedModel):
    """Outputs of a causal model after masked prompts, by the players that are present."""

    model: CausalModel

    @property
    def keep(self) -> int:
        """Last positions of a prompt whose logits the outputs are made of."""
        raise NotImplementedError

    def leaves(self, cache: Any, logits: Tensor) -> Tensor:
        """Outputs (b, C) from the logits (b, `keep`, V) after whole prompts, and their cache."""
        raise NotImplementedError

    @cached_property
    def order(self) -> list[int]:
        """Players by their first token."""
        return sorted(range(self.players), key=lambda player: self._first(player))

    @cached_property
    def cuts(self) -> list[int]:
        """Where the segments begin: the first token of each player, in order; then the end."""
        return [self._first(player) for player in self.order] + [self.samples.shape[1]]

    def _first(self, player: int) -> int:
        return int((self.owner[:, 0] == player).nonzero()[0])

    def blocks(self, size: int, drawn: Tensor | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """All coalitions in blocks of at most so many, and their outputs, walking down the tree depth first.

        Above `size` nodes a level is halved, so that no more than one cache of `size` prompts is alive at each depth.
        Coalitions that are drawn share what stands before the first player. Models that cannot go on from a cache
        recompute every prompt whole.
        """
        if not self.model.shares_prefixes:
            yield from super().blocks(size, drawn)
        elif drawn is not None:
            yield from self._drawn(drawn, size)
        else:
            nobody = torch.zeros(1, self.players, dtype=torch.bool, device=self.samples.device)
            yield from self._below(self._begun(self.cuts[0]), nobody, 0, size)

    def _begun(self, stop: int) -> Any:
        """Cache of the first tokens of the sample."""
        cache = self.model.new_cache()
        if stop > 0:
            self.model.extend(cache, self.samples[:, :stop], 0)
        return cache

    def _drawn(self, drawn: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Outputs on drawn coalitions (M, n): places among them, and outputs."""
        prefix = self._begun(self.cuts[0])
        for numbers in torch.arange(len(drawn), device=drawn.device).split(size):
            branch = fork(prefix, len(numbers))
            prompts = self.masked(drawn[numbers], self.samples[0], slice(self.cuts[0], None))
            yield numbers, self.leaves(branch, self.model.extend(branch, prompts, self.keep))

    def _below(self, cache: Any, presence: Tensor, depth: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Leaves below some nodes of one depth: `presence` (b, n) says who is present, the others are absent so far."""
        children = presence.repeat_interleave(2, dim=0)
        children[1::2, self.order[depth]] = True
        halves = [children] if len(children) <= size else [children[0::2], children[1::2]]
        for half in halves:
            branch = fork(cache, len(half) // len(presence))
            logits = self._step(branch, half, depth)
            if depth + 1 < self.players:
                yield from self._below(branch, half, depth + 1, size)
            else:
                powers = 1 << torch.arange(self.players, device=half.device)
                yield (half * powers).sum(dim=1), self.leaves(branch, logits)

    def _step(self, cache: Any, presence: Tensor, depth: int) -> Tensor:
        """Logits (b, m, V) at the leaves, (b, 0, V) above them; the cache grows by one segment."""
        segment = slice(self.cuts[depth], self.cuts[depth + 1])
        keep = self.keep if depth + 1 == self.players else 0
        return self.model.extend(cache, self.masked(presence, self.samples[0], segment), keep)

    def trial(self, size: int) -> None:
        """The last step for `size` prompts, which is where nearly all time goes."""
        if not self.model.shares_prefixes:
            super().trial(size)
            return
        branch = fork(self._begun(self.cuts[-2]), size)
        everybody = torch.ones(size, self.players, dtype=torch.bool, device=self.samples.device)
        self.leaves(branch, self._step(branch, everybody, self.players - 1))


@dataclass(frozen=True)
class MaskedPrompt(MaskedTree):
    """Log-probability and log-odds of the target (B, 2), by the players of the prompt that are present."""

    target: tuple[int, ...]
    """Tokens of the target; all but the last stand at the end of `samples`, and are never masked."""

    @property
    def keep(self) -> int:
        """One for each token of the target."""
        return len(self.target)

    def leaves(self, cache: Any, logits: Tensor) -> Tensor:
        """Log-probability and log-odds (b, 2)."""
        return target_outputs(logits, self.target)


@dataclass(frozen=True)
class MaskedQuestion(MaskedTree):
    """Log-probabilities of the classes (B, C) by their answers, by the players of the text that are present."""

    model: PromptedClassifier
    answers: Tokenized
    """Tokens of each wording of each class."""

    @property
    def keep(self) -> int:
        """The last, after which all answers begin."""
        return 1

    def leaves(self, cache: Any, logits: Tensor) -> Tensor:
        """Log-probabilities (b, C); answers of several tokens go on from forks of the cache."""
        return self.model.continued(cache, logits, self.answers)


def block_size(players: list[list[int]], length: int, cached: int, vocabulary: int, device: torch.device | str) -> int:
    """Prompts that go down the tree together: the largest power of two that two limits allow.

    The keys and values of the caches on the way to a leaf, one a depth, and three copies of the logits take at most
    1 GiB (8 GiB on CUDA); no step runs more than 2^12 tokens (2^16 on CUDA).

    Parameters
    ----------
    players
        Positions of each player.
    length
        L, tokens of a prompt.
    cached
        Bytes of the keys and values of one token.
    vocabulary
        Bytes of the logits of one prompt.
    """
    memory, tokens = (1 << 30, 1 << 12) if torch.device(device).type == "cpu" else (8 << 30, 1 << 16)
    cuts = [*sorted(min(own) for own in players), length]
    longest = max(stop - start for start, stop in itertools.pairwise(cuts))
    for exponent in range(len(players), 0, -1):
        size = 1 << exponent
        positions = sum(min(2 << depth, size) * stop for depth, stop in enumerate(cuts[1:]))
        if positions * cached + 3 * size * vocabulary <= memory and size * longest <= tokens:
            return size
    return 1


def target_outputs(logits: Tensor, target: tuple[int, ...]) -> Tensor:
    """Log-probability and log-odds (B, 2) of m tokens in a row, from the logits (B, m, V) before each.

    Both are float32, or float64 if the logits are. A token's log-odds log p − log(1 − p) are its logit less the
    log-sum-exp of all others: exact where p rounds to 0 or 1. The log-probabilities of tokens add up to that of all,
    and 1 − p₁…p_m = Σ_j p₁…p_{j−1}(1 − p_j).
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    index = torch.tensor(target, device=logits.device).expand(len(logits), -1)[..., None]
    own = logits.gather(2, index)[..., 0]
    others = logits.scatter(2, index, -torch.inf).logsumexp(dim=2)
    odds = own - others
    so_far = logsigmoid(odds).cumsum(dim=1)
    if len(target) == 1:
        return torch.cat([so_far, odds], dim=1)
    before = torch.cat([torch.zeros_like(so_far[:, :1]), so_far[:, :-1]], dim=1)
    otherwise = (before + logsigmoid(-odds)).logsumexp(dim=1)
    return torch.stack([so_far[:, -1], so_far[:, -1] - otherwise], dim=1)
