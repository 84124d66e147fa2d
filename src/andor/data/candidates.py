"""Candidates: the test items that are screened, each with its players."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa

from andor.data.classes import class_names, label_of
from andor.data.player_kind import Choice, PlayerKind, PlayersError
from andor.data.table import ROW, array_column
from andor.settings import MAX_SAMPLED


def candidates(
    table: pa.Table,
    players: PlayerKind,
    most: int,
    seed: int,
    label: int | str | None = None,
    source: Path | None = None,
) -> pa.Table:
    """Items to screen, each with its players.

    The test items (of one label, if it is given) are gone through in an order drawn with the seed; those with too few
    possible players, or with too many, are passed over, and the first others are taken.

    Parameters
    ----------
    table
        The tidy data: `item`, `split`, `label`, and `text`, `image`, `features` or `points`.
    most
        Items to take at most.
    label
        Number of a label, or the name of its class.
    source
        File of the players, for those that are given in one.

    Returns
    -------
    pa.Table
        `item`, `label`, `class` (its name, where classes have names) and the content as they were, and

        - `players` (list<list<int32>>): of a word, sentence or word piece, [start, stop) in characters of the text; of
          an image, its pixels as row·W + column, the same in every channel; the positions of features; the numbers of
          points;
        - `player_names` (list<string>): the word, ``good (2)`` if it comes again; ``row,column`` of the patch or cell;
          the column or group; ``part 3``.

        The schema's metadata keep those of `table` and add `passed_over`: how many items, by reason.

    Raises
    ------
    UserError
        If the class, or columns or pixels that make up players, do not exist, or their file cannot be read.
    """
    metadata = {key.decode(): json.loads(value) for key, value in (table.schema.metadata or {}).items()}
    choose = players.chooser(metadata, seed, source)
    items = table.drop_columns(ROW) if ROW in table.column_names else table
    kept, chosen, passed_over = [], [], Counter()
    for index in np.random.default_rng(seed).permutation(_test_items(table, label)).tolist():
        if len(kept) == most:
            break
        try:
            chosen.append(_counted(choose(items.slice(index, 1).to_pylist()[0])))
            kept.append(index)
        except PlayersError as reason:
            passed_over[str(reason)] += 1
    result = _with_classes(table.take(pa.array(kept, pa.int64())))
    result = result.append_column(
        "players", pa.array([c["players"] for c in chosen], pa.list_(pa.list_(pa.int32())))
    ).append_column("player_names", pa.array([c["player_names"] for c in chosen], pa.list_(pa.string())))
    metadata["passed_over"] = dict(sorted(passed_over.items()))
    return result.replace_schema_metadata({key: json.dumps(value) for key, value in metadata.items()})


def _test_items(table: pa.Table, label: int | str | None) -> np.ndarray:
    """Rows of the test items, of one label if it is given."""
    test = np.asarray(table["split"].to_pylist()) == "test"
    if label is not None:
        test &= np.asarray(table["label"].to_pylist()) == label_of(table, label)
    return np.flatnonzero(test)


def _with_classes(table: pa.Table) -> pa.Table:
    """Items, labels and content, with the names of the classes, if they have any, beside the labels."""
    raw = [ROW] if ROW in table.column_names else []
    names, table = class_names(table), table.select(["item", "label", array_column(table) or "text", *raw])
    if not names:
        return table
    return table.add_column(2, "class", pa.array([names[label] for label in table["label"].to_pylist()], pa.string()))


def _counted(choice: Choice) -> Choice:
    """Players as they were chosen, which are some, and no more than can be explained."""
    if not choice["players"]:
        raise PlayersError("nothing that is a player")
    if len(choice["players"]) > MAX_SAMPLED:
        raise PlayersError(f"more than {MAX_SAMPLED} players")
    return choice
