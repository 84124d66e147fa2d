"""Explanations by few interactions, against their definitions and against trying everything."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andor.analysis import pruning
from andor.game.attributions import merge_low_orders, predict
from andor.game.coalitions import orders
from andor.game.transforms import and_inverse, or_inverse


def games(seed: int, n: int, samples: int = 1, kinds: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Outputs (samples, 2^n), and interactions (samples, kinds, 2^n) that reproduce them up to noise."""
    random = np.random.default_rng(seed)
    raw = random.normal(size=(2, samples, 2**n)) * random.choice([0.0, 0.1, 1.0], (2, samples, 2**n))
    interactions = np.stack(merge_low_orders(*raw), axis=1)[:, :kinds]
    v = and_inverse(interactions[:, 0]) + (or_inverse(interactions[:, 1]) if kinds > 1 else 0)
    return v + random.normal(0, 0.05, v.shape), interactions


def prediction(interactions: np.ndarray, kept: set[tuple[int, int]]) -> list[float]:
    """Outputs of one sample's background and its kept interactions (kind, coalition), from the definition."""
    size = interactions.shape[-1]
    background = interactions[:, 0].sum()

    def active(kind: int, coalition: int, present: int) -> bool:
        return coalition & present != 0 if kind else coalition & present == coalition

    return [
        background + sum(interactions[place] for place in kept if active(*place, present)) for present in range(size)
    ]


def possible(interactions: np.ndarray) -> list[tuple[int, int]]:
    """Places (kind, coalition) of one sample's possible interactions."""
    kinds, size = interactions.shape
    return [(kind, T) for kind in range(kinds) for T in range(1, size) if T.bit_count() > kind]


def error(v: np.ndarray, interactions: np.ndarray, kept: set[tuple[int, int]]) -> float:
    return np.mean((v - prediction(interactions, kept)) ** 2) / np.var(v)


@settings(max_examples=30)
@given(st.integers(1, 3), st.integers(1, 2), st.integers(0, 2**32 - 1), st.data())
def test_unfaithfulness_is_its_definition(n, kinds, seed, data):
    (v,), (interactions,) = games(seed, n, kinds=kinds)
    kept = data.draw(st.sets(st.sampled_from(possible(interactions))))
    keep = np.zeros(interactions.shape, bool)
    for place in kept:
        keep[place] = True
    assert pruning.unfaithfulness(v, interactions, keep) == pytest.approx(error(v, interactions, kept), rel=1e-6)


@pytest.mark.parametrize(("n", "kinds"), [(1, 2), (2, 2), (3, 2), (4, 1), (4, 2)])
def test_greedy_choice_is_that_of_trying_all(n, kinds):
    v, interactions = games(7 * n + kinds, n, samples=3, kinds=kinds)
    ranked = pruning.ranks_by_error(v, interactions)
    for own_v, own, own_ranks in zip(v, interactions, ranked, strict=True):
        kept = set(possible(own))
        for rank in range(len(kept) - 1, -1, -1):
            errors = {place: error(own_v, own, kept - {place}) for place in kept}
            (gone,) = (place for place in kept if own_ranks[place] == rank) if rank else kept
            assert errors[gone] == pytest.approx(min(errors.values()), rel=1e-6, abs=1e-12)
            kept.remove(gone)


def test_the_last_of_many_players_are_told_apart():
    """The same game among the first and among the last of 17 players."""
    few = np.random.default_rng(1).normal(size=(1, 2, 2**3)) * (orders(3) > 1)
    many = np.zeros((1, 2, 2**17))
    elsewhere = np.arange(2**3) << 14
    many[:, :, elsewhere] = few
    ranked = [pruning.ranks_by_error(and_inverse(i[:, 0]) + or_inverse(i[:, 1]), i) for i in (few, many)]
    there = few != 0
    np.testing.assert_array_equal(ranked[1][:, :, elsewhere][there], ranked[0][there])


def test_nothing_beats_the_best_set_and_greedy_is_close_to_it():
    (v,), (interactions,) = games(3, 3)
    places = possible(interactions)
    ranked = pruning.ranks_by_error(v[None], interactions[None])[0]
    greedy = pruning.unfaithfulness_of_first(v, interactions, ranked, np.arange(len(places) + 1))
    for k in (1, 2, 3, 4):
        best = min(error(v, interactions, set(kept)) for kept in itertools.combinations(places, k))
        assert best <= greedy[k] + 1e-12
        assert greedy[k] <= best + 0.2


def test_zeros_go_before_what_explains_something():
    v, interactions = games(0, 4)
    v = predict(interactions[:, 0], interactions[:, 1])
    ranked = pruning.ranks_by_error(v, interactions)
    present = [place for place in possible(interactions[0]) if interactions[0][place] != 0]
    assert sorted(ranked[0][place] for place in present) == list(range(len(present)))


def test_ranks_by_strength_run_over_all_kinds():
    interactions = np.array([[[9.0, -3.0, 2.0, 0.5], [0.0, 0.0, 0.0, -2.5]]])
    assert pruning.ranks_by_strength(interactions).tolist() == [[[4, 0, 2, 3], [5, 6, 7, 1]]]


def test_the_weakest_go_first_where_there_are_too_many():
    v, interactions = games(5, 5, samples=2)
    strength, capped = pruning.ranks_by_strength(interactions), pruning.ranks_by_error(v, interactions, most=12)
    np.testing.assert_array_equal(capped[strength >= 12], strength[strength >= 12])
    assert sorted(capped[strength < 12].tolist()) == sorted([*range(12)] * 2)
    kept = np.arange(13)
    greedy, simple = (pruning.unfaithfulness_of_first(v, interactions, r, kept) for r in (capped, strength))
    np.testing.assert_allclose(greedy[:, [0, 12]], simple[:, [0, 12]])
    assert greedy.sum() < simple.sum()


def test_batches_do_not_matter(monkeypatch):
    v, interactions = games(2, 4, samples=5)
    together = pruning.ranks_by_error(v, interactions)
    monkeypatch.setattr(pruning, "ABREAST", 2)
    np.testing.assert_array_equal(pruning.ranks_by_error(v, interactions), together)
    shaped = pruning.ranks_by_error(v.reshape(5, 1, -1), interactions[:, None])
    np.testing.assert_array_equal(shaped[:, 0], together)


def test_the_faithful_explanation_is_as_small_and_as_faithful_as_it_says():
    v, interactions = games(11, 4, samples=4)
    keep = pruning.faithful(v, interactions, 0.05)
    assert keep[:, 0, 0].all()
    explained = predict(interactions[:, 0], interactions[:, 1], (keep[:, 0], keep[:, 1]))
    off = ((v - explained) ** 2).mean(-1) / v.var(-1)
    assert (off <= 0.05).all()
    ranked = pruning.ranks_by_error(v, interactions)
    for sample, size in enumerate(keep.sum((1, 2)) - 1):
        fewer = pruning.unfaithfulness_of_first(v[sample], interactions[sample], ranked[sample], np.arange(size))
        assert (fewer > 0.05).all()
    assert pruning.faithful(v + 10 * np.random.default_rng(0).normal(size=v.shape), interactions, 0.01).all(), "never"


@pytest.mark.filterwarnings("error")
def test_a_constant_output_has_no_unfaithfulness():
    assert np.isnan(pruning.unfaithfulness(np.ones(8), np.zeros((2, 8))))
    assert np.isnan(pruning.needed(np.array([np.nan, np.nan]), np.arange(2), 0.1))


def test_needed_is_the_fewest_that_suffices():
    errors = np.array([[1.0, 0.3, 0.04, 0.06, 0.0], [1.0, 0.9, 0.8, 0.7, 0.6]])
    kept = np.array([0, 1, 2, 4, 9])
    np.testing.assert_array_equal(pruning.needed(errors, kept, 0.05), [2, np.nan])
    np.testing.assert_array_equal(pruning.needed(errors, kept, 0.9), [1, 1])
