"""Coalitions, all or some, against Python's sets of numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor.errors import UserError
from andor.game.coalitions import Coalitions, number_of_players, orders, presence_of, rename
from andor.game.transforms import and_transform, or_transform
from masks import mask_of, members


@st.composite
def listed(draw: st.DrawFn, count: int = 1):
    """A number of players, and lists of coalitions as Python's integers, with doubles and in any order."""
    n = draw(st.integers(0, 150))
    return n, *(draw(st.lists(st.integers(0, 2**n - 1), max_size=12)) for _ in range(count))


def of(n: int, masks: list[int]) -> Coalitions:
    return Coalitions.of_players(n, [members(mask) for mask in masks])


def as_masks(coalitions: Coalitions) -> list[int]:
    return [mask_of(players) for players in coalitions.players]


@given(listed())
def test_a_list_is_ascending_and_has_none_twice(drawn):
    n, masks = drawn
    coalitions, wanted = of(n, masks), sorted(set(masks))
    assert as_masks(coalitions) == wanted
    assert len(coalitions) == len(wanted)
    assert coalitions.orders.tolist() == [mask.bit_count() for mask in wanted]
    assert coalitions.presence.tolist() == [[bool(mask >> i & 1) for i in range(n)] for mask in wanted]
    assert coalitions.packed.dtype == np.uint64
    assert coalitions.packed.shape == (len(wanted), max(1, math.ceil(n / 64)))


@given(listed())
def test_constructors_agree(drawn):
    n, masks = drawn
    coalitions = of(n, masks)
    presence = presence_of(n, [members(mask) for mask in masks])
    assert Coalitions.of_presence(presence) == coalitions
    if n <= 64:
        assert Coalitions.of_masks(n, np.array(masks, np.uint64)) == coalitions
        assert coalitions.masks.tolist() == sorted(set(masks))
    else:
        with pytest.raises(ValueError, match="do not fit into 64 bits"):
            _ = coalitions.masks


@given(listed(2))
def test_positions_are_those_in_the_sorted_list(drawn):
    n, masks, others = drawn
    coalitions, wanted = of(n, masks), sorted(set(masks))
    place = {mask: i for i, mask in enumerate(wanted)}
    found = coalitions.positions(of(n, others))
    assert found.tolist() == [place.get(mask, -1) for mask in sorted(set(others))]
    unsorted = presence_of(n, [members(mask) for mask in others])
    assert coalitions.positions(unsorted).tolist() == [place.get(mask, -1) for mask in others]
    assert [coalitions.position(members(mask)) for mask in others] == [place.get(mask) for mask in others]
    assert coalitions.empty == place.get(0)
    assert coalitions.full == place.get(2**n - 1)
    assert coalitions.single.tolist() == [place.get(1 << i, -1) for i in range(n)]


@pytest.mark.slow
@given(listed(3))
def test_a_union_has_what_any_has_and_values_keep_their_coalitions(drawn):
    n, *several = drawn
    first, *rest = (of(n, masks) for masks in several)
    union = first.union(*rest)
    assert as_masks(union) == sorted(set().union(*several))
    for coalitions in (first, *rest):
        values = np.arange(1.0, len(coalitions) + 1)
        there = dict(zip(as_masks(union), coalitions.spread(values, union), strict=True))
        own = dict(zip(as_masks(coalitions), values, strict=True))
        assert there == {mask: own.get(mask, 0) for mask in there}
        back = union.spread(union.presence.sum(1), coalitions)
        assert back.tolist() == [mask.bit_count() for mask in own]


@pytest.mark.slow
@given(listed(), st.randoms(use_true_random=False))
def test_players_get_new_numbers(drawn, random):
    n, masks = drawn
    permutation = random.sample(range(n), n)
    coalitions = of(n, masks)
    renamed, former = coalitions.renamed(permutation)
    before = as_masks(coalitions)
    assert as_masks(renamed) == [mask_of(permutation[i] for i in members(before[place])) for place in former]
    assert as_masks(renamed) == sorted(as_masks(renamed))


@given(listed(), st.data())
def test_some_are_taken(drawn, data):
    n, masks = drawn
    coalitions = of(n, masks)
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(coalitions), max_size=len(coalitions))), bool)
    wanted = [mask for mask, is_chosen in zip(as_masks(coalitions), chosen, strict=True) if is_chosen]
    assert as_masks(coalitions.take(chosen)) == as_masks(coalitions.take(np.flatnonzero(chosen))) == wanted


@pytest.mark.parametrize("n", [0, 1, 3, 7])
def test_all_are_a_list_of_all(n):
    every = Coalitions.all(n)
    assert every == Coalitions.of_masks(n, np.arange(2**n)[::-1])
    assert Coalitions.of_masks(n, np.arange(2**n)).words is None
    assert len(every) == 2**n
    assert every.masks.tolist() == list(range(2**n))
    np.testing.assert_array_equal(every.orders, orders(n))
    assert [tuple(players) for players in every.players] == [members(mask) for mask in range(2**n)]
    assert (every.empty, every.full, every.single.tolist()) == (0, 2**n - 1, [1 << i for i in range(n)])
    some = Coalitions.of_masks(n, [2**n - 1])
    assert every.union(some) == every == some.union(every)
    assert (every == some) == (n == 0)
    renamed, former = every.renamed(range(n)[::-1])
    assert renamed == every
    np.testing.assert_array_equal(rename(np.arange(2**n), range(n)[::-1]), former)


@given(st.integers(0, 9))
def test_possible_interactions_by_counting(n):
    every = Coalitions.all(n)
    for least, kind in ((1, "and"), (2, "or")):
        assert every.possible(kind) == sum(mask.bit_count() >= least for mask in range(2**n))
        for order in range(n + 1):
            wanted = sum(mask.bit_count() == order >= least for mask in range(2**n))
            assert Coalitions.of_masks(n, []).possible(kind, order) == wanted


def test_names():
    coalitions = Coalitions.of_masks(3, [0b101, 0])
    assert coalitions.names(["cold", "left", "wet"]) == ["∅", "{cold, wet}"]
    assert Coalitions.of_masks(3, []).names(["cold", "left", "wet"]) == []


def test_what_does_not_fit_is_an_error():
    with pytest.raises(ValueError, match="below 2\\^3"):
        Coalitions.of_masks(3, [8])
    with pytest.raises(ValueError, match="among the 3 from 0 on"):
        Coalitions.of_players(3, [[1, 3]])
    few = Coalitions.of_masks(3, [1])
    with pytest.raises(ValueError, match="players"):
        few.positions(Coalitions.of_masks(4, [1]))
    with pytest.raises(ValueError, match="no union"):
        few.union(Coalitions.of_masks(4, [1]))


# --------------------------------------------------------------------------------------------------- arrays of all


def test_number_of_players():
    assert [number_of_players(2**n) for n in range(25)] == list(range(25))


@pytest.mark.parametrize("length", [-8, 0, 3, 1023])
def test_number_of_players_of_no_power_of_two(length):
    with pytest.raises(UserError, match=f"{length} entries"):
        number_of_players(length)


@given(st.permutations(range(5)))
def test_rename_moves_every_coalition(permutation):
    values = np.arange(64.0).reshape(2, 32)
    renamed = rename(values, permutation)
    for mask in range(32):
        new = mask_of(permutation[i] for i in members(mask))
        np.testing.assert_array_equal(renamed[:, new], values[:, mask])


@given(st.permutations(range(5)))
def test_interactions_are_renamed_with_the_players(permutation):
    v = np.random.default_rng(0).standard_normal(32)
    for transform in (and_transform, or_transform):
        np.testing.assert_allclose(transform(rename(v, permutation)), rename(transform(v), permutation), atol=1e-12)


@pytest.mark.parametrize("permutation", [[0, 1], [0, 1, 1], [1, 2, 3]])
def test_rename_wants_a_permutation(permutation):
    with pytest.raises(ValueError, match="no permutation"):
        rename(np.zeros(8), permutation)
    with pytest.raises(ValueError, match="no permutation"):
        Coalitions.of_masks(3, [1]).renamed(permutation)
