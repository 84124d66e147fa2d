"""Masked outputs as they are stored, and the rewards of games made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from andor import config, store
from andor.errors import UserError
from andor.outputs.rewards import centred, classifier_reward, language_reward

LANGUAGE_OUTPUTS = pa.schema(
    [
        pa.field("coalition", pa.uint32(), nullable=False),
        pa.field("log_prob", pa.float32(), nullable=False),
        pa.field("log_odds", pa.float32(), nullable=False),
    ]
)
"""One row per coalition, sorted: log-probability and log-odds of the target under a language model."""
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


def outputs_table(outputs: np.ndarray, language: bool) -> pa.Table:
    """Outputs (2^n, C) as they are stored: all logits, or log-probability and log-odds of the target."""
    coalition = pa.array(np.arange(len(outputs), dtype=np.uint32))
    if language:
        columns = [coalition, *(pa.array(column) for column in outputs.T)]
        return pa.Table.from_arrays(columns, schema=LANGUAGE_OUTPUTS)
    classes = outputs.shape[1]
    logits = pa.FixedSizeListArray.from_arrays(pa.array(outputs.ravel()), classes)
    return pa.Table.from_arrays([coalition, logits], schema=classifier_outputs(classes))


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
    """v of every coalition, float64 (2^n,).

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
    return ["sample", "label", *(f"output_{model}" for model in models)]


def read_values(path: Path, sample: Mapping[str, Any], model: str, reward: config.Reward) -> np.ndarray:
    """Rewards v of one sample, held against the v(N) and v(∅) that it was chosen by; float64, shape (2^n,).

    The two were computed apart: by other forward passes, of other batches. They differ by rounding, and by the noise of
    reduced precision, which the file states.

    Raises
    ------
    UserError
        If the file is damaged, or the two differ by more: the model or the sample has changed in between.
    """
    table = read_outputs(path)
    v = uncentred(table, sample["label"], reward)
    noise = store.metadata_of(table).get("made", {}).get("noise", 0.0)
    allowed = np.inf if noise is None else AGREEMENT * np.abs(v).max() + 10 * noise
    chosen_by = sample[f"output_{model}"]
    if np.abs(v[[-1, 0]] - chosen_by).max() > allowed:
        raise UserError(
            f"{path}: v(N) and v(∅) of model `{model}` are {v[-1]:.6g} and {v[0]:.6g}, but sample {sample['sample']} "
            f"was chosen by {chosen_by[0]:.6g} and {chosen_by[1]:.6g}; delete the model's screening and masked outputs "
            "and run again"
        )
    return centred(v, reward)
