"""A real server of language models on the loopback, compared with transformers on the same weights.

    PYTHONPATH=src python tests/labs/served.py [--python PYTHON] [--cache .cache] [--texts 3]

llama.cpp's Python server gives log-probabilities, those of this model's echo shifted by a token, which is noticed and
so not taken (`andor.models.served.check_scores`). It is installed into an environment of its own, which
builds it for some ten minutes, unless the Python of one that has `llama-cpp-python[server]` is named. It serves
SmolLM2-135M-Instruct as config/dialogue.yaml has it, in 4 bits; transformers computes with the same weights, unpacked
to float32. All masked versions of short texts go through the pipeline's evaluator, and the same strings through the
prompted model. llama.cpp also rounds what it multiplies weights with, to 8 bits: log-odds of 24 masked texts were apart
by 0.07 on average and 0.19 at most, at correlations of 0.989 to 0.991.
Exit status 1 if they differ by more than `FAR`, or a second run asks for anything again.
"""

from __future__ import annotations

import argparse
import logging
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import requests
import yaml

from andor.config import Masking, Source
from andor.data.players.words import WordPlayers, choose_words
from andor.models.families.causal_lm import CausalLM
from andor.models.families.served import ServedModel
from andor.models.loading import load
from andor.outputs.cache import OutputCache
from andor.outputs.evaluate import evaluate_chunk
from andor.outputs.masking import locate
from andor.outputs.passes import evaluate
from andor.sources import fetch
from andor.store import read_metadata, read_table

ROOT = Path(__file__).parents[2]
PACKAGE = "llama-cpp-python[server]==0.3.36"
TEXTS = [
    "A gripping, unforgettable film: the acting is superb and nobody sleeps.",
    "Dull jokes, wooden dialogue and a plot that goes nowhere.",
    "The story is charming, though the ending feels a little rushed.",
]
QUESTION = {"prompt": "Review: {text}\nSentiment:", "answers": {0: " negative", 1: " positive"}}
FAR = 0.5
"""Log-odds that would be a fault, not rounding."""


def installed(folder: Path) -> Path:
    """Python of a new environment that has the server."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", PACKAGE], check=True)
    return folder / "bin" / "python"


@contextmanager
def server(python: Path, weights: Path, log: Path):
    """The address of a server of the weights, while it runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"model": weights, "model_alias": "smollm2", "host": "127.0.0.1", "port": port, "n_ctx": 512,
               "logits_all": "true"}  # fmt: skip
    command = [python, "-m", "llama_cpp.server", *(str(o) for k, v in options.items() for o in (f"--{k}", v))]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    url = f"http://127.0.0.1:{port}/v1"
    try:
        for _ in range(120):
            with suppress(requests.RequestException):
                requests.get(f"{url}/models", timeout=5)
                break
            if process.poll() is not None:
                sys.exit(f"the server ended:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def samples(count: int) -> pa.Table:
    """Short texts whose players are their first three content words."""
    chosen = [choose_words(text, WordPlayers(kind="words", count=3, choose="first"), (0, 0)) for text in TEXTS[:count]]
    rows = {key: [choice[key] for choice in chosen] for key in ("players", "player_names")}
    return pa.table({"sample": pa.array(range(count), pa.int32()), "text": TEXTS[:count], **rows})


def odds(outputs: np.ndarray) -> np.ndarray:
    return outputs[:, 1] - outputs[:, 0]


def compare(url: str, weights: Path, texts: int, folder: Path) -> bool:
    """Print how far the two are apart on each text, and whether all is well."""
    CausalLM(family="causal_lm", source="smollm2", **QUESTION).make(None, weights, None, folder / "here", 0)
    settings = ServedModel(family="served", url=url, model="smollm2", revision="Q4_1", concurrency=2, **QUESTION)
    settings.make(None, None, None, folder / "there", 0)
    here, there = load(folder / "here"), load(folder / "there")
    table, cache, well = samples(texts), OutputCache(folder / "cache"), True
    evaluate_chunk("served", there, table, Masking(), cache, folder / "out", progress=False)
    print(f"scored by {there.description['scoring']}; {there.endpoint.calls} calls, {there.endpoint.tokens} tokens")
    for row in table.to_pylist():
        stored = read_table(folder / "out" / f"{row['sample']}.parquet")
        served = np.array(stored["logits"].to_pylist())
        local = evaluate(locate(there, row, Masking()).bind(here))  # the same strings, read by the other
        apart = np.abs(odds(served) - odds(local))
        well &= bool(apart.max() < FAR)
        noise = read_metadata(folder / "out" / f"{row['sample']}.parquet")["made"]["noise"]
        print(
            f"{row['text'][:40]!r}: log-odds {odds(local).min():.2f} to {odds(local).max():.2f}; apart by "
            f"{apart.mean():.4f} on average, {apart.max():.4f} at most, correlation "
            f"{np.corrcoef(odds(served), odds(local))[0, 1]:.5f}; noise {noise:.2g}"
        )
    before = there.endpoint.calls
    evaluate_chunk("served", there, table, Masking(), cache, folder / "again", progress=False)
    print(f"a second run asked for {there.endpoint.calls - before} things")
    return well and there.endpoint.calls == before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, help="of an environment that has the server")
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="folder of fetched sources")
    parser.add_argument("--texts", type=int, default=len(TEXTS))
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    source = Source(**yaml.safe_load((ROOT / "config" / "dialogue.yaml").read_text("utf-8"))["sources"]["smollm2"])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        python = given.python or installed(folder / "environment")
        fetch(source.mirrors, source.sha256, folder / "weights", store=given.cache / "sources", instead=source.instead)
        weights = next(path for path in (folder / "weights").iterdir() if path.suffix == ".gguf")
        with server(python, weights, folder / "server.log") as url:
            well = compare(url, weights, given.texts, folder)
    sys.exit(not well)


if __name__ == "__main__":
    main()
