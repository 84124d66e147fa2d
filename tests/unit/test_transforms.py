"""Transforms against their definitions, summed coalition by coalition, and against each other."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from andor.errors import UserError
from andor.game import transforms
from andor.game.transforms import (
    and_adjoint,
    and_inverse,
    and_inverse_adjoint,
    and_transform,
    kronecker_power,
    or_adjoint,
    or_inverse,
    or_inverse_adjoint,
    or_transform,
)


def coalitions(n):
    return [frozenset(s) for k in range(n + 1) for s in itertools.combinations(range(n), k)]


def mask(coalition):
    return sum(2**i for i in coalition)


def defined_and(v, n):
    """I_and(S) = Σ_{T⊆S} (−1)^(|S|−|T|) v(T)."""
    interactions = np.zeros(2**n)
    for s in coalitions(n):
        interactions[mask(s)] = sum((-1) ** (len(s) - len(t)) * v[mask(t)] for t in coalitions(n) if t <= s)
    return interactions


def defined_or(v, n):
    """I_or(S) = −Σ_{T⊆S} (−1)^(|S|−|T|) v(N∖T), I_or(∅) = v(∅)."""
    players, interactions = frozenset(range(n)), np.zeros(2**n)
    for s in coalitions(n):
        interactions[mask(s)] = -sum((-1) ** (len(s) - len(t)) * v[mask(players - t)] for t in coalitions(n) if t <= s)
    interactions[0] = v[0]
    return interactions


def defined_and_values(interactions, n):
    """v(S) = Σ_{T⊆S} I(T)."""
    v = np.zeros(2**n)
    for s in coalitions(n):
        v[mask(s)] = sum(interactions[mask(t)] for t in coalitions(n) if t <= s)
    return v


def defined_or_values(interactions, n):
    """v(S) = Σ_{T∩S≠∅ or T=∅} I(T)."""
    v = np.zeros(2**n)
    for s in coalitions(n):
        v[mask(s)] = sum(interactions[mask(t)] for t in coalitions(n) if t & s or not t)
    return v


DEFINED = [
    (and_transform, defined_and),
    (or_transform, defined_or),
    (and_inverse, defined_and_values),
    (or_inverse, defined_or_values),
]
PAIRS = [(and_transform, and_inverse), (or_transform, or_inverse)]
ADJOINTS = [
    (and_transform, and_adjoint),
    (or_transform, or_adjoint),
    (and_inverse, and_inverse_adjoint),
    (or_inverse, or_inverse_adjoint),
]
ALL = [f for pair in ADJOINTS for f in pair]
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


def name(function):
    return function.__name__


def arrays(n, batch=(), dtype=np.float64):
    return st.integers(0, 2**32 - 1).map(lambda seed: values(n, batch, dtype, seed))


def values(n, batch=(), dtype=np.float64, seed=0):
    return np.random.default_rng(seed).standard_normal((*batch, 2**n)).astype(dtype)


def close(actual, expected, dtype=np.float64):
    """Rounding grows with the sizes that are added, so the tolerance is relative to the largest."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE[dtype] * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", range(6))
@pytest.mark.parametrize(("transform", "definition"), DEFINED)
def test_equals_the_definition(transform, definition, n, dtype):
    v = values(n, (3,), dtype)
    result = transform(v)
    assert result.dtype == dtype
    close(result, [definition(row.astype(np.float64), n) for row in v], dtype)


@given(st.data(), st.integers(0, 11))
@settings(max_examples=60)
def test_inverses_undo(data, n):
    v = data.draw(arrays(n, (2,)))
    for forward, backward in PAIRS:
        close(backward(forward(v)), v)
        close(forward(backward(v)), v)


@given(st.data(), st.integers(0, 11))
@settings(max_examples=60)
def test_adjoints(data, n):
    x, y = data.draw(arrays(n)), data.draw(arrays(n))
    for transform, adjoint in ADJOINTS:
        forward, backward = transform(x), adjoint(y)
        scale = np.abs(forward) @ np.abs(y)
        assert forward @ y == pytest.approx(x @ backward, abs=1e-13 * max(1, scale))


@given(st.data(), st.integers(0, 9))
@settings(max_examples=40)
def test_every_split_matches_all_masked_outputs(data, n):
    v, gamma = data.draw(arrays(n)), data.draw(arrays(n))
    v_and, v_or = v / 2 + gamma, v / 2 - gamma
    close(and_inverse(and_transform(v_and)) + or_inverse(or_transform(v_or)), v)


@given(st.data(), st.integers(0, 8), st.floats(-2, 2))
@settings(max_examples=40)
def test_kronecker_power_is_numpys(data, n, scale):
    x = data.draw(arrays(n, (3,)))
    matrix = np.random.default_rng(n).standard_normal((2, 2))
    dense = np.ones((1, 1))
    for _ in range(n):
        dense = np.kron(dense, matrix)
    close(kronecker_power(x, matrix, scale=scale), scale * x @ dense.T)


def test_normal_operator_is_a_kronecker_power():
    y = values(9)
    close(and_adjoint(and_transform(y)), kronecker_power(y, [[2, -1], [-1, 1]]))


@pytest.mark.parametrize("n", [1, 4, 5, 6, 10, 15, 16, 17, 18])
def test_blocks_and_pieces_agree_with_plain_butterflies(n):
    """Several blocks of bits, several pieces of memory, and bits above what a piece holds."""
    v = values(n, (3,))
    expected = v.copy()
    for i in range(n):
        pairs = expected.reshape(-1, 2, 2**i)
        pairs[:, 1] -= pairs[:, 0]
    close(and_transform(v), expected)
    close(and_transform(torch.from_numpy(v)).numpy(), expected)


def test_two_levels_of_blocks_above_a_piece(monkeypatch):
    """As for n > 21, at a size that a test can afford."""
    v = values(12, (2,))
    expected = [transform(v) for transform in ALL]
    monkeypatch.setattr(transforms, "_CACHE_BITS", 6)
    monkeypatch.setattr(transforms, "_BLOCK_BITS", 4)
    for transform, result in zip(ALL, expected, strict=True):
        close(transform(v), result)


@pytest.mark.slow
def test_24_players():
    planted = np.zeros(2**24, np.float32)
    planted[[0, 0b1011, 2**20, 2**23 + 2**16 + 1, 2**24 - 1]] = [1, -2, 3, 4, -5]
    for forward, backward in PAIRS:
        v = backward(planted)
        assert (v[0], v[-1]) == (1, 1 - 2 + 3 + 4 - 5)
        np.testing.assert_array_equal(forward(v, out=v), planted)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("transform", ALL, ids=name)
def test_torch_gives_what_numpy_gives(transform, dtype, threads):
    v = values(11, (2, 3), dtype)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)  # one takes numpy's products, more take torch's
    try:
        result = transform(torch.from_numpy(v))
    finally:
        torch.set_num_threads(before)
    assert isinstance(result, torch.Tensor)
    close(result.numpy(), transform(v), dtype)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("transform", ALL, ids=name)
def test_cuda_gives_what_numpy_gives(transform):
    v = values(18, (2,))
    close(transform(torch.from_numpy(v).cuda()).cpu().numpy(), transform(v))


@pytest.mark.parametrize("make", [np.array, torch.tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize("n", [0, 3, 10, 17])
@pytest.mark.parametrize("transform", ALL, ids=name)
def test_in_place_and_into_another_array(transform, n, make):
    v = values(n, (2,))
    expected = transform(v)
    x = make(v)
    other = x + 1
    assert transform(x, out=other) is other
    close(np.asarray(other), expected)
    close(np.asarray(x), v)  # the argument is untouched
    assert transform(x, out=x) is x
    close(np.asarray(x), expected)


@pytest.mark.parametrize("make", [np.array, torch.tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize("transform", ALL, ids=name)
def test_strided_arrays(transform, make):
    v = values(7, (2, 3))
    expected = transform(np.ascontiguousarray(v[:, 1]))
    x = make(v)
    close(np.asarray(transform(x[:, 1])), expected)
    transform(x[:, 1], out=x[:, 1])
    close(np.asarray(x[:, 1]), expected)
    close(np.asarray(x[:, 0]), v[:, 0])


@pytest.mark.parametrize("transform", ALL, ids=name)
def test_batches_are_independent(transform):
    v = values(10, (4, 5))
    close(transform(v)[2, 3], transform(v[2, 3]))
    assert transform(v[:0]).shape == (0, 5, 1024)


@pytest.mark.parametrize("transform", ALL, ids=name)
def test_integers_become_float64(transform):
    whole = np.arange(8)
    for result in (transform(whole), transform(torch.from_numpy(whole))):
        assert "float64" in str(result.dtype)
        np.testing.assert_allclose(np.asarray(result), transform(whole.astype(float)))


@pytest.mark.parametrize(("transform", "adjoint"), ADJOINTS)
def test_autograd_finds_the_adjoint(transform, adjoint):
    x = torch.from_numpy(values(6)).requires_grad_()
    y = torch.from_numpy(values(6, seed=1))
    (transform(x) @ y).backward()
    close(x.grad.numpy(), adjoint(y).numpy())


def test_constant_values_have_only_the_empty_interactions():
    v = np.full(1024, 3.0)
    assert and_transform(v)[0] == or_transform(v)[0] == 3
    assert not and_transform(v)[1:].any()
    assert not or_transform(v)[1:].any()


def test_planted_interactions_come_back_exactly():
    """f = x1x2x3 + x2x3 + x3x4 as AND, x4 ∨ x5 as OR."""
    x1, x2, x3, x4, x5 = (np.arange(32) >> np.arange(5)[:, None] & 1).astype(bool)
    i_and = and_transform((x1 & x2 & x3).astype(float) + (x2 & x3) + (x3 & x4))
    i_or = or_transform((x4 | x5).astype(float))
    assert {mask: i_and[mask] for mask in np.flatnonzero(i_and)} == {0b00111: 1, 0b00110: 1, 0b01100: 1}
    assert {mask: i_or[mask] for mask in np.flatnonzero(i_or)} == {0b11000: 1}


@pytest.mark.parametrize("make", [np.zeros, torch.zeros], ids=["numpy", "torch"])
@pytest.mark.parametrize("length", [0, 3, 1000])
def test_length_must_be_a_power_of_two(length, make):
    with pytest.raises(UserError, match=f"{length} entries, no power of two"):
        and_transform(make(length))


@pytest.mark.parametrize("out", [np.zeros(4), np.zeros(8, np.float32)], ids=["shape", "dtype"])
def test_out_must_fit(out):
    with pytest.raises(ValueError, match="out is"):
        and_transform(np.zeros(8), out=out)


def test_importing_does_not_import_torch():
    code = "import sys, andor.game.transforms, andor.game.attributions; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0
