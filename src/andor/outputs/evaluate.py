"""Masked forward passes: a model's raw outputs on every masked version of a sample, each computed once and kept."""

from __future__ import annotations

import csv
import logging
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch
from tqdm import tqdm

from andor import config
from andor.data.table import rows
from andor.errors import UserError
from andor.files import link_or_copy, replacing
from andor.models.loaded import LanguageModel, LoadedModel
from andor.outputs.cache import OutputCache
from andor.outputs.masking import Located, MaskedModel, MaskingError, locate, presence
from andor.outputs.stored import outputs_table

FORMAT = 1
"""Version of what is stored: raise it when the same content would give other numbers or another file."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluated:
    """Outputs on all masked versions of a sample."""

    outputs: np.ndarray
    """float32 (2^n, C), in the order of the coalitions' bit masks."""
    batch_size: int
    """Coalitions of one forward pass."""


def evaluate(
    masked: MaskedModel,
    batch_size: int | None = None,
    name: str = "the model",
    advance: Callable[[int], Any] = lambda coalitions: None,
) -> np.ndarray:
    """Raw outputs for all 2^n coalitions, float32 (2^n, C), in the order of their bit masks (see `evaluated`)."""
    return evaluated(masked, batch_size, name, advance).outputs


@torch.inference_mode()
def evaluated(
    masked: MaskedModel,
    batch_size: int | None = None,
    name: str = "the model",
    advance: Callable[[int], Any] = lambda coalitions: None,
) -> Evaluated:
    """Raw outputs for all 2^n coalitions, and the batch size that was used.

    Parameters
    ----------
    masked
        A sample bound to a model.
    batch_size
        Coalitions of one forward pass, a power of two; by default that of `masked`. Outputs of one batch size are
        bitwise repeatable, those of two agree to float32 rounding. When memory runs out it is halved and the sample
        begun again, so that all outputs of a sample have one batch size.
    name
        What to call the model and sample in an error.
    advance
        Called after each batch with the number of coalitions done; with a negative number when they are begun again.

    Raises
    ------
    UserError
        If an output is not finite, or one coalition alone does not fit into memory.
    """
    size = min(batch_size or masked.batch_size, 1 << masked.players)
    while True:
        done = 0
        outputs: np.ndarray | None = None
        try:
            for coalitions, batch in masked.blocks(size):
                where, values = coalitions.cpu().numpy(), batch.float().cpu().numpy()
                _check_finite(values, where, name)
                if outputs is None:
                    outputs = np.empty((1 << masked.players, values.shape[1]), np.float32)
                outputs[where] = values
                advance(len(where))
                done += len(where)
            return Evaluated(outputs, size)
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
        advance(-done)
        if size == 1:
            raise UserError(f"{name}: one input alone exceeds the memory; use `device: cpu` or a smaller model")
        size //= 2
        _log.warning("%s: out of memory, beginning again with batches of %d", name, size)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


@torch.inference_mode()
def fastest_batch_size(masked: MaskedModel) -> int:
    """The power of two at which inputs go through fastest here, doubled as long as that gains a twentieth.

    Another machine, or another moment, may find another one: numbers then agree to rounding, not bit by bit.
    """
    best, best_rate, size = 1, 0.0, 1
    while size <= 1 << masked.players:
        try:
            masked.trial(size)  # the first of a size may allocate, or choose a kernel
            began = time.perf_counter()
            masked.trial(size)
            if masked.samples.is_cuda:
                torch.cuda.synchronize()
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            break
        rate = size / (time.perf_counter() - began)
        if rate < 1.05 * best_rate:
            break
        best, best_rate, size = size, rate, 2 * size
    return best


def evaluate_chunk(
    name: str,
    model: LoadedModel,
    samples: pa.Table,
    masking: config.Masking,
    cache: OutputCache,
    folder: Path,
    progress: bool = True,
    batch_size: int | Literal["fixed", "auto"] = "fixed",
) -> None:
    """Masked outputs of one model on some samples: `folder`/<sample>.parquet each, and `folder`/timings.csv.

    A sample found in the cache costs no forward pass; every other is kept there as soon as it is done, so that a killed
    run loses the sample it was on and no more. The files' metadata say how they were computed (see `provenance`).

    Parameters
    ----------
    name : the model's name, for messages
    model : from `andor.models.loading.load`
    samples : rows of `samples.parquet`
    progress : whether to show masks per second and the time left on standard error
    batch_size : coalitions of one forward pass: `fixed` by the rule of the model's family; `auto`, the fastest on the
        first sample; or a power of two. When memory runs out it is halved, and stays so for the samples that follow.

    Raises
    ------
    UserError
        If an output is not finite or a sample cannot be masked; it names model, sample and coalition.
    """
    timings, sizes = [], _Sizes(batch_size)
    masks = sum(1 << len(players) for players in samples["players"].to_pylist())
    # A log that is no terminal gets a line now and then instead of a bar redrawn ten times a second.
    interval = 0.1 if sys.stderr.isatty() else 10.0
    with tqdm(total=masks, unit="mask", unit_scale=True, mininterval=interval, disable=not progress) as bar:
        for sample in rows(samples):
            began = time.perf_counter()
            number, coalitions = sample["sample"], 1 << len(sample["players"])
            bar.set_description(f"{name}, sample {number}", refresh=False)
            located = _located(f"model {name}, sample {number}", model, sample, masking)
            content = cache_content(model, located)
            kept = cache.find(content, coalitions)
            cached = kept is not None
            if kept is None:
                masked = located.bind(model)
                done = evaluated(masked, sizes.of(masked), f"model {name}, sample {number}", bar.update)
                sizes.learn(masked, done.batch_size)
                made = provenance(model, done.batch_size) | noise(model, masked, done.outputs)
                kept = cache.keep(content, outputs_table(done.outputs, isinstance(model, LanguageModel)), made)
            else:
                bar.total -= coalitions  # the rate is that of forward passes
            link_or_copy(kept, Path(folder) / f"{number}.parquet")
            seconds = time.perf_counter() - began
            timings.append((number, f"{seconds:.4f}", str(cached).lower()))
            found = "cached" if cached else f"{coalitions / seconds:.0f} masks/s, batches of {done.batch_size}"
            _log.info("%s, sample %d: %d masks in %.2f s (%s)", name, number, coalitions, seconds, found)
    with replacing(Path(folder) / "timings.csv") as path, path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("sample", "seconds", "cached"), *timings])


class _Sizes:
    """Batch sizes from sample to sample: as configured, and never more than memory has been enough for."""

    def __init__(self, batch_size: int | Literal["fixed", "auto"]) -> None:
        self.rule = batch_size
        self.most = None if isinstance(batch_size, str) else batch_size

    def of(self, masked: MaskedModel) -> int:
        """Size for a sample."""
        if self.rule == "fixed":
            return min(masked.batch_size, self.most or masked.batch_size)
        if self.most is None:
            self.most = fastest_batch_size(masked)
        return self.most

    def learn(self, masked: MaskedModel, done: int) -> None:
        """Remember the size that a sample was done with, if it was to be larger."""
        if done < min(self.of(masked), 1 << masked.players):
            self.most = done


def _located(where: str, model: LoadedModel, sample: Mapping[str, Any], masking: config.Masking) -> Located:
    try:
        return locate(model, sample, masking)
    except MaskingError as error:
        raise UserError(f"{where}: {error}; delete samples.parquet and run again") from None


def provenance(model: LoadedModel, batch_size: int) -> dict[str, Any]:
    """Batch size, device, threads and versions that outputs were computed with: what may change their last bits.

    None of it is in the cache's key: outputs of other batches, devices or versions agree to the rounding of the
    precision, and an update of torch is no reason to compute for days again.
    """
    device = torch.device(model.device)
    made = {
        "batch_size": batch_size,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    if type(model.network).__module__.startswith("transformers."):
        made["transformers"] = sys.modules["transformers"].__version__
    return made


@torch.no_grad()
def noise(model: LoadedModel, masked: MaskedModel, outputs: np.ndarray) -> dict[str, float | None]:
    """The noise of reduced precision: σ of the log-odds about those of float32 arithmetic with the same weights.

    Independent noise of σ in v is noise of σ·2^{|S|/2} in I(S), to which 2^{|S|} values are added. Measured on at most
    16 coalitions spread over all; None where the weights do not fit into memory in float32, and nothing at all for
    models that are in float32.
    """
    if (dtype := model.precision) == "float32":
        return {}
    count = 1 << masked.players
    chosen = torch.arange(0, count, max(1, count // 16), device=masked.samples.device)
    try:
        with model.in_float32():
            exact = torch.cat([masked(presence(one[None], masked.players)) for one in chosen])[:, 1].cpu().numpy()
    except RuntimeError as error:
        if not _out_of_memory(error):
            raise
        _log.warning("%s adds noise to v that cannot be measured: no memory for the weights in float32", dtype)
        return {"noise": None}
    sigma = float(np.sqrt(np.mean((outputs[chosen.cpu().numpy(), 1] - exact) ** 2)))
    worst = sigma * 2 ** (masked.players / 2)
    _log.warning("%s adds noise of σ = %.2g to v: up to %.2g to an interaction of all players", dtype, sigma, worst)
    return {"noise": sigma}


def cache_content(model: LoadedModel, located: Located) -> dict[str, Any]:
    """Content that names masked outputs in the cache: all that can change a number in them, and nothing else."""
    return {"format": FORMAT, "model": model.digest, "precision": model.precision, **located.content()}


@torch.inference_mode()
def screen(name: str, model: LoadedModel, candidates: pa.Table, masking: config.Masking) -> pa.Table:
    """Raw outputs with all players and with none: what it takes to see whether a candidate is eligible.

    Returns
    -------
    pa.Table
        A row per candidate, in their order: `item`; `full` and `empty` (list<float32>), the outputs for N and ∅; and
        `reason`, null unless the candidate cannot be masked for this model (then `full` and `empty` are null).

    Raises
    ------
    UserError
        If an output is not finite.
    """
    screened = []
    for candidate in rows(candidates):
        try:
            masked = locate(model, candidate, masking).bind(model)
        except MaskingError as reason:
            screened.append({"item": candidate["item"], "reason": str(reason)})
            continue
        players = masked.players
        ends = torch.tensor([0, (1 << players) - 1], device=masked.samples.device)
        outputs = masked(presence(ends, players)).cpu().numpy()
        _check_finite(outputs, ends.cpu().numpy(), f"model {name}, item {candidate['item']}")
        screened.append({"item": candidate["item"], "empty": outputs[0].tolist(), "full": outputs[1].tolist()})
    outputs_type = pa.list_(pa.float32())
    schema = [("item", pa.int32()), ("full", outputs_type), ("empty", outputs_type), ("reason", pa.string())]
    return pa.Table.from_pylist(screened, pa.schema(schema))


def _out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, on a GPU or in torch's own allocator."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _check_finite(outputs: np.ndarray, coalitions: np.ndarray, name: str) -> None:
    bad = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
    if len(bad):
        raise UserError(
            f"{name}, coalition {coalitions[bad[0]]}: output {outputs[bad[0]].tolist()} is not finite; "
            "train the model again (a lower `learning_rate`) or use another one"
        )
