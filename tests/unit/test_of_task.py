"""A model that a task takes from another one is the same model, and says where it does not fit."""

import json

import pyarrow as pa
import pytest
from test_families import QUICK, TABLE, random_table

from andor.errors import UserError
from andor.models import accuracy as judging
from andor.models.accuracy import accuracy
from andor.models.families.mlp import MLP
from andor.models.families.of_task import ModelOfTask
from andor.models.loading import load

TAKEN = ModelOfTask(family="of_task", task="other", model="net")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The folder of a trained model, with what its rule leaves beside it."""
    folder = tmp_path_factory.mktemp("other") / "net"
    MLP(family="mlp", training=QUICK).make(TABLE, None, None, folder, 0, progress=False)
    for name in ("metrics.json", ".andor.sha256", ".snakemake_timestamp"):
        (folder / name).write_text("of the original")
    (folder / "weights").mkdir()
    (folder / "weights" / "more.bin").write_bytes(b"1")
    return folder


def test_it_is_the_same_model(original, tmp_path):
    TAKEN.make(TABLE, original, None, tmp_path / "net", 1)
    taken, own = load(tmp_path / "net"), load(original)
    assert taken.digest == own.digest and taken.family == "mlp"
    assert accuracy(taken, TABLE, "test") == accuracy(own, TABLE, "test")
    made = {path.relative_to(tmp_path / "net").as_posix() for path in (tmp_path / "net").rglob("*") if path.is_file()}
    assert made == {"model.json", "model.safetensors", "inputs.safetensors", "weights/more.bin"}


def test_training_items_are_judged_in_part_and_test_items_in_full(original, monkeypatch):
    monkeypatch.setattr(judging, "OF_TRAINING", 5)
    model = load(original)
    found, rows = judging.qualities(model, TABLE, None), [split == "train" for split in TABLE["split"].to_pylist()]
    assert found["train"]["items"] == 5 < sum(rows)
    assert (found["test"]["correct"], found["test"]["items"]) == accuracy(model, TABLE, "test")
    assert judging.qualities(model, TABLE, 3)["test"]["items"] == 3 and "train" not in judging.qualities(
        model, TABLE, 3
    )
    assert judging.qualities(model, TABLE, 0) == {}


def test_it_needs_data_that_it_reads(original, tmp_path):
    with pytest.raises(UserError, match=r"cannot read inputs of shape \(4,\)"):
        TAKEN.make(random_table("features", (4,)), original, None, tmp_path / "a", 0)
    more = TABLE.set_column(2, "label", pa.array([row % 5 for row in range(len(TABLE))], pa.int16()))
    with pytest.raises(UserError, match="the data 5 labels"):
        TAKEN.make(more, original, None, tmp_path / "b", 0)
    with pytest.raises(UserError, match=r"`model: net` of task `other`: .* is not there; make it first"):
        TAKEN.make(TABLE, tmp_path / "c", None, tmp_path / "d", 0)


def test_its_own_name_makes_no_model(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps({"family": "of_task"}))
    with pytest.raises(UserError, match="describes no model; delete the folder"):
        load(tmp_path)
