"""The command line, as a user calls it."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from andor import cli

ROOT = Path(__file__).parents[2]


def andor(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", "from andor.cli import main; main()", *arguments]
    here = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, cwd=cwd, env=here, capture_output=True, text=True, check=False, timeout=120)


def test_help_names_the_commands():
    done = andor("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("check", "extract", "reference"))


def test_check_says_what_a_configuration_describes():
    done = andor("check")
    assert done.returncode == 0
    digits, _, reviews = done.stdout.splitlines()
    assert digits.startswith(
        "digits: 12 samples, 8 players, all coalitions: 9,216 masked inputs of 3 models; ensembles resnet20-vgg16, "
    )
    assert reviews == (
        "reviews: 8 samples, up to 120 players, 400 coalitions to fit and 100 held out: 12,000 masked inputs of 3 "
        "models; ensembles encoders, all_three"
    )


def test_check_prints_faults_without_a_traceback(tmp_path):
    text = (ROOT / "config.yaml").read_text(encoding="utf-8").replace("seed: 0", "sed: 0")
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    done = andor("check", "mine.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: mine.yaml: `sed` is no known key; did you mean `seed`?\n"


def test_reference_writes_both_files(tmp_path):
    done = andor("reference", str(tmp_path))
    assert done.returncode == 0, done.stderr
    for name in ("config/README.md", "workflow/schemas/config.schema.json"):
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes(), name
    shutil.rmtree(tmp_path)


def test_a_full_disk_is_one_line(monkeypatch, capsys):
    def full():
        raise OSError(errno.ENOSPC, "No space left on device", "there/x")

    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 1
    told = capsys.readouterr().err
    assert told.startswith("error: there/x: cannot be written (No space left on device); make room")
    assert told.count("\n") == 1
