import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor.errors import UserError
from andor.game.coalitions import describe, mask_of, members, number_of_players, orders, presence, rename
from andor.game.transforms import and_transform, or_transform


@given(st.sets(st.integers(0, 31)))
def test_masks_and_members_are_inverse(players):
    assert members(mask_of(players)) == tuple(sorted(players))
    assert mask_of(players) == sum(2**i for i in players)


@pytest.mark.parametrize("n", [0, 1, 5, 12])
def test_orders_and_presence(n):
    table = presence(n)
    assert table.shape == (2**n, n)
    assert table.dtype == bool
    assert orders(n).dtype == np.uint8
    np.testing.assert_array_equal(orders(n), table.sum(-1))
    assert [tuple(np.flatnonzero(row)) for row in table] == [members(mask) for mask in range(2**n)]


def test_presence_of_some_coalitions():
    masks = np.array([0b101, 0, 0b110])
    np.testing.assert_array_equal(presence(3, masks), presence(3)[masks])
    np.testing.assert_array_equal(presence(3, masks.astype(np.uint32)), presence(3)[masks])


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


def test_describe():
    assert describe(0b101, ["cold", "left", "wet"]) == "{cold, wet}"
    assert describe(0, ["cold"]) == "∅"
