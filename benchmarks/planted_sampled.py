"""Sampled games whose interactions are known: are the strongest found, and do the intervals hold the truth?

`python benchmarks/planted_sampled.py` plants 30 interactions of each of two models, 20 of them in both, of orders 1 to
3 and both kinds, in games of 60 and 200 players with 2,000 and 4,000 coalitions, and adds noise of 2 % of each model's
standard deviation. Recall: how many of a model's 20 strongest planted interactions are reported; precision: how many
of its 20 strongest reported ones were planted. Coverage: how often strength ± 1.96 errors holds the planted strength
(0 where none was planted) of the interactions that are reported, all of them and the 20 strongest.

The planted sum may have a second form that is as sparse: i without j is [i] − [i ∧ j] and [i ∨ j] − [j], of the same
penalty, and no outputs tell which was planted. So a planted interaction that is not reported, and is on new coalitions
exactly a sum of reported ones, is written as that sum, and counts as found; one that is not such a sum stays missing,
whatever is reported in its place. "as planted" are recall and coverage without this. Rows go to planted_sampled.json as
they come.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from andor.sparsify.sampled.fit import Fit, fit
from andor.sparsify.sampled.problem import SampledGames

SHARED, PRIVATE, STRONGEST = 20, 10, 20

Key = tuple[int, tuple[int, ...]]
"""Kind, 0 AND and 1 OR, and players."""
Planted = dict[Key, float]
"""Strength of each."""


def drawn(random: np.random.Generator, n: int, count: int) -> np.ndarray:
    """All, none, and coalitions of every size alike, each once."""
    presence = random.random((2 * count, n)) < random.random((2 * count, 1))
    presence = np.concatenate([np.ones((1, n), bool), np.zeros((1, n), bool), presence])
    _, first = np.unique(presence, axis=0, return_index=True)
    return presence[np.sort(first)][:count]


def planted(random: np.random.Generator, n: int) -> list[Planted]:
    """Interactions of two models; shared ones have one sign, and strengths within 30 %."""
    keys: list[Key] = []
    while len(keys) < SHARED + 2 * PRIVATE:
        size = int(random.integers(1, 4))
        key = (
            int(random.integers(2)) if size > 1 else 0,
            tuple(np.sort(random.choice(n, size, replace=False)).tolist()),
        )
        keys += [key] if key not in keys else []
    strengths = random.choice([-1, 1], len(keys)) * random.uniform(0.5, 2, len(keys))
    models: list[Planted] = []
    for model in range(2):
        own = [*range(SHARED), *range(SHARED + model * PRIVATE, SHARED + (model + 1) * PRIVATE)]
        models.append({keys[place]: float(strengths[place] * random.uniform(0.85, 1.15)) for place in own})
    return models


def values(interactions: Planted, presence: np.ndarray) -> np.ndarray:
    total = np.zeros(len(presence))
    for (kind, players), strength in interactions.items():
        inside = presence[:, players]
        total += strength * (inside.any(1) if kind else inside.all(1))
    return total


def rewritten(listed: list[Key], truth: Planted, presence: np.ndarray) -> tuple[np.ndarray, set[Key]]:
    """Planted strengths of reported interactions, and which planted ones are no sum of reported ones."""
    ahead = [key in truth for key in listed]
    order = [*np.flatnonzero(ahead), *np.flatnonzero(~np.array(ahead, bool))]
    keys = [listed[place] for place in order] + [key for key in truth if key not in set(listed)]
    active = np.stack([values({key: 1.0}, presence) for key in keys], 1)
    active -= active.mean(0)
    size = np.abs(np.diag(np.linalg.qr(active, mode="r")))
    alone = size > 1e-6 * np.linalg.norm(active, axis=0)  # no sum of those before it
    total = values(truth, presence)
    strengths = np.zeros(len(keys))
    strengths[alone] = np.linalg.lstsq(active[:, alone], total - total.mean(), rcond=None)[0]
    back = np.empty(len(listed))
    back[order] = strengths[: len(listed)]
    return back, {key for key, new in zip(keys[len(listed) :], alone[len(listed) :], strict=True) if new}


def measured(found: Fit, model: int, truth: Planted, presence: np.ndarray) -> dict[str, float]:
    """Recall, precision and coverage of one model; `presence` are coalitions that tell all interactions apart."""
    keys = [(int(k), tuple(np.flatnonzero(m).tolist())) for k, m in zip(found.kinds, found.members, strict=True)]
    reported = np.flatnonzero(found.strengths[model])
    strengths, spread = found.strengths[model][reported], found.errors[model][reported]
    listed = [keys[place] for place in reported]
    strongest = np.argsort(-np.abs(strengths))[:STRONGEST]
    best = sorted(truth, key=lambda key: -abs(truth[key]))[:STRONGEST]
    expected, missing = rewritten(listed, truth, presence)
    held = np.abs(strengths - expected) <= 1.96 * spread
    as_planted = np.abs(strengths - [truth.get(key, 0.0) for key in listed]) <= 1.96 * spread
    known = np.abs(expected) > 1e-6
    return {
        "reported": len(listed),
        "recall": sum(key not in missing for key in best) / STRONGEST,
        "recall as planted": sum(key in set(listed) for key in best) / STRONGEST,
        "precision": float(known[strongest].mean()),
        "coverage": float(held.mean()),
        "coverage of the strongest": float(held[strongest].mean()),
        "coverage of the planted": float(held[known].mean()),
        "coverage as planted": float(as_planted.mean()),
    }


def keep(path: Path, rows: list[dict[str, Any]]) -> None:
    made = {"machine": platform.platform(), "threads": torch.get_num_threads(), "rows": rows}
    path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--players", type=int, nargs="+", default=[60, 200])
    parser.add_argument("--coalitions", type=int, nargs="+", default=[2000, 4000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--noise", type=float, default=0.02)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for n in arguments.players:
        for count in arguments.coalitions:
            for seed in arguments.seeds:
                random = np.random.default_rng([seed, n, count])
                presence, truth = drawn(random, n, count), planted(random, n)
                new = drawn(np.random.default_rng([seed, n]), n, 6000)
                exact = [values(own, presence) for own in truth]
                noisy = [v + arguments.noise * v.std() * random.normal(size=count) for v in exact]
                for alpha in (None, 1.0):
                    found = fit(SampledGames(presence, noisy), alpha)
                    for model, own in enumerate(truth):
                        row = {"players": n, "coalitions": count, "noise": arguments.noise, "seed": seed}
                        row |= {"alpha": alpha, "model": model}
                        rows.append(row | measured(found, model, own, new) | {"gap": max(found.gap)})
                        rows[-1]["seconds"] = round(found.seconds, 2)
                        print(json.dumps(rows[-1]), flush=True)
                        keep(arguments.out, rows)


if __name__ == "__main__":
    main()
