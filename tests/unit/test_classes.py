"""Names of classes travel from the data to samples, tables, figures and page."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor.config import Reward, Samples
from andor.data.candidates import candidates
from andor.data.classes import by_number, by_order, class_names
from andor.data.players import players
from andor.data.readers import reader
from andor.errors import UserError
from andor.outputs.samples import select
from andor.report.explorer.content import content

WORDS = players({"kind": "words", "choose": "all"})


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ({"reader": "digits", "size": 8}, ["not 3", "3"]),
        ({"reader": "digits", "size": 8, "positive": None}, list("0123456789")),
        ({"reader": "scikit_learn", "name": "iris"}, ["setosa", "versicolor", "virginica"]),
        ({"reader": "scikit_learn", "name": "iris", "positive": 1}, ["not versicolor", "versicolor"]),
        ({"reader": "scikit_learn", "name": "breast_cancer", "positive": 0}, ["benign", "malignant"]),
        ({"reader": "scikit_learn", "name": "wine", "positive": 2}, ["not class_2", "class_2"]),
        ({"reader": "shapes", "count": 8}, ["table", "chair"]),
    ],
)
def test_built_in_tasks(data, names):
    chosen = reader(data)
    table = chosen.read(None, seed=0)
    assert class_names(table) == names == chosen.classes
    if chosen.modality == "table":
        assert list(json.loads(table.schema.metadata[b"columns"])) == chosen.column_names


def test_from_the_data_to_the_page(tmp_path):
    (tmp_path / "film.txt").write_text("".join(f"{n}\t{2 - n % 2 * 4}\tfilm number {n}\n" for n in range(40)))
    table = reader({"reader": "film_reviews", "source": "x"}).read(tmp_path / "film.txt", seed=0)
    chosen = candidates(table, WORDS, 4, seed=0, label="negative")
    assert chosen["class"].to_pylist() == ["negative"] * 4 and chosen["label"].to_pylist() == [0] * 4
    screening = chosen.select(["item"]).to_pandas().assign(full=[[-3.0]] * 4, empty=[[1.0]] * 4, reason=None)
    samples, _ = select(chosen, {"m": _table(screening)}, Reward(), Samples(count=2, min_range=1.0))
    assert class_names(samples) == ["negative", "positive"]
    assert content(samples.to_pylist()[0])["class"] == "negative"
    with pytest.raises(UserError, match=r"`samples.label: bad` is none of the data.s classes; they have neg"):
        candidates(table, WORDS, 4, seed=0, label="bad")


def _table(frame):
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)


@pytest.mark.slow
@given(st.lists(st.one_of(st.text(max_size=3), st.integers(-3, 3), st.booleans()), min_size=1, max_size=20))
def test_classes_of_any_values_are_numbered_in_their_order(cells):
    found = by_order(cells)
    assert len(found.labels) == len(cells)
    for one, its in zip(cells, found.labels, strict=True):
        for other, theirs in zip(cells, found.labels, strict=True):
            assert (one == other) == (its == theirs)
    if all(isinstance(cell, str) for cell in cells):  # as pandas numbers them
        codes, uniques = pd.factorize(np.array(cells, object), sort=True)
        assert found.labels.tolist() == codes.tolist() and found.names == list(uniques)


def test_numbers_written_as_texts_are_numbers():
    assert by_number(["10", "2", "0"], "data").labels.tolist() == [10, 2, 0]
    assert by_number([True, False], "data")[1] == ["false", "true"]
    with pytest.raises(UserError, match="column `label` holds 2 and the file names 2 classes; mend it"):
        by_number([0, 2], "data", names=["no", "yes"])


def test_more_classes_than_can_be_numbered_are_refused():
    assert by_order(range(2**15)).labels[-1] == 2**15 - 1
    with pytest.raises(UserError, match="the data have 32769 classes, of which 32768 at most can be numbered"):
        by_order(range(2**15 + 1))
