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
    app = typer.Typer()
    app.command()(extract)
    np.savez(folder / "values.npz", **arrays)
    arguments = [str(folder / "values.npz"), "--out", str(folder / "out.parquet"), *options]
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
            extract(tmp_path / name, tmp_path / "out.parquet")
    with pytest.raises(UserError, match="no such file"):
        extract(tmp_path / "none.npz", tmp_path / "out.parquet")
    np.save(tmp_path / "array.npy", VALUES)
    with pytest.raises(UserError, match=r"array\.npy"):
        extract(tmp_path / "array.npy", tmp_path / "out.parquet")
