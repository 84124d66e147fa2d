"""A model and a sample, as a function of which players are present."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from andor.errors import UserError


class MaskingError(UserError):
    """A sample whose players cannot be masked in the input of one model; the message is the reason."""


@dataclass(frozen=True)
class MaskedModel:
    """Outputs of one model on one sample as a function of the players that are present.

    Whatever a model reads, masking is one selection between the sample and its baseline value, made for a whole batch
    of coalitions on the model's device. Shapes are those of one input: (L, d) word pieces, (C, H, W) pixels, (F,)
    features, (P, 3) points.
    """

    forward: Callable[[Tensor], Tensor]
    """The model: inputs (B, …) to outputs (B, C)."""
    samples: Tensor
    """(T, …): the sample, or T versions of it with other backgrounds, over which the outputs are averaged."""
    baseline: Tensor
    """(…), or of a shape that broadcasts to it: what stands in place of a masked player."""
    owner: Tensor
    """int64, broadcasts to (…): the player of each position, and n where the background is."""
    players: int
    """n, the number of players."""
    batch_size: int
    """Inputs of one forward pass: a power of two fixed by the shapes, so that numbers are bitwise repeatable."""

    def __call__(self, presence: Tensor) -> Tensor:
        """float32 outputs (B, C) for the players that are present, (B, n) bool on the model's device."""
        outputs = [self.forward(self.masked(presence, sample)).float() for sample in self.samples]
        return torch.stack(outputs).mean(dim=0)

    def masked(self, presence: Tensor, sample: Tensor, part: slice = slice(None)) -> Tensor:
        """Inputs (B, …) in which the players that are not present are masked, or a part of their first axis."""
        background = presence.new_ones(len(presence), 1)
        present = torch.cat([presence, background], dim=1)[:, self.owner[part]]
        return torch.where(present, sample[part], self.baseline.expand_as(sample)[part])

    def blocks(self, size: int, drawn: Tensor | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """All 2^n coalitions, or drawn ones (M, n), in blocks of at most `size`.

        Their numbers (b,) int64, which are bit masks or places among the drawn ones, and their outputs (b, C).
        """
        count = 1 << self.players if drawn is None else len(drawn)
        for start in range(0, count, size):
            numbers = torch.arange(start, min(start + size, count), device=self.samples.device)
            yield numbers, self(presence(numbers, self.players) if drawn is None else drawn[numbers])

    def trial(self, size: int) -> None:
        """One pass of `size` inputs, to be timed."""
        self(torch.ones(size, self.players, dtype=torch.bool, device=self.samples.device))


@dataclass(frozen=True)
class MaskedMarginal(MaskedModel):
    """Outputs averaged over several baseline values, `baseline` (T, …).

    With rows of the data for baseline values this is the marginal, or interventional, value function (Lundberg & Lee,
    "A Unified Approach to Interpreting Model Predictions", NeurIPS 2017, equation 11): v(S) is the mean output over
    rows in which what is present was replaced by the sample's own values.
    """

    finish: Callable[[Tensor], Tensor]
    """From the mean (B, C) float64 of what `forward` gives to outputs (B, C)."""

    def __call__(self, presence: Tensor) -> Tensor:
        """float32 outputs (B, C) for the players that are present, (B, n) bool on the model's device."""
        background = presence.new_ones(len(presence), 1)
        present = torch.cat([presence, background], dim=1)[:, None, self.owner]
        inputs = torch.where(present, self.samples, self.baseline)  # (B, T, …)
        outputs = self.forward(inputs.flatten(0, 1)).double()
        return self.finish(outputs.unflatten(0, inputs.shape[:2]).mean(dim=1)).float()


def presence(coalitions: Tensor, players: int) -> Tensor:
    """Which players are present in coalitions (B,) int64, bool (B, n)."""
    return (coalitions[:, None] >> torch.arange(players, device=coalitions.device) & 1).bool()


def owners(players: list[list[int]], positions: int) -> Tensor:
    """Player of each of so many positions, int64; the number of players where it is nobody's.

    Raises
    ------
    MaskingError
        If two players share a position or a player has none.
    """
    owner = torch.full((positions,), len(players))
    for player, own in enumerate(players):
        if not own:
            raise MaskingError(f"player {player} has no position in the input")
        if (owner[own] != len(players)).any():
            raise MaskingError(f"player {player} shares a position of the input with another player")
        owner[own] = player
    return owner


def batch_size(positions: int, on_cpu: int, on_cuda: int, device: torch.device | str) -> int:
    """The largest power of two of inputs with `positions` positions each that stays within a number of positions.

    On a CPU a batch should stay in its caches: larger ones gained nothing when timed. A GPU wants more work at once.
    """
    limit = on_cpu if torch.device(device).type == "cpu" else on_cuda
    return 1 << max(0, (limit // positions).bit_length() - 1)
