"""Tests against null games, by counting, by definition and on planted interactions."""

import itertools

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from andor.analysis.discovery import false_discovery_rates, p_values, shared_strength
from andor.config import Salience
from andor.game.coalitions import orders
from andor.game.interactions import Interactions
from andor.game.nulls import null_games
from andor.report.tables.games import Games, survival


def of(strengths: np.ndarray) -> Interactions:
    """Interactions of one sample, (m, kinds, 2^n), without what is 0."""
    kinds = ("and", "or")[: strengths.shape[1]]
    return Interactions.of_dense(strengths, [str(m) for m in range(len(strengths))], kinds, merged=True).compact()


def test_shared_strength_takes_the_weaker_and_needs_one_sign():
    interactions = np.zeros((2, 1, 4))
    interactions[0, 0] = [9.0, 2.0, -1.0, 0.5]
    interactions[1, 0] = [9.0, 1.0, 4.0, 2.0]
    np.testing.assert_allclose(shared_strength(of(interactions)), [[0, 0.25, 0, 0.25]])


def test_p_values_by_counting():
    # of the first stratum three null ones are known, of the second two; one of each is not shared and not listed
    observed, strata = np.array([0.5, 0.0, 0.9]), np.array([1, 1, 2])
    null, null_strata = np.array([0.5, 0.1, 0.6]), np.array([1, 1, 2])
    p = p_values(observed, strata, null, null_strata, {1: 3, 2: 2})
    np.testing.assert_allclose(p, [2 / 4, 1.0, 1 / 3])


def test_p_values_are_no_smaller_than_uniform_under_the_null():
    rng = np.random.default_rng(0)
    strata = np.tile(orders(6), 200)
    sizes = dict(enumerate(np.bincount(np.tile(strata, 5)).tolist()))
    p = p_values(
        rng.exponential(size=len(strata)), strata, rng.exponential(size=5 * len(strata)), np.tile(strata, 5), sizes
    )
    for level in (0.01, 0.05, 0.2):
        assert (p[strata == 3] <= level).mean() <= level * 1.2


@pytest.mark.parametrize("left_out", [0, 7])
def test_false_discovery_rates_by_definition(left_out):
    rng = np.random.default_rng(1)
    p, strata = rng.uniform(size=60) ** 2, np.arange(60) % 2
    q = false_discovery_rates(p, strata, {0: 30 + left_out, 1: 30 + left_out})
    for stratum in (0, 1):
        every = np.append(p[strata == stratum], np.ones(left_out))
        np.testing.assert_allclose(q[strata == stratum], false_discovery_control(every)[:30])
        for value, rate in zip(every, q[strata == stratum], strict=False):
            wanted = min(len(every) * other / (every <= other).sum() for other in every if other >= value)
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
    drawn = null_games(interactions, range(samples), samples, draws, 0, seed=0)["renaming"]
    true, *renamed = (Games.of([of(own) for own in several], Salience()) for several in (interactions, *drawn))
    rates = survival(true, renamed)
    planted, others = [], []
    for (p, q), game, chosen in zip(rates, true.samples, common, strict=True):
        is_planted = chosen[:, game.coalitions.masks]
        planted += zip(p[is_planted], q[is_planted], strict=True)
        others += p[~is_planted].tolist()
    p, q = np.transpose(planted)
    assert np.median(p) < 0.02
    assert (q <= 0.1).mean() > 0.5
    assert set(others) == {1.0}


def test_without_null_games_nothing_is_known():
    games = Games.of([of(np.ones((2, 2, 8)))], Salience())
    assert all(np.isnan(rates).all() for sample in survival(games, []) for rates in sample)
