"""Means and their intervals, against their definitions and simulation."""

import numpy as np
import pytest

from andor.analysis.statistics import Bootstrap, Share, mean, wilson_interval


def test_bootstrap_means_are_means_of_resamples():
    values = np.random.default_rng(0).normal(size=(7, 2, 3))
    values[[1, 4], 0, 0] = np.nan
    bootstrap = Bootstrap(7, draws=20, seed=3)
    assert (bootstrap.counts.sum(1) == 7).all()
    for counts, of_resample in zip(bootstrap.counts.astype(int), bootstrap.means(values), strict=True):
        np.testing.assert_allclose(of_resample, np.nanmean(np.repeat(values, counts, axis=0), axis=0))


def test_bootstrap_interval_covers_the_mean():
    random = np.random.default_rng(0)
    values = random.exponential(size=(40, 1500))  # 1500 experiments of 40 samples, skewed as strengths are
    low, high = Bootstrap(40, draws=1000, seed=0).interval(values)
    covered = ((low < 1) & (high > 1)).mean()
    assert (
        0.89 < covered < 0.97
    )  # the percentile interval of 40 skewed samples is known to cover a little less than 95 %


@pytest.mark.slow
@pytest.mark.parametrize("samples", [7, 12, 30])
def test_intervals_of_few_samples_are_wide_enough(samples):
    values = np.random.default_rng(0).normal(size=(samples, 4000))
    low, high = Bootstrap(samples, draws=2000, seed=0).interval(values)
    assert 0.935 < ((low < 0) & (high > 0)).mean() < 0.965


def test_bootstrap_is_seeded_and_pairs_ratios():
    values = np.random.default_rng(0).normal(5, 1, size=(12, 4))
    once, again, other = (Bootstrap(12, 200, seed).interval(values) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert (np.array(once) != np.array(other)).any()
    low, high = Bootstrap(12, 200, 1).interval(2 * values, over=values)
    np.testing.assert_allclose([low, high], 2)


@pytest.mark.filterwarnings("error")
def test_intervals_leave_out_what_is_not_known():
    values = np.full((6, 3), np.nan)
    values[:, 0] = 1.0
    values[2, 1] = 4.0  # in some resamples unknown
    low, high = Bootstrap(6, 300, 0).interval(values)
    np.testing.assert_array_equal([low, high], [[1, 4, np.nan], [1, 4, np.nan]])
    np.testing.assert_array_equal(mean(values), [1, 4, np.nan])


def test_wilson_interval_is_its_formula():
    z, n, p = 1.959963984540054, 10, 0.8
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert wilson_interval(8, 10) == pytest.approx((centre - half, centre + half))
    assert np.isnan(wilson_interval(0, 0)).all()


RUNS = 3000
CELLS = [(samples, number, likeness) for samples in (6, 12, 24) for number in (1, 3, 10) for likeness in (0, 0.1)]
"""Samples, mean number of interactions in each, and how much more alike those of one sample are."""


def counted(random, chances, number):
    """Numbers of interactions in each sample and of those found, in many runs; some samples have twice as many."""
    there = random.poisson(random.gamma(4, number / 4, size=chances.shape))
    return random.binomial(there, chances).astype(float), there.astype(float)


def chances_of(random, share, samples, likeness):
    if not likeness:
        return np.full((samples, RUNS), share)
    return random.beta(share * (1 / likeness - 1), (1 - share) * (1 / likeness - 1), size=(samples, RUNS))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.8])
@pytest.mark.parametrize(("samples", "number", "likeness"), CELLS)
def test_intervals_of_shares_cover_them(samples, number, likeness, share):
    random = np.random.default_rng(0)
    found = Share.of(*counted(random, chances_of(random, share, samples, likeness), number))
    covered = ((found.low <= share) & (share <= found.high))[~np.isnan(found.value)].mean()
    assert 0.93 <= covered <= 0.985


@pytest.mark.parametrize("samples", [6, 12, 24])
@pytest.mark.parametrize("likeness", [0, 0.1])
@pytest.mark.parametrize(("of_few", "of_many"), [(0.05, 0.05), (0.2, 0.2), (0.6, 0.3)])
def test_a_few_less_many_are_not_below_zero_by_accident(samples, likeness, of_few, of_many):
    """What a network has of one shared interaction a sample, less what it has of twenty others of the same samples."""
    random = np.random.default_rng(0)
    chances = chances_of(random, of_few, samples, likeness)
    others = chances if of_few == of_many else chances_of(random, of_many, samples, likeness)
    more = Share.of(*counted(random, chances, 1)).less(Share.of(*counted(random, others, 20)))
    known, true = ~np.isnan(more.value), of_few - of_many
    below, above = (more.high < true)[known].mean(), (more.low > true)[known].mean()
    assert below < 0.03 and above < 0.045 and below + above < 0.05


def test_a_share_without_any_event_has_an_interval_and_one_of_nothing_has_none():
    part, whole = np.zeros((12, 2)), np.tile([2.0, 0.0], (12, 1))
    share = Share.of(part, whole)
    assert (share.low[0], share.high[0]) == pytest.approx(wilson_interval(0, 24), abs=1e-6)
    assert np.isnan([share.value[1], share.low[1], share.high[1]]).all()


def test_weights_tell_less_than_as_many_equal_ones():
    random = np.random.default_rng(0)
    weights = random.exponential(size=(12, 20, RUNS))
    found = random.random(weights.shape) < 0.3
    share = Share.of((weights * found).sum(1), weights.sum(1), (weights**2).sum(1))
    assert 0.94 < ((share.low <= 0.3) & (share.high >= 0.3)).mean() < 0.985
    np.testing.assert_allclose(
        Share.of(found.sum(1), np.full((12, RUNS), 20.0), np.full((12, RUNS), 20.0)).low,
        Share.of(found.sum(1), np.full((12, RUNS), 20.0)).low,
    )
