"""Models behind a completions endpoint: texts to the log-probabilities of the answers that stand for classes."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from andor.errors import UserError
from andor.files import canonical
from andor.models import scoring
from andor.models.loaded import LoadedModel
from andor.models.questions import Question, UnaskableError, check_apart
from andor.models.scoring import NoScoreError
from andor.models.serving import Calling, Endpoint, RefusedError

T = TypeVar("T")
PLACE = {field.name for field in fields(Calling)} | {"instead"}
"""What of a description says where and how the model is called, and not which it is."""
_log = logging.getLogger(__name__)


class ServedClassifier(LoadedModel):
    """A model that is asked over HTTP.

    What is sent of a text is the text itself inside the prompt, the words that are masked left out, and the answers.

    Attributes
    ----------
    question
        The prompt around a text, and the answers.
    endpoint
        Where it is asked.
    """

    columns = ("text",)

    def __init__(self, description: dict[str, Any], endpoint: Endpoint | None = None) -> None:
        super().__init__(nn.Module(), description)
        self.question = Question.of(description)
        self.endpoint = endpoint or Endpoint(calling_of(description))
        self._told = (0, 0, 0)

    @property
    def device(self) -> torch.device:
        """Where its outputs are."""
        return torch.device("cpu")

    @property
    def classes(self) -> list[str]:
        """None: the answers are in the order of the data's classes."""
        return []

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the model's name and revision, the question, and the way it is scored: not of the place."""
        identity = {key: value for key, value in self.description.items() if key not in PLACE}
        return hashlib.sha256(canonical(identity).encode()).hexdigest()

    def logits(self, texts: list[str]) -> Tensor:
        """Log-probabilities (B, classes) float32 of the answers on texts.

        Raises
        ------
        UserError
            If the server fails or refuses, answers as another model, or gives no log-probability.
        """
        try:
            return self._logits(texts)
        except NoScoreError as error:
            raise UserError(f"`model: {self.description['model']}`: {error}") from None

    def _logits(self, texts: list[str]) -> Tensor:
        asked = list(dict.fromkeys(texts))
        scores: list[list[list[float]]]
        if self.description["scoring"] == "top":
            scores = self._each(self._top, [(text,) for text in asked])
        else:
            flat = [(text, wording) for text in asked for wordings in self.question.answers for wording in wordings]
            found = iter(self._each(self._score, flat))
            scores = [[[next(found) for _ in wordings] for wordings in self.question.answers] for _ in asked]
        classes = {text: [np.logaddexp.reduce(own) for own in row] for text, row in zip(asked, scores, strict=True)}
        return torch.tensor([classes[text] for text in texts], dtype=torch.float32)

    def spent(self) -> dict[str, int]:
        """Requests and tokens since the last time this was asked, which are logged."""
        now = (self.endpoint.calls, self.endpoint.tokens, self.endpoint.repeated)
        calls, tokens, repeated = (new - old for new, old in zip(now, self._told, strict=True))
        self._told = now
        way = self.description["scoring"]
        _log.info("%d calls, %d of them repeated, %d tokens; answers scored by %s", calls, repeated, tokens, way)
        return {"calls": calls, "tokens": tokens}

    def _each(self, ask: Callable[..., T], questions: Sequence[tuple[str, ...]]) -> list[T]:
        """What is found for each question, several at a time, in their order."""
        pool = ThreadPoolExecutor(self.endpoint.calling.concurrency)
        try:
            return list(pool.map(lambda question: ask(*question), questions))
        finally:
            pool.shutdown(cancel_futures=True)  # after an error none of the others is sent

    def _score(self, text: str, wording: str) -> float:
        return self.asked(text, wording)[1]

    def asked(self, text: str, wording: str) -> tuple[list[str], float]:
        """Tokens and log-probability of one wording of an answer."""
        way, model = self.description["scoring"], self.description["model"]
        prompt = self.question.around(text)
        response = self.endpoint.complete(scoring.body_of(way, model, prompt, wording))
        scoring.check_model(response, model)
        return scoring.scored(way, response, prompt, wording)

    def _top(self, text: str) -> list[list[float]]:
        """Log-probabilities of all wordings of each class, from one request."""
        model, top = self.description["model"], self.description["top"]
        response = self.endpoint.complete(scoring.body_of("top", model, self.question.around(text), top=top))
        scoring.check_model(response, model)
        return [scoring.most_likely(response, wordings) for wordings in self.question.answers]

    def tried(self, text: str) -> None:
        """Ask once, and refuse answers that the model's tokens do not tell apart.

        Raises
        ------
        NoScoreError
            If the server gives no log-probability in the way that is tried.
        """
        if self.description["scoring"] == "top":
            self._top(text)
            return
        tokens = [[self.asked(text, wording)[0] for wording in wordings] for wordings in self.question.answers]
        try:
            check_apart(self.question.answers, tokens)
        except UnaskableError as error:
            raise UserError(f"`answers`: {error}") from None


def check_scores(model: ServedClassifier, text: str) -> None:
    """Refuse a way to score that gives the most likely next token another log-probability than the server gives it.

    llama.cpp's Python server, for one, shifts those of an echo by a token where the model's texts begin with none.

    Raises
    ------
    NoScoreError
        It says both.
    """
    name, prompt = model.description["model"], model.question.around(text)
    try:
        likely = scoring.likeliest(model.endpoint.complete(scoring.body_of("top", name, prompt, top=scoring.TOP[-1])))
    except (NoScoreError, RefusedError):
        likely = {}
    for token, expected in likely.items():
        try:
            _, score = model.asked(text, token)
        except NoScoreError:  # the tokenizer joins it with the prompt
            continue
        if abs(score - expected) > scoring.AGREE:
            raise NoScoreError(
                f"the server scores {token!r} after the prompt by {score:.3f}, as the next token by {expected:.3f}: "
                "its log-probabilities are of other tokens"
            )
        return
    _log.warning("the server's scores could not be compared with those of its next tokens")


def calling_of(description: dict[str, Any]) -> Calling:
    """How the described model is called."""
    return Calling(**{field.name: description[field.name] for field in fields(Calling)})


def scoring_of(description: dict[str, Any], text: str) -> dict[str, Any]:
    """The first way to score answers that an endpoint offers, tried on a text.

    Raises
    ------
    UserError
        If it offers none; the message has what each way came to.
    """
    endpoint = Endpoint(calling_of(description))
    ways: list[dict[str, Any]] = [{"scoring": way} for way in scoring.WAYS[:2]]
    ways += [{"scoring": "top", "top": top} for top in scoring.TOP]
    said = []
    for way in ways:
        try:
            model = ServedClassifier(description | way, endpoint)
            model.tried(text)
            if way["scoring"] != "top":
                check_scores(model, text)
        except (NoScoreError, RefusedError) as error:
            said.append(f"{way['scoring']}: {error}")
        else:
            _log.info("answers are scored by %s", way["scoring"])
            return way
    raise UserError("; ".join(dict.fromkeys(said)))
