"""The workflow under ``--use-conda`` with a real conda, from nothing. ``make test-conda``."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import ROOT, write_config

pytestmark = pytest.mark.conda
ENVIRONMENTS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "envs").glob("*.yaml")}
PYTHON = next(
    str(pin).removeprefix("python==").removeprefix("python=") for pin in ENVIRONMENTS["torch"]["dependencies"]
)
PATIENCE = 3600
"""Seconds after which a test gives up: on a busy machine all of this takes long."""


def tree(version: str) -> Path:
    """A complete CPython of this machine."""
    folder = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions" / version
    if not (folder / "bin" / "python3").exists():
        pytest.skip(f"no conda, and no CPython {version} at {folder} to make one from")
    return folder


@pytest.fixture(scope="module")
def conda(tmp_path_factory) -> dict[str, str]:
    """Environment variables with a conda on the path: the machine's own, or one made here."""
    if shutil.which("conda"):
        return dict(os.environ)
    folder = tmp_path_factory.mktemp("conda")
    subprocess.run(["bash", ROOT / "tests/labs/conda.sh", folder, tree(PYTHON)], check=True, timeout=PATIENCE)
    return {**os.environ, "PATH": f"{folder / 'condabin'}:{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def other_python(tmp_path_factory) -> str:
    """A Python of another minor with the Snakemake of the requirements, and numpy to leak."""
    folder = tmp_path_factory.mktemp("other")
    subprocess.run([tree("3.12.1") / "bin" / "python3", "-m", "venv", folder], check=True)
    wanted = ("snakemake==", "pydantic==", "pyyaml==", "numpy==", "pandas==")
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line.startswith(wanted)]
    subprocess.run([folder / "bin/pip", "install", "--quiet", *pins], check=True, timeout=PATIENCE)
    return str(folder / "bin/python")


PROBE = """
rule probe:
    output: "{env}.json"
    log: "logs/{env}.log"
    conda: lambda wildcards: f"ENVS/{wildcards.env}.yaml"
    script: "probe.py"
"""
PROBE_SCRIPT = """
import json, sys
from importlib import import_module
sys.path.insert(0, "SCRIPTS")
from _job import leave_out_snakemake
leave_out_snakemake()  # as all scripts of the workflow begin
places = {}
for name in ("numpy", "pandas", "pyarrow", "pydantic", "yaml", "torch"):
    try:
        places[name] = import_module(name).__file__
    except ImportError:
        places[name] = None
json.dump({"prefix": sys.prefix, "python": sys.version.split()[0], "places": places}, open(snakemake.output[0], "w"))
"""


def test_the_digits_task_runs_from_nothing(conda, configuration, tmp_path_factory, other_python):
    folder = tmp_path_factory.mktemp("run")
    write_config(folder, {**configuration, "tasks": {"digits": configuration["tasks"]["digits"]}})
    for python in (sys.executable, other_python):
        shutil.rmtree(folder / "results", ignore_errors=True)
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        command = [python, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "2", "--use-conda"]
        done = subprocess.run(
            command, cwd=folder, env=conda, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        record = json.loads((folder / "results/provenance.json").read_text())
        assert record["machine"]["python"] == PYTHON
        assert "snakemake" not in record["packages"]

    made = list((folder / ".snakemake" / "conda").glob("*/bin/python"))
    assert len(made) == 2, "the digits need no environment for fetching"
    for path in made:
        frozen = subprocess.run(
            [path, "-m", "pip", "freeze", "--all"], capture_output=True, text=True, check=True
        ).stdout
        packages = {line.split("==")[0].lower().replace("_", "-") for line in frozen.splitlines() if "==" in line}
        kind = "torch" if "torch" in packages else "analysis"
        pins = {pin.split("==")[0] for pin in ENVIRONMENTS[kind]["dependencies"][-1]["pip"]}
        assert packages - pins <= {"pip", "setuptools", "wheel"}, f"{kind}: not pinned"

    # What scripts import is their environment's, whichever Python and packages the Snakemake has that starts them.
    (folder / "Probe").write_text(PROBE.replace("ENVS", str(ROOT / "envs")))
    (folder / "probe.py").write_text(PROBE_SCRIPT.replace("SCRIPTS", str(ROOT / "workflow" / "scripts")))
    for python in (sys.executable, other_python):
        command = [python, "-m", "snakemake", "--snakefile", "Probe", "--cores", "1", "--use-conda", "--forceall"]
        targets = ["analysis.json", "torch.json"]
        done = subprocess.run([*command, *targets], cwd=folder, env=conda, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        for target in targets:
            found = json.loads((folder / target).read_text())
            assert found["python"] == PYTHON
            places = {name: place for name, place in found["places"].items() if place}
            assert ("torch" in places) == (target == "torch.json"), "drawing needs no torch"
            assert all(place.startswith(found["prefix"]) for place in places.values()), places
