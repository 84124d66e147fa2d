"""Other solutions that are nearly as good: certified, feasible, and what they say of an interaction."""

import numpy as np
import pytest

from andor import store
from andor.config import Salience
from andor.errors import UserError
from andor.game.files import from_file, interactions_table, others_from_file
from andor.game.interactions import Interactions
from andor.game.transforms import and_inverse, or_inverse
from andor.report.tables.games import Games
from andor.report.tables.solutions import deviation, stability
from andor.sparsify import Problem, kappa_bounds, solve, tau_bounds

GAP = 0.01


def noisy_game(models: int, n: int, samples: int, seed: int = 0) -> np.ndarray:
    """A few interactions of every kind and a noise that takes up the slack."""
    random = np.random.default_rng(seed)
    parts = random.normal(size=(2, samples, models, 2**n)) * (random.random((2, samples, 1, 2**n)) < 0.3)
    return and_inverse(parts[0]) + or_inverse(parts[1]) + 0.05 * random.normal(size=parts[0].shape)


def problem(values: np.ndarray, method: str, **options) -> Problem:
    return Problem(values, method, kappa=kappa_bounds(values), tau=tau_bounds(values), **options)


def solutions(result, sample: int = 0):
    """The first solution of a sample as a game, and the others under its bounds."""
    every = [np.stack([one.i_and[sample], one.i_or[sample]], axis=1) for one in (result, *result.others)]
    models = [str(model) for model in range(every[0].shape[0])]
    games = [
        Games.of([Interactions.of_dense(one, models).merge().compact()], Salience(threshold=0.05)).samples[0]
        for one in every
    ]
    return games[0], games[1:]


@pytest.mark.parametrize(("method", "weakest"), [("traditional", 1), ("generalizable", 1), ("generalizable", 0.9)])
def test_every_other_solution_is_feasible_and_as_good_as_it_says(method, weakest):
    asked = problem(noisy_game(2, 3, 3), method, weakest=weakest)
    result, exact = solve(asked, gap=GAP, others=3), solve(asked, "exact")
    assert len(result.others) == 3
    for other in result.others:
        assert (np.abs(other.epsilon) <= asked.kappa).all()
        if method == "generalizable":
            assert (np.abs(other.gamma_hat) <= asked.tau[..., None]).all()
        rebuilt = and_inverse(other.i_and) + or_inverse(other.i_or)
        np.testing.assert_allclose(rebuilt, asked.values + other.epsilon, atol=1e-5, rtol=0)
        np.testing.assert_allclose(asked.objective(other.i_and, other.i_or), other.objective, rtol=1e-5)
        np.testing.assert_array_equal(other.lower_bound, np.minimum(result.lower_bound, other.objective))
        near = other.status == "optimal"
        assert near.any()
        assert (other.objective >= exact.lower_bound * (1 - 1e-6)).all()
        assert (other.objective <= exact.objective / (1 - 2 * GAP))[near].all()
        assert (other.gap[near] <= 2 * GAP).all()


@pytest.mark.slow
def test_others_leave_the_first_solution_as_it_is():
    asked = problem(noisy_game(2, 4, 2), "generalizable")
    alone, beside = solve(asked), solve(asked, others=2)
    assert alone.others == ()
    np.testing.assert_array_equal(alone.i_and, beside.i_and)
    np.testing.assert_array_equal(alone.lower_bound, beside.lower_bound)
    again = solve(asked, others=2)
    np.testing.assert_array_equal(again.others[1].i_or, beside.others[1].i_or)
    assert any((one.i_and != beside.i_and).any() for one in beside.others)


def test_a_value_of_nothing_has_nothing_else():
    result = solve(Problem(np.zeros((1, 2, 8)), "traditional"), others=2)
    assert all((other.i_and == 0).all() and other.status[0] == "optimal" for other in result.others)


def test_what_is_the_only_optimum_is_in_every_solution():
    planted = np.zeros((2, 1, 2, 2**5))
    planted[0, ..., [0b00111, 0b11000]] = [[[2.0]], [[-1.5]]]
    planted[1, ..., [0b01011, 0b10100]] = [[[1.0]], [[2.5]]]
    values = and_inverse(planted[0]) + or_inverse(planted[1])
    for method in ("traditional", "generalizable"):
        result = solve(problem(values, method), others=4)
        game, others = solutions(result)
        assert game.shared.sum() == 4
        assert set(stability(game, others)[game.shared]) == {1.0}
        assert deviation(game, others).max() < 2 * GAP * result.objective[0]


def test_two_readings_that_are_as_good_are_both_found():
    """x1 + x2 is AND(x1) + AND(x2), and as well AND(x1, x2) + OR(x1, x2)."""
    player = np.arange(2**4)
    values = (player & 1) + (player >> 1 & 1) + 3.0 * ((player & 0b1100) == 0b1100)
    result = solve(problem(np.stack([values, values])[None], "traditional"), others=4)
    assert all(other.status[0] == "optimal" for other in result.others)
    game, others = solutions(result)
    share = stability(game, others)
    at = game.coalitions.position([2, 3])
    assert share[0, at] == 1
    assert np.nanmin(share) < 1
    assert deviation(game, others)[:, 0].max() > 0.2
    assert deviation(game, others)[:, 0, at].max() < 0.2


def test_stability_is_of_what_is_shared_alone():
    game, others = solutions(solve(problem(noisy_game(2, 4, 1), "traditional"), others=2))
    share = stability(game, others)
    np.testing.assert_array_equal(np.isnan(share), ~game.shared)
    assert np.isin(share[game.shared], [1 / 3, 2 / 3, 1]).all()
    assert np.isnan(stability(game, [])).all()
    assert deviation(game, []) is None


def test_files_hold_the_others_beside_the_first(tmp_path):
    random = np.random.default_rng(0)
    (i_and, i_or), *others = random.normal(size=(3, 2, 2, 8))
    table = interactions_table(i_and, i_or, ["a", "b"], [tuple(one) for one in others])
    store.write_table(tmp_path / "x.parquet", table.take(random.permutation(len(table))))
    np.testing.assert_array_equal(from_file(tmp_path / "x.parquet", ["a", "b"]).strengths[:, 1], i_or)
    for read, one in zip(others_from_file(tmp_path / "x.parquet", ["a", "b"]), others, strict=True):
        np.testing.assert_array_equal(read.strengths, one.swapaxes(0, 1))
    store.write_table(tmp_path / "y.parquet", interactions_table(i_and, i_or, ["a", "b"]))
    assert others_from_file(tmp_path / "y.parquet", ["a", "b"]) == []
    store.write_table(tmp_path / "z.parquet", table.slice(1))
    with pytest.raises(UserError, match="every coalition of a, b once"):
        others_from_file(tmp_path / "z.parquet", ["a", "b"])
