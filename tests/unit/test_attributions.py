import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andor.game.attributions import coalition_attributions, merge_low_orders, predict, shapley_values
from andor.game.coalitions import Coalitions, orders
from andor.game.transforms import and_transform, or_transform
from masks import members


def split(n, seed, batch=()):
    """Values and AND-OR interactions of a random split of them."""
    rng = np.random.default_rng(seed)
    v, gamma = rng.standard_normal((2, *batch, 2**n))
    return v, and_transform(v / 2 + gamma), or_transform(v / 2 - gamma)


def shapley_by_permutations(v, n):
    """The mean of what a player adds over all orders of arrival."""
    phi = np.zeros(n)
    for arrival in itertools.permutations(range(n)):
        mask = 0
        for player in arrival:
            phi[player] += v[mask | 1 << player] - v[mask]
            mask |= 1 << player
    return phi / math.factorial(n)


seeds = st.integers(0, 2**32 - 1)


@given(st.integers(0, 5), seeds)
@settings(max_examples=40)
def test_shapley_values_are_the_mean_over_permutations(n, seed):
    v, i_and, i_or = split(n, seed)
    np.testing.assert_allclose(shapley_values(i_and, i_or), shapley_by_permutations(v, n), atol=1e-12)


@given(st.integers(0, 9), seeds)
@settings(max_examples=40)
def test_shapley_values_are_efficient(n, seed):
    v, i_and, i_or = split(n, seed, (2, 3))
    phi = shapley_values(i_and, i_or)
    assert phi.shape == (2, 3, n)
    np.testing.assert_allclose(phi.sum(-1), v[..., -1] - v[..., 0], atol=1e-10)


@given(st.integers(0, 5), seeds)
@settings(max_examples=40)
def test_coalition_attributions_by_definition(n, seed):
    _, i_and, i_or = split(n, seed)
    phi = coalition_attributions(i_and, i_or)
    total = i_and + i_or
    for s in range(2**n):
        expected = sum(len(members(s)) / len(members(t)) * total[t] for t in range(1, 2**n) if t & s == s)
        assert phi[s] == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(phi[[1 << i for i in range(n)]], shapley_values(i_and, i_or), atol=1e-12)


@given(st.integers(0, 10), seeds)
@settings(max_examples=40)
def test_all_interactions_predict_all_masked_outputs(n, seed):
    v, i_and, i_or = split(n, seed, (2,))
    np.testing.assert_allclose(predict(i_and, i_or), v, atol=1e-9)
    np.testing.assert_allclose(predict(*merge_low_orders(i_and, i_or)), v, atol=1e-9)


@given(st.integers(0, 5), seeds)
@settings(max_examples=40)
def test_prediction_from_some_interactions(n, seed):
    _, i_and, i_or = split(n, seed)
    keep_and, keep_or = np.random.default_rng(seed).random((2, 2**n)) < 0.5
    expected = [
        sum(i_and[t] for t in range(2**n) if keep_and[t] and t & s == t)
        + sum(i_or[t] for t in range(2**n) if keep_or[t] and (t & s or t == 0))
        for s in range(2**n)
    ]
    np.testing.assert_allclose(predict(i_and, i_or, keep=(keep_and, keep_or)), expected, atol=1e-12)
    np.testing.assert_allclose(predict(i_and, i_or, keep=(keep_and, False)), predict(i_and * keep_and, i_or * 0))


def test_merging_moves_orders_up_to_one_and_nothing_else():
    _, i_and, i_or = split(6, 0, (2,))
    before = i_and.copy(), i_or.copy()
    merged_and, merged_or = merge_low_orders(i_and, i_or)
    low = orders(6) <= 1
    np.testing.assert_array_equal(merged_and[:, low], i_and[:, low] + i_or[:, low])
    np.testing.assert_array_equal(merged_and[:, ~low], i_and[:, ~low])
    assert not merged_or[:, low].any()
    np.testing.assert_array_equal(merged_or[:, ~low], i_or[:, ~low])
    np.testing.assert_array_equal((i_and, i_or), before)  # the arguments are untouched


def test_merging_changes_neither_shapley_values_nor_coalition_attributions():
    _, i_and, i_or = split(7, 1)
    merged = merge_low_orders(i_and, i_or)
    np.testing.assert_allclose(shapley_values(*merged), shapley_values(i_and, i_or), atol=1e-12)
    np.testing.assert_allclose(coalition_attributions(*merged), coalition_attributions(i_and, i_or), atol=1e-12)


def test_linear_game():
    weights = np.array([1.0, -2.0, 0.5])
    v = Coalitions.all(3).presence @ weights + 7
    for i_and, i_or in [(and_transform(v), np.zeros(8)), (np.zeros(8), or_transform(v))]:
        np.testing.assert_allclose(shapley_values(i_and, i_or), weights, atol=1e-14)
        merged_and, merged_or = merge_low_orders(i_and, i_or)
        np.testing.assert_allclose(merged_and, [7, 1, -2, 0, 0.5, 0, 0, 0], atol=1e-14)
        np.testing.assert_allclose(merged_or, 0, atol=1e-14)


def test_float32_stays():
    i_and, i_or = (x.astype(np.float32) for x in split(5, 0)[1:])
    for function in (shapley_values, coalition_attributions, predict):
        assert function(i_and, i_or).dtype == np.float32
