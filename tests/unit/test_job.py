"""What a job makes sure of before it works."""

import sys
from types import SimpleNamespace

import pytest
import torch

from _job import check_allocation, device, leave_out_snakemake
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
