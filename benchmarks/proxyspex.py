"""ProxySPEX (Butler et al. 2025), as shapiq has it, on sampled games: what `sampled.py` is measured against.

shapiq 1.8 needs Python 3.12, so this runs in an environment of its own:

    python3.12 -m venv shapiq-env
    shapiq-env/bin/pip install 'shapiq==1.8.*' lightgbm scikit-learn
    OMP_NUM_THREADS=1 shapiq-env/bin/python benchmarks/proxyspex.py benchmarks/games --coalitions 1000

It fits every model of every game of a folder with the default search over hyperparameters, on the first coalitions of
each game, and measures R² on those held out: of the trees, and of the Fourier expansion that is read from them and
refitted, which is the explanation. Rows are added to the file as they come; what it already has is not run again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from shapiq.approximator import ProxySPEX
from shapiq.approximator.proxy._routes import tree_to_fourier


def expansion(fourier: dict[tuple[int, ...], float], presence: np.ndarray) -> np.ndarray:
    """Σ_T f(T)·(−1)^|T ∩ S| on coalitions (M, n)."""
    total = np.zeros(len(presence))
    for players, coefficient in fourier.items():
        total += coefficient * (1 - 2 * (presence[:, list(players)].sum(1) % 2))
    return total


def r2(predicted: np.ndarray, values: np.ndarray) -> float:
    return round(1 - float(((predicted - values) ** 2).mean() / values.var()), 4)


def measured(game: dict[str, np.ndarray], coalitions: int, model: int) -> dict[str, Any]:
    """R² on held-out coalitions, and seconds, of one model."""
    presence, values = game["presence"][:coalitions], game["values"][model, :coalitions].astype(float)
    held_out, truth = game["held_out_presence"], game["held_out_values"][model].astype(float)
    began, spent = time.perf_counter(), time.process_time()
    method = ProxySPEX(n=presence.shape[1], max_order=4, random_state=0)
    method.proxy_model.fit(presence.astype(float), values)
    trees = method.proxy_model.best_estimator_
    fourier = method._refine(tree_to_fourier(trees, method.n), presence.astype(float), values)
    seconds, spent = time.perf_counter() - began, time.process_time() - spent
    return {
        "tree": r2(trees.predict(held_out.astype(float)), truth),
        "expansion": r2(expansion(fourier, held_out), truth),
        "coefficients": len(fourier),
        "seconds": round(seconds, 1),
        "processor_seconds": round(spent, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of games, .npz")
    parser.add_argument("--coalitions", type=int, nargs="+", default=[1000])
    parser.add_argument("--games", nargs="+", help="names; all by default")
    parser.add_argument("--models", type=int, nargs="+", help="places; all by default")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    rows = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.out.exists() else []
    known = {(row["game"], row["coalitions"], row["model"]) for row in rows}
    for coalitions in arguments.coalitions:
        for name in arguments.games or [path.stem for path in sorted(arguments.folder.glob("*.npz"))]:
            with np.load(arguments.folder / f"{name}.npz", allow_pickle=False) as loaded:
                game = dict(loaded)
            for model in arguments.models or range(len(game["values"])):
                if (name, coalitions, model) not in known:
                    row = {"game": name, "coalitions": coalitions, "model": model}
                    rows.append(row | measured(game, coalitions, model))
                    print(json.dumps(rows[-1]), flush=True)
                    arguments.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
