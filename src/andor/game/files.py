"""Files of interactions: their schemas, and how they are written and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from andor import store
from andor.errors import UserError
from andor.game.coalitions import KINDS, Coalitions, presence_of
from andor.game.interactions import Interactions

INTERACTIONS = pa.schema(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field("kind", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("coalition", pa.uint32(), nullable=False),
        pa.field("order", pa.uint8(), nullable=False),
        pa.field("strength", pa.float64(), nullable=False),
    ]
)
"""One row per kind × coalition × model; orders ≤ 1 not merged; kind is ``and`` or ``or``."""

OTHERS = pa.field("others", pa.list_(pa.float64()), nullable=False)
"""A last column where there are any: strengths in other solutions that are nearly as good, as many in every row."""

NULL_INTERACTIONS = pa.schema(
    [
        pa.field("null", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("draw", pa.int16(), nullable=False),
        pa.field("model", pa.int16(), nullable=False),
        pa.field("kind", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("coalition", pa.uint32(), nullable=False),
        pa.field("strength", pa.float32(), nullable=False),
    ]
)
"""Interactions of one sample's null games that are not 0, orders ≤ 1 merged; `model` is the place in the ensemble."""


SAMPLED_INTERACTIONS = pa.schema(
    [
        pa.field("model", pa.int32(), nullable=False),
        pa.field("kind", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("players", pa.list_(pa.int32()), nullable=False),
        pa.field("order", pa.int32(), nullable=False),
        pa.field("strength", pa.float64(), nullable=False),
        pa.field("penalised", pa.float64(), nullable=False),
        pa.field("error", pa.float64()),
    ]
)
"""Interactions of a sampled game that are not 0 in a model, in units of the values: `strength` as refitted, with its
standard `error`, and as `penalised`. The row without players is the constant b, which has no error. A last column
`OTHERS` where there are other solutions; what is in these alone has a row of its own, 0 and without an error."""


SAMPLED_NULLS = pa.schema(
    [
        pa.field("players", pa.list_(pa.int32()), nullable=False) if field.name == "coalition" else field
        for field in NULL_INTERACTIONS
    ]
)
"""The same of null games on drawn coalitions."""


Key = tuple[int, tuple[int, ...]]
"""Place of its kind, and the players, of an interaction."""


def interactions_table(
    i_and: np.ndarray,
    i_or: np.ndarray,
    models: Sequence[str],
    others: Sequence[tuple[np.ndarray, np.ndarray]] = (),
) -> pa.Table:
    """Interactions of one sample, AND and OR of float64 (m, 2^n) each, as they are stored; and those of `others`."""
    count, size = i_and.shape
    kinds = pa.DictionaryArray.from_arrays(np.tile(np.repeat(np.int8([0, 1]), size), count), ["and", "or"])
    coalition = np.tile(np.arange(size, dtype=np.uint32), 2 * count)
    columns = [
        pa.array(np.repeat(np.array(models, dtype=object), 2 * size), pa.string()),
        kinds,
        coalition,
        np.bitwise_count(coalition),
        np.stack([i_and, i_or], axis=1).ravel(),
    ]
    table = pa.Table.from_arrays([pa.array(column) for column in columns], schema=INTERACTIONS)
    if not others:
        return table
    strengths = np.stack([np.stack(of_kinds, axis=1).ravel() for of_kinds in others], axis=-1)
    starts = np.arange(len(table) + 1, dtype=np.int32) * len(others)
    return table.append_column(OTHERS, pa.ListArray.from_arrays(starts, strengths.ravel()))


def sampled_table(
    kinds: np.ndarray,
    members: np.ndarray,
    strengths: np.ndarray,
    penalised: np.ndarray,
    errors: np.ndarray,
    constants: np.ndarray,
    others: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = (),
) -> pa.Table:
    """Interactions of a sampled game as they are stored, model by model, the strongest first.

    Parameters
    ----------
    kinds : (W,), 0 AND, 1 OR
    members : bool, (W, n)
    strengths, penalised, errors : (m, W)
    constants : (m,)
    others : kinds, members, strengths and constants of other solutions
    """
    rows: list[tuple] = []
    beside: list[list[float]] = []
    for model, constant in enumerate(constants):
        found: dict[Key, tuple] = {(0, ()): (constant, constant, None)}
        used = np.flatnonzero(penalised[model])
        for place in used[np.argsort(-np.abs(strengths[model, used]), kind="stable")]:
            numbers = strengths[model, place], penalised[model, place], errors[model, place]
            found[_key(kinds, members, place)] = numbers
        elsewhere = [{(0, ()): own[model]} | _by_key(of, who, which[model]) for of, who, which, own in others]
        for key in found | dict.fromkeys(key for other in elsewhere for key in other):
            rows.append((model, *key, *found.get(key, (0.0, 0.0, None))))
            beside.append([other.get(key, 0.0) for other in elsewhere])
    models, of_kind, players, *three = zip(*rows, strict=True)
    columns = [
        pa.array(models, pa.int32()),
        pa.DictionaryArray.from_arrays(np.array(of_kind, np.int8), list(KINDS)),
        pa.array(players, pa.list_(pa.int32())),
        pa.array([len(own) for own in players], pa.int32()),
        *(pa.array(column, pa.float64()) for column in three),
    ]
    table = pa.Table.from_arrays(columns, schema=SAMPLED_INTERACTIONS)
    return table.append_column(OTHERS, pa.array(beside, OTHERS.type)) if others else table


def _by_key(kinds: np.ndarray, members: np.ndarray, strengths: np.ndarray) -> dict[Key, float]:
    """Strengths (W,) that are not 0, by their interactions."""
    return {_key(kinds, members, place): float(strengths[place]) for place in np.flatnonzero(strengths)}


def _key(kinds: np.ndarray, members: np.ndarray, place: int) -> Key:
    return int(kinds[place]), tuple(np.flatnonzero(members[place]).tolist())


def null_table(interactions: Mapping[str, np.ndarray]) -> pa.Table:
    """Merged interactions (draws, m, 2, 2^n) of one sample under each null, as they are stored."""
    tables = []
    for place, games in enumerate(interactions.values()):
        draw, model, kind, coalition = np.nonzero(games)
        columns = [
            pa.DictionaryArray.from_arrays(np.full(len(draw), place, np.int8), list(interactions)),
            draw.astype(np.int16),
            model.astype(np.int16),
            pa.DictionaryArray.from_arrays(kind.astype(np.int8), ["and", "or"]),
            coalition.astype(np.uint32),
            games[draw, model, kind, coalition].astype(np.float32),
        ]
        tables.append(pa.Table.from_arrays([pa.array(column) for column in columns], schema=NULL_INTERACTIONS))
    return pa.concat_tables(tables) if tables else NULL_INTERACTIONS.empty_table()


def sampled_null_table(games: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]]) -> pa.Table:
    """Interactions of one sample's null games on drawn coalitions, as they are stored.

    Parameters
    ----------
    games : by null and draw, kinds (W,), members bool (W, n) and strengths (m, W)
    """
    tables = []
    for place, draws in enumerate(games.values()):
        for draw, (kinds, members, strengths) in enumerate(draws):
            model, column = np.nonzero(strengths)
            players = [np.flatnonzero(own) for own in members]
            columns = [
                pa.DictionaryArray.from_arrays(np.full(len(model), place, np.int8), list(games)),
                np.full(len(model), draw, np.int16),
                model.astype(np.int16),
                pa.DictionaryArray.from_arrays(kinds[column].astype(np.int8), list(KINDS)),
                pa.array([players[one] for one in column], pa.list_(pa.int32())),
                strengths[model, column].astype(np.float32),
            ]
            tables.append(pa.Table.from_arrays([pa.array(one) for one in columns], schema=SAMPLED_NULLS))
    return pa.concat_tables(tables) if tables else SAMPLED_NULLS.empty_table()


def sampled_from_file(path: Path, models: Sequence[str], n: int) -> tuple[Interactions, np.ndarray]:
    """Interactions of one sample that were found on drawn coalitions, and their standard errors (m, kinds, C).

    Strengths are the refitted ones; the empty coalition has the constant, whose error is not known (NaN).

    Parameters
    ----------
    models : names, by the rows of the game
    n : number of players

    Raises
    ------
    UserError
        If the file is damaged or of other models or players.
    """
    table = store.read_table(path, ["model", "kind", "players", "order", "strength", "penalised", "error"])
    own = table.filter(pc.or_(pc.not_equal(table["penalised"], 0.0), pc.equal(table["order"], 0)))
    columns = [own[name].to_numpy(zero_copy_only=False) for name in ("strength", "error")]
    coalitions, (strengths, errors) = _spread(path, own, np.stack(columns), models, n)
    order = store.read_metadata(path).get("order")
    return Interactions(coalitions, tuple(models), KINDS, strengths, merged=True, order=order), errors


def sampled_others_from_file(path: Path, models: Sequence[str], n: int) -> list[Interactions]:
    """The same of the other solutions that are nearly as good; none if the file has none.

    Raises
    ------
    UserError
        If the file is damaged or of other models or players, or does not hold as many solutions of every interaction.
    """
    table = store.read_table(path)
    coalitions, several = _spread(path, table, _others(path, table), models, n)
    order = store.read_metadata(path).get("order")
    return [Interactions(coalitions, tuple(models), KINDS, one, merged=True, order=order).compact() for one in several]


def _spread(
    path: Path, table: pa.Table, columns: np.ndarray, models: Sequence[str], n: int
) -> tuple[Coalitions, np.ndarray]:
    """The coalitions of a table of a sampled game, and columns (k, rows) on them: (k, m, kinds, C), 0 without a row."""
    model, kind = table["model"].to_numpy(), _places(table["kind"], KINDS)
    players = table["players"].to_pylist()
    if not len(table) or model.max() >= len(models) or any(own and own[-1] >= n for own in players):
        raise UserError(f"{path}: is not of {len(models)} models and {n} players; delete it and run again")
    presence = presence_of(n, players)
    coalitions = Coalitions.of_presence(presence)
    found = np.zeros((len(columns), len(models), len(KINDS), len(coalitions)))
    found[:, model, kind, coalitions.positions(presence)] = columns
    return coalitions, found


def to_file(path: Path, interactions: Interactions, metadata: Mapping[str, Any] | None = None) -> None:
    """Write the interactions of one sample, not merged, with metadata of their extraction.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    dense = interactions.on(Coalitions.all(interactions.coalitions.n))
    i_and, i_or = (
        dense.of_kinds([kind]).strengths[:, 0] if kind in dense.kinds else np.zeros_like(dense.strengths[:, 0])
        for kind in KINDS
    )
    store.write_table(path, interactions_table(i_and, i_or, interactions.models), dict(metadata or {}))


def from_file(path: Path, models: Sequence[str]) -> Interactions:
    """Interactions of one sample on all coalitions, not merged, whatever the order of the rows.

    Raises
    ------
    UserError
        If the file is damaged or does not hold each kind x coalition x model once.
    """
    table = store.read_table(path, ["model", "kind", "coalition", "strength"])
    return Interactions.of_dense(_dense(path, table, table["strength"].to_numpy()[None], models)[0], models)


def others_from_file(path: Path, models: Sequence[str]) -> list[Interactions]:
    """The same of the other solutions that are nearly as good, not merged; none if the file has none.

    Raises
    ------
    UserError
        If the file is damaged or does not hold each kind x coalition x model once, with as many other solutions.
    """
    table = store.read_table(path)
    return [Interactions.of_dense(one, models) for one in _dense(path, table, _others(path, table), models)]


def _others(path: Path, table: pa.Table) -> np.ndarray:
    """Strengths of other solutions, (k, rows); k is 0 if a table has none."""
    if OTHERS.name not in table.column_names:
        return np.zeros((0, len(table)))
    lengths = np.unique(pc.list_value_length(table[OTHERS.name]).to_numpy())
    if len(lengths) != 1:
        raise UserError(f"{path}: does not hold as many solutions of every interaction; delete it and run again")
    return pc.list_flatten(table[OTHERS.name]).to_numpy().reshape(len(table), lengths[0]).T


def _dense(path: Path, table: pa.Table, columns: np.ndarray, models: Sequence[str]) -> np.ndarray:
    """Columns (k, rows) of a table of interactions by model, kind and coalition: (k, m, 2, 2^n)."""
    size = len(table) // (2 * len(models))
    row_model, row_kind = _places(table["model"], models), _places(table["kind"], KINDS)
    coalition = table["coalition"].to_numpy().astype(np.int64)
    place = (row_model * 2 + row_kind) * size + coalition
    complete = (
        size > 0
        and size & (size - 1) == 0
        and len(table) == 2 * len(models) * size
        and min(row_model.min(), row_kind.min()) >= 0
        and coalition.max() < size
        and bool((np.bincount(place, minlength=len(table)) == 1).all())
    )
    if not complete:
        raise UserError(f"{path}: does not hold every coalition of {', '.join(models)} once; delete it and run again")
    dense = np.empty(columns.shape)
    dense[:, place] = columns
    return dense.reshape(len(columns), len(models), 2, size)


def nulls_from_file(
    path: Path, draws: Mapping[str, int], models: Sequence[str], players: int, order: int | None = None
) -> dict[str, list[Interactions]]:
    """Merged interactions of one sample's null games, a draw after the other, by null; float32, as they were stored.

    A null of which the file has nothing is left out.

    Parameters
    ----------
    draws : number of games drawn under each null, by its name
    players : number of players of the sample
    order : the largest that was looked for; all if None
    """
    table = store.read_table(path)
    if "players" in table.column_names:
        presence = presence_of(players, table["players"].to_pylist())
        everywhere = Coalitions.of_presence(presence)
        place_of = everywhere.positions(presence)
    else:
        masks, place_of = np.unique(table["coalition"].to_numpy().astype(np.uint64), return_inverse=True)
        everywhere = Coalitions.of_masks(players, masks)
    null = _places(table["null"], list(draws))
    draw, model = (table[name].to_numpy().astype(np.int64) for name in ("draw", "model"))
    kind, strength = _places(table["kind"], KINDS), table["strength"].to_numpy()

    def drawn(rows: np.ndarray) -> Interactions:
        there, place = np.unique(place_of[rows], return_inverse=True)
        strengths = np.zeros((len(models), len(KINDS), len(there)), np.float32)
        strengths[model[rows], kind[rows], place] = strength[rows]
        return Interactions(everywhere.take(there), tuple(models), KINDS, strengths, merged=True, order=order)

    return {
        name: [drawn((null == number) & (draw == one)) for one in range(draws[name])]
        for number, name in enumerate(draws)
        if (null == number).any()
    }


def _places(column: pa.ChunkedArray, names: Sequence[str]) -> np.ndarray:
    """Place of each entry among the names, -1 for another; int64."""
    texts = column.cast(pa.string())
    return pc.fill_null(pc.index_in(texts, pa.array(names, pa.string())), -1).to_numpy().astype(np.int64)
