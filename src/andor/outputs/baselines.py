"""Baseline values that belong to a model: read from a file, or learned by the criterion of Ren et al. (ICLR 2023).

Where inputs are masked well, what is present and what is masked do not interact: over random disjoint sets of players
A, B and C the mean of |v(A∪B∪C) − v(A∪C) − v(B∪C) + v(C)| is small. Its minimum is looked for by SGD.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from andor import config
from andor.data.table import rows
from andor.errors import UserError
from andor.files import first_line, replacing
from andor.models.inputs import for_training, inputs
from andor.models.loaded import ArrayClassifier, LoadedModel, TextClassifier
from andor.outputs.masking import Located, MaskedModel, MaskedText, MaskingError, locate
from andor.outputs.masking.baselines import special_token
from andor.outputs.rewards import classifier_reward
from andor.store import read_table

VALUE = "baseline.safetensors"
CURVE = "curve.csv"


def learn(
    name: str,
    model: ArrayClassifier | TextClassifier,
    candidates: pa.Table,
    masking: config.Masking,
    reward: config.Reward,
    seed: int,
    progress: bool = True,
) -> tuple[Tensor, list[float]]:
    """Baseline value learned for one model, and the mean of the criterion before the first epoch and after each.

    Each epoch goes once through the first candidates, each with new draws of A, B and C. The curve, and the choice of
    the epoch whose value is kept, rest on other draws, the same all along.

    Parameters
    ----------
    model : a classifier of `andor.models` through which gradients flow
    candidates : from `andor.data.candidates.candidates`
    masking : with `learning`; its `background` is respected
    reward : the v of the criterion; v(∅) cancels out

    Raises
    ------
    UserError
        If no candidate can be masked, no gradient flows, or the loss is not finite.
    """
    settings = masking.learned
    items = _located(name, model, candidates, masking, settings.items)
    value = _start(model, masking, items[0][0]).clone().requires_grad_(True)
    random = np.random.default_rng(seed)
    fixed = [disjoint_sets(random, settings.draws, located.players) for located, _ in items]
    optimizer = torch.optim.SGD([value], lr=settings.learning_rate, momentum=0.9)

    def loss(item: int, sets: np.ndarray) -> Tensor:
        located, label = items[item]
        return criterion(located.bind(model, value), torch.from_numpy(sets).to(model.device), label, reward)

    def measured() -> float:
        with torch.no_grad():
            return float(np.mean([loss(item, sets).item() for item, sets in enumerate(fixed)]))

    def descend() -> None:
        for item in random.permutation(len(items)):
            step = loss(item, disjoint_sets(random, settings.draws, items[item][0].players))
            if not step.requires_grad:
                raise UserError(f"model {name}: no gradient reaches its input; `masking.baseline: learned` needs one")
            optimizer.zero_grad()
            step.backward()
            optimizer.step()

    interval = 0.5 if sys.stderr.isatty() else 10
    shown = {"desc": f"{name}, baseline value", "unit": "epoch", "disable": not progress, "mininterval": interval}
    epochs = tqdm(range(settings.epochs), **shown)
    try:
        return _best(value, descend, measured, epochs)
    except FloatingPointError as error:
        advice = f"lower `masking.learning.learning_rate: {settings.learning_rate:g}`"
        raise UserError(f"model {name}: the loss of its baseline value became {error}; {advice}") from None


def _best(
    value: Tensor, descend: Callable[[], None], measured: Callable[[], float], epochs: tqdm
) -> tuple[Tensor, list[float]]:
    """The value of the epoch with the least loss, and the loss before the first and after each.

    Raises
    ------
    FloatingPointError
        If a loss is not finite; its message is the loss.
    """
    best, curve = value.detach().clone(), [measured()]
    for _ in epochs:
        descend()
        curve.append(measured())
        if not np.isfinite(curve[-1]):
            raise FloatingPointError(str(curve[-1]))
        if curve[-1] <= min(curve):
            best = value.detach().clone()
        epochs.set_postfix(loss=f"{curve[-1]:.4f}", refresh=False)
    return best.cpu(), curve


def criterion(masked: MaskedModel, sets: Tensor, label: int, reward: config.Reward) -> Tensor:
    """Mean of |v(A∪B∪C) − v(A∪C) − v(B∪C) + v(C)| over draws, with gradients; shape ().

    Parameters
    ----------
    masked
        A model on one sample.
    sets
        Of `disjoint_sets`, on the model's device.
    """
    outputs = masked(sets.reshape(-1, sets.shape[-1]))
    v = classifier_reward(outputs, label, reward.kind, reward.temperature)
    whole, without_b, without_a, neither = v.reshape(sets.shape[:2])
    return (whole - without_b - without_a + neither).abs().mean()


def disjoint_sets(random: np.random.Generator, draws: int, players: list) -> np.ndarray:
    """Random disjoint A, B and C, the first two not empty: presence in A∪B∪C, A∪C, B∪C and C; bool (4, draws, n).

    Two players drawn at random are in A and in B; every other is in A, B, C or none of them, each as likely.
    """
    n = len(players)
    of = random.integers(0, 4, (draws, n))
    order = random.permuted(np.tile(np.arange(n), (draws, 1)), axis=1)
    np.put_along_axis(of, order[:, :2], np.tile([0, 1], (draws, 1)), axis=1)
    a, b, c = (of == number for number in range(3))
    return np.stack([a | b | c, a | c, b | c, c])


def write(value: Tensor, curve: list[float], folder: Path) -> None:
    """Keep a learned value and, beside it, its learning curve."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / VALUE) as temporary:
        save_file({"baseline": value.contiguous()}, temporary)
    with replacing(folder / CURVE) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("epoch", "loss"), *enumerate(curve)])


def read(path: Path, name: str) -> Tensor:
    """A learned value from its folder, or a given one from `.npy` or `.safetensors`; float32.

    Parameters
    ----------
    name
        The model's name: its own value in a safetensors file is preferred to `baseline`, which is for all.

    Raises
    ------
    UserError
        If the file is damaged, of another kind, or holds no value for the model.
    """
    path = path / VALUE if (path / VALUE).exists() else path
    try:
        if path.suffix == ".npy":
            return torch.from_numpy(np.load(path, allow_pickle=False).astype(np.float32))
        if path.suffix == ".safetensors":
            values = load_file(path)
            if name not in values and "baseline" not in values:
                raise UserError(f"{path}: no value `{name}` nor `baseline`; it has {', '.join(values)}")
            return values.get(name, values.get("baseline")).float()
    except (OSError, ValueError, EOFError, SafetensorError) as error:
        raise UserError(f"{path}: no readable baseline value ({first_line(error)}); write it again") from None
    raise UserError(f"{path}: no baseline value; name a .npy or .safetensors file")


def attach(model: LoadedModel, path: Path | None, name: str, rows: int = 100) -> LoadedModel:
    """The model with the baseline value that belongs to it, or with training rows of a tidy table, if there is one.

    Parameters
    ----------
    path
        As for `read`; or a tidy table in Parquet, of which ``rows`` are drawn, the same for all models.
    """
    if path is not None and path.suffix == ".parquet":
        model.background = background(read_table(path), model.columns, rows)
    elif path is not None:
        model.baseline = read(path, name)
    return model


def background(table: pa.Table, columns: Collection[str], rows: int) -> Any:
    """What a model that may read these columns reads of some training rows of a tidy table, drawn without a seed."""
    training = for_training(table)
    drawn = np.random.default_rng(0).permutation(len(training))[:rows]
    return inputs(training.take(np.sort(drawn)), columns)


# --------------------------------------------------------------------------------------------------- helpers


def _located(
    name: str, model: LoadedModel, candidates: pa.Table, masking: config.Masking, count: int
) -> list[tuple[Any, int]]:
    """The first candidates that can be masked, and their labels."""
    items = []
    for candidate in rows(candidates):
        try:
            items.append((locate(model, candidate, masking), candidate["label"]))
        except MaskingError:
            continue
        if len(items) == count:
            break
    if not items:
        raise UserError(f"model {name}: no candidate can be masked; choose other `players`")
    return items


def _start(model: ArrayClassifier | TextClassifier, masking: config.Masking, located: Located) -> Tensor:
    """The value to start from, on the model's device."""
    start = config.Masking(baseline=masking.learned.start)
    if isinstance(located, MaskedText):
        token = special_token(model.tokenizer, start.baseline)
        return replace(located, masking=start, token=token).bind(model).baseline
    value = model.mean if start.baseline == "mean" else torch.zeros_like(model.mean)
    return value.to(model.device)
