"""What can be claimed of the interactions that an ensemble shares: the claims of its games, and their nulls."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from andor.analysis.families import Claim, Family, Null
from andor.analysis.placements import Placed
from andor.report.tables.games import Game, Games

CLAIMS = {"agree": "renaming", "combinations": "importance", "exchange": "exchange"}
"""Claims about shared interactions, each with the null hypothesis that it is made against.

`agree`: the models agree at all. `combinations`: they agree in which players act together, beyond which players matter.
`exchange`: they agree beyond what they show on other samples; its list is held to the null of `agree` as well, for an
accident of one sample is beyond other samples too.
"""
FEWEST = 20
"""Draws of each model below which extracted null games give a number to compare with, and no list."""
LEAST_ORDERS = {"agree": (1, 2), "combinations": (2,), "exchange": (1, 2)}
"""Least orders of the interactions that a claim is about; of the first there is a list."""
NO_EXTRACTION = "models explained together would have to be explained again, by outputs that no model has"


@dataclass(frozen=True, eq=False)
class Claims:
    """The claims of an ensemble under one method.

    Attributes
    ----------
    games : the models' interactions
    drawn : those of null games by null, where models were explained together, so that each was extracted; else None
    same_number : whether every sample has as many players, so that samples can stand in for each other
    seed : of draws
    """

    games: Games
    drawn: Mapping[str, Sequence[Games]] | None
    same_number: bool
    seed: int

    @functools.cached_property
    def by_name(self) -> dict[tuple[str, int], Claim]:
        """Every claim, by its name and least order."""
        every = family(self.games)
        of_order = {least: every.of_orders(least) for least in (1, 2)}
        claims: dict[tuple[str, int], Claim] = {}
        for name, several in LEAST_ORDERS.items():
            for least in several:
                null = self._null(CLAIMS[name], of_order[least], least)
                within = claims["agree", least] if name == "exchange" else None
                claims[name, least] = Claim(of_order[least], null, within)
        return claims

    @functools.cached_property
    def _families(self) -> dict[str, list[Family]]:
        """The salient interactions of each extracted null game, by null."""
        return {null: [family(one) for one in several] for null, several in (self.drawn or {}).items()}

    def _null(self, null: str, own: Family, least: int) -> Null:
        kinds, samples = len(self.games.samples[0].interactions.kinds), len(self.games.samples)
        if null == "exchange" and (not self.same_number or samples < 2):
            return Null.without("no sample can stand in for another one")
        if self.drawn is not None:
            return self._of_drawn(null, own, least)
        if null == "exchange":
            return own.exchange(kinds, self.seed)
        return own.renaming(self.seed) if null == "renaming" else own.importance(self.seed)

    def _of_drawn(self, null: str, own: Family, least: int) -> Null:
        """From games whose interactions were extracted: each draw is of one model, in turn."""
        if null not in self._families:
            return Null.without(NO_EXTRACTION)
        shared = [one.of_orders(least).shared for one in self._families[null]]
        if not shared:
            return Null.without("no null games of this kind were drawn (`nulls`)")
        models = len(own.models)
        if models > 2 and null == "exchange":
            return Null.without("its null games exchange the samples of all models but one at once")
        # Of two models, moving one against the other or the other against the one is the same.
        drawn = [shared] if models == 2 else [shared[model::models] for model in range(models)]
        known = Null.of_draws(drawn, own.shared)
        if min(map(len, drawn)) >= FEWEST:
            return known
        return replace(known, expected=np.full_like(known.expected, math.inf), least=math.inf)

    @functools.cached_property
    def rates(self) -> dict[str, list[np.ndarray]]:
        """False discovery rates of each claim's list, by its name: (kinds, C) for each sample, NaN if not shared."""
        return {name: self.spread(self.by_name[name, least]) for name, (least, *_) in LEAST_ORDERS.items()}

    def spread(self, claim: Claim) -> list[np.ndarray]:
        """Rates of a claim about interactions of these games: (kinds, C) for each sample, NaN if not shared."""
        of_cells = iter(zip(claim.family.shared_by_cell, claim.family.by_cell(claim.rates), strict=True))
        spread = []
        for game in self.games.samples:
            rates = np.full(game.shared.shape, math.nan)
            for of_kind in rates:
                cell, values = next(of_cells)
                of_kind[game.coalitions.positions(cell.presence)] = values
            spread.append(rates)
        return spread


def family(games: Games) -> Family:
    """The salient interactions of games, a cell for each sample and kind."""
    return Family([cell for game in games.samples for cell in _cells(game)])


def _cells(game: Game) -> list[list[Placed]]:
    """Salient interactions of each kind and model, in shares of the model's standard."""
    presence = game.coalitions.presence
    return [
        [
            Placed(presence[own], game.strengths[model, kind, own] / game.standard[model])
            for model, own in enumerate(game.salient[:, kind])
        ]
        for kind in range(len(game.interactions.kinds))
    ]
