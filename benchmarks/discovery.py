"""Are the lists of shared interactions what they say: at most one accident in ten, and most of what is planted?

    python benchmarks/discovery.py [PART ...] [--data-sets 200]
    python benchmarks/discovery.py table

Data sets of games whose interactions are known are explained, each model by itself, and the claims of their shared
interactions are made as the tables make them. Each cell has all coalitions of 10 players (8 samples a data set; part
`all`), and 400 drawn ones of 40 players (4 samples, orders to 3; part `drawn`):

- *nothing shared*: two models with 10 interactions of each kind, on coalitions of their own. Nothing is true.
- *common players*: the same, but coalitions come together by accident of the same few players that matter to both.
  The models agree (true under `agree` and `exchange`, of which nothing is said here), but in no combination: there
  nothing is true. *Signs by player*: so it is, and an interaction has the sign of the player that matters most.
- *two of three*: two models share all of their interactions, the third has its own. No claim about all three is true,
  not of what the third has by accident either.
- *planted sharing*: two models share 5 of their 10 interactions of each kind, strengths within 30 %, one sign. A listed
  interaction is true if it is one of these.
- *every sample*: the same, and all samples have the same interactions. Beyond what other samples show nothing is true.

Noise is 2 % of |v(N) − v(∅)| (10 players) or of each model's standard deviation (40 players); 10 % in parts `noisy`.
Part `wide` has 100 players and 1,000 coalitions. For each claim and the rates 5, 10 and 20 %: the share of accidents
among those listed, mean over data sets (0 where none is listed), with its standard error; how often any accident is
listed; which part of what is planted is listed; and how often the claim's p is at most 5 %. The parts `joint` do what
is about `agree` with the joint method, at several weights α, on the data sets of `all`, with 20 renamed games that are
extracted (of three models, 20 for each).

Beside the claims stand rivals: `all shared`, whatever is salient in every model with one sign, which no rate controls
(of part `joint` this is the published way); and, where each model is by itself, `decoys`: targets against one draw of
renamed players, with one added (Elias & Gygi 2007; Barber & Candès 2015), where `agree` has what all draws expect. Rows
go to discovery.json as they come, replacing those of the cells that ran.
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
CELLS = ("nothing shared", "common players", "two of three", "planted sharing", "signs by player", "every sample")
PLAYERS_MATTER = ("common players", "signs by player")
SHARING = ("planted sharing", "every sample")
OWN, PLANTED = 10, 5
RATES = (0.05, 0.1, 0.2)
LISTS = {"agree": 1, "combinations": 2, "exchange": 1, "all shared": 1, "decoys": 1}
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
    "noisy joint": Design(10, 8, 5, noise=0.1, alpha=1 / 9),
    "noisy joint, alpha 1": Design(10, 8, 5, noise=0.1, alpha=1.0),
    "noisy joint, alpha 5": Design(10, 8, 5, noise=0.1, alpha=5.0),
}
AT_ONCE = 5
"""Data sets that are explained at once."""
RENAMINGS = 20
"""Renamed games of a sample that are extracted for the joint method: of each model where there are more than two."""


# --------------------------------------------------------------------------------------------------------- planting


@dataclass(frozen=True)
class Sample:
    """The models of a sample, and what they share that is no accident."""

    models: list[Model]
    shared: set[Key]


def data_set(cell: str, design: Design, random: np.random.Generator) -> list[Sample]:
    """The samples of a data set."""
    samples = [sample(cell, design, random) for _ in range(design.samples)]
    return samples[:1] * design.samples if cell == "every sample" else samples


def sample(cell: str, design: Design, random: np.random.Generator) -> Sample:
    """One sample."""
    weights = random.lognormal(0, 1, design.players) if cell in PLAYERS_MATTER else np.ones(design.players)
    signs = random.choice([-1, 1], design.players) if cell == "signs by player" else None
    count = 3 if cell == "two of three" else 2
    common = planted(random, weights, design.largest, OWN if cell == "two of three" else PLANTED, {}, signs)
    several: list[Model] = []
    for model in range(count):
        shares = cell in SHARING or (cell == "two of three" and model < 2)
        own = {key: strength * random.uniform(0.7, 1.3) for key, strength in common.items()} if shares else {}
        several.append(own | planted(random, weights, design.largest, OWN - len(own) // 2, own, signs))
    return Sample(several, set(common) if cell in SHARING else set())


def planted(
    random: np.random.Generator, weights: np.ndarray, largest: int, count: int, taken: Model, signs: np.ndarray | None
) -> Model:
    """So many interactions of each kind on coalitions that are not taken, of players as likely as their weights."""
    found: Model = {}
    for kind in (0, 1):
        while sum(key[0] == kind for key in found) < count:
            size = random.integers(1 + kind, largest + 1)
            players = random.choice(len(weights), size, replace=False, p=weights / weights.sum())
            key = (kind, tuple(sorted(players.tolist())))
            if key not in found and key not in taken:
                leading = players[np.argmax(weights[players])]
                sign = random.choice([-1, 1]) if signs is None else signs[leading]
                found[key] = float(sign * random.lognormal(0, 0.5))
    return found


# -------------------------------------------------------------------------------------------------------- explaining


def values_on_all(samples: list[Sample], design: Design, random: np.random.Generator) -> np.ndarray:
    """Noisy values of all coalitions, (samples, m, 2^n)."""
    interactions = np.zeros((2, len(samples), len(samples[0].models), 2**design.players))
    for number, of_sample in enumerate(samples):
        for place, model in enumerate(of_sample.models):
            for (kind, players), strength in model.items():
                interactions[kind, number, place, sum(1 << player for player in players)] = strength
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


def on_all(sets: list[list[Sample]], first: int, design: Design, random: np.random.Generator) -> Iterator[Claims]:
    """Claims of several data sets, each model explained by itself."""
    values = np.stack([values_on_all(samples, design, random) for samples in sets])
    found = extracted(values.reshape(-1, *values.shape[2:]), None)
    for place in range(len(sets)):
        own = found[place * design.samples : (place + 1) * design.samples]
        yield Claims(Games.of(own, Salience()), None, same_number=True, seed=first + place)


def jointly(sets: list[list[Sample]], first: int, design: Design, random: np.random.Generator) -> Iterator[Claims]:
    """Claims of several data sets whose models are explained together, and so are those of renamed games."""
    for place, samples in enumerate(sets):
        values = values_on_all(samples, design, random)
        models = values.shape[1]
        draws = RENAMINGS * (models if models > 2 else 1)
        drawn = null_games(values, range(len(values)), len(values), draws, 0, seed=first + place)["renaming"]
        every = extracted(np.concatenate([values[None], drawn]).reshape(-1, *values.shape[1:]), design.alpha)
        games = [
            Games.of(every[draw * len(values) : (draw + 1) * len(values)], Salience()) for draw in range(draws + 1)
        ]
        yield Claims(games[0], {"renaming": games[1:]}, same_number=False, seed=first + place)


def on_drawn(sets: list[list[Sample]], first: int, design: Design, random: np.random.Generator) -> Iterator[Claims]:
    """Claims of data sets on drawn coalitions, each model by itself; the penalty is chosen on the first sample."""
    for place, samples in enumerate(sets):
        penalty, games = None, []
        for of_sample in samples:
            presence = random.random((design.coalitions, design.players)) < random.random((design.coalitions, 1))
            presence[0], presence[1] = True, False
            presence = np.unique(presence, axis=0)
            parts = []
            for model in of_sample.models:
                found = fit(
                    SampledGames([presence], [noisy_values(model, presence, design.noise, random)]),
                    alpha=None, order=3, gap=GAP, penalty=penalty, with_errors=False,
                )  # fmt: skip
                penalty = penalty or found.penalty[0]
                parts.append(interactions_of(found))
            games.append(Interactions.together(parts))
        yield Claims(Games.of(games, Salience()), None, same_number=True, seed=first + place)


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


def claims_of(sets: list[list[Sample]], first: int, design: Design, random: np.random.Generator) -> Iterator[Claims]:
    """Claims of several data sets, explained as their part is."""
    how = on_drawn if design.coalitions else jointly if design.alpha else on_all
    return how(sets, first, design, random)


# ----------------------------------------------------------------------------------------------------------- rivals


def lists_of(claims: Claims, random: np.random.Generator) -> dict[str, list[np.ndarray]]:
    """Rates of the lists of all claims and rivals: (kinds, C) for each sample, NaN if not shared."""
    every = {name: rates for name, rates in claims.rates.items() if not claims.by_name[name, LISTS[name]].null.why}
    every["all shared"] = [np.where(game.shared, 0.0, np.nan) for game in claims.games.samples]
    if claims.drawn is None:
        family = claims.by_name["agree", 1].family
        every["decoys"] = claims.spread(Claim(family, decoys(family, random)))
    return every


def decoys(family: Family, random: np.random.Generator) -> Null:
    """One draw of renamed players for each model."""
    drawn = []
    for model in family.models:
        met = []
        for cell in family.cells:
            own, others = cell[model], placements.shared_by([*cell[:model], *cell[model + 1 :]])
            met.append(placements.coincidences(placements.renamed(own, 1, random), own.strengths, others)[0])
        strengths = np.concatenate(met)
        drawn.append([strengths[strengths > 0]])
    return Null.of_draws(drawn, family.shared)


# ----------------------------------------------------------------------------------------------------------- scoring


def scored(
    claims: Claims, true: list[set[Key]], untrue: str, random: np.random.Generator
) -> dict[tuple[str, float], tuple[int, int, int, float]]:
    """Listed, true ones of these, true ones that there are, and p if it has one, for each list and rate.

    Parameters
    ----------
    true : what is shared by no accident, of each sample
    untrue : claim under which that is not true either
    """
    counts = {}
    for name, of_list in lists_of(claims, random).items():
        least = LISTS[name]
        p = claims.by_name[name, least].p if (name, least) in claims.by_name else np.nan
        planted = [{key for key in of_sample if len(key[1]) >= least and name != untrue} for of_sample in true]
        for rate in RATES:
            listed = hits = 0
            for game, rates, own in zip(claims.games.samples, of_list, planted, strict=True):
                players = game.coalitions.players
                found = {
                    (int(kind), tuple(players[place])) for kind, place in zip(*np.nonzero(rates <= rate), strict=True)
                }
                listed, hits = listed + len(found), hits + len(found & own)
            counts[name, rate] = (listed, hits, sum(map(len, planted)), p)
    return counts


def cell(part: str, name: str, count: int, seed: int) -> list[dict]:
    """Rows of one cell; parts that differ in the method alone have the same data sets."""
    design = DESIGNS[part]
    made_as = (design.players, design.samples, round(1000 * design.noise), design.coalitions or 0)
    random, of_decoys = np.random.default_rng([seed, CELLS.index(name), *made_as]), np.random.default_rng(seed)
    scores, accidents, found = [], [], []
    while len(scores) < count:
        sets = [data_set(name, design, random) for _ in range(min(AT_ONCE, count - len(scores)))]
        for samples, claims in zip(sets, claims_of(sets, len(scores), design, random), strict=True):
            untrue = "exchange" if name == "every sample" else ""
            scores.append(scored(claims, [one.shared for one in samples], untrue, of_decoys))
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
        if not (name in PLAYERS_MATTER and claim != "combinations")
    ]  # fmt: skip


def summary(counts: np.ndarray) -> dict[str, float | None]:
    """Rate of false discoveries, its standard error, how often any is false, power, and how often p is low."""
    listed, hits, there, p = counts.T
    false = np.divide(listed - hits, listed, out=np.zeros(len(counts)), where=listed > 0)
    return {
        "listed": float(listed.mean()),
        "false_discovery_rate": float(false.mean()),
        "standard_error": float(false.std(ddof=1) / np.sqrt(len(false))),
        "any_false": float((listed > hits).mean()),
        "power": float(hits.sum() / there.sum()) if there.sum() else None,
        "p_at_most_0.05": float((p <= 0.05).mean()) if not np.isnan(p).all() else None,
    }


def table(rows: list[dict]) -> str:
    """Markdown: the realised rate of each list at each stated one, and the power at 10 %."""
    lines = [
        "| part, cell | data sets | list | at 5 % | at 10 % | at 20 % | power at 10 % | P(p ≤ .05) |",
        "|" + "---|" * 8,
    ]
    of_list: dict[tuple, dict[float, dict]] = {}
    for row in rows:
        of_list.setdefault((row["part"], row["cell"], row["data_sets"], row["claim"]), {})[row["rate"]] = row
    for (part, name, count, claim), found in of_list.items():
        realised = [f"{row['false_discovery_rate']:.3f} ± {row['standard_error']:.3f}" for row in found.values()]
        said = ["–" if found[0.1][key] is None else f"{found[0.1][key]:.2f}" for key in ("power", "p_at_most_0.05")]
        lines.append(f"| {' | '.join([f'{part}: {name}', str(count), claim, *realised, *said])} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=(*DESIGNS, "table"), default=["all", "drawn"])
    parser.add_argument("--data-sets", type=int, default=200)
    parser.add_argument("--cells", nargs="*", choices=CELLS, default=list(CELLS))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.exists() else []
    if "table" in arguments.parts:
        print(table(rows))
        return
    for part in arguments.parts:
        for name in arguments.cells:
            if DESIGNS[part].alpha and name in PLAYERS_MATTER:
                continue
            made = cell(part, name, arguments.data_sets, arguments.seed)
            rows = [row for row in rows if (row["part"], row["cell"]) != (part, name)] + made
            text = json.dumps({"processor": processor(), "rows": rows}, indent=1)
            RESULTS.write_text(text + "\n", encoding="utf-8")
            for row in made:
                print(row, flush=True)


if __name__ == "__main__":
    main()
