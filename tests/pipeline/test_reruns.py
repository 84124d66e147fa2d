"""What a change in the package runs again: just what depends on it."""

import os
import shutil
import time

import pytest
from test_chain import copied, planned

from conftest import ROOT, snakemake, write_config

ALWAYS = {"provenance", "all"}


@pytest.fixture
def edited(run, tmp_path):
    """A copy of the workflow beside a finished run; edits it and tells which rules would run."""
    for name in ("rules", "src", "workflow"):
        shutil.copytree(ROOT / name, tmp_path / "clone" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "Snakefile", tmp_path / "clone")
    shutil.copytree(ROOT / "envs", tmp_path / "clone" / "envs")
    folder = copied(run, tmp_path / "run")

    def edit(module: str, old: str, new: str) -> set[str]:
        file = tmp_path / "clone" / "src" / "andor" / module
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{module} has no {old!r} any more"
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        rules = planned(folder, "--snakefile", str(tmp_path / "clone" / "Snakefile"))
        file.write_text(text, encoding="utf-8")
        return rules - ALWAYS

    return edit


def test_a_change_in_a_module_reruns_what_depends_on_it(edited):
    assert edited("report/figures/style.py", "\nimport ", "\nimport os\nimport ") == {"figure", "study_figure", "page"}
    tables = {"tabulate", "study", "findings", "figure", "study_figure", "page"}
    assert edited("report/tables/controls.py", "\nimport ", "\nimport os\nimport ") == tables
    interactions = {"extract", "null_games", *tables}
    assert edited("sparsify/solvers/first_order.py", "CHECK = 50", "CHECK = 60") == interactions


def test_a_cosmetic_change_reruns_nothing(edited):
    assert edited("sparsify/solvers/first_order.py", "CHECK = 50  #", "CHECK = (\n    50\n)  # more words:") == set()
    assert edited("report/tables/controls.py", '"""', '"""In other words: ') == set()


def test_a_change_inside_a_local_folder_is_noticed(configuration, tmp_path, monkeypatch):
    """Of a file, or of which files there are; a home folder is written `~`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    mine = tmp_path / "mine" / "deep"
    mine.mkdir(parents=True)
    for name in ("first.json", "second.json"):
        (mine / name).write_text("[]")
    write_config(
        tmp_path, {**configuration, "sources": {**configuration["sources"], "mine": {"mirrors": ["path:~/mine"]}}}
    )
    target = "results/sources/mine"
    assert snakemake(tmp_path, target).returncode == 0
    assert planned(tmp_path, "--", target) == set()
    (mine / "first.json").write_text("[1]")
    os.utime(mine / "first.json", (time.time() + 1e7,) * 2)  # of a machine whose clock is wrong
    assert planned(tmp_path, "--", target) == {"source"}
    assert snakemake(tmp_path, target).returncode == 0
    assert (tmp_path / target / "deep" / "first.json").read_text() == "[1]"
    assert planned(tmp_path, "--", target) == set()
    (mine / "second.json").unlink()
    assert planned(tmp_path, "--", target) == {"source"}
