"""How others start the workflow: its own Snakefile, the catalogue's, a module; and how much it can plan."""

import copy
import os
import re
import resource
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import forked
import yaml

from andor.config import check, load_raw
from andor.report.catalogue import figures_of
from conftest import PATIENCE, ROOT, snakemake, write_config

PLANNING = 4.0
"""Most by which a dry run of 10,000 samples and two models takes longer than one of 10, in seconds of one core."""


DRY = ["--cores", "2", "--dry-run", "--quiet", "rules"]


def plan(folder: Path, *arguments: str) -> Counter:
    """Jobs that a dry run lists, by rule, and their `total`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return listed(forked.snakemake([*DRY, *arguments], folder, environment, PATIENCE))


def listed(done: subprocess.CompletedProcess) -> Counter:
    """Jobs that are listed at the end of a dry run."""
    assert done.returncode == 0, done.stderr[-3000:]
    table = (done.stdout + done.stderr).partition("Job stats:")[2]
    return Counter({rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)})


def test_the_catalogues_snakefile_is_the_whole_workflow(configuration, tmp_path):
    write_config(tmp_path, configuration)
    jobs = plan(tmp_path, "--snakefile", str(ROOT / "workflow" / "Snakefile"))
    assert jobs["evaluate"] == 2 * 2
    assert jobs["extract"] == (2 + 2 + 1) * 2
    tasks = check(configuration).tasks
    assert jobs["figure"] == sum(len(figures_of(task)) for task in tasks.values())


def test_a_workflow_of_the_users_own_imports_this_one(sources, tmp_path):
    folder = tmp_path / "examples" / "own_models"
    shutil.copytree(ROOT / "examples" / "own_models", folder)
    for name in ("Snakefile", "rules", "src", "workflow", "envs"):
        (tmp_path / name).symlink_to(ROOT / name)
    for place in ("data", "models/first", "models/second"):
        shutil.copytree(sources / "encoder", folder / place)
    jobs = plan(folder)
    assert jobs["shared_words"] == 1
    assert jobs["andor_evaluate"] == 2
    assert jobs["andor_source"] == 3
    (task,) = check(load_raw(folder / "config.yaml"), base=folder).tasks.values()
    assert plan(folder, "--", "andor_figures")["andor_figure"] == len(figures_of(task))


def test_snakedeploy_brings_package_and_configuration(configuration, tmp_path):
    """It copies `config/` and writes a Snakefile that takes the workflow from a host; here the clone is cached."""
    cached = tmp_path / "cache/snakemake/snakemake/source-cache/snakemake-git-cache/github.com/owner/andor"
    subprocess.run(["git", "clone", "--quiet", "--bare", ROOT, cached], check=True)
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow" / "Snakefile").write_text(DEPLOYED.replace("COMMIT", commit.strip()))
    assert (tmp_path / "config/config.yaml").read_bytes() == (ROOT / "config.yaml").read_bytes()
    write_config(tmp_path / "config", configuration)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "results/digits/data.parquet"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "results/digits/data.parquet").exists()
    assert (tmp_path / ".snakemake/andor" / commit.strip() / "src/andor/__init__.py").exists()


DEPLOYED = """
configfile: "config/config.yaml"
module andor:
    snakefile: github("owner/andor", path="workflow/Snakefile", commit="COMMIT")
    config: config
use rule * from andor
"""


def test_scripts_hide_no_library(tmp_path, monkeypatch):
    """`evaluate` is a script here and a library elsewhere: rules, and what Snakemake imports late, get the library."""
    (tmp_path / "libraries").mkdir()
    (tmp_path / "libraries" / "evaluate.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "libraries"))
    (tmp_path / "Snakefile").write_text(
        f"include: '{ROOT / 'rules' / 'package.smk'}'\nimport evaluate\nprint('found', evaluate.__file__)\nrule all:\n"
    )
    done = snakemake(tmp_path, "--snakefile", "Snakefile", "--dry-run")
    assert f"found {tmp_path / 'libraries' / 'evaluate.py'}" in done.stdout, done.stdout + done.stderr


def test_jobs_run_the_package_beside_them_whatever_is_installed(configuration, tmp_path, monkeypatch):
    installed = tmp_path / "installed" / "andor"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("raise ImportError('an installed copy, of another state')")
    monkeypatch.setenv("PYTHONPATH", str(installed.parent))
    write_config(tmp_path, configuration)
    done = snakemake(tmp_path, "results/digits/data.parquet")
    assert done.returncode == 0, done.stderr[-3000:]


def test_folders_may_have_spaces_and_any_letters(configuration, tmp_path):
    """That of the run, of the clone and of the Python."""
    run, clone, environment = (tmp_path / f"a {name} für mich" for name in ("run", "clone", "venv"))
    run.mkdir()
    clone.symlink_to(ROOT)
    environment.symlink_to(sys.prefix)
    write_config(run, configuration)
    command = [environment / "bin" / "python", "-m", "snakemake", "--cores", "1", "--snakefile", clone / "Snakefile"]
    done = subprocess.run([*command, "results/digits/data.parquet"], cwd=run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (run / "results/digits/data.parquet").exists()


def test_ten_thousand_samples_are_hundreds_of_jobs_planned_in_seconds(configuration, tmp_path):
    many = copy.deepcopy(configuration)
    many["tasks"] = {"digits": many["tasks"]["digits"]}
    seconds = []
    for count in (10, 10_000):
        many["tasks"]["digits"]["samples"] |= {"count": count, "candidates": 20_000, "chunk": 100}
        write_config(tmp_path, many)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "snakemake", *DRY, "--snakefile", ROOT / "Snakefile"]
        jobs = listed(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    print(f"{jobs['total']} jobs planned in {seconds[1]:.1f} s, {seconds[0]:.1f} s for a few")
    assert seconds[1] < PLANNING * seconds[0]

    told = (ROOT / "docs" / "howto" / "cluster.md").read_text(encoding="utf-8").partition("`chunk: 100`")[2]
    table = {rule: int(count) for rule, count in re.findall(r"^\| (`?\w[\w ]+`?)[^|]*\| (\d+) \|", told, re.M)}
    for rule in ("evaluate", "extract", "null_games"):
        assert jobs[rule] == table[f"`{rule}`"]
    assert jobs["total"] - jobs["all"] == sum(table.values())


def test_the_report_is_made_and_read_without_network(run, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(UNPLUGGED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name in ("report.html", "report.zip"):
        done = snakemake(run, "--report", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "report.zip") as whole:
        pages = [whole.read(name).decode() for name in whole.namelist() if name.endswith("/report.html")]
    for page in [*pages, (tmp_path / "report.html").read_text(encoding="utf-8")]:
        assert "provenance.json" in page
        assert not re.findall(r"""<(?:script|link|img)[^>]+(?:src|href)=["']https?:[^>]*""", page)


UNPLUGGED = """
import socket
def refuse(*arguments, **options):
    raise OSError("the network is unplugged")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""


def test_profiles_differ_in_how_jobs_are_asked_after_alone():
    profiles = {
        name: yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text(encoding="utf-8"))
        for name in ("slurm", "slurm-squeue")
    }
    assert [profile.pop("slurm-status-command") for profile in profiles.values()] == ["sacct", "squeue"]
    assert profiles["slurm"] == profiles["slurm-squeue"]


def test_profiles_send_the_rules_that_may_ask_for_a_gpu_to_its_partition():
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text(encoding="utf-8"))
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.smk")]
    bodies = dict(re.findall(r"^rule (\w+):\n((?:(?: .*)?\n)+)", "\n".join(texts), re.M))
    assert set(profile["set-resources"]) == {rule for rule, body in bodies.items() if "gpu=" in body}
    assert set(profile["groups"]) == {rule for rule, body in bodies.items() if "abreast=" in body}


def test_the_catalogue_knows_how_to_deploy():
    entry = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))
    assert entry["usage"]["software-stack-deployment"]["conda"] is True
    assert entry["usage"]["report"] is True


def test_closing_lines_name_what_failed(configuration, tmp_path):
    broken = copy.deepcopy(configuration)
    broken["tasks"] = {"sentiment": broken["tasks"]["sentiment"]}
    missing = {"mirrors": ["https://127.0.0.1:9/reviews.tsv"], "sha256": "0" * 64}
    write_config(tmp_path, {**broken, "sources": {**broken["sources"], "reviews": missing}})
    done = snakemake(tmp_path, "results/sources/reviews")
    assert done.returncode != 0
    assert "Not all could be made:\n  source: logs/source/reviews.log: " in done.stdout
