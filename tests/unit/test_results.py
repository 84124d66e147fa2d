"""Reading a task's results back into arrays, and what happens when a file is not what it should be."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from andor import store
from andor.config import check
from andor.errors import UserError
from andor.game.coalitions import orders
from andor.game.files import from_file
from andor.game.nulls import null_games
from andor.game.transforms import and_inverse, or_inverse
from andor.outputs.stored import read_outputs
from andor.report.results import TaskResults
from damage import flip
from synthetic import write_synthetic_results

MODELS = ["minilm_l6", "minilm_l3", "cnn"]
ALL = "-".join(MODELS)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    return folder, write_synthetic_results(folder, samples=5, with_tables=False)


@pytest.fixture
def results(tree, tmp_path):
    """The texts' results in a folder that a test may damage."""
    shutil.copytree(tree[0] / "sentiment", tmp_path / "sentiment")
    return TaskResults.of(tmp_path / "sentiment", tree[1], "sentiment")


def dense(several) -> np.ndarray:
    """Interactions of each sample on all coalitions, (K, m, kinds, 2^n)."""
    return np.stack([one.dense() for one in several])


def rewrite(path: Path, table: pa.Table) -> None:
    store.write_table(path, table)


def test_subjects_and_kinds_follow_the_method(results):
    assert list(results.subjects("original")) == list(results.subjects("traditional")) == MODELS
    assert list(results.subjects("generalizable")) == ["minilm_l6-minilm_l3", "minilm_l6-cnn", "minilm_l3-cnn", ALL]
    assert results.kinds("original") == ("and",)
    assert results.kinds("traditional") == ("and", "or")
    assert results.sample_numbers == [0, 1, 2, 3, 4]


def test_arrays_hold_what_the_files_say(results):
    raw = dense(results.raw_interactions("generalizable", ALL))
    assert raw.shape == (5, 3, 2, 1024)
    rows = store.read_table(results.interaction_files("generalizable", ALL)[4]).to_pylist()
    for row in rows[:: len(rows) // 50]:
        place = MODELS.index(row["model"]), ("and", "or").index(row["kind"]), row["coalition"]
        assert raw[4][place] == row["strength"]


def test_interactions_reproduce_the_rewards(results):
    """Files, rewards and transforms fit together: the planted noise is at most 1 % of the range."""
    for method in results.methods:
        for subject, members in results.subjects(method).items():
            raw = dense(results.raw_interactions(method, subject))
            prediction = and_inverse(raw[:, :, 0]) + or_inverse(raw[:, :, 1])
            for place, model in enumerate(members):
                v = results.values(model)
                assert (v[:, 0] == 0).all(), "rewards are centred"
                allowed = 0.0100001 * np.abs(v[:, -1:]) if method != "original" else 1e-9
                assert (np.abs(prediction[:, place] - v) <= allowed).all()


def test_merging_keeps_the_predictions(results):
    raw, merged = (dense(f("traditional", "cnn")) for f in (results.raw_interactions, results.merged_interactions))
    assert (merged[:, :, 1, orders(10) <= 1] == 0).all()
    predictions = [and_inverse(x[:, :, 0]) + or_inverse(x[:, :, 1]) for x in (raw, merged)]
    np.testing.assert_allclose(*predictions, atol=1e-10)


def test_models_explained_one_by_one_stand_side_by_side(results):
    several = results.of_ensemble("traditional", "minilm_l3-cnn")
    assert all(one.models == ("minilm_l3", "cnn") and one.merged for one in several)
    for place, model in enumerate(("minilm_l3", "cnn")):
        alone = dense(results.merged_interactions("traditional", model))
        np.testing.assert_array_equal(dense(several)[:, place], alone[:, 0])


def test_memory_follows_what_is_not_0(results):
    for method in ("traditional", "generalizable"):
        several = results.of_ensemble(method, ALL)
        drawn = results.null_interactions(method, ALL)
        for one in [*several, *(one for draws in drawn.values() for draw in draws for one in draw)]:
            assert one.nonzero().all()
            assert len(one.coalitions) < 400


@pytest.mark.parametrize("method", ["traditional", "generalizable"])
def test_null_interactions_are_those_of_null_games(results, method):
    """In the synthetic tree, extraction from null games finds the true interactions in other places."""
    true = dense(results.of_ensemble(method, ALL))
    drawn = results.null_interactions(method, ALL)
    counts = (results.nulls.renamings, results.nulls.exchanges)
    wanted = null_games(true, results.sample_numbers, len(true), *counts, results.seed)
    for null, several in wanted.items():
        found = np.stack([dense(draw) for draw in drawn[null]])
        np.testing.assert_allclose(found, several, rtol=0 if method == "traditional" else 1e-6, atol=1e-9)


def test_a_single_sample_has_no_exchange(tmp_path):
    config = write_synthetic_results(tmp_path, samples=1, with_tables=False)
    results = TaskResults.of(tmp_path / "digits", config, "digits")
    for method in ("traditional", "generalizable"):
        (draw,) = results.null_interactions(method, "resnet20-vgg16")["exchange"]
        assert [len(one.coalitions) for one in draw] == [0]


def test_ranges_of_outputs(results):
    by_values = [np.abs(results.values(model)[:, -1] - results.values(model)[:, 0]) for model in MODELS]
    np.testing.assert_allclose(results.output_range(MODELS), np.transpose(by_values))


def test_order_of_rows_does_not_matter(results):
    path = results.interaction_files("generalizable", ALL)[0]
    before, table = from_file(path, MODELS).strengths, store.read_table(path)
    rewrite(path, table.take(np.random.default_rng(0).permutation(len(table))))
    np.testing.assert_array_equal(from_file(path, MODELS).strengths, before)


def break_rows(table: pa.Table, fault: str) -> pa.Table:
    match fault:
        case "a row is missing":
            return table.slice(1)
        case "a model is missing":
            return table.filter(pc.field("model") != "cnn")
        case "a coalition comes twice":
            return pa.concat_tables([table.slice(0, 1), table.slice(0, 1), table.slice(2)])
        case "a model is unknown":
            names = pc.replace_substring(table["model"], "cnn", "rnn")
            return table.set_column(0, table.schema.field("model"), names)
        case "a coalition is out of range":
            coalition = table["coalition"].to_numpy().copy()
            coalition[7] = 2**31
            return table.set_column(2, table.schema.field("coalition"), pa.array(coalition))
        case "no rows":
            return table.slice(0, 0)


@pytest.mark.parametrize(
    "fault",
    [
        "a row is missing",
        "a model is missing",
        "a coalition comes twice",
        "a model is unknown",
        "a coalition is out of range",
        "no rows",
    ],
)
def test_incomplete_interactions_are_an_error(results, fault):
    path = results.interaction_files("generalizable", ALL)[3]
    rewrite(path, break_rows(store.read_table(path), fault))
    with pytest.raises(UserError, match=f"{path}: does not hold every coalition of minilm_l6, minilm_l3, cnn once"):
        results.raw_interactions("generalizable", ALL)


@pytest.mark.parametrize("fault", ["truncated", "a flipped byte", "gone"])
def test_damaged_files_are_named(results, fault):
    for path, column, read in (
        (
            results.interaction_files("traditional", "cnn")[2],
            "strength",
            lambda r: r.of_ensemble("traditional", "both"),
        ),
        (results.output_files("cnn")[1], "coalition", lambda r: r.values("cnn")),
        (results.folder / "samples.parquet", "text", lambda r: r.samples),
        (results.folder / "eligibility.parquet", "model", lambda r: r.eligibility),
    ):
        kept = path.read_bytes()
        if fault == "truncated":
            path.write_bytes(kept[: len(kept) // 2])
        elif fault == "gone":
            path.unlink()
        else:
            flip(path, column)
        with pytest.raises(UserError) as raised:
            read(dataclasses.replace(results, ensembles={"both": ["minilm_l6", "cnn"]}))
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)
        path.write_bytes(kept)


def test_outputs_in_another_order_are_an_error(results):
    path = results.output_files("cnn")[0]
    table = store.read_table(path)
    rewrite(path, table.take([1, 0, *range(2, len(table))]))
    with pytest.raises(UserError, match="every coalition once and in order"):
        read_outputs(path)
    rewrite(path, table.slice(0, 1000))
    with pytest.raises(UserError, match="every coalition once and in order"):
        read_outputs(path)


def test_samples_must_be_all_there(results):
    path = results.folder / "samples.parquet"
    rewrite(path, store.read_table(path).slice(1))
    with pytest.raises(UserError, match=f"{path}: holds 4 samples instead of 5"):
        _ = results.samples


def test_metrics_of_models(results):
    path = results.folder / "models" / "cnn" / "metrics.json"
    assert results.model_metrics("cnn") == json.loads(path.read_text())
    path.write_text('{"family": ')
    with pytest.raises(UserError, match=f"{path}: no valid JSON"):
        results.model_metrics("cnn")
    path.unlink()
    with pytest.raises(UserError, match=f"{path}: no such file"):
        results.model_metrics("cnn")


@pytest.mark.parametrize("end", [0, -1])
def test_outputs_of_another_model_are_noticed(results, end):
    """v(N) and v(∅) stand in the samples too: masked outputs must be those of the network that chose them."""
    path = results.output_files("cnn")[2]
    table = store.read_table(path)
    logits = np.array(table["logits"].to_pylist(), np.float32)
    rounded = logits * (1 + 1e-5)
    logits[end, 0] += 0.05 * np.abs(logits).max()
    for changed, said in ((rounded, None), (logits, f"{path}: v\\(N\\) and v\\(∅\\) of model `cnn` are")):
        column = pa.FixedSizeListArray.from_arrays(pa.array(changed.ravel()), changed.shape[1])
        rewrite(path, table.set_column(1, table.schema.field("logits"), column))
        again = dataclasses.replace(results)
        if said is None:
            again.values("cnn")
        else:
            with pytest.raises(UserError, match=said):
                again.values("cnn")


def test_models_of_another_task_have_the_weights_of_those_they_are():
    models = {
        "encoder": {"family": "text_encoder", "source": "minilm"},
        "new": {"family": "text_cnn", "tokenizer": "minilm"},
    }
    taken = {name: {"family": "of_task", "task": "first", "model": name} for name in models}
    task = {"data": {"reader": "film_reviews", "source": "minilm"}, "players": {"kind": "words", "count": 4}}
    of_both = {"first": task | {"models": models}, "second": task | {"models": taken}}
    settings = check({"sources": {"minilm": {"mirrors": ["path:nowhere"]}}, "tasks": of_both}, "two tasks")
    for name in of_both:
        assert TaskResults.of(name, settings, name).weights == {"encoder": "minilm"}
