import json

import numpy as np
import pyarrow as pa
import pytest

from andor import store
from andor.config import Reward, Samples
from andor.data.table import rows
from andor.errors import UserError
from andor.outputs.samples import ELIGIBILITY, mean_range, select


def candidates(count: int, **columns) -> pa.Table:
    table = {
        "item": pa.array(range(100, 100 + count), pa.int32()),
        "label": pa.array([1] * count, pa.int8()),
        "text": [f"text {number}" for number in range(count)],
        "players": [[[0, 4]]] * count,
        "player_names": [["text"]] * count,
    }
    return pa.table(table | columns).replace_schema_metadata(
        {"passed_over": json.dumps({"fewer than 1 content words": 7})}
    )


def screening(*outputs: tuple[list[float], list[float]] | str) -> pa.Table:
    """(full, empty) for each candidate, or the reason why there is none."""
    found = [
        {"item": 100 + number, "reason": pair}
        if isinstance(pair, str)
        else {"item": 100 + number, "full": pair[0], "empty": pair[1]}
        for number, pair in enumerate(outputs)
    ]
    kind = pa.list_(pa.float32())
    return pa.Table.from_pylist(
        found, pa.schema([("item", pa.int32()), ("full", kind), ("empty", kind), ("reason", pa.string())])
    )


GOOD, WRONG, FLAT = ([0.0, 3.0], [0.0, 0.5]), ([3.0, 0.0], [0.0, 0.0]), ([0.0, 1.0], [0.0, 0.5])
BIG = ([0.0, 9.0], [2.0, 0.0])


def test_nothing_is_asked_of_a_control():
    screenings = {"a": screening(GOOD, WRONG, GOOD), "control": screening(WRONG, WRONG, FLAT)}
    with pytest.raises(UserError, match="only 0 of 3"):
        select(candidates(3), screenings, Reward(), Samples(count=2, min_range=1.0))
    samples, eligibility = select(candidates(3), screenings, Reward(), Samples(count=2, min_range=1.0), ["control"])
    assert samples["item"].to_pylist() == [100, 102]
    assert samples["output_control"].to_pylist() == [[-3.0, 0.0], [1.0, 0.5]]
    assert mean_range(eligibility, "control") == pytest.approx((3 + 0.5) / 2)


def test_the_first_eligible_candidates_are_numbered():
    screenings = {"a": screening(GOOD, WRONG, GOOD, BIG, GOOD), "b": screening(BIG, GOOD, FLAT, GOOD, GOOD)}
    samples, eligibility = select(candidates(5), screenings, Reward(), Samples(count=2, min_range=1.0))
    assert samples.column_names == [
        "sample",
        "item",
        "label",
        "text",
        "players",
        "player_names",
        "output_a",
        "output_b",
    ]
    assert samples["sample"].to_pylist() == [0, 1]
    assert samples["item"].to_pylist() == [100, 103]
    assert samples["output_a"].to_pylist() == [[3.0, 0.5], [9.0, -2.0]]  # uncentred, though the reward is centred
    assert samples["output_b"].to_pylist() == [[9.0, -2.0], [3.0, 0.5]]
    assert samples.schema.field("output_a").type == pa.list_(pa.float64())
    assert eligibility.schema == ELIGIBILITY and len(eligibility) == 10
    by_model = {(row["item"], row["model"]): row for row in eligibility.to_pylist()}
    assert by_model[101, "a"]["reason"] == "predicts another label" and not by_model[101, "a"]["right"]
    assert by_model[101, "b"]["reason"] == "" and by_model[101, "b"]["right"] and not by_model[101, "b"]["eligible"]
    assert by_model[102, "b"]["reason"] == "|v(N) − v(∅)| below 1" and by_model[102, "b"]["right"]
    assert by_model[104, "a"]["eligible"]  # beyond the count, but eligible
    # over candidates 100, 103 and 104, whether or not they are among the samples
    assert mean_range(eligibility, "a") == pytest.approx((2.5 + 11 + 2.5) / 3)
    assert mean_range(eligibility, "b") == pytest.approx((11 + 2.5 + 2.5) / 3)


def test_a_range_that_just_reaches_the_minimum_counts():
    samples, _ = select(
        candidates(1), {"a": screening(([0.0, 2.0], [0.0, 1.0]))}, Reward(), Samples(count=1, min_range=1.0)
    )
    assert len(samples) == 1


def test_label_zero_under_one_logit():
    table = candidates(2, label=pa.array([0, 1], pa.int8()))
    screenings = {"a": screening(([-4.0], [1.0]), ([-4.0], [1.0]))}
    samples, eligibility = select(table, screenings, Reward(kind="logit"), Samples(count=1))
    assert samples["item"].to_pylist() == [100] and samples["output_a"].to_pylist() == [[-4.0, 1.0]]
    assert eligibility["right"].to_pylist() == [True, False]
    samples, _ = select(table, screenings, Reward(kind="log_odds"), Samples(count=1))
    assert samples["output_a"].to_pylist() == [[4.0, -1.0]]


def test_a_candidate_that_cannot_be_masked_is_not_eligible():
    samples, eligibility = select(candidates(2), {"a": screening("cut off", GOOD)}, Reward(), Samples(count=1))
    assert samples["item"].to_pylist() == [101]
    first = eligibility.to_pylist()[0]
    assert first == {
        "item": 100, "model": "a", "right": False, "output_full": None, "output_empty": None, "range": None,
        "eligible": False, "reason": "cut off",
    }  # fmt: skip
    assert mean_range(eligibility, "a") == 2.5


def test_language_models_are_right_by_definition():
    table = candidates(2, target=[" one", " two"])
    screenings = {"a": screening(([-0.1, 2.0], [-3.0, -3.0]), ([-0.1, 2.0], [-1.0, 1.5]))}
    samples, eligibility = select(table, screenings, Reward(), Samples(count=1))
    assert samples["output_a"].to_pylist() == [[2.0, -3.0]] and samples["target"].to_pylist() == [" one"]
    assert eligibility["right"].to_pylist() == [True, True]
    assert eligibility["reason"].to_pylist() == ["", "|v(N) − v(∅)| below 1"]


def test_too_few_eligible_candidates_are_accounted_for():
    screenings = {"a": screening(GOOD, WRONG, WRONG, FLAT), "b": screening(GOOD, GOOD, "cut off", GOOD)}
    with pytest.raises(UserError) as error:
        select(candidates(4), screenings, Reward(), Samples(count=3, candidates=4, min_range=1.5))
    assert str(error.value) == (
        "only 1 of 4 candidates are eligible, `samples.count` is 3 (a: 2 × predicts another label; b: 1 × cut off; "
        "a: 1 × |v(N) − v(∅)| below 1.5; passed over before: 7 × fewer than 1 content words); "
        "raise `samples.candidates: 4`, or lower `samples.min_range: 1.5` or `samples.count`"
    )


def test_no_candidates_at_all():
    with pytest.raises(UserError, match=r"only 0 of 0 candidates .* use data with more test items, or lower"):
        select(candidates(0), {"a": screening()}, Reward(), Samples(count=1))


def test_a_screening_of_other_candidates_is_refused():
    with pytest.raises(UserError, match="screening of model `a` is of other candidates"):
        select(candidates(2), {"a": screening(GOOD)}, Reward(), Samples(count=1))


def test_mean_range_of_a_model_without_eligible_candidates():
    with pytest.raises(UserError, match="model `b`"):
        mean_range(ELIGIBILITY.empty_table(), "b")


def test_rows_give_images_their_shape_back_from_disk(tmp_path):
    images = np.random.default_rng(0).random((3, 2, 4, 4), dtype=np.float32)
    flat = pa.FixedSizeListArray.from_arrays(pa.array(images.ravel()), 32)
    table = pa.table({"item": [0, 1, 2], "image": flat}).replace_schema_metadata({"shape": json.dumps([2, 4, 4])})
    store.write_table(tmp_path / "t.parquet", table)
    again = store.read_table(tmp_path / "t.parquet")
    for part, first in ((again, 0), (again.slice(1, 2), 1), (again.take([2]), 2)):
        for number, row in enumerate(rows(part)):
            assert np.array_equal(row["image"], images[first + number]) and row["item"] == first + number
