"""Are the lists of shared interactions what they say: at most one accident in ten, and most of what is planted?

    python benchmarks/discovery.py [PART ...] [--data-sets 200]

Data sets of games whose interactions are known are explained, each model by itself, and the claims of their shared
interactions are made as the tables make them. Four cells, each with all coalitions of 10 players (8 samples a data set;
part `all`) and with 400 drawn ones of 40 players (4 samples, orders to 3; part `drawn`):

- *nothing shared*: two models with 10 interactions of each kind, on coalitions of their own. Nothing is true.
- *common players*: the same, but coalitions come together by accident of the same few players that matter to both.
  The models agree (true under `agree` and `exchange`, of which nothing is said here), but in no combination: there
  nothing is true.
- *two of three*: two models share all of their interactions, the third has its own. No claim about all three is true,
  not of what the third has by accident either.
- *planted sharing*: two models share 5 of their 10 interactions of each kind, strengths within 30 %, one sign. A listed
  interaction is true if it is one of these.

Noise is 2 % of |v(N) − v(∅)| (10 players) or of each model's standard deviation (40 players); 10 % in part `noisy`.
Part `wide` has 100 players and 1,000 coalitions. For each claim and the rates 5, 10 and 20 %: the share of accidents
among those listed, mean over data sets (0 where none is listed), with its standard error; how often any accident is
listed; and which part of what is planted is listed. The parts `joint` do the first and the last cell with the joint
method, at several weights α, and 20 renamed games that are extracted.

Beside the claims stand rivals of the same interactions: `all shared`, whatever is salient in every model with one sign,
which no rate controls (of part `joint` this is the published way); and, where each model is by itself, `agree, decoys`
and `combinations, decoys`: targets against one draw of decoys, with one added (Elias & Gygi 2007; Barber & Candès
2015), where the claims have what all draws expect. Rows go to discovery.json as they come, replacing those of the
cells that ran.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from machine import processor

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from andor.analysis import placements
from andor.analysis.families import Claim, Family, Null
from andor.analysis.placements import Placed
from andor.config import Salience
from andor.game.coalitions import Coalitions
from andor.game.interactions import Interactions
from andor.game.nulls import null_games
from andor.game.transforms import and_inverse, or_inverse
from andor.report.tables.claims import Claims
from andor.report.tables.games import Games
from andor.sparsify import Problem, kappa_bounds, solve, tau_bounds
from andor.sparsify.sampled.fit import Fit, fit
from andor.sparsify.sampled.problem import SampledGames

RESULTS = Path(__file__).with_suffix(".json")
CELLS = ("nothing shared", "common players", "two of three", "planted sharing")
OWN, PLANTED = 10, 5
RATES = (0.05, 0.1, 0.2)
LISTS = {"agree": 1, "combinations": 2, "exchange": 1, "all shared": 1, "agree, decoys": 1, "combinations, decoys": 2}
"""Least orders of what is listed under each claim, and by each rival."""
GAP = 0.02

Key = tuple[int, tuple[int, ...]]
"""Kind, 0 AND and 1 OR, and players."""
Model = dict[Key, float]


@dataclass(frozen=True)
class Design:
    """How the data sets of a part are made.

    Players, samples of a data set, the largest order planted; the noise, as a share of each model's range or standard
    deviation; coalitions that are drawn, or none; and the weight α if models are explained together.
    """

    players: int
    samples: int
    largest: int
    noise: float = 0.02
    coalitions: int | None = None
    alpha: float | None = None


DESIGNS = {
    "all": Design(10, 8, 5),
    "drawn": Design(40, 4, 3, coalitions=400),
    "noisy": Design(10, 8, 5, noise=0.1),
    "wide": Design(100, 4, 3, coalitions=1000),
    "joint": Design(10, 8, 5, alpha=1 / 9),
    "joint, alpha 1": Design(10, 8, 5, alpha=1.0),
    "joint, alpha 5": Design(10, 8, 5, alpha=5.0),
}
AT_ONCE = 5
"""Data sets that are explained at once."""
RENAMINGS = 20
"""Renamed games of a sample that are extracted for the joint method."""


# --------------------------------------------------------------------------------------------------------- planting


def models(cell: str, design: Design, random: np.random.Generator) -> list[Model]:
    """The models of one sample."""
    n = design.players
    weights = random.lognormal(0, 1, n) if cell == "common players" else np.ones(n)
    count = 3 if cell == "two of three" else 2
    common = planted(random, weights, design.largest, OWN if cell == "two of three" else PLANTED, {})
    several: list[Model] = []
    for model in range(count):
        shares = cell == "planted sharing" or (cell == "two of three" and model < 2)
        own = {key: strength * random.uniform(0.7, 1.3) for key, strength in common.items()} if shares else {}
        taken = own | {key: 0.0 for other in several for key in other} if cell == "planted sharing" else own
        several.append(own | planted(random, weights, design.largest, OWN - len(own) // 2, taken))
    return several


def planted(random: np.random.Generator, weights: np.ndarray, largest: int, count: int, taken: Model) -> Model:
    """So many interactions of each kind on coalitions that are not taken, of players as likely as their weights."""
    found: Model = {}
    for kind in (0, 1):
        while sum(key[0] == kind for key in found) < count:
            size = random.integers(1 + kind, largest + 1)
            players = random.choice(len(weights), size, replace=False, p=weights / weights.sum())
            key = (kind, tuple(sorted(players.tolist())))
            if key not in found and key not in taken:
                found[key] = float(random.choice([-1, 1]) * random.lognormal(0, 0.5))
    return found


def truth(several: list[Model]) -> set[Key]:
    """What all models have with one sign; of the cells, only one plants such."""
    return {key for key in set.intersection(*map(set, several)) if len({np.sign(model[key]) for model in several}) == 1}


# -------------------------------------------------------------------------------------------------------- explaining


def values_on_all(samples: list[list[Model]], design: Design, random: np.random.Generator) -> np.ndarray:
    """Noisy values of all coalitions, (samples, m, 2^n)."""
    interactions = np.zeros((2, len(samples), len(samples[0]), 2**design.players))
    for sample, several in enumerate(samples):
        for place, model in enumerate(several):
            for (kind, players), strength in model.items():
                interactions[kind, sample, place, sum(1 << player for player in players)] = strength
    values = and_inverse(interactions[0]) + or_inverse(interactions[1])
    scale = np.abs(values[..., -1:] - values[..., :1]).mean()
    return values + design.noise * scale * random.normal(size=values.shape)


def extracted(values: np.ndarray, alpha: float | None) -> list[Interactions]:
    """Merged interactions of each sample, certified; of each model by itself without α."""
    how = {"method": "traditional"} if alpha is None else {"method": "generalizable", "alpha": alpha}
    problem = Problem(values, kappa=kappa_bounds(values), tau=tau_bounds(values), **how)
    result = solve(problem, gap=GAP)
    names = [str(model) for model in range(values.shape[1])]
    found = np.stack([result.i_and, result.i_or], axis=2)
    return [Interactions.of_dense(one, names).merge().compact() for one in found]


def on_all(sets: list[list[list[Model]]], design: Design, random: np.random.Generator) -> Iterator[Claims]:
    """Claims of several data sets, each model explained by itself."""
    values = np.stack([values_on_all(samples, design, random) for samples in sets])
    found = extracted(values.reshape(-1, *values.shape[2:]), None)
    for place in range(len(sets)):
        own = found[place * design.samples : (place + 1) * design.samples]
        yield Claims(Games.of(own, Salience()), None, same_number=True, seed=place)


def jointly(sets: list[list[list[Model]]], design: Design, random: np.random.Generator) -> Iterator[Claims]:
    """Claims of several data sets whose models are explained together, and so are those of renamed games."""
    for place, samples in enumerate(sets):
        values = values_on_all(samples, design, random)
        drawn = null_games(values, range(len(values)), len(values), RENAMINGS, 0, seed=place)["renaming"]
        every = extracted(np.concatenate([values[None], drawn]).reshape(-1, *values.shape[1:]), design.alpha)
        games = [
            Games.of(every[draw * len(values) : (draw + 1) * len(values)], Salience()) for draw in range(RENAMINGS + 1)
        ]
        yield Claims(games[0], {"renaming": games[1:]}, same_number=False, seed=place)


def on_drawn(sets: list[list[list[Model]]], design: Design, random: np.random.Generator) -> Iterator[Claims]:
    """Claims of data sets on drawn coalitions, each model by itself; the penalty is chosen on the first sample."""
    for place, samples in enumerate(sets):
        penalty, games = None, []
        for several in samples:
            presence = random.random((design.coalitions, design.players)) < random.random((design.coalitions, 1))
            presence[0], presence[1] = True, False
            presence = np.unique(presence, axis=0)
            parts = []
            for model in several:
                found = fit(
                    SampledGames([presence], [noisy_values(model, presence, design.noise, random)]),
                    alpha=None, order=3, gap=GAP, penalty=penalty, with_errors=False,
                )  # fmt: skip
                penalty = penalty or found.penalty[0]
                parts.append(interactions_of(found))
            games.append(Interactions.together(parts))
        yield Claims(Games.of(games, Salience()), None, same_number=True, seed=place)


def noisy_values(model: Model, presence: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """Values of coalitions (M, n), shape (M,)."""
    values = np.zeros(len(presence))
    for (kind, players), strength in model.items():
        inside = presence[:, players]
        values += strength * (inside.any(1) if kind else inside.all(1))
    return values + noise * values.std() * random.normal(size=values.shape)


def interactions_of(found: Fit) -> Interactions:
    """What was found, on the list of its coalitions."""
    coalitions = Coalitions.of_presence(found.members)
    strengths = np.zeros((1, 2, len(coalitions)))
    strengths[0, found.kinds, coalitions.positions(found.members)] = found.strengths[0]
    return Interactions(coalitions, ("0",), ("and", "or"), strengths, merged=True, order=found.order).compact()


def claims_of(sets: list[list[list[Model]]], design: Design, random: np.random.Generator) -> Iterator[Claims]:
    """Claims of several data sets, explained as their part is."""
    how = on_drawn if design.coalitions else jointly if design.alpha else on_all
    return how(sets, design, random)


# ----------------------------------------------------------------------------------------------------------- rivals


def lists_of(claims: Claims, random: np.random.Generator) -> dict[str, list[np.ndarray]]:
    """Rates of the lists of all claims and rivals: (kinds, C) for each sample, NaN if not shared."""
    every = {**claims.rates, "all shared": [np.where(game.shared, 0.0, np.nan) for game in claims.games.samples]}
    if claims.drawn is None:
        for name in ("agree", "combinations"):
            family = claims.by_name[name, LISTS[name]].family
            every[f"{name}, decoys"] = claims.spread(Claim(family, decoys(family, name, random)))
    return every


def decoys(family: Family, claim: str, random: np.random.Generator) -> Null:
    """One draw of the claim's null for each model."""
    drawn = []
    for model in family.models:
        others = [placements.shared_by([*cell[:model], *cell[model + 1 :]]) for cell in family.cells]
        met = [decoy(cell[model], known, claim, random) for cell, known in zip(family.cells, others, strict=True)]
        drawn.append([np.concatenate(met)])
    return Null.of_draws(drawn, family.shared)


def decoy(own: Placed, others: Placed, claim: str, random: np.random.Generator) -> np.ndarray:
    """Strengths of what one draw of a model's interactions in a cell shares with the other models."""
    if claim == "agree":
        where = placements.renamed(own, 1, random)
    else:
        where = placements.replaced(own, placements.importance(own), 1, random)
    strengths = placements.coincidences(where, own.strengths, others)[0]
    return strengths[strengths > 0]


# ----------------------------------------------------------------------------------------------------------- scoring


def scored(
    claims: Claims, true: list[set[Key]], random: np.random.Generator
) -> dict[tuple[str, float], tuple[int, int, int]]:
    """Listed, true ones of these, and true ones that there are, for each list and rate."""
    counts = {}
    for name, of_list in lists_of(claims, random).items():
        least = LISTS[name]
        planted = [{key for key in of_sample if len(key[1]) >= least} for of_sample in true]
        for rate in RATES:
            listed = hits = 0
            for game, rates, own in zip(claims.games.samples, of_list, planted, strict=True):
                players = game.coalitions.players
                found = {
                    (int(kind), tuple(players[place])) for kind, place in zip(*np.nonzero(rates <= rate), strict=True)
                }
                listed, hits = listed + len(found), hits + len(found & own)
            counts[name, rate] = (listed, hits, sum(map(len, planted)))
    return counts


def cell(part: str, name: str, count: int, seed: int) -> list[dict]:
    """Rows of one cell."""
    design, random = DESIGNS[part], np.random.default_rng([seed, CELLS.index(name), len(part)])
    scores, accidents, found, of_decoys = [], [], [], np.random.default_rng(seed)
    while len(scores) < count:
        sets = [
            [models(name, design, random) for _ in range(design.samples)]
            for _ in range(min(AT_ONCE, count - len(scores)))
        ]
        for samples, claims in zip(sets, claims_of(sets, design, random), strict=True):
            true = [truth(several) if name == "planted sharing" else set() for several in samples]
            scores.append(scored(claims, true, of_decoys))
            headline = claims.by_name["agree", 1]
            accidents.append(headline.accidents)
            found.append(len(headline.family.shared))
    return [
        {
            "part": part, "cell": name, "data_sets": count, "claim": claim, "rate": rate,
            **summary(np.array([own[claim, rate] for own in scores], dtype=float)),
            "shared": float(np.mean(found)), "accidents": float(np.nanmean(accidents)),
        }
        for claim, rate in scores[0]
        if not (name == "common players" and "combinations" not in claim)
    ]  # fmt: skip


def summary(counts: np.ndarray) -> dict[str, float | None]:
    """Rate of false discoveries with its standard error, how often any is listed falsely, and power."""
    listed, hits, there = counts.T
    false = np.divide(listed - hits, listed, out=np.zeros(len(counts)), where=listed > 0)
    return {
        "listed": float(listed.mean()),
        "false_discovery_rate": float(false.mean()),
        "standard_error": float(false.std(ddof=1) / np.sqrt(len(false))),
        "any_false": float((listed > hits).mean()),
        "power": float(hits.sum() / there.sum()) if there.sum() else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=tuple(DESIGNS), default=["all", "drawn"])
    parser.add_argument("--data-sets", type=int, default=200)
    parser.add_argument("--cells", nargs="*", choices=CELLS, default=list(CELLS))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.exists() else []
    for part in arguments.parts:
        for name in arguments.cells:
            if DESIGNS[part].alpha and name in ("common players", "two of three"):
                continue
            made = cell(part, name, arguments.data_sets, arguments.seed)
            rows = [row for row in rows if (row["part"], row["cell"]) != (part, name)] + made
            text = json.dumps({"processor": processor(), "rows": rows}, indent=1)
            RESULTS.write_text(text + "\n", encoding="utf-8")
            for row in made:
                print(row, flush=True)


if __name__ == "__main__":
    main()
