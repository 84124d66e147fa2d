"""Does what several models share turn up in a model that the extraction never saw?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from andor import metrics, nulls
from andor.coalitions import rename
from andor.tables.frames import tidy
from andor.tables.parts import Comparison, Games, games


def held_out(each: Comparison) -> pd.DataFrame:
    """Interactions of all models of an ensemble, and of one alone, that a model left out has with the same sign.

    The model left out was explained by itself: by the same method, or by the first traditional one if that joins
    models. Null networks and repeated trainings are neither looked for nor in.
    """
    results = each.results
    joint = results.methods[each.method] == "generalizable"
    reference = results.first("traditional") if joint else each.method
    frames: list[pd.DataFrame] = []
    for model in results.main if set(each.members) <= set(results.main) else []:
        if reference and model not in each.members:
            alone = games(results, results.merged_interactions(reference, model), [model])
            frames += _found(each, _signs(alone), {"left_out": [model], "reference": [reference]})
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def groups(each: Games) -> dict[str, np.ndarray]:
    """Signs of the interactions that are salient in all models, with one sign, and of those salient in exactly one.

    0 for other coalitions; int8, shape (K, kinds, 2^n) each.
    """
    signed = np.sign(each.interactions).astype(np.int8) * each.salient
    together, count = signed.sum(1, dtype=np.int8), each.salient.sum(1)
    shared = each.salient.all(1) & each.agreed
    return {"all": np.sign(together) * shared, "one": together * (count == 1)}


def _signs(alone: Games) -> np.ndarray:
    """Signs of the salient interactions of a single model; (K, kinds, 2^n)."""
    return (np.sign(alone.interactions) * alone.salient)[:, 0].astype(np.int8)


def _found(each: Comparison, signs: np.ndarray, named: dict[str, list[str]]) -> list[pd.DataFrame]:
    """Rows of both groups against the signs of a model left out."""
    possible = metrics.possible(each.games.players, len(each.kinds))
    renamed = [_renamed(each, signs, draw) for draw in range(each.results.draws("renaming"))]
    of_sign = {sign: (signs == sign).sum(-1) / possible for sign in (1, -1)}
    frames = []
    for by, group in groups(each.games).items():
        count = (group != 0).sum(-1).astype(float)
        found = ((group == signs) & (group != 0)).sum(-1).astype(float)
        chance = sum((group == sign).sum(-1) * share for sign, share in of_sign.items())
        null = np.full(found.shape, np.nan)
        if renamed:
            null = np.mean([((group == other) & (group != 0)).sum(-1) for other in renamed], axis=0)
        low, high = each.bootstrap.interval(found, over=count)
        excess_low, excess_high = each.bootstrap.interval(found - null, over=count)
        rows = tidy(
            {**each.axes, **named, "kind": each.kinds},
            count=count.mean(0),
            found=metrics.ratio(found.mean(0), count.mean(0)),
            low=low,
            high=high,
            chance=metrics.ratio(chance.mean(0), count.mean(0)),
            null=metrics.ratio(null.mean(0), count.mean(0)),
            excess=metrics.ratio((found - null).mean(0), count.mean(0)),
            excess_low=excess_low,
            excess_high=excess_high,
            samples=(count > 0).sum(0),
        )
        frames.append(rows.assign(by=by))
    return frames


def _renamed(each: Comparison, signs: np.ndarray, draw: int) -> np.ndarray:
    """The signs with the players of each sample renamed."""
    results, players = each.results, each.games.players
    names = [nulls.names(players, 2, results.seed, number, draw)[1] for number in results.sample_numbers]
    return np.stack([rename(own, permutation) for own, permutation in zip(signs, names, strict=True)])
