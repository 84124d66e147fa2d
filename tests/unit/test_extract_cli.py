import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from andor.cli.extract import extract
from andor.errors import UserError
from andor.game.transforms import and_inverse, or_inverse
from andor.store import read_metadata, read_table

VALUES = np.random.default_rng(0).normal(size=(2, 2, 8))


def run(folder, *options, **arrays):
    np.savez(folder / "values.npz", **arrays)
    return called(folder / "values.npz", *options)


def called(path, *options):
    app = typer.Typer()
    app.command()(extract)
    arguments = [str(path), "--out", str(path.with_name("out.parquet")), *options]
    result = CliRunner().invoke(app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_one_json_object_a_sample_and_a_row_for_each_interaction(tmp_path):
    rows = run(tmp_path, "--gap", "0.001", values=VALUES)
    assert [row["sample"] for row in rows] == [0, 1]
    for row in rows:
        assert row["status"] == "optimal"
        assert row["gap"] == pytest.approx((row["objective"] - row["lower_bound"]) / row["objective"])
        assert row["gap"] <= 0.001
        assert row["iterations"] > 0
        assert row["seconds"] > 0
    table = read_table(tmp_path / "out.parquet")
    assert table.column_names == ["model", "kind", "coalition", "order", "strength", "sample"]
    assert len(table) == 2 * 2 * 2 * 8
    assert read_metadata(tmp_path / "out.parquet")["samples"] == rows


def test_file_reproduces_the_values_within_kappa(tmp_path):
    kappa = np.array([0.3, 0.01])
    run(tmp_path, values=VALUES[0], kappa=kappa, tau=np.array([1.0, 1.0]))
    table = read_table(tmp_path / "out.parquet").to_pandas()
    assert "sample" not in table
    for model in range(2):
        of_model = table[table["model"] == str(model)]
        i_and, i_or = (of_model[of_model["kind"] == kind].sort_values("coalition") for kind in ("and", "or"))
        assert (i_and["order"] == np.bitwise_count(np.arange(8))).all()
        rebuilt = and_inverse(i_and["strength"].to_numpy()) + or_inverse(i_or["strength"].to_numpy())
        assert np.abs(rebuilt - VALUES[0, model]).max() <= kappa[model] * (1 + 1e-6)


def test_original_is_and_alone(tmp_path):
    rows = run(tmp_path, "--method", "original", values=VALUES[0])
    assert rows[0]["status"] == "closed_form"
    table = read_table(tmp_path / "out.parquet").to_pandas()
    assert not table[table["kind"] == "or"]["strength"].any()


@pytest.mark.parametrize(
    ("options", "arrays", "message"),
    [
        ([], {"values": VALUES[..., :7]}, "power of two"),
        ([], {"values": VALUES[0, 0]}, "shape"),
        ([], {"values": np.where(VALUES > 1, np.nan, VALUES)}, "nan"),
        ([], {"values": VALUES, "kappa": [-1.0, 1]}, "kappa holds -1"),
        ([], {"values": VALUES, "tau": [-1.0, 1]}, "tau holds -1"),
        ([], {"game": VALUES}, "`values`"),
        ([], {"values": np.array([None, 1])}, "plain numbers"),
        (["--kappa", "-1"], {"values": VALUES}, "kappa is -1"),
        (["--tau", "-1"], {"values": VALUES}, "tau is -1"),
        (["--standard", "mean"], {"values": VALUES}, "`mean`"),
        (["--method", "best"], {"values": VALUES}, "`best`"),
        (["--solver", "best"], {"values": VALUES}, "`best`"),
        (["--gap", "2"], {"values": VALUES}, "gap is 2"),
    ],
)
def test_bad_input_is_refused_in_one_line(tmp_path, options, arrays, message):
    with pytest.raises(UserError, match=message) as error:
        run(tmp_path, *options, **arrays)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.parquet").exists()


def test_files_that_are_none_are_named(tmp_path):
    for name, content in (("text.npz", b"text"), ("empty.npz", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=name):
            called(tmp_path / name)
    with pytest.raises(UserError, match="no such file"):
        called(tmp_path / "none.npz")
    np.save(tmp_path / "array.npy", VALUES)
    with pytest.raises(UserError, match=r"array\.npy"):
        called(tmp_path / "array.npy")


def sampled(models: int = 2, own: bool = False) -> dict[str, np.ndarray]:
    """A game of 40 players: one interaction that all models have, one of each alone; held out beside."""
    random = np.random.default_rng(1)
    shape = (models, 400, 40) if own else (400, 40)

    def game(presence: np.ndarray) -> np.ndarray:
        each = presence if own else [presence] * models
        return np.array([2 * p[:, [1, 2]].all(1) - p[:, [5, 6 + i]].any(1) for i, p in enumerate(each)]).astype(float)

    presence, new = random.random(shape) < 0.6, random.random(shape) < 0.4
    values = game(presence) + random.normal(0, 0.01, (models, 400))
    _, first = np.unique(presence.reshape(-1, 40), axis=0, return_index=True)
    assert len(first) == presence.size // 40
    return {"presence": presence, "values": values, "held_out_presence": new, "held_out_values": game(new)}


@pytest.mark.slow
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("method", ["traditional", "generalizable"])
def test_a_sampled_game(tmp_path, method, own):
    game = sampled(own=own)
    (said,) = run(tmp_path, "--method", method, **game)
    alone = method == "traditional"
    for name in ("objective", "lower_bound", "gap", "penalty"):
        assert isinstance(said[name], list) == alone
    gaps, bounds, objectives = (np.atleast_1d(said[name]) for name in ("gap", "lower_bound", "objective"))
    np.testing.assert_allclose(gaps, (objectives - bounds) / objectives, atol=1e-9)
    assert gaps.max() <= 0.01
    assert said["order"] == 3
    assert min(said["fidelity"]) > 0.98
    assert said["coalitions_searched"] > 0
    table = read_table(tmp_path / "out.parquet").to_pandas()
    assert list(table) == ["model", "kind", "players", "order", "strength", "penalised", "error"]
    assert (table["order"] == table["players"].map(len)).all()
    for model in range(2):
        rows = table[table["model"] == model]
        assert len(rows) == 1 + said["interactions"][model]
        strongest = rows[rows["order"] > 0].iloc[0]
        assert (strongest["kind"], strongest["players"].tolist()) == ("and", [1, 2])
        assert abs(strongest["strength"] - 2) < max(5 * strongest["error"], 0.05)
        new = (game["held_out_presence"][model] if own else game["held_out_presence"]).astype(bool)
        prediction = np.zeros(len(new))
        for row in rows.itertuples():
            inside = new[:, row.players]
            prediction += row.strength * (inside.all(1) if row.kind == "and" else inside.any(1))
        residual = prediction - game["held_out_values"][model]
        assert 1 - (residual**2).mean() / game["held_out_values"][model].var() == pytest.approx(said["fidelity"][model])


def test_a_sampled_game_without_held_out_coalitions_has_no_fidelity(tmp_path):
    game = {name: array for name, array in sampled().items() if not name.startswith("held")}
    (said,) = run(tmp_path, "--penalty", "0.05", "--order", "2", **game)
    assert said["fidelity"] is None
    assert (said["penalty"], said["order"]) == (0.05, 2)


@pytest.mark.parametrize(
    ("options", "changes", "message"),
    [
        (["--tau", "1"], {}, "is a sampled game, for which there is no `--tau`"),
        (["--method", "original"], {}, "takes traditional or generalizable"),
        (["--penalty", "0"], {}, "penalty is 0"),
        ([], {"held_out_values": None}, "`held_out_presence` stands alone"),
        ([], {"held_out_presence": np.ones((400, 3))}, "give the same models and players"),
        ([], {"presence": np.full((400, 40), 3)}, "other numbers than 0 and 1"),
        ([], {"values": np.ones((2, 400))}, "the same value on all coalitions"),
    ],
)
def test_what_a_sampled_game_cannot_be(tmp_path, options, changes, message):
    game = {name: array for name, array in {**sampled(), **changes}.items() if array is not None}
    with pytest.raises(UserError, match=message):
        run(tmp_path, *options, **game)


def test_options_of_sampled_games_are_refused_elsewhere(tmp_path):
    with pytest.raises(UserError, match="holds all coalitions, for which there is no `--order`"):
        run(tmp_path, "--order", "2", values=VALUES)
