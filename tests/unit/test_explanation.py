"""`andor.explain`: any functions of a text or an array, asked as often as needed and no more."""

import dataclasses
import html
import itertools
import math
import re

import numpy as np
import pytest

import andor
from andor.errors import UserError
from andor.outputs.drawn import HELD_OUT, drawn, is_unseen
from andor.report import explanation
from andor.report.explorer import page
from andor.report.explorer.coding import decode_interactions, decode_values, from_bits
from andor.store import read_table

TEXT = "Not a good film, and not a long one: the camera loves good actors but hates the story."
WORDS = re.compile(r"\w+")
QUIET = {"budget": 300, "held_out": 100, "progress": False}


def small(texts: list[str]) -> np.ndarray:
    """Good counts, unless it is not there; hates and story only together."""
    return np.array([2.0 * ("good" in t) - 1.5 * ("hates" in t and "story" in t) for t in texts])


def large(texts: list[str]) -> np.ndarray:
    return np.array([1.0 * ("good" in t) + 1.0 * ("Not" in t and "long" in t) for t in texts])


@pytest.fixture(scope="module")
def found():
    return andor.explain({"small": small, "large": large}, TEXT, **QUIET)


def test_what_the_functions_do_is_found(found):
    assert min(found.fidelity.values()) > 0.98
    (shared,) = found.shared().query("order == 2")[["kind", "players"]].values.tolist()
    assert shared == ["or", "{good, good (2)}"]
    assert found.distinctive("small")[["kind", "players"]].values.tolist() == [["and", "{hates, story}"]]
    assert found.distinctive("large")[["kind", "players"]].values.tolist() == [["and", "{Not, long}"]]
    assert "18 players" in repr(found) and "{good, good (2)}" in repr(found)
    assert set(found.frame()["model"]) == {"small", "large"}


def test_what_was_not_found_in_the_other_model_may_be_there_within_its_error(found):
    """What is not found has no error of its own: it is as uncertain as what is found least surely."""
    errors = found.fit.errors.copy()
    errors[1, np.abs(found.fit.strengths[1]).argmax()] = 0.1  # of the other model's largest, which is 1
    vague = dataclasses.replace(found, fit=dataclasses.replace(found.fit, errors=errors))
    assert len(found.distinctive("small")) and not len(vague.distinctive("small"))


def test_what_is_shared_has_rates_where_models_are_explained_alone(found):
    """By hand: chance that the interactions of one model of an order and sign meet with those of the other."""
    listed, n = found.shared(), len(found.players)
    assert listed["agree"].between(0, 1).all()
    assert listed.query("order < 2")["combinations"].isna().all()
    assert listed.query("order > 1")["combinations"].between(0, 1).all()
    relative = found.fit.strengths / np.abs(found.fit.strengths).max(1, keepdims=True)
    expected = 0.0
    for first, second in itertools.product(range(len(found.fit.kinds)), repeat=2):
        orders = found.fit.members[[first, second]].sum(1)
        strengths = relative[0, first], relative[1, second]
        alike = found.fit.kinds[first] == found.fit.kinds[second] and orders[0] == orders[1]
        if alike and strengths[0] * strengths[1] > 0 and min(map(abs, strengths)) > 0.05:
            expected += 1 / math.comb(n, orders[0])
    assert listed["agree"].max() <= expected / len(listed) + 1e-9
    joint = andor.explain({"small": small, "large": large}, TEXT, budget=200, held_out=20, alpha=1, progress=False)
    assert "agree" not in joint.shared()


def test_the_moebius_form_predicts_the_same(found):
    presence = drawn(18, 50, 3, HELD_OUT)
    for place, model in enumerate(found.models):
        sums = [
            sum(value for players, value in found.moebius(model).items() if row[list(players)].all())
            for row in presence
        ]
        np.testing.assert_allclose(sums, found.fit.predict(presence)[place], atol=1e-9)


@pytest.mark.slow
def test_shapiq_reads_it(found):
    pytest.importorskip("shapiq")
    values = found.to_shapiq("small")
    assert values.index == "Moebius"
    for players, value in found.moebius("small").items():
        assert values[players] == pytest.approx(value)


def test_sentences_are_players_too():
    text = "It is good. The camera hates it! So does Mr. Story..."
    found = andor.explain({"small": small}, text, players="sentences", budget=20, held_out=0, progress=False)
    assert found.players == ["It is good.", "The camera hates it!", "So does Mr. Story..."]
    for item, message in ((text, "`pieces` are neither `words` nor"), (np.zeros(3), "`pieces` are parts of a text")):
        with pytest.raises(UserError, match=message):
            andor.explain({"small": small}, item, players="pieces", baseline=0.0, progress=False)


def test_its_page_says_the_same(found):
    shown = page.read(found.page())
    (sample,) = shown["samples"]
    assert shown["models"] == ["small", "large"] and sample["names"] == found.players
    assert "".join(piece for piece, _ in sample["text"]) == TEXT
    assert [piece for piece, player in sample["text"] if player == 3] == ["film"]
    presence = from_bits(sample["drawn"]["presence"], 18)
    for place, model in enumerate(found.models):
        (part,) = sample["parts"]["each alone"][model]["models"]
        predicted = found.fit.predict(presence)[place]
        np.testing.assert_allclose(decode_interactions(part, 18).predict(presence)[0], predicted, atol=1e-5)
        asked = [" ".join(w for w, here in zip(WORDS.findall(TEXT), row, strict=True) if here) for row in presence]
        np.testing.assert_allclose(decode_values(sample["v"][place]), [small, large][place](asked), atol=1e-6)
        assert part["nonzero"] == (found.fit.penalised[place] != 0).sum()
    in_notebook = found._repr_html_()
    assert in_notebook.count("<") == 2 and found.page() in html.unescape(in_notebook)


def test_the_page_of_a_joint_explanation_has_one_unit():
    found = andor.explain({"small": small, "large": large}, TEXT, alpha=1 / 9, penalty=0.05, **QUIET)
    (sample,) = page.read(found.page())["samples"]
    assert list(sample["parts"]) == ["jointly"] and len(sample["parts"]["jointly"]["all"]["models"]) == 2


def test_the_page_of_an_array_names_its_players():
    options = QUIET | {"held_out": 0, "baseline": 0.0, "penalty": 0.05}
    found = andor.explain({"m": lambda inputs: inputs.sum((1, 2))}, np.ones((3, 4)), **options)
    (sample,) = page.read(found.page())["samples"]
    assert sample["names"] == [str(place) for place in range(12)] and not {"text", "image"} & set(sample)
    assert len(decode_values(sample["v"][0])) == sample["drawn"]["fitted"] == QUIET["budget"]


def test_it_is_saved_as_the_command_does(found, tmp_path):
    found.save(tmp_path / "found.parquet")
    table = read_table(tmp_path / "found.parquet").to_pandas()
    assert list(table) == ["model", "kind", "players", "order", "strength", "penalised", "error"]
    assert len(table) == 2 + len(found.frame())


@pytest.mark.slow
def test_what_is_known_is_not_asked_again(tmp_path, capsys):
    asked: list[str] = []

    def model(texts: list[str]) -> np.ndarray:
        asked.extend(texts)
        if len(asked) > 200 and not (tmp_path / "go").exists():
            raise KeyboardInterrupt
        return small(texts)

    options = {"budget": 300, "held_out": 100, "cache": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        andor.explain({"m": model}, TEXT, **options)
    (tmp_path / "go").touch()
    known = len(asked) // explanation.BATCH * explanation.BATCH
    first = andor.explain({"m": model}, TEXT, **options)
    assert len(asked) <= 400 + explanation.BATCH
    before = len(asked)
    again = andor.explain({"m": model}, TEXT, **options)
    assert len(asked) == before
    np.testing.assert_array_equal(again.fit.strengths, first.fit.strengths)
    more = andor.explain({"m": model}, TEXT, **{**options, "budget": 400})
    assert len(asked) <= before + 100
    assert more.fidelity["m"] > 0.98
    said = capsys.readouterr().err
    assert "masked inputs in" in said and known > 0


def test_arrays_with_a_baseline():
    item = np.arange(1.0, 13.0).reshape(3, 4)

    def model(inputs: np.ndarray) -> np.ndarray:
        return inputs[:, 0, 0] * inputs[:, 2, 3] + inputs[:, 1, 1]

    found = andor.explain({"m": model}, item, baseline=0.0, players=[[0], [5], [11], [1, 2]], **QUIET)
    strengths = found.frame().set_index("players")["strength"]
    assert strengths["{0, 2}"] == pytest.approx(12, rel=0.02)
    assert strengths["{1}"] == pytest.approx(6, rel=0.02)


def test_words_are_left_out_or_give_way():
    seen: list[str] = []

    def model(texts: list[str]) -> np.ndarray:
        seen.extend(texts)
        return np.array([float(len(t)) for t in texts])

    andor.explain({"m": model}, "One two, three.", masked="_", budget=8, held_out=0, order=1, progress=False)
    assert "One two, three." in seen and "_ _, _." in seen
    seen.clear()
    andor.explain({"m": model}, "One two, three.", budget=8, held_out=0, order=1, progress=False)
    assert ", ." in seen


def test_a_larger_budget_adds_to_a_smaller_one():
    assert (drawn(7, 350, 0)[:220] == drawn(7, 220, 0)).all()
    assert drawn(7, 2, 0).tolist() == [[True] * 7, [False] * 7]
    fitted, new = drawn(5, 100, 0), drawn(5, 100, 0, HELD_OUT)
    left = new[is_unseen(new, fitted)]
    assert len(left) < len(new)
    assert not {tuple(row) for row in left.tolist()} & {tuple(row) for row in fitted.tolist()}


@pytest.mark.parametrize(
    ("models", "item", "options", "message"),
    [
        ({}, TEXT, {}, "models is empty"),
        ({"m": small}, "...", {}, "has no words"),
        ({"m": small}, TEXT, {"players": [(0, 5), (3, 8)]}, "share a character"),
        ({"m": small}, np.zeros(4), {}, "needs `baseline`"),
        ({"m": lambda texts: [1.0]}, TEXT, {}, "the model gave shape"),
        ({"m": lambda texts: [np.nan] * len(texts)}, TEXT, {}, "not finite"),
        ({"m": lambda texts: [1.0] * len(texts)}, TEXT, {}, "the same value on all coalitions"),
    ],
)
def test_what_makes_no_sense_is_one_line(models, item, options, message):
    with pytest.raises(UserError, match=message):
        andor.explain(models, item, **{**QUIET, **options})


def test_large_arrays_that_differ_in_the_middle_are_not_taken_for_each_other(tmp_path):
    first, second = np.ones((40, 40)), np.ones((40, 40))
    second[20, 20] = 6.0  # where numpy's text of an array has dots
    groups = [list(range(start, start + 400)) for start in range(0, 1600, 400)]
    sums = [
        andor.explain(
            {"m": lambda batch: batch.sum((1, 2)) + batch[:, 0, 0] * batch[:, 39, 39]}, item, players=groups,
            baseline=0.0, budget=16, held_out=0, order=2, cache=tmp_path, progress=False,
        ).drawn["m"].values[0]
        for item in (first, second)
    ]  # fmt: skip
    assert sums[1] == sums[0] + 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baseline": 0.5}, "baseline 0.5 is no value of an array of int64"),
        ({"baseline": 0, "players": [[0, 1], [1, 2]]}, "player 1 shares a place"),
        ({"baseline": 0, "names": ["a", "b"]}, "2 names of 4 players"),
    ],
)
def test_arrays_that_make_no_sense_are_one_line(options, message):
    with pytest.raises(UserError, match=message):
        andor.explain({"m": lambda batch: batch.sum(1)}, np.arange(4), **{**QUIET, **options})


def test_players_of_arrays_may_have_names():
    weights = np.random.default_rng(0).normal(size=4)
    found = andor.explain(
        {"m": lambda batch: batch @ weights}, np.ones(4), baseline=0.0, names=["a", "b", "c", "d"], budget=16,
        held_out=0, order=1, penalty=1e-4, progress=False,
    )  # fmt: skip
    assert set(found.frame()["players"]) == {"{a}", "{b}", "{c}", "{d}"}
