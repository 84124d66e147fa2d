"""How an endpoint's answers give the log-probability of an answer to a prompt: three ways, the first that works.

`prompt_logprobs`
    vLLM's: log-probabilities of all tokens of prompt and answer.
`echo`
    The same by `echo` and `logprobs`, as OpenAI's first models had it, and llama.cpp's Python server has.
`top`
    The most likely next tokens, of which each answer has to be one.

Temperature is 1 throughout, where what servers call log-probabilities is the same before and after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andor.errors import UserError

WAYS = ("prompt_logprobs", "echo", "top")
TOP = (1000, 20, 5)
"""Next tokens that are asked for: many, or else as many as vLLM gives, or as OpenAI's endpoints do."""
AGREE = 0.1
"""How far two scores of one token may be apart, by a server's noise."""
UNKNOWN, ROUNDING = -9999.0, 1e-3
"""What OpenAI's servers and vLLM give in place of minus infinity, or of what they do not know; how far rounding lifts a
log-probability above 0."""
COMPARED = 3
"""Most likely next tokens that are tried as answers, until one is a token of the whole text too."""


class NoScoreError(UserError):
    """An answer of an endpoint that holds no log-probability of what was asked; the message says why."""


def body_of(way: str, model: str, prompt: str, answer: str = "", top: int = TOP[0]) -> dict[str, Any]:
    """Body of a request: the prompt with the answer to be scored, or alone for the way `top`."""
    text = prompt if way == "top" else prompt + answer
    asked = {
        "prompt_logprobs": {"prompt_logprobs": 0}, "echo": {"echo": True, "logprobs": 1}, "top": {"logprobs": top}
    }[way]  # fmt: skip
    return {"model": model, "prompt": text, "max_tokens": 1, "temperature": 1, **asked}


def check_model(response: dict[str, Any], model: str) -> None:
    """Refuse the answer of another model; one that states a version after a colon is the same.

    Raises
    ------
    UserError
        It names both.
    """
    named = response.get("model")
    if named is not None and named != model and not str(named).startswith(f"{model}:"):
        raise UserError(f"`model: {model}`: the server answers as `{named}`; name that, or mend the server")


def scored(way: str, response: dict[str, Any], prompt: str, answer: str) -> tuple[list[str], float]:
    """Tokens of an answer that was sent after its prompt, and their log-probabilities' sum.

    Raises
    ------
    NoScoreError
        If there are none, one is not finite, or the tokenizer joins the answer with the end of the prompt.
    """
    tokens, log_probs = (_from_prompt if way == "prompt_logprobs" else _echoed)(response)
    stop = len(tokens) - _generated(response, tokens, prompt + answer)
    begin, said = stop, ""
    while begin > 0 and len(said) < len(answer):
        begin -= 1
        said = tokens[begin] + said
    if said == answer and begin > 0:
        return tokens[begin:stop], sum(finite(log_prob) for log_prob in log_probs[begin:stop])
    raise NoScoreError(
        f"{''.join(tokens[:stop][-8:])!r} does not end with tokens of the answer {answer!r}: the tokenizer joins it "
        "with the prompt; move the space between them from one to the other, or end the prompt otherwise"
    )


def _generated(response: dict[str, Any], tokens: list[str], sent: str) -> int:
    """How many tokens, 0 or 1, stand behind those of what was sent, in an echo of some servers."""
    more = len(tokens) - counted(response, "prompt_tokens")
    if more in (0, 1):
        return more
    said = "".join(tokens)
    *_, behind = said.rpartition("\ufffd")  # what is part of a letter is no text by itself
    return int(not said.endswith(sent) and (behind in ("", said) or not sent.endswith(behind)))


def _from_prompt(response: dict[str, Any]) -> tuple[list[str], list[float | None]]:
    """Tokens of prompt and answer, and their log-probabilities."""
    given = _list(_choice(response).get("prompt_logprobs"))
    if not given:
        raise NoScoreError("the server gives no `prompt_logprobs`")
    entries = [_mapping(next(iter(_mapping(each).values()), None)) for each in given]
    return [str(entry.get("decoded_token") or "") for entry in entries], [e.get("logprob") for e in entries]


def _echoed(response: dict[str, Any]) -> tuple[list[str], list[float | None]]:
    """The same of an echo."""
    given = _mapping(_choice(response).get("logprobs"))
    tokens, log_probs = _list(given.get("tokens")), _list(given.get("token_logprobs"))
    if len(tokens) < 3 or len(tokens) != len(log_probs):
        raise NoScoreError("the server gives no log-probabilities of an echoed prompt")
    return [str(token) for token in tokens], log_probs


def likeliest(response: dict[str, Any]) -> dict[str, float]:
    """The most likely next tokens that are text, and their log-probabilities; none if the server does not say."""
    text = {token: score for token, score in _next(response).items() if token.strip() and "\ufffd" not in token}
    likely = sorted((finite(score), token) for token, score in text.items())[-COMPARED:]
    return {token: score for score, token in reversed(likely)}


def most_likely(response: dict[str, Any], answers: Sequence[str]) -> list[float]:
    """Log-probabilities of answers that are one token each, among the most likely next ones.

    Raises
    ------
    NoScoreError
        If one is not among them, or not finite.
    """
    given = _next(response)
    if not given:
        raise NoScoreError("the server gives no log-probabilities of next tokens")
    absent = next((answer for answer in answers if answer not in given), None)
    if absent is not None:
        likely = ", ".join(map(repr, list(given)[:5]))
        raise NoScoreError(
            f"the answer {absent!r} is none of the {len(given)} most likely next tokens, the first of which are "
            f"{likely}; word it as one of these, or use a server that scores prompts"
        )
    return [finite(given[answer]) for answer in answers]


def finite(log_prob: Any) -> float:
    """A log-probability, which must be a number that one can be."""
    if not isinstance(log_prob, int | float) or not UNKNOWN < log_prob < ROUNDING:
        raise NoScoreError(f"the server gives {repr(log_prob)[:40]} for a log-probability")
    return float(log_prob)


def counted(response: dict[str, Any], what: str) -> int:
    """How many tokens of a kind a server says that it read or wrote; 0 if it does not say."""
    count = _mapping(response.get("usage")).get(what)
    return count if isinstance(count, int) else 0


def _choice(response: dict[str, Any]) -> dict[str, Any]:
    choice = next(iter(_list(response.get("choices"))), None)
    if not isinstance(choice, dict):
        raise NoScoreError("the server gives no `choices`")
    return choice


def _next(response: dict[str, Any]) -> dict[str, Any]:
    """The most likely next tokens, as the server gives them; none if it does not."""
    given = _list(_mapping(_choice(response).get("logprobs")).get("top_logprobs"))
    return _mapping(next(iter(given), None))


def _mapping(value: Any) -> dict[str, Any]:
    """A mapping; an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    """A list; an empty one in place of anything else."""
    return value if isinstance(value, list) else []
