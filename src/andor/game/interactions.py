"""The interactions of one sample: strengths of some models, by kind, on a list of coalitions."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from andor.game.coalitions import KINDS, Coalitions, number_of_players

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Interactions:
    """The interactions of several models in one sample; what is not on the list of coalitions is 0.

    The empty coalition holds the background, and is no interaction: it is in no set, and has no magnitude. Sets of
    interactions are plain arrays beside them; bool, shape (m, kinds, C).

    Attributes
    ----------
    coalitions : C of them
    models : names of the m models
    kinds : "and", "or" or both
    strengths : I, shape (m, kinds, C), float64; float32 where they were stored so
    merged : whether OR interactions of orders <= 1 stand with the AND ones
    order : the largest that was looked for; all if None
    """

    coalitions: Coalitions
    models: tuple[str, ...]
    kinds: tuple[str, ...]
    strengths: np.ndarray
    merged: bool = False
    order: int | None = None

    def __post_init__(self) -> None:
        wanted = (len(self.models), len(self.kinds), len(self.coalitions))
        if self.strengths.shape != wanted:
            raise ValueError(
                f"strengths have the shape {self.strengths.shape}, their models, kinds, coalitions {wanted}"
            )

    @classmethod
    def of_dense(
        cls, strengths: np.ndarray, models: Sequence[str], kinds: Sequence[str] = KINDS, merged: bool = False
    ) -> Interactions:
        """Interactions from an array over all coalitions, shape (m, kinds, 2^n).

        Raises
        ------
        UserError
            If the last axis is no power of two.
        """
        n = number_of_players(strengths.shape[-1])
        return cls(Coalitions.all(n), tuple(models), tuple(kinds), strengths, merged)

    @classmethod
    def together(cls, parts: Sequence[Interactions]) -> Interactions:
        """Interactions of several models in the same sample, side by side.

        Raises
        ------
        ValueError
            If they have not the same kinds, or only some are merged.
        """
        if len({(part.kinds, part.merged) for part in parts}) > 1:
            raise ValueError("interactions side by side are of the same kinds, and all merged or none")
        parts = aligned(parts)
        models = tuple(model for part in parts for model in part.models)
        return replace(parts[0], models=models, strengths=np.concatenate([part.strengths for part in parts]))

    def __repr__(self) -> str:
        n, flat = self.coalitions.n, self.magnitude.ravel()
        said = []
        for place in np.argsort(-flat, kind="stable")[: min(5, np.count_nonzero(flat))]:
            i, j, coalition = np.unravel_index(place, self.magnitude.shape)
            (name,) = self.coalitions.take([coalition]).names([str(player) for player in range(n)])
            said.append(f"{self.kinds[j].upper()} {name} {self.strengths[i, j, coalition]:+.4g} ({self.models[i]})")
        return (
            f"<Interactions of {n} players in {', '.join(self.models)}: {np.count_nonzero(flat)} are not 0, "
            f"on {len(self.coalitions)} coalitions{'; strongest ' if said else ''}{', '.join(said)}>"
        )

    # ------------------------------------------------------------------------------------------------ what they are

    @functools.cached_property
    def magnitude(self) -> np.ndarray:
        """|I|, and 0 for the empty coalition; the shape of `strengths`."""
        return without_empty(np.abs(self.strengths), self.coalitions.empty)

    @functools.cached_property
    def possible(self) -> np.ndarray:
        """Number of coalitions that can hold an interaction of each kind; float64, shape (kinds,)."""
        return np.array([float(self.coalitions.possible(kind, up_to=self.order)) for kind in self.kinds])

    def nonzero(self) -> np.ndarray:
        """Which coalitions have a strength in any model and kind; bool, shape (C,)."""
        return (self.strengths != 0).any((0, 1))

    def dense(self) -> np.ndarray:
        """Strengths on all coalitions, shape (m, kinds, 2^n)."""
        return self.on(Coalitions.all(self.coalitions.n)).strengths

    def predict(self, presence: np.ndarray) -> np.ndarray:
        """What the interactions add up to where these players are present: bool (M, n) to float64 (m, M).

        An AND interaction counts where all of its players are present, an OR interaction where any of them is.
        """
        members = self.coalitions.presence.T.astype(np.float32)
        count, size = presence.astype(np.float32) @ members, self.coalitions.orders
        active = np.stack([count == size, count > 0])[[KINDS.index(kind) for kind in self.kinds]]
        return np.einsum("mkc,kjc->mj", self.strengths, active.astype(float))

    def frame(self, player_names: Sequence[str] | None = None) -> pd.DataFrame:
        """A row for each model, kind and coalition: `model`, `kind`, `coalition`, `order`, `strength`.

        Parameters
        ----------
        player_names : by which coalitions are called; the players' numbers by default
        """
        import pandas as pd

        m, kinds, count = self.strengths.shape
        names = self.coalitions.names(player_names or [str(player) for player in range(self.coalitions.n)])
        return pd.DataFrame(
            {
                "model": np.repeat(np.array(self.models, dtype=object), kinds * count),
                "kind": np.tile(np.repeat(np.array(self.kinds, dtype=object), count), m),
                "coalition": np.tile(np.array(names, dtype=object), m * kinds),
                "order": np.tile(self.coalitions.orders, m * kinds),
                "strength": self.strengths.ravel(),
            }
        )

    # ----------------------------------------------------------------------------------------------- sets of them

    @functools.cached_property
    def _ranks(self) -> np.ndarray:
        return ranks(self.magnitude)

    def strongest(self, k: int) -> np.ndarray:
        """The k strongest of each model and kind, or fewer where fewer are not 0; ties go to the smaller mask."""
        return (self._ranks < k) & (self.magnitude > 0)

    def salient(self, bound: np.ndarray) -> np.ndarray:
        """Set of interactions above their model's bound, shape (m,); bool, shape (m, kinds, C)."""
        return self.magnitude > bound[:, None, None]

    # -------------------------------------------------------------------------------------------- others from them

    def merge(self) -> Interactions:
        """Interactions with OR of orders <= 1 added to AND, and with rounding errors set to 0.

        With one player or none there is nothing between AND and OR: both are there exactly if the player is, and both
        empty ones are constants. Masked outputs stay the same. An interaction is a signed sum of values; what is below
        C * machine epsilon of the largest of its model is what rounding left of a 0, and would fill up sets.
        """
        if self.merged:
            return self
        if "and" not in self.kinds:
            raise ValueError("OR interactions of orders <= 1 cannot be merged without AND interactions")
        strengths = self.strengths.copy()
        if "or" in self.kinds:
            low = self.coalitions.orders <= 1
            strengths[:, 0, low] += strengths[:, 1, low]
            strengths[:, 1, low] = 0
        size = np.abs(strengths)
        noise = size.max((-2, -1), keepdims=True, initial=0) * size.shape[-1] * np.finfo(np.float64).eps
        return replace(self, strengths=np.where(size > noise, strengths, 0.0), merged=True)

    def compact(self) -> Interactions:
        """Interactions on the coalitions that are not 0 in every model and kind."""
        return self.take(self.nonzero())

    def take(self, places: np.ndarray) -> Interactions:
        """Interactions on some of the coalitions: their places in ascending order, or a bool for each."""
        return replace(self, coalitions=self.coalitions.take(places), strengths=self.strengths[..., places])

    def on(self, coalitions: Coalitions) -> Interactions:
        """The same on another list of coalitions: 0 for what is there alone."""
        if coalitions == self.coalitions:
            return self
        return replace(self, coalitions=coalitions, strengths=self.coalitions.spread(self.strengths, coalitions))

    def of_models(self, names: Sequence[str]) -> Interactions:
        """Interactions of some models, in the order named."""
        places = [self.models.index(name) for name in names]
        return replace(self, models=tuple(names), strengths=self.strengths[places])

    def of_kinds(self, kinds: Sequence[str]) -> Interactions:
        """Interactions of some kinds, in the order named."""
        places = [self.kinds.index(kind) for kind in kinds]
        return replace(self, kinds=tuple(kinds), strengths=self.strengths[:, places])

    def renamed(self, permutations: Sequence[Sequence[int]]) -> Interactions:
        """Interactions after each model's players got new numbers, on the coalitions that are not 0.

        Parameters
        ----------
        permutations : for each model, the new number of each player
        """
        parts = []
        for model, permutation in zip(self.models, permutations, strict=True):
            own = self.of_models([model]).compact()
            coalitions, former = own.coalitions.renamed(permutation)
            parts.append(replace(own, coalitions=coalitions, strengths=own.strengths[..., former]))
        return Interactions.together(parts)


def aligned(several: Sequence[Interactions]) -> list[Interactions]:
    """Interactions of several samples or models on one list of coalitions: all that any of them has."""
    coalitions = several[0].coalitions.union(*(one.coalitions for one in several[1:]))
    return [one.on(coalitions) for one in several]


def without_empty(values: np.ndarray, empty: int | None) -> np.ndarray:
    """Values with a 0 in the place of the empty coalition, if there is one; changed in place."""
    if empty is not None:
        values[..., empty] = 0
    return values


def ranks(strength: np.ndarray) -> np.ndarray:
    """Rank of each entry of the last axis, 0 being the strongest; ties go to the earlier place. Same shape."""
    places = np.argsort(-strength, axis=-1, kind="stable")
    ranked = np.empty_like(places)
    np.put_along_axis(ranked, places, np.arange(strength.shape[-1]), axis=-1)
    return ranked
