"""Where the truth is known: how much of what is called shared is shared, and how much of what is shared is found.

    python benchmarks/recovery.py [planted] [trained] [plot]

`planted`: games with AND and OR interactions that all models have (same sign, strengths within 30 %) and others that
one model alone has, and output noise. An interaction is called shared if it is salient in every model with one sign;
`survivors` are those of them with a false discovery rate of at most 10 % against renamed players; `8 strongest` are
those among the 8 strongest of their kind in every model, with one sign. AND alone has no reading of an OR: its truth is
every dividend of the common part that all models have with one sign. `trained`: two networks of different width
learn x1 x2 x3 + x2 x3 + x3 x4 + (x4 or x5) of eight inputs, which has two equally good readings, 3 AND and 1 OR
interactions or 6 AND ones; which one is found in both? Results go to recovery.json, replacing the entries of the parts
that ran; `plot` draws recovery.png from it. Intervals: 95 % bootstrap over games.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from andor.analysis.discovery import RATE
from andor.analysis.statistics import Bootstrap
from andor.config import Salience
from andor.game import nulls
from andor.game.coalitions import orders
from andor.game.interactions import Interactions
from andor.game.transforms import and_inverse, and_transform, or_inverse
from andor.report.tables.claims import Claims
from andor.report.tables.games import Games
from andor.sparsify import Problem, kappa_bounds, solve, tau_bounds

RESULTS = Path(__file__).with_suffix(".json")
PLAYERS, GAMES = 8, 10
SHARED, PRIVATE = 8, 8
"""Planted interactions of each kind: common to all models, and of each model alone."""
NOISES = (0.0, 0.02, 0.1)
"""Standard deviation of the output noise, in shares of |v(N) − v(∅)|."""
METHODS = {"original": "AND alone", "traditional": "each model apart", "generalizable": "models together"}
THRESHOLD = 0.05
RENAMINGS = 20
SIZES = (4, 8, 16, 32, 64)
"""Numbers k of strongest interactions of a kind; 16 are planted in a model."""


# ---------------------------------------------------------------------------------------------------- planted games


def planted(models: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values (GAMES, m, 2^n), and which interactions all models have in common, as AND and OR and as AND alone.

    The latter are bool, (GAMES, 2, 2^n) and (GAMES, 1, 2^n).
    """
    random = np.random.default_rng(seed)
    order = orders(PLAYERS)
    interactions = np.zeros((2, GAMES, models, 2**PLAYERS))
    common = np.zeros((GAMES, 2, 2**PLAYERS), bool)
    for game in range(GAMES):
        for kind, lowest in enumerate((1, 2)):  # an OR of one player is an AND
            places = random.permutation(np.flatnonzero((order >= lowest) & (order <= 5)))
            together, *alone = np.split(places[: SHARED + models * PRIVATE], SHARED + PRIVATE * np.arange(models))
            common[game, kind, together] = True
            sign = random.choice([-1, 1], SHARED)
            interactions[kind, game, :, together] = (
                sign * random.lognormal(0, 0.5, SHARED) * random.uniform(0.7, 1.3, (models, SHARED))
            ).T
            for model, own in enumerate(alone):
                interactions[kind, game, model, own] = random.choice([-1, 1], PRIVATE) * random.lognormal(
                    0, 0.5, PRIVATE
                )
    values = and_inverse(interactions[0]) + or_inverse(interactions[1])
    scale = np.abs(values[..., -1:] - values[..., :1]).mean()
    together = interactions * common.swapaxes(0, 1)[:, :, None]
    dividends = and_transform(and_inverse(together[0]) + or_inverse(together[1]))
    dividends[np.abs(dividends) < 1e-9] = 0
    alone = (dividends != 0).all(1) & (np.abs(np.sign(dividends).sum(1)) == models)
    alone[:, 0] = False
    return values + noise * scale * random.normal(size=values.shape), common, alone[:, None]


def extracted(values: np.ndarray, method: str) -> Games:
    """Merged interactions on all coalitions, certified within 1 % of the optimum."""
    problem = Problem(values, method=method, kappa=kappa_bounds(values), tau=tau_bounds(values))
    result = solve(problem)
    models, kinds = (
        [str(model) for model in range(values.shape[1])],
        ("and",) if method == "original" else ("and", "or"),
    )
    found = np.stack([result.i_and, result.i_or], axis=2)
    merged = [Interactions.of_dense(one, models).merge().of_kinds(kinds) for one in found]
    return Games.of(merged, Salience(threshold=THRESHOLD))


def called_shared(games: Games, k: int | None = None) -> np.ndarray:
    """Salient, or among the k strongest of its kind, in every model with one sign: bool (B, kinds, 2^n)."""
    return games.each(lambda game: (game.interactions.strongest(k).all(0) if k else game.shared) & game.agreed)


def surviving(values: np.ndarray, games: Games, method: str, seed: int) -> np.ndarray:
    """Which of them are more than an accident by the renaming null; of joint methods its games are extracted."""
    drawn = None
    if method == "generalizable":
        renamed = nulls.null_games(values, range(len(values)), len(values), RENAMINGS, 0, seed)["renaming"]
        drawn = {"renaming": [extracted(one, method) for one in renamed]}
    return np.stack(Claims(games, drawn, same_number=True, seed=seed).rates["agree"]) <= RATE


def score(found: np.ndarray, truth: np.ndarray) -> dict[str, list[float] | None]:
    """Precision and recall over all kinds, each with its interval; (B, kinds, 2^n). None of what is empty."""
    hits = (found & truth).sum((1, 2)).astype(float)
    bootstrap = Bootstrap(len(hits), 1000, 0)
    scores = {}
    for name, total in (("precision", found), ("recall", truth)):
        counted = total.sum((1, 2)).astype(float)
        low, high = bootstrap.interval(hits, over=counted)
        scores[name] = [float(hits.sum() / counted.sum()), float(low), float(high)] if counted.any() else None
    return scores


def run_planted() -> list[dict]:
    rows = []
    for models in (2, 3):
        for noise in NOISES:
            values, common, alone = planted(models, noise, seed=models)
            for method in METHODS:
                games, truth = extracted(values, method), alone if method == "original" else common
                shared = called_shared(games)
                survivors = shared & surviving(values, games, method, seed=models)
                row = {"models": models, "noise": noise, "method": method, "games": len(values)}
                rows.append({**row, "of": "shared", **score(shared, truth)})
                rows.append({**row, "of": "survivors", **score(survivors, truth)})
                print(rows[-2], rows[-1], sep="\n", flush=True)
                for k in SIZES:
                    rows.append({**row, "of": f"{k} strongest", "k": k, **score(called_shared(games, k), truth)})
    return rows


# ------------------------------------------------------------------------------------------------- trained networks

READINGS = {
    "3 AND and 1 OR": {(0, 0b111), (0, 0b110), (0, 0b1100), (1, 0b11000)},
    "6 AND": {(0, mask) for mask in (0b111, 0b110, 0b1100, 0b1000, 0b10000, 0b11000)},
}


def target(x: torch.Tensor) -> torch.Tensor:
    """The function to learn, of inputs (B, n) of 0 and 1."""
    return x[:, 0] * x[:, 1] * x[:, 2] + x[:, 1] * x[:, 2] + x[:, 2] * x[:, 3] + torch.maximum(x[:, 3], x[:, 4])


def trained(width: int, seed: int) -> tuple[np.ndarray, float]:
    """Outputs of a network on all inputs, (2^n,), and its root mean squared error."""
    torch.manual_seed(seed)
    bits = torch.arange(2**PLAYERS)[:, None] >> torch.arange(PLAYERS) & 1
    x = bits.float()
    net = torch.nn.Sequential(
        torch.nn.Linear(PLAYERS, width), torch.nn.ReLU(), torch.nn.Linear(width, width), torch.nn.ReLU(),
        torch.nn.Linear(width, 1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(1500):
        loss = ((net(x)[:, 0] - target(x)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net(x)[:, 0].detach().double().numpy(), float(loss.detach().sqrt())


def run_trained() -> list[dict]:
    rows = []
    for seed in range(5):
        outputs, errors = zip(trained(32, 2 * seed), trained(64, 2 * seed + 1), strict=True)
        values = np.stack(outputs)[None]
        values = values - values[..., :1]
        for method in METHODS:
            shared = called_shared(extracted(values, method))[0]
            found = {(int(kind), int(coalition)) for kind, coalition in zip(*np.nonzero(shared), strict=True)}
            rows.append({
                "seed": seed, "method": method, "rmse": list(errors), "shared": len(found),
                **{f"of {name}": len(found & reading) for name, reading in READINGS.items()},
            })  # fmt: skip
            print(rows[-1], flush=True)
    return rows


# ------------------------------------------------------------------------------------------------------------ plot


def plot(rows: list[dict]) -> None:
    """Left, what is called shared and what survives, over the noise; right, the k strongest at the middle noise."""
    from andor.report.figures import save, style

    over_noise = [("noise", {"of": of}, name) for of, name in (("shared", "called shared"), ("survivors", "survivors"))]
    over_size = ("k", {"noise": NOISES[1]}, "k strongest")
    columns = [(models, *column) for models in (2, 3) for column in (*over_noise, over_size)]
    with style.styled():
        figure = Figure(figsize=(style.WIDTH, 3.3), layout="constrained")
        axes = figure.subplots(2, len(columns), sharex="col", sharey=True)
        for above, (models, x, where, name) in zip(axes.T, columns, strict=True):
            above[0].set_title(f"{models} models:\n{name}", fontsize=style.SMALL)
            chosen = [row for row in rows if x in row and {"models": models, **where}.items() <= row.items()]
            for panel, measure in zip(above, ("precision", "recall"), strict=True):
                _lines(panel, chosen, x, measure)
            if x == "k":
                above[1].set_xscale("log", base=2)
                above[1].set_xticks(SIZES, [str(k) for k in SIZES])
            above[1].set_xlabel("k" if x == "k" else "noise")
        for panel, measure in zip(axes[:, 0], ("precision", "recall"), strict=True):
            panel.set(ylabel=measure, ylim=(0, 1.02))
        figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper right", ncols=3, frameon=False)
        where = f"Planted games; noise in shares of |v(N) − v(∅)|, {NOISES[1]:g} where k varies"
        figure.suptitle(where, x=0.01, ha="left", fontsize=7)
        save(figure, [RESULTS.with_suffix(".png")])


def _lines(panel: Axes, rows: list[dict], x: str, measure: str) -> None:
    from andor.report.figures import style

    for method, color in style.METHODS.items():
        own = [row for row in rows if row["method"] == method and row[measure] is not None]
        if own:
            value, low, high = np.array([row[measure] for row in own]).T
            places = [row[x] for row in own]
            panel.plot(places, value, "o-", color=color, markersize=3, label=method)
            panel.fill_between(places, low, high, color=color, alpha=0.2, linewidth=0)


def main(parts: list[str]) -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name, part in (("planted", run_planted), ("trained", run_trained)):
        if not parts or name in parts:
            results[name] = part()
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if not parts or "plot" in parts:
        plot(results["planted"])


if __name__ == "__main__":
    main(sys.argv[1:])
