"""AND and OR interactions of all 2^n coalitions from a game's values, and back.

Every transform here is a Kronecker power of one 2x2 matrix, up to the row of the empty coalition, so none needs a matrix of
side 2^n. All take numpy arrays or torch tensors, in float32 or float64, of shape (..., 2^n): the last axis is indexed by the
coalition's bit mask (bit i = player i present), the leading axes are a batch. All return a new array of that shape unless
`out` is given, which may be the input itself.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from andor.coalitions import number_of_players

if TYPE_CHECKING:
    import torch

    Array = TypeVar("Array", np.ndarray, torch.Tensor)

_MOEBIUS = ((1, 0), (-1, 1))  # value at S minus value at S without i
_ZETA = ((1, 0), (1, 1))  # sum over subsets, the inverse of _MOEBIUS
_MOEBIUS_OF_COMPLEMENT = ((0, 1), (1, -1))  # _MOEBIUS after swapping "present" and "absent"; symmetric
_ZETA_OF_COMPLEMENT = ((1, 1), (1, 0))  # the inverse of it; symmetric

_BLOCK = (
    5  # bits handled by one matrix product; 32x32 fits the registers and first-level cache (benchmarks/transforms.py)
)


def is_tensor(array: object) -> bool:
    """Whether `array` is a torch tensor, without importing torch: nobody has one who has not imported it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def kronecker_power(x: Array, matrix: tuple[tuple[float, float], ...], out: Array | None = None) -> Array:
    """Apply the n-fold Kronecker power of a 2x2 matrix to the last axis.

    `y[S] = sum_T prod_i matrix[S_i][T_i] x[T]`, `S_i` being bit i of S. Bits are taken in blocks, each block one product
    with a small dense matrix: memory is passed over once per block, not once per player as with plain butterflies.

    Parameters
    ----------
    x : array or tensor, float32 or float64, shape (..., 2^n)
    matrix : 2x2 nested sequence of numbers
    out : array or tensor like `x`, optional
        Receives the result; may be `x` itself.
    """
    if not is_tensor(x):
        x = np.asarray(x)
        if x.dtype not in (np.float32, np.float64):
            x = x.astype(np.float64)
    n = number_of_players(x.shape[-1])
    y, low = x, 0
    while low < n:
        bits = min(_BLOCK, n - low)
        block = _block_like(x, tuple(map(tuple, matrix)), bits)
        if low == 0:
            y = y.reshape(-1, 2**bits) @ block.T
        else:
            y = block @ y.reshape(-1, 2**bits, 2**low)
        low += bits
    y = y.reshape(x.shape)
    if out is None:
        return y if n else (y.clone() if is_tensor(y) else y.copy())
    out[...] = y
    return out


@functools.lru_cache(maxsize=256)
def _block(matrix: tuple[tuple[float, float], ...], bits: int) -> np.ndarray:
    return functools.reduce(np.kron, [np.array(matrix, dtype=np.float64)] * bits)


@functools.lru_cache(maxsize=256)
def _block_tensor(
    matrix: tuple[tuple[float, float], ...], bits: int, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    import torch

    return torch.as_tensor(_block(matrix, bits), dtype=dtype, device=device)


def _block_like(x: Array, matrix: tuple[tuple[float, float], ...], bits: int) -> Array:
    if is_tensor(x):
        return _block_tensor(matrix, bits, x.dtype, x.device)
    return _block(matrix, bits).astype(x.dtype, copy=False)


def and_transform(v: Array, out: Array | None = None) -> Array:
    """AND interactions (Harsanyi dividends) `I(S) = sum_{T subset S} (-1)^(|S|-|T|) v(T)` of the values `v`.

    Chen et al., ICLR 2024, Eq 2; the Moebius transform. Shape (..., 2^n).
    """
    return kronecker_power(v, _MOEBIUS, out)


def and_inverse(interactions: Array, out: Array | None = None) -> Array:
    """Values `v(S) = sum_{T subset S} I(T)` of AND interactions: the zeta transform, inverse of `and_transform`."""
    return kronecker_power(interactions, _ZETA, out)


def and_adjoint(y: Array, out: Array | None = None) -> Array:
    """Transpose of `and_transform` applied to `y`: `<and_transform(v), y> = <v, and_adjoint(y)>`."""
    return kronecker_power(y, tuple(zip(*_MOEBIUS, strict=True)), out)


def and_inverse_adjoint(y: Array, out: Array | None = None) -> Array:
    """Transpose of `and_inverse` applied to `y`: sums over supersets."""
    return kronecker_power(y, tuple(zip(*_ZETA, strict=True)), out)


def or_transform(v: Array, out: Array | None = None) -> Array:
    """OR interactions `I(S) = -sum_{T subset S} (-1)^(|S|-|T|) v(N - T)`, and `I(empty) = v(empty)`.

    Chen et al., ICLR 2024, Eq 3. Shape (..., 2^n).
    """
    empty = v[..., 0] + 0  # a copy: `out` may be `v`
    out = _negate(kronecker_power(v, _MOEBIUS_OF_COMPLEMENT, out))
    out[..., 0] = empty
    return out


def or_inverse(interactions: Array, out: Array | None = None) -> Array:
    """Values `v(S) = I(empty) + sum_{T: T meets S} I(T)` of OR interactions: the inverse of `or_transform`."""
    total = interactions.sum(-1)
    out = _copy(interactions, out)
    out[..., 0] = -total  # all that T misses S takes away: v(S) = total - sum over nonempty T outside S
    return _negate(kronecker_power(out, _ZETA_OF_COMPLEMENT, out))


def or_adjoint(y: Array, out: Array | None = None) -> Array:
    """Transpose of `or_transform` applied to `y`: `<or_transform(v), y> = <v, or_adjoint(y)>`."""
    empty = y[..., 0] + 0
    out = _copy(y, out)
    out[..., 0] = 0
    out = _negate(kronecker_power(out, _MOEBIUS_OF_COMPLEMENT, out))
    out[..., 0] += empty
    return out


def or_inverse_adjoint(y: Array, out: Array | None = None) -> Array:
    """Transpose of `or_inverse` applied to `y`."""
    out = _negate(kronecker_power(y, _ZETA_OF_COMPLEMENT, out))
    total = -out[..., :1]
    out += total
    out[..., 0] = total[..., 0]
    return out


def _copy(x: Array, out: Array | None) -> Array:
    if out is None:
        return x.clone() if is_tensor(x) else np.array(x)
    if out is not x:
        out[...] = x
    return out


def _negate(x: Array) -> Array:
    x *= -1
    return x
