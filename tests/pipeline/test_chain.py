"""The whole chain on a tiny configuration, and what must not run again."""

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import published
from andor.config import check
from andor.game.attributions import predict
from andor.models.loading import load
from andor.report.catalogue import TABLES, figures_of
from andor.report.explorer import page
from andor.report.results import TaskResults
from andor.store import read_metadata, read_table
from conftest import EMPTY, ROOT, snakemake, write_config

TASKS = ["digits", "sentiment"]
MADE_FROM_MODELS = ["masked_outputs", "interactions", "nulls", "tables", "figures"]


def planned(folder: Path, *arguments: str) -> set[str]:
    """Rules that a run would execute."""
    done = snakemake(folder, "--dry-run", "--quiet", "host", *arguments)
    assert done.returncode == 0, done.stderr
    text = done.stdout + done.stderr
    return {line.split()[1].rstrip(":") for line in text.splitlines() if line.startswith(("rule ", "localrule "))}


def copied(run: Path, to: Path) -> Path:
    """A finished run, to change; times of files are kept, locks of those who read it meanwhile are not."""
    shutil.copytree(run, to, symlinks=True, ignore=shutil.ignore_patterns("locks"))
    return to


def test_every_table_figure_and_page_is_there(run, configuration):
    config = check(configuration)
    for task in TASKS:
        for table in TABLES:
            rows = read_table(run / f"results/{task}/tables/{table}.parquet").num_rows
            assert (rows == 0) == (table in EMPTY), table
            assert (run / f"results/{task}/tables/{table}.csv").stat().st_size > 0
        for figure in figures_of(config.tasks[task]):
            for extension in ("pdf", "svg", "png"):
                assert (run / f"results/{task}/figures/{figure}.{extension}").stat().st_size > 1000
        shown = page.read((run / f"results/{task}/explorer.html").read_text(encoding="utf-8"))
        assert (shown["title"], len(shown["samples"])) == (task, 3)
    study = read_table(run / "results/studies/alpha.parquet").to_pandas()
    assert set(study["method"]) == {"generalizable", "sum_alone"}
    for extension in ("csv", "pdf", "svg", "png"):
        assert (run / f"results/studies/alpha.{extension}").stat().st_size > 1000
    found = (run / "results/RESULTS.md").read_text(encoding="utf-8")
    assert [line for line in found.splitlines() if line.startswith("## ")] == [
        "## digits", "## sentiment", "## Study: alpha",
    ]  # fmt: skip
    record = json.loads((run / "results/provenance.json").read_text())
    assert record["config"]["tasks"].keys() == set(TASKS)
    assert record["packages"]["torch"]


def test_the_tiny_tasks_are_learnt_with_room_to_spare(run, configuration):
    """Else a processor that rounds otherwise could leave too few samples for all the other tests."""
    for name, task in check(configuration).tasks.items():
        results = TaskResults.of(run / "results" / name, check(configuration), name)
        for model in task.models:
            held_out = results.model_metrics(model)["splits"]["test"]
            assert held_out["correct"] >= 0.95 * held_out["items"], (name, model)
        eligible = set(results.eligibility.to_pandas().query("eligible")["item"])
        assert len(eligible) >= 2 * task.samples.count, name


def test_interactions_reproduce_every_masked_output(run, configuration):
    config = check(configuration)
    for task in TASKS:
        results = TaskResults.of(run / "results" / task, config, task)
        for method in results.methods:
            for subject, members in results.subjects(method).items():
                raw = np.stack([one.dense() for one in results.raw_interactions(method, subject)])
                for place, model in enumerate(members):
                    values = results.values(model)
                    kappa = np.array([entry["kappa"][model] for entry in results.interaction_metadata(method, subject)])
                    noise = np.abs(predict(raw[:, place, 0], raw[:, place, 1]) - values)
                    allowed = kappa[:, None] + 1e-6 * np.abs(values).max(axis=1, keepdims=True)
                    assert np.all(noise <= allowed), (task, method, subject, model)


def test_every_sample_carries_its_certificate(run):
    files = sorted((run / "results").glob("*/interactions/*/*/*/*.parquet"))
    assert len(files) == 2 * 3 * (2 + 2 + 1) + 3  # the last are the study's
    for file in files:
        metadata = read_metadata(file)
        assert metadata["lower_bound"] <= metadata["objective"] * (1 + 1e-9)
        assert metadata["gap"] <= 0.01, file


def test_a_second_run_does_nothing(run):
    assert planned(run) == set()


@pytest.mark.parametrize(
    ("change", "expected", "unchanged"),
    [
        (
            {"methods": {"generalizable": {"kind": "generalizable", "alpha": 0.5}}},
            "extract",
            {"evaluate", "model", "screening"},
        ),
        ({"analysis": {"salience": {"threshold": 0.1}, "draws": 100}}, "tabulate", {"evaluate", "extract", "model"}),
    ],
)
def test_a_changed_setting_reruns_what_it_touches(run, configuration, tmp_path, change, expected, unchanged):
    folder = copied(run, tmp_path / "changed")
    write_config(folder, {**configuration, **change})
    rules = planned(folder)
    assert expected in rules
    assert not rules & unchanged


def test_one_figure_needs_its_tables_only(run, tmp_path):
    folder = copied(run, tmp_path / "figure")
    for path in [*folder.glob("results/digits/interactions"), *folder.glob("results/digits/masked_outputs")]:
        shutil.rmtree(path)
    (folder / "results/digits/figures/orders.png").unlink()
    done = snakemake(folder, "--allowed-rules", "figure", "--", "results/digits/figures/orders.png")
    assert done.returncode == 0, done.stderr
    assert (folder / "results/digits/figures/orders.png").exists()


def test_a_task_takes_the_models_of_another(run, configuration, tmp_path):
    folder = copied(run, tmp_path / "taken")
    rows = [f"The {word} film .<br />A {word} story of love .,{label}" for word, label in (("superb", 1), ("dull", 0))]
    (folder / "whole.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    whole = {
        "data": {"reader": "reviews", "source": "whole"},
        "models": {name: {"family": "of_task", "task": "sentiment", "model": name} for name in ("bert", "cnn")},
        "players": {"kind": "words", "count": 4},
    }
    sources = {**configuration["sources"], "whole": {"mirrors": ["path:whole.csv"]}}
    tasks = {**configuration["tasks"], "whole": whole}
    write_config(folder, {**configuration, "sources": sources, "tasks": tasks})
    targets = ["results/whole/candidates.parquet", *(f"results/whole/models/{name}" for name in whole["models"])]
    assert planned(folder, "--", *targets) == {"source", "data", "candidates", "model"}
    done = snakemake(folder, *targets)
    assert done.returncode == 0, done.stderr
    assert [len(row) for row in read_table(folder / targets[0])["players"].to_pylist()] == [4, 4]
    for name in whole["models"]:
        own, taken = (folder / "results" / task / "models" / name for task in ("sentiment", "whole"))
        assert load(own).digest == load(taken).digest
        splits = json.loads((taken / "metrics.json").read_text())["splits"]
        assert splits["train"]["items"] == 0 and splits["test"]["items"] == 2
    assert planned(folder, "--", *targets) == set()


def test_masked_outputs_outlive_the_results(run, tmp_path):
    folder = copied(run, tmp_path / "again")
    shutil.rmtree(folder / "results/sentiment/masked_outputs")
    done = snakemake(folder, "masked_outputs")
    assert done.returncode == 0, done.stderr
    timings = sorted(folder.glob("results/sentiment/masked_outputs/*/*/timings.csv"))
    assert len(timings) == 2
    for path in timings:
        cached = [line.rsplit(",", 1)[1] for line in path.read_text().splitlines()[1:]]
        assert set(cached) == {"true"}


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_numbers(run, configuration, tmp_path):
    folder = copied(run, tmp_path / "killed")
    write_config(folder, {**configuration, "tasks": {"digits": configuration["tasks"]["digits"]}})
    for path in [folder / ".cache", *(folder / "results/digits" / name for name in MADE_FROM_MODELS)]:
        shutil.rmtree(path)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2"]
    process = subprocess.Popen(
        command, cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while not list(folder.glob(".cache/masked_outputs/*/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(folder.glob(".cache/masked_outputs/*/*.parquet")), "killed too late or too early"
    assert not (folder / "results/digits/tables").exists()
    unlocked = snakemake(folder, "--unlock")
    assert unlocked.returncode == 0, unlocked.stderr
    done = snakemake(folder, "results/digits/interactions/generalizable/lenet-lenet2/0000")
    assert done.returncode == 0, done.stderr
    outputs = sorted(folder.glob("results/digits/masked_outputs/*/*/*.parquet"))
    assert len(outputs) == 2 * 3
    for path in outputs:
        assert path.read_bytes() == (run / path.relative_to(folder)).read_bytes(), path
    for path in folder.glob("results/digits/interactions/generalizable/*/*/*.parquet"):
        assert read_table(path).equals(read_table(run / path.relative_to(folder))), path  # but not the seconds it took


def test_a_damaged_file_is_named(run, configuration, tmp_path):
    folder = copied(run, tmp_path / "damaged")
    file = next(folder.glob("results/digits/interactions/generalizable/*/0000/0.parquet"))
    file.write_bytes(file.read_bytes()[:-40])
    (folder / "results/digits/tables/orders.csv").unlink()
    done = snakemake(folder, "results/digits/tables/orders.csv")
    assert done.returncode != 0
    log = (folder / "logs/tabulate/digits.log").read_text()
    assert "interactions/generalizable/lenet-lenet2/0000/0.parquet: is not as it was written; delete" in log
    assert "Traceback" not in log


def broken(configuration: dict, path: str, value) -> dict:
    """The configuration with one key set, or taken away if the value is None."""
    changed = copy.deepcopy(configuration)
    *parents, last = path.split(".")
    part = changed
    for parent in parents:
        part = part[parent]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return changed


def test_a_broken_configuration_starts_nothing(configuration, tmp_path):
    write_config(tmp_path, broken(configuration, "tasks.digits.models.lenet.architecure", "lenet"))
    done = snakemake(tmp_path)
    assert done.returncode != 0
    assert "`tasks.digits.models.lenet.architecure` is no known key; did you mean `architecture`?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_results_that_cannot_be_written_start_nothing(configuration, tmp_path):
    write_config(tmp_path, configuration)
    (tmp_path / "results").touch()  # root may write into any folder, but into no file
    stopped = snakemake(tmp_path, "results/digits/data.parquet")
    assert stopped.returncode == 1
    told = f"error: {tmp_path}/results: cannot be written (Not a directory); make room or make it writable"
    assert stopped.stderr.splitlines()[-1].startswith(told)
    assert "Traceback" not in stopped.stderr and "Execute" not in stopped.stderr
    assert not (tmp_path / "logs").exists()


def test_an_unreachable_source_is_one_line(configuration, tmp_path):
    source = {"mirrors": ["https://127.0.0.1:9/reviews.tsv"], "sha256": "0" * 64}
    write_config(tmp_path, broken(configuration, "sources.reviews", source))
    done = snakemake(tmp_path, "results/sources/reviews")
    assert done.returncode != 0
    log = (tmp_path / "logs/source/reviews.log").read_text()
    assert "127.0.0.1:9" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "config").glob("*.yaml")))
def test_shipped_configurations_plan(name, tmp_path):
    if name == "paper_icml.yaml":
        published.make(tmp_path)  # stand-ins for what is fetched by hand
    done = snakemake(tmp_path, "--dry-run", "--configfile", str(ROOT / "config" / name), "--quiet", "all")
    assert done.returncode == 0, done.stderr


def test_workflow_is_linted(tmp_path, configuration):
    write_config(tmp_path, configuration)
    done = snakemake(tmp_path, "--lint")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("asked", "limiter"), [([], "None"), (["--max-jobs-per-timespan", "5/1s"], "<snakemake")])
def test_jobs_are_not_looked_for_every_second(tmp_path, asked, limiter):
    """For its own limit of jobs Snakemake does so, once more for each that has ended, while others wait for a core."""
    workflow = tmp_path / "Snakefile"
    workflow.write_text(
        f"import sys\ninclude: {str(ROOT / 'rules' / 'opening.smk')!r}\n"
        "rule one:\n    output: 'one'\n    shell: 'touch one'\n"
        "onsuccess:\n    print('limiter:', workflow.scheduler.job_rate_limiter)\n"
    )
    done = snakemake(tmp_path, "--snakefile", str(workflow), *asked)
    assert f"limiter: {limiter}" in done.stdout, done.stderr
