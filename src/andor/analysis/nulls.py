"""Null games: what models share when nothing in them corresponds.

Overlap alone proves little: a joint extraction lines up whatever is weak, in networks that have nothing in common too.
Two nulls keep everything about each model except the correspondence between them, and cost no forward pass. They do not
tell what was learned from what any network shows on that input: for this there are null networks (`Training`).

- *renaming*: the first model keeps the names of its players, and every other one's are moved round a random cycle;
- *exchange*: the other models see other samples.

Interactions follow the values: extraction and renaming commute, so methods that treat models apart need no new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from andor.analysis.metrics import same_sign, strengths
from andor.game.coalitions import number_of_players, rename
from andor.game.partners import partner

NULLS = ("renaming", "exchange")
"""Kinds of null."""
RATE = 0.1
"""False discovery rate up to which a shared interaction counts as more than an accident."""


def names(players: int, models: int, seed: int, sample: int, draw: int) -> list[list[int]]:
    """New numbers of each model's players, in the sense of `andor.game.coalitions.rename`.

    Players are put in a random circle, and those of model i move i places along it. So no two of up to `players` models
    give a player the same number, and between neighbouring models no coalition but ∅ and N keeps its name.

    Parameters
    ----------
    players, models : numbers of them
    seed, sample, draw : what the circle is drawn from
    """
    circle = np.random.default_rng([seed, sample, draw]).permutation(players)
    permutations = np.empty((models, players), dtype=int)
    for model in range(models):
        permutations[model, circle] = np.roll(circle, -model)
    return permutations.tolist()


def renamed(games: np.ndarray, permutations: Sequence[Sequence[int]]) -> np.ndarray:
    """Rename each model's players: values or interactions of shape (m, ..., 2^n), with a permutation per model."""
    return np.stack([rename(game, permutation) for game, permutation in zip(games, permutations, strict=True)])


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
                [renamed(games[number], names(players, models, seed, number, draw)) for number in numbers]
                for draw in range(renamings)
            ]
        )
    if exchanges and samples > 1:
        drawn["exchange"] = np.stack(
            [[exchanged(games, number, samples, draw) for number in numbers] for draw in range(exchanges)]
        )
    return drawn


def shared_strength(interactions: np.ndarray) -> np.ndarray:
    """How strongly all models have an interaction: the least |I_i(S)| in shares of the model's largest.

    0 where the models disagree about the sign, and for the empty coalition.

    Parameters
    ----------
    interactions : (..., m, kinds, 2^n), merged

    Returns
    -------
    (..., kinds, 2^n)
    """
    strength = strengths(interactions)
    largest = strength.max((-2, -1), keepdims=True)
    relative = np.divide(strength, largest, out=np.zeros_like(strength), where=largest > 0)
    return np.where(same_sign(interactions), relative.min(-3), 0.0)


def p_values(observed: np.ndarray, null: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Chance that a null interaction of the same stratum is shared at least as strongly.

    (1 + how many null ones are at least as strong) / (1 + how many there are) (Davison & Hinkley 1997, ch. 4). What is
    not shared at all has p = 1.

    Parameters
    ----------
    observed : (..., C), `shared_strength`
    null : (..., C), the same of null games, NaNs left out
    strata : (C,), integers: only coalitions of one stratum are compared

    Returns
    -------
    Shape of `observed`
    """
    p = np.ones_like(observed)
    for stratum in np.unique(strata):
        here = strata == stratum
        pool = np.sort(null[..., here], axis=None)
        pool = pool[: np.searchsorted(pool, np.inf, side="right")]  # NaNs are sorted last
        at_least = len(pool) - np.searchsorted(pool, observed[..., here], side="left")
        p[..., here] = np.where(observed[..., here] > 0, (1 + at_least) / (1 + len(pool)), 1.0)
    return p


def false_discovery_rates(p: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Share of accidents to expect among all of the stratum with p-values as small (Benjamini & Hochberg 1995).

    Strata are corrected apart: in a small one no p-value can be as small as many tests elsewhere would ask for.

    Parameters
    ----------
    p : (..., C)
    strata : (C,)

    Returns
    -------
    Shape of `p`
    """
    from scipy.stats import false_discovery_control  # slow to import, and only tables need it

    q = np.empty_like(p)
    for stratum in np.unique(strata):
        tested = p[..., strata == stratum]
        q[..., strata == stratum] = false_discovery_control(tested, axis=None).reshape(tested.shape)
    return q
