"""Time masked outputs of a language model: the prefix tree against whole prompts, and a second run from the cache.

`python benchmarks/language.py [MODEL]` takes about three minutes and keeps the last run beside this file, in
`language.json`. The model is SmolLM2-135M from the sources of `config/dialogue.yaml`, fetched and converted unless its
folder is given. Times of the tree are processor seconds of one thread, which other work on the machine disturbs less
than the clock's; those of the second run are the clock's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import torch
import transformers
from machine import processor

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from andor import config
from andor.data.table import rows
from andor.models.families.causal_lm import CausalLM
from andor.models.loaded import LanguageModel
from andor.models.loading import load
from andor.outputs.cache import OutputCache
from andor.outputs.evaluate import cache_content, evaluate_chunk
from andor.outputs.masking import MaskedModel, MaskedPrompt, locate, presence
from andor.outputs.masking.text import MaskedText
from andor.outputs.passes import evaluate
from andor.outputs.stored import outputs_table
from andor.sources import fetch

ROOT = Path(__file__).parents[1]
TOKENS, PLAYERS = 40, 10


def smollm2(folder: Path) -> Path:
    """The model of config/dialogue.yaml in the layout of transformers."""
    source = config.load(ROOT / "config" / "dialogue.yaml").sources["smollm2"]
    file = fetch(source.mirrors, source.sha256, folder / "source", store=Path(".cache") / "sources")
    CausalLM(family="causal_lm", source="smollm2").make(None, file, None, folder / "model", 0)
    return folder / "model"


def tree_against_whole(model: LanguageModel) -> dict[str, Any]:
    """All 1,024 masked versions of 40 tokens, each fourth of which is a player: the tree, and every prompt whole."""
    ids = torch.randint(0, len(model.tokenizer), (TOKENS,), generator=torch.Generator().manual_seed(0)).tolist()
    step = TOKENS // PLAYERS
    masked = MaskedText(ids, [[step * k] for k in range(PLAYERS)], config.Masking(), None, [ids[0]]).bind(model)
    assert isinstance(masked, MaskedPrompt)
    rates = {}
    for size in (16, 32, 64):
        MaskedModel.trial(masked, size)
        start = time.thread_time()
        MaskedModel.trial(masked, size)
        rates[size] = size / (time.thread_time() - start)
    best = max(rates, key=rates.get)
    seconds = {}
    # Every whole prompt costs the same: a quarter of them, spread over all, stands for the rest.
    quarter = torch.arange(0, 1 << PLAYERS, 4)
    start = time.thread_time()
    with torch.inference_mode():
        whole = torch.cat([masked(presence(part, PLAYERS)) for part in quarter.split(best)]).numpy()
    seconds["whole prompts, best batch"] = 4 * (time.thread_time() - start)
    start = time.thread_time()
    ours = evaluate(masked)
    seconds["tree"] = time.thread_time() - start
    return {
        "tokens": TOKENS,
        "players": PLAYERS,
        "batch": {"whole prompts": best, "tree": masked.batch_size},
        "whole prompts a second, by batch": rates,
        "seconds": seconds,
        "greatest difference of log-odds": float(np.abs(ours[::4] - whole)[:, 1].max()),
        "greatest log-odds": float(np.abs(whole[:, 1]).max()),
        "ratio": seconds["whole prompts, best batch"] / seconds["tree"],
        "wanted": 3,
    }


def all_cached(folder: Path, made: Path, model: LanguageModel, samples: int = 100) -> dict[str, Any]:
    """A second run of two models on 100 samples of 1,024 coalitions, none of which is computed.

    The files hold made-up numbers: what they hold does not change how long it takes to find them.
    """
    table = passages(samples)
    cache, random = OutputCache(folder / "cache"), np.random.default_rng(0)
    for sample in rows(table):
        located = locate(model, sample, config.Masking())
        outputs = random.normal(size=(1 << PLAYERS, 2)).astype(np.float32)
        cache.keep(cache_content(model, located), outputs_table(outputs, language=True), {"batch_size": 64})
    command = [sys.executable, __file__, "--second-run", str(folder), str(made)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = json.loads(done.stdout)
    timings = (folder / "0" / "timings.csv").read_text().splitlines()[1:]
    assert len(timings) == samples and all(line.endswith(",true") for line in timings)
    return {"samples": samples, "models": 2, "seconds": seconds, "wanted seconds": 1}


def second_run(folder: Path, made: Path, samples: int = 100) -> dict[str, float]:
    """Seconds of each part of a run in a process of its own."""
    loaded, table = [load(made) for _ in range(2)], passages(samples)
    seconds = {"start-up, with both models": time.time() - psutil.Process().create_time()}
    start = time.perf_counter()
    for model in loaded:
        model.digest  # noqa: B018 - computed once and kept
    seconds["digests of the weights"] = time.perf_counter() - start
    start = time.perf_counter()
    for number, model in enumerate(loaded):
        cache = OutputCache(folder / "cache")
        evaluate_chunk("m", model, table, config.Masking(), cache, folder / str(number), progress=False)
    return seconds | {"samples": time.perf_counter() - start}


def passages(count: int) -> pa.Table:
    """Samples of 30 words, ten of them players."""
    texts, players = [], []
    for number in range(count):
        words = [f"word{number}of{k}" for k in range(30)]
        texts.append(" ".join(words))
        starts = [sum(len(word) + 1 for word in words[:k]) for k in range(30)]
        players.append([[starts[3 * k], starts[3 * k] + len(words[3 * k])] for k in range(PLAYERS)])
    return pa.table(
        {
            "sample": pa.array(range(count), pa.int32()),
            "text": texts,
            "players": pa.array(players, pa.list_(pa.list_(pa.int32()))),
            "target": [" the"] * count,
        }
    )


def main() -> None:
    torch.set_num_threads(1)
    if "--second-run" in sys.argv:  # which `all_cached` starts
        print(json.dumps(second_run(*map(Path, sys.argv[2:]))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        made = Path(sys.argv[1]) if len(sys.argv) > 1 else smollm2(folder)
        model = load(made)
        results = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "processor": processor(),
            "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
            "tree": tree_against_whole(model),
            "cached": all_cached(folder, made, model),
        }
    (Path(__file__).parent / "language.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
