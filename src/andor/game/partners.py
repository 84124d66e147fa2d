"""Which samples stand in for each other in games of exchanged samples. Light: rules ask for it too."""

from __future__ import annotations

from collections.abc import Iterable


def partner(number: int, samples: int, model: int, draw: int) -> int:
    """Sample whose outputs a model shows instead of those of a sample.

    The first model (0) shows its own. In one draw, up to as many models as there are samples show different ones.

    Parameters
    ----------
    number : of the sample, 0..samples-1
    samples : of the task, 2 or more
    model : its place in the ensemble
    draw : number of the draw
    """
    shift = 0 if model == 0 else 1 + (model - 1 + draw) % (samples - 1)
    return (number + shift) % samples


def shown(numbers: Iterable[int], samples: int, models: int, draws: int) -> list[int]:
    """Samples that some model shows for some of these in some draw, ascending; these alone if there is no exchange."""
    numbers = set(numbers)
    if samples < 2:
        draws = 0
    others = {
        partner(number, samples, model, draw) for number in numbers for model in range(models) for draw in range(draws)
    }
    return sorted(numbers | others)
