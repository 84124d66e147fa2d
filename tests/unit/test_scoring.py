"""What endpoints answer becomes log-probabilities of answers, or one line; never another number."""

import copy
import math
import random

import pytest

from andor.errors import UserError
from andor.models.scoring import WAYS, NoScoreError, scored
from andor.models.served import ServedClassifier, check_scores
from andor.models.serving import Calling, Endpoint

JUNK = [None, [], {}, [[]], [None], [{}], [3], "x", True, 3.5, -9999.0, math.inf, math.nan, {"a": 1}]


def damaged(response, random):
    """A response in which something is missing, or something else stands in its place."""
    places, found = [((), response)], []
    while places:
        way, value = places.pop()
        found.append(way)
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        places += [((*way, key), part) for key, part in inner]
    *way, last = found[random.randrange(1, len(found))]
    part = response
    for key in way:
        part = part[key]
    if random.random() < 0.2:
        del part[last]
    else:
        part[last] = copy.deepcopy(random.choice(JUNK))
    return response


@pytest.mark.parametrize("way", [*WAYS])
def test_answers_in_no_form_that_is_known_are_one_line(way):
    def response(body):
        prompt = body["prompt"]
        tokens, scores = ["so", *([prompt[2:]] if prompt[2:] else [])], [-1.0, -float(len(prompt))]
        if "prompt_logprobs" in body:
            entries = [{"7": {"decoded_token": t, "logprob": s}} for t, s in zip(tokens, scores, strict=False)]
            choice = {"prompt_logprobs": [None, *entries]}
        elif "echo" in body:
            choice = {"logprobs": {"tokens": ["<s>", *tokens, ";"], "token_logprobs": [None, *scores, -1.0]}}
        else:
            choice = {"logprobs": {"top_logprobs": [{" bad": -6.0, " good": -7.0, " x": -8.0}]}}
        tokens = ["<s>", *tokens]
        usage = {"prompt_tokens": len(tokens), "total_tokens": len(tokens) + 1}
        return {"model": "tiny", "choices": [choice], "usage": usage}

    question = {"before": "so", "after": "", "special": True, "answers": [[" good"], [" bad"]]}
    calling = Calling("http://localhost:9/v1", None, concurrency=1, per_minute=None, timeout=1.0, most_calls=None)
    description = {"family": "served", "model": "tiny", "scoring": way, "top": 5, **question}
    model, told = ServedClassifier(description, Endpoint(calling)), 0
    for seed in range(600):
        chance = random.Random(seed)
        model.endpoint._sent = lambda body, chance=chance: damaged(response(body), chance)
        try:
            if way != "top":
                check_scores(model, "")
            assert model.logits([""]).tolist() == [[-7.0, -6.0]], seed
        except (UserError, NoScoreError) as error:
            assert "\n" not in str(error) and len(str(error)) < 300
            told += 1
    assert 100 < told < 600


def test_an_echo_with_or_without_what_was_generated():
    def echo(tokens, usage=None):
        scores = [None, *range(-1, -len(tokens), -1)]
        return {"choices": [{"logprobs": {"tokens": tokens, "token_logprobs": scores}}], "usage": usage}

    same = ["so", " good", " good"]
    assert scored("echo", echo([*same, " x"]), "so good", " good") == ([" good"], -2.0)
    assert scored("echo", echo(same), "so good", " good") == ([" good"], -2.0)
    assert scored("echo", echo(same, {"prompt_tokens": 3}), "so good", " good") == ([" good"], -2.0)
    assert scored("echo", echo(["<s>", *same], {"prompt_tokens": 3}), "so", " good") == ([" good"], -2.0)
    cut = ["\ufffd", "\ufffd", *same]  # of a letter that is two tokens
    assert scored("echo", echo(cut), "éso good", " good")[1] == -4.0
    assert scored("echo", echo([*cut, " good"]), "éso good", " good")[1] == -4.0
    assert scored("echo", echo([*cut, "\ufffd"]), "éso good", " good")[1] == -4.0
