"""How others start the workflow: its own Snakefile, the catalogue's, a module; and how much it can plan."""

import copy
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import yaml
from conftest import ROOT, snakemake, write_config

from andor.catalogue import figures_of
from andor.config import check, load_raw

PLANNING = 15.0
"""Seconds for a dry run of 10,000 samples and two models."""


def plan(folder: Path, *arguments: str) -> Counter:
    """Jobs that a dry run lists, by rule."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--dry-run", "--quiet", "rules", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    table = (done.stdout + done.stderr).partition("Job stats:")[2]
    return Counter({rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)})


def test_the_catalogues_snakefile_is_the_whole_workflow(configuration, tmp_path):
    write_config(tmp_path, configuration)
    jobs = plan(tmp_path, "--snakefile", str(ROOT / "workflow" / "Snakefile"))
    assert jobs["evaluate"] == 2 * 2 + 2
    assert jobs["extract"] == (2 + 2 + 1) * 3
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


def test_a_module_from_a_git_host_brings_its_package(configuration, tmp_path):
    """What `snakedeploy` writes: a Snakefile that takes the workflow from a host, here one whose clone is cached."""
    cached = tmp_path / "cache/snakemake/snakemake/source-cache/snakemake-git-cache/github.com/owner/andor"
    subprocess.run(["git", "clone", "--quiet", "--bare", ROOT, cached], check=True)
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    write_config(tmp_path, configuration)
    (tmp_path / "Snakefile").write_text(HOSTED.replace("COMMIT", commit.strip()))
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "results/digits/data.parquet"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "results/digits/data.parquet").exists()
    assert (tmp_path / ".snakemake/andor" / commit.strip() / "src/andor/__init__.py").exists()


HOSTED = """
configfile: "config.yaml"
module andor:
    snakefile: github("owner/andor", path="workflow/Snakefile", commit="COMMIT")
    config: config
use rule * from andor
"""


def test_ten_thousand_samples_are_hundreds_of_jobs_planned_in_seconds(configuration, tmp_path):
    many = copy.deepcopy(configuration)
    many["tasks"] = {"digits": many["tasks"]["digits"]}
    many["tasks"]["digits"]["samples"] |= {"count": 10_000, "candidates": 20_000, "chunk": 100}
    write_config(tmp_path, many)
    began = time.perf_counter()
    jobs = plan(tmp_path, "--snakefile", str(ROOT / "Snakefile"))
    seconds = time.perf_counter() - began
    print(f"{jobs.total()} jobs planned in {seconds:.1f} s")
    assert jobs["evaluate"] == 200
    assert jobs["extract"] == 500
    assert seconds < PLANNING


def test_profiles_differ_in_how_jobs_are_asked_after_alone():
    profiles = {
        name: yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text(encoding="utf-8"))
        for name in ("slurm", "slurm-squeue")
    }
    assert [profile.pop("slurm-status-command") for profile in profiles.values()] == ["sacct", "squeue"]
    assert profiles["slurm"] == profiles["slurm-squeue"]


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
