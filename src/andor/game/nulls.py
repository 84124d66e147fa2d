"""Null games: what models share when nothing in them corresponds.

Overlap alone proves little: a joint extraction lines up whatever is weak, in networks that have nothing in common too.
Two nulls keep everything about each model except the correspondence between them, and cost no forward pass. They do not
tell what was learned from what any network shows on that input: for this there are null networks (`Training`).

- *renaming*: the players of one model, in each draw another one, get random names;
- *exchange*: the other models see other samples.

Interactions follow the values: extraction and renaming commute, so methods that treat models apart need no new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from andor.game.coalitions import number_of_players, rename
from andor.game.partners import partner

NULLS = ("renaming", "exchange")
"""Ways to draw null games."""


def permutation(players: int, seed: int, sample: int, draw: int) -> list[int]:
    """New number of each player, drawn at random from all ways to name them (`andor.game.coalitions.rename`)."""
    return np.random.default_rng([seed, sample, draw]).permutation(players).tolist()


def permutations(players: int, models: int, seed: int, sample: int, draw: int) -> list[list[int]]:
    """New numbers of each model's players: in each draw those of one model, in turn.

    What models share is shared by all of them, so that it is an accident already if one of them has nothing to do with
    the others: with all names broken at once, two models that agree would look like three.

    Parameters
    ----------
    players, models : numbers of them
    seed, sample, draw : what the names are drawn from
    """
    new = permutation(players, seed, sample, draw)
    return [new if model == draw % models else list(range(players)) for model in range(models)]


def renamed(games: np.ndarray, numbers: Sequence[Sequence[int]]) -> np.ndarray:
    """Rename each model's players: values or interactions of shape (m, ..., 2^n), with a permutation per model."""
    return np.stack([rename(game, permutation) for game, permutation in zip(games, numbers, strict=True)])


def exchanged(games: Mapping[int, np.ndarray] | np.ndarray, number: int, samples: int, draw: int) -> np.ndarray:
    """Game of one sample in which each model but the first shows another sample: shape (m, ..., 2^n).

    Parameters
    ----------
    games : values or interactions of shape (m, ..., 2^n), by number of the sample: of this one and its partners
    samples : number of all samples of the task
    """
    models = len(games[number])
    return np.stack([games[partner(number, samples, model, draw)][model] for model in range(models)])


def null_games(
    games: Mapping[int, np.ndarray] | np.ndarray,
    numbers: Sequence[int],
    samples: int,
    renamings: int,
    exchanges: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Null games of some samples, by kind of null: (draws, B, m, ..., 2^n) each, or none of a kind.

    Parameters
    ----------
    games : values or interactions of shape (m, ..., 2^n), by number of the sample: of all that are `partners.shown`
    numbers : of the B samples
    samples : number of all samples of the task
    renamings, exchanges : draws; there are no exchanges of a single sample
    """
    models, *_, size = games[numbers[0]].shape
    players = number_of_players(size)
    drawn = {}
    if renamings:
        drawn["renaming"] = np.stack(
            [
                [renamed(games[number], permutations(players, models, seed, number, draw)) for number in numbers]
                for draw in range(renamings)
            ]
        )
    if exchanges and samples > 1:
        drawn["exchange"] = np.stack(
            [[exchanged(games, number, samples, draw) for number in numbers] for draw in range(exchanges)]
        )
    return drawn


def sampled_null_games(
    values: Mapping[int, Sequence[Any]], number: int, samples: int, renamings: int, exchanges: int, seed: int
) -> dict[str, list[tuple[list[np.ndarray], list[np.ndarray]]]]:
    """Null games of one sample on drawn coalitions, by kind of null: presence and values of each model, a draw each.

    Parameters
    ----------
    values : of each model, `presence` (M, n) and `values` (M,), by number of the sample: of all that are
        `partners.shown`; those with another number of players have no exchange with this one
    number : of the sample
    samples : number of all samples of the task
    renamings, exchanges : draws
    """
    own = values[number]
    models, players = len(own), own[0].presence.shape[1]
    drawn: dict[str, list[tuple[list[np.ndarray], list[np.ndarray]]]] = {}
    if renamings:
        drawn["renaming"] = [
            (
                [one.presence[:, np.argsort(new)] for one, new in zip(own, numbers, strict=True)],
                [one.values for one in own],
            )
            for numbers in (permutations(players, models, seed, number, draw) for draw in range(renamings))
        ]
    if exchanges and samples > 1 and len({each[0].presence.shape[1] for each in values.values()}) == 1:
        others = [
            [values[partner(number, samples, model, draw)][model] for model in range(models)]
            for draw in range(exchanges)
        ]
        drawn["exchange"] = [([one.presence for one in game], [one.values for one in game]) for game in others]
    return drawn
