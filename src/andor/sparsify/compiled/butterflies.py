"""Kronecker powers of small matrices on rows of 2^n numbers, in the processor's vectors.

numba's own loops over a row that is both read and written are not turned into vector instructions. So what is done to a
few vectors of a row is written in LLVM's language here, for any processor; the loops around it are numba's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import literally, njit, types
from numba.extending import intrinsic

from andor.sparsify.compiled.compiling import INNER

BYTES = 32  # of a vector


@njit(**INNER)
def reflect(row, g):
    """Apply the Kronecker power of [[1, g], [g, −1]] to a row of 2^n >= 8 numbers, in place."""
    _all_bits(row, g, 0)


@njit(**INNER)
def accumulate(row):
    """Sums over subsets, the Kronecker power of [[1, 0], [1, 1]], of a row of 2^n >= 8 numbers, in place."""
    _all_bits(row, row.dtype.type(0), 1)


@njit(**INNER)
def difference(row):
    """The inverse of `accumulate`, the Kronecker power of [[1, 0], [−1, 1]], in place."""
    _all_bits(row, row.dtype.type(0), 2)


@njit(**INNER)
def _all_bits(row, g, sums):
    literally(sums)
    size, lanes = row.shape[0], BYTES // row.itemsize
    height, bits = lanes, 0
    while lanes << bits < size:
        bits += 1
    # The bits within a vector and so many others that those that are left come in threes.
    if bits % 3 == 1:
        for first in range(0, size, 2 * lanes):
            _turn(row, first, lanes, 1, 1, sums, g)
        height *= 2
    elif bits % 3 == 2:
        for first in range(0, size, 4 * lanes):
            _turn(row, first, lanes, 2, 1, sums, g)
        height *= 4
    else:
        for first in range(0, size, lanes):
            _turn(row, first, lanes, 0, 1, sums, g)
    while height < size:
        for block in range(0, size, 8 * height):
            for first in range(block, block + height, lanes):
                _turn(row, first, height, 3, 0, sums, g)
        height *= 8


@intrinsic(prefer_literal=True)
def _turn(
    context: Any, row: Any, first: Any, stride: Any, bits: Any, within: Any, sums: Any, g: Any
) -> tuple[Any, Callable]:
    """2^bits vectors of a row, `stride` apart: butterflies between them and, if asked for, within each."""

    def generate(target: Any, builder: Any, signature: Any, arguments: list[Any]) -> Any:
        array = target.make_array(row)(target, builder, arguments[0])
        element = target.get_data_type(row.dtype)
        size = target.get_abi_sizeof(element)
        vectors = _Vectors(builder, element, BYTES // size, sums.literal_value, arguments[6])
        places, place = [], arguments[1]
        for _ in range(2**bits.literal_value):
            places.append(builder.bitcast(builder.gep(array.data, [place]), vectors.type.as_pointer()))
            place = builder.add(place, arguments[2])
        values = [builder.load(place, align=size) for place in places]
        if within.literal_value:
            values = [vectors.turned_within(value) for value in values]
        for bit in range(bits.literal_value):
            values = vectors.turned_between(values, bit)
        for value, place in zip(values, places, strict=True):
            builder.store(value, place, align=size)
        return target.get_dummy_value()

    return types.void(row, types.intp, types.intp, bits, within, sums, row.dtype), generate


class _Vectors:
    """Operations on vectors of so many lanes: 0 for reflections, all with the same g, 1 for sums, 2 for differences."""

    def __init__(self, builder: Any, element: Any, lanes: int, sums: int, g: Any):
        self.builder, self.lanes, self.type = builder, lanes, ir.VectorType(element, lanes)
        self.nothing = ir.Constant(self.type, [0.0] * lanes)
        self.onto = {1: builder.fadd, 2: builder.fsub}.get(sums)
        one = builder.insert_element(self.nothing, g, ir.Constant(ir.IntType(32), 0))
        self.g = self._shuffled(one, [0] * lanes)

    def turned_within(self, x: Any) -> Any:
        """Butterflies between the lanes of one vector."""
        bit = 1
        while bit < self.lanes:
            if self.onto:
                lower = self._shuffled(x, [lane ^ bit if lane & bit else self.lanes for lane in range(self.lanes)])
                x = self.onto(x, lower)
            else:
                signs = ir.Constant(self.type, [-1.0 if lane & bit else 1.0 for lane in range(self.lanes)])
                partner = self._shuffled(x, [lane ^ bit for lane in range(self.lanes)])
                x = self._plus(self._times(signs, x), self._times(self.g, partner))
            bit *= 2
        return x

    def turned_between(self, values: list[Any], bit: int) -> list[Any]:
        """Butterflies between vectors whose numbers differ in one bit."""
        turned = list(values)
        for low, high in ((k, k | 1 << bit) for k in range(len(values)) if not k >> bit & 1):
            if self.onto:
                turned[high] = self.onto(values[high], values[low])
            else:
                turned[low] = self._plus(values[low], self._times(self.g, values[high]))
                turned[high] = self.builder.fsub(self._times(self.g, values[low]), values[high], flags=("contract",))
        return turned

    def _plus(self, a: Any, b: Any) -> Any:
        return self.builder.fadd(a, b, flags=("contract",))

    def _times(self, a: Any, b: Any) -> Any:
        return self.builder.fmul(a, b, flags=("contract",))

    def _shuffled(self, x: Any, lanes: list[int]) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), lanes)
        return self.builder.shuffle_vector(x, self.nothing, mask)
