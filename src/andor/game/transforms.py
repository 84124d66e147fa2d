"""AND and OR interactions of all 2^n coalitions from a game's values, and back.

Every transform here is a Kronecker power of one 2x2 matrix, up to the row of the empty coalition, so none needs a
matrix of side 2^n. All take numpy arrays or torch tensors of float32 or float64 (anything else becomes float64) and
shape (..., 2^n): the last axis is indexed by the coalition's bit mask (bit i = player i present), the leading axes are
a batch. All return a new array of that shape unless `out` is given, which must have the shape and dtype of the result
and may be the input itself; all raise `UserError` if the last axis is no power of two.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from andor.game.coalitions import number_of_players

if TYPE_CHECKING:
    import torch

    Array = TypeVar("Array", np.ndarray, torch.Tensor)

_MOEBIUS = ((1, 0), (-1, 1))  # with player i minus without
_ZETA = ((1, 0), (1, 1))  # its inverse: sums over subsets
_MOEBIUS_OF_COMPLEMENT = ((0, 1), (1, -1))  # _MOEBIUS after swapping present and absent; symmetric
_ZETA_OF_COMPLEMENT = ((1, 1), (1, 0))  # the inverse of that; symmetric

# Measured: products with 32x32 matrices do the most bits a second, and pieces of 2^16 numbers stay in the cache while
# all blocks of bits pass over them.
_BLOCK_BITS = 5
_CACHE_BITS = 16


def and_transform(v: Array, out: Array | None = None) -> Array:
    """AND interactions (Harsanyi dividends) I(S) = Σ_{T⊆S} (−1)^(|S|−|T|) v(T): the Möbius transform.

    Chen et al., ICLR 2024 (arXiv 2401.16318).
    """
    return kronecker_power(v, _MOEBIUS, out)


def and_inverse(interactions: Array, out: Array | None = None) -> Array:
    """Values v(S) = Σ_{T⊆S} I(T) of AND interactions: the zeta transform."""
    return kronecker_power(interactions, _ZETA, out)


def and_adjoint(y: Array, out: Array | None = None) -> Array:
    """Transpose of `and_transform`: ⟨and_transform(v), y⟩ = ⟨v, and_adjoint(y)⟩."""
    return kronecker_power(y, _transpose(_MOEBIUS), out)


def and_inverse_adjoint(y: Array, out: Array | None = None) -> Array:
    """Transpose of `and_inverse`: sums over supersets."""
    return kronecker_power(y, _transpose(_ZETA), out)


def or_transform(v: Array, out: Array | None = None) -> Array:
    """OR interactions I(S) = −Σ_{T⊆S} (−1)^(|S|−|T|) v(N∖T) for S ≠ ∅, and I(∅) = v(∅).

    Chen et al., ICLR 2024 (arXiv 2401.16318).
    """
    v_empty = _first(v)
    out = kronecker_power(v, _MOEBIUS_OF_COMPLEMENT, out, scale=-1)
    out[..., 0] = v_empty
    return out


def or_inverse(interactions: Array, out: Array | None = None) -> Array:
    """Values v(S) = I(∅) + Σ_{T∩S≠∅} I(T) of OR interactions."""
    i_empty = _first(interactions)
    # −Σ_{T⊆N∖S} I(T), which at S = ∅ is minus the sum of all: what meets S is all less what lies outside S.
    out = kronecker_power(interactions, _ZETA_OF_COMPLEMENT, out, scale=-1)
    out += (i_empty - out[..., 0])[..., None]
    return out


def or_adjoint(y: Array, out: Array | None = None) -> Array:
    """Transpose of `or_transform`, the empty coalition included: ⟨or_transform(v), y⟩ = ⟨v, or_adjoint(y)⟩."""
    y_empty = _first(y)
    out = kronecker_power(y, _MOEBIUS_OF_COMPLEMENT, out, scale=-1)
    out[..., -1] += y_empty  # the power's row of the empty coalition picks −v(N), that of or_transform v(∅)
    out[..., 0] += y_empty
    return out


def or_inverse_adjoint(y: Array, out: Array | None = None) -> Array:
    """Transpose of `or_inverse`."""
    out = kronecker_power(y, _ZETA_OF_COMPLEMENT, out, scale=-1)
    total = -_first(out)
    out += total[..., None]
    out[..., 0] = total
    return out


def kronecker_power(x: Array, matrix: Sequence[Sequence[float]], out: Array | None = None, scale: float = 1) -> Array:
    """Apply the n-fold Kronecker power of a 2x2 matrix to the last axis: any transform that treats all players alike.

    y[S] = scale · Σ_T Π_i matrix[S_i, T_i] · x[T], where S_i is bit i of S. Bits are taken in blocks, each one
    product with a small dense matrix, and all blocks that fit are done while a piece of the array is in the cache. For
    n <= 16 memory is read and written once, for larger n twice, against n times for plain butterflies.

    Parameters
    ----------
    x : array or tensor, shape (..., 2^n), float32 or float64
    matrix : 2x2, matrix[present in the result][present in x]
    out : array or tensor of the shape and dtype of `x`, optional
        Receives the result; may be `x` itself.
    scale : factor, free of charge

    Raises
    ------
    UserError
        If the last axis is no power of two.
    ValueError
        If `out` has another shape or dtype than the result.
    """
    n = number_of_players(x.shape[-1])
    x = _as_floating(x)
    if out is not None and (out.shape != x.shape or out.dtype != x.dtype):
        raise ValueError(f"out is {out.dtype} of shape {tuple(out.shape)}, the result {x.dtype} of {tuple(x.shape)}")
    result = out if out is not None and _is_contiguous(out) else _empty_like(x)
    source, target = (x.numpy(), result.numpy()) if _is_faster_in_numpy(x) else (x, result)
    factor = tuple(tuple(float(entry) for entry in row) for row in matrix)

    cache_bits = 62 if is_tensor(x) and not x.is_cpu else _CACHE_BITS  # a GPU wants large products, and all at once
    low = min(n, cache_bits)  # the low bits of a few rows at a time, then the others of a few columns at a time
    rows, target_rows, step = source.reshape(-1, 2**low, 1), target.reshape(-1, 2**low, 1), 2 ** (cache_bits - low)
    for i in range(0, len(rows), step):
        target_rows[i : i + step] = _power(rows[i : i + step], factor, scale)
    if low < n:
        step = 2 ** (cache_bits - (n - low))
        for row in target.reshape(-1, 1, 2 ** (n - low), 2**low):
            for i in range(0, 2**low, step):
                row[..., i : i + step] = _power(row[..., i : i + step], factor, 1)

    if out is None or out is result:
        return result
    out[...] = result
    return out


def is_tensor(array: object) -> bool:
    """Whether `array` is a torch tensor; nobody has one who has not imported torch, so this does not either."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def _power(x: Array, factor: tuple[tuple[float, ...], ...], scale: float) -> Array:
    """Apply the scaled Kronecker power to the middle axis of (rows, 2^bits, width)."""
    shape, width = x.shape, x.shape[-1]
    for bits in _blocks(number_of_players(shape[1])):
        block = _block(factor, bits, scale, x.dtype, x.device if is_tensor(x) else None)
        # The lowest bits are one product for all rows, the others one for each row.
        x = x.reshape(-1, 2**bits) @ block.T if width == 1 else block @ x.reshape(-1, 2**bits, width)
        width *= 2**bits
        scale = 1
    return x.reshape(shape)


def _blocks(bits: int) -> list[int]:
    """`bits` as a sum of the fewest and most equal terms that a block can hold."""
    count = max(1, -(-bits // _BLOCK_BITS))
    return [(bits + i) // count for i in range(count)]


@functools.lru_cache(maxsize=1024)
def _block(
    factor: tuple, bits: int, scale: float, dtype: Any, device: torch.device | None
) -> np.ndarray | torch.Tensor:
    block = functools.reduce(np.kron, [np.array(factor)] * bits, np.full((1, 1), float(scale)))
    if device is None:
        return block.astype(dtype)
    import torch

    return torch.as_tensor(block, dtype=dtype, device=device)


def _is_faster_in_numpy(x: Array) -> bool:
    """Whether to use numpy on a tensor's memory: on one thread its small products are up to twice as fast."""
    if not is_tensor(x) or not x.is_cpu or x.requires_grad:
        return False
    return sys.modules["torch"].get_num_threads() == 1


def _as_floating(x: Array) -> Array:
    if is_tensor(x):
        torch = sys.modules["torch"]
        return x if x.dtype in (torch.float32, torch.float64) else x.double()
    x = np.asarray(x)
    return x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)


def _empty_like(x: Array) -> Array:
    return x.new_empty(x.shape) if is_tensor(x) else np.empty(x.shape, x.dtype)


def _is_contiguous(x: Array) -> bool:
    return x.is_contiguous() if is_tensor(x) else x.flags.c_contiguous


def _first(x: Array) -> Array:
    """A copy of the entries of the empty coalition."""
    return x[..., 0] + 0


def _transpose(matrix: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(zip(*matrix, strict=True))
