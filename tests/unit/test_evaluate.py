import csv
import functools
import resource
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from test_families import random_table

import evaluating
import tiny
from andor import store
from andor.config import Budget, Masking
from andor.data.table import rows
from andor.errors import UserError
from andor.models.families.scikit_learn import ScikitLearn
from andor.models.loaded import LoadedModel
from andor.models.loading import load
from andor.outputs.cache import OutputCache
from andor.outputs.evaluate import cache_content, evaluate_chunk, screen
from andor.outputs.masking import bind, locate
from andor.outputs.passes import evaluate
from andor.outputs.stored import LANGUAGE_OUTPUTS, classifier_outputs, outputs_table
from forks import PROCESSES

WORDS = ("gripping", "unforgettable", "film", "acting", "superb", "nobody")


def image_table(count: int = 3, players: int = 4, seed: int = 0) -> pa.Table:
    """Samples as `samples.parquet` holds them."""
    samples = [tiny.image_sample(players, seed + number) for number in range(count)]
    flat = pa.array(np.concatenate([sample["image"].ravel() for sample in samples]))
    return pa.table(
        {
            "sample": pa.array(range(count), pa.int32()),
            "item": pa.array(range(count), pa.int32()),
            "image": pa.FixedSizeListArray.from_arrays(flat, 256),
            "players": pa.array([sample["players"] for sample in samples], pa.list_(pa.list_(pa.int32()))),
        }
    ).replace_schema_metadata({"shape": "[1, 16, 16]"})


def text_table(*words: str, **more) -> pa.Table:
    return pa.Table.from_pylist([tiny.text_sample(*words, **more)])


def chunk(
    tmp_path: Path,
    samples: pa.Table | None = None,
    masking: Masking | None = None,
    name: str = "out",
    model: LoadedModel | None = None,
) -> list[str]:
    """Evaluate a chunk, under LeNet if no other model is given, and give the `cached` column of its timings."""
    samples = image_table() if samples is None else samples
    cache = OutputCache(tmp_path / "cache")
    evaluate_chunk(
        "lenet", model or tiny.lenet(), samples, masking or Masking(), cache, tmp_path / name, progress=False
    )
    with (tmp_path / name / "timings.csv").open() as file:
        timings = list(csv.DictReader(file))
    assert [int(row["sample"]) for row in timings] == samples["sample"].to_pylist()
    assert all(float(row["seconds"]) > 0 for row in timings)
    return [row["cached"] for row in timings]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def cached_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache").rglob("*.parquet"))


# ------------------------------------------------------------------------------------------------- evaluate


@pytest.mark.slow
def test_outputs_do_not_depend_on_the_batch_size():
    samples = {
        tiny.encoder: tiny.text_sample(*WORDS),
        tiny.text_cnn: tiny.text_sample(*WORDS),
        tiny.gpt2: tiny.text_sample(*WORDS, target=" the"),
        tiny.lenet: tiny.image_sample(),
    }
    for make, sample in samples.items():
        masked = bind(make(), sample, Masking())
        default = evaluate(masked)
        assert default.dtype == np.float32 and len(default) == 1 << len(sample["players"])
        assert np.array_equal(default, evaluate(masked))
        for size in (1, 2, 8, 1024):
            assert np.abs(default - evaluate(masked, batch_size=size)).max() < 1e-5


def test_batches_are_as_large_as_stated_and_progress_counts_them():
    sizes, done = [], []
    masked = bind(tiny.encoder(), tiny.text_sample(*WORDS), Masking())
    forward = masked.forward
    object.__setattr__(masked, "forward", lambda inputs: (sizes.append(len(inputs)), forward(inputs))[1])
    evaluate(masked, advance=done.append)
    assert masked.batch_size == 32  # 39 tokens, 2,048 a batch
    assert sizes == done == [32, 32]


def test_the_batch_is_halved_when_memory_runs_out():
    masked = bind(tiny.encoder(), tiny.text_sample(*WORDS), Masking())
    expected, forward, sizes = evaluate(masked, batch_size=4), masked.forward, []

    def limited(inputs):
        if len(inputs) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        sizes.append(len(inputs))
        return forward(inputs)

    object.__setattr__(masked, "forward", limited)
    assert np.array_equal(evaluate(masked), expected)
    assert sizes == [4] * 16


def test_one_input_that_exceeds_memory():
    masked = bind(tiny.encoder(), tiny.text_sample("film"), Masking())

    def impossible(inputs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    object.__setattr__(masked, "forward", impossible)
    with pytest.raises(UserError, match="model m, sample 1: one input alone exceeds the memory"):
        evaluate(masked, name="model m, sample 1")


class Overflow(torch.nn.Module):
    """Infinite when pixels 0 and 68, of players 0 and 1, are both there."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(1e38))

    def forward(self, images):
        there = (images.flatten(1)[:, [0, 68]] > 0).float()
        return (self.weight * there).prod(dim=1, keepdim=True) + there[:, :1]


def overflowing() -> tiny.ImageClassifier:
    return tiny.ImageClassifier(Overflow(), {"family": "image_classifier"}, torch.zeros(tiny.SHAPE))


@pytest.mark.parametrize("size", [1, 2, 16])
def test_the_first_output_that_is_not_finite_is_named(size):
    masked = bind(overflowing(), tiny.image_sample(), Masking())
    with pytest.raises(UserError, match=r"model m, sample 7, coalition 3: output \[inf\] is not finite; train"):
        evaluate(masked, batch_size=size, name="model m, sample 7")


def test_nothing_is_kept_of_a_sample_with_an_infinite_output(tmp_path):
    calm = image_table(1).to_pylist()[0]
    calm["image"][0] = 0.0
    samples = pa.concat_tables([pa.Table.from_pylist([calm], image_table().schema), image_table().slice(1, 2)])
    with pytest.raises(UserError, match=r"model lenet, sample 1, coalition 3: output \[inf\]"):
        chunk(tmp_path, samples, model=overflowing())
    assert len(cached_files(tmp_path)) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0.parquet"]
    with pytest.raises(UserError, match=r"model m, item 1, coalition N: output \[inf\]"):
        screen("m", overflowing(), samples, Masking())


# ------------------------------------------------------------------------------------------ chunks and cache


def test_a_chunk_is_a_file_per_sample_and_one_of_timings(tmp_path):
    samples = image_table()
    assert chunk(tmp_path, samples) == ["false"] * 3
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "0.parquet",
        "1.parquet",
        "2.parquet",
        "timings.csv",
    ]
    for number, sample in enumerate(rows(samples)):
        table = store.read_table(tmp_path / "out" / f"{number}.parquet")
        outputs = evaluate(bind(tiny.lenet(), sample, Masking()))
        assert table.schema.remove_metadata().equals(classifier_outputs(1))
        assert table["coalition"].to_pylist() == list(range(16))
        assert np.array_equal(np.array(table["logits"].to_pylist(), np.float32), outputs)
    metadata = store.read_metadata(tmp_path / "out" / "0.parquet")["content"]
    assert set(metadata) == {"format", "model", "precision", "input", "players", "masking"}
    assert metadata["model"] == tiny.lenet().digest


def test_language_outputs_are_stored_as_such(tmp_path):
    samples, cache = text_table(*WORDS, target=" the"), OutputCache(tmp_path / "cache")
    evaluate_chunk("gpt2", tiny.gpt2(), samples, Masking(), cache, tmp_path / "out", progress=False)
    table = store.read_table(tmp_path / "out" / "0.parquet")
    assert table.schema.remove_metadata().equals(LANGUAGE_OUTPUTS)
    outputs = evaluate(bind(tiny.gpt2(), next(rows(samples)), Masking()))
    assert np.array_equal(np.stack([table["log_prob"], table["log_odds"]], axis=1), outputs)


def test_what_is_cached_costs_no_forward_pass(tmp_path, monkeypatch):
    assert chunk(tmp_path) == ["false"] * 3
    first = contents(tmp_path / "out")
    monkeypatch.setattr(tiny.ImageClassifier, "logits", None)  # a forward pass would fail
    assert chunk(tmp_path, name="again") == ["true"] * 3
    assert contents(tmp_path / "again") == first
    one = image_table().slice(1, 1)
    assert chunk(tmp_path, one, name="alone") == ["true"]
    assert contents(tmp_path / "alone") == {"1.parquet": first["1.parquet"]}


def test_another_masking_sample_or_model_is_not_taken_from_the_cache(tmp_path):
    assert chunk(tmp_path) == ["false"] * 3
    assert chunk(tmp_path, masking=Masking(baseline="mean"), name="a") == ["false"] * 3
    assert chunk(tmp_path, image_table(seed=1), name="b") == ["true", "true", "false"]
    assert chunk(tmp_path, image_table(players=3), name="c") == ["false"] * 3
    located = locate(tiny.lenet(), tiny.image_sample(), Masking())
    torch.manual_seed(9)
    other = tiny.ImageClassifier(
        tiny.image_network("lenet", tiny.SHAPE), {"family": "image_classifier"}, tiny.lenet().mean
    )
    assert cache_content(tiny.lenet(), located)["model"] != cache_content(other, located)["model"]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_truncated_cache_file_is_computed_again(tmp_path, share):
    chunk(tmp_path)
    before = contents(tmp_path / "out")
    damaged = cached_files(tmp_path)[1]
    whole = damaged.read_bytes()
    damaged.unlink()  # the results are links to the same file
    damaged.write_bytes(whole[: int(share * len(whole))])
    assert sorted(chunk(tmp_path, name="again")) == ["false", "true", "true"]
    assert contents(tmp_path / "again") == before
    assert damaged.read_bytes() == whole


def test_no_changed_byte_of_a_cache_file_becomes_a_number(tmp_path):
    content, outputs = {"x": 1}, np.random.default_rng(0).normal(size=(16, 2)).astype(np.float32)
    cache = OutputCache(tmp_path)
    path = cache.keep(content, outputs_table(outputs, language=False))
    whole = path.read_bytes()
    noticed = 0
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 0xFF
        path.write_bytes(changed)
        if cache.find(content, 16) is None:
            noticed += 1
        else:
            assert np.array_equal(np.array(store.read_table(path)["logits"].to_pylist(), np.float32), outputs), position
    assert noticed > 0.5 * len(whole)


def test_outputs_of_another_input_under_a_familiar_name_are_computed_again(tmp_path):
    chunk(tmp_path)
    before = contents(tmp_path / "out")
    one, other = cached_files(tmp_path)[:2]
    swapped = one.read_bytes()
    other.unlink()
    other.write_bytes(swapped)
    assert sorted(chunk(tmp_path, name="again")) == ["false", "true", "true"]
    assert contents(tmp_path / "again") == before


def six_samples(tmp_path: Path) -> Path:
    """A file of samples for another process."""
    store.write_table(tmp_path / "samples.parquet", image_table(6))
    return tmp_path / "samples.parquet"


@pytest.mark.slow
def test_a_killed_run_loses_the_sample_it_was_on(tmp_path):
    samples, file = image_table(6), six_samples(tmp_path)
    process = PROCESSES.Process(target=evaluating.run, args=(file, tmp_path / "cache", tmp_path / "killed", 0.3))
    process.start()
    deadline = time.monotonic() + 120
    while len(cached_files(tmp_path)) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    done = len(cached_files(tmp_path))
    assert 2 <= done < 6
    assert not (tmp_path / "killed" / "timings.csv").exists()
    model = evaluating.PlainModel()
    assert chunk(tmp_path, samples, model=model) == ["true"] * done + ["false"] * (6 - done)
    # the same bytes as a run that nobody killed
    chunk(tmp_path / "whole", samples, model=model)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole" / "out")
    assert len(contents(tmp_path / "out")) == 6


@pytest.mark.slow
def test_two_runs_share_a_cache(tmp_path):
    samples, both = six_samples(tmp_path), PROCESSES.Barrier(2, timeout=120)
    processes = [
        PROCESSES.Process(target=evaluating.run, args=(samples, tmp_path / "cache", tmp_path / name, 0.0, both.wait))
        for name in ("run0", "run1")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(cached_files(tmp_path)) == 6
    assert contents(tmp_path / "run0") == contents(tmp_path / "run1")
    assert len(contents(tmp_path / "run0")) == 6


@pytest.mark.slow
def test_a_full_disk_loses_nothing_and_a_larger_one_goes_on(tmp_path):
    """A file system of its own that is too small for six samples, then grows."""
    (tmp_path / "disk").mkdir()
    with ProcessPoolExecutor(1, PROCESSES) as pool:
        samples, disk, out = six_samples(tmp_path), tmp_path / "disk", tmp_path / "out"
        done = pool.submit(evaluating.run_on_a_small_disk, samples, disk, out).result()
    if done is None:
        pytest.skip("no file system of a chosen size can be mounted here")
    error, left = done
    assert "No space left on device); make room or choose another folder" in error
    assert 0 < len(left) < 6 and all(name.endswith(".parquet") and not name.startswith(".") for name in left)
    with (tmp_path / "out" / "timings.csv").open() as file:
        cached = [row["cached"] for row in csv.DictReader(file)]
    assert cached == ["true"] * len(left) + ["false"] * (6 - len(left))
    assert chunk(tmp_path / "whole", image_table(6), model=evaluating.PlainModel()) == ["false"] * 6
    assert contents(tmp_path / "out") == contents(tmp_path / "whole" / "out")


@pytest.mark.slow
def test_a_quota_is_one_line(tmp_path):
    """No file may grow beyond a kilobyte: nothing half-written is left, and the message says what to do."""
    quota = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (1000, 1000))
    with ProcessPoolExecutor(1, PROCESSES) as pool:
        done = pool.submit(evaluating.run, six_samples(tmp_path), tmp_path / "cache", tmp_path / "run", 0.0, quota)
        with pytest.raises(UserError, match=r"File too large\); make room or choose another folder"):
            done.result(timeout=120)
    assert not list((tmp_path / "cache").rglob("*.parquet*"))


def test_a_sample_is_the_same_bytes_alone_and_in_a_chunk(tmp_path):
    texts = [tiny.TEXT, "the acting is superb, nobody sleeps", "A film: gripping, superb acting"]
    samples = [tiny.text_sample("superb", "acting", text=text, target=" the") for text in texts]
    table = pa.Table.from_pylist([sample | {"sample": number} for number, sample in enumerate(samples)])
    cache = OutputCache(tmp_path / "cache")
    for run, rows_ in (("alone", table.slice(1, 1)), ("chunk", table)):
        evaluate_chunk("gpt2", tiny.gpt2(), rows_, Masking(), cache, tmp_path / run, progress=False)
        cache = OutputCache(tmp_path / "other")
    assert contents(tmp_path / "alone")["1.parquet"] == contents(tmp_path / "chunk")["1.parquet"]
    assert store.read_metadata(tmp_path / "alone" / "1.parquet")["made"]["batch_size"] == 4


def test_another_batch_size_is_recorded_and_found_under_the_same_key(tmp_path):
    samples = image_table(1)
    evaluate_chunk("lenet", tiny.lenet(), samples, Masking(), OutputCache(tmp_path / "a"), tmp_path / "1",
                   progress=False, batch_size=2)  # fmt: skip
    evaluate_chunk("lenet", tiny.lenet(), samples, Masking(), OutputCache(tmp_path / "b"), tmp_path / "2",
                   progress=False, batch_size="auto")  # fmt: skip
    tables = [store.read_table(tmp_path / run / "0.parquet") for run in "12"]
    assert store.read_metadata(tmp_path / "1" / "0.parquet")["made"]["batch_size"] == 2
    ours, other = (np.array(table["logits"].to_pylist()) for table in tables)
    assert np.abs(ours - other).max() < 1e-5
    keys = [[path.name[:64] for path in OutputCache(tmp_path / folder).files()] for folder in "ab"]
    assert keys[0] == keys[1]


def test_a_batch_that_was_too_large_is_remembered(tmp_path, monkeypatch):
    model, sizes = evaluating.PlainModel(), []
    forward = model.logits

    def limited(images):
        if len(images) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        sizes.append(len(images))
        return forward(images)

    model.logits = limited
    assert chunk(tmp_path, image_table(2), model=model) == ["false"] * 2
    assert sizes == [4] * 8
    made = [store.read_metadata(tmp_path / "out" / f"{number}.parquet")["made"] for number in range(2)]
    assert [one["batch_size"] for one in made] == [4, 4]


def test_progress_names_model_sample_and_rate(tmp_path, capsys, caplog):
    caplog.set_level("INFO")
    evaluate_chunk("lenet", tiny.lenet(), image_table(), Masking(), OutputCache(tmp_path / "c"), tmp_path / "out")
    shown = capsys.readouterr().err
    assert "lenet, sample" in shown and "48" in shown and "mask/s" in shown
    assert [message.split(":")[0] for message in caplog.messages] == [f"model lenet, sample {i}" for i in range(3)]
    assert all("16 masks in" in message and "masks/s" in message for message in caplog.messages)


@pytest.mark.parametrize(("estimator", "share"), [("DecisionTreeClassifier", "100%"), ("LogisticRegression", None)])
def test_log_odds_of_certain_probabilities_are_told(tmp_path, capsys, estimator, share):
    table = random_table("features", (5,), count=96)
    ScikitLearn(family="scikit_learn", estimator=estimator).make(table, None, None, tmp_path / "m", 0)
    sample = {
        "sample": 3, "label": 1, "features": table["features"][0].as_py(), "players": [[0], [1, 2], [3], [4]],
        "player_names": list("abcd"),
    }  # fmt: skip
    samples = pa.Table.from_pylist([sample]).replace_schema_metadata({"shape": "[5]"})
    cache = OutputCache(tmp_path / "cache")
    for again in range(2):  # from the cache too
        evaluate_chunk("m", load(tmp_path / "m"), samples, Masking(), cache, tmp_path / f"{again}", progress=False)
        shown = capsys.readouterr().err
        told = f"warning: model m, sample 3: the probability of its label is 0 or 1 for {share} of the masked"
        assert told in shown if share else "warning" not in shown


# ---------------------------------------------------------------------------------------- screening, targets


def test_screening_gives_both_ends_of_every_candidate():
    samples = image_table()
    screened = screen("lenet", tiny.lenet(), samples, Masking(baseline="mean"))
    assert screened.column_names == ["item", "full", "empty", "reason"]
    for row, sample in zip(screened.to_pylist(), rows(samples), strict=True):
        outputs = evaluate(bind(tiny.lenet(), sample, Masking(baseline="mean")))
        assert row["empty"] == pytest.approx(outputs[0].tolist(), abs=1e-5)
        assert row["full"] == pytest.approx(outputs[-1].tolist(), abs=1e-5)
        assert row["reason"] is None


def test_screening_says_what_cannot_be_masked():
    samples = pa.concat_tables([text_table("gripping"), text_table("superb")])
    first, second = screen("bert", tiny.encoder(12), samples, Masking()).to_pylist()
    assert first["reason"] is None and len(first["full"]) == 2
    assert "cut off" in second["reason"] and second["full"] is None and second["empty"] is None


# ----------------------------------------------------------------------------------------------- drawn coalitions


def drawn_chunk(tmp_path, samples, budget, held_out, model=None, out="out"):
    """Evaluate on drawn coalitions; whether each sample came from the cache."""
    settings = Budget(budget=budget, held_out=held_out)
    evaluate_chunk(
        "lenet", model or tiny.lenet(), samples, Masking(), OutputCache(tmp_path / "cache"), tmp_path / out,
        progress=False, budget=settings, seed=3,
    )  # fmt: skip
    with (tmp_path / out / "timings.csv").open(encoding="utf-8") as file:
        return [row["cached"] for row in csv.DictReader(file)]


def test_drawn_coalitions_have_the_outputs_of_all(tmp_path):
    samples = image_table(2)
    assert drawn_chunk(tmp_path, samples, 100, 50) == ["false"] * 2
    for row in rows(samples):
        everything = evaluate(bind(tiny.lenet(), row, Masking()))
        table = store.read_table(tmp_path / "out" / f"{row['sample']}.parquet")
        masks = np.array([int.from_bytes(present, "little") for present in table["present"].to_pylist()])
        assert masks[0] == 15 and masks[1] == 0
        logits = np.array(table["logits"].to_pylist(), np.float32)
        np.testing.assert_allclose(logits, everything[masks], rtol=0, atol=1e-5)
        assert table["held_out"].to_pylist() == [False] * 100 + [True] * 50


def test_a_larger_budget_computes_only_what_is_new(tmp_path):
    samples, model = image_table(1), tiny.lenet()
    drawn_chunk(tmp_path, samples, 100, 50, model)
    before = {path.name for path in cached_files(tmp_path)}
    assert len(before) == 3  # blocks
    assert drawn_chunk(tmp_path, samples, 200, 50, model, "more") == ["false"]
    assert before < {path.name for path in cached_files(tmp_path)} and len(cached_files(tmp_path)) == 5
    assert drawn_chunk(tmp_path, samples, 200, 50, model, "again") == ["true"]
    less, more = (store.read_table(tmp_path / name / "0.parquet") for name in ("out", "more"))
    assert more.slice(0, 100).equals(less.slice(0, 100)) and more.slice(200).equals(less.slice(100))


def test_blocks_that_are_done_outlive_a_failure(tmp_path, monkeypatch):
    samples = image_table(1)

    class InterruptedError(Exception):
        pass

    model, calls = tiny.lenet(), []
    forward = model.network.forward

    def failing(inputs):
        calls.append(len(inputs))
        if sum(calls) > 60:
            raise InterruptedError
        return forward(inputs)

    monkeypatch.setattr(model.network, "forward", failing)
    with pytest.raises(InterruptedError):
        drawn_chunk(tmp_path, samples, 100, 0, model)
    assert len(cached_files(tmp_path)) == 1


def test_all_models_get_the_same_coalitions_and_samples_others(tmp_path):
    drawn_chunk(tmp_path, image_table(2), 50, 50)
    first, second = (store.read_table(tmp_path / "out" / f"{n}.parquet")["present"].to_pylist() for n in (0, 1))
    assert first != second
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(256, 2))
    other = tiny.ImageClassifier(network, {"family": "image_classifier"}, torch.zeros(tiny.SHAPE))
    drawn_chunk(tmp_path, image_table(2), 50, 50, other, "other")
    assert store.read_table(tmp_path / "other" / "0.parquet")["present"].to_pylist() == first


def test_noise_is_measured_once_a_sample(tmp_path, monkeypatch):
    """It takes all weights to float32 and back: not for each block of coalitions."""
    calls = []
    monkeypatch.setattr("andor.outputs.evaluate.noise", lambda *given: calls.append(given) or {"noise": 0.5})
    drawn_chunk(tmp_path, image_table(2), 150, 50)
    assert len(calls) == 2
    made = store.read_metadata(tmp_path / "out" / "1.parquet")["made"]
    assert made["noise"] == 0.5
    evaluate_chunk("lenet", tiny.lenet(), image_table(2), Masking(), OutputCache(tmp_path / "c"), tmp_path / "all")
    assert len(calls) == 4
