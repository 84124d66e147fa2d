import itertools

import numpy as np
import pytest

from andor.errors import UserError
from andor.sparsify import Problem, kappa_bounds, tau_bounds


def test_objective_is_the_papers():
    rng = np.random.default_rng(0)
    i_and, i_or = rng.normal(size=(2, 2, 3, 8))
    expected = {"generalizable": 0.0, "traditional": 0.0}
    for kind, coalition in itertools.product((i_and, i_or), range(8)):
        strengths = np.abs(kind[1, :, coalition])
        expected["generalizable"] += strengths.max() + 0.4 * strengths.sum()
        expected["traditional"] += strengths.sum()
    for method, value in expected.items():
        assert Problem(np.ones((2, 3, 8)), method, alpha=0.4).objective(i_and, i_or)[1] == pytest.approx(value)


def test_infinite_alpha_is_the_sum_alone_and_zero_the_maximum_alone():
    i_and, i_or = np.random.default_rng(1).normal(size=(2, 1, 2, 4))
    both = np.abs(np.stack((i_and, i_or)))
    assert Problem(np.ones((2, 4)), alpha=np.inf).objective(i_and, i_or) == pytest.approx(both.sum())
    assert Problem(np.ones((2, 4)), alpha=0).objective(i_and, i_or) == pytest.approx(both.max(2).sum())


@pytest.mark.parametrize(
    ("standard", "expected"),
    [
        ("none", [[1, 1], [1, 1]]),
        ("full", [[4, 8], [0, 2]]),
        ("range", [[3, 6], [1, 1]]),
        ("max", [[5, 8], [1, 4]]),
        ("max_centred", [[6, 6], [2, 3]]),
        ("mean_range", [[2, 3.5], [2, 3.5]]),
    ],
)
def test_standards_of_kappa(standard, expected):
    values = np.array([[[1.0, -5, 2, 4], [2, 3, 4, 8]], [[-1, 1, 0, 0], [1, 4, 4, 2]]])
    np.testing.assert_allclose(kappa_bounds(values, standard, 0.5), 0.5 * np.array(expected))


def test_standards_of_kappa_for_each_coalition():
    values = np.array([[1.0, -5, 2, 4]])
    np.testing.assert_allclose(kappa_bounds(values, "value", 2), [[[2, 10, 4, 8]]])
    np.testing.assert_allclose(kappa_bounds(values, "centred_value", 2), [[[0, 12, 2, 6]]])


def test_tau_is_half_the_mean_range():
    values = np.array([[[1.0, 0, 0, 4]], [[-1, 1, 0, 0]]])
    np.testing.assert_allclose(tau_bounds(values), [[1.0], [1.0]])
    assert np.isinf(tau_bounds(values, np.inf)).all()


def test_bounds_per_model_hold_for_all_samples():
    problem = Problem(np.ones((3, 2, 4)), kappa=[0.1, 0.2], tau=[1, np.inf])
    assert problem.kappa.shape == (3, 2, 1)
    np.testing.assert_array_equal(problem.tau, [[1, np.inf]] * 3)


def test_the_weakest_interactions_are_counted():
    problem = Problem(np.random.default_rng(2).normal(size=(2, 1, 8)), "traditional", weakest=0.5)
    assert problem.counted.shape == (2, 2, 1, 8)
    np.testing.assert_array_equal(problem.counted.sum((0, 2, 3)), [8, 8])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": np.ones((2, 6))}, "power of two"),
        ({"values": np.ones(8)}, r"\(8,\)"),
        ({"values": np.full((2, 8), np.nan)}, "nan at sample 0, model 0, coalition 0"),
        ({"values": np.full((2, 8), "a")}, "real numbers"),
        ({"method": "new"}, "`new`"),
        ({"learn": "all"}, "`all`"),
        ({"alpha": -1}, "alpha is -1"),
        ({"alpha": np.nan}, "alpha is nan"),
        ({"kappa": [0.1, -0.2]}, "-0.2"),
        ({"kappa": [0.1, np.nan]}, "nan"),
        ({"kappa": [0.1, np.inf]}, "infinite"),
        ({"kappa": [0.1, 0.1, 0.1]}, "kappa has shape"),
        ({"tau": [[0.1]]}, "tau has shape"),
        ({"tau": [0.1, -1]}, "-1"),
        ({"weakest": 0}, "weakest is 0"),
    ],
)
def test_nonsense_is_refused_in_one_line(changes, message):
    with pytest.raises(UserError, match=message) as error:
        Problem(**{"values": np.ones((2, 8)), **changes})
    assert "\n" not in str(error.value)


def test_unknown_standard_and_negative_factor_are_refused():
    with pytest.raises(UserError, match="standard"):
        kappa_bounds(np.ones((1, 4)), "median")
    with pytest.raises(UserError, match="kappa"):
        kappa_bounds(np.ones((1, 4)), factor=-1)
    with pytest.raises(UserError, match="tau"):
        tau_bounds(np.ones((1, 4)), factor=-1)
