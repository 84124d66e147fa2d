"""Forward passes of a masked model, in batches that fit into memory."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from andor.errors import UserError
from andor.outputs.masking import MaskedModel

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluated:
    """Outputs on masked versions of a sample."""

    outputs: np.ndarray
    """float32 (2^n, C) in the order of the coalitions' bit masks, or (M, C) in that of the coalitions asked for."""
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
    drawn: np.ndarray | None = None,
) -> Evaluated:
    """Raw outputs for all 2^n coalitions, or for those asked for, and the batch size that was used.

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
    drawn
        Which players are present in the coalitions asked for, bool (M, n).

    Raises
    ------
    UserError
        If an output is not finite, or one coalition alone does not fit into memory.
    """
    size, asked = batch_size or masked.batch_size, None
    if drawn is None:
        count = 1 << masked.players
        size = min(size, count)
    else:
        count, asked = len(drawn), torch.from_numpy(drawn).to(masked.samples.device)
    while True:
        done = 0
        outputs: np.ndarray | None = None
        try:
            for coalitions, batch in masked.blocks(size, asked):
                where, values = coalitions.cpu().numpy(), batch.float().cpu().numpy()
                check_finite(values, where, name)
                if outputs is None:
                    outputs = np.empty((count, values.shape[1]), np.float32)
                outputs[where] = values
                advance(len(where))
                done += len(where)
            return Evaluated(outputs, size)
        except RuntimeError as error:
            if not out_of_memory(error):
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
            if not out_of_memory(error):
                raise
            break
        rate = size / (time.perf_counter() - began)
        if rate < 1.05 * best_rate:
            break
        best, best_rate, size = size, rate, 2 * size
    return best


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, on a GPU or in torch's own allocator."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def check_finite(outputs: np.ndarray, coalitions: np.ndarray, name: str) -> None:
    """Refuse outputs (B, C) of numbered coalitions (B,) that are not finite."""
    bad = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
    if len(bad):
        raise UserError(
            f"{name}, coalition {coalitions[bad[0]]}: output {outputs[bad[0]].tolist()} is not finite; "
            "train the model again (a lower `learning_rate`) or use another one"
        )
