"""Sampled games: the search against all coalitions, bounds against optima, a second solver, planted interactions."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Lasso

from andor.errors import UserError
from andor.outputs.drawn import drawn
from andor.sparsify import Problem
from andor.sparsify import solve as solve_dense
from andor.sparsify.penalty import cost, gauge
from andor.sparsify.sampled.choice import parts
from andor.sparsify.sampled.columns import Columns
from andor.sparsify.sampled.fit import fit
from andor.sparsify.sampled.path import Path
from andor.sparsify.sampled.problem import SampledGames
from andor.sparsify.sampled.refit import errors, standing_out, threshold
from andor.sparsify.sampled.restricted import Moments, Squares, bounds, solve
from andor.sparsify.sampled.search import search
from andor.sparsify.sampled.simpler import independent, simplified


def draw(random: np.random.Generator, n: int, count: int) -> np.ndarray:
    """All, none, and coalitions of every size alike, as tasks draw them; each once."""
    presence = random.random((8 * count, n)) < random.random((8 * count, 1))
    presence = np.concatenate([np.ones((1, n), bool), np.zeros((1, n), bool), presence])
    _, first = np.unique(presence, axis=0, return_index=True)
    return presence[np.sort(first)][:count]


def every_column(n: int, order: int) -> Columns:
    """All interactions up to an order: AND from 1, OR from 2."""
    sets = [set_ for size in range(1, order + 1) for set_ in itertools.combinations(range(n), size)]
    listed = [(0, set_) for set_ in sets] + [(1, set_) for set_ in sets if len(set_) > 1]
    players = torch.tensor([[*set_, *[-1] * (order - len(set_))] for _, set_ in listed])
    return Columns.of(torch.tensor([kind for kind, _ in listed]), players, n)


def active(kind: int, members: np.ndarray, presence: np.ndarray) -> np.ndarray:
    """Where an interaction is active, by definition."""
    inside = presence[:, members]
    return inside.all(1) if kind == 0 else inside.any(1)


def made(random: np.random.Generator, n: int, models: int, counts: list[int]) -> SampledGames:
    """Games of a few shared and private interactions and some noise; every model has coalitions of its own."""
    presence = [draw(random, n, count) for count in counts]
    values = []
    for own in presence:
        v = random.normal(0, 0.1, len(own))
        for kind, size in ((0, 1), (0, 2), (1, 2), (0, 3)):
            v += random.normal(0, 2) * active(kind, random.choice(n, size, replace=False), own)
        values.append(v)
    return SampledGames(presence[:models], values[:models])


@given(st.integers(0, 10**6), st.integers(2, 7), st.integers(1, 3), st.integers(1, 7), st.floats(0, 1))
@settings(max_examples=60)
def test_the_search_finds_what_leaves_the_ball(seed, n, models, order, share):
    random, order = np.random.default_rng(seed), min(order, n)
    presence = [draw(random, n, int(random.integers(8, 40))) for _ in range(models)]
    thetas = [torch.as_tensor(t - t.mean()) for t in (random.normal(size=len(own)) for own in presence)]
    weights = (0.0, 1.0) if models == 1 else (1.0, float(random.uniform(0, 2)))
    columns = every_column(n, order)
    duals = torch.stack(
        [
            torch.as_tensor(
                np.array(
                    [
                        t.numpy() @ active(int(k), m.numpy(), own)
                        for k, m in zip(columns.kinds, columns.members, strict=True)
                    ]
                )
            )
            for t, own in zip(thetas, presence, strict=True)
        ]
    )
    gauges = gauge(duals, *weights)
    level = share * float(gauges.max())
    sets = [torch.as_tensor(own.T, dtype=torch.float64) for own in presence]
    found = search(sets, thetas, order, level, weights, most=10**6)
    above = gauges > level * (1 + 1e-9) + 1e-12
    assert found.largest == pytest.approx(max(level, float(gauges.max())), rel=1e-9, abs=1e-12)
    listed = {
        (int(k), tuple(p for p in row if p >= 0)) for k, row in zip(found.kinds, found.players.tolist(), strict=True)
    }
    wanted = columns.take(above.nonzero()[:, 0])
    expected = {(int(k), tuple(m.nonzero()[:, 0].tolist())) for k, m in zip(wanted.kinds, wanted.members, strict=True)}
    assert expected <= listed
    assert (found.gauges.diff() <= 0).all()


@pytest.mark.parametrize("penalty", [0.3, 0.05, 0.005])
def test_one_model_agrees_with_scikit_learn(penalty):
    games = made(np.random.default_rng(1), 5, 1, [28])
    design = every_column(5, 5).design(torch.as_tensor(games.presence[0].T, dtype=torch.float64)).numpy().T
    u = games.values[0] / games.scales[0]
    lasso = Lasso(penalty, tol=1e-12, max_iter=10**6).fit(design, u)
    optimum = 0.5 * np.mean((u - lasso.predict(design)) ** 2) + penalty * np.abs(lasso.coef_).sum()
    found = fit(games, None, None, penalty, gap=1e-4)
    assert found.lower_bound[0] <= optimum * (1 + 1e-9)
    assert optimum * (1 - 1e-9) <= found.objective[0] <= optimum * (1 + 1e-4)


@pytest.mark.slow
@given(st.integers(0, 10**6), st.integers(1, 3), st.floats(0, 3), st.floats(0.01, 0.5))
@settings(max_examples=15)
def test_bounds_hold_the_optimum(seed, models, alpha, penalty):
    """Against all columns at once, solved to the conditions of optimality."""
    random = np.random.default_rng(seed)
    games = made(random, 5, models, [int(random.integers(12, 30)) for _ in range(3)])
    weights = (1.0, alpha) if models > 1 else (0.0, 1.0)
    path = Path(games, 4, weights)
    point = path.solve(penalty, 0.02, proven=True)
    columns = every_column(5, 4)
    designs = [columns.design(torch.as_tensor(own.T, dtype=torch.float64)) for own in games.presence]
    squares = Squares.of([Moments.of(*each) for each in zip(designs, path.values, strict=True)])
    x = solve(squares, torch.zeros((models, len(columns)), dtype=torch.float64), penalty, weights, 1e-9)
    duals = squares.duals(x)
    assert float(gauge(duals, *weights).max()) <= penalty * (1 + 1e-3)
    best = bounds(squares, x, duals, penalty, weights, float(gauge(duals, *weights).max()))
    assert point.bounds.lower <= best.objective * (1 + 1e-9)
    assert best.lower <= point.bounds.objective * (1 + 1e-9)
    assert point.bounds.gap <= 0.02


def test_the_gap_is_reached_where_no_column_is_missing():
    """The first solution of the columns at hand is a rough one, and may be all there is to find."""
    games = made(np.random.default_rng(5), 6, 2, [50])
    path = Path(games, 2, (1.0, 1 / 9))
    path.begin_with(every_column(6, 2))
    assert path.solve(0.02 * path.largest_penalty(), 1e-4).bounds.gap <= 1e-4


def test_all_coalitions_are_the_problem_for_all_coalitions():
    """Without noise and with a vanishing penalty it is the least Σ|I| of all splits (κ = 0), the constant apart."""
    n, random = 5, np.random.default_rng(2)
    presence = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)
    v = made(random, n, 1, [2**n]).values[0]
    v = v - v[~presence.any(1)][0]
    dense = solve_dense(Problem(v[None, None], "traditional", learn="gamma"), "exact")
    games = SampledGames([presence], [v])
    path = Path(games, n, (0.0, 1.0))
    for penalty in (1e-2, 1e-3, 1e-4, 1e-5):
        point = path.solve(penalty, 1e-5)
    total = float(cost(point.x, 0, 1).sum()) * games.scales[0]
    assert total == pytest.approx(float(dense.objective[0]), rel=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [None, 1 / 9, 1.0])
def test_planted_interactions_are_found_and_predict_what_was_not_seen(alpha):
    random, n = np.random.default_rng(3), 30
    presence, new = draw(random, n, 700), draw(random, n, 300)
    planted = [(0, (3,)), (0, (5, 9)), (1, (2, 7)), (0, (1, 4, 8)), (1, (10, 11, 12))]
    strengths = random.choice([-1, 1], (2, 5)) * random.uniform(1, 2, (2, 5))

    def values(own: np.ndarray) -> np.ndarray:
        return strengths @ np.array([active(kind, list(set_), own) for kind, set_ in planted])

    noise = 0.02 * values(presence).std(1, keepdims=True) * random.normal(size=(2, len(presence)))
    found = fit(SampledGames(presence, list(values(presence) + noise)), alpha)
    listed = {
        (int(k), tuple(np.flatnonzero(m))): place
        for place, (k, m) in enumerate(zip(found.kinds, found.members, strict=True))
    }
    places = [listed[one] for one in planted]
    np.testing.assert_allclose(found.strengths[:, places], strengths, atol=0.1)
    expected = values(new)
    residual = ((found.predict(new) - expected) ** 2).mean(1) / expected.var(1)
    assert residual.max() < 0.01
    assert max(found.gap) <= 0.02


def test_the_prediction_is_the_sum_of_what_is_active():
    found = fit(made(np.random.default_rng(4), 6, 2, [40, 50, 0]), None)
    new = draw(np.random.default_rng(5), 6, 20)
    for place, prediction in enumerate(found.predict(new)):
        parts = [
            s * active(k, m, new) for k, m, s in zip(found.kinds, found.members, found.strengths[place], strict=True)
        ]
        np.testing.assert_allclose(prediction, found.constants[place] + sum(parts), atol=1e-9)


@pytest.mark.slow
def test_the_answer_does_not_depend_on_an_order():
    random = np.random.default_rng(6)
    presence = draw(random, 8, 120)
    values = [game.values[0] for game in (made(random, 8, 1, [120]) for _ in range(2))]
    first = fit(SampledGames(presence, values), 0.5, gap=1e-3)
    rows, players = random.permutation(len(presence)), random.permutation(8)
    second = fit(SampledGames(presence[rows][:, players], [v[rows] for v in values[::-1]]), 0.5, gap=1e-3)
    assert second.penalty == pytest.approx(first.penalty)
    strengths = {(k, tuple(m)): s for k, m, s in zip(first.kinds, first.members, first.strengths.T, strict=True)}
    back = np.argsort(players)
    again = {
        (k, tuple(m[back])): s[::-1] for k, m, s in zip(second.kinds, second.members, second.strengths.T, strict=True)
    }
    strong = {key for key, s in strengths.items() if np.abs(s).max() > 0.2}
    assert strong <= set(again)
    for key in strong:
        np.testing.assert_allclose(again[key], strengths[key], atol=0.05)


def test_parts_follow_content():
    games = made(np.random.default_rng(7), 6, 2, [40, 40, 0])
    order = np.random.default_rng(8).permutation(40)
    assert [len(set(part)) for part in parts(games, 4)] == [4, 4]
    moved = SampledGames([own[order] for own in games.presence], [v[order] for v in games.values])
    for one, other in zip(parts(games, 4), parts(moved, 4), strict=True):
        assert (one[order] == other).all()


def test_a_refit_without_a_ridge_is_least_squares():
    random = np.random.default_rng(9)
    design = torch.as_tensor(random.random((4, 60)) < 0.5)
    values = torch.as_tensor(random.normal(size=60))
    penalised = torch.tensor([0.5, 0.0, -0.2, 0.1], dtype=torch.float64)
    moments = Moments.of(design, values)
    strengths = Squares.of([moments]).refitted(penalised[None], 1e-12)[0]
    used = np.column_stack([np.ones(60), design.numpy()[[0, 2, 3]].T])
    expected = np.linalg.lstsq(used, values.numpy(), rcond=None)[0]
    np.testing.assert_allclose(strengths[[0, 2, 3]], expected[1:], atol=1e-6)
    assert float(moments.constant(strengths)) == pytest.approx(expected[0], abs=1e-6)
    assert strengths[1] == 0


def test_models_that_share_coalitions_share_their_products():
    games = made(np.random.default_rng(11), 6, 1, [60])
    values = [games.values[0], np.random.default_rng(12).permutation(games.values[0])]
    one = Path(SampledGames(games.presence[0], values), 3, (1.0, 0.5))
    presence = games.presence[0]
    two = Path(SampledGames([presence, presence[::-1]], [values[0], values[1][::-1]]), 3, (1.0, 0.5))
    assert (len(one.distinct), len(two.distinct)) == (1, 2)
    points = [path.solve(0.05, 1e-4) for path in (one, two)]
    assert points[0].bounds.objective == pytest.approx(points[1].bounds.objective, rel=1e-4)
    np.testing.assert_allclose(one.refitted(0.1).abs().sum(1), two.refitted(0.1).abs().sum(1), rtol=0.05)


def test_errors_are_those_of_least_squares():
    random = np.random.default_rng(10)
    design = torch.as_tensor(random.random((3, 2000)) < 0.5)
    truth = torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64)
    values = truth @ design.double() + torch.as_tensor(random.normal(0, 0.3, 2000))
    groups = torch.arange(2000) % 40
    found = errors(design, values, truth, 1e-9, groups)
    moved = []
    for group in range(40):
        kept = groups != group
        used = np.column_stack([np.ones(int(kept.sum())), design.numpy()[:, kept].T])
        moved.append(np.linalg.lstsq(used, values.numpy()[kept], rcond=None)[0][1:])
    np.testing.assert_allclose(found, np.sqrt(np.var(moved, axis=0) * 39), rtol=1e-6)
    np.testing.assert_allclose(found, 0.3 / np.sqrt(2000 * 0.25), rtol=0.4)


@pytest.mark.slow
def test_intervals_hold_what_was_planted():
    """No two of these say the same, so that their strengths are known: six games with 2 % noise."""
    held, n = [], 20
    sets = [(0, (0,)), (0, (1,)), (0, (2,)), (1, (3, 4)), (1, (5, 6)), (1, (7, 8)), (0, (9, 10)), (0, (11, 12))]
    for seed in range(6):
        random = np.random.default_rng(seed)
        presence, strengths = draw(random, n, 400), random.choice([-1, 1], 8) * random.uniform(0.5, 2, 8)
        values = strengths @ np.array([active(kind, list(set_), presence) for kind, set_ in sets])
        values += 0.02 * values.std() * random.normal(size=len(presence))
        found, truth = fit(SampledGames(presence, [values]), order=2), dict(zip(sets, strengths, strict=True))
        for kind, members, strength, error in zip(
            found.kinds, found.members, found.strengths[0], found.errors[0], strict=True
        ):
            expected = truth.pop((int(kind), tuple(np.flatnonzero(members))), 0.0)
            held.append(abs(strength - expected) <= 1.96 * error)
        assert not truth
    assert np.mean(held) >= 0.9


def test_only_what_stands_out_of_noise_is_kept():
    random = np.random.default_rng(13)
    design = torch.as_tensor(random.random((40, 1000)) < 0.5).double()
    truth = torch.zeros(40, dtype=torch.float64)
    truth[:3] = torch.tensor([1.0, -0.5, 0.3])
    values = truth @ design + torch.as_tensor(random.normal(0, 0.2, 1000))
    moments = Moments.of(design, values)
    squares = Squares.of([moments])
    found = standing_out(squares.gram[0], squares.right[0], squares.total[0], 1000, threshold(20, 3))
    assert (found != 0).tolist() == (truth != 0).tolist()
    used = np.column_stack([np.ones(1000), design.numpy()[:3].T])
    np.testing.assert_allclose(found[:3], np.linalg.lstsq(used, values.numpy(), rcond=None)[0][1:], atol=1e-5)


@given(st.integers(1, 2), st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_independent_interactions_say_the_same(models, seed):
    random, n = np.random.default_rng(seed), 5
    columns = every_column(n, 3)
    x = torch.as_tensor(random.normal(size=(models, len(columns))) * (random.random((models, len(columns))) < 0.5))
    design = columns.design(torch.tensor(coalitions_of(n).T, dtype=torch.float64))
    design -= design.mean(1, keepdim=True)
    fewer = independent((design @ design.T / 2**n)[None], x)
    np.testing.assert_allclose(fewer @ design, x @ design, atol=1e-7)
    for before, own in zip(x, fewer, strict=True):
        used = design[own != 0]
        assert len(used) == np.linalg.matrix_rank(used.numpy()) == np.linalg.matrix_rank(design[before != 0].numpy())


def test_a_ridge_widens_errors_by_how_far_it_drew():
    random = np.random.default_rng(14)
    design = torch.as_tensor(random.random((3, 500)) < 0.5)
    truth = torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64)
    values = truth @ design.double() + torch.as_tensor(random.normal(0, 0.1, 500))
    groups, start = torch.arange(500) % 40, 0.5 * truth
    squares = Squares.of([Moments.of(design, values)])
    drawn = squares.refitted(start[None], 0.5)[0] - squares.refitted(start[None], 1e-7)[0]
    without, found = (errors(design, values, start, ridge, groups) for ridge in (1e-7, 0.5))
    np.testing.assert_allclose(found**2, without**2 + drawn**2, rtol=1e-4)


@pytest.mark.parametrize(
    ("presence", "values", "message"),
    [
        (np.zeros((3, 4)), np.arange(3.0), "3 coalitions, which say nothing"),
        (np.full((9, 4), 2), np.arange(9.0), "other numbers than 0 and 1"),
        (np.eye(9), np.ones(9), "the same value on all coalitions"),
        (np.eye(9), np.arange(8.0), "values of shape"),
        (np.eye(9), np.array([np.nan, *range(8)]), "the value nan at coalition 0"),
        (np.zeros((9, 4)), np.arange(9.0), "come twice with different values"),
        (np.zeros(9), np.arange(9.0), "give .coalitions, players."),
    ],
)
def test_bad_input_is_one_line(presence, values, message):
    with pytest.raises(UserError, match=message) as refused:
        SampledGames([presence], [values])
    assert "\n" not in str(refused.value)


# -------------------------------------------------------------------------------------------- the simpler of two


@pytest.mark.parametrize("alpha", [None, 1 / 9])
def test_a_sum_of_players_is_found_as_one(alpha):
    """AND and OR of a pair together are its two players: for the penalty, the one is worth the other."""
    random = np.random.default_rng(3)
    presence = drawn(12, 400, 0)
    weights = random.uniform(0.5, 2, 12) * np.array([[1.0], [2.0]])  # where models differ, pairs may say what is shared
    found = fit(SampledGames(presence, list(weights @ presence.T)), alpha=alpha, order=2, penalty=1e-3, gap=1e-3)
    sizes = found.members.sum(1)
    np.testing.assert_allclose(np.abs(found.strengths[:, sizes > 1]).max(initial=0), 0, atol=0.02)
    for player in range(12):
        (place,) = np.flatnonzero((sizes == 1) & found.members[:, player])
        np.testing.assert_allclose(found.strengths[:, place], weights[:, player], rtol=0.02)


@given(st.integers(1, 3), st.integers(0, 2**32 - 1), st.sampled_from([(0.0, 1.0), (1.0, 1 / 9), (1.0, 1.0)]))
def test_the_simpler_solution_says_the_same_for_no_more(models, seed, weights):
    random, n = np.random.default_rng(seed), 5
    pairs = [np.eye(n, dtype=bool)[[i, j]].any(0) for i in range(n) for j in range(i)]
    members = torch.tensor(np.array([*np.eye(n, dtype=bool), *pairs, *pairs]))
    columns = Columns(torch.tensor([0] * (n + len(pairs)) + [1] * len(pairs)), members)
    x = random.normal(size=(models, len(columns))) * (random.random((models, len(columns))) < 0.6)
    moved = simplified(columns, x, *weights)
    design = columns.design(torch.tensor(coalitions_of(n).T, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(moved @ design, x @ design, atol=1e-12)
    before, after = (float(cost(torch.tensor(own), *weights).sum()) for own in (x, moved))
    assert after <= before * (1 + 1e-9)
    if models == 1:
        ends = slice(n, n + len(pairs)), slice(n + len(pairs), None)
        assert (moved[0, ends[0]] * moved[0, ends[1]] <= 1e-24).all()


def coalitions_of(n):
    """All coalitions of n players, bool (2^n, n)."""
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)
