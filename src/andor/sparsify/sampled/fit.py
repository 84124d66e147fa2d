"""Sparse interactions of sampled games: the penalty chosen, the solution certified, strengths refitted with errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from andor.errors import UserError
from andor.sparsify.sampled.choice import chosen, parts
from andor.sparsify.sampled.columns import Columns
from andor.sparsify.sampled.others import other_solutions
from andor.sparsify.sampled.path import Path, Point, penalties
from andor.sparsify.sampled.problem import SampledGames
from andor.sparsify.sampled.refit import errors
from andor.sparsify.sampled.restricted import Bounds

RIDGE = 1e-3
"""ρ beside a given penalty."""
GROUPS = 40
"""Groups of coalitions of the jackknife."""
PENALTIES, LEAST = 7, 0.008
"""Penalties that are tried, and the least of them as a share of the largest that leaves anything."""


@dataclass(frozen=True, eq=False)
class Other:
    """Interactions of m models in another solution that is nearly as good, as in `Fit`.

    Its gap is from the lower bound of the first one, and to find it took so many seconds more.
    """

    kinds: np.ndarray
    members: np.ndarray
    strengths: np.ndarray
    constants: np.ndarray
    objective: list[float]
    gap: list[float]
    seconds: float


@dataclass(frozen=True, eq=False)
class Fit:
    """Interactions of m models.

    Attributes
    ----------
    kinds : (W,), 0 AND, 1 OR
    members : bool, (W, n)
    strengths, penalised, errors : (m, W), in units of each model's values; refitted, as solved, and their errors
        With ridge 0 only what stands out of noise is here; the objective and its bound are those of the whole solution.
    constants : (m,), b
    penalty, ridge, objective, lower_bound, gap : of each problem, one for all models or one for each
    order : up to which all coalitions were looked at
    searched : coalitions whose duals were computed in one search
    seconds : of the whole, without `others`
    others : other solutions that are nearly as good
    """

    kinds: np.ndarray
    members: np.ndarray
    strengths: np.ndarray
    penalised: np.ndarray
    errors: np.ndarray
    constants: np.ndarray
    penalty: list[float]
    ridge: list[float]
    objective: list[float]
    lower_bound: list[float]
    gap: list[float]
    order: int
    searched: int
    seconds: float
    others: tuple[Other, ...] = ()

    def predict(self, presence: np.ndarray) -> np.ndarray:
        """Values of all models on coalitions (M, n): (m, M)."""
        columns = Columns(torch.as_tensor(self.kinds), torch.as_tensor(self.members))
        active = columns.design(torch.as_tensor(presence.T.astype(np.float64))).numpy()
        return self.constants[:, None] + self.strengths @ active

    def fidelity(self, model: int, presence: np.ndarray, values: np.ndarray) -> float:
        """R² of the predictions of one model on coalitions (M, n) with its values (M,)."""
        residual = self.predict(presence)[model] - values
        return 1 - float((residual**2).mean() / np.var(values))


def fit(
    games: SampledGames,
    alpha: float | None = 1 / 9,
    order: int | None = 3,
    penalty: float | None = None,
    gap: float = 0.02,
    ridge: float | None = None,
    device: torch.device | str = "cpu",
    with_errors: bool = True,
    others: int = 0,
) -> Fit:
    """Sparse interactions of models, jointly or each alone, proven near the optimum over all coalitions up to an order.

    Parameters
    ----------
    games : values on coalitions
    alpha : weight of the sum against the maximum over models; None for each model alone
    order : of the largest coalitions looked at; all if None
    penalty : λ; chosen over folds of the coalitions if None
    gap : relative gap of the solution
    ridge : ρ of `Squares.refitted` beside a given penalty; `RIDGE` if None, 0 for least squares on what stands
        out of noise
    with_errors : whether standard errors are wanted; NaN if not
    others : number of other solutions that are looked for, certified to twice the gap
    """
    began = time.perf_counter()
    order = games.players if order is None else min(order, games.players)
    if order < 1:
        raise UserError(f"order is {order}; give 1 or more")
    if alpha is None and games.models > 1:
        fits = [fit(game, None, order, penalty, gap, ridge, device, with_errors, others) for game in games.alone()]
        return _together(fits)
    weights = (0.0, 1.0) if alpha is None or np.isinf(alpha) else (1.0, float(alpha))
    path = Path(games, order, weights, device)
    if penalty is None:
        penalty, ridge, columns = chosen(path, penalties(path.largest_penalty(), PENALTIES, LEAST), gap)
        path.begin_with(columns)
    elif ridge is None:
        ridge = RIDGE
    point = path.solve(penalty, gap, proven=True)
    found = _refitted(path, point, ridge, began, with_errors)
    return replace(found, others=tuple(_others(path, point, ridge, gap, others)))


def _refitted(path: Path, point: Point, ridge: float, began: float, with_errors: bool) -> Fit:
    """The solution of a problem with its strengths refitted, in units of the values."""
    games = path.games
    used, strengths, designs, constants = _in_use(path, ridge)
    columns, x = path.columns.take(used), path.x[:, used].where(strengths != 0, 0)
    spread = torch.full_like(x, torch.nan)
    if with_errors:
        groups = [torch.as_tensor(part) for part in parts(games, min(GROUPS, len(games.values[0]) // 2))]
        each = zip(designs, path.values, x if ridge else strengths, groups, strict=True)
        spread = torch.stack([errors(design, v, own, ridge, group) for design, v, own, group in each])
    scales = games.scales[:, None]
    return Fit(
        columns.kinds.cpu().numpy(), columns.members.cpu().numpy(),
        _scaled(strengths, scales), _scaled(x, scales), _scaled(spread, scales),
        constants,
        [point.penalty], [ridge], [point.bounds.objective], [point.bounds.lower], [point.bounds.gap],
        path.order, point.searched, time.perf_counter() - began,
    )  # fmt: skip


def _others(path: Path, point: Point, ridge: float, gap: float, count: int) -> Iterator[Other]:
    """Other solutions, refitted, in units of the values."""
    began = time.perf_counter()
    for objective in other_solutions(path, point, gap, count):
        yield _other(path, ridge, replace(point.bounds, objective=objective), began)
        began = time.perf_counter()


def _other(path: Path, ridge: float, bounds: Bounds, began: float) -> Other:
    """The solution at which a path is."""
    used, strengths, _, constants = _in_use(path, ridge)
    columns = path.columns.take(used)
    return Other(
        columns.kinds.cpu().numpy(), columns.members.cpu().numpy(),
        _scaled(strengths, path.games.scales[:, None]), constants,
        [bounds.objective], [bounds.gap], time.perf_counter() - began,
    )  # fmt: skip


def _in_use(path: Path, ridge: float) -> tuple[Tensor, Tensor, list[Tensor], np.ndarray]:
    """Which columns of a path are in use, their refitted strengths (m, W), designs, and each model's constant b, (m,).

    Strengths are in the units of the path, constants in those of the values.
    """
    strengths = path.refitted(ridge)
    used = (strengths != 0).any(0)
    designs, strengths = [own[used] for own in path.designs], strengths[:, used]
    constants = [
        float(v.mean() - own @ design.mean(1, dtype=own.dtype))
        for design, v, own in zip(designs, path.values, strengths, strict=True)
    ]
    return used, strengths, designs, np.array(constants) * path.games.scales


def _scaled(array: Tensor, scales: np.ndarray) -> np.ndarray:
    return array.cpu().numpy() * scales


def _together(fits: Sequence[Fit]) -> Fit:
    """Solutions of single models side by side, and of their other solutions the first beside the first."""
    kinds, members, spread = _side_by_side(fits)
    joined = {
        name: [number for one in fits for number in getattr(one, name)]
        for name in ("penalty", "ridge", "objective", "lower_bound", "gap")
    }
    return Fit(
        kinds, members, spread([one.strengths[0] for one in fits]),
        spread([one.penalised[0] for one in fits]), spread([one.errors[0] for one in fits]),
        np.concatenate([one.constants for one in fits]), **joined, order=fits[0].order,
        searched=max(one.searched for one in fits), seconds=sum(one.seconds for one in fits),
        others=tuple(_others_together(several) for several in zip(*(one.others for one in fits), strict=False)),
    )  # fmt: skip


def _others_together(several: Sequence[Other]) -> Other:
    kinds, members, spread = _side_by_side(several)
    return Other(
        kinds, members, spread([one.strengths[0] for one in several]),
        np.concatenate([one.constants for one in several]),
        [number for one in several for number in one.objective],
        [number for one in several for number in one.gap], sum(one.seconds for one in several),
    )  # fmt: skip


def _side_by_side(
    several: Sequence[Fit | Other],
) -> tuple[np.ndarray, np.ndarray, Callable[[Sequence[np.ndarray]], np.ndarray]]:
    """All interactions that any of several has, and what spreads a row of each over them: (m, W)."""
    rows = np.concatenate([np.column_stack([one.kinds, one.members]) for one in several])
    every, place = np.unique(rows, axis=0, return_inverse=True)
    places = np.split(place, np.cumsum([len(one.kinds) for one in several])[:-1])

    def spread(given: Sequence[np.ndarray]) -> np.ndarray:
        wide = np.zeros((len(several), len(every)))
        for row, own, strengths in zip(wide, places, given, strict=True):
            row[own] = strengths
        return wide

    return every[:, 0], every[:, 1:].astype(bool), spread
