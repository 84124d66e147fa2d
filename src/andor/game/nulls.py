"""Null games: what models share when nothing in them corresponds.

Overlap alone proves little: a joint extraction lines up whatever is weak, in networks that have nothing in common too.
Two nulls keep everything about each model except the correspondence between them, and cost no forward pass. They do not
tell what was learned from what any network shows on that input: for this there are null networks (`Training`).

- *renaming*: the first model keeps the names of its players, and every other one's are moved round a random cycle;
- *exchange*: the other models see other samples.

Interactions follow the values: extraction and renaming commute, so methods that treat models apart need no new one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from andor.game.coalitions import number_of_players, rename

NULLS = ("renaming", "exchange")
"""Ways to draw null games."""


def permutations(players: int, models: int, seed: int, sample: int, draw: int) -> list[list[int]]:
    """New numbers of each model's players, in the sense of `andor.game.coalitions.rename`.

    Players are put in a random circle, and those of model i move i places along it. So no two of up to `players` models
    give a player the same number, and between neighbouring models no coalition but ∅ and N keeps its name.

    Parameters
    ----------
    players, models : numbers of them
    seed, sample, draw : what the circle is drawn from
    """
    circle = np.random.default_rng([seed, sample, draw]).permutation(players)
    numbers = np.empty((models, players), dtype=int)
    for model in range(models):
        numbers[model, circle] = np.roll(circle, -model)
    return numbers.tolist()


def renamed(games: np.ndarray, numbers: Sequence[Sequence[int]]) -> np.ndarray:
    """Rename each model's players: values or interactions of shape (m, ..., 2^n), with a permutation per model."""
    return np.stack([rename(game, permutation) for game, permutation in zip(games, numbers, strict=True)])


def partners(samples: int, model: int, draw: int) -> np.ndarray:
    """Place, among B ≥ 2 samples, of the one whose outputs a model shows instead: shape (B,).

    The first model (0) shows its own. Up to B models show B different samples.
    """
    shift = 0 if model == 0 else 1 + (model - 1 + draw) % (samples - 1)
    return (np.arange(samples) + shift) % samples


def exchanged(games: np.ndarray, draw: int) -> np.ndarray:
    """Give the models the outputs of different samples: values or interactions of shape (B, m, ..., 2^n)."""
    samples, models = games.shape[:2]
    return np.stack([games[partners(samples, model, draw), model] for model in range(models)], axis=1)


def null_games(
    games: np.ndarray, numbers: Sequence[int], renamings: int, exchanges: int, seed: int
) -> dict[str, np.ndarray]:
    """The null games of some samples, by way to draw them: (draws, B, m, ..., 2^n) each, or none.

    Parameters
    ----------
    games : (B, m, ..., 2^n), values or interactions
    numbers : of the B samples in their task
    renamings, exchanges : draws; there are no exchanges of a single sample
    """
    models, players = games.shape[1], number_of_players(games.shape[-1])
    drawn = {}
    if renamings:
        drawn["renaming"] = np.stack(
            [
                [
                    renamed(game, permutations(players, models, seed, number, draw))
                    for game, number in zip(games, numbers, strict=True)
                ]
                for draw in range(renamings)
            ]
        )
    if exchanges and len(games) > 1:
        drawn["exchange"] = np.stack([exchanged(games, draw) for draw in range(exchanges)])
    return drawn
