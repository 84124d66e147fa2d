"""How much the interactions of one model differ from those of another, or of itself asked in other words.

By the measure of prompt sensitivity of arXiv 2608.18539: strengths in shares of their model's largest; salient is what
is above a tenth of that in either model; and each of these changes by |I - I'| / mean(|I|, |I'|), a symmetric share
between 0 and 2. As printed there the denominator is the sum, but the published values of 1.27 to 1.75 need the mean.
There the least of all strengths is taken away first; here it is 0, as OR effects of order <= 1 stand with AND.
"""

from __future__ import annotations

import numpy as np

from andor.analysis.statistics import mean, ratio

SALIENT = 0.1
"""Share of its model's largest strength above which an interaction counts."""
DOUBLED = 2.0
"""Factor beyond which a strength of the same sign has changed."""
DRAWS = 100
"""Draws behind what signs are expected to cancel."""
CHANGES = ("ips", "opposite", "changed", "similar")
"""Mean symmetric change; shares of interactions of another sign, of the same sign but more than doubled or halved, and
of those that are neither."""


def changes(strengths: np.ndarray, orders: np.ndarray, most: int) -> np.ndarray:
    """Each of `CHANGES` by order.

    Parameters
    ----------
    strengths : I of two models, 0 for the empty coalition, shape (2, kinds, C)
    orders : of the coalitions, shape (C,)
    most : the largest order, n

    Returns
    -------
    float64, shape (4, n + 1)
        Of all orders together, then of each from 1 on; NaN where nothing is salient in either model.
    """
    largest = np.abs(strengths).max((1, 2), keepdims=True, initial=0)
    first, second = np.where(largest > 0, strengths / np.where(largest > 0, largest, 1), 0.0)
    size = np.abs([first, second])
    counted = (size > SALIENT).any(0)
    opposite = first * second < 0
    changed = ~opposite & (size.max(0) > DOUBLED * size.min(0))
    found = np.stack(
        [2 * np.nan_to_num(ratio(np.abs(first - second), size.sum(0))), opposite, changed, ~opposite & ~changed]
    )
    of_order = np.stack([orders > 0, *(orders == order for order in range(1, most + 1))])
    total = np.einsum("akc,kc,oc->ao", found, counted.astype(float), of_order.astype(float))
    return ratio(total, np.einsum("kc,oc->o", counted.astype(float), of_order.astype(float)))


def cancelled(strengths: np.ndarray, chosen: np.ndarray, orders: np.ndarray, most: int) -> np.ndarray:
    """Share of the strength of some interactions that their signs cancel: 1 - |sum I| / sum |I|.

    Parameters
    ----------
    strengths, chosen : shape (kinds, C)
    orders : of the coalitions, shape (C,)
    most : the largest order, n

    Returns
    -------
    float64, shape (n + 1,)
        Of all orders together, then of each from 1 on; NaN where none is chosen.
    """
    of_order = np.stack([orders > 0, *(orders == order for order in range(1, most + 1))]).astype(float)
    net, gross = (of_order @ (values * chosen).sum(0) for values in (strengths, np.abs(strengths)))
    return 1 - ratio(np.abs(net), gross)


def cancelled_at_random(
    strengths: np.ndarray, shared: np.ndarray, orders: np.ndarray, most: int, random: np.random.Generator
) -> np.ndarray:
    """`cancelled` of the shared ones of some interactions, and of the others, if it were chance which of an order are.

    Fewer interactions cancel less, whatever their signs: what is shared is to be compared with as many at random.

    Parameters
    ----------
    strengths, shared : of interactions of any kinds, and whether each is shared, shape (k,)
    orders : of each, at least 1, shape (k,)
    most : the largest order, n

    Returns
    -------
    float64, shape (2, n + 1)
        Means over `DRAWS`.
    """
    ascending = np.argsort(orders, kind="stable")
    placed = np.argsort(orders + random.random((DRAWS, len(orders))), axis=1)  # each draw in random order within orders
    drawn, of_order = strengths[placed], np.stack([orders > 0, *(orders == order for order in range(1, most + 1))])
    found = []
    for chosen in (shared[ascending], ~shared[ascending]):
        net, gross = (of_order[:, ascending] @ (values * chosen).T for values in (drawn, np.abs(drawn)))
        found.append(mean((1 - ratio(np.abs(net), gross)).T))
    return np.array(found)
