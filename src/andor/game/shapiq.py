"""Files of shapiq, the field's library of game-theoretic interactions: written and read without it.

Möbius coefficients are the AND interactions. OR interactions are shapiq's co-Möbius coefficients up to a sign,
I_or(S) = (−1)^(|S|+1) · CoM(S) for S ≠ ∅; at ∅ both hold v(∅). The formats are those of shapiq since 1.4:
`InteractionValues.save` (JSON) and `Game.save_values` (npz).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np

from andor.errors import UserError
from andor.files import replacing
from andor.game.coalitions import Coalitions, number_of_players, presence_of
from andor.game.interactions import Interactions

Kind = Literal["and", "or"]

_INDEX: dict[Kind, str] = {"and": "Moebius", "or": "Co-Moebius"}
_MOST_PLAYERS = 30  # values of all coalitions of more would not fit in memory


def to_shapiq(path: Path, interactions: Interactions, model: str, kind: Kind) -> None:
    """Write a model's interactions of one kind as a JSON file that `shapiq.InteractionValues.load` reads.

    Parameters
    ----------
    path : ends with `.json`, or shapiq will not read it
    interactions : of one sample
        Zeros are left out: shapiq, too, takes an absent interaction for 0.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    own = interactions.of_models([model]).of_kinds([kind]).compact()
    n, coefficients = own.coalitions.n, own.strengths[0, 0] * _signs(own.coalitions.orders, kind)
    data = dict(zip(map(_key, own.coalitions.players), coefficients.tolist(), strict=True))
    data = {_key([]): data.get(_key([]), 0.0)} | data
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
            "baseline_value": data[_key([])],
        },
        "data": data,
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def from_shapiq(path: Path, model: str = "model") -> Interactions:
    """Read AND or OR interactions from a JSON file of `shapiq.InteractionValues` with index Moebius or Co-Moebius.

    Parameters
    ----------
    model : what to call the model that they are of

    Raises
    ------
    UserError
        If the file is not such a file or holds another index.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        metadata = content["metadata"]
        n, index, baseline = int(metadata["n_players"]), metadata["index"], float(metadata["baseline_value"])
        values = {tuple(_players(key)): float(value) for key, value in content["data"].items()}
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name a file written by shapiq") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: is no JSON of shapiq.InteractionValues; save one with its .save(path)") from error
    kind = next((kind for kind, name in _INDEX.items() if name == index), None)
    if kind is None:
        raise UserError(f"{path}: holds index {index!r}; compute 'Moebius' (AND) or 'Co-Moebius' (OR) instead")
    values = {(): baseline} | values
    try:
        coalitions = Coalitions.of_players(n, values)
    except ValueError as error:
        raise UserError(f"{path}: names players beyond its n_players {n}; correct the file") from error
    strengths = np.zeros(len(coalitions))
    strengths[coalitions.positions(presence_of(n, list(values)))] = list(values.values())
    strengths *= _signs(coalitions.orders, kind)
    return Interactions(coalitions, (model,), (kind,), strengths[None, None])


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
            coalitions=Coalitions.all(n).presence,
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


def _signs(orders: np.ndarray, kind: Kind) -> np.ndarray:
    """Factor between interactions and shapiq's coefficients, either way."""
    return np.where((orders % 2 == 1) | (orders == 0), 1.0, -1.0) if kind == "or" else np.ones(len(orders))


def _key(players: Sequence[int]) -> str:
    return ",".join(map(str, players)) or "Empty"


def _players(key: str) -> list[int]:
    return [] if key == "Empty" else [int(player) for player in key.split(",")]
