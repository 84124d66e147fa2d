"""Processes of their own that evaluate samples, for tests that kill them, race them or take their disk away.

They are forks (see `forks.py`), which have no thread but their own: that is what a file system of one's own needs.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from andor import store
from andor.config import Masking
from andor.errors import UserError
from andor.models.loaded import ArrayClassifier
from andor.outputs.cache import OutputCache
from andor.outputs.evaluate import evaluate_chunk


class PlainModel(ArrayClassifier):
    """A small network on images of 256 pixels that starts quickly: nothing of transformers is imported."""

    def __init__(self, pause: float = 0.0) -> None:
        torch.manual_seed(0)
        network = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(256, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)
        )
        super().__init__(network, {"family": "image_classifier"}, torch.zeros(1, 16, 16))
        self.pause = pause

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        time.sleep(self.pause)
        return super().logits(images)


def run(samples: Path, cache: Path, folder: Path, pause: float = 0.0, before: Callable[[], Any] = lambda: None) -> None:
    """Evaluate the samples of a file with so many seconds before each forward pass, once `before` returns."""
    table = store.read_table(samples)
    before()
    evaluate_chunk("plain", PlainModel(pause), table, Masking(), OutputCache(cache), folder, progress=False)


def run_on_a_small_disk(samples: Path, disk: Path, out: Path) -> tuple[str, list[str]] | None:
    """Evaluate the samples of a file on a file system of 16 KiB at `disk`, then again when it has grown.

    The error of the first run and the files that it left (None where nothing can be mounted); what the second made is
    copied to `out`. Whatever starts a thread, as Arrow does, has to wait until the namespace is made.
    """
    try:
        _mount_apart()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", disk], check=True, capture_output=True)
    except (AttributeError, OSError, subprocess.CalledProcessError):  # macOS has no namespaces
        return None
    error = ""
    try:
        run(samples, disk / "cache", disk / "small")
    except UserError as full:
        error = str(full)
    left = sorted(path.name for path in (disk / "cache").rglob("*") if path.is_file())
    subprocess.run(["mount", "-o", "remount,size=10m", disk], check=True, capture_output=True)
    run(samples, disk / "cache", disk / "large")
    shutil.copytree(disk / "large", out)
    return error, left


def _mount_apart() -> None:
    """Mounts of this process are its own from here on, and it may make some: it is root of a namespace of its own."""
    uid, gid = os.getuid(), os.getgid()
    new_mounts, new_user = 0x00020000, 0x10000000
    if ctypes.CDLL(None, use_errno=True).unshare(new_mounts | new_user):
        raise OSError(ctypes.get_errno(), "no namespace of its own")
    for file, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        Path("/proc/self", file).write_text(text, encoding="ascii")
