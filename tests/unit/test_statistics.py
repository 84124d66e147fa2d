"""Means and their intervals, against their definitions and simulation."""

import numpy as np
import pytest

from andor.analysis.statistics import Bootstrap, mean, wilson_interval


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
