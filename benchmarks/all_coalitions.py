"""All 2^10 coalitions given as a sampled game: is it the problem for all coalitions, as it should be where λ → 0?

`python benchmarks/all_coalitions.py` solves single models of ten players in both ways: the least Σ|I| over all splits
into AND and OR by HiGHS, with nothing left over (κ = 0), and the penalised problem of sampled games over coalitions of
all orders, for falling penalties. Its objective divided by λ is the mean of Σ|I| over all penalties up to λ, and rises
to the former as λ → 0; so do bound and Σ|I| itself. Planted games have 20 interactions and no noise, and are soon
there; the real one (words of a film review, two MiniLMs) has as many as coalitions, most of them dust. Orders ≥ 1 are
counted. Rows go to all_coalitions.json.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from machine import processor

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from andor.game.transforms import and_inverse, or_inverse
from andor.sparsify import Problem, solve
from andor.sparsify.penalty import cost
from andor.sparsify.sampled.path import Path as PenaltyPath
from andor.sparsify.sampled.problem import SampledGames

REAL = Path(__file__).parents[1] / "tests" / "data" / "instances" / "real_minilm_film_reviews_n10_m2.npz"
PLAYERS, INTERACTIONS = 10, 20
SHARES = (1e-1, 1e-3, 1e-4, 1e-5)
"""Penalties, of the largest that leaves an interaction."""
GAP = 1e-3


def games() -> dict[str, np.ndarray]:
    """Values (2^10,) of each game, 0 on the empty coalition."""
    found = {}
    for seed in range(2):
        random = np.random.default_rng(seed)
        interactions = np.zeros((2, 2**PLAYERS))
        places = random.choice(2**PLAYERS - 1, INTERACTIONS, replace=False) + 1
        signs = random.choice([-1, 1], INTERACTIONS)
        interactions[random.integers(2, size=INTERACTIONS), places] = signs * random.lognormal(0, 0.5, INTERACTIONS)
        found[f"planted {seed}"] = and_inverse(interactions[0]) + or_inverse(interactions[1])
    with np.load(REAL, allow_pickle=False) as file:
        found |= {f"real {model}": own.astype(float) for model, own in enumerate(file["values"][0])}
    return {name: own - own[0] for name, own in found.items()}


def main() -> None:
    presence = (np.arange(2**PLAYERS)[:, None] >> np.arange(PLAYERS) & 1).astype(bool)
    rows = []
    for name, own in games().items():
        began = time.process_time()
        exact = float(solve(Problem(own[None, None], "traditional", learn="gamma"), "exact").objective[0])
        split = time.process_time()
        path = PenaltyPath(SampledGames([presence], [own]), PLAYERS, (0.0, 1.0))
        scale, largest = path.games.scales[0], path.largest_penalty()
        for share in SHARES:
            point = path.solve(share * largest, GAP)
            unit = scale / point.penalty / exact
            row = {
                "game": name, "share_of_largest_penalty": share, "exact": exact,
                "objective_ratio": point.bounds.objective * unit, "bound_ratio": point.bounds.lower * unit,
                "sum_ratio": float(cost(point.x, 0, 1).sum()) * scale / exact,
                "gap": point.bounds.gap, "interactions": len(point.columns),
                "exact_seconds": round(split - began, 2), "sampled_seconds": round(time.process_time() - split, 2),
            }  # fmt: skip
            rows.append(row)
            print(json.dumps(row), flush=True)
    out = Path(__file__).with_suffix(".json")
    out.write_text(json.dumps({"processor": processor(), "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
