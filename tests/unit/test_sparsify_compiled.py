"""The compiled loop: it agrees with torch, step for step, and is had or done without as it should."""

import dataclasses
import sys

import numpy as np
import pytest
import torch

from andor.game.transforms import and_inverse, or_inverse
from andor.sparsify import Problem, compiled, kappa_bounds, polish, solve, tau_bounds
from andor.sparsify.admm import Graph, State
from andor.sparsify.solvers.first_order import _measured
from andor.sparsify.terms import Terms, transform


def stated(n: int, models: int, samples: int = 3, **changes) -> Problem:
    values = np.random.default_rng(n + models).normal(size=(samples, models, 2**n))
    return Problem(values, **{"kappa": kappa_bounds(values), "tau": tau_bounds(values, 0.1), **changes})


CASES = {
    "3 players": stated(3, 2),
    "5 players, 3 models": stated(5, 3),
    "6 players, 5 models": stated(6, 5, alpha=0.5),
    "7 players, 1 model": stated(7, 1),
    "10 players": stated(10, 2, samples=1),
    "the maximum alone": stated(5, 4, alpha=0.0),
    "the sum alone": stated(5, 3, alpha=np.inf),
    "one free": stated(5, 3, tau=np.array([0.1, 0.2, np.inf])),
    "all free": stated(5, 2, tau=None),
    "no noise": stated(5, 2, learn="gamma"),
    "noise by coalition": stated(5, 2, kappa=np.random.default_rng(0).random((3, 2, 32))),
    "some count": stated(5, 2, weakest=0.7),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CASES)
def test_compiled_iterations_are_those_of_torch(name, dtype):
    """From a point where nothing is 0, and with weights as for other solutions."""
    problem = CASES[name]
    random = torch.Generator().manual_seed(0)
    terms = Terms.of(problem, np.ones(len(problem.values)))
    weights = 1 + torch.rand((2, *terms.values[:, :1].shape), generator=random, dtype=torch.float64)
    terms = dataclasses.replace(terms, weights=weights)
    gamma = torch.randn(terms.values[:, :1].shape, generator=random, dtype=torch.float64)
    states = [State.start(terms, torch.arange(len(gamma)), gamma, dtype) for _ in range(2)]
    graph = Graph.of(problem.players, dtype, gamma.device)
    assert graph.fused is not None
    for state in states:
        state.penalty *= torch.linspace(0.3, 2, len(gamma), dtype=dtype)[:, None, None]
    means = states[0].run(graph, 13), states[1].run(dataclasses.replace(graph, fused=None), 13)
    rounding = 500 * torch.finfo(dtype).eps * float(states[1].shadow.abs().max())
    for ours, theirs in (states, means):
        for name in ("shadow", "point"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=rounding, rtol=0)


@pytest.mark.parametrize("name", CASES)
def test_settling_moves_along_the_graph_and_raises_no_interaction(name):
    """It keeps multipliers and what is feasible, leaves no pair that it could cancel if γ is free."""
    problem = CASES[name]
    terms = Terms.of(problem, np.ones(len(problem.values)))
    state = State.start(terms, torch.arange(len(terms.values)), torch.zeros_like(terms.values[:, :1]), torch.float64)
    state.run(Graph.of(problem.players, torch.float64, terms.values.device), 20)
    low = [0, *(1 << i for i in range(problem.players))]
    state.point[1, 1][..., low] = -state.point[1, 0][..., low].sign() * (state.point[1, 1][..., low].abs() + 0.1)
    before = dataclasses.replace(state, shadow=state.shadow.clone(), point=state.point.clone())
    state.settle(torch.zeros(len(terms.values)))
    change = state.point - before.point
    np.testing.assert_allclose(state.shadow - before.shadow, change, atol=1e-12)
    x = torch.stack((change[0, 0].flip(-1), change[0, 1]))
    np.testing.assert_allclose(transform(x), change[1], atol=1e-10)
    assert (state.point[1].abs() <= before.point[1].abs() + 1e-12).all()
    split = torch.stack((state.point[0, 0].flip(-1), state.point[0, 1]))
    np.testing.assert_allclose(terms.project(split), split, atol=1e-10)
    if problem.counted is None and not terms.is_coupled:
        assert (state.point[1, 0][..., low] * state.point[1, 1][..., low] >= -1e-12).all()
        assert float(change.abs().max()) > 0


@pytest.mark.parametrize("name", [name for name in CASES if name != "some count"])
def test_compiled_measures_are_those_of_torch(name):
    problem = CASES[name]
    terms = Terms.of(problem, np.ones(len(problem.values)))
    state = State.start(terms, torch.arange(len(terms.values)), torch.zeros_like(terms.values[:, :1]), torch.float64)
    graph = Graph.of(problem.players, torch.float64, terms.values.device)
    state.run(graph, 20)
    best = torch.full((len(terms.values),), 1e3, dtype=torch.float64)
    ours = _measured(graph, terms, state, best)
    theirs = _measured(dataclasses.replace(graph, fused=None), terms, state, best)
    assert (theirs[2] > 0).any()
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("fused", [True, False])
def test_the_polishs_matrix_is_that_of_its_definition(monkeypatch, fused):
    """Φ·moves·Φᵀ of the rows that are asked for, with Φ column by column from the transforms."""
    n, models = 4, 3
    random = np.random.default_rng(0)
    moves, rows = random.normal(size=(2, models, models, 2**n)), random.random((models, 2**n)) < 0.7
    moves += moves.swapaxes(1, 2)
    one = np.eye(2**n)
    phi = [kind(one).T for kind in (and_inverse, or_inverse)]
    whole = sum(
        np.block([[phi[kind] * moves[kind, i, j] @ phi[kind].T for j in range(models)] for i in range(models)])
        for kind in range(2)
    )
    if not fused:
        monkeypatch.setattr(polish, "_kernels", lambda values: None)
    found = polish._gram(torch.as_tensor(moves), torch.as_tensor(rows)).numpy()
    chosen = rows.ravel()
    np.testing.assert_allclose(np.tril(found), np.tril(whole[chosen][:, chosen]), atol=1e-12)


@pytest.fixture
def forgetful():
    """Nothing is known of numba before, nor after."""
    cached = (compiled._ready, compiled._has_numba, compiled._folder)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def test_without_numba_torch_does_the_same_and_it_is_said_once(monkeypatch, caplog, forgetful):
    problem = CASES["5 players, 3 models"]
    fused = solve(problem)
    for function in (compiled._ready, compiled._has_numba):
        function.cache_clear()
    monkeypatch.setitem(sys.modules, "numba", None)
    caplog.clear()  # of what was compiled
    plain = solve(problem)
    assert (plain.gap <= 0.01).all()
    assert (plain.lower_bound <= fused.objective).all() and (fused.lower_bound <= plain.objective).all()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "numba cannot be imported" in caplog.text


def test_machine_code_is_kept_where_that_is_possible(monkeypatch, tmp_path, forgetful):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "given"))
    assert compiled._folder().parent == tmp_path / "given"
    compiled._folder.cache_clear()
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    assert compiled._folder() is None
