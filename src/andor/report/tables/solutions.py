"""How much of what is found is the solver's choice: what other solutions that are nearly as good say of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from andor.report.tables.games import Game


def stability(game: Game, others: Sequence[Game]) -> np.ndarray:
    """Share of all solutions, the first among them, in which each interaction is shared; (kinds, C).

    NaN for what is not shared in the first, and where there is no other. It tells what the problem leaves open, not
    truth from accident: an accident of the values is in every solution.
    """
    if not others:
        return np.full(game.shared.shape, np.nan)
    kept = [game.shared, *(other.interactions.coalitions.spread(other.shared, game.coalitions) for other in others)]
    return np.where(game.shared, np.mean(kept, axis=0), np.nan)


def deviation(game: Game, others: Sequence[Game]) -> np.ndarray | None:
    """The most by which other solutions differ in each strength, (m, kinds, C); None if there are none."""
    if not others:
        return None
    strengths = [other.interactions.on(game.coalitions).strengths for other in others]
    return np.abs(np.stack(strengths) - game.strengths).max(0)
