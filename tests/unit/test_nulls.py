"""Null games: nothing corresponds between models, and everything else stays."""

import itertools

import numpy as np
import pytest

from andor.analysis import nulls
from andor.analysis.metrics import cosine, overlaps, ranks, same_sign, strengths, strongest, weighted_jaccard
from andor.game.coalitions import orders
from andor.game.files import NULL_INTERACTIONS, null_table
from andor.game.transforms import and_inverse, and_transform, or_inverse, or_transform
from andor.sparsify import Problem, solve
from masks import mask_of, members


@pytest.mark.parametrize("players", [2, 3, 5, 10])
def test_names_are_permutations_and_the_first_model_keeps_its_own(players):
    for draw in range(5):
        drawn = np.array(nulls.names(players, min(players, 4), seed=1, sample=7, draw=draw))
        assert (np.sort(drawn, axis=1) == np.arange(players)).all()
        assert (drawn[0] == np.arange(players)).all()
        for i, j in itertools.combinations(range(len(drawn)), 2):
            assert (drawn[i] != drawn[j]).all()


def test_no_coalition_but_the_ends_keeps_its_name():
    n = 6
    first, second = nulls.names(n, 2, seed=0, sample=0, draw=0)
    kept = [mask for mask in range(2**n) if mask_of(second[player] for player in members(mask)) == mask]
    assert first == list(range(n))
    assert kept == [0, 2**n - 1]


def test_names_differ_between_draws_and_samples_and_repeat():
    many = [tuple(map(tuple, nulls.names(8, 2, 0, sample, draw))) for sample in range(5) for draw in range(5)]
    assert len(set(many)) == 25
    assert nulls.names(8, 3, 0, 4, 2) == nulls.names(8, 3, 0, 4, 2)


def test_extraction_and_renaming_commute():
    games = np.random.default_rng(0).normal(size=(3, 2**5))
    permutations = nulls.names(5, 3, 0, 0, 0)
    for transform in (and_transform, or_transform):
        after = transform(nulls.renamed(games, permutations))
        np.testing.assert_allclose(after, nulls.renamed(transform(games), permutations), atol=1e-12)


def test_renaming_changes_no_solution_of_a_model_by_itself():
    games = np.random.default_rng(1).normal(size=(1, 2, 2**4))
    drawn = nulls.null_games(games, [3], renamings=2, exchanges=0, seed=0)["renaming"]
    alone = solve(Problem(games, "traditional"), gap=1e-3)
    renamed = solve(Problem(drawn[0], "traditional"), gap=1e-3)
    np.testing.assert_allclose(renamed.objective, alone.objective, rtol=2e-3)


@pytest.mark.parametrize("samples, models", [(2, 2), (5, 3), (5, 5), (10, 3)])
def test_models_show_different_samples_in_every_exchange(samples, models):
    for draw in range(samples + 2):
        places = np.array([nulls.partners(samples, model, draw) for model in range(models)])
        assert (places[0] == np.arange(samples)).all()
        for sample in range(samples):
            assert len(set(places[:, sample])) == models


def test_exchange_moves_whole_games():
    games = np.arange(4 * 2 * 8.0).reshape(4, 2, 8)
    drawn = nulls.exchanged(games, draw=0)
    assert (drawn[:, 0] == games[:, 0]).all()
    assert (drawn[:, 1] == np.roll(games[:, 1], -1, axis=0)).all()


def test_a_single_sample_has_no_exchange():
    games = np.zeros((1, 2, 8))
    assert set(nulls.null_games(games, [0], 2, 1, 0)) == {"renaming"}
    assert nulls.null_games(games, [0], 0, 1, 0) == {}


def test_shared_strength_takes_the_weaker_and_needs_one_sign():
    interactions = np.zeros((2, 1, 4))
    interactions[0, 0] = [9.0, 2.0, -1.0, 0.5]
    interactions[1, 0] = [9.0, 1.0, 4.0, 2.0]
    np.testing.assert_allclose(nulls.shared_strength(interactions), [[0, 0.25, 0, 0.25]])


def test_p_values_by_counting():
    observed, null = np.array([[0.5, 0.0, 0.9]]), np.array([[[0.5, 0.1, 0.2]], [[np.nan, 0.6, 0.4]]])
    # the first two coalitions are one stratum, of which 3 null ones are known; the third is another, with 2
    p = nulls.p_values(observed, null, np.array([1, 1, 2]))
    np.testing.assert_allclose(p, [[3 / 4, 1.0, 1 / 3]])


def test_p_values_are_no_smaller_than_uniform_under_the_null():
    rng = np.random.default_rng(0)
    strata = orders(6)
    p = nulls.p_values(rng.exponential(size=(200, 64)), rng.exponential(size=(5, 200, 64)), strata)
    for level in (0.01, 0.05, 0.2):
        assert (p[:, strata == 3] <= level).mean() <= level * 1.2


def test_false_discovery_rates_by_definition():
    rng = np.random.default_rng(1)
    p, strata = rng.uniform(size=(3, 20)) ** 2, np.arange(20) % 2
    q = nulls.false_discovery_rates(p, strata)
    for stratum in (0, 1):
        own, rates = p[:, strata == stratum].ravel(), q[:, strata == stratum].ravel()
        for value, rate in zip(own, rates, strict=True):
            wanted = min(len(own) * other / (own <= other).sum() for other in own if other >= value)
            assert rate == pytest.approx(min(1, wanted))


def test_planted_shared_interactions_survive_and_private_ones_do_not():
    rng = np.random.default_rng(3)
    n, samples, draws = 6, 12, 5
    interactions = np.zeros((samples, 2, 2, 2**n))
    common = np.zeros((samples, 2, 2**n), bool)
    order = orders(n)
    for sample, kind in itertools.product(range(samples), range(2)):
        places = rng.choice(np.flatnonzero((order > 1) & (order < n)), 9, replace=False)
        common[sample, kind, places[:3]] = True
        interactions[sample, :, kind, places[:3]] = rng.choice([-1, 1], 3)[:, None] * rng.uniform(1, 2, (3, 2))
        for model in range(2):
            interactions[sample, model, kind, places[3 + 3 * model : 6 + 3 * model]] = rng.normal(0, 1, 3)
    drawn = nulls.null_games(interactions, range(samples), draws, 0, seed=0)["renaming"]
    observed, null = nulls.shared_strength(interactions), nulls.shared_strength(drawn)
    p = np.stack([nulls.p_values(observed[:, k], null[:, :, k], order) for k in range(2)], 1)
    q = np.stack([nulls.false_discovery_rates(p[:, k], order) for k in range(2)], 1)
    assert np.median(p[common]) < 0.02
    assert (q[common] <= 0.1).mean() > 0.5
    assert (p[~common] == 1).all()


def test_overlap_measures_of_equal_and_of_unlike_models():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(4, 1, 2, 16))
    same, opposite = np.concatenate([one, 3 * one], 1), np.concatenate([one, -one], 1)
    np.testing.assert_allclose(weighted_jaccard(same), 1)
    np.testing.assert_allclose(weighted_jaccard(opposite), 0)
    np.testing.assert_allclose(cosine(opposite), 1)
    assert same_sign(same).all()
    measured = overlaps(opposite, {"3 strongest": strongest(strengths(opposite), ranks(strengths(opposite)), 3)})
    np.testing.assert_allclose(measured["power", "3 strongest"], 1)
    np.testing.assert_allclose(measured["signed power", "3 strongest"], 0)


def test_weighted_jaccard_by_hand():
    interactions = np.zeros((2, 1, 4))
    interactions[0, 0], interactions[1, 0] = [5.0, 1.0, -1.0, 0.0], [0.0, 1.0, 0.0, 3.0]
    # shares of the strengths: ½, −½, 0 and ¼, 0, ¾; both have ¼ of the first, either has ½ + ½ + ¾
    np.testing.assert_allclose(weighted_jaccard(interactions), [0.25 / 1.75])


def test_stored_null_games_are_what_they_were():
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


def test_a_joint_solution_of_renamed_equal_models_shares_less():
    """The point of it all: networks that agree on everything agree on little once their players are renamed."""
    rng = np.random.default_rng(5)
    i_and, i_or = (rng.normal(size=2**5) * (rng.random(2**5) < 0.25) for _ in range(2))
    v = and_inverse(i_and) + or_inverse(i_or)
    games = np.stack([[v, v]])
    drawn = nulls.null_games(games, [0], 1, 0, seed=0)["renaming"][0]
    true, null = (solve(Problem(g), gap=0.01) for g in (games, drawn))
    shared = [np.minimum(*np.abs(r.i_and[0])).sum() / np.abs(r.i_and[0]).max(0).sum() for r in (true, null)]
    assert shared[0] > 0.95
    assert shared[1] < 0.8 * shared[0]
