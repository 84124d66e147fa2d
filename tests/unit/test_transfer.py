"""What samples have in common, against its definition, by counting and by simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor.analysis.transfer import coin_level, discrimination, frequent_cover


@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 2**32 - 1), st.booleans())
def test_cover_by_frequent_elements_is_its_definition(samples, elements, seed, leave_out):
    chosen = np.random.default_rng(seed).random((samples, elements)) < 0.4
    found, chance = frequent_cover(chosen, leave_out, np.arange(1, elements + 3), elements)
    listed = frequent_cover(chosen[:, chosen.any(0)], leave_out, np.arange(1, elements + 3), elements)
    np.testing.assert_array_equal(listed, [found, chance])
    for sample, k in itertools.product(range(samples), range(1, elements + 3)):
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
        assert coin_level(m) == pytest.approx(np.mean([max(plus, m - plus) / m for plus in outcomes]))
    assert np.isnan(coin_level(0))


def test_discrimination_by_counting():
    bins = np.array([0.5, 1.0])
    signs = np.array([[1, 1, 0, 0], [1, -1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0], [-1, -1, 1, 0], [-1, 1, 1, 0]])
    labels = np.array([0, 0, 0, 0, 1, 1])
    found = discrimination(signs, labels, bins)
    # label 0: element 0 in 4 of 4 (4+), 1 in 3 of 4 (2+, 1-), 2 in 1 (left out); label 1: 0 (2-), 1 (1+, 1-), 2 (2+)
    assert found["count"].tolist() == [0, 5]
    assert found["beta"][1] == pytest.approx(np.mean([1, 2 / 3, 1, 1 / 2, 1]))
    assert found["coin"][1] == pytest.approx(np.mean([coin_level(m) for m in (4, 3, 2, 2, 2)]))
    assert np.isnan(found["beta"][0])
    assert found["low"][1] < found["beta"][1] < found["high"][1]


def test_fair_signs_discriminate_no_better_than_a_coin():
    random = np.random.default_rng(0)
    signs = random.choice([-1, 0, 1], (30, 3000))
    found = discrimination(signs, np.zeros(30), np.array([1.0]))
    assert found["beta"][0] == pytest.approx(found["coin"][0], abs=0.005)


def test_jackknife_interval_covers_the_mean():
    """Elements agree with one sign in a known share of samples: an interval misses that now and then, not often."""
    random = np.random.default_rng(1)
    covered = []
    for _ in range(60):
        signs = np.where(random.random((40, 1)) < 0.8, 1, -1) * np.ones((1, 20), int)
        found = discrimination(signs, np.zeros(40), np.array([1.0]))
        covered.append(found["low"][0] <= 0.8 <= found["high"][0])
    assert 0.87 < np.mean(covered) <= 1
