"""Other solutions of the same problem that are nearly as good: how much of one is the solver's choice.

Where w lies between 1 and 1 + δ, whatever minimises Σ_S w(S)·(cost of S) has an unweighted objective of at most 1 + δ
times the optimum. Random weights thus lead to other solutions: far apart ones for a while, which lead away from the
last solution, and then near ones, which lead back to the optimum in another place. The lower bound that is at hand
certifies what comes of it: no other is needed, and so few iterations are enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
import torch

from andor.game.coalitions import number_of_players
from andor.sparsify.admm import Graph, State
from andor.sparsify.polish import REACHES, polish
from andor.sparsify.terms import Terms, transform

MARGIN = 2.0
"""Gap of other solutions, in units of the first one's."""
FAR, AWAY = 1.0, 50
"""δ that leads away, and the iterations of ADMM that it is given."""
SPREAD, BACK = 3.0, (150, 100, 100, 100)
"""δ that leads back, in units of the gap, and the iterations before each attempt to make a sparse point of it. A
smaller one gives solutions that are more alike; what is too far from the optimum is not certified."""


def other_splits(
    terms: Terms,
    values: np.ndarray,
    ends: Sequence[State],
    lower: torch.Tensor,
    gap: float,
    count: int,
    width: int,
) -> Iterator[tuple[torch.Tensor, np.ndarray]]:
    """Feasible splits of other solutions of all samples, float64 (2, B, m, 2^n), and the iterations of each, (B,).

    Parameters
    ----------
    values : (B, m, 2^n); weights are drawn for them, so that neither samples nor models share any
    ends : where ADMM ended, each sample once; overwritten
    lower : bounds of the optimum, (B,)
    gap : of the first solution
    count : number of solutions; each begins where the one before ended
    width : number of samples that are worked on together
    """
    if not count:
        return
    graph = Graph.of(number_of_players(values.shape[-1]), ends[0].shadow.dtype, terms.values.device)
    every = ends[0]
    for end in ends[1:]:
        every = every.join(end)
    states = [every.take(places) for places in torch.arange(len(values), device=lower.device).split(width)]
    for number in range(count):
        split, spent = torch.stack((terms.values, terms.values)), np.zeros(len(values), dtype=int)
        for state in states:
            own = state.samples
            dearer = torch.as_tensor(_dearer(values[own.cpu().numpy()], number), device=lower.device)
            most = lower[own] / (1 - MARGIN * gap)
            split[:, own], spent[own.cpu().numpy()] = _other(graph, state, terms.take(own), dearer, SPREAD * gap, most)
        yield split, spent


def _dearer(values: np.ndarray, number: int) -> np.ndarray:
    """Which coalitions weigh more, a half of all at random: 0 or 1, (2, B, 1, 2^n)."""
    size = values.shape[-1]
    drawn = [np.random.default_rng([number, crc32(own.tobytes())]).integers(2, size=(2, 1, size)) for own in values]
    return np.stack(drawn, axis=1).astype(float)


def _other(
    graph: Graph, state: State, terms: Terms, dearer: torch.Tensor, spread: float, most: torch.Tensor
) -> tuple[torch.Tensor, int]:
    """Sparse splits near weighted optima, of unweighted objectives up to `most` if possible, and the iterations.

    All samples go on until the last of them is there.
    """
    _go_on(graph, state, replace(terms, weights=1 + FAR * dearer), AWAY)
    weighted = replace(terms, weights=1 + spread * dearer)
    split, wanting = torch.stack((terms.values, terms.values)), list(range(len(most)))
    spent = AWAY
    for iterations in BACK:
        _go_on(graph, state, weighted, iterations)
        spent += iterations
        rough = weighted.repair(state.split(graph).double())
        z, forces = state.interactions().double(), state.forces()
        for place in wanting:
            one = slice(place, place + 1)
            split[:, one] = rough[:, one]
            for reach in REACHES:
                split[:, one] = polish(weighted.take(one), z[:, one], forces[:, one], reach, spread, torch.inf)[0]
                if _costs(terms, split, place) <= float(most[place]):
                    break
        wanting = [place for place in wanting if _costs(terms, split, place) > float(most[place])]
        if not wanting:
            break
    return split, spent


def _go_on(graph: Graph, state: State, terms: Terms, iterations: int) -> None:
    state.terms = terms.to(state.shadow.dtype)
    state.run(graph, iterations)


def _costs(terms: Terms, split: torch.Tensor, place: int) -> float:
    """Objective of the split of one sample."""
    one = slice(place, place + 1)
    return float(terms.take(one).objective(transform(split[:, one])))
