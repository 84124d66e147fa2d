"""How numbers are written in the page, and read back: base64 of little-endian arrays.

Which players are in a coalition is a bit each, player 0 the lowest bit of the first byte. An interaction has one more
bit after those of its players, set if it is an OR interaction. Where such bits name something, in addresses and keys,
they are its *code*: as one number, in hexadecimal.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from andor.errors import UserError
from andor.game.coalitions import KINDS, Coalitions
from andor.game.interactions import Interactions
from andor.outputs.stored import DrawnValues

STRONGEST = 2**11
"""Interactions kept of a model, or all salient ones if they are more: for n <= 10 these are all there are."""


def encode_interactions(interactions: Interactions, bound: float, errors: np.ndarray | None = None) -> dict[str, Any]:
    """One model's merged interactions of a sample as the page holds them.

    Parameters
    ----------
    bound : of salience
    errors : standard errors where there are any, shape (1, kinds, C)

    Returns
    -------
    dict
        `codes` (packed bits), `strengths` and, where known, `errors` (base64); `empty` (the constant I(∅)), `nonzero`
        and `salient` (how many there are; the salient ones come first), `bound` (of salience), and `precision`: the
        most that rounding can change a prediction.
    """
    coalitions = interactions.coalitions
    empty = 0.0 if coalitions.empty is None else float(interactions.strengths[0, :, coalitions.empty].sum())
    flat = interactions.magnitude.ravel()
    order = np.argsort(-flat, kind="stable")
    nonzero, salient = int((flat > 0).sum()), int((flat > bound).sum())
    places = order[: max(min(nonzero, STRONGEST), salient)]
    strengths = interactions.strengths.ravel()[places]
    kind, coalition = np.divmod(places, len(coalitions))
    is_or = np.array([KINDS.index(name) for name in interactions.kinds], bool)[kind]
    part = {
        "codes": to_bits(np.column_stack([coalitions.presence[coalition], is_or])),
        "strengths": to_base64(strengths, "<f4"),
        "empty": empty,
        "bound": float(bound),
        "nonzero": nonzero,
        "salient": salient,
        "precision": float(np.abs(strengths - strengths.astype(np.float32)).sum()),
    }
    return part if errors is None else part | {"errors": to_base64(errors.ravel()[places], "<f4")}


def decode_interactions(part: Mapping[str, Any], n: int, key: str = "strengths") -> Interactions:
    """Interactions as the page reads them, the constant at the empty AND coalition; or their `errors`."""
    bits = from_bits(part["codes"], n + 1)
    presence = np.vstack([np.zeros(n, bool), bits[:, :n]])
    coalitions = Coalitions.of_presence(presence)
    strengths = np.zeros((1, len(KINDS), len(coalitions)))
    of_all = np.append(part["empty"] if key == "strengths" else np.nan, np.frombuffer(_octets(part[key]), "<f4"))
    strengths[0, np.append(False, bits[:, n]).astype(int), coalitions.positions(presence)] = of_all
    return Interactions(coalitions, ("",), KINDS, strengths, merged=True)


def encode_drawn(values: Sequence[DrawnValues], source: str) -> dict[str, Any]:
    """Outputs of some models on the drawn coalitions of a sample, those held out after the others.

    Returns
    -------
    dict
        `drawn`: `presence` (packed bits) of the coalitions, and `fitted`, how many of them interactions were fitted to;
        `v`: float32 (M,) of each model, as base64.

    Raises
    ------
    UserError
        If the models were asked on different coalitions; it begins with `source`.
    """
    asked = [np.concatenate([own.presence, own.held_out_presence]) for own in values]
    if any(len(values[0].values) != len(own.values) for own in values) or any(
        not np.array_equal(asked[0], own) for own in asked
    ):
        raise UserError(f"{source}: models have outputs on different coalitions; delete its masked outputs, run again")
    return {
        "drawn": {"presence": to_bits(asked[0]), "fitted": len(values[0].values)},
        "v": [to_base64(np.concatenate([own.values, own.held_out_values]), "<f4") for own in values],
    }


def decode_values(text: str) -> np.ndarray:
    """v as the page reads it: float32 (2^n,), or (M,) on drawn coalitions."""
    return np.frombuffer(_octets(text), "<f4")


def code(players: Iterable[int], n: int, kind: int | None = None) -> str:
    """The code of a coalition, or of an interaction of one of the `KINDS`."""
    return format(sum(1 << int(player) for player in players) + ((kind or 0) << n), "x")


def to_bits(presence: np.ndarray) -> str:
    """Bool (M, n), each row in bytes of its own."""
    return to_base64(np.packbits(presence, axis=1, bitorder="little"), "u1")


def from_bits(text: str, n: int) -> np.ndarray:
    """Bool (M, n)."""
    octets = np.frombuffer(_octets(text), np.uint8).reshape(-1, -(-n // 8))
    return np.unpackbits(octets, axis=1, bitorder="little")[:, :n].astype(bool)


def to_base64(numbers: np.ndarray, dtype: str) -> str:
    """Numbers of this type."""
    return base64.b64encode(np.ascontiguousarray(numbers).astype(dtype).tobytes()).decode("ascii")


def _octets(text: str) -> bytes:
    return base64.b64decode(text)
