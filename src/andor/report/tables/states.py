"""What an interaction is to an ensemble: one of four states, of which none is the rest of another."""

from __future__ import annotations

import numpy as np

from andor.report.tables.games import Game

SHARED, OPPOSED, DISTINCTIVE, UNDECIDED = STATES = ("shared", "opposed", "distinctive", "undecided")
"""*Shared*: salient in every model, with one sign. *Opposed*: salient in some with one sign, in others with the other.
*Distinctive*: salient in some beyond error, and in no other one even with its error. *Undecided*: anything else that
is salient in any, such as an interaction of one model that another may have too."""


def states(game: Game, errors: np.ndarray | None) -> np.ndarray:
    """State of each interaction; "" for what is salient in no model; text, shape (kinds, C).

    Parameters
    ----------
    errors : how far each strength may be from the true one, (m, kinds, C); None if that is not known, so that nothing
        can be called distinctive
    """
    positive, negative = ((game.salient & (sign * game.strengths > 0)).any(0) for sign in (1, -1))
    state = np.where(game.salient.any(0), UNDECIDED, "").astype(object)
    if errors is not None:
        bound = game.bound[:, None, None]
        surely = game.magnitude - errors > bound
        surely_not = game.magnitude + errors <= bound
        distinctive = (surely | surely_not).all(0) & surely.any(0) & surely_not.any(0)
        state[distinctive] = DISTINCTIVE
    state[positive & negative] = OPPOSED
    state[game.shared] = SHARED
    return state


def half_width(errors: np.ndarray) -> np.ndarray:
    """Half of the 95 % interval of each strength, from standard errors (m, kinds, C).

    What was not found in a model has no error of its own: it is given the largest of that model, and may be anything if
    that has none. The constant has none (NaN).
    """
    largest = np.fmax.reduce(errors, axis=(-2, -1), keepdims=True, initial=0)
    return 1.96 * np.where(errors > 0, errors, np.where(largest > 0, largest, np.inf))
