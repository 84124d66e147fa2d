"""What a job makes sure of before it works."""

import errno
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from _job import check_allocation, device, leave_out_snakemake, run
from andor.errors import UserError


def job(device="auto", threads=1, **resources):
    return SimpleNamespace(rule="evaluate", threads=threads, resources=resources, config={"device": device})


GIVEN = {"SLURM_JOB_ID": "7", "SLURM_CPUS_ON_NODE": "2", "SLURM_MEM_PER_NODE": "4000", "SLURM_GPUS_ON_NODE": "1"}


def test_enough_is_enough():
    check_allocation(job(threads=2, mem_mb=4000, gpu=1), GIVEN)
    check_allocation(job(threads=1, mem_mb=4000, gpu=1), GIVEN)
    check_allocation(job(threads=8, mem_mb=10**6, gpu=4), {})


@pytest.mark.parametrize(
    ("asked", "changed", "told"),
    [
        ({"mem_mb": 8000}, {}, "got mem_mb 4000 instead of 8000"),
        ({"threads": 4}, {}, "got threads 2 instead of 4"),
        ({"gpu": 1}, {"SLURM_GPUS_ON_NODE": "0"}, "got gpu 0 instead of 1"),
        ({"gpu": 1}, {"SLURM_GPUS_ON_NODE": None}, "got gpu 0 instead of 1"),
        ({"mem_mb": 2000}, {"SLURM_MEM_PER_NODE": None, "SLURM_MEM_PER_CPU": "500"}, "got mem_mb 1000 instead of 2000"),
    ],
)
def test_less_than_asked_is_told(asked, changed, told):
    given = {name: value for name, value in {**GIVEN, **changed}.items() if value is not None}
    with pytest.raises(UserError, match=told) as caught:
        check_allocation(job(**asked), given)
    assert f"`set-resources: evaluate: {told.split()[1]}`" in str(caught.value)


def test_all_memory_of_a_node_is_enough():
    check_allocation(job(mem_mb=8000), {**GIVEN, "SLURM_MEM_PER_NODE": "0"})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there():
    assert device(job("cpu", gpu=1)) == "cpu"
    assert device(job("auto")) == "cpu"
    for name, given in (("auto", {"gpu": 1}), ("cuda", {}), ("cuda:1", {"gpu": 1})):
        with pytest.raises(UserError, match="finds no CUDA device"):
            device(job(name, **given))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_job_whose_rule_asks_for_no_gpu_needs_none():
    assert device(job("cuda", gpu=0)) == "cpu"


def test_packages_of_another_snakemake_are_left_out(monkeypatch):
    monkeypatch.setitem(
        sys.modules, "snakemake", SimpleNamespace(__file__="/elsewhere/site-packages/snakemake/__init__.py")
    )
    monkeypatch.setattr(sys, "path", [*sys.path, "/elsewhere/site-packages"])
    leave_out_snakemake()
    assert "/elsewhere/site-packages" not in sys.path


def test_packages_of_the_same_environment_stay():
    import snakemake

    assert snakemake.__file__
    before = list(sys.path)
    leave_out_snakemake()
    assert sys.path == before


# -------------------------------------------------------------------------------------------------- what a job tells


@pytest.fixture
def told(tmp_path, monkeypatch, capfd):
    """The exit status of a job whose `main` is given, what it puts on the terminal, and the path of its log."""
    import snakemake

    assert snakemake.__file__  # every job is started by one, and so it is imported there
    monkeypatch.setattr(sys, "path", list(sys.path))

    def running(main, log=tmp_path / "log"):
        given = SimpleNamespace(
            rule="r", threads=1, resources={}, config={}, log=[str(log)], input=[], output=["results/out"]
        )
        monkeypatch.setattr(sys, "__stderr__", sys.stderr)
        with pytest.raises(BaseException) as caught:
            run(main, {"snakemake": given})
        return caught.value, capfd.readouterr().err

    return running


def full(path=None, number=errno.ENOSPC):
    raise OSError(number, os.strerror(number), path)


def hidden():
    try:
        full()
    except OSError as error:
        raise RuntimeError("a library's own") from error


def in_rust():
    raise ValueError("Error while serializing: I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize(
    ("work", "line"),
    [
        (lambda: full("there/x"), "there/x: cannot be written (No space left on device); make room"),
        (lambda: full(number=errno.EROFS), "results/out: cannot be written (Read-only file system); make room"),
        (hidden, "results/out: cannot be written (No space left on device); make room"),
        (in_rust, "results/out: cannot be written (No space left on device); make room"),
    ],
)
@pytest.mark.parametrize("log", [None, "/dev/full"])
def test_a_disk_that_refuses_is_one_line(told, tmp_path, work, line, log):
    path = Path(log or tmp_path / "log")
    left, shown = told(lambda _: work(), path)
    assert isinstance(left, SystemExit) and left.code == 1
    assert shown.startswith(f"error: {line}") and shown.count("\n") == 1
    if log is None:
        lines = path.read_text().splitlines()
        assert lines[0].startswith("Traceback") and lines[-1] == shown.strip()


def test_a_log_on_a_full_disk_hides_no_error_and_fails_no_job(told):
    def noisy(snakemake):
        import logging

        logging.getLogger().info("hello")
        print("some progress", file=sys.stderr)
        raise UserError("`key`: wrong; mend it")

    left, shown = told(noisy, "/dev/full")
    assert left.code == 1 and shown == "some progress\nerror: `key`: wrong; mend it\n"
    left, shown = told(lambda _: 1 / 0, "/dev/full")
    assert left.code == 1 and shown.startswith(
        "error: results/out: could not be made: ZeroDivisionError: division by z"
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("weights"), "KeyError: 'weights'; the traceback is in"),
        (ValueError("one\ntwo"), "ValueError: one; the traceback is in"),
        (MemoryError(), "MemoryError: it says no more; the traceback is in"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_whatever_goes_wrong_is_one_line_with_its_traceback_in_the_log(told, tmp_path, error, words):
    def raising(_):
        raise error

    left, shown = told(raising)
    assert left.code == 1 and shown.count("\n") == 1 and words in shown
    assert str(tmp_path / "log") in shown and "report it" in shown
    log = (tmp_path / "log").read_text()
    assert log.startswith("Traceback") and "raise error" in log and log.endswith(shown)


def test_a_log_that_cannot_be_made_is_one_line(told, tmp_path):
    left, _ = told(lambda _: None, tmp_path / "none" / "log")
    assert left.code == f"error: {tmp_path}/none/log: cannot be written (No such file or directory); make room or " + (
        "choose another folder and start again: what is already computed is kept"
    )


@pytest.mark.parametrize("status", [0, None, 3, "bye"])
def test_a_job_that_leaves_is_not_done(told, status):
    left, shown = told(lambda _: sys.exit(status))
    assert left.code == 1
    assert shown.startswith(f"error: the job left before its end, by sys.exit({status!r}); see ")
