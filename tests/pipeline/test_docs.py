"""The commands of the documentation, run: quick ones always, all of them with ``make test-docs``."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import yaml
from test_deployment import plan

from andor import config
from conftest import ROOT, write_config

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("examples/*/README.md"))]
PROGRAMS = ("andor", "snakemake", "python")
ELSEWHERE = {
    "make ": "what runs these tests",
    "pip install": "the environment of the tests has it",
    "python3 -m venv": "the environment of the tests has it",
    ". .venv": "the environment of the tests has it",
    "sed -i": "changes the pins",
    "export": "needs an index of packages",
    "squeue": "test_slurm.py runs it",
    "--workflow-profile": "test_slurm.py plans it",
    "--use-conda": "test_conda.py runs it",
    "config/paper.yaml": "test_chain.py plans it: it needs GPUs and a hub",
    "config/paper_icml.yaml": "test_chain.py plans it: it needs GPUs and data fetched by hand",
    "config/tabular.yaml": "test_chain.py plans it: it takes an hour",
    "config/corruption.yaml": "test_chain.py plans it: it takes half an hour",
    "config/points.yaml": "test_chain.py plans it: it takes half an hour",
    "config/replication.yaml": "test_chain.py plans it: it takes an hour",
    "config/questions.yaml": "test_chain.py plans it: it takes an hour and a half",
    "study.yaml": "test_chain.py has a study",
    "model.gguf": "test_evaluate_cli.py reads one",
}
"""Parts of commands that are not run here, and why."""
HERE = {"resnet20-vgg16": "lenet-lenet2", "models/minilm6": "models/bert"}
"""Names of the default configuration, and their like in the tiny one."""
PATIENCE = 3600
"""Seconds after which a test gives up: on a busy machine all of this takes long."""


def here(text: str) -> str:
    """A command or a block of code with the names there are here."""
    for name, own in HERE.items():
        text = text.replace(name, own)
    return text


def blocks(page: Path, language: str) -> list[str]:
    """Code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def commands(page: Path) -> list[str]:
    """Shell commands of a page, without their comments."""
    lines = "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    return [command for command in (line.partition("  #")[0].strip() for line in lines) if command]


def runs_here(command: str) -> bool:
    return not any(re.search(rf"(?<!\w){re.escape(part)}", command) for part in ELSEWHERE)  # snakemake is not make


ALL = [(page, command) for page in PAGES for command in commands(page)]
QUICK = ["andor --help", "andor check config.yaml", "andor extract", "snakemake --cores all -n masked_outputs"]


def test_every_command_is_run_somewhere():
    assert len(ALL) > 25
    for page, command in ALL:
        assert not runs_here(command) or command.startswith(PROGRAMS), f"{page}: {command}"
    for part in ELSEWHERE:
        assert any(part in command for _, command in ALL), f"no page has `{part}` any more"
    for program in PROGRAMS:
        assert any(runs_here(command) and command.startswith(program) for _, command in ALL), f"{program} is never run"


@pytest.fixture(scope="module")
def clone(run, configuration, tmp_path_factory) -> Path:
    """What a reader has: a clone, here with a tiny configuration that was run once, and an array of values."""
    folder = tmp_path_factory.mktemp("clone") / "andor"
    shutil.copytree(run, folder, symlinks=True)
    for name in ("Snakefile", "rules", "src", "workflow", "envs", "profiles", "config", "README.md"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "examples", folder / "examples")
    write_config(folder, configuration)
    random = np.random.default_rng(0)
    np.savez(folder / "values.npz", values=random.normal(size=(3, 2, 16)))
    presence = random.random((200, 40)) < 0.5
    np.savez(folder / "game.npz", presence=presence, values=presence[:, [1, 2]].T + random.normal(0, 0.1, (2, 200)))
    return folder


def execute(command: str | list[str], folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "src")}
    shell = isinstance(command, str)
    done = subprocess.run(
        command, shell=shell, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


@pytest.mark.parametrize("start", QUICK)
def test_a_quick_command(start, clone):
    execute(next(command for _, command in ALL if command.startswith(start)), clone)


@pytest.mark.docs
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_of_a_page(page, clone):
    folder = clone / page.parent.relative_to(ROOT) if "examples" in page.parts else clone
    for command in filter(runs_here, commands(page)):
        execute(here(command), folder)


@pytest.mark.docs
@pytest.mark.parametrize(
    "page", [page for page in PAGES if "import" in "".join(blocks(page, "python"))], ids=lambda page: page.name
)
def test_python_of_a_page(page, clone):
    for block in blocks(page, "python"):
        if "import" in block:
            execute([sys.executable, "-c", here(block)], clone)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml")], ids=lambda page: page.name)
def test_yaml_of_a_page(page):
    for block in blocks(page, "yaml"):
        assert yaml.safe_load(block).keys() <= config.Config.model_fields.keys()


def test_models_that_are_asked_are_checked_and_planned(tmp_path):
    page = ROOT / "docs" / "howto" / "asked.md"
    rows = [f"review {number} is long enough to be read,{number % 2}" for number in range(40)]
    (tmp_path / "reviews.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    for name, block in zip(("asked", "served"), blocks(page, "yaml"), strict=True):
        assert block.startswith(f"# {name}.yaml\n")
        (tmp_path / f"{name}.yaml").write_text(block, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "LLM_KEY": "x"}
    command = [sys.executable, "-m", "andor", "check", "served.yaml"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert blocks(page, "text")[0].strip() in done.stdout
    jobs = plan(tmp_path, "--snakefile", str(ROOT / "Snakefile"), "--configfile", "asked.yaml")
    assert jobs["model"] == 5 and jobs["evaluate"] == 5 and jobs["source"] == 3


@pytest.mark.parametrize(("page", "key", "kinds"), [("data", "reader", config.Data), ("model", "family", config.Model)])
def test_a_page_names_all_there_is(page, key, kinds):
    text = (ROOT / "docs" / "howto" / f"{page}.md").read_text(encoding="utf-8")
    table = text.partition(f"| `{key}` |")[2].partition("\n\n")[0]
    members = get_args(get_args(kinds)[0])
    assert len(members) > 5
    for member in members:
        (name,) = get_args(get_type_hints(member)[key])
        assert f"`{name}`" in table


def test_the_tutorial_tells_what_the_default_configuration_does(tmp_path):
    text = " ".join((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8").split())
    default = config.load(ROOT / "config.yaml")
    digits = default.tasks["digits"]
    assert f"{digits.samples.count} images that all networks get right" in text
    assert f"{digits.players.count} patches with the most ink" in text
    assert f"all 2⁸ = {2**digits.players.count} versions" in text
    items = digits.data.read(None, default.seed).to_pandas()
    threes = ((items["split"] == "test") & (items["label"] == digits.samples.label)).sum()
    assert f"in each of the {min(threes, digits.samples.candidates)} test images of a 3" in text
    jobs = plan(tmp_path, "--snakefile", str(ROOT / "Snakefile"), "--configfile", str(ROOT / "config.yaml"))
    assert f"{jobs['total']} jobs" in text
    assert {"source", "model", "evaluate", "extract", "tabulate", "figure", "page", "provenance"} <= jobs.keys()


def test_every_page_is_in_the_contents():
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:")[2]
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert pages == set(re.findall(r": (\S+\.md)", contents))
