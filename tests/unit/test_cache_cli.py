"""The cache's commands, as a user calls them."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from andor.cli.cache import app
from andor.errors import UserError
from andor.outputs.cache import OutputCache
from andor.outputs.stored import outputs_table
from damage import flip


def andor(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture
def cache(tmp_path) -> OutputCache:
    """Three files of model a, one of model b."""
    cache = OutputCache(tmp_path / "cache")
    for number, (model, torch) in enumerate([("aa", "2.1"), ("aa", "2.1"), ("aa", "2.2"), ("bb", "2.2")]):
        outputs = np.full((8, 2), number, np.float32)
        made = {"batch_size": 8, "device": "cpu", "torch": torch}
        cache.keep({"model": model * 32, "input": number}, outputs_table(outputs, language=False), made)
    return cache


@pytest.fixture
def at(cache) -> tuple[str, Path]:
    return "--cache", cache.folder.parent


def test_models_and_files_are_listed(cache, at):
    code, output = andor("list", *at)
    assert code == 0
    assert "model aaaaaaaaaaaa  files 3  coalitions 24" in output and "torch 2.1,2.2" in output
    assert "4 files" in output and "0 damaged" in output
    rows = [json.loads(line) for line in andor("list", *at, "--files", "--json", "--model", "b")[1].splitlines()]
    (row,) = rows
    assert row["key"] in {path.name[:64] for path in cache.files()}
    assert row["model"] == "b" * 12 and row["coalitions"] == 8 and row["torch"] == "2.2" and row["batch_size"] == 8


def test_verifying_finds_every_damage(cache, at):
    assert andor("verify", *at) == (0, "4 files are whole, 0 damaged\n")
    first, second, third, _ = cache.files()
    flip(first, "logits")
    second.write_bytes(second.read_bytes()[:-20])
    swapped = third.read_bytes()
    third.rename(third.with_name("0" * 64 + ".parquet"))  # a file under another's name
    code, output = andor("verify", *at)
    assert code == 1 and "1 files are whole, 3 damaged" in output
    assert first.name in output and second.name in output and "0" * 64 in output
    code, output = andor("prune", *at, "--damaged", "--dry-run")
    assert "would remove 3 files" in output and len(cache.files()) == 4
    assert "removed 3 files" in andor("prune", *at, "--damaged")[1]
    assert len(cache.files()) == 1 and andor("verify", *at)[0] == 0
    assert swapped


def test_pruning_by_model_age_and_version(cache, at):
    assert "removed 1 files" in andor("prune", *at, "--made-by", "torch=2.2", "--model", "aa")[1]
    assert "removed 0 files" in andor("prune", *at, "--older-than", 1)[1]
    old = time.time() - 3 * 86400
    aged = next(path for path in cache.files() if cache.read(path).content["model"].startswith("aa"))
    os.utime(aged, (old, old))
    assert "removed 1 files" in andor("prune", *at, "--older-than", 1)[1]
    assert "removed 1 files" in andor("prune", *at, "--model", "bb")[1]
    assert len(cache.files()) == 1


def test_a_key_that_files_do_not_state_matches_none_of_them(cache, at):
    assert "removed 0 files" in andor("prune", *at, "--made-by", "gpu=None")[1]
    assert len(cache.files()) == 4


@pytest.mark.parametrize("arguments", [["prune", "--model", "aa"], ["prune", "--older-than", "0"], ["list"]])
def test_files_that_another_run_removes_meanwhile_are_no_error(cache, at, arguments, monkeypatch):
    read = OutputCache.read

    def read_and_lose(self, path):
        kept = read(self, path)
        path.unlink()
        return kept

    monkeypatch.setattr(OutputCache, "read", read_and_lose)
    code, output = andor(*arguments, *at)
    assert code == 0 and " files" in output


def test_what_is_damaged_may_be_removed_meanwhile(cache, at, monkeypatch):
    flip(cache.files()[0], "logits")
    gone = cache.files()[0].with_name(".x.parquet.gone")
    monkeypatch.setattr(OutputCache, "leftovers", lambda self: [gone])
    assert "removed 1 files" in andor("prune", *at, "--damaged")[1]


def test_what_killed_runs_left_is_removed_but_not_what_is_being_written(cache, at):
    folder = cache.files()[0].parent
    left, fresh = folder / ".x.parquet.old", folder / ".y.parquet.new"
    left.write_text("half")
    fresh.write_text("half")
    old = time.time() - 7200
    os.utime(left, (old, old))
    assert "removed 1 files" in andor("prune", *at, "--damaged")[1]
    assert not left.exists() and fresh.exists() and len(cache.files()) == 4


def test_copies_are_the_same_files_and_damage_is_left_behind(cache, at, tmp_path):
    other = OutputCache(tmp_path / "other")
    assert "copied 3 files, 0 were there" in andor("copy", tmp_path / "other", *at, "--model", "aa")[1]
    flip(other.files()[0], "logits")
    flip(cache.files()[-1], "logits")
    code, output = andor("copy", tmp_path / "other", *at)
    assert code == 0 and "1 damaged ones left behind" in output
    whole = cache.files()[:-1]
    for path in whole:
        copied = other.folder / path.relative_to(cache.folder)
        assert copied.read_bytes() == path.read_bytes() and not copied.samefile(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prune"], "say what to remove"),
        (["prune", "--damaged", "--model", "a"], "`--damaged` goes alone"),
        (["prune", "--made-by", "torch"], "write key=value"),
        (["copy", "."], "is the cache itself"),
        (["list", "--cache", "nowhere"], "--cache nowhere: no such folder"),
    ],
)
def test_bad_input_is_one_line(cache, at, arguments, message, monkeypatch):
    monkeypatch.chdir(at[1])
    options = [] if "--cache" in arguments else ["--cache", "."]
    with pytest.raises(UserError, match=message) as error:
        andor(*arguments, *options)
    assert "\n" not in str(error.value)
