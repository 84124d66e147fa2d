"""Is the claim `combinations` held where no law of coalitions gives players the strength that they have?

    python benchmarks/importance.py [--data-sets 60]

Two models have interactions on coalitions that come together by accident, of players that matter to both, as they would
be found: nothing is extracted. Where few interactions are there, and one is far stronger than the rest, no law of
distinct coalitions has its players' sums of |I|, and the fit ends as near as its steps bring it.

For each sort of games: how many of the laws do not have the sums to 1 %, and which part of all strength is elsewhere in
the worst tenth of them; how many interactions of two players and more are shared, and how many are expected; how often
p is at most 5 %, and how often anything is listed. Rows go to importance.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from machine import processor

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from andor.analysis import importance
from andor.analysis.families import Claim, Family
from andor.analysis.placements import Placed

RESULTS = Path(__file__).with_suffix(".json")
PLAYERS, ORDERS, CELLS = 10, (1, 2, 3, 4), 24
SALIENT = 0.05
EVERY = np.array(
    [[player in own for player in range(PLAYERS)] for k in ORDERS for own in itertools.combinations(range(PLAYERS), k)]
)


def model(
    weights: np.ndarray, signs: np.ndarray | None, count: int, spread: float, random: np.random.Generator
) -> Placed:
    """Interactions of one kind: of each order as many, stronger where a player matters more."""
    orders, share = EVERY.sum(1), np.where(EVERY, weights, 1).prod(1)
    share /= np.bincount(orders, share)[orders]
    presence = EVERY[random.choice(len(EVERY), count, replace=False, p=share / share.sum())]
    strengths = random.lognormal(0, spread, count) * np.where(presence, weights, 0).max(1)
    leading = np.where(presence, weights, 0).argmax(1)
    sign = random.choice([-1, 1], count) if signs is None else signs[leading]
    return Placed(presence, sign * strengths).chosen(strengths > SALIENT * strengths.max())


def family(count: int, spread: float, unequal: float, signed: bool, random: np.random.Generator) -> Family:
    """Two models in `CELLS` cells."""
    cells = []
    for _ in range(CELLS):
        weights = random.lognormal(0, unequal, PLAYERS)
        signs = random.choice([-1, 1], PLAYERS) if signed else None
        cells.append([model(weights, signs, count, spread, random) for _ in range(2)])
    return Family(cells).of_orders(2)


def elsewhere(own: Family) -> Iterator[tuple[float, float]]:
    """Of each law: the largest relative error of a player's sum, and the part of all strength that is elsewhere."""
    several = EVERY[EVERY.sum(1) > 1]
    for cell in own.cells:
        for placed, sign in itertools.product(cell, (1, -1)):
            mine = placed.chosen(sign * placed.strengths > 0)
            if len(mine.strengths):
                wanted = importance.sums(placed, sign)
                chance = importance.occupied(placed, Placed(several, np.full(len(several), float(sign))))
                number, total = (np.bincount(mine.orders, w, PLAYERS + 1) for w in (None, np.abs(mine.strengths)))
                mean = np.divide(total, number, where=number > 0, out=np.zeros(PLAYERS + 1))
                errors = np.abs((chance * mean[several.sum(1)]) @ several - wanted)
                there = wanted > 0
                yield float((errors[there] / wanted[there]).max()), float(errors.sum() / wanted.sum())


def sort(count: int, spread: float, unequal: float, signed: bool, data_sets: int) -> dict:
    """A row: one sort of games."""
    random = np.random.default_rng([count, round(10 * spread), round(10 * unequal), signed])
    families = [family(count, spread, unequal, signed, random) for _ in range(data_sets)]
    claims = [Claim(own, own.importance(seed)) for seed, own in enumerate(families)]
    errors = np.array([error for own in families[:10] for error in elsewhere(own)])
    return {
        "interactions": count, "spread_of_strengths": spread, "spread_of_weights": unequal, "signs_by_player": signed,
        "data_sets": data_sets,
        "laws_off_by_1_percent": float((errors[:, 0] > 0.01).mean()),
        "strength_elsewhere_in_worst_tenth": float(np.quantile(errors[:, 1], 0.9)),
        "shared": float(np.mean([len(claim.family.shared) for claim in claims])),
        "expected": float(np.mean([claim.expected for claim in claims])),
        "p_at_most_0.05": float(np.mean([claim.p <= 0.05 for claim in claims])),
        "any_listed": float(np.mean([claim.listed > 0 for claim in claims])),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-sets", type=int, default=60)
    arguments = parser.parse_args()
    rows = []
    for asked in itertools.product((5, 12), (0.5, 1.5), (0.7, 1.5), (False, True)):
        rows.append(sort(*asked, arguments.data_sets))
        print(rows[-1], flush=True)
        text = json.dumps({"processor": processor(), "rows": rows}, indent=1)
        RESULTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
