"""Arithmetic that gives the same bits every time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def exact_arithmetic() -> None:
    """Full float32 products (no TF32) and, wherever torch has them, algorithms that give the same bits every time."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it CUDA's products are not deterministic
    torch.backends.fp32_precision = "ieee"
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"
    torch.backends.cudnn.benchmark = False
    # Warns where there are none, as for some gradients on CUDA. `use_deterministic_algorithms` would do the same, and
    # spend two seconds on importing a compiler that is not used here.
    torch.set_deterministic_debug_mode("warn")
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a tenth of the time


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Seeded, deterministic torch inside; its generators are as before afterwards."""
    exact_arithmetic()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
