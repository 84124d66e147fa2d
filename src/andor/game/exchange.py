"""Files of shapiq, the field's library of game-theoretic interactions: written and read without it.

Möbius coefficients are the AND interactions. OR interactions are shapiq's co-Möbius coefficients up to a sign,
I_or(S) = (−1)^(|S|+1) · CoM(S) for S ≠ ∅; at ∅ both hold v(∅). The formats are those of shapiq 1.4:
`InteractionValues.save` (JSON) and `Game.save_values` (npz).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np

from andor.errors import UserError
from andor.files import replacing
from andor.game.coalitions import mask_of, members, number_of_players, orders, presence

Kind = Literal["and", "or"]

_INDEX: dict[Kind, str] = {"and": "Moebius", "or": "Co-Moebius"}
_MOST_PLAYERS = 30  # all coalitions of more would not fit in memory


def write_interaction_values(path: Path, interactions: np.ndarray, kind: Kind) -> None:
    """Write the interactions of one kind as a JSON file that `shapiq.InteractionValues.load` reads.

    Parameters
    ----------
    path : ends with `.json`, or shapiq will not read it
    interactions : shape (2^n,)
        Zeros are left out: shapiq, too, takes an absent interaction for 0.
    kind : "and" or "or"

    Raises
    ------
    UserError
        If the length is no power of two or the file cannot be written.
    """
    n = number_of_players(interactions.shape[-1])
    coefficients = _signs(n, kind) * interactions
    held = [0, *(np.flatnonzero(coefficients[1:]) + 1).tolist()]
    content = {
        "object_name": "InteractionValues",
        "data_type": "interaction_values",
        "version": "1.4.1",
        "created_from": "andor",
        "description": f"{kind.upper()} interactions",
        "parameters": {},
        "timestamp": datetime.now(UTC).isoformat(),
        "metadata": {
            "n_players": n,
            "index": _INDEX[kind],
            "max_order": n,
            "min_order": 0,
            "estimated": False,
            "estimation_budget": None,
            "baseline_value": float(coefficients[0]),
        },
        "data": {_key(mask): float(coefficients[mask]) for mask in held},
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def read_interaction_values(path: Path) -> tuple[Kind, np.ndarray]:
    """Read AND or OR interactions from a JSON file of `shapiq.InteractionValues` with index Moebius or Co-Moebius.

    Returns
    -------
    kind : "and" or "or"
    interactions : float64, shape (2^n,)

    Raises
    ------
    UserError
        If the file is not such a file or holds another index.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        metadata, data = content["metadata"], content["data"]
        n, index = int(metadata["n_players"]), metadata["index"]
        coalitions = [mask_of(_players(key)) for key in data]
        values = np.array(list(data.values()), dtype=np.float64)
        baseline = float(metadata["baseline_value"])
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name a file written by shapiq") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: is no JSON of shapiq.InteractionValues; save one with its .save(path)") from error
    kind = next((kind for kind, name in _INDEX.items() if name == index), None)
    if kind is None:
        raise UserError(f"{path}: holds index {index!r}; compute 'Moebius' (AND) or 'Co-Moebius' (OR) instead")
    if not 0 <= n <= _MOST_PLAYERS or max(coalitions, default=0) >= 2**n:
        raise UserError(
            f"{path}: names players beyond its n_players {n}, or more than {_MOST_PLAYERS}; correct the file"
        )
    coefficients = np.zeros(2**n)
    coefficients[0] = baseline
    coefficients[coalitions] = values
    return kind, _signs(n, kind) * coefficients


def write_game_values(path: Path, values: np.ndarray) -> None:
    """Write the values of all coalitions as an npz file that `shapiq.Game.load_values` reads, as they are.

    Parameters
    ----------
    path : ends with `.npz`, or shapiq will not read it
    values : shape (2^n,)

    Raises
    ------
    UserError
        If the length is no power of two or the file cannot be written.
    """
    n = number_of_players(values.shape[-1])
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            values=values.astype(np.float64),
            coalitions=presence(n),
            n_players=n,
            normalization_value=0.0,  # what shapiq subtracts from values it hands out
        )


def read_game_values(path: Path) -> np.ndarray:
    """Read the values of all coalitions from an npz file of `shapiq.Game.save_values`, float64, shape (2^n,).

    Raises
    ------
    UserError
        If the file is not such a file, or misses coalitions.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            n = int(file["n_players"])
            coalitions = file["coalitions"].astype(bool)
            given = file["values"].astype(np.float64)
        masks = coalitions @ (1 << np.arange(n))
        complete = n <= _MOST_PLAYERS and len(given) == len(masks) and np.unique(masks).size == 2**n
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); name a file written by shapiq") from error
    except (BadZipFile, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: is no npz of shapiq's game values; save one with Game.save_values(path)") from error
    if not complete:
        raise UserError(
            f"{path}: has {len(given)} values for {n} players; give all 2^{n} (Game.precompute() makes them)"
        )
    values = np.empty(2**n)
    values[masks] = given
    return values


def _signs(n: int, kind: Kind) -> np.ndarray:
    """Factor between interactions and shapiq's coefficients, either way."""
    signs = np.ones(2**n)
    if kind == "or":
        signs[1:] = np.where(orders(n)[1:] % 2, 1, -1)
    return signs


def _key(mask: int) -> str:
    return ",".join(map(str, members(mask))) or "Empty"


def _players(key: str) -> list[int]:
    return [] if key == "Empty" else [int(player) for player in key.split(",")]
