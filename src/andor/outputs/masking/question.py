"""Masked texts inside the prompt of a model that is asked for their class; the prompt itself is never masked.

What stands before the first player is read once for all masked prompts, and answers go on from the cache of each
(see `andor.outputs.masking.prompt`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from andor import config
from andor.models.prompted import PromptedClassifier
from andor.models.questions import Tokenized, UnaskableError
from andor.outputs.masking.model import MaskedModel, MaskingError, batch_size, owners
from andor.outputs.masking.prompt import MaskedQuestion, block_size
from andor.outputs.masking.text import MaskedText, baseline_of, word_pieces


@dataclass(frozen=True)
class AskedText(MaskedText):
    """A prompt as one model's tokenizer cuts it, the players of the text in it, and the answers."""

    answers: Tokenized = ()
    """Tokens of each wording of each class."""

    def content(self) -> dict[str, Any]:
        """What determines the masked outputs besides the weights."""
        content = super().content()
        return content | {"input": {**content["input"], "answers": self.answers}}

    @torch.no_grad()
    def bind(self, model: PromptedClassifier, baseline: Tensor | None = None) -> MaskedModel:
        """Log-probabilities of the classes (B, C), by the players that are present."""
        owner = owners(self.players, len(self.ids)).reshape(-1, 1).to(model.device)
        embeddings = model.embed(torch.tensor(self.ids, device=model.device))
        if baseline is None:
            baseline = self.embedding(model, embeddings)

        def forward(prompts: Tensor) -> Tensor:
            return model.answered(prompts, self.answers)

        longest = max(len(answer) for wordings in self.answers for answer in wordings)
        length = len(self.ids) + longest - 1
        if model.shares_prefixes:
            logits = 4 * longest * model.network.get_output_embeddings().weight.shape[0]
            size = block_size(self.players, length, model.cache_bytes, logits, model.device)
        else:
            size = batch_size(length, on_cpu=1 << 11, on_cuda=1 << 14, device=model.device)
        return MaskedQuestion(
            forward, embeddings[None], baseline, owner, len(self.players), size, model, self.answers
        )  # fmt: skip


def locate_question(model: PromptedClassifier, sample: Mapping[str, Any], masking: config.Masking) -> AskedText:
    """Word pieces of each player of the text where it stands in the prompt, and the tokens of the answers.

    Raises
    ------
    MaskingError
        If the prompt with its longest answer is longer than the model reads, or a piece belongs to two players, or to
        one and to the prompt.
    UserError
        If the tokenizer lacks the token that stands for a masked player.
    """
    try:
        asked = model.asked(sample["text"])
    except UnaskableError as error:
        raise MaskingError(str(error)) from None
    begin = len(model.question.before)
    words = [(begin + start, begin + stop) for start, stop in sample["players"]]
    players = word_pieces(asked.offsets, model.question.around(sample["text"]), words)
    token, value = baseline_of(model, masking)
    return AskedText(asked.ids, players, masking, token, None, value, asked.answers)
