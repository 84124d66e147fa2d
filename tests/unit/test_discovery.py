"""What is more than an accident: chances by enumeration, expected numbers by drawing, rates by definition."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import xlogy

from andor.analysis import importance, placements
from andor.analysis.discovery import RATE, false_discovery_rates, mean_number, tail_probability
from andor.analysis.families import Claim, Family, Null
from andor.analysis.placements import Placed, expected, of_any_name, shared_by

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


def test_by_any_name_an_interaction_is_on_each_coalition_of_its_order_as_often():
    own = drawn_at_random(np.random.default_rng(0))
    on_each = of_any_name(own, Placed(EVERY, np.ones(len(EVERY))))
    for order in range(1, N + 1):
        positive = ((own.orders == order) & (own.strengths > 0)).sum()
        np.testing.assert_allclose(on_each[EVERY.sum(1) == order], positive / math.comb(N, order))


@pytest.mark.parametrize("n, count", [(9, 40), (20, 60)])
def test_players_are_expected_to_matter_as_much_as_they_do(n, count):
    random = np.random.default_rng(n)
    presence = np.unique(random.random((count, n)) < random.uniform(0.05, 4 / n, n), axis=0)
    presence = presence[(presence.sum(1) > 1) & (presence.sum(1) < 5)]
    own = Placed(presence, random.normal(size=len(presence)))
    every = np.array([np.isin(np.arange(n), some) for k in range(1, 5) for some in itertools.combinations(range(n), k)])
    for sign in (1, -1):
        mine = own.chosen(sign * own.strengths > 0)
        on_each = importance.occupied(own, Placed(every, np.full(len(every), float(sign))))
        assert on_each.max() <= 1  # interactions lie on coalitions of their own
        number, total = (np.bincount(mine.orders, w, 6) for w in (None, np.abs(mine.strengths)))
        np.testing.assert_allclose(np.bincount(every.sum(1), on_each, 6), number, rtol=0.01, atol=0.01)
        mean = np.divide(total, number, where=number > 0, out=np.zeros(6))
        held = importance.sums(own, sign)
        np.testing.assert_allclose((on_each * mean[every.sum(1)]) @ every, held, rtol=0.01, atol=0.01)
        assert held.sum() == pytest.approx(np.abs(mine.strengths) @ mine.orders)
        assert not held[~own.presence.any(0)].any()


def test_numbers_of_each_order_are_kept_where_half_of_all_coalitions_are_occupied():
    random = np.random.default_rng(15)
    every = np.array([list(row) for row in itertools.product([False, True], repeat=8) if sum(row) > 1])
    own = Placed(every, random.choice([-1, 1], len(every)) * random.lognormal(0, 1, len(every)))
    own = own.chosen(random.random(len(every)) < 0.8)
    for sign in (1, -1):
        on_each = importance.occupied(own, Placed(every, np.full(len(every), float(sign))))
        number = np.bincount(own.orders[sign * own.strengths > 0], minlength=9)
        np.testing.assert_allclose(np.bincount(every.sum(1), on_each, 9), number, rtol=1e-3, atol=1e-3)


def test_nothing_but_what_players_matter_is_taken_for_given():
    """Of all laws with these numbers of each order and each player's, one solver of its own finds the same."""
    random = np.random.default_rng(11)
    every = EVERY[EVERY.sum(1) <= 3]
    own = Placed(every[random.choice(len(every), 14, replace=False)], np.ones(14))
    wanted = np.append(np.bincount(own.orders, minlength=4)[1:], own.presence.sum(0)[1:])  # the first player's follows
    given = np.vstack([every.sum(1) == order for order in (1, 2, 3)] + [every.T[1:]]).astype(float)

    def entropy(chance):
        return float((xlogy(chance, chance) + xlogy(1 - chance, 1 - chance)).sum())

    found = minimize(
        entropy,
        np.full(len(every), 14 / len(every)),
        jac=lambda chance: np.log(chance / (1 - chance)),
        bounds=[(1e-9, 1 - 1e-9)] * len(every),
        constraints={"type": "eq", "fun": lambda chance: given @ chance - wanted, "jac": lambda _: given},
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert found.success
    np.testing.assert_allclose(importance.occupied(own, Placed(every, np.ones(len(every)))), found.x, atol=2e-3)


def test_a_single_interaction_says_little_about_its_players_signs():
    pairs = np.array([[True, True, False, False], [False, False, True, True]])
    alone = importance.sums(Placed(pairs, np.array([1.0, -1.0])), 1)
    np.testing.assert_allclose(alone, [0.75, 0.75, 0.25, 0.25])
    many = Placed(np.repeat(np.eye(2, dtype=bool), 50, axis=0), np.repeat([1.0, -1.0], 50))
    np.testing.assert_allclose(importance.sums(many, 1), [50, 0], atol=0.6)


@pytest.mark.slow
@pytest.mark.parametrize("null", ["renaming", "importance"])
def test_expected_numbers_are_the_means_of_draws(null):
    random = np.random.default_rng(1)
    own, others, draws = drawn_at_random(random), drawn_at_random(random), 20_000
    bounds = np.array([0.05, 0.3, 0.6, 0.9])
    if null == "renaming":
        on_each = of_any_name(own, others)
        where = placements.renamed(own, draws, random)
        shared = placements.coincidences(where, own.strengths, others)
    else:
        on_each = importance.occupied(own, others)
        shared = np.zeros((draws, len(on_each)))
        for place, (order, strength) in enumerate(zip(others.orders, others.strengths, strict=True)):
            there = own.strengths[(own.orders == order) & (own.strengths * strength > 0)]
            if len(there):  # one of them, in any order, if any is there
                laid = np.where(random.random(draws) < on_each[place], random.choice(there, draws), 0.0)
                shared[:, place] = np.minimum(np.abs(laid), abs(strength))
    mean = np.array([(shared >= bound).sum() / draws for bound in bounds])
    assert mean[0] > 1
    error = 4 * np.sqrt(np.maximum(mean, 0.01) * 3 / draws)  # numbers of a draw vary little more than Poisson ones
    assert (np.abs(expected(own, others, on_each, bounds) - mean) < error).all()


def test_where_nothing_moved_everything_is_found_again():
    own = drawn_at_random(np.random.default_rng(2))
    np.testing.assert_allclose(placements.coincidences(own.keys[None], own.strengths, own)[0], np.abs(own.strengths))
    flipped = Placed(own.presence, -own.strengths)
    assert not placements.coincidences(own.keys[None], own.strengths, flipped).any()


def test_nothing_is_expected_of_nothing():
    nothing = Placed(np.zeros((0, N), bool), np.zeros(0))
    own = drawn_at_random(np.random.default_rng(3))
    for first, second in ((nothing, own), (own, nothing), (nothing, nothing)):
        for on_each in (of_any_name(first, second), importance.occupied(first, second)):
            assert expected(first, second, on_each, np.array([0.1])).tolist() == [0]
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


@pytest.mark.slow
@pytest.mark.parametrize("pairs, positive", [(7, 1.0), (7, 0.5), (5, 1.0)])
def test_coalitions_that_must_meet_are_no_combination(pairs, positive):
    """Each model has some of the ten pairs of five players: most are shared whatever acts together, by one sign too."""
    random, every = np.random.default_rng(12), np.array(list(itertools.combinations(range(5), 2)))

    def model() -> Placed:
        presence = np.zeros((pairs, 8), bool)
        np.put_along_axis(presence, every[random.choice(10, pairs, replace=False)], True, 1)
        return Placed(presence, random.lognormal(0, 0.5, pairs) * np.where(random.random(pairs) < positive, 1, -1))

    claims = []
    for seed in range(8):
        family = Family([[model(), model()] for _ in range(12)])
        claims.append(Claim(family, family.importance(seed)))
    shared = np.array([len(claim.family.shared) for claim in claims])
    assert np.mean([claim.expected for claim in claims]) == pytest.approx(shared.mean(), rel=0.15)
    assert np.median([claim.p for claim in claims]) > 0.1
    assert not any(claim.listed for claim in claims)


@pytest.mark.slow
def test_signs_that_players_have_are_no_combination():
    """Whatever the player that matters most is in has its sign, in both models."""
    random = np.random.default_rng(13)
    every = np.array([list(row) for row in itertools.product([False, True], repeat=8) if 2 <= sum(row) <= 6])

    def model(weights: np.ndarray, signs: np.ndarray) -> Placed:
        share = np.where(every, weights, 1).prod(1)
        presence = every[random.choice(len(every), 25, replace=False, p=share / share.sum())]
        leading = np.where(presence, weights, 0).argmax(1)
        return Placed(presence, signs[leading] * random.lognormal(0, 0.5, 25))

    chances = []
    for seed in range(8):
        cells = []
        for _ in range(24):
            players = random.lognormal(0, 0.7, 8), random.choice([-1, 1], 8)
            cells.append([model(*players), model(*players)])
        family = Family(cells)
        chances.append(Claim(family, family.importance(seed)).p)
    assert np.median(chances) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("signed", [False, True])
def test_sums_that_no_coalitions_can_have_make_no_combination(signed):
    """Five interactions, one far stronger than the others: no law of five coalitions gives its players that much."""
    random = np.random.default_rng(17)
    every = np.array([list(row) for row in itertools.product([False, True], repeat=10) if 1 <= sum(row) <= 4])
    orders = every.sum(1)

    def model(weights: np.ndarray, signs: np.ndarray | None) -> Placed:
        share = np.where(every, weights, 1).prod(1)
        share /= np.bincount(orders, share)[orders]
        presence = every[random.choice(len(every), 5, replace=False, p=share / share.sum())]
        strengths = random.lognormal(0, 1.5, 5) * np.where(presence, weights, 0).max(1)
        leading = np.where(presence, weights, 0).argmax(1)
        sign = random.choice([-1, 1], 5) if signs is None else signs[leading]
        return Placed(presence, sign * strengths).chosen(strengths > 0.05 * strengths.max())

    def unmet(own: Placed, several: np.ndarray) -> bool:
        positive = own.chosen(own.strengths > 0)
        if not len(positive.strengths):
            return False
        wanted = importance.sums(own, 1)
        number, total = (np.bincount(positive.orders, weights, 11) for weights in (None, positive.strengths))
        mean = np.divide(total, number, where=number > 0, out=np.zeros(11))
        given = importance.occupied(own, Placed(several, np.ones(len(several)))) * mean[several.sum(1)] @ several
        return (np.abs(given - wanted) > 0.01 * wanted).any()

    claims, failed = [], []
    for seed in range(16):
        cells = []
        for _ in range(24):
            players = random.lognormal(0, 1.5, 10), random.choice([-1, 1], 10) if signed else None
            cells.append([model(*players), model(*players)])
        family = Family(cells).of_orders(2)
        claims.append(Claim(family, family.importance(seed)))
        failed += [unmet(cell[0], every[orders > 1]) for cell in family.cells[:6]]
    assert np.mean(failed) > 0.1, "many of the laws do not have what they were asked for"
    shared = np.array([len(claim.family.shared) for claim in claims])
    assert np.mean([claim.expected for claim in claims]) == pytest.approx(shared.mean(), rel=0.25)
    assert np.median([claim.p for claim in claims]) > 0.1


def test_too_many_coalitions_are_said_to_be():
    presence = np.unique(np.random.default_rng(14).random((60, 300)) < 0.02, axis=0)
    own = Placed(presence[presence.any(1)], np.ones(presence.any(1).sum()))
    claim = Claim(Family([[own, own]]), Family([[own, own]]).importance(0))
    assert claim.why == "the players that matter have too many coalitions to count"
    assert not claim.listed


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


def test_what_is_beyond_other_samples_is_listed_if_it_is_beyond_names_too():
    single = np.eye(6, dtype=bool)  # one player in each of six samples: by any name one in six is shared
    family = Family([[Placed(own[None], np.ones(1))] * 2 for own in single])
    agree, alone = Claim(family, family.renaming(0)), Claim(family, family.exchange(kinds=1, seed=0))
    assert (agree.listed, alone.listed) == (0, 6)
    both = dataclasses.replace(alone, within=agree)
    assert both.listed == 0
    assert both.why.startswith("of any list more than 10% would be accidents, by this null or by that of the claim")
    assert (both.p, both.expected) == (alone.p, alone.expected)
    lacking = dataclasses.replace(alone, within=Claim(family, Null.without("nothing was drawn")))
    assert np.isnan(lacking.rates).all()
    assert lacking.why == "the claim that must hold as well is not: nothing was drawn"


def test_a_list_is_held_to_both_nulls_at_once():
    """Of three strong interactions 1.4 are expected of other samples, and of thirty weak ones five by any name."""
    pair, cells = np.isin(np.arange(30), [0, 1]), []
    for sample in range(6):
        presence = np.eye(30, dtype=bool)[5 * sample : 5 * sample + 5]
        strong = [pair] if sample < 3 else []
        own = Placed(np.array([*presence, *strong]), np.array([1.0] * 5 + [10.0] * len(strong)))
        cells.append([own, own])
    family = Family(cells)
    agree, alone = Claim(family, family.renaming(0)), Claim(family, family.exchange(kinds=1, seed=0))
    assert (agree.listed, alone.listed) == (3, 33)
    strongest = family.shared == 10
    np.testing.assert_allclose(alone.null.expected.max(0)[strongest], 1.4)
    both = dataclasses.replace(alone, within=agree)
    assert both.listed == 0
    assert (both.rates >= np.maximum(agree.rates, alone.rates)).all()
    np.testing.assert_allclose(both.rates, agree.null.total.max() / 33)


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
