"""The command line, as a user calls it."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def andor(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    code = "from andor.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


def test_help_names_the_commands():
    done = andor("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("check", "extract", "reference"))


def test_check_says_what_a_configuration_describes():
    done = andor("check")
    assert done.returncode == 0
    assert done.stdout.startswith("digits: 12 samples, 8 players, ensembles resnet20-vgg16, ")


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
