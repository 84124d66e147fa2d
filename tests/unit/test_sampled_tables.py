"""Tables of tasks with a budget of drawn coalitions, against plain counting in the files: 115 words, 196 cells."""

import dataclasses
from collections import defaultdict
from itertools import product
from math import comb

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from andor import store
from andor.config import Salience, Study
from andor.game.coalitions import Coalitions
from andor.game.interactions import Interactions
from andor.game.nulls import permutations
from andor.game.partners import partner
from andor.report import catalogue, compared, tables
from andor.report.results import TaskResults
from andor.report.tables.games import Games
from andor.report.tables.held_out import alike, groups
from andor.report.tables.parts import STRONGEST_DRAWN, comparisons, games
from andor.report.tables.states import DISTINCTIVE, UNDECIDED, half_width, states
from andor.report.tables.table import COUNT, NUMBER
from masks import mask_of
from once import made_once
from synthetic_sampled import LEAST, MOST, ORDER, SIDE, TASKS, config, write_sampled_results

pytestmark = pytest.mark.slow
SAMPLES = 4
KINDS = ("and", "or")
METHODS = ("traditional", "generalizable")
EMPTY = ("precision", "pruning", "faithful", "transfer", "discrimination", "noise")  # no model has noise
"""Tables that need all coalitions."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    def make(folder):
        write_sampled_results(folder, samples=SAMPLES)

    return made_once(tmp_path_factory, "sampled results", make), config(SAMPLES)


@pytest.fixture(scope="module", params=TASKS)
def results(tree, request):
    return TaskResults.of(tree[0] / request.param, tree[1], request.param)


@pytest.fixture(scope="module")
def made(results):
    """Every table as a reader gets it."""
    return {name: pd.read_parquet(results.folder / "tables" / f"{name}.parquet") for name in tables.TABLES}


@pytest.fixture(scope="module")
def found(results):
    """Interactions of the widest ensemble by method, then sample, model and kind: (strength, error) by players."""
    ensemble = "-".join(results.models)
    return {method: counted(results, method, ensemble) for method in METHODS}


def counted(results, method, ensemble):
    """The files' interactions by sample, model and kind, (strength, error) by players, without the constant."""
    listed = {}
    members = results.ensembles[ensemble]
    for model in members:
        subject = ensemble if method == "generalizable" else model
        place = members.index(model) if method == "generalizable" else 0
        for sample, path in enumerate(results.interaction_files(method, subject)):
            for kind in KINDS:
                listed[sample, model, kind] = {}
            for row in store.read_table(path).to_pylist():
                if row["model"] == place and row["order"]:
                    listed[sample, model, row["kind"]][tuple(row["players"])] = (row["strength"], row["error"])
    return listed


def strengths(listed, sample, model, kind):
    return {players: strength for players, (strength, _) in listed[sample, model, kind].items()}


def largest(listed, sample, model):
    return max(abs(x) for kind in KINDS for x in strengths(listed, sample, model, kind).values())


def salient(listed, sample, model, kind, threshold=0.05):
    least = threshold * largest(listed, sample, model)
    return {players: np.sign(x) for players, x in strengths(listed, sample, model, kind).items() if abs(x) > least}


def shared(listed, sample, members, kind):
    """Players and sign of what is salient in all models with one sign."""
    first, *others = (salient(listed, sample, model, kind) for model in members)
    return {players: sign for players, sign in first.items() if all(own.get(players) == sign for own in others)}


def strongest(listed, sample, model, kind, k):
    own = strengths(listed, sample, model, kind)
    return set(sorted(own, key=lambda players: -abs(own[players]))[:k])


def chosen(table, **wanted):
    """Rows with these values."""
    return table[np.logical_and.reduce([table[column] == value for column, value in wanted.items()])]


def possible(n, kind):
    """Interactions of a kind up to the order that was looked for."""
    return sum(comb(n, order) for order in range(1 if kind == "and" else 2, ORDER + 1))


# ---------------------------------------------------------------------------------------------------------- shape


@pytest.mark.parametrize("name", catalogue.TABLES)
def test_columns(results, made, name):
    schema = pq.read_schema(results.folder / "tables" / f"{name}.parquet").remove_metadata()
    assert schema == tables.TABLES[name].schema
    assert made[name].empty == (name in EMPTY)
    csv = pd.read_csv(results.folder / "tables" / f"{name}.csv")
    assert list(csv) == schema.names and len(csv) == len(made[name])
    for column in (field.name for field in schema if field.type in (NUMBER, COUNT)):
        np.testing.assert_allclose(csv[column].astype(float), made[name][column].astype(float), rtol=1e-15)


def test_sizes_of_the_synthetic_samples(results):
    assert results.sampled and all(results.drawn_values(model) for model in results.models)
    if results.folder.name == "reviews":
        assert results.sizes[:2] == [MOST, LEAST] and len(set(results.sizes)) > 2
    else:
        assert results.sizes == [SIDE * SIDE] * SAMPLES


def test_a_task_has_the_figures_that_have_something_to_show(tree):
    task = tree[1].tasks["cells"]
    shown = set(catalogue.FIGURES) - {"faithfulness", "transfer"}
    assert set(catalogue.figures_of(task)) == shown
    unjudged = task.model_copy(update={"coalitions": task.budget.model_copy(update={"held_out": 0})})
    assert set(catalogue.figures_of(unjudged)) == shown - {"matching", "fidelity"}


# ------------------------------------------------------------------------------------------- what models have in common


@pytest.mark.parametrize("method", METHODS)
def test_sharing_is_what_counting_says(results, made, found, method):
    ensemble, listed = "-".join(results.models), found[method]
    of_both_signs = 0
    for row in chosen(made["sharing"], method=method, ensemble=ensemble).itertuples():
        counts, powers, chances = [], [], []
        for sample, n in enumerate(results.sizes):
            sets = {model: salient(listed, sample, model, row.kind) for model in results.models}
            alike = shared(listed, sample, results.models, row.kind)
            everywhere = set.intersection(*map(set, sets.values()))
            of_both_signs += len(everywhere) - len(alike)
            own = strengths(listed, sample, row.model, row.kind)
            total = sum(map(abs, own.values()))
            counts.append((len(sets[row.model]), len(alike), total, sum(abs(own[players]) for players in alike)))
            powers.append(len(everywhere) / len(sets[row.model]))
            others = [len(sets[model]) / possible(n, row.kind) for model in results.models if model != row.model]
            chances.append(np.prod(others))
        wanted = np.mean(counts, axis=0)
        assert (row.salient, row.shared, row.strength, row.shared_strength) == pytest.approx(tuple(wanted))
        assert (row.power, row.chance) == pytest.approx((np.mean(powers), np.mean(chances)))
        assert row.shared_share == pytest.approx(wanted[3] / wanted[2])
        assert row.low <= row.power <= row.high and row.shared_low <= row.shared_share <= row.shared_high
    assert of_both_signs > 0


@pytest.mark.parametrize("method", METHODS)
def test_orders_are_what_counting_says(results, made, found, method):
    ensemble, listed = "-".join(results.models), found[method]
    table = chosen(made["orders"], method=method, ensemble=ensemble)
    assert set(table["order"]) == {1, 2, 3}
    for row in table.itertuples():
        every, of_shared = [], []
        for sample in range(SAMPLES):
            alike = shared(listed, sample, results.models, row.kind)
            own = {
                players: x
                for players, x in strengths(listed, sample, row.model, row.kind).items()
                if len(players) == row.order and np.sign(x) == row.sign
            }
            every.append(sum(map(abs, own.values())))
            of_shared.append(sum(abs(x) for players, x in own.items() if players in alike))
        assert (row.strength, row.shared) == pytest.approx((np.mean(every), np.mean(of_shared)))


@pytest.mark.parametrize("method", METHODS)
def test_generalization_is_of_so_many(results, made, found, method):
    ensemble, listed = "-".join(results.models), found[method]
    table = chosen(made["generalization"], method=method, ensemble=ensemble)
    assert table["share"].isna().all() and sorted(set(table["k"])) == list(STRONGEST_DRAWN)
    for row in table.itertuples():
        powers, chances, short = [], [], 0
        for sample, n in enumerate(results.sizes):
            sets = {model: strongest(listed, sample, model, row.kind, row.k) for model in results.models}
            powers.append(len(set.intersection(*sets.values())) / len(sets[row.model]))
            others = [len(sets[model]) / possible(n, row.kind) for model in results.models if model != row.model]
            chances.append(np.prod(others))
            short += len(sets[row.model]) < row.k
        assert (row.power, row.chance, row.short) == pytest.approx((np.mean(powers), np.mean(chances), short))
        assert row.samples == SAMPLES


def null_sets(results, found, method, null, ensemble, sample, draw, kind, k):
    """The k strongest interactions of each model in a null game: from the files, or the true ones in another place."""
    members = results.ensembles[ensemble]
    if method == "generalizable":
        (path,) = (results.folder / "nulls" / method / ensemble).glob(f"*/{sample}.parquet")
        own = defaultdict(dict)
        for row in store.read_table(path).to_pylist():
            if (row["null"], row["draw"], row["kind"]) == (null, draw, kind):
                own[row["model"]][tuple(row["players"])] = row["strength"]
        return [set(sorted(own[i], key=lambda players: -abs(own[i][players]))[:k]) for i in range(len(members))]
    if null == "exchange":
        partners = [partner(sample, SAMPLES, place, draw) for place in range(len(members))]
        return [strongest(found, other, model, kind, k) for other, model in zip(partners, members, strict=True)]
    numbers = permutations(results.sizes[sample], len(members), results.seed, sample, draw)
    return [
        {tuple(sorted(new[player] for player in players)) for players in strongest(found, sample, model, kind, k)}
        for new, model in zip(numbers, members, strict=True)
    ]


@pytest.mark.parametrize("method", METHODS)
def test_controls_are_what_counting_says(results, made, found, method):
    ensemble = "-".join(results.models)
    table = chosen(made["controls"], method=method, ensemble=ensemble)
    assert set(table["of"]) == {"salient", "10 strongest", "all"}  # no shares of all there are
    rows = chosen(table, measure="power", of="10 strongest").set_index(["null", "kind"])
    draws = {"renaming": 2, "exchange": 1 if results.folder.name == "cells" else 0}
    for null, kind in product(draws, KINDS):
        row = rows.loc[(null, kind)]
        if not draws[null]:  # samples of different numbers of players
            assert np.isnan(row["null_value"]) and np.isnan(row["excess"])
            continue
        levels = []
        for sample, draw in product(range(SAMPLES), range(draws[null])):
            sets = null_sets(results, found[method], method, null, ensemble, sample, draw, kind, 10)
            levels.append(np.mean([len(set.intersection(*sets)) / len(own) for own in sets]))
        assert row["null_value"] == pytest.approx(np.mean(levels))
        assert row["excess"] == pytest.approx(row["value"] - np.mean(levels))
        at = chosen(made["generalization"], method=method, ensemble=ensemble, kind=kind, k=10)
        assert row["value"] == pytest.approx(at["power"].mean())
    sized = chosen(made["sample_size"], method=method, ensemble=ensemble)
    assert not sized["of"].str.contains("%").any() and set(sized["samples"]) == {SAMPLES}


def test_agreement_is_what_counting_says(results, made, found):
    """Pairs of one order and sign that are strong enough, over the number of coalitions they might have met on."""
    method, ensemble = "traditional", "-".join(results.models[:2])
    listed, rows = found[method], []
    expected = np.zeros(2)
    for kind, (sample, n) in product(KINDS, enumerate(results.sizes)):
        own = [
            {
                players: x / largest(listed, sample, model)
                for players, x in strengths(listed, sample, model, kind).items()
                if abs(x) > 0.05 * largest(listed, sample, model)
            }
            for model in results.models[:2]
        ]
        rows += [players for players in set(own[0]) & set(own[1]) if own[0][players] * own[1][players] > 0]
        for first, second in product(own[0].items(), own[1].items()):
            if len(first[0]) == len(second[0]) and first[1] * second[1] > 0:
                expected += (1 / comb(n, len(first[0])), len(first[0]) > 1 and 1 / comb(n, len(first[0])))
    for least, wanted in zip((1, 2), expected, strict=True):
        row = chosen(made["agreement"], method=method, ensemble=ensemble, claim="agree", least_order=least).iloc[0]
        assert row["shared"] == sum(len(players) >= least for players in rows)
        assert row["expected"] == pytest.approx(wanted)
        assert row["accidents"] == pytest.approx(wanted / row["shared"])
    assert made["interactions"].query("shared")["agree"].between(0, 1).all()


def test_what_other_solutions_do_without_is_said(results, made):
    """Under the bounds of the first, as files hold them."""
    for each in comparisons(results):
        if each.method == "generalizable":
            break
    listed = chosen(made["interactions"], method="generalizable", ensemble=each.ensemble)
    seen = set()
    for sample, rows in listed.groupby("sample"):
        path = results.interaction_files("generalizable", each.ensemble)[results.sample_numbers.index(sample)]
        stored = store.read_table(path).to_pandas()
        stored["players"] = [" ".join(map(str, own)) for own in stored["players"]]
        solutions = np.array([[row.strength, *row.others] for row in stored.itertuples()])
        for (kind, players), of_models in rows[rows["shared"]].groupby(["kind", "players"]):
            own = solutions[(stored["kind"] == kind) & (stored["players"] == players)]
            bound = np.array([0.05 * largest_of(results, sample, model, each) for model in of_models["model"]])
            kept = (np.abs(own) > bound[:, None]).all(0)
            np.testing.assert_allclose(of_models["stability"], kept.mean())
            assert (of_models["solutions"] == 3).all()
            assert (of_models["settled"] == kept.all()).all()
            seen.add(kept.all())
    assert seen == {True, False}
    unshared = listed[~listed["shared"]]
    assert unshared["stability"].isna().all() and unshared["settled"].isna().all()


def test_states_are_what_errors_allow(results, made):
    """Distinctive: beyond error in some models, and in the others not even with it."""
    for each in comparisons(results):
        if each.method == "traditional":
            break
    listed = chosen(made["interactions"], method="traditional", ensemble=each.ensemble)
    counts = chosen(made["states"], method="traditional", ensemble=each.ensemble).groupby("state")["count"].sum()
    assert counts["distinctive"] > 0 and counts["undecided"] > 0 and counts["shared"] > 0
    for (sample, *_), rows in listed.groupby(["sample", "kind", "players"]):
        signs = set(np.sign(rows.loc[rows["salient"], "strength"]))
        (state,) = rows["state"].fillna("").unique()
        assert (state == "") == (not rows["salient"].any())
        assert (state == "shared") == rows["shared"].all()
        assert (state == "opposed") == (len(signs) == 2)
        if state == "distinctive":
            bound = {model: 0.05 * largest_of(results, sample, model, each) for model in rows["model"]}
            sure = [
                row.strength for row in rows.itertuples() if abs(row.strength) - 1.96 * row.error > bound[row.model]
            ]
            assert sure and len(sure) < len(rows)


def largest_of(results, sample, model, each):
    """The largest strength of a model in a sample, of both kinds."""
    return each.games.samples[sample].magnitude[each.members.index(model)].max()


def test_thresholds_agree_with_the_tables_at_the_configured_one(made):
    keys = ["method", "ensemble", "kind"]
    at = chosen(made["thresholds"], threshold=0.05).set_index(["measure", *keys])["value"]
    sharing = made["sharing"].groupby(keys)[["salient", "power"]].mean()
    np.testing.assert_allclose(at.loc["count"].loc[sharing.index], sharing["salient"])
    np.testing.assert_allclose(at.loc["power"].loc[sharing.index], sharing["power"])


def test_model_transfer_is_what_counting_says(results, made, found):
    ensemble, listed = "-".join(results.models), found["generalizable"]
    rows = chosen(made["model_transfer"], method="generalizable", ensemble=ensemble, threshold=0.1)
    assert len(rows) == 3 * 2 * 2
    for row in rows.itertuples():
        covers, chances = [], []
        for sample, n in enumerate(results.sizes):
            own, other = salient(listed, sample, row.model, row.kind, 0.1), salient(listed, sample, row.other, row.kind)
            covers.append(len(own.keys() & other.keys()) / len(own))
            chances.append(len(other) / possible(n, row.kind))
        assert (row.cover, row.chance) == pytest.approx((np.mean(covers), np.mean(chances)))


@pytest.mark.parametrize("method", METHODS)
def test_held_out_is_what_counting_says(results, made, method):
    left_out, pair = results.models[2], results.models[:2]
    ensemble = "-".join(pair)
    listed, alone = counted(results, method, ensemble), counted(results, "traditional", "-".join(results.models))
    rows = chosen(made["held_out"], method=method, ensemble=ensemble).set_index(["kind", "by"])
    for kind in KINDS:
        together, hits = 0, 0
        for sample in range(SAMPLES):
            alike, own = shared(listed, sample, pair, kind), salient(alone, sample, left_out, kind)
            together += len(alike)
            hits += sum(own.get(players) == sign for players, sign in alike.items())
        row = rows.loc[(kind, "all")]
        assert (row["count"], row["found"]) == pytest.approx((together / SAMPLES, hits / together))


def test_the_first_sample_may_have_the_fewest_players(results):
    """Looked for up to all orders, one sample has larger interactions than another has players."""
    strengths = np.array([[[1.0, 0.5]], [[1.0, 0.0]]])
    players = ([[0], [1, 2]], [[0], list(range(40))])
    samples = [
        Interactions(Coalitions.of_players(n, own), ("a", "b"), ("and",), strengths, merged=True, order=n)
        for n, own in zip((3, 50), players, strict=True)
    ]
    both = games(results, samples, results.models[:2])
    assert both.most == 50
    weights = alike(both, [groups(game) for game in both.samples])
    assert [own["one"].shape for own in weights] == [(1, 2), (1, 2)]


# --------------------------------------------------------------------------------------------------- of one subject


@pytest.mark.parametrize("method", METHODS)
def test_listed_interactions(results, made, found, method):
    ensemble, listed = "-".join(results.models), found[method]
    table = chosen(made["interactions"], method=method, ensemble=ensemble)
    assert not table.duplicated(["sample", "kind", "players", "model"]).any()
    limit = results.analysis.listed
    for sample, kind in product(range(SAMPLES), KINDS):
        rows = chosen(table, sample=sample, kind=kind)
        wanted = set().union(*(strongest(listed, sample, model, kind, limit) for model in results.models))
        assert {tuple(map(int, players.split())) for players in rows["players"]} == wanted
        alike = shared(listed, sample, results.models, kind)
        names = results.player_names[sample]
        for row in rows.itertuples():
            players, of_model = tuple(map(int, row.players.split())), listed[sample, row.model, kind]
            assert row.order == len(players) and row.members == ", ".join(names[player] for player in players)
            assert row.shared == (players in alike)
            assert row.salient == (players in salient(listed, sample, row.model, kind))
            if players in of_model:
                assert (row.strength, row.error) == pytest.approx(of_model[players])
                assert row.rank == 1 + sum(abs(x) > abs(row.strength) for x, _ in of_model.values())
            else:
                assert row.strength == 0 and np.isnan(row.error) and np.isnan(row.rank)


def test_bit_masks_are_whole_or_missing(results):
    table = pq.read_table(
        results.folder / "tables" / "interactions.parquet", columns=["sample", "players", "coalition"]
    )
    for row in table.to_pylist():
        few = results.sizes[row["sample"]] < 64
        assert row["coalition"] == (mask_of(row["players"].split()) if few else None)


def test_bit_masks_of_sixty_players_beside_missing_ones(results):
    """Floats, which know what is missing, would lose bits of theirs."""
    ensemble, sizes = "-".join(results.models), (61, 115)
    players = [[0, 1, 60], [5, 7, 59]]
    samples = [
        Interactions(
            Coalitions.of_players(n, players), tuple(results.models), KINDS, np.ones((3, 2, 2)), merged=True, order=3
        )
        for n in sizes
    ]

    class Made(TaskResults):
        @property
        def player_names(self):
            return [[str(player) for player in range(n)] for n in sizes]

        @property
        def classes(self):
            return [None, None]

        def of_ensemble(self, method, ensemble):
            return samples

        def errors(self, method, ensemble):
            return samples

        def others_of_ensemble(self, method, ensemble):
            return [[], []]

        def null_interactions(self, method, ensemble):
            return {"renaming": [], "exchange": []}

    fields = {field.name: getattr(results, field.name) for field in dataclasses.fields(results)}
    pair = Made(**fields | {"methods": {"traditional": "traditional"}, "chunks": {"0000": [0, 1]}})
    pair = dataclasses.replace(pair, ensembles={ensemble: results.models})
    table = tables.make(pair, ["interactions"])["interactions"]
    for row in table.itertuples():
        missing = pd.isna(row.coalition)
        assert missing == (row.sample == 1) and (missing or int(row.coalition) == mask_of(row.players.split()))


@pytest.mark.parametrize("method", METHODS)
def test_salient_and_sparsity_are_what_counting_says(results, made, found, method):
    ensemble, listed = "-".join(results.models), found[method]
    for model in results.models:
        unit = ensemble if method == "generalizable" else model
        row = chosen(made["salient"], method=method, unit=unit, model=model).iloc[0]
        count = [sum(len(salient(listed, k, model, kind)) for kind in KINDS) for k in range(SAMPLES)]
        nonzero = [sum(len(listed[k, model, kind]) for kind in KINDS) for k in range(SAMPLES)]
        there = [sum(possible(n, kind) for kind in KINDS) for n in results.sizes]
        assert (row["count"], row["possible"]) == pytest.approx((np.mean(count), np.mean(there)))
        assert row["zeros"] == pytest.approx(np.mean(there) - np.mean(nonzero))
        curve = chosen(made["sparsity"], method=method, unit=unit, model=model)
        most = len(curve)
        sorted_ = np.zeros((SAMPLES, most))
        for sample in range(SAMPLES):
            own = sorted((abs(x) for k in KINDS for x in strengths(listed, sample, model, k).values()), reverse=True)
            sorted_[sample, : len(own)] = np.array(own) / own[0]
        np.testing.assert_array_equal(curve["rank"], range(1, most + 1))
        np.testing.assert_allclose(curve["strength"], sorted_.mean(0))


@pytest.mark.parametrize("method", METHODS)
def test_matching_adds_up_what_is_active(results, made, found, method):
    ensemble, listed, model = "-".join(results.models), found[method], results.models[1]
    unit = ensemble if method == "generalizable" else model
    rows = chosen(made["matching"], method=method, unit=unit, model=model).set_index("sample")
    assert rows[["kappa", "max_error", "relative_error"]].isna().all(axis=None)
    for sample in (0, 1):
        v, predicted = held_out_by_hand(results, listed, sample, model)
        off = np.abs(np.array(v) - predicted).max()
        assert rows.loc[sample, "max_difference"] == pytest.approx(off)
        assert rows.loc[sample, "largest_output"] == pytest.approx(max(map(abs, v)))
        if sample == 0:
            curve = chosen(made["matching_curve"], method=method, unit=unit, model=model)
            first = chosen(curve, sample=0)
            ascending = np.argsort(v, kind="stable")[: len(first)]  # as many as the sample with the fewest has
            np.testing.assert_allclose(first["v"], np.array(v)[ascending])
            np.testing.assert_allclose(first["prediction"], np.array(predicted)[ascending])
            assert len(curve) == 2 * len(first) and 80 < len(first) <= 100


def held_out_by_hand(results, listed, sample, model):
    """Outputs on held-out coalitions that no fitted one equals, and sums of the interactions active there."""
    rows = store.read_table(results.output_files(model)[sample]).to_pylist()
    label = results.samples["label"].to_pylist()[sample]
    seen = {row["present"] for row in rows if not row["held_out"]}
    v, predicted = [], []
    for row in (row for row in rows if row["held_out"] and row["present"] not in seen):
        present = {player for player in range(results.sizes[sample]) if row["present"][player // 8] >> player % 8 & 1}
        logits = row["logits"]
        v.append(logits[0] if len(logits) == 1 else logits[label] - logits[1 - label])
        predicted.append(
            sum(x for players, x in strengths(listed, sample, model, "and").items() if present.issuperset(players))
            + sum(x for players, x in strengths(listed, sample, model, "or").items() if not present.isdisjoint(players))
        )
    return v, predicted


@pytest.mark.parametrize("method", METHODS)
def test_fidelity_is_the_mean_of_what_extraction_said(results, made, method):
    ensemble, model = "-".join(results.models), results.models[2]
    unit, place = (ensemble, 2) if method == "generalizable" else (model, 0)
    said = [store.read_metadata(path) for path in results.interaction_files(method, unit)]
    rows = chosen(made["fidelity"], method=method, unit=unit, model=model).set_index(["by", "most"])
    for (by, most), row in rows.iterrows():
        stated = [entry[f"by_{by}"].get(str(most)) for entry in said]
        known = [each[place] for each in stated if each is not None]
        assert row["r2"] == pytest.approx(np.mean(known)) and row["samples"] == len(known)
        assert row["low"] <= row["r2"] <= row["high"]
    assert list(rows.loc["order"].index) == [1, 2, 3]
    every = [entry["fidelity"][place] for entry in said]
    assert rows.loc[("order", ORDER), "r2"] == pytest.approx(np.mean(every))


def test_solver_rows_repeat_the_files(results, made):
    rows = made["solver"].set_index(["method", "unit", "sample"])
    for method in METHODS:
        for unit in results.subjects(method):
            for sample, path in enumerate(results.interaction_files(method, unit)):
                said, row = store.read_metadata(path), rows.loc[(method, unit, sample)]
                assert (row["objective"], row["gap"]) == (said["objective"], said["gap"])
                assert (row["solver"], row["status"]) == ("sampled", "optimal") and pd.isna(row["iterations"])
                total = sum(abs(x) for x in store.read_table(path)["strength"].to_pylist())
                assert row["l1"] == pytest.approx(total)


def test_summary_repeats_the_other_tables(made):
    keys = ["method", "ensemble", "model"]
    summary = made["summary"].set_index(keys)
    powers = [column for column in summary if column.split("_")[0] in ("power", "low", "high", "chance", "null")]
    assert len(powers) == 2 * 3 * 5 and summary[powers].isna().all(axis=None)
    sharing = made["sharing"].groupby(keys)[["salient", "strength", "shared_strength"]].sum().loc[summary.index]
    np.testing.assert_allclose(summary["salient"], sharing["salient"])
    np.testing.assert_allclose(summary["l1"], sharing["strength"])
    np.testing.assert_allclose(summary["shared_share"], sharing["shared_strength"] / sharing["strength"])
    ratio = summary.loc["generalizable"]["l1"] / summary.loc["traditional"]["l1"]
    np.testing.assert_allclose(summary.loc["generalizable"]["l1_ratio"], ratio)


def test_models_are_compared_where_coalitions_were_drawn(results, found):
    first, second = results.models[:2]
    alone = dataclasses.replace(results, methods={"traditional": "traditional"}, ensembles={"pair": [first, second]})
    asked = Study(question="Who?", tasks=["task"], methods=["traditional"], models=[first, second])
    table = compared.compared({"task": alone}, asked).set_index(["first", "measure", "order"])
    shared, by_order = 0, dict.fromkeys(range(1, ORDER + 1), 0)
    for sample in range(SAMPLES):
        listed = [{kind: found["traditional"][sample, model, kind] for kind in KINDS} for model in (first, second)]
        bounds = [0.05 * max(abs(s) for of_kind in own.values() for s, _ in of_kind.values()) for own in listed]
        for kind in KINDS:
            own, other = (one[kind] for one in listed)
            for players in own.keys() & other.keys():
                strengths = own[players][0], other[players][0]
                if all(abs(s) > bound for s, bound in zip(strengths, bounds, strict=True)) and np.prod(strengths) > 0:
                    shared += 1
                    by_order[len(players)] += 1
    assert table.loc[(first, "shared", 0), "value"] == pytest.approx(shared / SAMPLES)
    assert shared > 0
    for order, count in by_order.items():
        assert table.loc[(first, "shared", order), "value"] == pytest.approx(count / SAMPLES)
    assert table.loc[(first, "ips", 0), "null"] > table.loc[(first, "ips", 0), "value"]


def test_a_model_in_which_nothing_was_found_decides_nothing():
    strengths = np.zeros((2, 2, 16))
    strengths[0, 0, [3, 5, 6]] = 1.0, 0.5, 0.2

    def state() -> set[str]:
        game = Games.of([Interactions.of_dense(strengths, ["first", "second"]).merge()], Salience()).samples[0]
        return set(states(game, half_width(np.where(strengths > 0, 0.01, 0.0)))[0, [3, 5, 6]])

    assert state() == {UNDECIDED}
    strengths[1, 0, 9] = 1.0
    assert state() == {DISTINCTIVE}
