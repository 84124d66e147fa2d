"""A process that evaluates samples, slowly if asked to, for tests that kill it or race it.

    python evaluating.py SAMPLES CACHE FOLDER PAUSE [GO]

It pauses so many seconds before each forward pass, and begins once the file GO exists.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch

from andor import store
from andor.config import Masking
from andor.evaluate import evaluate_chunk


class PlainModel:
    """A small network on images of 256 pixels that starts quickly: nothing of transformers is imported."""

    family, digest, device = "image_classifier", "0" * 64, torch.device("cpu")

    def __init__(self, pause: float = 0.0) -> None:
        self.description = {"family": self.family}
        torch.manual_seed(0)
        self.network = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(256, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)
        )
        self.pause = pause

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        time.sleep(self.pause)
        return self.network(images)


def main(samples: str, cache: str, folder: str, pause: str, go: str | None = None) -> None:
    model, table, kept = PlainModel(float(pause)), store.read_table(Path(samples)), store.OutputCache(Path(cache))
    print("ready", flush=True)
    while go is not None and not Path(go).exists():
        time.sleep(0.001)
    evaluate_chunk("plain", model, table, Masking(), kept, Path(folder), progress=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
