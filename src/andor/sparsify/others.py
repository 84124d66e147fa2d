"""Other solutions of the same problem that are nearly as good: how much of one is the solver's choice.

Where h is the objective and w between 1 and 1 + δ, whatever minimises Σ_S w(S) h(S) has an unweighted objective of at
most 1 + δ times the optimum. Random weights thus lead to other solutions, and the lower bound that is at hand certifies
each of them: none needs a bound of its own, and so few iterations are enough, from where the last solution ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
import torch

from andor.game.coalitions import number_of_players
from andor.sparsify.admm import Graph, State, one_thread
from andor.sparsify.polish import REACHES, polish
from andor.sparsify.terms import Terms, transform

MARGIN = 2.0
"""Gap of other solutions, in units of the first one's."""
SPREAD = 3.0
"""δ in units of the gap: more than can be promised, as far as what comes of it is certified."""
ITERATIONS = 200
"""Of ADMM for each. On the games of benchmarks/sparsify.py half as many leave one solution in four outside the gap."""


def other_splits(
    terms: Terms,
    values: np.ndarray,
    ends: Sequence[State],
    lower: torch.Tensor,
    gap: float,
    count: int,
    width: int,
) -> Iterator[torch.Tensor]:
    """Feasible splits of other solutions of all samples, float64 (2, B, m, 2^n) each.

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
        split = torch.stack((terms.values, terms.values))
        for state in states:
            own = state.samples
            weights = torch.as_tensor(_weights(values[own.cpu().numpy()], number, SPREAD * gap), device=lower.device)
            weighted = replace(terms.take(own), weights=weights)
            split[:, own] = _other(graph, state, weighted, lower[own] / (1 - MARGIN * gap))
        yield split


def _weights(values: np.ndarray, number: int, spread: float) -> np.ndarray:
    """Weights 1 or 1 + spread of all coalitions, at random: (2, B, 1, 2^n)."""
    size = values.shape[-1]
    drawn = [np.random.default_rng([number, crc32(own.tobytes())]).integers(2, size=(2, 1, size)) for own in values]
    return 1 + spread * np.stack(drawn, axis=1)


def _other(graph: Graph, state: State, weighted: Terms, most: torch.Tensor) -> torch.Tensor:
    """Sparse splits near the optimum of weighted problems, with unweighted objectives of at most `most` if possible."""
    state.terms = weighted.to(state.shadow.dtype)
    with one_thread():
        for _ in range(ITERATIONS):
            state.step(graph)
    plain, split = replace(weighted, weights=None), weighted.repair(state.split(graph).double())
    z, forces = state.interactions().double(), state.forces()
    for place in range(len(most)):
        one = torch.tensor([place], device=most.device)
        for reach in REACHES:
            candidate = polish(weighted.take(one), z[:, one], forces[:, one], reach)
            if candidate is None:
                break
            split[:, one] = candidate[0]
            if float(plain.take(one).objective(transform(candidate[0]))) <= float(most[place]):
                break
    return split
