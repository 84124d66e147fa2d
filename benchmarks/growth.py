"""How time and memory of the extraction from drawn coalitions grow with players and coalitions.

`python benchmarks/growth.py` fits one model of planted games (`planted_sampled.py`) to orders 2 and 3, for up to 300
players and 5,000 coalitions, each in a process of its own with one thread, and keeps processor seconds, peak memory,
gaps and the coalitions looked at in growth.json, and growth.png. The choice of the penalty over folds is part of it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from machine import peak_mb, processor
from planted_sampled import drawn, planted, values

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from andor.sparsify.sampled.fit import fit
from andor.sparsify.sampled.problem import SampledGames

NOISE = 0.02
AT = {"players": 100, "coalitions": 2000}
GROWING = {"players": [40, 100, 200, 300], "coalitions": [500, 1000, 2000, 5000]}
LARGEST = {"players": 300, "coalitions": 5000}
ORDERS = (2, 3)


def measured(players: int, coalitions: int, order: int, seed: int) -> dict[str, Any]:
    """The row of one fit."""
    torch.set_num_threads(1)
    random = np.random.default_rng([seed, players, coalitions])
    presence, truth = drawn(random, players, coalitions), planted(random, players)[0]
    exact = values(truth, presence)
    noisy = exact + NOISE * exact.std() * random.normal(size=coalitions)
    before, spent = peak_mb(), time.process_time()
    found = fit(SampledGames(presence, [noisy]), alpha=None, order=order)
    return {
        "players": players, "coalitions": coalitions, "order": order, "seed": seed,
        "processor_seconds": round(time.process_time() - spent, 2), "peak_mb": round(peak_mb()),
        "peak_mb_before": round(before), "gap": found.gap[0], "searched": found.searched,
        "interactions": int((found.strengths != 0).sum()), "planted": len(truth),
    }  # fmt: skip


def plotted(rows: list[dict[str, Any]], path: Path) -> None:
    """Processor seconds against players, and against coalitions, for each order."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
    for axis, (growing, sizes) in zip(axes, GROWING.items(), strict=True):
        (fixed,) = set(AT) - {growing}
        for order, marker in zip(ORDERS, "os", strict=True):
            own = [row for row in rows if row["order"] == order and row[fixed] == AT[fixed] and row[growing] in sizes]
            own.sort(key=lambda row: row[growing])
            x, y = [row[growing] for row in own], [row["processor_seconds"] for row in own]
            axis.loglog(x, y, marker=marker, label=f"order {order}")
        axis.set(xlabel=growing, title=f"{AT[fixed]:,} {fixed}")
        axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("seconds on one core")
    axes[0].legend(frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one", type=int, nargs=3, metavar=("PLAYERS", "COALITIONS", "ORDER"), help="print its row")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measured(*arguments.one, arguments.seed)))
        return
    out = Path(__file__).with_suffix(".json")
    cases = [AT | {growing: size} for growing, sizes in GROWING.items() for size in sizes] + [LARGEST]
    rows: list[dict[str, Any]] = []
    for case in {tuple(case.values()): case for case in cases}.values():
        for order in ORDERS:
            own = [str(number) for number in (*case.values(), order)]
            command = [sys.executable, __file__, "--seed", str(arguments.seed), "--one", *own]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            rows.append(json.loads(done.stdout))
            print(json.dumps(rows[-1]), flush=True)
            out.write_text(json.dumps({"processor": processor(), "rows": rows}, indent=1) + "\n", encoding="utf-8")
    plotted(rows, out.with_suffix(".png"))


if __name__ == "__main__":
    main()
