"""Studies that compare models: planted interactions against truth, numbers against plain counting, both figures."""

import itertools
from math import comb
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from andor.analysis.change import CHANGES, cancelled, cancelled_at_random, changes
from andor.analysis.statistics import Bootstrap
from andor.config import Salience, Study
from andor.game.coalitions import orders
from andor.game.interactions import Interactions
from andor.report import figures
from andor.report.compared import SCHEMA, Pair, _named, compared, of_kinds
from andor.report.findings import findings
from andor.report.findings.compared import _turns
from andor.report.tables.games import Games

N, SAMPLES = 6, 5
OF = orders(N)


def interactions(seed, scale=1.0):
    """Strengths of one model, (kinds, 2^n): ten of each kind, one of them by far the strongest."""
    random = np.random.default_rng(seed)
    strengths = np.zeros((2, 2**N))
    for kind, least in enumerate((1, 2)):
        places = random.choice(np.flatnonzero(least <= OF), 10, replace=False)
        strengths[kind, places] = random.choice([-1, 1], 10) * random.uniform(0.2, 1, 10)
        strengths[kind, places[0]] *= 3
    return scale * strengths


def pair(first, second, right=(True,) * SAMPLES, draws=2, names=("a", "b")):
    """Two models of given strengths, (K, kinds, 2^n) each, as a study finds them."""

    def games(of):
        made = [Interactions.of_dense(np.stack(each), names, merged=True) for each in zip(*of, strict=True)]
        return Games.of(made, Salience())

    random = np.random.default_rng(1)
    moved = [[one[:, random.permutation(2**N)] for one in second] for _ in range(draws)]
    eligibility = pa.table({"model": np.repeat(names, SAMPLES), "item": [*range(SAMPLES)] * 2, "right": [*right] * 2})
    metrics = {"family": "mlp", "splits": {"train": {"items": 8, "correct": 6}, "test": {"items": 4, "correct": 4}}}
    each = SimpleNamespace(
        games=games([first, second]), renamed=[games([first, one]) for one in moved], members=names, method="m",
        bootstrap=Bootstrap(SAMPLES, 200, 0), is_main=True,
        results=SimpleNamespace(
            seed=0, eligibility=eligibility, samples=pa.table({"item": range(SAMPLES)}), model_metrics=lambda _: metrics
        ),
    )  # fmt: skip
    return Pair(each)


def at(table, measure, order=0):
    rows = table[(table["measure"] == measure) & (table["order"] == order)]
    assert len(rows) == 1
    return rows.iloc[0]


OWN = [interactions(seed) for seed in range(SAMPLES)]


def test_the_same_model_shares_all_and_changes_nothing():
    table = pair(OWN, [2 * one for one in OWN]).of_two()
    for measure, value in {"consistency": 1, "of first": 1, "of second": 1, "opposed": 0, "mean order": 0}.items():
        assert at(table, measure)["value"] == pytest.approx(value), measure
    assert at(table, "shared")["value"] == 20
    for suffix in ("", " alike"):
        found = {name: at(table, f"{name}{suffix}")["value"] for name in CHANGES}
        assert found == {"ips": 0, "opposite": 0, "changed": 0, "similar": 1}
    assert at(table, "ips")["null"] > 1


def test_a_model_of_the_other_signs_opposes_all_and_changes_most():
    table = pair(OWN, [-one for one in OWN]).of_two()
    assert at(table, "shared")["value"] == at(table, "consistency")["value"] == 0
    assert at(table, "opposed")["value"] == 20
    assert at(table, "ips")["value"] == pytest.approx(2)
    assert at(table, "opposite")["value"] == 1


def test_what_is_expected_by_accident_is_the_chance_of_each_place():
    other = [interactions(100 + seed) for seed in range(SAMPLES)]
    table = pair(OWN, other).of_two()
    for order in range(1, N + 1):
        expected = sum(
            ((sign * own[kind] > 0) & (order == OF)).sum() * ((sign * its[kind] > 0) & (order == OF)).sum()
            for own, its in zip(OWN, other, strict=True)
            for kind in (0, 1)
            for sign in (1, -1)
        ) / comb(N, order)
        row = at(table, "shared", order)
        assert row["null"] == pytest.approx(expected / SAMPLES)
    by_order = table[(table["measure"] == "shared") & (table["order"] > 0)]
    assert at(table, "shared")["null"] == pytest.approx(by_order["null"].sum())
    assert at(table, "shared")["value"] == pytest.approx(by_order["value"].sum())


def test_shares_by_plain_counting():
    random = np.random.default_rng(7)
    other = [np.where(random.random(one.shape) < 0.6, one, 0) for one in OWN]
    table = pair(OWN, other).of_two()
    kept, all_of = sum((one != 0).sum() for one in other), 20 * SAMPLES
    assert at(table, "of first")["value"] == at(table, "consistency")["value"] == pytest.approx(kept / all_of)
    assert at(table, "of second")["value"] == 1
    assert at(table, "shared")["p"] < 0.05 and at(table, "shared")["rate"] < 0.5


def test_outputs_that_change_are_left_out_of_what_is_alike():
    other = [-one if place else one for place, one in enumerate(OWN)]
    table = pair(OWN, other, right=[True] + [False] * (SAMPLES - 1)).of_two()
    assert at(table, "ips")["value"] == pytest.approx(2 * (SAMPLES - 1) / SAMPLES)
    assert at(table, "ips alike")["value"] == 0 and at(table, "ips alike")["samples"] == 1


def test_families_are_compared_over_all_their_pairs():
    same, other = pair(OWN, OWN), pair(OWN, [-one for one in OWN])
    table = of_kinds([same, other])
    shared, either = 20 * SAMPLES, 2 * 20 * SAMPLES
    assert at(table, "kinds")["value"] == pytest.approx(shared / either)
    assert at(of_kinds([same]), "kinds")["null"] == pytest.approx(at(same.of_two(), "consistency")["null"])
    assert same.families == ("mlp", "mlp")


@pytest.mark.slow
def test_along_a_training_families_are_no_partners(monkeypatch):
    found = []
    for names in (("net", "net@5"), ("other", "net@5"), ("other", "net")):
        found.append(pair(OWN, OWN, names=names).each)
        found[-1].results.model_metrics = lambda name: {"family": name[0], "splits": {}}
    monkeypatch.setattr("andor.report.compared.comparisons", lambda _: found)
    along, pairs = (compared({"toy": None}, study) for study in (ALONG, TWO_BY_TWO))
    assert set(pairs.loc[pairs["measure"] == "kinds", "partner"]) == {"n"}
    assert set(along["partner"].dropna()) == {"net", "other"} and set(along["step"].dropna()) == {5}
    assert len(figures.draw_study(along, "How?").axes) == 6 and len(figures.draw_study(pairs, "Who?").axes) == 3


def test_one_model_by_order():
    table = pair(OWN, OWN).of_one(0)
    total = np.mean([np.abs(one).sum() for one in OWN])
    for order in range(1, N + 1):
        strength = np.mean([np.abs(one[:, order == OF]).sum() for one in OWN])
        assert at(table, "strength", order)["value"] == pytest.approx(strength)
        assert at(table, "share", order)["value"] == pytest.approx(strength / total)
    mean_order = np.mean([(np.abs(one).sum(0) @ OF) / np.abs(one).sum() for one in OWN])
    assert at(table, "mean order")["value"] == pytest.approx(mean_order)
    assert at(table, "salient")["value"] == 20
    assert at(table, "train")["value"] == 0.75 and at(table, "train")["samples"] == 8


def test_changes_by_hand():
    first, second = np.array([[[0, 1.0, 0.3, 0.5, 0.05]], [[0, -2.0, 0.2, 1.0, 0.0]]])
    found = dict(zip(CHANGES, changes(np.stack([first, second]), np.array([0, 1, 1, 2, 1]), 2), strict=True))
    # Shares of the largest: 1 and −1; .3 and .1 (salient in the first); .5 and .5; the last is salient in neither.
    assert found["ips"] == pytest.approx([(2 + 1 + 0) / 3, 1.5, 0])
    assert found["opposite"] == pytest.approx([1 / 3, 1 / 2, 0])
    assert found["changed"] == pytest.approx([1 / 3, 1 / 2, 0])
    assert found["similar"] == pytest.approx([1 / 3, 0, 1])
    nothing = changes(np.zeros((2, 1, 5)), np.array([0, 1, 1, 2, 1]), 2)
    assert np.isnan(nothing).all()


def test_signs_cancel():
    strengths, every = np.array([[9.0, 1, -1, 2, 1]]), np.ones((1, 5), bool)
    assert cancelled(strengths, every, np.array([0, 1, 1, 2, 3]), 3) == pytest.approx([1 - 3 / 5, 1, 0, 0])
    assert np.isnan(cancelled(strengths, ~every, np.array([0, 1, 1, 2, 3]), 3)).all()


def test_fewer_cancel_less_whatever_their_signs():
    """By every way to choose as many of each order."""
    strengths, of = np.array([3.0, -1, 2, -2, 1, 4]), np.array([2, 1, 2, 1, 2, 2])
    shared = np.array([True, False, True, True, False, False])
    ways = [
        np.isin(np.arange(6), [*first, *second])
        for first in itertools.combinations([1, 3], 1)
        for second in itertools.combinations([0, 2, 4, 5], 2)
    ]
    found = cancelled_at_random(strengths, shared, of, 2, np.random.default_rng(0))
    for place, turned in enumerate((False, True)):
        every = [cancelled(strengths[None], (way ^ turned)[None], of, 2) for way in ways]
        assert found[place] == pytest.approx(np.mean(every, axis=0), abs=0.06)
    nothing = cancelled_at_random(np.zeros(0), np.zeros(0, bool), np.zeros(0, int), 2, np.random.default_rng(0))
    assert np.isnan(nothing).all()
    table = pair(OWN, [np.where(OF < 3, one, 0) for one in OWN]).of_two()
    few, more = (at(table, f"cancelled {which}")["null"] for which in ("shared", "other"))
    assert 0 < few < more


# ------------------------------------------------------------------------------------------------------ both figures


STUDY = {"question": "How?", "tasks": ["toy"], "methods": ["traditional"]}
ALONG = Study(**STUDY, along="net", models=["net", "seed", "half"])
TWO_BY_TWO = Study(**STUDY, models=["first", "second", "third"])


def named(rows, first, second, study=ALONG):
    return _named(rows, study, "traditional", first, second).assign(task="toy")


def of_models(models, study=TWO_BY_TWO, right=(True,) * SAMPLES):
    """A table of every two of some models, whose strengths are given."""
    frames = [named(pair(own, own).of_one(0), None, name, study) for name, own in models.items()]
    for first, second in itertools.combinations(models, 2):
        frames.append(named(pair(models[first], models[second], right).of_two(), first, second, study))
    return pd.concat(frames, ignore_index=True).reindex(columns=SCHEMA.names)


@pytest.fixture(scope="module")
def along():
    """A training of four states: ever more of the end is there, beside another seed's and a network of its own."""
    frames = []
    for place, step in enumerate((0, 10, 100, None)):
        random = np.random.default_rng(place)
        state, other = (
            [
                np.where(random.random(one.shape) < place / 3, one, 0.3 * interactions(50 + n))
                for n, one in enumerate(OWN)
            ]
            for _ in range(2)
        )
        name = "net" if step is None else f"net@{step}"
        frames.append(named(pair(state, state).of_one(0), None, name))
        for reference, its in {"net": OWN, f"seed{name[3:]}": other, "half": OWN[::-1]}.items():
            if reference != name:
                frames.append(named(pair(its, state).of_two(), reference, name))
    return pd.concat(frames, ignore_index=True).reindex(columns=SCHEMA.names)


@pytest.fixture(scope="module")
def pairs():
    return of_models({"first": OWN, "second": [1.2 * one for one in OWN], "third": OWN[::-1]})


@pytest.mark.slow
def test_curves_are_drawn_along_a_training(along, tmp_path):
    figure = figures.draw_study(along, "How do interactions come and go?")
    figures.save(figure, [tmp_path / "along.png"])
    titles = [axes.get_title().replace("\n", " ") for axes in figure.axes]
    assert titles[:4] == ["share of strength", "salient interactions", "mean order, by strength", titles[3]]
    assert titles[4:] == ["also in its end", "also in seed, same step", "also in half"]
    assert [tick.get_text() for tick in figure.axes[4].get_xticklabels()] == ["0", "10", "100", "end"]


def test_a_line_for_each_two_models(pairs, tmp_path):
    figure = figures.draw_study(pairs, "Who shares with whom?")
    figures.save(figure, [tmp_path / "pairs.png"])
    assert len(figure.axes) == 3
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert labels == ["first + second", "first + third", "second + third"]


def test_states_that_are_compared_two_by_two_are_models_like_others():
    table = of_models({"net": OWN, "other": OWN[::-1], "net@50": [1.2 * one for one in OWN]})
    titles = [axes.get_title() for axes in figures.draw_study(table, "Who?").axes]
    assert len(titles) == 3 and titles[1] == "symmetric change (IPS)"
    told = findings({}, {"models": ("Who?", table)})
    assert "| net + net@50 | 20.0 (" in told and "| net@50 | 1.00 [" in told and "Training of" not in told


@pytest.mark.slow
def test_curves_are_of_what_the_study_names():
    """A state that is named by itself, and a model that keeps some of the steps only."""
    study = Study(**STUDY, along="net", models=["seed", "half@10"])
    frames = [named(pair(OWN, OWN).of_one(0), None, name, study) for name in ("net@0", "net@10", "net")]
    for second in ("net@0", "net@10", "net"):
        for first in ("seed@0" if second == "net@0" else "seed", "half@10"):
            frames.append(named(pair(OWN, OWN).of_two(), first, second, study))
    table = pd.concat(frames, ignore_index=True).reindex(columns=SCHEMA.names)
    assert set(table["partner"].dropna()) == {"seed", "half@10"}
    titles = [axes.get_title().replace("\n", " ") for axes in figures.draw_study(table, "How?").axes]
    assert titles[4:] == ["also in seed, same step or end", "also in half@10"]


@pytest.mark.slow
def test_models_without_interactions_are_told_and_drawn(tmp_path):
    nothing = [0 * one for one in OWN]
    for models in ({"zero": nothing, "none": nothing}, {"zero": nothing, "net": OWN, "none": nothing}):
        table = of_models(models, right=[False] * SAMPLES)
        told = findings({}, {"models": ("Who?", table)})
        assert "nan" not in told and "| zero | 1.00 [.51, 1.00] | 0.0 | – |" in told
        figure = figures.draw_study(table, "Who?")
        figures.save(figure, [tmp_path / "zero.png"])
        assert figure.axes[0].get_yticklabels()[0].get_text().startswith("zero + n")
    frames = [named(pair(nothing, nothing).of_one(0), None, name) for name in ("net@0", "net")]
    frames.append(named(pair(nothing, nothing).of_two(), "net", "net@0"))
    still = pd.concat(frames, ignore_index=True).reindex(columns=SCHEMA.names)
    assert "No state has any interaction." in findings({}, {"learning": ("How?", still)})
    figures.save(figures.draw_study(still, "How?"), [tmp_path / "still.png"])


def test_findings_say_what_is_shared_and_by_accident(along, pairs):
    told = findings({}, {"learning": ("How?", along), "models": ("Who?", pairs)})
    row = at(pairs[pairs["second"] == "second"], "shared")
    assert f"| first + second | 20.0 ({row['null']:.1f}) | {f'{row.rate:.2f}'[1:]} | {row['p']:.3f} |" in told
    assert "first + second share most (1.00" in told
    assert "are also in half" in told and "| the end |" in told
    assert "The mean order is 3.17 (step 0); no other state differs from that beyond the intervals" in told


def test_phases_are_counted_where_intervals_part():
    def turns(*values):
        rows = [{"value": value, "low": value - 0.2, "high": value + 0.2} for value in values]
        return _turns(pd.DataFrame(rows, index=[f"net@{place}" for place in range(len(values))]))

    assert turns(3, 2.9, 3.1) == ["net@0"]
    assert turns(3, 2, 1, 2, 3) == ["net@0", "net@2", "net@4"]
    assert turns(3, 2, 2.2, 1.9, 2.2) == ["net@0", "net@3"]  # no rise beyond the intervals
    assert turns(1, 2, 1, 2) == ["net@0", "net@1", "net@2", "net@3"]
