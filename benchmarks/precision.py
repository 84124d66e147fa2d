"""How far masked outputs are from exact ones: ours, and those of a plain forward pass of each masked input alone.

    python benchmarks/precision.py [CONFIG …] [--samples 2] [--coalitions 64]

CONFIG, config.yaml if none is named, has been run in the working directory up to its samples. For the first samples of
each task and each torch model, outputs as the workflow keeps them (float32, in batches; prompts in a tree) are compared
with two others on some coalitions, spread over all: plain ones (float32, one whole input at a time), and float64. The
last run of each model is kept in `precision.json`.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from andor import config
from andor.data.table import rows
from andor.models.estimators import Estimator
from andor.models.loaded import LoadedModel, TextClassifier, text_logits
from andor.models.loading import load
from andor.models.own import OwnModel
from andor.outputs.cache import OutputCache
from andor.outputs.evaluate import evaluate_chunk
from andor.outputs.masking import MaskedModel, MaskedPrompt, locate, presence
from andor.outputs.masking.prompt import target_outputs
from andor.store import read_table

KEPT = Path(__file__).with_suffix(".json")


def precision(
    model: LoadedModel, samples: pa.Table, masking: config.Masking, cache: OutputCache, coalitions: int
) -> dict[str, Any]:
    """Greatest differences of outputs over samples and coalitions, and the greatest output."""
    masked = [locate(model, sample, masking).bind(model) for sample in rows(samples)]
    chosen = [np.unique(np.linspace(0, (1 << one.players) - 1, coalitions).astype(np.int64)) for one in masked]
    with tempfile.TemporaryDirectory() as folder:
        evaluate_chunk("model", model, samples, masking, cache, Path(folder), progress=False)
        files = [Path(folder) / f"{number}.parquet" for number in samples["sample"].to_pylist()]
        ours = [raw_outputs(read_table(file))[picked] for file, picked in zip(files, chosen, strict=True)]
    plain = [outputs(one, picked, one.forward) for one, picked in zip(masked, chosen, strict=True)]
    in_float64(model.network)
    exact = [outputs(one, picked, exact_forward(model, one)) for one, picked in zip(masked, chosen, strict=True)]
    return {
        "outputs": int(sum(values.size for values in exact)),
        "greatest": greatest(exact),
        "ours from plain": greatest(ours, plain),
        "ours from float64": greatest(ours, exact),
        "plain from float64": greatest(plain, exact),
    }


def raw_outputs(kept: pa.Table) -> np.ndarray:
    """(2^n, C) as they were before they were stored."""
    if "logits" in kept.column_names:
        return np.stack(kept["logits"].to_numpy())
    return np.stack([kept["log_prob"], kept["log_odds"]], axis=1)


def greatest(ours: list[np.ndarray], others: list[np.ndarray] | None = None) -> float:
    others = others or [np.zeros(())] * len(ours)
    return float(max(np.abs(own - other).max() for own, other in zip(ours, others, strict=True)))


@torch.inference_mode()
def outputs(masked: MaskedModel, coalitions: np.ndarray, forward: Any) -> np.ndarray:
    """Of one input at a time: (coalitions, C)."""
    found = []
    for coalition in torch.from_numpy(coalitions):
        present = presence(coalition[None], masked.players)
        found.append(torch.stack([forward(masked.masked(present, sample)) for sample in masked.samples]).mean(dim=0))
    return torch.cat(found).numpy()


def exact_forward(model: Any, masked: MaskedModel) -> Any:
    """The forward pass of `masked` in float64."""

    def forward(inputs: Tensor) -> Tensor:
        inputs = inputs.double()
        if isinstance(masked, MaskedPrompt):
            count = len(masked.target)
            logits = model.network(inputs_embeds=inputs, logits_to_keep=count, use_cache=False).logits
            return target_outputs(logits, masked.target)
        return text_logits(model.network, inputs) if isinstance(model, TextClassifier) else model.network(inputs)

    return forward


def in_float64(network: nn.Module) -> None:
    """All weights in float64; norms that transformers computes in float32 whatever the weights are, too."""
    network.double()
    for module in network.modules():
        if type(module).__name__.endswith("RMSNorm"):
            shift = 1.0 if type(module).__name__.startswith("Gemma") else 0.0
            scale, eps = module.weight + shift, getattr(module, "variance_epsilon", None) or module.eps
            module.forward = lambda x, w=scale, e=eps: x * (x.square().mean(-1, keepdim=True) + e).rsqrt() * w


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="*", metavar="CONFIG", default=["config.yaml"])
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--coalitions", type=int, default=64)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for path in arguments.configs:
        settings = config.load(path)
        for task, described in settings.tasks.items():
            samples = read_table(Path("results") / task / "samples.parquet").slice(0, arguments.samples)
            for name in described.models:
                model = load(Path("results") / task / "models" / name)
                if isinstance(model, Estimator | OwnModel):
                    continue  # not torch's arithmetic
                cache = OutputCache(Path(settings.cache))
                row = {
                    "family": model.family,
                    "when": datetime.now(UTC).isoformat(timespec="seconds"),
                    "versions": {"python": platform.python_version(), "torch": torch.__version__},
                } | precision(model, samples, described.masking, cache, arguments.coalitions)
                record = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
                KEPT.write_text(json.dumps(record | {f"{task}/{name}": row}, indent=1) + "\n", encoding="utf-8")
                print(f"{task}/{name}", row, flush=True)


if __name__ == "__main__":
    main()
