"""Other solutions on drawn coalitions: as good as they say, the same where nothing is left open, and in files."""

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso
from test_sampled import draw, every_column, made

from andor.errors import UserError
from andor.game.files import sampled_from_file, sampled_others_from_file, sampled_table
from andor.sparsify.others import MARGIN
from andor.sparsify.sampled.fit import fit
from andor.sparsify.sampled.others import other_solutions
from andor.sparsify.sampled.path import Path
from andor.sparsify.sampled.problem import SampledGames
from andor.store import read_table, write_table

GAP = 0.02


def by_key(one, model: int) -> dict:
    """Strengths that are not 0, by kind and players."""
    return {
        (int(kind), tuple(np.flatnonzero(members).tolist())): strength
        for kind, members, strength in zip(one.kinds, one.members, one.strengths[model], strict=True)
        if strength
    }


def table_of(found):
    others = [(one.kinds, one.members, one.strengths, one.constants) for one in found.others]
    parts = (found.strengths, found.penalised, found.errors, found.constants)
    return sampled_table(found.kinds, found.members, *parts, others)


@pytest.mark.parametrize(("models", "weights"), [(1, (0.0, 1.0)), (2, (1.0, 0.5)), (3, (1.0, 1 / 9))])
def test_every_other_solution_is_as_good_as_it_says(models, weights):
    games = made(np.random.default_rng(3), 6, models, [60] * models)
    path, penalty = Path(games, 3, weights), 0.02
    point = path.solve(penalty, GAP, proven=True)
    first = {(int(k), tuple(m.tolist())) for k, m in zip(point.columns.kinds, point.columns.members, strict=True)}
    seen = []
    for objective in other_solutions(path, point, GAP, 4):
        used = (path.x != 0).any(0)
        columns, x = path.columns.take(used), path.x[:, used].numpy()
        residual = 0.0
        for presence, u, own in zip(games.presence, path.values, x, strict=True):
            rest = u.numpy() - own @ columns.design(torch.as_tensor(presence.T, dtype=torch.float64)).numpy()
            residual += 0.5 * rest.var()
        cost = weights[0] * np.abs(x).max(0).sum() + weights[1] * np.abs(x).sum()
        assert objective == pytest.approx(residual + penalty * cost, rel=1e-9)
        assert point.bounds.lower <= objective <= point.bounds.lower / (1 - MARGIN * GAP)
        seen.append({(int(k), tuple(m.tolist())) for k, m in zip(columns.kinds, columns.members, strict=True)})
    assert len(seen) == 4
    assert any(one != first for one in seen)


def test_what_cannot_be_certified_is_left_out_and_smaller_weights_are_tried_first(monkeypatch):
    games = made(np.random.default_rng(3), 6, 2, [60, 60])
    path = Path(games, 3, (1.0, 0.5))
    point, tried = path.solve(0.02, GAP, proven=True), []
    go_aside = Path.go_aside

    def seen(self, x, weights, penalty, gap, most):
        tried.append(round((float(weights.max()) - 1) / gap))
        return go_aside(self, x, weights, penalty, gap, most)

    monkeypatch.setattr(Path, "go_aside", seen)
    assert len(list(other_solutions(path, point, GAP, 3))) == 3
    assert tried[0] == 64 and len(tried) > 3, "the largest weights lead too far from the optimum here"
    no_room = dataclasses.replace(point, bounds=dataclasses.replace(point.bounds, lower=0.5 * point.bounds.lower))
    tried.clear()
    assert list(other_solutions(path, no_room, GAP, 2)) == []
    assert tried == 2 * [64, 32, 16, 8, 4, 2, 1]
    assert list(other_solutions(path, point, 0.6, 2)) == []


def test_an_optimum_of_scikit_learn_is_no_worse_than_any():
    games = made(np.random.default_rng(1), 5, 1, [28])
    found = fit(games, None, None, 0.05, GAP, others=4)
    design = every_column(5, 5).design(torch.as_tensor(games.presence[0].T, dtype=torch.float64)).numpy().T
    u = games.values[0] / games.scales[0]
    lasso = Lasso(0.05, tol=1e-12, max_iter=10**6).fit(design, u)
    optimum = 0.5 * np.mean((u - lasso.predict(design)) ** 2) + 0.05 * np.abs(lasso.coef_).sum()
    assert found.others
    for other in found.others:
        assert optimum * (1 - 1e-9) <= other.objective[0] <= optimum / (1 - MARGIN * GAP)
        assert other.gap[0] == pytest.approx(1 - found.lower_bound[0] / other.objective[0])


@pytest.mark.parametrize("alpha", [None, 1.0])
def test_others_leave_the_first_solution_as_it_is(alpha):
    games = made(np.random.default_rng(4), 6, 2, [50, 50])
    alone, beside = fit(games, alpha), fit(games, alpha, others=2)
    assert alone.others == ()
    for name in ("kinds", "members", "strengths", "penalised", "errors", "constants"):
        np.testing.assert_array_equal(getattr(beside, name), getattr(alone, name))
    again = fit(games, alpha, others=2)
    assert len(again.others) == len(beside.others) == 2
    for one, other in zip(again.others, beside.others, strict=True):
        np.testing.assert_array_equal(one.strengths, other.strengths)
        assert one.objective == other.objective
        assert one.strengths.shape == (2, len(one.kinds))


def test_what_nothing_else_explains_is_in_every_solution_and_twins_are_not():
    """Two players that are always together are told apart by nothing; a third one is needed by all."""
    random = np.random.default_rng(5)
    presence = draw(random, 6, 60)
    presence[:, 1] = presence[:, 0]
    presence = np.unique(presence, axis=0)
    values = 2.0 * presence[:, 0] + 3.0 * (presence[:, 2] & presence[:, 3]) + 0.01 * random.normal(size=len(presence))
    found = fit(SampledGames(presence, [values]), None, 2, 0.005, GAP, others=8)
    every = [by_key(one, 0) for one in (found, *found.others)]
    assert len(every) == 9
    assert all(own[0, (2, 3)] == pytest.approx(3.0, abs=0.1) for own in every)
    twins = [frozenset(key for key in own if set(key[1]) <= {0, 1}) for own in every]
    assert all(twins), "either explains it"
    assert len(set(twins)) > 1, "and which one is the solver's choice"


def test_files_hold_the_others_beside_the_first(tmp_path):
    games = made(np.random.default_rng(6), 6, 2, [50, 50])
    found = fit(games, None, 3, 0.02, others=3)
    path = tmp_path / "0.parquet"
    write_table(path, table_of(found), {"order": 3})
    first, errors = sampled_from_file(path, ["a", "b"], 6)
    write_table(tmp_path / "alone.parquet", table_of(dataclasses.replace(found, others=())), {"order": 3})
    alone, errors_alone = sampled_from_file(tmp_path / "alone.parquet", ["a", "b"], 6)
    np.testing.assert_array_equal(first.strengths, alone.strengths)
    np.testing.assert_array_equal(first.coalitions.presence, alone.coalitions.presence)
    np.testing.assert_array_equal(errors, errors_alone)
    assert sampled_others_from_file(tmp_path / "alone.parquet", ["a", "b"], 6) == []
    read = sampled_others_from_file(path, ["a", "b"], 6)
    assert len(read) == len(found.others) == 3
    everywhere = draw(np.random.default_rng(7), 6, 40)
    for one, other in zip(read, found.others, strict=True):
        for model in range(2):
            stored = by_key(other, model)
            where = np.nonzero(one.strengths[model])
            own = {
                (int(kind), tuple(one.coalitions.players[place])): one.strengths[model, kind, place]
                for kind, place in zip(*where, strict=True)
                if one.coalitions.players[place]
            }
            assert own == stored
        design = [
            [everywhere[:, m].all(1) if k == 0 else everywhere[:, m].any(1)]
            for k, m in zip(other.kinds, other.members, strict=True)
        ]
        predicted = other.constants[:, None] + other.strengths @ np.concatenate(design)
        np.testing.assert_allclose(one.predict(everywhere), predicted, rtol=0, atol=1e-9)
    table = read_table(path)
    ragged = table["others"].to_pylist()
    ragged[0] = ragged[0][:1]
    place = table.column_names.index("others")
    write_table(path, table.set_column(place, table.schema.field("others"), [ragged]), {"order": 3})
    with pytest.raises(UserError, match="as many solutions of every interaction"):
        sampled_others_from_file(path, ["a", "b"], 6)
