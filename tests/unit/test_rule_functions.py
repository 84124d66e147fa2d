"""What rules ask for follows the work and the files, and what they pass on is whole: the functions of `rules/`, run."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from andor.config import Learning
from andor.data.targets import MOST_PIECES
from andor.models.states import SUFFIXES

ROOT = Path(__file__).parents[2]
MB = 10**6


@pytest.fixture
def rules(tmp_path, monkeypatch):
    """The functions of the rules, in an empty folder, for a task and other parts of a configuration."""
    monkeypatch.chdir(tmp_path)

    for name in ("lm", "state"):
        Path(name).mkdir()

    def given(task: dict | None = None, **parts) -> SimpleNamespace:
        digits = {"data": {"reader": "digits"}, "models": {}, "players": {"kind": "patches"}}
        digits["models"]["lenet"] = {"family": "image_classifier", "architecture": "lenet"}
        text = "".join((ROOT / "rules" / f"{name}.smk").read_text(encoding="utf-8") for name in ("common", "resources"))
        text = re.sub(r"^wildcard_constraints:\n(?:(?: .*)?\n)+", "", text, flags=re.M)  # no Python
        workflow = SimpleNamespace(configfiles=[], local_exec=True)
        raw = {"tasks": {"task": task or digits}, **parts}
        scope = {"config": raw, "workflow": workflow, "ROOT": ROOT, "Path": Path, "sys": sys}
        exec(compile(text, "rules", "exec"), scope)
        return SimpleNamespace(**scope)

    return given


def language(**more) -> dict:
    model = {"family": "causal_lm", "source": "lm"}
    return {
        "data": {"reader": "passages", "source": "lm"},
        "models": {"first": model, "second": model},
        "players": {"kind": "words", "count": 10},
        **more,
    }


LM = {"sources": {"lm": {"mirrors": ["path:lm"]}}}


def of(**wildcards) -> SimpleNamespace:
    return SimpleNamespace(task="task", **wildcards)


def put(name: str, megabytes: int) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(megabytes * MB)
    return path


def test_extraction_asks_by_samples_and_games(rules):
    asked = rules(language(samples={"count": 900, "candidates": 900, "chunk": 300}), **LM)
    job = of(unit="first-second", chunk="0000", method="generalizable")
    array = 300 * 2 * 2**10 * 8 / MB
    assert asked.extract_memory(job, 1) == pytest.approx(2500 + (20 + 4 * 4) * array, abs=1)
    assert asked.null_memory(job, 1) == pytest.approx(2500 + 4 * 20 * array, abs=1)
    assert asked.null_memory(job, 2) == 2 * asked.null_memory(job, 1)
    work = asked.extract_minutes(job, 1) - 20
    assert work == 300 * 2 * 5 / 60
    assert asked.null_minutes(job, 1) == 20 + 4 * work


def test_a_single_sample_of_many_players_asks_for_what_the_solver_keeps(rules):
    task = language(players={"kind": "words", "count": 24}, samples={"count": 1, "chunk": 1})
    asked = rules(task, **LM)
    assert asked.extract_memory(of(unit="first", chunk="0000", method="traditional"), 1) > 40 * 2**24 * 8 / MB


def test_every_file_of_weights_counts(rules):
    asked = rules()
    assert set(SUFFIXES) <= set(asked.WEIGHTS)
    for suffix in asked.WEIGHTS:
        put(f"some/deep/weights{suffix}", 700)
        assert asked.weights(["some"]) >= 700 * MB
        Path(f"some/deep/weights{suffix}").unlink()
    put("some/model.safetensors", 700)
    put("some/pytorch_model.bin", 700)
    assert asked.weights(["some"]) == 700 * MB, "the same twice"


def test_memory_of_a_model_follows_its_files(rules):
    encoder = {"family": "text_encoder", "source": "lm", "weights": "state"}
    task = {
        "data": {"reader": "sentences", "source": "lm"},
        "models": {"mine": encoder},
        "players": {"kind": "words"},
    }
    asked = rules(task, sources={**LM["sources"], "state": {"mirrors": ["path:state"]}})
    job = of(model="mine")
    data, candidates = "results/task/data.parquet", "results/task/candidates.parquet"
    before = asked.model_memory(job, SimpleNamespace(data=[data]), 1)
    put("results/sources/state/released.pth.tar", 3000)
    after = asked.model_memory(job, SimpleNamespace(data=[data]), 1)
    assert (before, after) == (4000, 2000 + 5 * 3000)
    put(data, 500)
    assert asked.model_memory(job, SimpleNamespace(data=[data]), 1) == after + 4 * 500
    put("results/task/models/mine/model.safetensors", 3000)
    put(candidates, 100)
    screening = SimpleNamespace(model="results/task/models/mine", candidates=candidates)
    assert asked.memory(job, screening, 2) == 2 * (2000 + 3 * 3000 + 4 * 100)


def test_a_language_model_asks_by_its_weights_once_they_are_known(rules):
    asked = rules(language(), **LM)
    job, model = of(model="first"), SimpleNamespace(model="results/task/models/first", samples="none")
    assert asked.model_memory(job, SimpleNamespace(data=[]), 1) == 64000
    assert asked.memory(job, model, 1) == 64000
    put("results/task/models/first/model.safetensors", 2600)
    assert asked.memory(job, model, 1) == 2000 + 3 * 2600
    put("results/sources/lm/packed.gguf", 4000)
    unpacked = 4000 * 32 / 4.5  # in float32, of 4.5 bits a weight
    assert asked.model_memory(job, SimpleNamespace(data=[]), 1) > 2000 + 2 * unpacked
    predictor = SimpleNamespace(data="results/task/data.parquet", predictor=["results/task/models/first"])
    assert asked.candidates_memory(of(), predictor, 1) == 2000 + 3 * 2600
    assert asked.candidates_memory(of(), SimpleNamespace(data=predictor.data, predictor=[]), 1) == 2000


def test_reading_data_asks_by_its_source(rules):
    asked = rules()
    assert asked.data_memory(of(), SimpleNamespace(source=[]), 1) == 2000
    put("results/sources/texts/deep/train.parquet", 800)
    assert asked.data_memory(of(), SimpleNamespace(source=["results/sources/texts"]), 2) == 2 * (2000 + 5 * 800)


def test_what_computes_on_no_gpu_asks_for_none(rules):
    asked = rules(language(), device="cuda", **LM)
    assert asked.model_gpus(of(model="first")) == 0, "it is linked"
    assert asked.gpus(of(model="first")) == 1
    forest = {"family": "scikit_learn", "estimator": "RandomForestClassifier"}
    table = {
        "data": {"reader": "scikit_learn", "name": "iris", "positive": 1},
        "models": {"forest": forest, "mlp": {"family": "mlp"}},
        "players": {"kind": "features", "count": 4},
    }
    asked = rules(table, device="cuda")
    for ask in (asked.model_gpus, asked.gpus):
        assert [ask(of(model=name)) for name in ("forest", "mlp")] == [0, 1]
    assert asked.gpus(of(unit="forest-mlp")) == 1, "extraction uses one whatever the models are"


def test_minutes_count_every_pass(rules):
    task = {
        "data": {"reader": "digits"},
        "models": {"lenet": {"family": "image_classifier", "architecture": "lenet"}},
        "players": {"kind": "patches"},
        "samples": {"candidates": 10_000},
    }
    job = of(model="lenet")
    assert rules(task).screening_minutes(job, 1) == 20 + 2 * 10_000 * 0.03 / 60
    task["masking"] = {"background": "integrate", "steps": 10}
    assert rules(task).screening_minutes(job, 1) == 20 + 10 * 2 * 10_000 * 0.03 / 60


def test_a_target_that_is_a_word_takes_a_pass_for_each_piece(rules):
    samples = {"candidates": 3000}
    assert rules(language(samples=samples), **LM).candidates_minutes(of(), 1) == 20 + 10
    asked = rules(language(samples=samples, target={"unit": "word"}), **LM)
    assert asked.candidates_minutes(of(), 1) == 20 + 10 * MOST_PIECES


def test_defaults_of_a_learned_baseline_are_spelled_out(rules):
    """Else a changed default would rerun nothing."""
    task = {
        "data": {"reader": "digits"},
        "models": {"lenet": {"family": "image_classifier", "architecture": "lenet"}},
        "players": {"kind": "patches"},
        "masking": {"baseline": "learned"},
    }
    assert rules(task).masking_of(of())["learning"] == Learning().model_dump(mode="json")
    assert rules().masking_of(of())["learning"] is None


CHECK = "(check log file(s) for error details)"
LOG = f"""
[Sat Nov 28 10:10:10 2026]
rule evaluate:
    output: results/task/masked_outputs/bert/0001
    log: logs/evaluate/task/bert/0001.log
    jobid: 11
[Sat Nov 28 10:10:22 2026]
Error in rule evaluate:
    message: SLURM-job '3' failed due to a node failure, SLURM status is: 'NODE_FAIL'. \
Failed nodes will be excluded from future job submissions.\
For further error details see the cluster/cloud log and the log files of the involved rule(s).
    jobid: 11
    output: results/task/masked_outputs/bert/0001
    log: logs/evaluate/task/bert/0001.log, CWD/logs/slurm/rule_evaluate/task_bert_0001/3.log {CHECK}
    external_jobid: 3
Trying to restart job 11.
[Sat Nov 28 10:10:23 2026]
Error in rule evaluate:
    message: SLURM sbatch failed. The error message was 'sbatch: error: Memory specification can not be satisfied
sbatch: error: Batch job submission failed: Requested node configuration is not available'.
    sbatch call:
        sbatch --parsable --mem 8002 --wrap="python3 -m snakemake"
For further error details see the cluster/cloud log and the log files of the involved rule(s).
    jobid: 11
    output: results/task/masked_outputs/bert/0001
    log: logs/evaluate/task/bert/0001.log {CHECK}
[Sat Nov 28 10:10:23 2026]
Error in rule evaluate:
    message: SLURM-job '5' failed, SLURM status is: 'FAILED'. Reason: Unknown.For further error details see the \
cluster/cloud log and the log files of the involved rule(s).
    jobid: 14
    output: results/task/masked_outputs/cnn/0001
    log: logs/evaluate/task/cnn/0001.log, CWD/logs/slurm/rule_evaluate/task_cnn_0001/5.log {CHECK}
    external_jobid: 5
Trying to restart job 14.
[Sat Nov 28 10:12:53 2026]
Finished jobid: 14 (Rule: evaluate)
5 of 7 steps (71%) done
[Sat Nov 28 10:26:53 2026]
    message: Error in group extract
    log: CWD/logs/slurm/group_extract/12.log {CHECK}
    jobs:
        rule extract:
            jobid: 2
            output: results/task/interactions/generalizable/bert-cnn/0000
            log: logs/extract/task/0000.log {CHECK}
    [Sat Nov 28 10:26:53 2026]
    Error in rule extract:
        message: None
        jobid: 2
        output: results/task/interactions/generalizable/bert-cnn/0000
        log: logs/extract/task/0000.log {CHECK}
[Sat Nov 28 10:15:55 2026]
Error in rule source:
    message: None
    jobid: 1
    output: results/sources/reviews
    log: logs/source/reviews.log {CHECK}
Exiting because a job execution failed. Look above for error messages
"""
"""What Snakemake 9.27 and its Slurm executor wrote, shortened."""


def test_the_end_names_what_is_missing_and_why(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    functions, _, _ = (ROOT / "rules" / "closing.smk").read_text(encoding="utf-8").partition("onsuccess:")
    exec(compile(functions, "closing", "exec"), closing := {})
    texts = {
        "run.log": LOG.replace("CWD", str(tmp_path)),
        "logs/slurm/group_extract/12.log": "killed\n",
        "logs/extract/task/0000.log": "",
        "logs/evaluate/task/cnn/0001.log": "100%\n",
        "logs/source/reviews.log": "trying\nerror: no mirror answers\n\n",
    }
    for name, text in texts.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    assert closing["failed"](["run.log"]) == [
        "evaluate: logs/evaluate/task/bert/0001.log: no log",
        "  SLURM sbatch failed. The error message was 'sbatch: error: Memory specification can not be satisfied "
        "sbatch: error: Batch job submission failed: Requested node configuration is not available'.",
        "extract: logs/extract/task/0000.log: no log",
        "  see logs/slurm/group_extract/12.log",
        "source: logs/source/reviews.log: error: no mirror answers",
    ]
