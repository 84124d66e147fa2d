"""The workflow on a real Slurm: two nodes on this machine, one GPU each that does nothing, and accounting.

``make test-cluster``. Jobs run on the CPU (`device: cpu`); those that are to queue for GPUs ask for one all the same.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_docs import ALL, execute

from andor.config import check
from andor.report.catalogue import TABLES, figures_of
from andor.store import read_metadata, read_table
from conftest import EMPTY, ROOT, write_config

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting Slurm needs root"),
    pytest.mark.skipif(not find_spec("snakemake_executor_plugin_slurm"), reason="needs requirements-slurm.txt"),
]
LAB = ROOT / "tests" / "labs" / "slurm.sh"
QUICK = (
    "--slurm-init-seconds-before-status-checks",
    "1",
    "--seconds-between-status-checks",
    "2",
    "--latency-wait",
    "10",
)
PATIENCE = 3600
"""Seconds after which a test gives up: on a busy machine all of this takes long."""
RECOVERY = (ROOT / "docs" / "howto" / "cluster.md").read_text(encoding="utf-8").split("*The head*")[1].split("```")[1]


@pytest.fixture(scope="module", autouse=True)
def slurm():
    """A Slurm that is stopped afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="andor-slurm-"))  # pytest's folders are closed to Slurm's other users
    subprocess.run(["bash", LAB, "up", folder], check=True, timeout=600)
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    yield folder
    subprocess.run(["bash", LAB, "down", folder], check=True, timeout=120)
    shutil.rmtree(folder)
    del os.environ["SLURM_CONF"]


@dataclass(frozen=True)
class Job:
    """A Slurm job, as sacct has it."""

    number: str
    rule: str
    state: str
    start: float
    end: float
    asked: str
    node: str


def jobs(folder: Path) -> list[Job]:
    """All jobs that were submitted from a folder, in the order of submission."""
    columns = "JobIDRaw,Comment,State,Start,End,ReqTRES,NodeList,WorkDir"
    since = ["--starttime", "now-1hours", "--duplicates", "--allocations", "--noheader", "--parsable2"]
    lines = subprocess.run(["sacct", *since, "--format", columns], capture_output=True, text=True, check=True).stdout
    queue = subprocess.run(["squeue", "-h", "-o", "%i|%k"], capture_output=True, text=True, check=True).stdout
    live = dict(line.split("|") for line in queue.splitlines())  # sacct learns the comment of a job when it ends
    found = []
    for line in lines.splitlines():
        number, comment, state, start, end, asked, node, workdir = line.split("|")
        if workdir == str(folder):
            begin, finish = (
                datetime.fromisoformat(moment).timestamp() if moment[0].isdigit() else time.time()
                for moment in (start, end)
            )
            rule = re.sub(r"^(rule|group)_", "", comment or live.get(number, ""))
            found.append(Job(number, rule, state.split()[0], begin, finish, asked, node))
    return found


def of_rule(folder: Path, rule: str) -> list[Job]:
    return [job for job in jobs(folder) if job.rule.startswith(rule)]


def command(*arguments: str, profile: str = "slurm") -> list[str]:
    snakefile = ["--snakefile", str(ROOT / "Snakefile")]
    return [sys.executable, "-m", "snakemake", *snakefile, "--workflow-profile", profile, *QUICK, *arguments]


def head(folder: Path, *arguments: str, profile: str = "slurm") -> subprocess.CompletedProcess:
    """Run the workflow to its end."""
    return subprocess.run(
        command(*arguments, profile=profile), cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def started(folder: Path, *arguments: str) -> subprocess.Popen:
    """Run the workflow in the background; its output is in head.log."""
    with (folder / "head.log").open("w", encoding="utf-8") as log:
        return subprocess.Popen(command(*arguments), cwd=folder, stdout=log, stderr=log, start_new_session=True)


def until(happens, seconds: float = PATIENCE):
    """Wait for a value that is not empty."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := happens():
            return value
        time.sleep(0.3)
    raise TimeoutError(happens)


@pytest.fixture(scope="module")
def reviews(configuration) -> dict:
    """The task with sources of its own, a sample a chunk."""
    task = configuration["tasks"]["sentiment"]
    return {**configuration, "tasks": {"sentiment": {**task, "samples": {**task["samples"], "chunk": 1}}}}


@pytest.fixture(scope="module")
def modelled(tmp_path_factory, reviews) -> Path:
    """A folder in which samples were chosen, by a local run: what comes before the forward passes."""
    folder = tmp_path_factory.mktemp("modelled")
    write_config(folder, reviews)
    local = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2"]
    subprocess.run([*local, "results/sentiment/samples.parquet"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def folder(modelled, tmp_path) -> Path:
    """A copy of that folder."""
    shutil.copytree(modelled, tmp_path / "run", symlinks=True)
    return tmp_path / "run"


def passes(folder: Path) -> dict[Path, int]:
    """When each sample's masked outputs were computed."""
    return {path: path.stat().st_mtime_ns for path in folder.glob(".cache/masked_outputs/*/*.parquet")}


def check_results(folder: Path) -> None:
    """All tables are there and every sample has its certificate."""
    for table in set(TABLES) - EMPTY:
        assert read_table(folder / f"results/sentiment/tables/{table}.parquet").num_rows
    files = list(folder.glob("results/sentiment/interactions/*/*/*/*.parquet"))
    assert len(files) == 3 * (2 + 2 + 1)
    assert all(read_metadata(file)["gap"] <= 0.01 for file in files)


def at_once(jobs: list[Job]) -> int:
    """The largest number of jobs that ran at one time."""
    return max(sum(job.start <= moment.start < job.end for job in jobs) for moment in jobs)


def test_a_whole_run_queues_for_the_gpus(tmp_path, reviews):
    write_config(tmp_path, reviews)
    done = head(tmp_path, "--set-resources", "evaluate:gpu=1", "screening:gpu=1")
    assert done.returncode == 0, done.stderr[-4000:]
    check_results(tmp_path)
    assert "results/sentiment/figures" in done.stdout  # the closing summary
    submitted = jobs(tmp_path)
    assert {job.state for job in submitted} == {"COMPLETED"}
    assert not [job for job in submitted if job.rule.startswith(("source", "provenance"))], "these are local"
    once = dict.fromkeys(("data", "candidates", "samples", "tabulate", "page"), 1)
    groups = {"extract": 2, "null": 1}  # 15 extractions and 3 chunks of null games, by tens
    figures = len(figures_of(check(reviews).tasks["sentiment"]))
    expected = {**once, **groups, "model": 2, "screening": 2, "evaluate": 6, "figure": figures}
    assert Counter(re.match(r"[a-z]+", job.rule)[0] for job in submitted) == expected
    with_gpu = of_rule(tmp_path, "evaluate")
    assert len(with_gpu) == 6
    assert all("gres/gpu=1" in job.asked for job in with_gpu)
    assert at_once(with_gpu) == 2, "one on each node, the others wait"
    assert {job.node for job in with_gpu} == {"node1", "node2"}
    print(f"{len(submitted)} Slurm jobs, none failed, {at_once(submitted)} at once")


def test_a_job_killed_by_the_memory_limit_gets_more(folder):
    """Also: the profile that asks squeue."""
    growing = ["--set-resources", "evaluate:mem_mb=attempt*attempt*300"]
    done = head(folder, *growing, "--", "masked_outputs", profile="slurm-squeue")
    assert done.returncode == 0, done.stderr[-4000:]
    evaluations = of_rule(folder, "evaluate")
    # Whether Slurm calls the job OUT_OF_MEMORY or FAILED depends on which of its two steps ends first.
    logs = {job.number: next(folder.glob(f"logs/slurm/rule_evaluate/*/{job.number}.log"), None) for job in evaluations}
    killed = [number for number, log in logs.items() if log and "exceeded memory limit" in log.read_text()]
    assert set(killed) == {job.number for job in evaluations if job.state != "COMPLETED"} != set()
    assert sum(job.state == "COMPLETED" for job in evaluations) == 6
    assert min(int(re.search(r"mem=(\d+)M", job.asked)[1]) for job in evaluations if job.state == "COMPLETED") > 300
    print(f"{len(evaluations)} evaluations submitted, {len(killed)} killed for memory, 6 completed")


def test_a_lost_node(folder, slurm):
    process = started(folder, "--", "masked_outputs")
    until(lambda: stepd(slurm, "node2"))
    os.kill(int((slurm / "run/node2.pid").read_text()), signal.SIGKILL)  # first, so that no more begins there
    while family := stepd(slurm, "node2"):
        for pid in family:
            with suppress(ProcessLookupError):  # it ended with its parent
                os.kill(pid, signal.SIGKILL)
    subprocess.run(["scontrol", "update", "nodename=node2", "state=down", "reason=lost"], check=True)
    assert process.wait(timeout=PATIENCE) == 0, (folder / "head.log").read_text()[-4000:]
    runs = of_rule(folder, "evaluate")
    lost = [job for job in runs if job.state != "COMPLETED"]
    assert {job.node for job in lost} == {"node2"}
    assert sum(job.state == "COMPLETED" for job in runs) == 6
    assert len({job.number for job in runs}) == 6, "a lost node used up a try"
    assert len(list(folder.glob("results/sentiment/masked_outputs/*/*/?.parquet"))) == 6
    subprocess.run(["bash", LAB, "node", slurm, "2"], check=True)
    until(lambda: back("node2"))
    print(f"{len(runs)} runs of 6 evaluations, {len(lost)} lost with their node, 6 completed")


def back(node: str) -> bool:
    """Whether a node takes jobs again; one that registers may do so by itself, and then cannot be resumed."""
    subprocess.run(["scontrol", "update", f"nodename={node}", "state=resume"], capture_output=True, check=False)
    state = subprocess.run(["sinfo", "-h", "-n", node, "-o", "%t"], capture_output=True, text=True, check=True).stdout
    return set(state.split()) <= {"idle", "mix", "alloc"}


def stepd(slurm: Path, node: str) -> list[int]:
    """Processes of a node's jobs: its step daemons and all below them."""
    children: dict[int, list[int]] = {}
    daemons = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid = int(status.parent.name)
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            words = (status.parent / "cmdline").read_text()
        except (OSError, ValueError):
            continue
        children.setdefault(parent, []).append(pid)
        if "slurmstepd" in words and any(node in job.node for job in running_steps(words)):
            daemons.append(pid)
    family = list(daemons)
    for pid in family:
        family += children.get(pid, [])
    return family


def running_steps(words: str) -> list[Job]:
    """The running job of a step daemon, by the number in its command line."""
    number = re.search(r"\[(\d+)\.", words)
    lines = subprocess.run(
        ["squeue", "-h", "-t", "R", "-o", "%i|%N"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    nodes = dict(line.split("|") for line in lines)
    return [Job(number[1], "", "RUNNING", 0, 0, "", nodes[number[1]])] if number and number[1] in nodes else []


def test_recovery_of_a_killed_head_runs_nothing_twice(folder, slurm):
    process = started(folder, "--set-resources", "evaluate:gpu=1")  # two at a time, so that some are still to come
    until(lambda: sum(j.state == "COMPLETED" for j in of_rule(folder, "evaluate")) >= 2)
    until(lambda: [j for j in of_rule(folder, "evaluate") if j.state == "RUNNING"])
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {job.number: job for job in jobs(folder)}
    known = passes(folder)
    assert 0 < len(known) < 6, "killed too early or too late"

    cancel, unlock, _ = RECOVERY.removeprefix("sh").strip().splitlines()
    subprocess.run(cancel, shell=True, cwd=folder, check=True)
    until(lambda: not subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=True).stdout)
    left = passes(folder)
    assert unlock == "snakemake --unlock"
    subprocess.run(command("--unlock"), cwd=folder, check=True, capture_output=True)
    done = head(folder)
    assert done.returncode == 0, done.stderr[-4000:]

    check_results(folder)
    after = passes(folder)
    assert len(after) == 6
    assert {path: after[path] for path in left} == left, "a forward pass was repeated"
    finished = {job.rule for job in before.values() if job.state == "COMPLETED"}
    again = [job for job in jobs(folder) if job.number not in before]
    names = [job.rule for job in again if not job.rule.startswith(("extract", "null"))]  # groups have one name
    assert len(set(names)) == len(names), names
    print(
        f"{len(before)} jobs before the kill ({len(finished)} kinds done), {len(again)} after; "
        f"{len(left)} of 6 samples kept, none computed twice"
    )


def test_commands_of_the_documentation_plan(folder):
    for name in ("Snakefile", "rules", "src", "workflow", "envs", "profiles", "config"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(folder / "config.yaml", folder / "mine.yaml")
    planned = [each for _, each in ALL if "--workflow-profile" in each]
    assert len(planned) > 5
    for each in planned:
        execute(f"{each} -n" if "-n" not in each.split() else each, folder)


def test_a_job_says_what_it_was_not_given(folder):
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'workflow' / 'scripts'}"}
    (folder / "job.py").write_text(ALLOCATION)
    job = ["sbatch", "--wait", "--mem=100", "--output=said.log", f"--wrap={shlex.quote(sys.executable)} job.py"]
    assert subprocess.run(job, cwd=folder, env=environment, capture_output=True, check=False).returncode == 1
    assert "got mem_mb 100 instead of 4000" in (folder / "said.log").read_text()


ALLOCATION = """
import os
import shlex
from types import SimpleNamespace
from _job import check_allocation
check_allocation(SimpleNamespace(threads=1, rule="evaluate", resources={"mem_mb": 4000}), os.environ)
"""
