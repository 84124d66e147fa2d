"""Strength and how it is spread, against its definitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor.analysis.strength import matching_precision, sorted_strengths, strength_by_order
from andor.game.attributions import merge_low_orders
from andor.game.coalitions import Coalitions, orders
from andor.game.transforms import and_transform


def merged(seed: int, n: int, kinds: int = 2) -> np.ndarray:
    """Merged strengths without a background, (kinds, 2^n)."""
    raw = np.random.default_rng(seed).normal(size=(2, 2**n))
    strengths = np.stack(merge_low_orders(*raw))[:kinds]
    strengths[:, 0] = 0
    return strengths


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_sorted_strengths_are_those_of_possible_interactions(n):
    strengths = merged(n, n)
    by_hand = [abs(strengths[0, S]) for S in range(1, 2**n)]
    by_hand += [abs(strengths[1, S]) for S in range(2**n) if S.bit_count() > 1]
    assert len(by_hand) == sum(map(Coalitions.all(n).possible, ("and", "or")))
    curve = sorted_strengths(np.abs(strengths), np.arange(len(by_hand)))
    np.testing.assert_allclose(curve, np.sort(by_hand)[::-1] / max(by_hand))


def test_sorted_strengths_of_nothing_are_zero():
    np.testing.assert_array_equal(sorted_strengths(np.zeros((2, 8)), np.arange(11)), 0)
    np.testing.assert_array_equal(sorted_strengths(np.zeros((2, 0)), np.arange(3)), 0)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_strength_by_order_is_its_definition(n):
    interactions = np.random.default_rng(n).normal(size=(3, 2**n))
    found = strength_by_order(interactions, orders(n), n)
    for row, order, (place, sign) in itertools.product(range(3), range(1, n + 1), enumerate((1, -1))):
        wanted = sum(
            abs(interactions[row, S])
            for S in range(1, 2**n)
            if S.bit_count() == order and interactions[row, S] * sign > 0
        )
        assert found[row, order - 1, place] == pytest.approx(wanted)


@given(st.integers(1, 4), st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_matching_precision_is_its_definition(n, kinds, seed):
    interactions = merged(seed, n, kinds)
    span = float(np.random.default_rng(seed).normal())
    most = 2**n - 1 + (kinds - 1) * (2**n - n - 1)
    found = matching_precision(interactions, np.array(span), np.arange(1, most + 1))
    present = [interactions[kind, S] for kind in range(kinds) for S in range(1, 2**n) if S.bit_count() > kind]
    present.sort(key=lambda strength: -abs(strength))
    assert len(found) == len(present)
    for k in range(1, len(present) + 1):
        strength, rest = sum(map(abs, present[:k])), abs(span - sum(present[:k]))
        assert found[k - 1] == pytest.approx(strength / (strength + rest))


def test_all_interactions_match_exactly():
    v = np.random.default_rng(0).normal(size=(5, 16))
    interactions = and_transform(v)[:, None]
    interactions[..., 0] = 0
    found = matching_precision(interactions, v[:, -1] - v[:, 0], np.array([15, 99]))
    np.testing.assert_allclose(found, 1)
