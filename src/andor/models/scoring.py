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

import math
from collections.abc import Sequence
from typing import Any

from andor.errors import UserError

WAYS = ("prompt_logprobs", "echo", "top")
TOP = (1000, 20, 5)
"""Next tokens that are asked for: many, or else as many as vLLM gives, or as OpenAI's endpoints do."""
AGREE = 0.1
"""How far two scores of one token may be apart, by a server's noise."""
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
    more = len(tokens) - int((response.get("usage") or {}).get("prompt_tokens") or 0)
    return more if more in (0, 1) else int(not "".join(tokens).endswith(sent))


def _from_prompt(response: dict[str, Any]) -> tuple[list[str], list[float | None]]:
    """Tokens of prompt and answer, and their log-probabilities."""
    given = _choice(response).get("prompt_logprobs")
    if not isinstance(given, list) or not given:
        raise NoScoreError("the server gives no `prompt_logprobs`")
    entries = [next(iter(each.values()), {}) if isinstance(each, dict) else {} for each in given]
    return [str(entry.get("decoded_token") or "") for entry in entries], [e.get("logprob") for e in entries]


def _echoed(response: dict[str, Any]) -> tuple[list[str], list[float | None]]:
    """The same of an echo."""
    given = _choice(response).get("logprobs") or {}
    tokens, log_probs = given.get("tokens") or [], given.get("token_logprobs") or []
    if len(tokens) < 3 or len(tokens) != len(log_probs):
        raise NoScoreError("the server gives no log-probabilities of an echoed prompt")
    return [str(token) for token in tokens], log_probs


def likeliest(response: dict[str, Any]) -> dict[str, float]:
    """The most likely next tokens that are text, and their log-probabilities; none if the server does not say."""
    given = (_choice(response).get("logprobs") or {}).get("top_logprobs") or [{}]
    text = {token: score for token, score in given[0].items() if token.strip() and "\ufffd" not in token}
    return dict(sorted(text.items(), key=lambda entry: -entry[1])[:COMPARED])


def most_likely(response: dict[str, Any], answers: Sequence[str]) -> list[float]:
    """Log-probabilities of answers that are one token each, among the most likely next ones.

    Raises
    ------
    NoScoreError
        If one is not among them, or not finite.
    """
    given = (_choice(response).get("logprobs") or {}).get("top_logprobs") or []
    if not given or not isinstance(given[0], dict):
        raise NoScoreError("the server gives no log-probabilities of next tokens")
    absent = next((answer for answer in answers if answer not in given[0]), None)
    if absent is not None:
        likely = ", ".join(map(repr, list(given[0])[:5]))
        raise NoScoreError(
            f"the answer {absent!r} is none of the {len(given[0])} most likely next tokens, the first of which are "
            f"{likely}; word it as one of these, or use a server that scores prompts"
        )
    return [finite(given[0][answer]) for answer in answers]


def finite(log_prob: Any) -> float:
    """A log-probability, which must be a number."""
    if not isinstance(log_prob, int | float) or not math.isfinite(log_prob):
        raise NoScoreError(f"the server gives {log_prob!r} for a log-probability")
    return float(log_prob)


def _choice(response: dict[str, Any]) -> dict[str, Any]:
    choices = response.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise NoScoreError("the server gives no `choices`")
    return choices[0]
