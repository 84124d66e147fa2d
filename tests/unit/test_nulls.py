"""Null games: nothing corresponds between models, and everything else stays."""

import itertools

import numpy as np
import pytest

from andor.game import nulls
from andor.game.files import NULL_INTERACTIONS, null_table, nulls_from_file
from andor.game.partners import partner, shown
from andor.game.transforms import and_inverse, and_transform, or_inverse, or_transform
from andor.sparsify import Problem, solve
from andor.store import write_table


@pytest.mark.parametrize("players, models", [(2, 2), (3, 2), (5, 3), (10, 4)])
def test_each_draw_renames_one_model_in_turn(players, models):
    unchanged = list(range(players))
    for draw in range(3 * models):
        drawn = nulls.permutations(players, models, seed=1, sample=7, draw=draw)
        assert sorted(drawn[draw % models]) == unchanged
        assert all(own == unchanged for place, own in enumerate(drawn) if place != draw % models)


def test_any_names_may_come_up():
    """All six ways to name three players, about as often: beyond what one in ten thousand such drawings would show."""
    drawn = [tuple(nulls.permutation(3, 0, sample, draw)) for sample in range(60) for draw in range(10)]
    counts = [drawn.count(names) for names in itertools.permutations(range(3))]
    assert sum(counts) == 600
    assert all(60 < count < 145 for count in counts)


def test_permutations_differ_between_draws_and_samples_and_repeat():
    many = [tuple(map(tuple, nulls.permutations(8, 2, 0, sample, draw))) for sample in range(5) for draw in range(5)]
    assert len(set(many)) == 25
    assert nulls.permutations(8, 3, 0, 4, 2) == nulls.permutations(8, 3, 0, 4, 2)


def test_extraction_and_renaming_commute():
    games = np.random.default_rng(0).normal(size=(3, 2**5))
    permutations = nulls.permutations(5, 3, 0, 0, 0)
    for transform in (and_transform, or_transform):
        after = transform(nulls.renamed(games, permutations))
        np.testing.assert_allclose(after, nulls.renamed(transform(games), permutations), atol=1e-12)


@pytest.mark.slow
def test_renaming_changes_no_solution_of_a_model_by_itself():
    games = np.random.default_rng(1).normal(size=(1, 2, 2**4))
    drawn = nulls.null_games({3: games[0]}, [3], 9, renamings=2, exchanges=0, seed=0)["renaming"]
    alone = solve(Problem(games, "traditional"), gap=1e-3)
    renamed = solve(Problem(drawn[0], "traditional"), gap=1e-3)
    np.testing.assert_allclose(renamed.objective, alone.objective, rtol=2e-3)


@pytest.mark.parametrize("samples, models", [(2, 2), (5, 3), (5, 5), (10, 3)])
def test_models_show_different_samples_in_every_exchange(samples, models):
    for draw in range(samples + 2):
        for number in range(samples):
            places = [partner(number, samples, model, draw) for model in range(models)]
            assert places[0] == number
            assert len(set(places)) == models
            assert set(places) <= set(shown([number], samples, models, draw + 1))


def test_exchange_moves_whole_games():
    games = np.arange(4 * 2 * 8.0).reshape(4, 2, 8)
    drawn = np.stack([nulls.exchanged(games, number, samples=4, draw=0) for number in range(4)])
    assert (drawn[:, 0] == games[:, 0]).all()
    assert (drawn[:, 1] == np.roll(games[:, 1], -1, axis=0)).all()


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_exchange_does_not_depend_on_chunks(chunk):
    samples, models, draws = 7, 3, 2
    games = np.random.default_rng(0).normal(size=(samples, models, 8))
    whole = nulls.null_games(games, range(samples), samples, 1, draws, seed=0)
    for start in range(0, samples, chunk):
        numbers = range(start, min(start + chunk, samples))
        known = {number: games[number] for number in shown(numbers, samples, models, draws)}
        for null, drawn in nulls.null_games(known, numbers, samples, 1, draws, seed=0).items():
            np.testing.assert_array_equal(drawn, whole[null][:, start : start + chunk])


def test_a_single_sample_has_no_exchange():
    games = np.zeros((1, 2, 8))
    assert set(nulls.null_games(games, [0], 1, 2, 1, 0)) == {"renaming"}
    assert nulls.null_games(games, [0], 1, 0, 1, 0) == {}
    assert shown([0], 1, 2, 1) == [0]


def test_stored_null_games_are_what_they_were(tmp_path):
    rng = np.random.default_rng(0)
    games = {
        "renaming": rng.normal(size=(3, 2, 2, 8)) * (rng.random((3, 2, 2, 8)) < 0.5),
        "exchange": np.ones((1, 2, 2, 8)),
    }
    table = null_table(games)
    assert table.schema == NULL_INTERACTIONS
    rows = table.to_pandas()
    for null, whole in games.items():
        own = rows[rows["null"] == null]
        back = np.zeros_like(whole)
        kind = own["kind"].map({"and": 0, "or": 1}).to_numpy(int)
        back[own["draw"], own["model"], kind, own["coalition"]] = own["strength"]
        np.testing.assert_allclose(back, whole, rtol=1e-6)
    write_table(tmp_path / "x.parquet", table)
    read = nulls_from_file(tmp_path / "x.parquet", {"renaming": 3, "exchange": 1, "none": 2}, ["a", "b"], 3)
    assert read.keys() == games.keys()
    for null, drawn in read.items():
        np.testing.assert_array_equal([one.dense() for one in drawn], games[null].astype(np.float32))


def test_a_joint_solution_of_renamed_equal_models_shares_less():
    """The point of it all: networks that agree on everything agree on little once their players are renamed."""
    rng = np.random.default_rng(5)
    i_and, i_or = (rng.normal(size=2**5) * (rng.random(2**5) < 0.25) for _ in range(2))
    v = and_inverse(i_and) + or_inverse(i_or)
    games = np.stack([[v, v]])
    drawn = nulls.null_games(games, [0], 1, 1, 0, seed=0)["renaming"][0]
    true, null = (solve(Problem(g), gap=0.01) for g in (games, drawn))
    shared = [np.minimum(*np.abs(r.i_and[0])).sum() / np.abs(r.i_and[0]).max(0).sum() for r in (true, null)]
    assert shared[0] > 0.95
    assert shared[1] < 0.8 * shared[0]
