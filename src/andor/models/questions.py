"""Questions about a text as a tokenizer cuts them: the prompt with the text in it, and the answers that may follow."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from andor.data.targets import open_tokens
from andor.errors import UserError
from andor.files import first_line
from andor.models.answers import TEXT

Tokens = tuple[int, ...]
Tokenized = tuple[tuple[Tokens, ...], ...]
"""Tokens of each wording of each class."""


class UnaskableError(UserError):
    """A text that a model cannot be asked about; the message is the reason."""


class TooLongError(UnaskableError):
    """A text that does not fit."""


@dataclass(frozen=True)
class Question:
    """A prompt around a text, and what may be answered."""

    before: str
    """What stands before the text."""
    after: str
    """What stands after it."""
    special: bool
    """Whether the tokenizer adds its own special tokens; a chat template writes them itself."""
    answers: tuple[tuple[str, ...], ...]
    """Wordings of each class."""

    def around(self, text: str) -> str:
        """The whole prompt."""
        return f"{self.before}{text}{self.after}"

    def described(self) -> dict[str, Any]:
        """All of it as JSON values."""
        answers = [list(wordings) for wordings in self.answers]
        return {"before": self.before, "after": self.after, "special": self.special, "answers": answers}

    @classmethod
    def of(cls, description: dict[str, Any]) -> Question:
        """What was described."""
        answers = tuple(tuple(wordings) for wordings in description["answers"])
        return cls(description["before"], description["after"], description["special"], answers)


@dataclass(frozen=True)
class Asked:
    """A prompt as one tokenizer cuts it."""

    ids: list[int]
    """Its L tokens, those that open it too."""
    offsets: list[tuple[int, int]]
    """Characters [start, stop) of the whole prompt that each comes from."""
    answers: Tokenized
    """Tokens of each answer where it follows the prompt."""


def asked(question: Question, tokenizer: Any, text: str) -> Asked:
    """Tokens of the prompt about a text and of each answer: those of the whole string, cut in one go.

    Raises
    ------
    UnaskableError
        If the tokenizer joins an answer with the end of the prompt or one answer begins another; a TooLongError if the
        prompt with its longest answer is longer than the model reads.
    """
    whole = question.around(text)
    ids, offsets = open_tokens(tokenizer, whole, question.special)

    def following(answer: str) -> Tokens:
        both, _ = open_tokens(tokenizer, whole + answer, question.special)
        if both[: len(ids)] != ids or len(both) == len(ids):
            raise UnaskableError(
                f"the tokenizer joins the answer {answer!r} with the end of the prompt, {whole[-12:]!r}; "
                "move the space between them from one to the other, or end the prompt otherwise"
            )
        return tuple(both[len(ids) :])

    answers = tuple(tuple(map(following, wordings)) for wordings in question.answers)
    check_apart(question.answers, answers)
    # The last token of an answer is never read, and a tokenizer that knows no limit states an enormous one.
    length = len(ids) + max(len(tokens) for wordings in answers for tokens in wordings) - 1
    if length > tokenizer.model_max_length:
        raise TooLongError(
            f"the prompt has {length} tokens with its longest answer, the model reads {tokenizer.model_max_length}"
        )
    return Asked(ids, offsets, answers)


def try_answers(question: Question, tokenizer: Any, text: str) -> None:
    """Refuse answers that cannot be told apart after a text, and a prompt that leaves no room for any.

    Raises
    ------
    UserError
        One line.
    """
    try:
        asked(question, tokenizer, text)
    except TooLongError as error:
        if not text:
            raise UserError(f"`prompt`: with no text in it, {error}; shorten it") from None
        try_answers(question, tokenizer, "")  # another text may be chosen, unless none fits
    except UnaskableError as error:
        raise UserError(f"`answers`: {error}") from None


def check_apart(answers: Sequence[Sequence[str]], tokens: Sequence[Sequence[Sequence[Any]]]) -> None:
    """Refuse answers of which one begins another: their probabilities would count the same twice.

    Raises
    ------
    UnaskableError
        It names the two.
    """
    said = [wording for wordings in answers for wording in wordings]
    cut = [tuple(own) for wordings in tokens for own in wordings]
    for (first, own), (second, other) in itertools.permutations(zip(said, cut, strict=True), 2):
        if other[: len(own)] == own:
            raise UnaskableError(
                f"the answers {first!r} and {second!r} collide: the tokens of the first begin the second's; "
                "word them otherwise"
            )


def in_chat(tokenizer: Any, prompt: str) -> tuple[str, str]:
    """What stands before and after the text where a prompt is a user's message in the tokenizer's chat template.

    Raises
    ------
    UserError
        If it has none, or one that such a message does not fit.
    """
    before, mark, after = rendered(tokenizer, prompt).partition(TEXT)
    if not mark or TEXT in after:
        raise UserError("`chat: true`: the chat template of the tokenizer changes the prompt; write it all as `prompt`")
    return before, after


def rendered(tokenizer: Any, message: str) -> str:
    """A user's message in the tokenizer's chat template, up to where the answer begins."""
    if not getattr(tokenizer, "chat_template", None):
        raise UserError("`chat: true`: the tokenizer has no chat template; take `chat` away, or use another model")
    messages = [{"role": "user", "content": message}]
    try:
        return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    except Exception as error:  # whatever a template raises, which is a program of its own
        raise UserError(f"`chat: true`: the chat template of the tokenizer fails ({first_line(error)})") from None
