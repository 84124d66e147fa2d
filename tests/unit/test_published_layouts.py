"""The data of `config/paper_icml.yaml` that are fetched by hand: readers on stand-ins of the same layout."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import published
from andor.config import check, load_raw
from andor.data.candidates import candidates
from andor.data.players import players
from andor.data.readers import reader
from andor.data.table import arrays, is_numeric
from andor.errors import UserError
from andor.sources.uri import parse

PLAN = Path(__file__).parents[2] / "config" / "paper_icml.yaml"
RAW = load_raw(PLAN)
BY_HAND = [name for name, source in RAW["sources"].items() if source["mirrors"][0].startswith("path:")]
MADE_HERE = [name for name, task in RAW["tasks"].items() if task["data"].get("source") in (None, *BY_HAND)]
"""Tasks whose data come with a library, or have a stand-in: the others are those of a hub or a package."""
CELEBA = {"reader": "celeba", "source": "celeba", "attribute": "Eyeglasses", "size": 32}
SHAPES = {"reader": "shapenet_parts", "source": "shapenet", "points": 40}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("icml")
    published.make(made)
    return made


@pytest.fixture(scope="module")
def config(folder):
    """Checked with the files that must be there."""
    return check(RAW, base=folder)


def test_stand_ins_are_the_same_at_every_call(folder, tmp_path):
    published.make(tmp_path)
    files = [file.relative_to(folder) for file in sorted(folder.rglob("*")) if file.suffix in (".jpg", ".pts", ".data")]
    assert files and all((folder / file).read_bytes() == (tmp_path / file).read_bytes() for file in files)
    (image, *_) = (file.relative_to(folder) for file in sorted(folder.rglob("*_image.pth")))
    assert torch.equal(*(torch.load(made / image, weights_only=True) for made in (folder, tmp_path)))


def test_what_is_fetched_by_hand_is_asked_for_by_its_path(tmp_path):
    with pytest.raises(UserError) as error:
        check(RAW, base=tmp_path)
    asked = [line.split("`")[1] for line in str(error.value).splitlines()]
    assert asked == [f"sources.{name}.mirrors" for name in BY_HAND]


@pytest.mark.parametrize("task", MADE_HERE)
def test_every_reader_takes_its_layout(task, config, folder):
    """And the players that the configuration asks for are there."""
    settings = config.tasks[task]

    def place(source):
        return folder / parse(config.sources[source].mirrors[0]).name if source else None

    asked = settings.data.model_copy(update={"points": 50} if settings.data.modality == "points" else {})
    table = asked.read(place(asked.source), 0)
    assert set(table["split"].to_pylist()) == {"test"} | ({"train"} if asked.trains else set())
    assert is_numeric(table) == asked.is_numeric and np.isfinite(arrays(table)).all()
    if asked.two_labels and asked.trains:
        assert set(table["label"].to_pylist()) == {0, 1}
    some = candidates(table, settings.players, 3, 0, None, place(settings.players.needed_source))
    assert {len(own) for own in some["players"].to_pylist()} == {settings.players.count}


def test_faces_are_split_labelled_and_limited(folder):
    table = reader(CELEBA).read(folder / "data" / "celeba", 0)
    assert table["item"].to_pylist() == [0, 1, 2, 3, 4, 5, 8, 9]
    assert table["label"].to_pylist() == [0, 1, 0, 1, 0, 1, 0, 1] and arrays(table).shape == (8, 3, 32, 32)
    few = reader(CELEBA | {"train_limit": 4, "test_limit": 1}).read(folder / "data" / "celeba", 0)
    assert few["split"].to_pylist() == ["train"] * 4 + ["test"]
    assert sorted(few["label"].to_pylist()[:4]) == [0, 0, 1, 1]
    with pytest.raises(UserError, match=r"`data.attribute: Hat` is none of the attributes of CelebA: Eyegl"):
        reader(CELEBA | {"attribute": "Hat"}).read(folder / "data" / "celeba", 0)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("list_attr_celeba.txt", None, "holds no list_attr_celeba.txt; fetch CelebA's lists"),
        ("list_attr_celeba.txt", "1", "no list of CelebA"),
        ("img_align_celeba/000001.jpg", None, "holds no image 000001.jpg; put the aligned images beside the lists"),
        ("img_align_celeba/000002.jpg", "x", "000002.jpg: no readable image"),
    ],
)
def test_faces_that_lack_something(file, text, said, folder, tmp_path):
    shutil.copytree(folder / "data" / "celeba", tmp_path / "celeba")
    (tmp_path / "celeba" / file).unlink()
    if text is not None:
        (tmp_path / "celeba" / file).write_text(text)
    with pytest.raises(UserError, match=said):
        reader(CELEBA).read(tmp_path / "celeba", 0)


def test_shapes_are_centred_and_keep_their_parts(folder):
    benchmark = folder / "data" / "shapenetcore_partanno_segmentation_benchmark_v0"
    table, again = (reader(SHAPES).read(benchmark, 0) for _ in range(2))
    clouds = arrays(table)
    assert table["label"].to_pylist() == [0, 0, 1, 1, 0, 1]
    assert table["split"].to_pylist() == ["train"] * 4 + ["test"] * 2
    np.testing.assert_allclose(clouds.mean(1), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(clouds, axis=2).max(1), 1, rtol=1e-6)
    assert table.equals(again) and set(table["part"].to_pylist()[0]) == {1, 2, 3, 4, 5, 6}
    motorbikes = reader(SHAPES | {"positive": "Motorbike", "points": 70})  # more points than there are: some come twice
    assert motorbikes.read(folder / "data", 0)["label"].to_pylist() == [0, 0, 1, 1, 0, 1]
    with pytest.raises(UserError, match=r"holds no synsetoffset2category.txt; name the folder of the benchmark"):
        reader(SHAPES).read(folder / "data" / "celeba", 0)


def test_segments_are_denormalised_and_belong_to_their_image(folder):
    source = folder / "data" / "player-segments" / "celeba_eyeglasses-segments"
    asked = {"reader": "player_segments", "source": "s"}
    raw, table = (reader(asked | {"normalised": undone}).read(source, 0) for undone in (False, True))
    given = torch.load(source / "class_1" / "sample_00012_image.pth", weights_only=True)[0].numpy()
    np.testing.assert_array_equal(arrays(raw)[1], given)
    np.testing.assert_allclose(arrays(table)[1, 2], given[2] * 0.225 + 0.406, rtol=1e-6)
    kind = players({"kind": "pixels", "source": "s", "count": 9})
    found = {row["item"]: row["players"] for row in candidates(table, kind, 9, 0, None, source).to_pylist()}
    for item, number in enumerate((7, 12)):
        assert found[item] == json.loads((source / "class_1" / f"sample_{number:05d}_players.json").read_text())
    with pytest.raises(UserError, match=r"holds no …_image.pth beside …_players.json"):
        reader(asked).read(folder / "data" / "celeba", 0)


def test_segments_hold_tensors_and_nothing_else(tmp_path):
    published.segments(tmp_path / "s", 8, 1, 2)
    (tmp_path / "s" / "sample_00007_label.pth").write_bytes(b"x")
    with pytest.raises(UserError, match=r"sample_00007_label.pth: holds no tensor"):
        reader({"reader": "player_segments", "source": "s"}).read(tmp_path / "s", 0)


@pytest.mark.parametrize(
    ("image", "normalised", "message"),
    [
        (
            torch.full((1, 3, 8, 8), -2.1),
            False,
            "pixels from -2.1 to -2.1, not 0 to 1; set `normalised` if they are of",
        ),
        (torch.full((1, 3, 8, 8), 255), True, "pixels from 57.5.* to 58.8.*, not 0 to 1; take `normalised` away"),
        (torch.full((3, 8, 8), float("nan")), False, "pixels from nan to nan"),
        (torch.zeros(1, 1, 8, 8), True, r"has the shape \(1, 8, 8\), and `normalised` is of three colours; take it"),
    ],
)
def test_segments_that_are_no_images_are_refused(image, normalised, message, tmp_path):
    published.segments(tmp_path / "s", 8, 1, 2)
    for number in (7, 12):
        torch.save(image, tmp_path / "s" / f"sample_{number:05d}_image.pth")
    with pytest.raises(UserError, match=rf"sample_00007_image.pth: {message}"):
        reader({"reader": "player_segments", "source": "s", "normalised": normalised}).read(tmp_path / "s", 0)


def test_folders_of_classes(folder, tmp_path):
    asked = {"reader": "images", "source": "birds", "size": 16}
    table = reader(asked).read(folder / "data" / "bg-bird", 0)
    assert table["label"].to_pylist() == [0, 0, 0, 1, 1, 1, 0, 0, 1, 1] and arrays(table).shape == (10, 3, 16, 16)
    few = reader(asked | {"positive": "class_0", "train_limit": 2}).read(folder / "data" / "bg-bird", 0)
    assert few["label"].to_pylist() == [1, 0, 1, 1, 0, 0]
    drawn = reader(asked | {"train_limit": 2}).read(folder / "data" / "bg-bird" / "train", 0)
    assert sorted(zip(drawn["split"].to_pylist(), drawn["label"].to_pylist(), strict=True)) == [
        ("test", 0), ("test", 1), ("train", 0), ("train", 1)
    ]  # fmt: skip
    with pytest.raises(UserError, match="holds no folder of images for each class"):
        reader(asked).read(tmp_path, 0)


ARFF = "@attribute a {{x, y}}\n@attribute 'b c' real\n{}"
"""A class and a number, whose rows are to come."""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@relation x\n1,2\n", "no @attribute or no @data"),
        ("@attribute a real\n1\n", "no @attribute or no @data"),
        (ARFF.format("@data\n{0 y, 1 3}\n{1 2}\n"), "its rows {…} are sparse; write dense ones"),
        (ARFF.format("@data\nx,1,2\ny,2,3\n"), "rows have more cells than there are names of columns"),
    ],
    ids=["names", "data", "sparse", "longer"],
)
def test_arff_that_is_not_read(text, message, tmp_path):
    (tmp_path / "x.arff").write_text(text)
    with pytest.raises(UserError, match=message):
        reader({"reader": "table", "source": "x", "label": "a"}).look(tmp_path / "x.arff")


def test_comments_in_arff(tmp_path):
    rows = " @DATA % rows of @attribute\n% x,9\nx,1\n y , 2.5 % doubtful\nx,?\ny,3\nx,1\n"
    (tmp_path / "x.arff").write_text("% once there was\n% @attribute c real\n" + ARFF.format(rows))
    found = reader({"reader": "table", "source": "x", "label": "a", "missing": "drop"}).look(tmp_path / "x.arff")[0]
    assert found.to_dict("list") == {"a": ["x", "y ", "y", "x"], "b c": [1.0, 2.5, 3.0, 1.0]}


def test_rows_of_svmlight_that_are_none(tmp_path):
    (tmp_path / "x.txt").write_text("1 a:b\n")
    with pytest.raises(UserError, match="no readable table"):
        reader({"reader": "table", "source": "x", "label": "label", "svmlight": True}).read(tmp_path / "x.txt", 0)


def test_rules_say_what_there_is_to_be_found():
    terms = [[1, 2, 3], [3, 4]]
    table = reader({"reader": "rules", "terms": terms, "features": 5, "count": 200}).read(None, 0)
    on = arrays(table) > 0  # standardised: 1 is above 0, 0 below
    expected = on[:, :3].all(1) | on[:, 2:4].all(1)
    assert (table["label"].to_numpy() == expected).all() and 0 < expected.sum() < 200
    asked = {"reader": "rules", "terms": terms, "features": 5, "count": 4000, "values": "gaussian", "numeric": True}
    table = reader(asked).read(None, 0)
    x = arrays(table)
    product = x[:, 0] * x[:, 1] * x[:, 2] + x[:, 2] * x[:, 3]
    assert is_numeric(table) and np.corrcoef(product, table["label"].to_numpy())[0, 1] > 0.99
    with pytest.raises(ValueError, match="`terms` name the feature 6, there are 1 to 5; name one of them"):
        reader({"reader": "rules", "terms": [[6]], "features": 5})


def test_the_bounds_and_trainings_are_the_published_ones():
    """κ = .04; the rates, numbers of epochs and sizes of batches in the names of the authors' results."""
    assert all(method["kappa"] == {"factor": 0.04} for name, method in RAW["methods"].items() if name != "original")
    published_ones = {
        ("tic_tac_toe", "mlp5"): (1000, 128, 0.1), ("wifi", "resmlp5"): (1000, 128, 0.1),
        ("mnist", "resnet44"): (50, 128, 0.01), ("mnist", "vgg16_b"): (50, 128, 0.01),
        ("faces", "alexnet"): (20, 128, 0.01), ("shapenet", "pointnet2"): (200, 32, 0.01),
    }  # fmt: skip
    for (task, model), (epochs, batch, rate) in published_ones.items():
        training = RAW["tasks"][task]["models"][model]["training"]
        assert (training["epochs"], training["batch_size"], training["learning_rate"]) == (epochs, batch, rate)
        assert (training["optimizer"], training["schedule"], training["weight_decay"]) == ("sgd", "log", 5e-4)
