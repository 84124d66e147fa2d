"""Masked texts for models that read characters: a masked word gives way to nothing, or to the name of a token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from andor import config
from andor.models.own import OwnModel
from andor.outputs.masking.model import MaskedModel, MaskingError

BATCH = 64
"""Texts of one call of the model."""


@dataclass(frozen=True)
class MaskedWords:
    """A text and its players."""

    text: str
    players: list[tuple[int, int]]
    """Characters [start, stop) of each player."""
    instead: str
    """What stands in place of a masked player."""

    def content(self) -> dict[str, Any]:
        """What determines the masked outputs besides the model."""
        players = [list(player) for player in self.players]
        return {"input": {"text": self.text}, "players": players, "masking": {"text": self.instead}}

    def bind(self, model: OwnModel, baseline: Tensor | None = None) -> MaskedModel:
        """Outputs on this text as a function of the players that are present.

        The text is cut where players begin and end; its pieces are numbered, and the last number is what stands in
        place of a masked one: masking selects numbers, as it selects pixels of an image.
        """
        cuts = sorted({0, len(self.text), *(cut for player in self.players for cut in player)})
        spans = list(pairwise(cuts))
        pieces = [*(self.text[start:stop] for start, stop in spans), self.instead]
        of = {player: number for number, player in enumerate(self.players)}
        owner = torch.tensor([of.get(span, len(self.players)) for span in spans])

        def forward(numbers: Tensor) -> Tensor:
            return model.logits(["".join(pieces[number] for number in row) for row in numbers.tolist()])

        whole = torch.arange(len(spans))[None]
        return MaskedModel(forward, whole, torch.tensor(len(spans)), owner, len(self.players), BATCH)


def locate_words(sample: Mapping[str, Any], masking: config.Masking) -> MaskedWords:
    """The text with its players, which are characters already.

    Raises
    ------
    MaskingError
        If two players share a character.
    """
    players = [(start, stop) for start, stop in sample["players"]]
    if any(stop > start for (_, stop), (start, _) in pairwise(sorted(players))):
        raise MaskingError("two players share characters of the text")
    token = f"[{masking.baseline.upper()}]" if masking.baseline in config.TOKENS else ""
    return MaskedWords(sample["text"], players, token)
