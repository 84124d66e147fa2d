"""The examples of readers in the documentation are read as it says."""

import re
from pathlib import Path

import pytest
import yaml

from andor.data.classes import class_names
from andor.data.readers import reader, readers
from andor.sources.uri import parse

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "howto" / "data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(python|yaml)\n(.*?)^```", PAGE, re.M | re.S)
NAMES = {
    "mine": [],
    "hotel": ["bad", "fair", "good"],
    "delighted": ["not good", "good"],
    "pictures": ["dog", "cat"],
    "listed": ["cat", "dog"],
    "customers": ["nein", "ja"],
    "clouds": ["chair", "lamp"],
    "passages": [],
    "reviews": [],
    "film": ["negative", "positive"],
    "digits": list("0123456789"),
    "wine": ["class_0", "class_1", "class_2"],
    "shapes": ["table", "chair"],
    "rule": ["does not hold", "holds"],
}
"""Classes of each task of the page."""
PUBLISHED = {"CelebAData", "PlayerSegmentsData", "ShapeNetPartsData"}
"""Readers of data sets as their authors lay them out: test_published_layouts.py has them."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """What each task of the page reads, after the code before it was run."""
    found, folder = {}, tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for language, block in BLOCKS:
            if language == "python":
                exec(compile(block, "data.md", "exec"), {})
                continue
            stated = yaml.safe_load(block)
            for name, task in stated["tasks"].items():
                data = reader(task["data"])
                if type(data).__name__ in PUBLISHED:
                    continue
                if data.source and data.source not in stated.get("sources", {}):
                    continue  # an example of something else
                source = data.source and Path(parse(stated["sources"][data.source]["mirrors"][0]).name)
                found[name] = data, data.read(source, seed=0)
    return found


def test_every_reader_has_an_example(tables):
    shown = {type(data).__name__ for data, _ in tables.values()}
    assert shown == {kind.__name__ for kind in readers()} - PUBLISHED


def test_examples_of_published_data_sets_are_those_of_their_configuration():
    """Which test_published_layouts.py reads."""
    whole = yaml.safe_load((ROOT / "config" / "paper_icml.yaml").read_text(encoding="utf-8"))
    stated = [yaml.safe_load(text) for language, text in BLOCKS if language == "yaml"]
    (block,) = (found for found in stated if "celeba" in found.get("sources", {}))
    assert {type(reader(task["data"])).__name__ for task in block["tasks"].values()} == PUBLISHED
    for name, task in block["tasks"].items():
        assert all(whole["tasks"][name][key] == value for key, value in task.items())
        assert block["sources"][task["data"]["source"]] == whole["sources"][task["data"]["source"]]


@pytest.mark.parametrize("name", NAMES)
def test_an_example(tables, name):
    data, table = tables[name]
    assert class_names(table) == NAMES[name]
    splits = set(table["split"].to_pylist())
    assert splits == ({"train", "test"} if data.trains and data.modality != "passage" else {"test"})
    assert data.classes in (None, NAMES[name])


def test_what_the_page_says_of_its_examples(tables):
    assert tables["pictures"][1].num_rows == 39
    assert tables["pictures"][1].schema.metadata[b"shape"] == b"[3, 24, 32]"
    assert tables["customers"][1].schema.metadata[b"columns"] == b'{"alter": [0, 1], "einkommen": [2]}'
    assert tables["reviews"][1]["text"].to_pylist()[0] == "A warm, funny film.\nSee it!"
