"""Masked outputs as they are stored, and the rewards of games made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from andor import config, store
from andor.errors import UserError
from andor.outputs.drawn import is_unseen
from andor.outputs.rewards import centred, classifier_reward, language_reward

LANGUAGE_OUTPUTS = pa.schema(
    [
        pa.field("coalition", pa.uint32(), nullable=False),
        pa.field("log_prob", pa.float32(), nullable=False),
        pa.field("log_odds", pa.float32(), nullable=False),
    ]
)
"""One row per coalition, sorted: log-probability and log-odds of the target under a language model."""
PRESENT = pa.field("present", pa.binary(), nullable=False)
"""Drawn coalitions have this column instead of `coalition`, and in a sample's file the next one."""
HELD_OUT = pa.field("held_out", pa.bool_(), nullable=False)
COUNTED = ("calls", "tokens", "repeats")
"""What is counted of a served model: requests, their tokens, and masked inputs that it was asked about once more."""
AGREEMENT = 1e-2
"""Most by which two computations of one output differ, as a share of the largest |v|: a thousand times what other
batches, devices and versions do in float32, and more than half precision does inside a model of the user's own."""


def classifier_outputs(classes: int) -> pa.Schema:
    """Schema of a classifier's masked outputs: one row per coalition, sorted, with all its logits."""
    return pa.schema(
        [
            pa.field("coalition", pa.uint32(), nullable=False),
            pa.field("logits", pa.list_(pa.float32(), classes), nullable=False),
        ]
    )


def outputs_table(outputs: np.ndarray, language: bool, drawn: np.ndarray | None = None) -> pa.Table:
    """Outputs on all coalitions (2^n, C), or on drawn ones (M, n), as they are stored.

    All logits, or log-probability and log-odds of the target; drawn coalitions by which players are `present`, a bit
    each, player 0 the lowest of the first byte.
    """
    if drawn is None:
        coalition, field = pa.array(np.arange(len(outputs), dtype=np.uint32)), LANGUAGE_OUTPUTS.field("coalition")
    else:
        coalition = pa.array([row.tobytes() for row in np.packbits(drawn, axis=1, bitorder="little")], pa.binary())
        field = PRESENT
    if language:
        columns = [coalition, *(pa.array(column) for column in outputs.T)]
        return pa.Table.from_arrays(columns, schema=LANGUAGE_OUTPUTS.set(0, field))
    classes = outputs.shape[1]
    logits = pa.FixedSizeListArray.from_arrays(pa.array(outputs.ravel()), classes)
    return pa.Table.from_arrays([coalition, logits], schema=classifier_outputs(classes).set(0, field))


def write_drawn(path: Path, blocks: Sequence[Path], budget: int) -> None:
    """Write the outputs on the drawn coalitions of a sample, from files of its blocks; `held_out` after the budget."""
    table = pa.concat_tables([store.read_table(block).replace_schema_metadata() for block in blocks])
    held_out = pa.array(np.arange(len(table)) >= budget)
    made = [store.read_metadata(block).get("made", {}) for block in blocks]
    store.write_table(path, table.append_column(HELD_OUT, held_out), {"made": made[0] | _together(made)})


def _together(made: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What blocks of a sample state together: the largest noise, and what they cost."""
    noise = [each["noise"] for each in made if "noise" in each]
    worst = {"noise": None if None in noise else max(noise)} if noise else {}
    counted = {key for each in made for key in each if key in COUNTED}
    return worst | {key: sum(each.get(key, 0) for each in made) for key in sorted(counted)}


def read_outputs(path: Path) -> pa.Table:
    """Masked outputs of one sample, a row per coalition in the order of their bit masks.

    Raises
    ------
    UserError
        If the file is damaged or a coalition is missing.
    """
    table = store.read_table(path)
    if "coalition" not in table.column_names:
        raise UserError(f"{path}: holds no coalitions; delete it and run again")
    coalition = table["coalition"].to_numpy()
    rows = len(coalition)
    if rows == 0 or rows & (rows - 1) or not np.array_equal(coalition, np.arange(rows)):
        raise UserError(f"{path}: does not hold every coalition once and in order; delete it and run again")
    if "logits" not in table.column_names and not {"log_prob", "log_odds"} <= set(table.column_names):
        raise UserError(f"{path}: holds neither logits nor log_prob and log_odds; delete it and run again")
    return table


def stored(table: pa.Table) -> tuple[np.ndarray, bool]:
    """Stored outputs as float32 (2^n, C), and whether they are a language model's (log-probability, log-odds)."""
    if "logits" in table.column_names:
        logits = table["logits"].combine_chunks()
        return logits.flatten().to_numpy().reshape(len(logits), -1), False
    return np.stack([table["log_prob"].to_numpy(), table["log_odds"].to_numpy()], axis=-1), True


def values(table: pa.Table, label: int | None, reward: config.Reward) -> np.ndarray:
    """v of every coalition, less v(∅) if the reward is centred; float64 (2^n,). See `uncentred`."""
    return centred(uncentred(table, label, reward), reward)


def uncentred(table: pa.Table, label: int | None, reward: config.Reward) -> np.ndarray:
    """v of every coalition of a file, float64 (2^n,) or (M,).

    Parameters
    ----------
    table
        Masked outputs of one sample as stored, sorted by coalition: `logits`, or `log_prob` and `log_odds`.
    label
        The sample's true label; not used for language models.
    reward
        Which reward.
    """
    outputs, language = stored(table)
    if language:
        return language_reward(outputs, reward.kind)
    return classifier_reward(outputs, label, reward.kind, reward.temperature)


def games(
    folders: Sequence[str | Path],
    models: Sequence[str],
    samples: pa.Table,
    numbers: Sequence[int],
    reward: config.Reward,
) -> np.ndarray:
    """Rewards v of several models on some samples; float64, shape (B, m, 2^n).

    Parameters
    ----------
    folders : of each model's masked outputs, `<sample>.parquet`
    models : their names
    samples : `samples.parquet`, of which `sample_columns` are needed
    numbers : of the samples
    """
    rows = {row["sample"]: row for row in samples.select(sample_columns(models)).to_pylist()}
    return np.array(
        [
            [
                read_values(Path(folder) / f"{number}.parquet", rows[number], model, reward)
                for folder, model in zip(folders, models, strict=True)
            ]
            for number in numbers
        ]
    )


def sample_columns(models: Sequence[str]) -> list[str]:
    """Columns of `samples.parquet` that say what is known of the outputs of models."""
    return ["sample", "label", "players", *(f"output_{model}" for model in models)]


def read_values(path: Path, sample: Mapping[str, Any], model: str, reward: config.Reward) -> np.ndarray:
    """Rewards v of one sample, held against the v(N) and v(∅) that it was chosen by; float64, shape (2^n,).

    Raises
    ------
    UserError
        If the file is damaged, or v(N) and v(∅) are others: the model or the sample has changed in between.
    """
    table = read_outputs(path)
    v = uncentred(table, sample["label"], reward)
    _check_chosen(path, table, v[-1], v[0], np.abs(v).max(), sample, model)
    return centred(v, reward)


@dataclass(frozen=True, eq=False)
class DrawnValues:
    """Rewards v of one sample under one model on drawn coalitions.

    Attributes
    ----------
    presence, held_out_presence : bool, (M, n) and (M', n); none of the latter is among the former
    values, held_out_values : float64, (M,) and (M',), less v(∅) if the reward is centred
    """

    presence: np.ndarray
    values: np.ndarray
    held_out_presence: np.ndarray
    held_out_values: np.ndarray


def read_drawn(path: Path, sample: Mapping[str, Any], model: str, reward: config.Reward) -> DrawnValues:
    """Rewards v of one sample on its drawn coalitions, held against the v(N) and v(∅) that it was chosen by.

    Raises
    ------
    UserError
        As `read_values`; and if the file does not begin with N and ∅, as what is drawn does.
    """
    table, n = store.read_table(path), len(sample["players"])
    if not {"present", "held_out"} <= set(table.column_names):
        raise UserError(f"{path}: holds no drawn coalitions; delete it and run again")
    rows = table["present"].to_pylist()
    if any(len(row) != -(-n // 8) for row in rows):
        raise UserError(f"{path}: holds coalitions of other than {n} players; delete it and run again")
    octets = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)
    presence = np.unpackbits(octets, axis=1, bitorder="little")[:, :n].astype(bool)
    if len(rows) < 2 or not presence[0].all() or presence[1].any():
        raise UserError(f"{path}: does not begin with all players and none; delete it and run again")
    v = uncentred(table, sample["label"], reward)
    _check_chosen(path, table, v[0], v[1], np.abs(v).max(), sample, model)
    v = v - v[1] if reward.centred else v
    held_out = table["held_out"].to_numpy()
    fitted = presence[~held_out]
    new = held_out.copy()
    new[held_out] = is_unseen(presence[held_out], fitted)
    return DrawnValues(fitted, v[~held_out], presence[new], v[new])


def _check_chosen(
    path: Path, table: pa.Table, full: float, empty: float, largest: float, sample: Mapping[str, Any], model: str
) -> None:
    """Refuse v(N) and v(∅) that are not those by which the sample was chosen.

    The two were computed apart: by other forward passes, of other batches. They differ by rounding, and by the noise of
    reduced precision, which the file states.
    """
    noise = store.metadata_of(table).get("made", {}).get("noise", 0.0)
    allowed = np.inf if noise is None else AGREEMENT * largest + 10 * noise
    chosen_by = sample[f"output_{model}"]
    if max(abs(full - chosen_by[0]), abs(empty - chosen_by[1])) > allowed:
        raise UserError(
            f"{path}: v(N) and v(∅) of model `{model}` are {full:.6g} and {empty:.6g}, but sample {sample['sample']} "
            f"was chosen by {chosen_by[0]:.6g} and {chosen_by[1]:.6g}; delete the model's screening and masked outputs "
            "and run again"
        )
