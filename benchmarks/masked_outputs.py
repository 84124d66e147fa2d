"""Time masked evaluation against the bare forward pass, the published way, captum's and shap's masking, and memory.

    python benchmarks/masked_outputs.py [ROW …] [--encoder results/sources/minilm6]

Each row is a function of this file; its last run is kept in `masked_outputs.json`. A share is the bare time over ours,
a ratio the opponent's time over ours, on one thread: medians over rounds in which all take turns. Times are processor
seconds of the whole process, which other work on the machine disturbs less than the clock's; these are kept too. captum
and shap need not be installed: what is missing is left out.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from machine import processor

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from andor.config import Masking
from andor.data.players.words import WordPlayers, choose_words
from andor.models.architectures import MLP, image_network
from andor.models.arithmetic import exact_arithmetic
from andor.models.loaded import ArrayClassifier, ImageClassifier, TextClassifier
from andor.outputs.cache import OutputCache
from andor.outputs.evaluate import evaluate_chunk
from andor.outputs.masking import bind, locate, presence
from andor.outputs.passes import evaluate

HERE = Path(__file__).parent
TEXT = "A gripping story of love and war whose superb cast carries every scene of this long, bleak old winter film too"
"""24 word pieces with the special ones."""


Times = dict[str, list[tuple[float, float]]]
"""Processor seconds and the clock's of each run, round by round."""


def rounds(runs: dict[str, Callable[[], Any]], repeats: int) -> Times:
    """All runs in turns, there and back again: whatever else the machine does, neighbours share it."""
    times: Times = {name: [] for name in runs}
    for number in range(repeats):
        for name in runs if number % 2 == 0 else reversed(runs):
            times[name].append(once(runs[name]))
    return times


def once(run: Callable[[], Any]) -> tuple[float, float]:
    processor, clock = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - processor, time.perf_counter() - clock


@torch.inference_mode()
def in_batches(forward: Callable[[torch.Tensor], Any], inputs: torch.Tensor, size: int) -> None:
    for start in range(0, len(inputs), size):
        forward(inputs[start : start + size])


def result(masks: int, times: Times, wanted: dict[str, float], **more: Any) -> dict[str, Any]:
    """A row: of the opponents of one name (their batch sizes in brackets) the fastest, its processor time over ours.

    Ratios are of neighbours in one round: their median over the rounds, the least and the greatest.
    """
    seconds, clock = (
        {name: float(np.median([once[kind] for once in own])) for name, own in times.items()} for kind in (0, 1)
    )
    ratio = {}
    for name in wanted:
        opponents = [run for run in times if run.startswith(name)]
        if opponents:
            fastest = min(opponents, key=seconds.get)
            of_rounds = [other[0] / our[0] for other, our in zip(times[fastest], times["ours"], strict=True)]
            ratio[name] = [float(value) for value in (np.median(of_rounds), min(of_rounds), max(of_rounds))]
    return {
        "masks": masks, "seconds": seconds, "clock": clock, "masks per second": masks / seconds["ours"],
        "ratio (median, least, greatest)": ratio, "wanted": wanted, **more,
    }  # fmt: skip


# ----------------------------------------------------------------------------------------------------- encoder


def encoder(arguments: argparse.Namespace) -> dict[str, Any]:
    """MiniLM-L6, 24 tokens, 10 players: from the loaded model to the written file, against its bare forward pass."""
    from andor.models import pretrained

    network = pretrained.encoder_to_train(arguments.encoder)
    model = TextClassifier(network, {"family": "text_encoder"}, pretrained.tokenizer(arguments.encoder))
    chosen = choose_words(TEXT, WordPlayers(kind="words", count=10), (0, 0))
    sample = {"sample": 0, "text": TEXT, **chosen}
    masking = Masking(baseline="mask")
    masked = bind(model, sample, masking)
    located = locate(model, sample, masking)
    assert len(located.ids) == 24, len(located.ids)
    present = torch.cat([presence(torch.arange(1024), 10), torch.ones(1024, 1, dtype=torch.bool)], dim=1)[
        :, masked.owner
    ]
    inputs = torch.where(present, masked.samples[0], masked.baseline)
    _ = model.digest  # part of loading: it is counted once for all samples of a chunk
    table = pa.Table.from_pylist([sample])

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            cache = OutputCache(Path(folder))
            evaluate_chunk("minilm", model, table, masking, cache, Path(folder) / "out", progress=False)

    runs = {"ours": ours, "authors": lambda: authors(model, located)}
    for size in sorted({masked.batch_size, 32, 128}):
        runs[f"bare ({size})"] = lambda size=size: in_batches(model.logits, inputs, size)
    return result(1024, rounds(runs, arguments.repeats), {"bare": 0.9, "authors": 2.0}, batch=masked.batch_size)


@torch.inference_mode()
def authors(model: TextClassifier, located: Any, length: int = 50, batch: int = 16) -> None:
    """The published way: padded to 50 tokens, batches of 16, the mask of each coalition filled by a Python loop."""
    ids = located.ids + [model.tokenizer.pad_token_id] * (length - len(located.ids))
    whole = model.embed(torch.tensor(ids))
    baseline = model.embed(torch.tensor([located.token] * length))
    attention = torch.tensor([[1] * len(located.ids) + [0] * (length - len(located.ids))])
    owned = {piece for player in located.players for piece in player}
    background = [piece for piece in range(length) if piece not in owned]
    coalitions = [[bool(number >> player & 1) for player in range(10)] for number in range(1024)]
    for start in range(0, 1024, batch):
        masks = torch.zeros(batch, length, whole.shape[1])
        for row, coalition in enumerate(coalitions[start : start + batch]):
            pieces = list(background)
            for player, present in zip(located.players, coalition, strict=True):
                pieces += player if present else []
            masks[row, pieces, :] = 1
        inputs = whole.expand_as(masks).clone() * masks + baseline.expand_as(masks).clone() * (1 - masks)
        model.network(inputs_embeds=inputs, attention_mask=attention.repeat(batch, 1))


# --------------------------------------------------------------------------------------------------------- CNN


def cnn(arguments: argparse.Namespace) -> dict[str, Any]:
    """ResNet-20 on 32×32 pixels, 6 patches, background integrated over 10 points, against its bare forward pass."""
    torch.manual_seed(0)
    network = image_network("resnet20", (1, 32, 32))
    model = ImageClassifier(network, {"family": "image_classifier"}, torch.zeros(1, 32, 32))
    pixels = np.arange(1024).reshape(32, 32)
    patches = [pixels[8 * r : 8 * r + 8, 8 * c : 8 * c + 8].ravel().tolist() for r in (1, 2) for c in range(3)]
    sample = {"image": np.random.default_rng(0).random((1, 32, 32), dtype=np.float32), "players": patches}
    masked = bind(model, sample, Masking(background="integrate", steps=10))
    inputs = torch.rand(640, 1, 32, 32).contiguous(memory_format=torch.channels_last)
    runs = {"ours": lambda: evaluate(masked)}
    for size in sorted({masked.batch_size, 64, 256}):
        runs[f"bare ({size})"] = lambda size=size: in_batches(network, inputs, size)
    return result(64, rounds(runs, arguments.repeats), {"bare": 0.9}, batch=masked.batch_size)


# ----------------------------------------------------------------------------------------------------- tabular


def tabular(arguments: argparse.Namespace) -> dict[str, Any]:
    """MLP of five layers, 16 features, each a player: against batched forwards through captum's and shap's masking."""
    n = 16
    torch.manual_seed(0)
    network = MLP(n, layers=5, width=100, outputs=2).eval()
    model = ArrayClassifier(network, {"family": "mlp"}, torch.zeros(n))
    features = np.random.default_rng(0).normal(size=n).astype(np.float32)
    masked = bind(model, {"features": features, "players": [[p] for p in range(n)]}, Masking(baseline="mean"))
    everything = masked.masked(presence(torch.arange(1 << n), n), masked.samples[0])
    runs = {"ours": lambda: evaluate(masked), "bare": lambda: in_batches(network, everything, masked.batch_size)}
    runs |= {name: run for name, make in OPPONENTS.items() if (run := make(network, features)) is not None}
    return result(
        1 << n, rounds(runs, arguments.repeats), {"captum": 5.0, "shap": 5.0, "bare": 0.0}, batch=masked.batch_size
    )


def through_captum(network: torch.nn.Module, features: np.ndarray) -> Callable[[], None] | None:
    """What its Lime and KernelSHAP do with a coalition: an input each, put together for the forward pass."""
    try:
        from captum.attr._core.lime import default_from_interp_rep_transform as transform
    except ImportError:
        return None
    n = len(features)
    x, baseline, mask = torch.from_numpy(features)[None], torch.zeros(1, n), torch.arange(n)[None]

    @torch.inference_mode()
    def run(size: int = 4096) -> None:
        coalitions = presence(torch.arange(1 << n), n).long()
        for start in range(0, 1 << n, size):
            rows = [
                transform(row[None], x, feature_mask=mask, baselines=baseline)
                for row in coalitions[start : start + size]
            ]
            network(torch.cat(rows))

    return run


def through_shap(network: torch.nn.Module, features: np.ndarray) -> Callable[[], None] | None:
    """Its masked model with a background of one row, which its exact and permutation explainers use."""
    try:
        from shap import links, maskers
        from shap.utils import MaskedModel
    except ImportError:
        return None
    n = len(features)

    @torch.inference_mode()
    def forward(inputs: np.ndarray) -> np.ndarray:
        return network(torch.from_numpy(np.asarray(inputs, np.float32))).numpy()

    def run(size: int = 4096) -> None:
        masker = maskers.Independent(np.zeros((1, n), np.float32))
        coalitions = presence(torch.arange(1 << n), n).numpy()
        MaskedModel(forward, masker, links.identity, False, features)(coalitions, batch_size=size)

    return run


OPPONENTS = {"captum": through_captum, "shap": through_shap}

# ------------------------------------------------------------------------------------------------------ memory

MEASURE = """
import sys; sys.path.insert(0, {source!r})
import numpy as np, torch
from andor.config import Masking
from andor.outputs.passes import evaluate
from andor.outputs.masking import bind
from andor.models.loaded import ArrayClassifier
from andor.models.architectures import MLP

def kib(key):
    return int(next(line for line in open("/proc/self/status") if line.startswith(key)).split()[1])

torch.set_num_threads(1)
model = ArrayClassifier(MLP(1024, layers=3, width=100, outputs=1), {{"family": "mlp"}}, torch.zeros(1024))
features = np.random.default_rng(0).normal(size=1024).astype(np.float32)
evaluate(bind(model, {{"features": features, "players": [[p] for p in range(7)]}}, Masking()))
before = kib("VmRSS")
evaluate(bind(model, {{"features": features, "players": [[p] for p in range({n})]}}, Masking()))
print(kib("VmHWM") - before)
"""


def memory(arguments: argparse.Namespace) -> dict[str, Any]:
    """Peak memory above the loaded model, on 1,024 features (4 KiB an input), with n from 10 to 16 players."""
    rows = {}
    for n in (10, 12, 14, 16):
        code = MEASURE.format(source=str(HERE.parent / "src"), n=n)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        rows[n] = int(done.stdout) / 1024
    inputs = {n: 2**n * 1024 * 4 / 2**20 for n in rows}
    return {"MiB above the loaded model": rows, "MiB of all inputs": inputs, "growth": rows[16] - rows[10]}


ROWS = {"encoder": encoder, "cnn": cnn, "tabular": tabular, "memory": memory}
"""The rows; a further one is a function of the arguments that gives a mapping, best made by `result`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"all of {', '.join(ROWS)} if none is named")
    parser.add_argument("--encoder", type=Path, default=Path("results/sources/minilm6"), help="folder of MiniLM-L6")
    parser.add_argument("--repeats", type=int, default=5, help="rounds, whose median counts")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.rows if name not in ROWS]:
        parser.error(f"no row {unknown[0]}; choose of {', '.join(ROWS)}")
    torch.set_num_threads(1)
    exact_arithmetic()
    kept = HERE / "masked_outputs.json"
    for name in arguments.rows or ROWS:
        row = ROWS[name](arguments)
        record = json.loads(kept.read_text()) if kept.exists() else {}
        about = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "processor": processor(),
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
        }
        about["rounds"] = arguments.repeats
        record[name] = {"what": " ".join(ROWS[name].__doc__.split()), **about, **row}
        kept.write_text(json.dumps(record, indent=1) + "\n")
        print(f"{name}: {record[name]['what']}")
        for run, seconds in row.get("seconds", {}).items():
            print(f"  {run:20} {seconds:10.4f} s")
        for opponent, (median, least, greatest) in row.get("ratio (median, least, greatest)", {}).items():
            wanted = row["wanted"][opponent]
            print(f"  {opponent} / ours: {median:.2f}, {least:.2f} to {greatest:.2f} (wanted {wanted:g})")
        if name == "memory":
            print(f"  {row}")


if __name__ == "__main__":
    main()
