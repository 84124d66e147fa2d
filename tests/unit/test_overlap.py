"""Sets of interactions and how far they overlap, against definitions, planted truths and simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor.analysis.overlap import (
    OVERLAPS,
    chance_power,
    cosine,
    generalization_power,
    same_sign,
    weighted_jaccard,
)
from andor.analysis.salience import salience_bound, shares_to_k
from andor.game.coalitions import orders
from andor.game.interactions import Interactions
from andor.game.transforms import and_inverse, and_transform
from andor.report.measures import MEASURES

POSSIBLE = np.array([15, 11])
"""Interactions of four players that can be."""


def of(strengths: np.ndarray) -> Interactions:
    """Interactions of one sample, (m, kinds, 2^n), without what is 0."""
    kinds = ("and", "or")[: strengths.shape[1]]
    models = [str(model) for model in range(len(strengths))]
    return Interactions.of_dense(strengths, models, kinds, merged=True).compact()


def power(strengths: np.ndarray, k: int) -> np.ndarray:
    return generalization_power(of(strengths).strongest(k))


def with_interactions(n: int, *models: dict[int, float]) -> np.ndarray:
    """AND interactions of several models from the few that are not 0; shape (m, 1, 2^n)."""
    interactions = np.zeros((len(models), 1, 2**n))
    for place, model in enumerate(models):
        interactions[place, 0, list(model)] = list(model.values())
    return interactions


def test_k_is_rounded_down_as_published():
    shares = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45]
    assert [shares_to_k(share, 10) for share in shares] == [51, 102, 153, 204, 256, 307, 358, 409, 460]
    assert [shares_to_k(share, 8) for share in shares] == [12, 25, 38, 51, 64, 76, 89, 102, 115]
    assert shares_to_k(0.01, 3) == 1


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 18), st.integers(0, 2**32 - 1))
def test_power_and_chance_are_their_definitions(n, models, k, seed):
    interactions = np.random.default_rng(seed).choice([-2.0, -1.0, 0.0, 0.0, 0.5, 2.0], (models, 2, 2**n))
    interactions[:, 1, orders(n) <= 1] = 0
    chosen = of(interactions).strongest(k)
    found, chance = generalization_power(chosen), chance_power(chosen, of(interactions).possible)
    for kind, possible in enumerate((2**n - 1, 2**n - n - 1)):
        sets = []
        for model in range(models):
            candidates = [S for S in range(1, 2**n) if interactions[model, kind, S] != 0]
            by_strength = np.lexsort((candidates, -np.abs(interactions[model, kind, candidates])))
            sets.append({candidates[place] for place in by_strength[:k]})
        shared = set.intersection(*sets)
        for model, own in enumerate(sets):
            if not own:
                assert np.isnan(found[model, kind])
                assert np.isnan(chance[model, kind])
                continue
            others = [len(other) / possible for j, other in enumerate(sets) if j != model]
            assert found[model, kind] == len(shared) / len(own)
            assert chance[model, kind] == pytest.approx(np.prod(others))


def test_power_of_planted_interactions():
    shared = {3: 2.0, 5: -1.5, 14: 1.0}
    first = with_interactions(4, shared | {7: 0.5}, shared | {9: 3.0, 12: 0.4}, shared)
    np.testing.assert_array_equal(power(first, 16)[:, 0], [3 / 4, 3 / 5, 1])
    # the strongest of the second is its own; its second strongest is the first's strongest
    np.testing.assert_array_equal(power(first, 1)[:, 0], [0, 0, 0])
    np.testing.assert_array_equal(power(first[:2], 2)[:, 0], [1 / 2, 1 / 2])


def test_sharing_ignores_the_sign():
    np.testing.assert_array_equal(power(with_interactions(3, {3: 1.0}, {3: -1.0}), 1), 1)


def test_zeros_are_never_shared():
    chosen = of(with_interactions(4, {3: 1.0, 5: 1.0}, {6: 1.0, 5: 0.1, 9: 0.1})).strongest(12)
    assert chosen.sum(-1).tolist() == [[2], [3]]
    np.testing.assert_allclose(generalization_power(chosen)[:, 0], [1 / 2, 1 / 3])
    nothing = np.zeros((2, 2, 16))
    assert not of(nothing).strongest(16).any()
    assert np.isnan(power(nothing, 16)).all()


def test_an_empty_set_of_another_model_gives_no_power():
    np.testing.assert_array_equal(power(with_interactions(3, {3: 1.0}, {}), 2)[:, 0], [0, np.nan])


def test_the_empty_coalition_is_no_interaction():
    interactions = with_interactions(3, {0: 9.0, 3: 1.0}, {0: 9.0, 5: 1.0})
    assert not of(interactions).strongest(8)[..., 0].any()
    np.testing.assert_array_equal(power(interactions, 1), 0)


@pytest.mark.parametrize("sizes", [(6, 6), (3, 9), (5, 7, 9)])
def test_chance_is_the_mean_power_of_random_sets(sizes):
    n, games = 4, 4000
    random = np.random.default_rng(1)
    chosen = np.zeros((games, len(sizes), 2, 2**n), dtype=bool)
    for kind, candidates in enumerate((np.arange(1, 16), np.flatnonzero(orders(n) >= 2))):
        for game, (model, size) in itertools.product(range(games), enumerate(sizes)):
            chosen[game, model, kind, random.choice(candidates, size, replace=False)] = True
    found, chance = generalization_power(chosen), chance_power(chosen, POSSIBLE)
    assert np.ptp(chance, axis=0).max() == 0
    error = found.std(0) / np.sqrt(games)
    assert (np.abs(found.mean(0) - chance[0]) < 4 * error).all()
    # the published k/2^n would be told apart from it
    assert (np.abs(found.mean(0) - np.prod(sizes[1:]) / 16 ** (len(sizes) - 1))[0] > 4 * error[0]).all()


@pytest.mark.parametrize("sizes", [((4, 2), (3, 5)), ((5, 1), (4, 4), (2, 7))])
def test_chance_with_signs_is_the_mean_power_of_random_signed_sets(sizes):
    n, games = 4, 4000
    random = np.random.default_rng(1)
    interactions = np.zeros((games, len(sizes), 1, 2**n))
    for game, (model, (plus, minus)) in itertools.product(range(games), enumerate(sizes)):
        places = random.choice(np.arange(1, 16), plus + minus, replace=False)
        interactions[game, model, 0, places[:plus]], interactions[game, model, 0, places[plus:]] = 1, -1
    chosen = interactions != 0
    found = generalization_power(chosen, same_sign(interactions))
    chance = chance_power(chosen, POSSIBLE[:1], interactions)
    assert np.ptp(chance, axis=0).max() == 0
    assert (np.abs(found.mean(0) - chance[0]) < 4 * found.std(0) / np.sqrt(games)).all()
    assert (chance < chance_power(chosen, POSSIBLE[:1])).all()


def test_rules_of_salience():
    strength = np.zeros((2, 1, 2, 4))
    strength[0, 0] = [[0, 10, 0.6, 0.4], [0, 0, 0, 1.2]]
    strength[1, 0] = [[0, 1, 0.2, 0], [0, 0, 0, 2]]
    largest, samples = strength.max((2, 3)), [of(own) for own in strength]

    def salient(bound: np.ndarray) -> list[list[int]]:
        return [one.salient(of_sample).sum((-2, -1)).tolist() for one, of_sample in zip(samples, bound, strict=True)]

    bound = salience_bound(largest, "sample", 0.05)
    np.testing.assert_allclose(bound, [[0.5], [0.1]])
    assert salient(bound) == [[3], [3]]
    bound = salience_bound(largest, "pooled", 0.05)
    np.testing.assert_allclose(bound, [[0.5], [0.5]])
    assert salient(bound) == [[3], [2]]
    bound = salience_bound(largest, "output", 0.1, np.array([[20.0], [4.0]]))
    np.testing.assert_allclose(bound, [[1.2], [1.2]])
    assert salient(bound) == [[1], [1]], "as strong as the bound is not salient"
    with pytest.raises(ValueError, match="output"):
        salience_bound(largest, "output", 0.1)


def test_nothing_is_salient_where_all_is_zero():
    bound = salience_bound(np.zeros((3, 2)), "sample", 0.05)
    assert not Interactions.of_dense(np.zeros((2, 2, 8)), "ab").salient(bound[0]).any()


def test_rounding_errors_are_zero_and_small_interactions_are_not():
    random = np.random.default_rng(0)
    n, places = 10, [3, 17, 130, 1023]
    planted = np.zeros((50, 2**n))
    planted[:, places] = random.normal(size=(50, len(places))) * [1, 1e-3, 1e-6, 1e-9]
    values = and_inverse(planted)
    found = and_transform(values)
    assert (found != 0).sum(-1).max() > len(places), "rounding leaves something"
    cleaned = np.stack([Interactions.of_dense(one[None, None], "a", ["and"]).merge().strengths[0, 0] for one in found])
    assert set(np.nonzero(cleaned)[1]) == set(places)
    np.testing.assert_allclose(cleaned, planted, atol=1e-12)


def test_overlap_measures_of_equal_and_of_unlike_models():
    rng = np.random.default_rng(0)
    for _ in range(4):
        one = rng.normal(size=(1, 2, 16))
        same, opposite = of(np.concatenate([one, 3 * one])), of(np.concatenate([one, -one]))
        np.testing.assert_allclose(weighted_jaccard(same), 1)
        np.testing.assert_allclose(weighted_jaccard(opposite), 0)
        np.testing.assert_allclose(cosine(opposite), 1)
        assert same_sign(same.strengths).all()
        chosen = opposite.strongest(3)
        np.testing.assert_allclose(OVERLAPS["power"](opposite, chosen), 1)
        np.testing.assert_allclose(OVERLAPS["signed power"](opposite, chosen), 0)


def test_every_measure_has_a_function():
    assert {measure.name for measure in MEASURES} == set(OVERLAPS)


@pytest.mark.parametrize("strengths", [np.zeros((2, 2, 8)), np.zeros((2, 2, 8)) + np.eye(2)[:, :1, None]])
def test_models_without_interactions_have_no_overlap(strengths):
    for name, measure in OVERLAPS.items():
        assert np.isnan(measure(of(strengths), of(strengths).strongest(3))).all() or "power" in name


def test_weighted_jaccard_by_hand():
    interactions = np.zeros((2, 1, 4))
    interactions[0, 0], interactions[1, 0] = [5.0, 1.0, -1.0, 0.0], [0.0, 1.0, 0.0, 3.0]
    # shares of the strengths: ½, −½, 0 and ¼, 0, ¾; both have ¼ of the first, either has ½ + ½ + ¾
    np.testing.assert_allclose(weighted_jaccard(of(interactions)), [0.25 / 1.75])
