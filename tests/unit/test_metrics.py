"""Numbers that compare models, against their definitions, planted truths and simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor.analysis import metrics
from andor.game.attributions import merge_low_orders
from andor.game.coalitions import orders
from andor.game.transforms import and_inverse, and_transform


def strongest(strength: np.ndarray, k: int) -> np.ndarray:
    return metrics.strongest(strength, metrics.ranks(strength), k)


def power(strength: np.ndarray, k: int) -> np.ndarray:
    return metrics.generalization_power(strongest(strength, k))


def with_interactions(n: int, *models: dict[int, float]) -> np.ndarray:
    """AND interactions of several models from the few that are not 0; shape (m, 1, 2^n)."""
    interactions = np.zeros((len(models), 1, 2**n))
    for place, model in enumerate(models):
        interactions[place, 0, list(model)] = list(model.values())
    return interactions


def random_merged(seed: int, samples: int, models: int, n: int, values: list[float] | None = None) -> np.ndarray:
    """Merged interactions, from a few values (many ties and zeros) if given; shape (samples, models, 2, 2^n)."""
    random = np.random.default_rng(seed)
    shape = (samples, models, 2, 2**n)
    interactions = random.choice(values, shape) if values else random.normal(size=shape)
    interactions[..., 1, orders(n) <= 1] = 0
    return interactions


# ------------------------------------------------------------------------------------------------ the k strongest


def test_k_is_rounded_down_as_published():
    shares = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45]
    assert [metrics.shares_to_k(share, 10) for share in shares] == [51, 102, 153, 204, 256, 307, 358, 409, 460]
    assert [metrics.shares_to_k(share, 8) for share in shares] == [12, 25, 38, 51, 64, 76, 89, 102, 115]
    assert metrics.shares_to_k(0.01, 3) == 1


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 18), st.integers(0, 2**32 - 1))
def test_power_and_chance_are_their_definitions(n, models, k, seed):
    interactions = random_merged(seed, 1, models, n, values=[-2.0, -1.0, 0.0, 0.0, 0.5, 2.0])[0]
    chosen = strongest(metrics.strengths(interactions), k)
    found, chance = metrics.generalization_power(chosen), metrics.chance_power(chosen)
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
    strength = metrics.strengths(first)
    np.testing.assert_array_equal(power(strength, 16)[:, 0], [3 / 4, 3 / 5, 1])
    # the strongest of the second is its own; its second strongest is the first's strongest
    np.testing.assert_array_equal(power(strength, 1)[:, 0], [0, 0, 0])
    np.testing.assert_array_equal(power(strength[:2], 2)[:, 0], [1 / 2, 1 / 2])


def test_sharing_ignores_the_sign():
    np.testing.assert_array_equal(power(metrics.strengths(with_interactions(3, {3: 1.0}, {3: -1.0})), 1), 1)


def test_zeros_are_never_shared():
    strength = metrics.strengths(with_interactions(4, {3: 1.0, 5: 1.0}, {6: 1.0, 5: 0.1, 9: 0.1}))
    chosen = strongest(strength, 12)
    assert chosen.sum(-1).tolist() == [[2], [3]]
    np.testing.assert_allclose(metrics.generalization_power(chosen)[:, 0], [1 / 2, 1 / 3])
    nothing = metrics.strengths(np.zeros((2, 2, 16)))
    assert not strongest(nothing, 16).any()
    assert np.isnan(power(nothing, 16)).all()


def test_an_empty_set_of_another_model_gives_no_power():
    np.testing.assert_array_equal(power(with_interactions(3, {3: 1.0}, {}), 2)[:, 0], [0, np.nan])


def test_the_empty_coalition_is_no_interaction():
    interactions = with_interactions(3, {0: 9.0, 3: 1.0}, {0: 9.0, 5: 1.0})
    strength = metrics.strengths(interactions)
    assert not strongest(strength, 8)[..., 0].any()
    np.testing.assert_array_equal(power(strength, 1), 0)
    assert interactions[0, 0, 0] == 9.0, "the argument is left as it was"


def test_ties_go_to_the_smaller_bit_mask():
    strength = np.array([0.0, 1.0, 2.0, 1.0, 1.0, 2.0, 0.0, 0.0])
    assert np.flatnonzero(strongest(strength, 2)).tolist() == [2, 5]
    assert np.flatnonzero(strongest(strength, 3)).tolist() == [1, 2, 5]
    assert np.flatnonzero(strongest(strength, 8)).tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("sizes", [(6, 6), (3, 9), (5, 7, 9)])
def test_chance_is_the_mean_power_of_random_sets(sizes):
    n, games = 4, 4000
    random = np.random.default_rng(1)
    chosen = np.zeros((games, len(sizes), 2, 2**n), dtype=bool)
    for kind, candidates in enumerate((np.arange(1, 16), np.flatnonzero(orders(n) >= 2))):
        for game, (model, size) in itertools.product(range(games), enumerate(sizes)):
            chosen[game, model, kind, random.choice(candidates, size, replace=False)] = True
    found, chance = metrics.generalization_power(chosen), metrics.chance_power(chosen)
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
    found = metrics.generalization_power(chosen, metrics.same_sign(interactions))
    chance = metrics.chance_power(chosen, interactions)
    assert np.ptp(chance, axis=0).max() == 0
    assert (np.abs(found.mean(0) - chance[0]) < 4 * found.std(0) / np.sqrt(games)).all()
    assert (chance < metrics.chance_power(chosen)).all()


# ------------------------------------------------------------------------------------------------------- salience


def test_rules_of_salience():
    strength = np.zeros((2, 1, 2, 4))
    strength[0, 0] = [[0, 10, 0.6, 0.4], [0, 0, 0, 1.2]]
    strength[1, 0] = [[0, 1, 0.2, 0], [0, 0, 0, 2]]
    bound = metrics.salience_bound(strength, "sample", 0.05)
    np.testing.assert_allclose(bound, [[0.5], [0.1]])
    assert metrics.salient(strength, bound).sum((-2, -1)).tolist() == [[3], [3]]
    bound = metrics.salience_bound(strength, "pooled", 0.05)
    np.testing.assert_allclose(bound, [[0.5], [0.5]])
    assert metrics.salient(strength, bound).sum((-2, -1)).tolist() == [[3], [2]]
    bound = metrics.salience_bound(strength, "output", 0.1, np.array([[20.0], [4.0]]))
    np.testing.assert_allclose(bound, [[1.2], [1.2]])
    assert metrics.salient(strength, bound).sum((-2, -1)).tolist() == [[1], [1]], (
        "as strong as the bound is not salient"
    )
    with pytest.raises(ValueError, match="output"):
        metrics.salience_bound(strength, "output", 0.1)


def test_nothing_is_salient_where_all_is_zero():
    strength = np.zeros((3, 2, 2, 8))
    assert not metrics.salient(strength, metrics.salience_bound(strength, "sample", 0.05)).any()


def test_rounding_errors_are_zero_and_small_interactions_are_not():
    random = np.random.default_rng(0)
    n, places = 10, [3, 17, 130, 1023]
    planted = np.zeros((50, 2**n))
    planted[:, places] = random.normal(size=(50, len(places))) * [1, 1e-3, 1e-6, 1e-9]
    values = and_inverse(planted)
    found = and_transform(values)
    assert (found != 0).sum(-1).max() > len(places), "rounding leaves something"
    cleaned = metrics.without_rounding(found[:, None])[:, 0]
    assert set(np.nonzero(cleaned)[1]) == set(places)
    np.testing.assert_allclose(cleaned, planted, atol=1e-12)


# ------------------------------------------------------------------------------------------------------- strength


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_sorted_strengths_are_those_of_possible_interactions(n):
    raw = np.random.default_rng(n).normal(size=(2, 2**n))
    merged = np.stack(merge_low_orders(raw[0], raw[1]))
    curve = metrics.sorted_strengths(metrics.strengths(merged))
    by_hand = [abs(merged[0, S]) for S in range(1, 2**n)]
    by_hand += [abs(merged[1, S]) for S in range(2**n) if S.bit_count() > 1]
    assert len(curve) == len(by_hand) == metrics.possible(n).sum()
    np.testing.assert_allclose(curve, np.sort(by_hand)[::-1] / max(by_hand))


def test_sorted_strengths_of_nothing_are_zero():
    np.testing.assert_array_equal(metrics.sorted_strengths(np.zeros((2, 8))), 0)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_strength_by_order_is_its_definition(n):
    interactions = np.random.default_rng(n).normal(size=(3, 2**n))
    found = metrics.strength_by_order(interactions)
    for row, order, (place, sign) in itertools.product(range(3), range(n + 1), enumerate((1, -1))):
        wanted = sum(
            abs(interactions[row, S])
            for S in range(1, 2**n)
            if S.bit_count() == order and interactions[row, S] * sign > 0
        )
        assert found[row, order, place] == pytest.approx(wanted)


# ------------------------------------------------------------------------------------------------------ intervals


def test_bootstrap_means_are_means_of_resamples():
    values = np.random.default_rng(0).normal(size=(7, 2, 3))
    values[[1, 4], 0, 0] = np.nan
    bootstrap = metrics.Bootstrap(7, draws=20, seed=3)
    assert (bootstrap.counts.sum(1) == 7).all()
    for counts, mean in zip(bootstrap.counts.astype(int), bootstrap.means(values), strict=True):
        np.testing.assert_allclose(mean, np.nanmean(np.repeat(values, counts, axis=0), axis=0))


def test_bootstrap_interval_covers_the_mean():
    random = np.random.default_rng(0)
    values = random.exponential(size=(40, 1500))  # 1500 experiments of 40 samples, skewed as strengths are
    low, high = metrics.Bootstrap(40, draws=1000, seed=0).interval(values)
    covered = ((low < 1) & (high > 1)).mean()
    assert (
        0.89 < covered < 0.97
    )  # the percentile interval of 40 skewed samples is known to cover a little less than 95 %


@pytest.mark.parametrize("samples", [7, 12, 30])
def test_intervals_of_few_samples_are_wide_enough(samples):
    values = np.random.default_rng(0).normal(size=(samples, 4000))
    low, high = metrics.Bootstrap(samples, draws=2000, seed=0).interval(values)
    assert 0.935 < ((low < 0) & (high > 0)).mean() < 0.965


def test_bootstrap_is_seeded_and_pairs_ratios():
    values = np.random.default_rng(0).normal(5, 1, size=(12, 4))
    once, again, other = (metrics.Bootstrap(12, 200, seed).interval(values) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert (np.array(once) != np.array(other)).any()
    low, high = metrics.Bootstrap(12, 200, 1).interval(2 * values, over=values)
    np.testing.assert_allclose([low, high], 2)


@pytest.mark.filterwarnings("error")
def test_intervals_leave_out_what_is_not_known():
    values = np.full((6, 3), np.nan)
    values[:, 0] = 1.0
    values[2, 1] = 4.0  # in some resamples unknown
    low, high = metrics.Bootstrap(6, 300, 0).interval(values)
    np.testing.assert_array_equal([low, high], [[1, 4, np.nan], [1, 4, np.nan]])
    np.testing.assert_array_equal(metrics.mean(values), [1, 4, np.nan])


def test_wilson_interval_is_its_formula():
    z, n, p = 1.959963984540054, 10, 0.8
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert metrics.wilson_interval(8, 10) == pytest.approx((centre - half, centre + half))
    assert np.isnan(metrics.wilson_interval(0, 0)).all()


# --------------------------------------------------------------------------------------------------- one model's own


@given(st.integers(1, 4), st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_matching_precision_is_its_definition(n, kinds, seed):
    interactions = random_merged(seed, 1, 1, n)[0, 0][:kinds]
    span = float(np.random.default_rng(seed).normal())
    found = metrics.matching_precision(interactions, np.array(span))
    present = [interactions[kind, S] for kind in range(kinds) for S in range(1, 2**n) if S.bit_count() > kind]
    present.sort(key=lambda strength: -abs(strength))
    assert len(found) == len(present)
    for k in range(1, len(present) + 1):
        strength, rest = sum(map(abs, present[:k])), abs(span - sum(present[:k]))
        assert found[k - 1] == pytest.approx(strength / (strength + rest))


def test_all_interactions_match_exactly():
    v = np.random.default_rng(0).normal(size=(5, 16))
    found = metrics.matching_precision(and_transform(v)[:, None], v[:, -1] - v[:, 0])
    np.testing.assert_allclose(found[:, -1], 1)


@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 2**32 - 1), st.booleans())
def test_cover_by_frequent_elements_is_its_definition(samples, elements, seed, leave_out):
    chosen = np.random.default_rng(seed).random((samples, elements)) < 0.4
    found, chance = metrics.frequent_cover(chosen, leave_out)
    for sample, k in itertools.product(range(samples), range(1, elements + 1)):
        counted = np.delete(chosen, sample, axis=0) if leave_out else chosen
        counts = counted.sum(0)
        frequent = {e for e in sorted(range(elements), key=lambda e: -counts[e])[:k] if counts[e]}
        own = set(np.flatnonzero(chosen[sample]))
        if own:
            assert found[sample, k - 1] == pytest.approx(len(frequent & own) / len(own))
            assert chance[sample, k - 1] == pytest.approx(len(frequent) / elements)
        else:
            assert np.isnan(found[sample, k - 1])


def test_coin_level_is_the_mean_of_all_outcomes():
    for m in (1, 2, 3, 6):
        outcomes = [sum(signs) for signs in itertools.product((0, 1), repeat=m)]
        assert metrics.coin_level(m) == pytest.approx(np.mean([max(plus, m - plus) / m for plus in outcomes]))
    assert np.isnan(metrics.coin_level(0))


def test_discrimination_by_counting():
    bins = np.array([0.5, 1.0])
    signs = np.array([[1, 1, 0, 0], [1, -1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0], [-1, -1, 1, 0], [-1, 1, 1, 0]])
    labels = np.array([0, 0, 0, 0, 1, 1])
    found = metrics.discrimination(signs, labels, bins)
    # label 0: element 0 in 4 of 4 (4+), 1 in 3 of 4 (2+, 1-), 2 in 1 (left out); label 1: 0 (2-), 1 (1+, 1-), 2 (2+)
    assert found["count"].tolist() == [0, 5]
    assert found["beta"][1] == pytest.approx(np.mean([1, 2 / 3, 1, 1 / 2, 1]))
    assert found["coin"][1] == pytest.approx(np.mean([metrics.coin_level(m) for m in (4, 3, 2, 2, 2)]))
    assert np.isnan(found["beta"][0])
    assert found["low"][1] < found["beta"][1] < found["high"][1]


def test_fair_signs_discriminate_no_better_than_a_coin():
    random = np.random.default_rng(0)
    signs = random.choice([-1, 0, 1], (30, 3000))
    found = metrics.discrimination(signs, np.zeros(30), np.array([1.0]))
    assert found["beta"][0] == pytest.approx(found["coin"][0], abs=0.005)


def test_jackknife_interval_covers_the_mean():
    """Elements agree with one sign in a known share of samples: an interval misses that now and then, not often."""
    random = np.random.default_rng(1)
    covered = []
    for _ in range(60):
        signs = np.where(random.random((40, 1)) < 0.8, 1, -1) * np.ones((1, 20), int)
        found = metrics.discrimination(signs, np.zeros(40), np.array([1.0]))
        covered.append(found["low"][0] <= 0.8 <= found["high"][0])
    assert 0.87 < np.mean(covered) <= 1
