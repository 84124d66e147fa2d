"""Coalitions drawn at random, and the values of any function on them, kept as they come.

N and ∅ come first; then coalitions with a share p ~ U(0, 1) of the players present, so that interactions of
every order, AND and OR alike, are seen equally well. They come in blocks from streams of their own: a larger
budget adds blocks, and what is held out is drawn from others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from andor.errors import UserError
from andor.settings import BLOCK
from andor.store import read_table, write_table

FITTED, HELD_OUT = 0, 1
"""Streams of blocks."""


def drawn(players: int, count: int, seed: int | Sequence[int], stream: int = FITTED) -> np.ndarray:
    """The first `count` coalitions of a stream; bool, shape (count, players).

    Those to be fitted begin with N and ∅.
    """
    blocks, seeds = [], [seed] if isinstance(seed, int) else list(seed)
    for block in range(-(-count // BLOCK)):
        random = np.random.default_rng([*seeds, stream, block])
        blocks.append(random.random((BLOCK, players)) < random.random((BLOCK, 1)))
    presence = np.concatenate(blocks)[:count] if blocks else np.empty((0, players), bool)
    if stream == FITTED:
        presence[:1], presence[1:2] = True, False
    return presence


def blocks(players: int, budget: int, held_out: int, seed: int | Sequence[int]) -> list[np.ndarray]:
    """All coalitions of a sample, block by block, those to be fitted first; bool, shape (BLOCK, players) each."""
    every = np.concatenate([drawn(players, budget, seed), drawn(players, held_out, seed, HELD_OUT)])
    return np.split(every, range(BLOCK, len(every), BLOCK))


def is_unseen(presence: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Which coalitions (M, n) are not among others, bool (M,): two streams may draw the same one."""
    known = set(_keys(seen))
    return np.array([key not in known for key in _keys(presence)], bool)


class Values:
    """Values of one model on coalitions, each computed once; kept in a file where one is given.

    Parameters
    ----------
    function : of presence, bool (B, n), to values (B,)
    path : a Parquet file, which is read if it is there and written after each batch
    """

    def __init__(self, function: Callable[[np.ndarray], np.ndarray], path: Path | None = None) -> None:
        self.function, self.path = function, path
        self.known: dict[bytes, float] = {}
        if path is not None and path.exists():
            table = read_table(path, ["presence", "value"])
            self.known = dict(zip(table["presence"].to_pylist(), table["value"].to_pylist(), strict=True))

    def missing(self, presence: np.ndarray) -> np.ndarray:
        """Coalitions (M, n) whose values are not known, each once."""
        new = {key: row for key, row in zip(_keys(presence), presence, strict=True) if key not in self.known}
        return np.array(list(new.values()), bool).reshape(-1, presence.shape[1])

    def compute(self, presence: np.ndarray, batch: int, advance: Callable[[int], object]) -> None:
        """Have the values of coalitions (M, n) computed, some at a time.

        Raises
        ------
        UserError
            If the function gives something else than a finite number for each.
        """
        for start in range(0, len(presence), batch):
            part = presence[start : start + batch]
            values = np.asarray(self.function(part), dtype=np.float64)
            if values.shape != (len(part),) or not np.isfinite(values).all():
                given = f"shape {values.shape}" if values.shape != (len(part),) else "numbers that are not finite"
                raise UserError(f"the model gave {given} for {len(part)} inputs; give one finite number for each")
            self.known |= dict(zip(_keys(part), values.tolist(), strict=True))
            if self.path is not None:
                columns = {"presence": list(self.known), "value": list(self.known.values())}
                write_table(self.path, pa.table(columns))
            advance(len(part))

    def of(self, presence: np.ndarray) -> np.ndarray:
        """Values (M,) of coalitions (M, n) that are known."""
        return np.array([self.known[key] for key in _keys(presence)])


def _keys(presence: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in np.packbits(presence, axis=1)]
