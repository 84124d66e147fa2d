"""Sampled games: values of several models on lists of coalitions, and the sparse AND-OR interactions that fit them.

With u_i the values of model i in units of their standard deviation, over all coalitions T of order 1…d (OR from 2),

    min Σ_i ½·mean_j [u_i(S_ij) − b_i − Σ_T I_and,i(T)·[T ⊆ S_ij] − Σ_T I_or,i(T)·[T ∩ S_ij ≠ ∅]]²
        + λ Σ_T {max_i |I_i(T)| + α Σ_i |I_i(T)|}      (AND plus OR; one model alone: λ Σ |I|).

It is the problem of Chen et al. (ICLR 2024, Eq 6) seen from the other side: there a split v_and + v_or = v + ε with γ
free chooses a sparse AND-OR representation, here the representation itself is sought.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from andor.errors import UserError

LEAST = 8
"""Fewest coalitions that say anything."""


@dataclass(frozen=True, eq=False)
class SampledGames:
    """Values of m models on coalitions of n players.

    Attributes
    ----------
    presence : bool, (M, n) for all models, or one such array for each
        Which player is in which coalition.
    values : float, (M,) for each model

    Raises
    ------
    UserError
        If shapes do not fit, a coalition comes twice with different values, a number is not finite or a model's values
        are all the same.
    """

    presence: Sequence[np.ndarray]
    values: Sequence[np.ndarray]

    def __post_init__(self) -> None:
        values = [np.asarray(v, dtype=np.float64) for v in self.values]
        given = self.presence
        if isinstance(given, np.ndarray) and given.ndim == 2:
            given = [given] * len(values)
        known: dict[bytes, np.ndarray] = {}  # equal arrays become one: what is computed from them is computed once
        presence = [known.setdefault(own.tobytes(), own) for own in map(_presence, given)]
        if not values or len(presence) != len(values):
            raise UserError(f"presence is of {len(presence)} models, values are of {len(values)}; give as many")
        for model, (own, v) in enumerate(zip(presence, values, strict=True)):
            _check(own, v, f"model {model}")
            if own.shape[1] != presence[0].shape[1]:
                raise UserError(f"model {model} has {own.shape[1]} players, the first has {presence[0].shape[1]}")
        object.__setattr__(self, "presence", presence)
        object.__setattr__(self, "values", values)

    @property
    def players(self) -> int:
        """n."""
        return self.presence[0].shape[1]

    @property
    def models(self) -> int:
        """m."""
        return len(self.values)

    @cached_property
    def scales(self) -> np.ndarray:
        """Standard deviation of each model's values, (m,)."""
        return np.array([v.std() for v in self.values])

    def part(self, chosen: Sequence[np.ndarray]) -> SampledGames:
        """The games on some coalitions of each model, bool (M_i,), in the units of the whole; not checked again."""
        part, made = object.__new__(SampledGames), {}
        keys = [(id(own), which.tobytes()) for own, which in zip(self.presence, chosen, strict=True)]
        for key, own, which in zip(keys, self.presence, chosen, strict=True):
            made.setdefault(key, own[which])
        object.__setattr__(part, "presence", [made[key] for key in keys])
        object.__setattr__(part, "values", [v[which] for v, which in zip(self.values, chosen, strict=True)])
        part.__dict__["scales"] = self.scales
        return part

    def alone(self) -> list[SampledGames]:
        """The game of each model."""
        pairs = zip(self.presence, self.values, strict=True)
        return [SampledGames([presence], [values]) for presence, values in pairs]


def _presence(presence: np.ndarray) -> np.ndarray:
    array = np.asarray(presence)
    if array.ndim != 2 or 0 in array.shape:
        raise UserError(f"presence has shape {array.shape}; give (coalitions, players)")
    if array.dtype != bool and not np.isin(array, (0, 1)).all():
        raise UserError("presence holds other numbers than 0 and 1; say of each player whether it is in the coalition")
    return np.ascontiguousarray(array.astype(bool))


def _check(presence: np.ndarray, values: np.ndarray, name: str) -> None:
    if values.shape != presence.shape[:1]:
        raise UserError(f"{name} has values of shape {values.shape} for {len(presence)} coalitions; give one for each")
    if len(values) < LEAST:
        raise UserError(f"{name} has {len(values)} coalitions, which say nothing; give {LEAST} or more")
    if not np.isfinite(values).all():
        raise UserError(
            f"{name} has the value {values[~np.isfinite(values)][0]} at coalition "
            f"{int(np.flatnonzero(~np.isfinite(values))[0])}; give finite numbers"
        )
    if values.std() <= 1e-12 * np.abs(values).max(initial=0):
        raise UserError(f"{name} has the same value on all coalitions: there is nothing to explain")
    _, place = np.unique(np.packbits(presence, axis=1), axis=0, return_inverse=True)
    least, most = np.full(place.max() + 1, np.inf), np.full(place.max() + 1, -np.inf)
    np.minimum.at(least, place, values)
    np.maximum.at(most, place, values)
    unlike = int((most - least > 1e-3 * values.std()).sum())
    if unlike:
        raise UserError(f"{name} has {unlike} coalitions that come twice with different values; give each one value")
