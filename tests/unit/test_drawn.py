"""Drawn coalitions on their way from the configuration to interactions, null games and what they predict."""

import dataclasses
import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor import config, store
from andor.config import Reward
from andor.data.players import players as kind_of
from andor.errors import UserError
from andor.game.coalitions import KINDS, Coalitions
from andor.game.files import nulls_from_file, sampled_from_file, sampled_null_table, sampled_table
from andor.game.interactions import Interactions
from andor.game.nulls import permutations, sampled_null_games
from andor.outputs.drawn import blocks, drawn
from andor.outputs.stored import outputs_table, read_drawn, write_drawn
from andor.sparsify.sampled.fidelity import judged
from andor.sparsify.sampled.fit import fit
from andor.sparsify.sampled.problem import SampledGames
from andor.store import write_table

# ------------------------------------------------------------------------------------------------- configuration


def task(players, coalitions=None, **more):
    """The configuration of a task on images, raw."""
    return {
        "tasks": {
            "cells": {
                "data": {"reader": "digits", "positive": 3, "size": 32},
                "models": {"a": {"family": "image_classifier", "architecture": "lenet", "training": {"epochs": 1}}},
                "players": players,
                "samples": {"count": 2},
                **({} if coalitions is None else {"coalitions": coalitions}),
            }
        },
        **more,
    }


def patches(count):
    return {"kind": "patches", "count": count, "size": 4}


@pytest.mark.parametrize(("count", "budget"), [(8, None), (12, None), (13, 1000)])
def test_few_players_have_all_coalitions(count, budget):
    found = config.check(task(patches(count))).tasks["cells"]
    assert (found.budget and found.budget.budget) == budget
    assert found.masks == (2**count if budget is None else 1250)
    assert config.check(task(patches(count), "all")).tasks["cells"].budget is None
    assert config.check(task(patches(count), {"budget": 50, "held_out": 0})).tasks["cells"].masks == 50


@pytest.mark.parametrize(
    ("coalitions", "message"),
    [
        ("all", r"`coalitions: all` of 36 players are 2\^36, at most 24 players can be; write"),
        ({"budget": 1024}, "coalitions.budget`: 1024: coalitions come in blocks of 50; write 1000"),
        ({"budget": 20}, "blocks of 50; write 50"),
        ({"budget": 0}, "greater than 0"),
        ({"budgets": 100}, "did you mean `budget`"),
        ("most", "must be|should be"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(coalitions, message):
    with pytest.raises(UserError, match=message):
        config.check(task({"kind": "grid", "rows": 6, "columns": 6}, coalitions))


def test_and_alone_needs_all_coalitions():
    methods = {"original": {"kind": "original"}, "alone": {"kind": "traditional"}}
    found = config.check(task(patches(30), methods=methods))
    assert list(found.methods_of("cells")) == ["alone"]
    assert list(config.check(task(patches(8), methods=methods)).methods_of("cells")) == ["original", "alone"]
    with pytest.raises(UserError, match=r"`tasks.cells`.* budget .*AND.*add a traditional or generalizable"):
        config.check(task(patches(30), methods={"original": {"kind": "original"}}))


# --------------------------------------------------------------------------------------------------------- files


def table_of(found):
    return sampled_table(found.kinds, found.members, found.strengths, found.penalised, found.errors, found.constants)


def planted(n, models=2, count=300, seed=0):
    """A game of a few interactions with little noise."""
    random = np.random.default_rng(seed)
    presence = drawn(n, count, seed)
    first, second, third = presence[:, 0], presence[:, 1], presence[:, n - 1]
    common = 2 * (first & second) - 1.5 * (second | third) + third
    rest = 0.05 * np.cos(7 * presence @ random.normal(size=(n, models))).T  # of one coalition always the same
    return presence, np.stack([(1 + model) * common for model in range(models)]) + rest


@pytest.fixture(scope="module", params=[8, 115])
def found(request):
    presence, values = planted(request.param)
    return request.param, fit(SampledGames(presence, list(values)), alpha=1.0, order=2)


def test_files_hold_what_was_found(found, tmp_path):
    n, fitted = found
    write_table(tmp_path / "0.parquet", table_of(fitted), {"order": fitted.order})
    interactions, errors = sampled_from_file(tmp_path / "0.parquet", ["a", "b"], n)
    presence = drawn(n, 200, 1)
    np.testing.assert_allclose(interactions.predict(presence), fitted.predict(presence), rtol=0, atol=1e-9)
    assert interactions.order == 2 and interactions.merged
    assert np.count_nonzero(interactions.magnitude) == np.count_nonzero(fitted.penalised)
    assert np.isnan(errors[:, 0, interactions.coalitions.empty]).all()
    for kind, members, error in zip(fitted.kinds, fitted.members, fitted.errors.T, strict=True):
        place = interactions.coalitions.position(np.flatnonzero(members))
        np.testing.assert_array_equal(errors[:, kind, place], error)
    with pytest.raises(UserError, match="is not of 1 models"):
        sampled_from_file(tmp_path / "0.parquet", ["a"], n)
    with pytest.raises(UserError, match="is not of 2 models and 2 players"):
        sampled_from_file(tmp_path / "0.parquet", ["a", "b"], 2)


def test_files_hold_null_games(found, tmp_path):
    n, fitted = found
    games = {"renaming": [(fitted.kinds, fitted.members, fitted.strengths)] * 2}
    write_table(tmp_path / "0.parquet", sampled_null_table(games), {})
    read = nulls_from_file(tmp_path / "0.parquet", {"renaming": 2, "exchange": 0}, ["a", "b"], n, 2)
    assert list(read) == ["renaming"] and len(read["renaming"]) == 2
    presence = drawn(n, 50, 1)
    expected = fitted.predict(presence) - fitted.constants[:, None]
    for game in read["renaming"]:
        assert game.order == 2
        np.testing.assert_allclose(game.predict(presence), expected, rtol=0, atol=1e-5)


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_predictions_are_sums_of_what_is_active(n, seed):
    random = np.random.default_rng(seed)
    interactions = Interactions.of_dense(random.normal(size=(2, 2, 2**n)), ["a", "b"])
    coalitions = Coalitions.all(n)
    predicted = interactions.predict(coalitions.presence)
    for mask, (model, values) in itertools.product(range(2**n), enumerate(interactions.strengths)):
        active = [(T & mask) == T for T in range(2**n)], [(T & mask) != 0 for T in range(2**n)]
        assert predicted[model, mask] == pytest.approx(
            sum((own * on).sum() for own, on in zip(values, active, strict=True))
        )


def test_possible_ones_are_counted_up_to_the_order():
    coalitions = Coalitions.of_players(115, [[0]])
    limited = Interactions(coalitions, ("a",), KINDS, np.ones((1, 2, 1)), merged=True, order=3)
    pairs, triples = 115 * 114 // 2, 115 * 114 * 113 // 6
    assert limited.possible.tolist() == [115 + pairs + triples, pairs + triples]
    assert dataclasses.replace(limited, order=None).possible[0] == 2.0**115 - 1


# ---------------------------------------------------------------------------------------------------- masked outputs


def stored_values(tmp_path, presence, v, budget, language=False):
    """File of a sample's outputs: two logits whose difference is v, or a language model's."""
    outputs = np.stack([-v / 2, v / 2], axis=1).astype(np.float32)
    parts = []
    for start in range(0, len(v), 50):
        part = slice(start, start + 50)
        parts.append(tmp_path / f"block{start}.parquet")
        write_table(parts[-1], outputs_table(outputs[part], language, presence[part]), {"made": {"batch_size": 4}})
    write_drawn(tmp_path / "0.parquet", parts, budget)
    return tmp_path / "0.parquet"


@pytest.mark.parametrize("n", [5, 115])
def test_outputs_on_drawn_coalitions_come_back(tmp_path, n):
    every = np.concatenate(blocks(n, 100, 100, (0, 7)))
    v = every.sum(1) + 0.25
    path = stored_values(tmp_path, every, v, 100)
    sample = {"sample": 0, "label": 1, "players": [[i, i + 1] for i in range(n)], "output_m": [n + 0.25, 0.25]}
    read = read_drawn(path, sample, "m", Reward(kind="log_odds"))
    assert (read.presence == every[:100]).all()
    base = 0.25 if Reward(kind="log_odds").centred else 0
    np.testing.assert_allclose(read.values, v[:100] - base, atol=1e-5)
    seen = {row.tobytes() for row in read.presence}
    assert not any(row.tobytes() in seen for row in read.held_out_presence)
    kept = [row.tobytes() not in seen for row in every[100:]]
    assert len(read.held_out_values) == sum(kept) and (n > 5) == all(kept)
    with pytest.raises(UserError, match="was chosen by 9"):
        read_drawn(path, sample | {"output_m": [9.0, 0.25]}, "m", Reward(kind="log_odds"))
    with pytest.raises(UserError, match="coalitions of other than"):
        read_drawn(path, sample | {"players": [[0, 1]] * (n + 8)}, "m", Reward(kind="log_odds"))
    write_table(path, pa.table({"coalition": [0]}), {})
    with pytest.raises(UserError, match="holds no drawn coalitions"):
        read_drawn(path, sample, "m", Reward(kind="log_odds"))


def test_the_worst_noise_of_all_blocks_is_kept(tmp_path):
    presence, parts = drawn(4, 100, 0), []
    for place, noise in enumerate([0.1, 0.3]):
        parts.append(tmp_path / f"{place}.parquet")
        table = outputs_table(np.zeros((50, 2), np.float32), True, presence[50 * place : 50 * place + 50])
        write_table(parts[-1], table, {"made": {"batch_size": 4, "noise": noise}})
    write_drawn(tmp_path / "out.parquet", parts, 50)
    assert store.read_metadata(tmp_path / "out.parquet")["made"] == {"batch_size": 4, "noise": 0.3}


# --------------------------------------------------------------------------------------------------- null games


@dataclasses.dataclass
class Values:
    """Rewards of one model on some coalitions."""

    presence: np.ndarray
    values: np.ndarray


def games(n, samples=3, models=2):
    return {
        number: [Values(drawn(n, 50, (number,)), np.random.default_rng([number, m]).random(50)) for m in range(models)]
        for number in range(samples)
    }


def test_renaming_players_renames_interactions():
    presence, values = planted(6)
    shared = {0: [Values(presence, own) for own in values]}
    ((moved, kept),) = sampled_null_games(shared, 0, 1, 1, 0, seed=5)["renaming"]
    true, null = (
        fit(SampledGames(*game), alpha=None, order=2, penalty=0.05) for game in ((presence, values), (moved, kept))
    )
    numbers = permutations(6, 2, 5, 0, 0)
    for model in range(2):
        strengths = {
            (kind, frozenset(numbers[model][player] for player in np.flatnonzero(members))): strength
            for kind, members, strength in zip(true.kinds, true.members, true.strengths[model], strict=True)
            if strength
        }
        found = {
            (kind, frozenset(np.flatnonzero(members).tolist())): strength
            for kind, members, strength in zip(null.kinds, null.members, null.strengths[model], strict=True)
            if strength
        }
        assert found == pytest.approx(strengths, rel=1e-3, abs=1e-4)


def test_exchange_shows_other_samples_of_as_many_players():
    values = games(6)
    drawn_games = sampled_null_games(values, 0, 3, 0, 2, seed=0)
    for presence, own in drawn_games["exchange"]:
        assert own[0] is values[0][0].values
        assert any(own[1] is values[other][1].values and presence[1] is values[other][1].presence for other in (1, 2))
    values[1] = games(7)[1]
    assert sampled_null_games(values, 0, 3, 0, 2, seed=0) == {}


# ------------------------------------------------------------------------------------------------------ fidelity


@pytest.mark.slow
def test_fidelity_by_order_and_number():
    presence, values = planted(10, count=500)
    fitted, held_out = slice(0, 400), slice(400, 500)
    game = SampledGames(presence[fitted], list(values[:, fitted]))
    settings = {"alpha": None, "order": 2}
    truth = [(presence[held_out], own[held_out]) for own in values]
    said = judged(game, fit(game, **settings), truth, **settings)
    assert min(said["fidelity"]) > 0.98
    assert list(said["by_order"]) == [1, 2] and said["by_order"][2] == said["fidelity"]
    assert max(said["by_order"][1]) < 0.97
    assert all(abs(r2) < 0.1 for r2 in said["by_number"][0])
    best = [max(of_model) for of_model in zip(*said["by_number"].values(), strict=True)]
    assert min(best) > 0.98
    nothing = [(presence[:0], own[:0]) for own in values]
    assert judged(game, fit(game, **settings), nothing, **settings) == {}


@pytest.mark.parametrize(
    ("players", "same"),
    [
        ({"kind": "words", "choose": "all"}, False),
        ({"kind": "words", "count": 30}, True),
        ({"kind": "features", "count": "all"}, True),
        ({"kind": "grid", "rows": 7, "columns": 7}, True),
        ({"kind": "pixels", "source": "p"}, False),
    ],
)
def test_samples_are_exchanged_where_all_have_as_many_players(players, same):
    """Whatever chunk is looked at: a chunk of one sample says nothing of the others."""
    assert kind_of(players).same_number == same
