"""How well interactions predict what was held out: all of them, the strongest, those of few players.

R² on what was held out is the share of the variance there that is predicted. By order: of a fit of its own that looks
no further, so that order 1 is the best that attributions to single players can do. By number: of the strongest
interactions, refitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from andor.sparsify.sampled.columns import Columns
from andor.sparsify.sampled.fit import Fit, fit
from andor.sparsify.sampled.problem import SampledGames
from andor.sparsify.sampled.refit import LEAST
from andor.sparsify.sampled.restricted import Moments, Squares

HeldOut = Sequence[tuple[np.ndarray, np.ndarray]]
"""Of each model, coalitions (M, n) and its values (M,)."""
NUMBERS = (0, 1, 2, 5, 10, 20, 50, 100, 200)
"""Numbers of interactions that are kept."""


def judged(games: SampledGames, found: Fit, held_out: HeldOut, **settings: Any) -> dict[str, Any]:
    """R² of each model on what was held out.

    Parameters
    ----------
    found : the fit to the games
    settings : keywords of `andor.sparsify.sampled.fit.fit` that it was made with, `order` among them

    Returns
    -------
    dict
        `fidelity`, one number a model; `by_order` and `by_number`, such lists by the largest order and by how many of
        the strongest are kept. None of them if nothing was held out.
    """
    if not all(len(values) for _, values in held_out):
        return {}
    found_all = [found.fidelity(model, *own) for model, own in enumerate(held_out)]
    by_order = {}
    for order in range(1, min(found.order, 3)):
        lower = fit(games, **{**settings, "order": order}, with_errors=False)
        by_order[order] = [lower.fidelity(model, *own) for model, own in enumerate(held_out)]
    return {
        "fidelity": found_all,
        "by_order": {**by_order, found.order: found_all},
        "by_number": _by_number(games, found, held_out),
    }


def _by_number(games: SampledGames, found: Fit, held_out: HeldOut) -> dict[int, list[float]]:
    """R² of the strongest interactions of each model, refitted, by how many are kept; up to as many as there are."""
    most = int((found.penalised != 0).sum(1).max())
    return {
        number: [_of_strongest(games, found, model, number, *own) for model, own in enumerate(held_out)]
        for number in NUMBERS
        if number <= most
    }


def _of_strongest(
    games: SampledGames, found: Fit, model: int, number: int, presence: np.ndarray, values: np.ndarray
) -> float:
    strongest = np.argsort(-np.abs(found.strengths[model]), kind="stable")[:number]
    columns = Columns(torch.as_tensor(found.kinds[strongest]), torch.as_tensor(found.members[strongest]))
    ridge = found.ridge[model if len(found.ridge) > 1 else 0]
    strengths, constant = _refitted(columns, games, model, found.strengths[model, strongest], ridge)
    predicted = constant + strengths @ columns.design(torch.as_tensor(presence.T, dtype=torch.float64)).numpy()
    return 1 - float(((predicted - values) ** 2).mean() / values.var())


def _refitted(
    columns: Columns, games: SampledGames, model: int, strengths: np.ndarray, ridge: float
) -> tuple[np.ndarray, float]:
    """Strengths of some interactions by least squares, drawn towards given ones, and the constant beside them."""
    values = torch.as_tensor(games.values[model])
    moments = Moments.of(columns.design(torch.as_tensor(games.presence[model].T, dtype=torch.float64)), values)
    start = torch.as_tensor(strengths)
    fitted = Squares.of([moments]).refitted(start[None], max(ridge, LEAST))[0] if len(start) else start
    return fitted.numpy(), float(moments.constant(fitted))
