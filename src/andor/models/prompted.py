"""Causal language models that are asked for the class of a text."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from andor.models.caches import fork
from andor.models.loaded import CausalModel
from andor.models.questions import Asked, Question, Tokenized, Tokens, UnaskableError, asked

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


class PromptedClassifier(CausalModel):
    """Texts to the log-probabilities of the answers that stand for the classes, which are its logits.

    Attributes
    ----------
    question
        The prompt around a text, and the answers.
    """

    def __init__(self, network: nn.Module, description: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__(network, description, tokenizer)
        self.question = Question.of(description)

    @property
    def classes(self) -> list[str]:
        """None: the answers are in the order of the data's classes."""
        return []

    def asked(self, text: str) -> Asked:
        """Tokens of the question about a text."""
        return asked(self.question, self.tokenizer, text)

    @torch.no_grad()
    def logits(self, texts: list[str]) -> Tensor:
        """Log-probabilities (B, classes) float32 of the answers on whole texts; NaN where one cannot be asked about."""
        return torch.stack([self._one(text) for text in texts])

    def _one(self, text: str) -> Tensor:
        try:
            question = self.asked(text)
        except UnaskableError:
            return torch.full((len(self.question.answers),), math.nan, device=self.device)
        prompt = self.embed(torch.tensor(question.ids, device=self.device))
        return self.answered(prompt[None], question.answers)[0]

    def answered(self, prompts: Tensor, answers: Tokenized) -> Tensor:
        """Log-probabilities (B, classes) of the answers after prompts of equal length as word embeddings (B, L, d)."""

        def after(stem: Tokens) -> Tensor:
            return self.last_logits(torch.cat([prompts, self._repeated(stem, len(prompts))], dim=1), len(stem) + 1)

        return class_scores(answers, after)

    def continued(self, cache: Any, logits: Tensor, answers: Tokenized) -> Tensor:
        """The same from the cache of the prompts, which stays as it is, and their last logits (B, 1, V)."""

        def after(stem: Tokens) -> Tensor:
            if not stem:
                return logits
            further = self.extend(fork(cache), self._repeated(stem, len(logits)), len(stem))
            return torch.cat([logits, further], dim=1)

        return class_scores(answers, after)

    def _repeated(self, tokens: Tokens, repeats: int) -> Tensor:
        """Word embeddings (B, m, d) of some tokens, for each of B prompts."""
        ids = torch.tensor(tokens, dtype=torch.long, device=self.device)
        return self.embed(ids).expand(repeats, -1, -1)


def class_scores(answers: Tokenized, after: Callable[[Tokens], Tensor]) -> Tensor:
    """Log-probability (B, classes) of each class: of its answers' log-probabilities the log-sum-exp.

    That of an answer is the sum of those of its tokens.

    Parameters
    ----------
    after
        Of the tokens of an answer but the last, m of them: logits (B, m + 1, V) after the prompt and after each.
    """
    scores: dict[Tokens, Tensor] = {}
    for stem in dict.fromkeys(answer[:-1] for wordings in answers for answer in wordings):
        log_probs = after(stem).log_softmax(dim=-1)
        for answer in {answer for wordings in answers for answer in wordings if answer[:-1] == stem}:
            index = torch.tensor(answer, device=log_probs.device).expand(len(log_probs), -1)[..., None]
            scores[answer] = log_probs.gather(2, index)[..., 0].sum(dim=1)
    classes = [torch.stack([scores[answer] for answer in wordings]).logsumexp(dim=0) for wordings in answers]
    return torch.stack(classes, dim=1)
