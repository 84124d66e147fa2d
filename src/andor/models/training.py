"""Training and fine-tuning, the same bits for the same seed and number of threads."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from andor.data.table import arrays, is_numeric
from andor.errors import UserError
from andor.files import first_line
from andor.models.arithmetic import reproducible
from andor.models.inputs import count_labels, count_logits, for_training, labels_of, mean_input
from andor.models.loaded import ArrayClassifier, LoadedModel, TextClassifier, check_rows, suit, text_logits
from andor.models.settings import Training

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


WORD_DROPOUT = 0.5
"""Largest share of word pieces that a sentence loses to the mask token while a `TextCNN` is trained: drawn anew, evenly
from 0, for each sentence, so that texts with masked words are nothing new to it."""
SHIFT = 1 / 16
"""Largest shift of a training image, drawn anew each time it is seen, as a share of its side."""
FAR = 10
"""Standard deviations from 0 within which the mean of numbers has to be that a head without a bias is to learn."""
POOL = 50
"""Batches that are drawn together and sorted by length, so that texts of one batch need little padding."""

Loss = Callable[[np.ndarray], Tensor]
"""Mean loss over the training items at these positions."""
Kept = Callable[[int, LoadedModel], None]
"""What is done with the model as it is after a step that is to be kept."""


class OnArrays(Protocol):
    """What is trained on arrays: `andor.models.family.TrainedOnArrays`."""

    @property
    def trained_by(self) -> Training | None:
        """How."""

    @property
    def title(self) -> str:
        """Name of the network."""

    def described(self) -> dict[str, Any]:
        """What is stated of it."""

    def untrained(self, description: dict[str, Any], mean: Tensor, device: torch.device) -> ArrayClassifier:
        """A classifier with new weights."""

    def varied(self, inputs: Tensor) -> Tensor:
        """Inputs as they are shown in training."""


class OnTexts(Protocol):
    """What is trained on texts: `andor.models.family.TrainedOnTexts`."""

    family: str

    @property
    def trained_by(self) -> Training | None:
        """How."""

    def untrained(self, source: Path, labels: int) -> tuple[nn.Module, dict[str, Any], PreTrainedTokenizerFast]:
        """The network of so many labels that training begins with, what is stated of it, and its tokenizer."""

    def varied(self, token_ids: Tensor, tokenizer: PreTrainedTokenizerFast) -> Tensor:
        """Token ids as they are shown in training."""


def train_arrays(
    family: OnArrays,
    table: pa.Table,
    seed: int,
    device: torch.device | str,
    progress: bool,
    kept: Kept | None = None,
) -> ArrayClassifier:
    """A classifier trained on the training rows of a tidy table of arrays.

    Where labels are numbers, it learns to predict them by mean squared error.

    Parameters
    ----------
    seed
        Seed of new weights, batches and dropout. The same seed and number of threads give the same weights.
    progress
        Whether a bar on stderr shows loss, rate and time left.
    kept
        Called after each step of `training.keep` with that step and the model as it is then.

    Raises
    ------
    UserError
        If the loss is not finite, or a step that is to be kept is none of the training.
    """
    rows, outputs, device = for_training(table), count_logits(table), torch.device(device)
    with reproducible(seed):
        inputs, labels = torch.from_numpy(arrays(rows).copy()).to(device), labels_of(rows).to(device)
        description = {**family.described(), "outputs": outputs, "shape": list(inputs.shape[1:])}
        if is_numeric(rows):
            description["target"] = target = mean_and_spread(labels)
        model = family.untrained(description, mean_input(rows), device)
        network = model.network.requires_grad_(True)

        def loss(batch: np.ndarray) -> Tensor:
            logits = _of_batch(network, family.varied(inputs[batch]))
            if is_numeric(rows):  # in units of the spread, so that rates mean the same whatever the target is
                return functional.mse_loss(logits[:, 0] / target["spread"], labels[batch] / target["spread"])
            if outputs == 1:
                return functional.binary_cross_entropy_with_logits(logits[:, 0], labels[batch].float())
            return functional.cross_entropy(logits, labels[batch])

        def keep(step: int) -> None:
            if kept is not None:
                kept(step, type(model)(copy.deepcopy(network), description, model.mean))

        _fit(network, loss, labels.cpu().numpy(), None, family.trained_by, seed, progress and family.title, keep)
    return type(model)(network, description, model.mean)


def train_texts(
    family: OnTexts,
    table: pa.Table,
    source: Path,
    seed: int,
    device: torch.device | str,
    progress: bool,
    kept: Kept | None = None,
) -> TextClassifier:
    """A classifier trained on the training rows of a tidy table of texts (see `train_arrays`).

    Where labels are numbers, it learns them standardised, and its head is then scaled and shifted to their units: what
    is saved predicts them as it is. A head without a bias learns the mean too.

    Parameters
    ----------
    source
        Folder of the pretrained network, or of the tokenizer alone.
    """
    rows, device, numeric = for_training(table), torch.device(device), is_numeric(table)
    labels = labels_of(rows)
    with reproducible(seed):
        network, description, tokenizer = family.untrained(source, 1 if numeric else max(count_labels(table), 2))
        units = units_of(labels, network) if numeric else {}
        learnt = (labels - units["mean"]) / units["spread"] if units else labels
        suit(tokenizer, network)
        token_ids = encode(tokenizer, rows["text"].to_pylist())
        embedding = network.to(device).get_input_embeddings()
        check_rows(tokenizer, embedding, torch.tensor([max(text, default=0) for text in token_ids]))
        # A padding token may have no embedding of its own: what stands there is not read.
        padding = min(tokenizer.pad_token_id or 0, embedding.num_embeddings - 1)
        classify = text_logits if ignores_padding(network) else unpadded_logits

        def loss(batch: np.ndarray) -> Tensor:
            texts = [torch.tensor(token_ids[item]) for item in batch]
            padded = nn.utils.rnn.pad_sequence(texts, batch_first=True, padding_value=padding)
            lengths = torch.tensor([len(text) for text in texts])
            mask = (torch.arange(padded.shape[1]) < lengths.unsqueeze(1)).long()
            shown = family.varied(padded, tokenizer).to(device)
            logits = classify(network, embedding(shown), mask.to(device))
            if units:
                return functional.mse_loss(logits[:, 0], learnt[batch].to(device))
            return functional.cross_entropy(logits, learnt[batch].to(device))

        def done(network: nn.Module) -> TextClassifier:
            return TextClassifier(in_units(network, units) if units else network, description, tokenizer)

        def keep(step: int) -> None:
            if kept is not None:
                kept(step, done(copy.deepcopy(network)))

        lengths = np.array([len(text) for text in token_ids])
        _fit(network, loss, labels.numpy(), lengths, family.trained_by, seed, progress and family.family, keep)
        return done(network)


def mean_and_spread(numbers: Tensor) -> dict[str, float]:
    """Mean and standard deviation of a target's numbers (rows,); a spread of 1 where all are the same."""
    spread = numbers.std(correction=0).item()
    return {"mean": numbers.mean().item(), "spread": spread if spread > 0 else 1.0}


def units_of(numbers: Tensor, network: nn.Module) -> dict[str, float]:
    """What numbers (rows,) are standardised by before a network of texts learns them: a mean of 0 if it has no bias.

    Raises
    ------
    UserError
        If it has none, and the numbers are so far from 0 that it would learn nothing but their mean.
    """
    units = mean_and_spread(numbers)
    if _head(network).bias is not None:
        return units
    if abs(units["mean"]) > FAR * units["spread"]:
        raise UserError(
            f"the head of a network `{type(network).__name__}` has no bias, and cannot learn numbers of a mean of "
            f"{units['mean']:.4g} that spread by {units['spread']:.2g}; subtract the mean in the data, or use an "
            "encoder"
        )
    return units | {"mean": 0.0}


@torch.no_grad()
def in_units(network: nn.Module, units: Mapping[str, float]) -> nn.Module:
    """A network that learnt standardised numbers, its head changed in place so that it predicts them in their units."""
    head = _head(network)
    head.weight.mul_(units["spread"])
    if head.bias is not None:
        head.bias.mul_(units["spread"]).add_(units["mean"])
    return network


def _head(network: nn.Module) -> nn.Linear:
    """The last layer of a network of one output."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear) and layer.out_features == 1]
    if not layers:
        raise UserError(
            f"a network `{type(network).__name__}` ends in no linear layer, so it cannot be fine-tuned to predict a "
            "number; use another one"
        )
    return layers[-1]


def _of_batch(network: nn.Module, inputs: Tensor) -> Tensor:
    """Logits of a batch in training."""
    try:
        return network(inputs)
    except ValueError as error:
        if len(inputs) > 1:
            raise
        raise UserError(f"training on one item at a time: {first_line(error)}; raise `training.batch_size`") from None


@torch.no_grad()
def ignores_padding(network: nn.Module) -> bool:
    """Whether a network says the same of a text with padding behind it; a head on the last position does not.

    Four tokens are tried, whatever the network's class says.
    """
    training, embedding = network.training, network.eval().get_input_embeddings()
    tokens = torch.arange(8, device=embedding.weight.device)[None] % embedding.num_embeddings
    mask = (torch.arange(8, device=tokens.device)[None] < 4).long()
    alone, padded = text_logits(network, embedding(tokens[:, :4])), text_logits(network, embedding(tokens), mask)
    network.train(training)
    return bool((alone - padded).abs().max() <= 1e-3 * alone.abs().max())


def unpadded_logits(network: nn.Module, embeddings: Tensor, mask: Tensor) -> Tensor:
    """Logits of texts, those of one length together and without their padding."""
    lengths = mask.sum(dim=1)
    groups = [(lengths == length).nonzero()[:, 0] for length in lengths.unique()]
    logits = [text_logits(network, embeddings[rows, : int(lengths[rows[0]])]) for rows in groups]
    return torch.cat(logits)[torch.cat(groups).argsort()]


def shifted(images: Tensor) -> Tensor:
    """Images (B, C, H, W), each moved by a few pixels up or down and left or right; 0 moves in (see `SHIFT`)."""
    height, width = images.shape[-2:]
    most = round(SHIFT * width)
    padded = functional.pad(images, (most,) * 4)
    corners = torch.randint(0, 2 * most + 1, (len(images), 2)).tolist()
    return torch.stack([image[:, y : y + height, x : x + width] for image, (y, x) in zip(padded, corners, strict=True)])


def encode(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of texts, cut off at the tokenizer's greatest length."""
    return tokenizer(list(texts), truncation=tokenizer.model_max_length < 10**9)["input_ids"]


def dropped(token_ids: Tensor, tokenizer: PreTrainedTokenizerFast) -> Tensor:
    """Token ids (B, L) with some words of each text replaced by the mask token (see `WORD_DROPOUT`)."""
    special = torch.isin(token_ids, torch.tensor(tokenizer.all_special_ids))
    share = WORD_DROPOUT * torch.rand(len(token_ids), 1)
    return token_ids.masked_fill((torch.rand(token_ids.shape) < share) & ~special, tokenizer.mask_token_id)


# ------------------------------------------------------------------------------------------------ optimisation


def _fit(
    network: nn.Module,
    loss: Loss,
    labels: np.ndarray,
    lengths: np.ndarray | None,
    training: Training,
    seed: int,
    title: str | bool,
    keep: Callable[[int], None],
) -> None:
    """Train a network in place; `keep` is called after each step that is to be kept."""
    random = np.random.default_rng(seed)
    batches = [batch for _ in range(training.epochs) for batch in _epoch(labels, lengths, training, random)]
    if training.last_step > len(batches):
        raise UserError(f"`training`: step {training.last_step} is beyond its end, {len(batches)} steps; lower it")
    optimizer = _optimizer(network, training)
    schedule = _schedule(optimizer, training, len(batches))
    network.train()
    if 0 in training.keep:
        keep(0)
    bar = tqdm(
        batches[: training.until], desc=title or None, unit="step", disable=not title, file=sys.stderr,
        mininterval=0.5 if sys.stderr.isatty() else 10,  # a log file wants fewer lines than a terminal
    )  # fmt: skip
    for step, batch in enumerate(bar, 1):
        value = loss(batch)
        if not math.isfinite(value.item()):
            raise UserError(
                f"`training.learning_rate: {training.learning_rate}`: the loss became {value.item()}; lower it"
            )
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        bar.set_postfix(loss=f"{value.item():.3f}", rate=f"{schedule.get_last_lr()[0]:.1e}", refresh=False)
        schedule.step()
        if step in training.keep:
            keep(step)


def _optimizer(network: nn.Module, training: Training) -> torch.optim.Optimizer:
    # Biases and the scales of norms are not decayed: pulling them to 0 makes nothing simpler.
    weights = list(network.parameters())
    groups = [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": training.weight_decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    if training.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=training.learning_rate, momentum=0.9)
    return torch.optim.AdamW(groups, lr=training.learning_rate, fused=True)


def _schedule(optimizer: torch.optim.Optimizer, training: Training, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """How the rate changes over so many steps, as many in each epoch."""
    if training.schedule == "log":  # np.logspace(log10(rate), log10(rate) − 1, epochs) in the authors' code
        epoch, last = max(steps // max(training.epochs, 1), 1), max(training.epochs - 1, 1)
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 10 ** -(step // epoch / last))
    rising = (
        0.0 if steps == 10 else 0.1
    )  # of ten steps the first would be all of the rise, and torch divides by its length
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, training.learning_rate, total_steps=max(steps, 2), pct_start=rising, cycle_momentum=False
    )


def _epoch(
    labels: np.ndarray, lengths: np.ndarray | None, training: Training, random: np.random.Generator
) -> Iterator[np.ndarray]:
    """Positions of the training items of each batch of one epoch."""
    if training.balanced:
        known = np.unique(labels)
        share = len(labels) // len(known)
        items = np.concatenate([_drawn(np.flatnonzero(labels == label), share, random) for label in known])
    else:
        items = np.arange(len(labels))
    items = random.permutation(items)
    if lengths is None:
        *whole, last = _cut(items, training.batch_size)
        if whole and len(last) == 1 < training.batch_size:  # which has no variance, as batch normalisation needs it
            whole[-1] = np.append(whole[-1], last)
        else:
            whole.append(last)
        yield from whole
        return
    batches = []
    for pool in _cut(items, training.batch_size * POOL):
        batches += _cut(pool[np.argsort(lengths[pool], kind="stable")], training.batch_size)
    for position in random.permutation(len(batches)):
        yield batches[position]


def _drawn(items: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """So many of the items, each as often as any other, give or take one."""
    rounds = [random.permutation(items) for _ in range(math.ceil(count / len(items)))]
    return np.concatenate(rounds)[:count]


def _cut(items: np.ndarray, size: int) -> list[np.ndarray]:
    return [items[start : start + size] for start in range(0, len(items), size)]
