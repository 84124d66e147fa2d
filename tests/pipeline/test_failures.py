"""After a failure the next run does again what failed, or fails again: nothing stands as if all were well."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from test_chain import copied, planned

from andor.report.catalogue import TABLES
from conftest import ROOT, STUDY, snakemake, write_config
from labs import faults

INJECTED = """            if Path("fail.json").exists() and snakemake.output[0] in Path("fail.json").read_text():
                raise UserError("injected")
"""


@pytest.fixture
def clone(tmp_path) -> Path:
    """A copy of the workflow whose jobs fail if the first of their outputs is named in a file."""
    for name in ("rules", "src", "workflow", "envs", "profiles"):
        shutil.copytree(ROOT / name, tmp_path / "clone" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "Snakefile", tmp_path / "clone")
    job = tmp_path / "clone" / "workflow" / "scripts" / "_job.py"
    text = job.read_text(encoding="utf-8")
    before = "            checked(main, snakemake)\n"
    assert before in text
    job.write_text(text.replace(before, INJECTED + before), encoding="utf-8")
    return tmp_path / "clone"


def task(reader: dict | None = None, **more) -> dict:
    """A task with one ensemble; nothing of it is ever computed here."""
    network = {"family": "image_classifier", "architecture": "lenet"}
    return {
        "data": reader or {"reader": "digits", "size": 16},
        "models": {"one": network, "two": network},
        "players": {"kind": "patches", "count": 4, "size": 4},
        "reward": {"kind": "logit"},
        "samples": {"count": 2, "candidates": 20},
        **more,
    }


RULES = {
    "source": "results/sources/reviews",
    "data": "results/a/data.parquet",
    "candidates": "results/b/candidates.parquet",
    "model": "results/b/models/one",
    "baseline": "results/c/baselines/one",
    "screening": "results/c/screening/two.parquet",
    "samples": "results/e/samples.parquet",
    "evaluate": "results/f/masked_outputs/one/0000",
    "extract": "results/f/interactions/traditional/two/0000",
    "null_games": "results/g/nulls/generalizable/one-two/0000",
    "extract_sampled": "results/j/interactions/traditional/two/0000",
    "null_sampled": "results/k/nulls/generalizable/one-two/0000",
    "tabulate": f"results/h/tables/{TABLES[0]}.parquet",
    "figure": "results/i/figures/sparsity.pdf",
    "page": "results/i/explorer.html",
    "study": "results/studies/study.parquet",
    "study_figure": "results/studies/study_figure.pdf",
    "findings": "results/RESULTS.md",
    "provenance": "results/provenance.json",
}
"""For each rule that makes something, the output whose job is to fail."""
LAST = ["findings", "provenance"]
"""Each needs all before it."""


def configuration(folder: Path, names: str) -> dict:
    """Tasks of these names; `c` learns a baseline value, `words` has sources, `i` is studied, `j` and `k` draw."""
    tasks = {name: task() for name in names}
    for name in {"j", "k"} & set(names):
        tasks[name]["coalitions"] = {"budget": 50, "held_out": 0}
    if "c" in tasks:
        tasks["c"]["masking"] = {"baseline": "learned"}
        encoder = {"family": "text_encoder", "source": "encoder"}
        tasks["words"] = task(
            {"reader": "film_reviews", "source": "reviews"},
            models={"one": encoder, "two": encoder},
            players={"kind": "words", "count": 4},
            reward={"kind": "log_odds"},
            masking={"baseline": "mask"},
        )
    question = {**STUDY, "variants": {}, "ensembles": ["one-two"], "tasks": ["i"]}
    return {
        "device": "cpu",
        "sources": {name: {"mirrors": [f"path:{folder / name}"]} for name in ("reviews", "encoder")},
        "tasks": tasks,
        "methods": {name: {"kind": name} for name in ("traditional", "generalizable")},
        "studies": {"study": question, "study_figure": question} if "c" in tasks else {},
    }


def test_all_rules_are_made_to_fail():
    rules = {
        name
        for path in (ROOT / "rules").glob("*.smk")
        for name in re.findall(r"^rule (\w+):\n(?:(?!^rule ).*\n)*?    output:", path.read_text(encoding="utf-8"), re.M)
    }
    assert rules == set(RULES)


def touched(folder: Path, workflow: list[str]) -> None:
    """Have all outputs stand and be recorded, without a job run."""
    plan = snakemake(folder, *workflow, "--dry-run")
    assert plan.returncode == 0, plan.stderr
    for line in re.findall(r"^    output: (.+)$", plan.stdout + plan.stderr, re.M):
        for output in map(Path, line.split(", ")):
            (folder / output).parent.mkdir(parents=True, exist_ok=True)
            if output.suffix:
                (folder / output).touch()
            else:
                (folder / output).mkdir(exist_ok=True)
    assert snakemake(folder, *workflow, "--touch").returncode == 0


@pytest.mark.parametrize(
    ("tasks", "sets"),
    [("abcefghijk", [[rule for rule in RULES if rule not in LAST]]), ("a", [[rule] for rule in reversed(LAST)])],
)
def test_a_failure_of_any_rule_is_not_forgotten(clone, tmp_path, tasks, sets):
    """Outputs are touched, not computed: what a job would do is of no account here, that it is run is."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "reviews").touch()
    (folder / "encoder").touch()
    write_config(folder, configuration(folder, tasks))
    # As the catalogue has it: this workflow as a module of another, whose hooks are its own.
    workflow = ["--snakefile", str(clone / "workflow" / "Snakefile"), "--workflow-profile", "none"]
    touched(folder, workflow)
    for together in sets:
        outputs = [RULES[rule] for rule in together]
        (folder / "fail.json").write_text(json.dumps(outputs))
        attempts = {"forced": ["--forcerun", *outputs], "by name": ["--", *outputs], "all": []}
        if together == [LAST[0]]:
            attempts.pop("by name")  # as the other rules are asked for
        for attempt, more in attempts.items():
            done = snakemake(folder, *workflow, "--keep-going", *more)
            assert done.returncode == 1, (attempt, done.stdout, done.stderr)
            failed = re.findall(r"^Error in rule (\w+):", done.stdout + done.stderr, re.M)
            assert sorted(failed) == sorted(together), attempt
            assert done.stderr.count("error: injected") >= len(together), done.stderr
            assert not [output for output in outputs if (folder / output).exists()]


def test_what_failed_for_a_setting_fails_again_until_it_is_mended(run, configuration, tmp_path):
    folder = copied(run, tmp_path / "failing")
    record = (folder / "results/provenance.json").read_bytes()
    impossible = {**configuration["tasks"]["digits"]["samples"], "min_range": 1e6}
    digits = {**configuration["tasks"]["digits"], "samples": impossible}
    changed = {**configuration, "tasks": {**configuration["tasks"], "digits": digits}}
    write_config(folder, changed)
    for attempt in ("first", "second", "third"):
        done = snakemake(folder)
        assert done.returncode == 1, attempt
        assert "only 0 of 20 candidates are eligible" in done.stderr, attempt
        assert (folder / "results/provenance.json").read_bytes() == record, "it would speak of tables that are not made"
    done = snakemake(folder, "results/digits/figures/orders.pdf")
    assert done.returncode == 1, "a single figure needs its samples too"

    write_config(folder, configuration)
    before = (run / "results/digits/samples.parquet").read_bytes()
    done = snakemake(folder, "results/digits/samples.parquet")
    assert done.returncode == 0, done.stderr
    assert (folder / "results/digits/samples.parquet").read_bytes() == before
    assert planned(folder, "--", "results/digits/samples.parquet") == set()


def test_faults_are_told(run, tmp_path):
    """A short form of the campaign of tests/labs/faults.py."""
    for name in ("results", ".cache"):
        shutil.copytree(run / name, tmp_path / name)
    seed = int(time.time())
    outcomes = faults.campaign(tmp_path, 300, seed)
    total = sum(outcomes.values(), Counter())
    assert set(total) <= faults.GOOD, (seed, outcomes)
    assert total["told"] > 200


def test_altered_files_stop_the_run(run, tmp_path):
    """One bit in a file that a step reads, its time kept, and the run stops before it is used."""
    folder = copied(run, tmp_path / "altered")
    weights = folder / "results/digits/models/lenet/model.safetensors"
    status, content = weights.stat(), bytearray(weights.read_bytes())
    content[-3] ^= 1
    weights.unlink()  # it may share its bytes with the run of the other tests
    weights.write_bytes(content)
    os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns))
    shutil.rmtree(folder / "results/digits/masked_outputs/lenet")
    done = snakemake(folder, "results/digits/masked_outputs/lenet/0000")
    assert done.returncode == 1
    assert "models/lenet/model.safetensors: is not as it was written; delete" in done.stderr
    assert not (folder / "results/digits/masked_outputs/lenet").exists()
    verify = [sys.executable, "-m", "andor", "verify", str(folder / "results")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    told = subprocess.run(verify, capture_output=True, text=True, check=False, env=environment)
    assert told.returncode == 1
    assert [line.split(":")[0] for line in told.stdout.splitlines()] == [str(weights)]
