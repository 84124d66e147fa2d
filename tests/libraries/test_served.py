"""A model behind an endpoint says what the same model says here, and whatever its server does is told in one line."""

import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from test_asked import ANSWERS, PROMPT, folder_of, made

import tiny
from andor.config import Budget, Masking
from andor.errors import UserError
from andor.models import serving as calling
from andor.models.families.served import ServedModel
from andor.models.loading import load
from andor.models.served import ServedClassifier
from andor.outputs.cache import OutputCache
from andor.outputs.evaluate import evaluate_chunk, screen
from andor.outputs.masking import bind, locate
from andor.outputs.masking.words import without
from andor.outputs.passes import evaluate, fastest_batch_size
from andor.report.findings.noise import findings
from andor.report.tables.task import noise
from andor.store import read_metadata, read_table
from completions_server import Completions, serving

KEY = "sk-very-secret-0123456789"
WORDS = ("superb", "A", "film", "gripping")
SINGLE = {0: [" the", " film"], 1: " s"}  # each is one token of the tiny tokenizer
WAYS = ["prompt_logprobs", "echo", "top"]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    folder_of(str(folder), 201)
    return folder


@pytest.fixture(scope="module")
def lm(here, tmp_path_factory):
    return made(here, tmp_path_factory.mktemp("asked"))


@pytest.fixture(scope="module")
def single(here, tmp_path_factory):
    return made(here, tmp_path_factory.mktemp("single"), answers=SINGLE)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(calling, "FIRST_WAIT", 0.001)
    monkeypatch.setenv("ANDOR_TEST_KEY", KEY)


def server(lm, *speaks: str) -> Completions:
    return Completions(lm, speaks or ("prompt_logprobs",))


def settings(url: str, **keys) -> ServedModel:
    values = {"family": "served", "url": url, "model": "tiny", "revision": "1", "prompt": PROMPT, "answers": ANSWERS}
    return ServedModel.model_validate(values | keys)


def served(url: str, folder, table=None, **keys) -> ServedClassifier:
    settings(url, **keys).make(table, None, None, folder, 0)
    return load(folder)


@pytest.mark.parametrize("way", WAYS)
def test_it_says_what_the_model_says(lm, single, tmp_path, way, caplog):
    local, answers = (single, SINGLE) if way == "top" else (lm, ANSWERS)
    state = server(local, way)
    state.top = len(local.tokenizer)
    with serving(state) as url, caplog.at_level(logging.INFO):
        model = served(url, tmp_path / "m", answers=answers)
        assert model.description["scoring"] == way and f"answers are scored by {way}" in caplog.text
        outputs = evaluate(bind(model, tiny.text_sample(*WORDS), Masking()))
    words = sorted((tiny.TEXT.index(word), word) for word in WORDS)
    texts = []
    for coalition in range(16):
        text = tiny.TEXT
        for start, word in reversed(words):  # from behind, so that places stay
            if not coalition >> WORDS.index(word) & 1:
                stop = start + len(word)
                text = text[:start] + (text[stop + 1 :] if text[stop] == " " else text[stop:])
        texts.append(text)
    assert texts[0b1111] == tiny.TEXT and texts[0] == ", unforgettable : the acting is and nobody sleeps."
    assert outputs == pytest.approx(local.logits(texts).numpy(), abs=1e-5)
    assert np.ptp(outputs[:, 1] - outputs[:, 0]) > 0.1


def test_words_leave_with_a_space_or_give_way(lm, tmp_path):
    pieces = [("A", True), (" ", False), ("gripping", True), (", the ", False), ("end", True)]
    assert without(pieces) == ", the" and without([("A", True)]) == "" and without([("A", False)]) == "A"
    assert without([("a ", False), ("b", True), (" ", False), ("c", True), (" d", False)]) == "a d"
    state = server(lm)
    with serving(state) as url:
        for instead, baseline, word in ((None, "mask", "[MASK]"), ("___", "zero", "___"), ("", "mask", "")):
            model = served(url, tmp_path / f"m{baseline}{word}", instead=instead)
            located = locate(model, tiny.text_sample("superb"), Masking(baseline=baseline))
            assert located.content()["masking"] == {"text": word}
            state.received.clear()
            evaluate(located.bind(model))
            expected = PROMPT.replace("{text}", tiny.TEXT.replace("superb", word) if word else
                                      tiny.TEXT.replace(" superb", ""))  # fmt: skip
            assert {body["prompt"].startswith(expected) for body in state.received} == {True, False}


def test_nothing_but_the_masked_text_is_sent(lm, tmp_path):
    state = server(lm)
    with serving(state) as url:
        model = served(url, tmp_path / "m", key_variable="ANDOR_TEST_KEY", concurrency=3)
        evaluate(bind(model, tiny.text_sample(*WORDS), Masking()))
    sent = {key for body in state.received for key in body}
    assert sent == {"model", "prompt", "max_tokens", "temperature", "prompt_logprobs", "logprobs"}
    whole = {PROMPT.replace("{text}", tiny.TEXT) + answer for answer in (" the", " nobody", " superb film")}
    assert whole <= {body["prompt"] for body in state.received}
    names = {name.lower() for headers in state.headers for name in headers}
    assert names == {"host", "user-agent", "accept-encoding", "accept", "connection", "content-length",
                     "content-type", "authorization"}  # fmt: skip
    assert all(headers["Authorization"] == f"Bearer {KEY}" for headers in state.headers)
    assert state.most_at_once <= 3


@pytest.mark.parametrize("fault", [429, 500, 503, "cut", "html", "deep", "slow"])
def test_what_fails_is_sent_again(lm, tmp_path, fault, caplog):
    state = server(lm)
    with serving(state) as url:
        model = served(url, tmp_path / "m", timeout=2 if fault == "slow" else 60)
        before = len(state.received)
        state.faults, state.retry_after = [fault, fault], "0"
        with caplog.at_level(logging.INFO):
            assert model.logits([tiny.TEXT])[0].tolist() == pytest.approx(lm.logits([tiny.TEXT])[0].tolist(), abs=1e-5)
            calls = model.spent()["calls"]
    assert calls == len(state.received) - before >= 5 and "sent again" in caplog.text
    if fault != "slow":  # a busy machine may be slower still
        assert calls == 5 and "2 of them repeated" in caplog.text


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_server_that_asks_to_wait_is_waited_for(lm, tmp_path, form):
    state = server(lm)
    with serving(state) as url:
        model = served(url, tmp_path / "m")
        date = datetime.now(UTC) + timedelta(seconds=2)  # whole seconds: one is left
        state.faults, state.retry_after = [429], "1" if form == "seconds" else format_datetime(date, usegmt=True)
        began = time.monotonic()
        model.logits([tiny.TEXT])
        assert 0.7 < time.monotonic() - began < 10
        state.faults, state.retry_after = [429], "86400"
        with pytest.raises(UserError, match="429 no: is wrong and asks to wait 86400 s; run again later"):
            model.logits([tiny.TEXT])


def test_no_more_a_minute_than_agreed(lm, tmp_path):
    with serving(server(lm)) as url:
        model = served(url, tmp_path / "m", per_minute=600)
        began = time.monotonic()
        model.logits([tiny.TEXT, "film"])
        assert time.monotonic() - began > 0.5  # six requests, a tenth of a second apart


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("name", "`model: tiny`: the server answers as `another`; name that, or mend the server"),
        ("nan", "`model: tiny`: the server gives nan for a log-probability"),
        ("missing", "`model: tiny`: the server gives no `prompt_logprobs`"),
        (400, "the server refuses: 400 no: is wrong"),
        (404, "the server refuses: 404 no: is wrong"),
    ],
)
def test_an_answer_that_is_none_is_one_line(lm, tmp_path, fault, said):
    state = server(lm)
    with serving(state) as url:
        model = served(url, tmp_path / "m")
        state.faults = [fault] * 3
        with pytest.raises(UserError) as error:
            model.logits([tiny.TEXT])
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_server_that_fails_for_good_or_is_gone_is_one_line(lm, tmp_path, monkeypatch):
    state = server(lm)
    with serving(state) as url:
        model = served(url, tmp_path / "m", concurrency=1)
        state.faults = [500] * calling.TRIES
        with pytest.raises(UserError, match=r"no answer in 8 tries \(500 no: is wrong\); run again, what is done is"):
            model.logits([tiny.TEXT])
        assert len(state.faults) == 0
    with pytest.raises(UserError, match=r"no answer in 8 tries \(cannot connect to 127.0.0.1\)"):
        model.logits([tiny.TEXT])


@pytest.mark.parametrize("status", [401, 403, 500])
def test_the_key_is_nowhere(lm, tmp_path, status, caplog):
    state = server(lm)
    with serving(state) as url, caplog.at_level(logging.DEBUG):
        model = served(url, tmp_path / "m", key_variable="ANDOR_TEST_KEY")
        state.faults = [status] * calling.TRIES * 4
        with pytest.raises(UserError) as error:
            model.logits([tiny.TEXT])
        assert f"{status} no: Bearer … is wrong" in str(error.value)
    assert KEY not in str(error.value) and KEY not in caplog.text and KEY not in repr(vars(model))
    assert not any(KEY.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_what_goes_to_this_machine_takes_no_proxy(lm, tmp_path, monkeypatch):
    """A proxy of the environment would get texts and key in the clear."""
    state, proxy = server(lm), server(lm)
    with serving(state) as url, serving(proxy) as elsewhere:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, elsewhere.removesuffix("/v1"))
        for number, address in enumerate((url, url.replace("127.0.0.1", "localhost"))):
            served(address, tmp_path / str(number), key_variable="ANDOR_TEST_KEY").logits([tiny.TEXT])
    assert len(state.received) >= 6 and not proxy.received


@pytest.mark.parametrize("value", [None, "", "zwei wörter", "a\nb"])
def test_a_key_that_is_none_is_told_without_it(value, monkeypatch, tmp_path):
    monkeypatch.delenv("ANDOR_TEST_KEY")
    if value is not None:
        monkeypatch.setenv("ANDOR_TEST_KEY", value)
    one = settings("http://127.0.0.1:9/v1", key_variable="ANDOR_TEST_KEY")
    (fault,) = one.unknown()
    assert fault.startswith("`key_variable: ANDOR_TEST_KEY`: ") and (not value or value not in fault)
    with pytest.raises(UserError, match="`key_variable: ANDOR_TEST_KEY`"):
        one.make(None, None, None, tmp_path / "m", 0)


def test_a_server_without_log_probabilities_is_refused_before_any_work(lm, tmp_path):
    with serving(server(lm, "nothing")) as url, pytest.raises(UserError) as error:
        served(url, tmp_path / "m")
    assert "prompt_logprobs: the server gives no `prompt_logprobs`; echo: the server gives no" in str(error.value)
    assert "\n" not in str(error.value) and not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"answers": {0: " the", 1: " the film"}}, "the answers ' the' and ' the film' collide"),
        (
            {"prompt": "{text} is ", "answers": {0: "the", 1: "film"}},
            "does not end with tokens of the answer",
        ),
    ],
)
def test_answers_that_cannot_be_told_apart(lm, tmp_path, keys, said):
    with serving(server(lm)) as url, pytest.raises(UserError) as error:
        served(url, tmp_path / "m", **keys)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_an_answer_that_is_not_likely_is_named(single, tmp_path):
    said = "the answer ' the' is none of the .* most likely next tokens, the first of which are '.*; word it as one"
    with serving(server(single, "top")) as url, pytest.raises(UserError, match=said):
        served(url, tmp_path / "m")


def test_screening_evaluation_and_the_cache(lm, tmp_path):
    """A run that goes on asks for nothing twice; another place, pace or key is the same model, a revision is not."""
    state = server(lm)
    sample = tiny.text_sample(*WORDS)
    candidates = pa.table({
        "item": [0], "sample": pa.array([0], pa.int32()), "label": [1], "text": [tiny.TEXT],
        "players": pa.array([sample["players"]], pa.list_(pa.list_(pa.int32()))),
    })  # fmt: skip

    def run(model, folder, budget=None):
        before = len(state.received)
        cache = OutputCache(tmp_path / "cache")
        evaluate_chunk("s", model, candidates, Masking(), cache, tmp_path / folder, progress=False, budget=budget)
        return len(state.received) - before

    with serving(state) as url:
        model = served(url, tmp_path / "m")
        (screened,) = screen("s", model, candidates, Masking()).to_pylist()
        assert screened["full"] == pytest.approx(lm.logits([tiny.TEXT])[0].tolist(), abs=1e-5)
        assert run(model, "a") == (16 + 4) * 3  # all coalitions, and four once more
        assert read_table(tmp_path / "a" / "0.parquet")["logits"].to_pylist()[15] == pytest.approx(screened["full"])
        made = read_metadata(tmp_path / "a" / "0.parquet")["made"]
        assert made["noise"] < 1e-6 and made["calls"] == 60 + 2 * 3 and made["tokens"] > 60 * 20
        other = served(url, tmp_path / "n", concurrency=1, timeout=9, key_variable="ANDOR_TEST_KEY", most_calls=50)
        assert other.digest == model.digest and run(other, "b") == 0
        again = served(url, tmp_path / "o", revision="2")
        state.noise = 0.05
        assert again.digest != model.digest and run(again, "c") == 60
        assert 0.01 < read_metadata(tmp_path / "c" / "0.parquet")["made"]["noise"] < 0.5
        spent = run(again, "d", Budget(budget=100, held_out=50))
        drawn = read_metadata(tmp_path / "d" / "0.parquet")["made"]
        assert 3 * 16 < spent == drawn["calls"] <= (3 * 16 + 4) * 3 and drawn["repeats"] == 4  # of all three blocks
        with pytest.raises(UserError, match="`most_calls: 50`: so many requests were sent; raise it, and run again"):
            for number in range(50):
                other.logits([f"film {number}"])
        assert fastest_batch_size(bind(model, sample, Masking())) >= 1  # and sends nothing
        assert other.endpoint.calls == 50


def test_the_noise_stands_beside_the_results(lm, tmp_path):
    """Of four samples that were asked about again, what the table says and the sentence."""
    state = server(lm)
    samples = pa.table({
        "item": range(4), "sample": pa.array(range(4), pa.int32()), "label": [1] * 4, "text": [tiny.TEXT] * 4,
        "players": pa.array([tiny.text_sample(*WORDS[:1 + n])["players"] for n in range(4)],
                            pa.list_(pa.list_(pa.int32()))),
    })  # fmt: skip
    with serving(state) as url:
        model = served(url, tmp_path / "m")
        state.noise, made = 0.02, len(state.received)
        evaluate_chunk("s", model, samples, Masking(), OutputCache(tmp_path / "c"), tmp_path / "out", progress=False)
    files = [tmp_path / "out" / f"{number}.parquet" for number in range(4)]
    table = noise(SimpleNamespace(models=["s"], sample_numbers=range(4), output_files=lambda _: files))
    assert table["repeats"].tolist() == [2, 4, 4, 4]
    assert table["calls"].sum() == len(state.received) - made >= (4 + 8 + 12 + 20) * 3
    sigma = np.sqrt(np.mean(table["noise"] ** 2))
    assert 0.005 < sigma < 0.1
    reduced = pd.DataFrame({"model": ["b", "c"], "sample": 0, "noise": [0.0123, None]})
    (found,) = findings(pd.concat([table, reduced]))
    assert found.startswith(
        f"Noise in the log-odds of outputs: answers of s repeat within σ = {sigma:.2g} (14 pairs); b in reduced "
        "precision is within σ = 0.012 of float32; that of c in reduced precision is not known. "
    )
    assert not list(findings(table[:0]))


@pytest.mark.parametrize("way", ["prompt_logprobs", "echo"])
def test_scores_that_are_those_of_next_tokens_are_compared_with_them(lm, tmp_path, way, caplog):
    state = server(lm, way, "top")
    with serving(state) as url, caplog.at_level(logging.WARNING):
        assert served(url, tmp_path / "m").description["scoring"] == way
        assert "could not be compared" not in caplog.text
        state.speaks = {way}
        served(url, tmp_path / "n")
        assert "the server's scores could not be compared with those of its next tokens" in caplog.text


def test_scores_that_are_shifted_are_not_taken(lm, single, tmp_path):
    state = server(single, "echo", "top")
    state.shifted, state.top = True, len(single.tokenizer)
    with serving(state) as url:
        model = served(url, tmp_path / "m", answers=SINGLE)
        assert model.description["scoring"] == "top"
        assert model.logits([tiny.TEXT])[0].tolist() == pytest.approx(single.logits([tiny.TEXT])[0].tolist(), abs=1e-5)
        said = r"echo: the server scores '.*' after the prompt by -\d.*, as the next token by -\d.*: its log-probabilit"
        with pytest.raises(UserError, match=said):
            served(url, tmp_path / "n")
