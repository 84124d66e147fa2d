"""Masked texts for models that read characters: a masked word gives way to nothing, or to the name of a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor

from andor import config
from andor.models.own import OwnModel
from andor.models.served import ServedClassifier
from andor.outputs.masking.model import MaskedModel, MaskingError

BATCH = 64
"""Texts of one call of the model."""


class MaskedAnswers(MaskedModel):
    """Outputs of a model that is asked over a network."""

    def trial(self, size: int) -> None:
        """Nothing: requests cost, and how many go out at a time is configured."""


@dataclass(frozen=True)
class MaskedWords:
    """A text and its players."""

    masked_model: ClassVar[type[MaskedModel]] = MaskedModel

    text: str
    players: list[tuple[int, int]]
    """Characters [start, stop) of each player."""
    instead: str
    """What stands in place of a masked player."""

    def content(self) -> dict[str, Any]:
        """What determines the masked outputs besides the model."""
        players = [list(player) for player in self.players]
        return {"input": {"text": self.text}, "players": players, "masking": {"text": self.instead}}

    def bind(self, model: OwnModel | ServedClassifier, baseline: Tensor | None = None) -> MaskedModel:
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
            return model.logits([self.written(pieces, row) for row in numbers.tolist()])

        whole = torch.arange(len(spans))[None]
        return self.masked_model(forward, whole, torch.tensor(len(spans)), owner, len(self.players), BATCH)

    def written(self, pieces: Sequence[str], row: Sequence[int]) -> str:
        """The text of some pieces by their numbers; the last piece stands for what is masked."""
        return "".join(pieces[number] for number in row)


@dataclass(frozen=True)
class AskedWords(MaskedWords):
    """A text whose masked words, where nothing stands in their place, take one of the spaces around them along.

    What a language model reads is then what one would write.
    """

    masked_model = MaskedAnswers

    def written(self, pieces: Sequence[str], row: Sequence[int]) -> str:
        """The text of some pieces, or without them."""
        if self.instead:
            return super().written(pieces, row)
        return without([(pieces[number], number == len(pieces) - 1) for number in row])


def without(pieces: Sequence[tuple[str, bool]]) -> str:
    """Pieces of a text without those that are masked, each with a space before or behind it."""
    text, gap = "", False
    for piece, masked in pieces:
        if masked:
            gap = True
            continue
        after = not text or text[-1].isspace()
        text += piece[1:] if gap and after and piece[:1].isspace() else piece
        gap = False
    return text[:-1] if gap and text[-1:].isspace() else text


def locate_asked(model: ServedClassifier, sample: Mapping[str, Any], masking: config.Masking) -> AskedWords:
    """The text with its players, for a model that is asked over a network (see `locate_words`)."""
    located = locate_words(sample, masking)
    instead = model.description["instead"]
    return AskedWords(located.text, located.players, located.instead if instead is None else instead)


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
