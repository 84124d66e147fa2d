"""`andor explain`: what models in folders say of one text."""

import copy

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

import tiny
from andor.cli.explain import explain
from andor.config import Masking
from andor.data.players.words import words
from andor.errors import UserError
from andor.models.loading import load_transformers
from andor.outputs.masking import bind
from andor.outputs.passes import evaluate
from andor.report.explorer.coding import decode_values, from_bits
from andor.report.explorer.page import read
from andor.store import read_table

QUICK = ["--budget", "200", "--held-out", "50", "--order", "2", "--device", "cpu", "--baseline", "mask"]


def run(*arguments) -> str:
    app = typer.Typer()
    app.command()(explain)
    done = CliRunner().invoke(app, list(map(str, arguments)))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two classifiers as the workflow saves them."""
    root = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("first", "second")):
        model = copy.deepcopy(tiny.encoder())  # which other tests have too
        torch.manual_seed(seed)
        with torch.no_grad():  # a small network says nearly the same of everything
            model.network.classifier.weight.normal_(0, 10)
        model.network.save_pretrained(root / name)
        model.tokenizer.save_pretrained(root / name)
    return [root / "first", root / "second"]


@pytest.mark.slow
def test_it_explains_what_the_models_say(folders, tmp_path):
    out, page = tmp_path / "found.parquet", tmp_path / "found.html"
    said = run(*folders, "--text", tiny.TEXT, *QUICK, "--cache", tmp_path / "cache", "--out", out, "--page", page)
    assert "11 players" in said and "R²" in said and "in all models" in said
    sample = {"text": tiny.TEXT, "players": [[word.start, word.stop] for word in words(tiny.TEXT)]}
    outputs = evaluate(bind(load_transformers(folders[1], "cpu"), sample, Masking(baseline="mask")))
    odds = outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs[:, 0]
    (shown,) = read(page.read_text(encoding="utf-8"))["samples"]
    masks = from_bits(shown["drawn"]["presence"], 11) @ (1 << np.arange(11))
    np.testing.assert_allclose(decode_values(shown["v"][1]), odds[masks], rtol=1e-4, atol=1e-3 * float(np.ptp(odds)))
    assert set(read_table(out)["model"].to_pylist()) == {0, 1}
    assert run(*folders, "--text", tiny.TEXT, *QUICK, "--cache", tmp_path / "cache") == said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--players", "pieces"], "neither `words` nor `sentences`"),
        (["--penalty", "0"], "give a number above 0"),
        (["--label", "7"], "label 7 is none of the model's"),
        (["--baseline", "halves"], "baseline"),
    ],
)
def test_what_makes_no_sense_is_one_line(folders, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        run(folders[0], "--text", tiny.TEXT, *QUICK, "--cache", tmp_path, *options)


def test_two_models_of_one_name(folders, tmp_path):
    with pytest.raises(UserError, match="have one name"):
        run(folders[0], folders[0], "--text", tiny.TEXT, *QUICK, "--cache", tmp_path)
