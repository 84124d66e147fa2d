"""The hooks that git runs before a commit, on a clone with a fault for each; they need no network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

pytest.importorskip("pre_commit", reason="needs requirements-test.txt")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True).stdout


def hooks(folder: Path) -> subprocess.CompletedProcess:
    """All but mypy, which takes a minute."""
    environment = {**os.environ, "SKIP": "types", "PYTHONPATH": str(folder / "src"), "PIP_NO_INDEX": "1"}
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_hooks_mend_what_the_tests_would_refuse(tmp_path):
    for name in git(ROOT, "ls-files").splitlines():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    faults = {
        "ruff check": ("src/andor/errors.py", "import os\n\n\n"),
        "ruff format": ("src/andor/errors.py", "too_long = [\n1\n]\n"),
        "snakefmt": ("rules/sources.smk", "number    =    1\n"),
        "schema and table of keys in step with the model": ("config/README.md", "A line of no key.\n"),
    }
    for path, text in faults.values():
        with (tmp_path / path).open("a", encoding="utf-8") as file:
            file.write(text)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--", *git(ROOT, "ls-files").splitlines())

    first = hooks(tmp_path).stdout
    for name in faults:
        assert any(line.startswith(name) and line.endswith("Failed") for line in first.splitlines()), first
    again = hooks(tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert (tmp_path / "config/README.md").read_bytes() == (ROOT / "config/README.md").read_bytes()
