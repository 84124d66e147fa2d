"""Sampled games of `andor extract`: values on some coalitions of any number of players."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from andor.errors import UserError

if TYPE_CHECKING:
    import numpy as np


def extract_sampled(
    arrays: Mapping[str, np.ndarray],
    out: Path,
    method: str,
    alpha: float,
    order: int | None,
    penalty: float | None,
    gap: float,
) -> dict[str, Any]:
    """Write the interactions of a sampled game, and say what was proven and how well they predict.

    Parameters
    ----------
    arrays : `presence` (M, n) or (m, M, n), `values` (m, M); perhaps `held_out_presence` and `held_out_values`
    method : traditional (each model alone) or generalizable

    Returns
    -------
    JSON values; numbers of the problem are lists over models where each is alone
    """
    from andor.game.files import sampled_table
    from andor.sparsify.sampled.fit import fit
    from andor.sparsify.sampled.problem import SampledGames
    from andor.store import write_table

    if method not in ("traditional", "generalizable"):
        raise UserError(f"method is `{method}`; a sampled game takes traditional or generalizable")
    if not 0 < gap < 1:
        raise UserError(f"gap is {gap}; give a number between 0 and 1")
    if penalty is not None and not penalty > 0:
        raise UserError(f"penalty is {penalty}; give a number above 0")
    alone = method == "traditional"
    games = SampledGames(_by_model(arrays["presence"]), _rows(arrays["values"]))
    held_out = _held_out(arrays, games)
    found = fit(games, None if alone else alpha, order, penalty, gap)
    settings = {"method": method, "alpha": None if alone else alpha, "order": found.order}
    numbers = {name: getattr(found, name) for name in ("objective", "lower_bound", "gap", "penalty")}
    said = {
        **(numbers if alone else {name: values[0] for name, values in numbers.items()}),
        "order": found.order,
        "interactions": (found.penalised != 0).sum(1).tolist(),
        "fidelity": None if held_out is None else [found.fidelity(model, *own) for model, own in enumerate(held_out)],
        "coalitions_searched": found.searched,
        "seconds": found.seconds,
    }
    parts = (found.strengths, found.penalised, found.errors, found.constants)
    write_table(out, sampled_table(found.kinds, found.members, *parts), {**settings, "game": said})
    return said


def _rows(values: np.ndarray) -> list[np.ndarray]:
    if values.ndim != 2:
        raise UserError(f"values have shape {values.shape}; give (models, coalitions)")
    return list(values)


def _by_model(presence: np.ndarray) -> Any:
    """Presence as it is, or one for each model."""
    return list(presence) if presence.ndim == 3 else presence


def _held_out(arrays: Mapping[str, np.ndarray], games: Any) -> list[tuple[np.ndarray, np.ndarray]] | None:
    """Presence and values of each model that are not fitted."""
    given = [name for name in ("held_out_presence", "held_out_values") if name in arrays]
    if len(given) == 1:
        raise UserError(f"`{given[0]}` stands alone; give `held_out_presence` and `held_out_values`, or neither")
    if not given:
        return None
    presence, values = _by_model(arrays["held_out_presence"]), _rows(arrays["held_out_values"])
    each = presence if isinstance(presence, list) else [presence] * len(values)
    for own, v in zip(each, values, strict=True):
        if own.shape != (len(v), games.players) or len(values) != games.models:
            raise UserError(
                f"held out are {len(values)} models on coalitions of shape {own.shape}, fitted {games.models} of "
                f"{games.players} players; give the same models and players"
            )
    return list(zip(each, values, strict=True))
