"""What is more than an accident: chances by enumeration, expected numbers by drawing, rates by definition."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor.analysis import placements
from andor.analysis.discovery import RATE, false_discovery_rates, mean_number, tail_probability
from andor.analysis.families import Claim, Family, Null
from andor.analysis.placements import Placed, chances, expected, importance, shared_by

N = 6
EVERY = np.array([list(row) for row in itertools.product([False, True], repeat=N) if any(row)])
"""All coalitions of six players, the empty one left out."""


def drawn_at_random(random: np.random.Generator, count: int = 20, among: np.ndarray = EVERY) -> Placed:
    """Interactions on distinct coalitions, with strengths of either sign."""
    chosen = random.choice(len(among), count, replace=False)
    return Placed(among[chosen], random.choice([-1, 1], count) * random.uniform(0.1, 1, count))


# --------------------------------------------------------------------------------------------------------- placements


def test_what_all_share_has_one_sign_and_the_least_strength():
    pair, single, triple = ([True, True, False], [False, False, True], [True, True, True])
    first = Placed(np.array([pair, single, triple]), np.array([0.5, -0.4, 0.3]))
    second = Placed(np.array([triple, pair, single]), np.array([0.9, 0.2, 0.4]))
    shared = shared_by([first, second])
    assert {tuple(own): value for own, value in zip(shared.presence.tolist(), shared.strengths, strict=True)} == {
        tuple(pair): 0.2,
        tuple(triple): 0.3,
    }
    assert shared_by([second, first]).strengths.tolist() == shared.strengths.tolist()
    third = Placed(np.array([pair]), np.array([-1.0]))
    assert not len(shared_by([first, second, third]).strengths)


def test_chances_are_those_of_enumeration():
    weights = np.random.default_rng(0).uniform(0, 1, N)
    chance = chances(EVERY, weights)
    products = np.where(EVERY, weights, 1).prod(1)
    for order in range(1, N + 1):
        of_order = EVERY.sum(1) == order
        np.testing.assert_allclose(chance[of_order], products[of_order] / products[of_order].sum())
    np.testing.assert_allclose(chances(EVERY, np.ones(N)), [1 / math.comb(N, order) for order in EVERY.sum(1)])


@pytest.mark.parametrize("n, count", [(6, 20), (40, 60)])
def test_players_are_expected_to_matter_as_much_as_they_do(n, count):
    random = np.random.default_rng(n)
    presence = np.unique(random.random((count, n)) < random.uniform(0.05, 0.6, n), axis=0)
    own = Placed(presence[presence.sum(1) > 1], random.normal(size=(presence.sum(1) > 1).sum()))
    weights = importance(own)
    wanted = np.abs(own.strengths) @ own.presence
    assert ((weights == 0) == (wanted == 0)).all()
    held = np.zeros(n)
    for order in np.unique(own.orders):
        total = np.abs(own.strengths[own.orders == order]).sum()
        # A player's chance to be in: those of all coalitions with it, by a sum over draws of the same law.
        held += total * _inclusion(weights, int(order))
    np.testing.assert_allclose(held, wanted, rtol=1e-4, atol=1e-6)


def _inclusion(weights: np.ndarray, order: int) -> np.ndarray:
    """Chance of each player to be in a coalition of an order, by polynomials with one factor left out."""

    def polynomial(some: np.ndarray) -> np.ndarray:
        total = np.ones(1)
        for weight in some:
            total = np.convolve(total, [1, weight])
        return total

    without = [polynomial(np.delete(weights, player)) for player in range(len(weights))]
    return np.array([w * own[order - 1] for w, own in zip(weights, without, strict=True)]) / polynomial(weights)[order]


@pytest.mark.slow
@pytest.mark.parametrize("null", ["renaming", "importance"])
def test_expected_numbers_are_the_means_of_draws(null):
    random = np.random.default_rng(1)
    own, others = drawn_at_random(random), drawn_at_random(random)
    weights = None if null == "renaming" else importance(own)
    draws = 20_000
    where = (
        placements.renamed(own, draws, random)
        if null == "renaming"
        else placements.replaced(own, weights, draws, random)
    )
    shared = placements.coincidences(where, own.strengths, others)
    bounds = np.array([0.05, 0.3, 0.6, 0.9])
    met = [[set(keys[reached]) for keys, reached in zip(where, shared >= bound, strict=True)] for bound in bounds]
    mean = np.array([sum(map(len, of_draws)) / draws for of_draws in met])
    assert placements.numbers(where, own.strengths, others).tolist() == list(map(len, met[0]))
    assert mean[0] > 1
    error = 4 * np.sqrt(np.maximum(mean, 0.01) * 3 / draws)  # numbers of a draw vary little more than Poisson ones
    assert (np.abs(expected(own, others, weights, bounds) - mean) < error).all()


def test_where_nothing_moved_everything_is_found_again():
    own = drawn_at_random(np.random.default_rng(2))
    np.testing.assert_allclose(placements.coincidences(own.keys[None], own.strengths, own)[0], np.abs(own.strengths))
    flipped = Placed(own.presence, -own.strengths)
    assert not placements.coincidences(own.keys[None], own.strengths, flipped).any()


def test_nothing_is_expected_of_nothing():
    nothing = Placed(np.zeros((0, N), bool), np.zeros(0))
    own = drawn_at_random(np.random.default_rng(3))
    for first, second in ((nothing, own), (own, nothing), (nothing, nothing)):
        assert expected(first, second, importance(first), np.array([0.1])).tolist() == [0]
        family = Family([[first, second]])
        for null in (family.renaming(0), family.importance(0)):
            claim = Claim(family, null)
            assert (claim.expected, claim.listed, claim.why) == (0, 0, "nothing is shared")


# -------------------------------------------------------------------------------------------------------------- rates


@given(st.lists(st.tuples(st.floats(0.05, 1), st.floats(0, 5)), min_size=1, max_size=30), st.integers(1, 3))
def test_rates_by_definition(pairs, models):
    observed = np.array([strength for strength, _ in pairs])
    # What is expected falls as strength rises, whatever the model.
    amount = np.array([of for _, of in pairs])
    accidents = np.stack([[amount[observed >= o].sum() / (m + 1) for o in observed] for m in range(models)])
    q = false_discovery_rates(observed, accidents)
    for strength, rate in zip(observed, q, strict=True):
        lists = [
            accidents[:, place].max() / (observed >= bound).sum()
            for place, bound in enumerate(observed)
            if bound <= strength
        ]
        assert rate == pytest.approx(min(1, *lists, 1))


def test_what_no_draw_reached_is_not_impossible():
    drawn = np.array([0.1, 0.2, 0.2, 0.7])
    np.testing.assert_allclose(mean_number(drawn, 10, np.array([0.05, 0.2, 0.9])), [0.5, 0.4, 0.1])
    assert np.isinf(mean_number(np.zeros(0), 0, np.array([0.1]))).all()


def test_the_worst_model_says_how_likely_a_number_is():
    assert tail_probability(3, [np.array([1, 2, 3, 0]), np.array([0, 0, 0, 0])]) == 2 / 5
    assert math.isnan(tail_probability(3, [np.array([1.0]), np.zeros(0)]))
    assert math.isnan(tail_probability(3, []))


# -------------------------------------------------------------------------------------------------- planted families


MANY = np.array([list(row) for row in itertools.product([False, True], repeat=9) if 1 <= sum(row) <= 4])
"""Coalitions of nine players, of orders up to four."""


def family_of(random: np.random.Generator, models: int, shared: int, private: int, samples: int = 12) -> Family:
    """Interactions that all of some models have, and others that each has for itself."""
    cells = []
    for _ in range(samples):
        common = drawn_at_random(random, shared, MANY)
        free = MANY[~(MANY[:, None] == common.presence).all(-1).any(1)]
        own = [drawn_at_random(random, private, free) for _ in range(models)]
        cells.append(
            [
                Placed(np.vstack([common.presence, one.presence]), np.append(common.strengths, one.strengths))
                for one in own
            ]
        )
    return Family(cells)


def test_planted_interactions_are_listed():
    family = family_of(np.random.default_rng(4), 3, shared=8, private=4)
    for null in (family.renaming(0), family.importance(0)):
        claim = Claim(family, null)
        assert claim.p < 0.01
        assert claim.accidents < 0.3
        assert claim.listed > 0.5 * 12 * 8
        assert len(claim.family.shared) == sum(len(values) for values in family.by_cell(claim.rates))


@pytest.mark.slow
def test_rates_are_held_where_nothing_is_shared():
    """Of 200 families, at most a tenth may list anything: 29 are exceeded with a chance of one in fifty.

    p-values of small numbers are coarse, and then no less than uniform ones.
    """
    random = np.random.default_rng(5)
    names, chance = 0, []
    for _ in range(200):
        family = family_of(random, 2, shared=0, private=9, samples=4)
        claim = Claim(family, family.renaming(0))
        names += claim.listed > 0
        chance.append(claim.p)
    assert names <= 29
    assert np.mean(chance) > 0.4
    assert np.mean(np.array(chance) <= 0.1) <= 0.145


def test_two_that_agree_do_not_make_three():
    """One of three has nothing to do with the others: the null of that one says so, and that of the others does not."""
    random = np.random.default_rng(6)
    pairs, alone = family_of(random, 2, shared=10, private=2), family_of(random, 1, shared=0, private=12)
    family = Family([[*pair, one] for pair, (one,) in zip(pairs.cells, alone.cells, strict=True)])
    null = family.renaming(0)
    claim = Claim(family, null)
    assert claim.null.total.argmax() == 2
    assert claim.p > 0.05
    assert not claim.listed
    assert tail_probability(len(family.shared), null.numbers[:1]) < claim.p


def test_players_that_matter_to_both_are_no_combination():
    """Coalitions come together by accident of the same few players: the models agree, but in no combination."""
    random = np.random.default_rng(7)
    weights = np.array([8, 6, 4, 2, 1, 0.5, 0.4, 0.3, 0.2, 0.1])
    every = np.array([list(row) for row in itertools.product([False, True], repeat=10) if 2 <= sum(row) <= 4])
    share = np.where(every, weights, 1).prod(1)

    def model() -> Placed:
        chosen = random.choice(len(every), 20, replace=False, p=share / share.sum())
        return Placed(every[chosen], random.choice([-1, 1], 20) * random.uniform(0.1, 1, 20))

    family = Family([[model(), model()] for _ in range(12)])
    agree, combinations = Claim(family, family.renaming(0)), Claim(family, family.importance(0))
    assert agree.p < 0.01
    assert combinations.p > 0.02
    assert combinations.accidents > 0.7
    assert not combinations.listed


def test_exchange_takes_away_what_every_sample_shows():
    random = np.random.default_rng(8)
    one, other = drawn_at_random(random), drawn_at_random(random)
    both = [Placed(one.presence, one.strengths), Placed(one.presence, 0.9 * one.strengths)]
    always = Family([both, [other, other]] * 6)  # two kinds, the same in each of six samples
    claim = Claim(always, always.exchange(kinds=2, seed=0))
    assert claim.p == 1
    assert not claim.listed
    apart = Family([[own, own] for own in (drawn_at_random(random) for _ in range(6))])
    assert Claim(apart, apart.exchange(kinds=1, seed=0)).listed > 0


def test_too_few_draws_are_said_and_no_model_may_lack_them():
    family = family_of(np.random.default_rng(9), 2, shared=2, private=1, samples=2)
    few = Claim(family, Null.of_draws([[np.zeros(0)] * 2], family.shared))
    assert few.floor == pytest.approx(1 / 2 / len(family.shared))
    assert few.floor > RATE
    assert few.why == "too few draws to tell any list from accident"
    lacking = Claim(family, Null.of_draws([[np.zeros(0)] * 2, []], family.shared))
    assert not lacking.listed
    assert math.isinf(lacking.floor)
    assert math.isnan(lacking.p)


def test_without_a_null_nothing_is_claimed():
    family = family_of(np.random.default_rng(10), 2, shared=3, private=1)
    claim = Claim(family, Null.without("no sample can stand in for another one"))
    assert np.isnan(claim.rates).all()
    assert not claim.listed
    assert claim.why == "no sample can stand in for another one"
    assert all(map(math.isnan, (claim.expected, claim.accidents, claim.p, claim.floor)))
