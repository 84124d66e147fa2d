"""What AND-OR interactions say about masked outputs, players and coalitions.

Interactions are arrays of shape (..., 2^n), as `andor.game.transforms` makes them.
"""

from __future__ import annotations

import numpy as np

from andor.game.coalitions import number_of_players, orders
from andor.game.transforms import and_inverse, and_inverse_adjoint, or_inverse


def merge_low_orders(i_and: np.ndarray, i_or: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Add the OR interactions of order ≤ 1 to the AND ones, and return both kinds anew.

    With one player or none there is nothing between AND and OR: both are there exactly if the player is, and both
    empty ones are constants. Masked outputs stay the same.
    """
    i_and, i_or = np.array(i_and), np.array(i_or)
    low = [0] + [1 << i for i in range(number_of_players(i_or.shape[-1]))]
    i_and[..., low] += i_or[..., low]
    i_or[..., low] = 0
    return i_and, i_or


def predict(
    i_and: np.ndarray, i_or: np.ndarray, keep: tuple[np.ndarray | bool, np.ndarray | bool] | None = None
) -> np.ndarray:
    """Return the masked outputs v(S) that interactions, or some of them, add up to.

    v(S) = Σ_{T⊆S} I_and(T) + Σ_{T∩S≠∅ or T=∅} I_or(T): universal matching (Chen et al., ICLR 2024). With all
    interactions these are the values they were extracted from, up to rounding and the output noise ε.

    Parameters
    ----------
    i_and, i_or : shape (..., 2^n)
    keep : which AND and which OR interactions to use, bool, each broadcastable to (..., 2^n); all by default

    Returns
    -------
    shape (..., 2^n), indexed by S
    """
    if keep is not None:
        i_and, i_or = np.where(keep[0], i_and, 0), np.where(keep[1], i_or, 0)
    return and_inverse(i_and) + or_inverse(i_or)


def shapley_values(i_and: np.ndarray, i_or: np.ndarray) -> np.ndarray:
    """Return the Shapley value of each player, shape (..., n): every interaction is shared evenly by its players.

    φ(i) = Σ_{S∋i} [I_and(S) + I_or(S)] / |S|. Their sum is v(N) − v(∅).
    """
    shares = _shares(i_and, i_or)
    lead, n = shares.shape[:-1], number_of_players(shares.shape[-1])
    # axis -2 is player i's bit
    by_bit = [shares.reshape(*lead, -1, 2, 2**i)[..., 1, :].sum(axis=(-2, -1)) for i in range(n)]
    return np.stack(by_bit, axis=-1) if n else np.zeros((*lead, 0), shares.dtype)


def coalition_attributions(i_and: np.ndarray, i_or: np.ndarray) -> np.ndarray:
    """Return what each coalition as a whole contributes, shape (..., 2^n).

    φ(S) = Σ_{T⊇S} |S|/|T| · [I_and(T) + I_or(T)]: its players' shares of all interactions that hold all of them. For a
    single player it is the Shapley value; 0 for the empty coalition.
    """
    shares = _shares(i_and, i_or)
    return and_inverse_adjoint(shares, out=shares) * _orders_like(shares)


def _shares(i_and: np.ndarray, i_or: np.ndarray) -> np.ndarray:
    """[I_and(S) + I_or(S)] / |S|, and 0 for the empty coalition."""
    shares = np.asarray(i_and) + i_or
    shares[..., 0] = 0
    shares[..., 1:] /= _orders_like(shares)[1:]
    return shares


def _orders_like(array: np.ndarray) -> np.ndarray:
    return orders(number_of_players(array.shape[-1])).astype(array.dtype)
