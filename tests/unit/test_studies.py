"""Studies: rows for what is asked, numbers against plain counting, and a figure."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from andor.config import Study
from andor.errors import UserError
from andor.report import compared, figures, tables
from andor.report.figures import style
from andor.report.figures.studies import PANELS, draw
from andor.report.results import TaskResults
from andor.report.studies import AGREED, study
from synthetic import write_synthetic_results

pytestmark = pytest.mark.slow
PAIR = {"digits": "resnet20-vgg16", "sentiment": "minilm_l6-minilm_l3"}
ASKED = Study(
    question="Which method?", tasks=list(PAIR), ensembles=list(PAIR.values()), methods=["traditional", "generalizable"]
)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    config = write_synthetic_results(folder, samples=3, with_tables=False).model_copy(update={"studies": {"s": ASKED}})
    return {task: TaskResults.of_study(folder / task, config, task, "s") for task in PAIR}


@pytest.fixture(scope="module")
def table(results):
    return study(results)


def number(table, **where) -> pd.Series:
    """The one row where columns have these values."""
    rows = table[np.logical_and.reduce([table[column] == value for column, value in where.items()])]
    assert len(rows) == 1
    return rows.iloc[0]


def test_only_what_is_asked_is_there_and_once(table):
    assert not table.duplicated(["task", "ensemble", "method", "kind", "measure", "of"]).any()
    pairs = table[["task", "ensemble"]].drop_duplicates().itertuples(index=False, name=None)
    assert sorted(pairs) == sorted(PAIR.items())
    assert set(table["method"]) == set(ASKED.methods)


@pytest.mark.parametrize("task", PAIR)
def test_strength_and_count_are_those_of_the_files(results, table, task):
    of_task, where = results[task], {"task": task, "method": "generalizable"}
    total = {}
    for method in ASKED.methods:
        interactions = np.abs([one.dense() for one in of_task.of_ensemble(method, PAIR[task])])[..., 1:]
        total[method] = interactions.sum((1, 2, 3)).mean()
        largest = interactions.max((2, 3), keepdims=True)
        count = (interactions > 0.05 * largest).sum((2, 3)).mean()
        assert number(table, **{**where, "method": method}, measure="salient")["value"] == pytest.approx(count)
    row = number(table, **where, measure="strength")
    assert row["of"] == "traditional"
    assert row["value"] == pytest.approx(total["generalizable"] / total["traditional"])
    assert row["low"] < row["value"] < row["high"]


@pytest.mark.parametrize("task", PAIR)
def test_agreement_counts_the_strongest_of_both_methods(results, table, task):
    found = {kind: [] for kind in ("and", "or")}
    joint, apart = (
        np.stack([one.dense() for one in results[task].of_ensemble(method, PAIR[task])])
        for method in ("generalizable", "traditional")
    )
    size = int(AGREED * joint.shape[-1])
    for sample, model in np.ndindex(joint.shape[:2]):
        for place, kind in enumerate(found):
            sets = [
                {c for c in np.argsort(-np.abs(side[1:]), kind="stable")[:size] + 1 if side[c]}
                for side in (joint[sample, model, place], apart[sample, model, place])
            ]
            found[kind].append(len(sets[0] & sets[1]) / len(sets[0]))
    for kind, shares in found.items():
        row = number(table, task=task, measure="agreement", kind=kind)
        assert (row["method"], row["of"]) == ("generalizable", "traditional")
        assert row["value"] == pytest.approx(np.mean(shares), abs=1e-9)
        assert 0 < row["chance"] < 0.15


def test_overlaps_are_those_of_the_controls(results, table):
    controls = tables.make(results["digits"], ["controls"])["controls"]
    wanted = controls[(controls["null"] == "renaming") & (controls["measure"] == "cosine")]
    for row in wanted.itertuples():
        found = number(table, task="digits", method=row.method, kind=row.kind, measure="cosine")
        assert (found["value"], found["null"], found["excess"]) == (row.value, row.null_value, row.excess)


def test_a_figure_is_drawn_from_the_table_alone(table, tmp_path):
    figure = figures.draw_study(table, ASKED.question)
    figures.save(figure, [tmp_path / "study.png"])
    titles = [axes.get_title().replace("\n", " ") for axes in figure.axes[:6]]
    assert titles[0] == "salient interactions"
    assert "same as in the first method" in titles
    unproved = table.assign(samples=table["samples"].where(table["measure"] != "gap", 0))  # no gap of sgd is known
    assert "; 3 samples" in figures.draw_study(unproved, ASKED.question).get_suptitle()
    with pytest.raises(UserError, match="no rows"):
        figures.draw_study(table[:0], ASKED.question)


def test_models_are_compared_two_at_a_time(results):
    config_of = {"methods": {"traditional": "traditional"}, "ensembles": {"a-b": ["resnet20", "vgg16"]}}
    of_task = replace(results["digits"], **config_of)
    table = compared.compared({"digits": of_task}, ASKED)
    assert list(table.columns) == compared.SCHEMA.names
    strengths = np.stack([one.dense() for one in of_task.of_ensemble("traditional", "a-b")])  # (K, 2, kinds, 2^n)
    size = np.abs(strengths)
    size[..., 0] = 0
    salient = size > 0.05 * size.max((2, 3), keepdims=True)
    one_sign = strengths[:, 0] * strengths[:, 1] > 0
    both = salient.all(1)
    pair = {"task": "digits", "order": 0, "first": "resnet20", "second": "vgg16"}
    assert number(table, **pair, measure="shared")["value"] == pytest.approx((both & one_sign).sum((1, 2)).mean())
    assert number(table, **pair, measure="opposed")["value"] == pytest.approx((both & ~one_sign).sum((1, 2)).mean())
    consistency = (both & one_sign).sum() / salient.any(1).sum()
    row = number(table, **pair, measure="consistency")
    assert row["value"] == pytest.approx(consistency) and row["low"] < consistency < row["high"]
    alone = table[table["first"].isna() & (table["order"] == 0)]
    assert set(alone["second"]) == {"resnet20", "vgg16"} and {"train", "test", "mean order"} <= set(alone["measure"])
    figures.draw_study(table, "Who shares with whom?")


def test_a_control_is_counted_beside_the_network_it_is_compared_with(results):
    """Of an ensemble of two, the last of which is a control, its own count and its strength over the first one's."""
    of_task = replace(results["digits"], main=results["digits"].models[:1])
    table = study({"digits": of_task})
    strength = np.abs([one.dense() for one in of_task.of_ensemble("traditional", PAIR["digits"])])[..., 1:]
    salient = strength > 0.05 * strength.max((2, 3), keepdims=True)
    where = {"method": "traditional", "measure": "last network"}
    assert number(table, **where, of="salient")["value"] == pytest.approx(salient[:, 1].sum((1, 2)).mean())
    total = strength.sum((2, 3)).mean(0)
    assert number(table, **where, of="strength")["value"] == pytest.approx(total[1] / total[0])
    assert (study(results)["measure"] != "last network").all()  # of main networks nothing is said


def test_headings_of_many_columns_lie_apart():
    rows = [
        (f"a_rather_long_name_{i}-another", "generalizable", "and", measure, of or "", 0.5, 0.4, 0.6)
        for i in range(3)
        for measure, of in PANELS
    ]
    columns = ["ensemble", "method", "kind", "measure", "of", "value", "low", "high"]
    table = pd.DataFrame(rows, columns=columns).assign(task="digits", chance=0.1, null=0.2, samples=10)
    with style.styled():
        figure = draw(table, "What?")
        figure.draw_without_rendering()
        boxes = [axes.title.get_window_extent() for axes in figure.axes]
    assert len(boxes) == len(PANELS)
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
