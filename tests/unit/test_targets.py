"""Targets: what a language model predicts, and how every tokenizer reads it."""

import pyarrow as pa
import pytest
import torch

import tiny
from andor.config import Masking
from andor.data.targets import predicted, with_targets
from andor.outputs.masking import locate

PROMPTS = ["A gripping film", "the acting is", tiny.TEXT]


def candidates() -> pa.Table:
    return pa.table({"item": [0, 1, 2], "text": PROMPTS}).replace_schema_metadata({"kept": "1"})


@pytest.mark.parametrize("make", [tiny.gpt2, tiny.llama])
def test_targets_are_the_most_likely_next_token(make):
    model = make()
    found = with_targets(candidates(), predictor=model)
    assert found.schema.metadata == {b"kept": b"1"}
    tokenizer = model.tokenizer
    for prompt, target in zip(PROMPTS, found["target"].to_pylist(), strict=True):
        ids = tokenizer(prompt)["input_ids"]
        with torch.no_grad():
            logits = model.network(input_ids=torch.tensor([ids])).logits[0, -1]
        likely = [
            t
            for t in logits.argsort(descending=True).tolist()
            if t < len(tokenizer) and t not in tokenizer.all_special_ids
        ]
        texts = [tokenizer.decode([*ids, token])[len(tokenizer.decode(ids)) :] for token in likely]
        assert target == next(text for text in texts if text.strip() and "\ufffd" not in text)
        located = locate(model, {"text": prompt, "players": [[0, len(prompt.split()[0])]], "target": target}, Masking())
        assert located.target[0] in likely[: texts.index(target) + 1]


def test_a_given_text_needs_no_model():
    assert with_targets(candidates(), " yes")["target"].to_pylist() == [" yes"] * 3


class Scripted:
    """A language model that goes on with the letters of a text, whatever comes before."""

    device = torch.device("cpu")

    def __init__(self, prompt: str, continuation: str) -> None:
        self.tokenizer, self.prompt, self.continuation = tiny.byte_bpe(), prompt, continuation

    def embed(self, ids):
        return ids

    def next_logits(self, ids):
        written = self.tokenizer.decode(ids[0])[len(self.prompt) :]
        logits = torch.zeros(1, len(self.tokenizer))
        rest = self.continuation[len(written) :]
        (token, *_) = self.tokenizer(rest[0])["input_ids"] if rest else [0]
        logits[0, token] = 1.0
        return logits


@pytest.mark.parametrize(
    ("continuation", "token", "word"),
    [("zoo keeper", "z", "zoo"), ("zoo", "z", "zoo"), ("zoo.", "z", "zoo"), ("1979, ", "1", "1979"), (",x", ",", ",")],
)
def test_a_word_is_completed_until_the_next_would_begin(continuation, token, word):
    model = Scripted("a ", continuation)
    assert predicted(model, "a ") == token
    assert predicted(model, "a ", "word") == word


def test_a_long_prompt_is_continued_where_it_ends():
    """The model reads 64 tokens: the last ones, also while a word grows."""
    model = tiny.gpt2()
    prompt = "nobody sleeps " * 20 + tiny.TEXT
    ids = model.tokenizer(prompt)["input_ids"]
    assert len(ids) > 64
    assert predicted(model, prompt) == predicted(model, model.tokenizer.decode(ids[-64:]))
    assert predicted(model, model.tokenizer.decode(ids[-64:]), "word").strip()
