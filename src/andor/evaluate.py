"""Masked forward passes: a model's raw outputs on every masked version of a sample, each computed once and kept."""

from __future__ import annotations

import csv
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from tqdm import tqdm

from andor import config
from andor.errors import UserError
from andor.masking import Located, MaskedModel, MaskingError, locate
from andor.samples import rows
from andor.store import LANGUAGE_OUTPUTS, OutputCache, classifier_outputs, link_or_copy, replacing

FORMAT = 1
"""Version of what is stored: raise it when the same content would give other numbers or another file."""

_log = logging.getLogger(__name__)


def presence(start: int, stop: int, players: int, device: torch.device | str = "cpu") -> Tensor:
    """Which players are present in the coalitions start..stop−1, bool (stop − start, players)."""
    coalitions = torch.arange(start, stop, device=device)
    return (coalitions[:, None] >> torch.arange(players, device=device) & 1).bool()


@torch.inference_mode()
def evaluate(
    masked: MaskedModel,
    batch_size: int | None = None,
    name: str = "the model",
    advance: Callable[[int], Any] = lambda coalitions: None,
) -> np.ndarray:
    """Raw outputs for all 2^n coalitions, float32 (2^n, C), in the order of their bit masks.

    Parameters
    ----------
    masked
        A sample bound to a model.
    batch_size
        Coalitions of one forward pass, a power of two; by default that of `masked`. Outputs of one batch size are
        bitwise repeatable, those of two agree to float32 rounding. It is halved when CUDA runs out of memory.
    name
        What to call the model and sample in an error.
    advance
        Called after each batch with the number of coalitions done.

    Raises
    ------
    UserError
        If an output is not finite, or one coalition alone does not fit into memory.
    """
    total = 1 << masked.players
    size = min(batch_size or masked.batch_size, total)
    outputs: np.ndarray | None = None
    start = 0
    while start < total:
        try:
            batch = masked(presence(start, start + size, masked.players, masked.samples.device)).cpu().numpy()
        except torch.OutOfMemoryError:
            if size == 1:
                raise UserError(f"{name}: one input alone exceeds the memory of the GPU; set `device: cpu`") from None
            size //= 2
            _log.warning("%s: out of GPU memory, going on with batches of %d", name, size)
            torch.cuda.empty_cache()
            continue
        _check_finite(batch, start, name)
        if outputs is None:
            outputs = np.empty((total, batch.shape[1]), np.float32)
        outputs[start : start + size] = batch
        advance(size)
        start += size
    return outputs


def evaluate_chunk(
    name: str,
    model: Any,
    samples: pa.Table,
    masking: config.Masking,
    cache: OutputCache,
    folder: Path,
    progress: bool = True,
) -> None:
    """Masked outputs of one model on some samples: `folder`/<sample>.parquet each, and `folder`/timings.csv.

    A sample found in the cache costs no forward pass; every other is kept there as soon as it is done, so that a killed
    run loses the sample it was on and no more.

    Parameters
    ----------
    name
        The model's name, for messages.
    model
        From `andor.models.load`.
    samples
        Rows of `samples.parquet`.
    progress
        Whether to show masks per second and the time left on standard error.

    Raises
    ------
    UserError
        If an output is not finite or a sample cannot be masked; it names model, sample and coalition.
    """
    timings = []
    masks = sum(1 << len(players) for players in samples["players"].to_pylist())
    # A log that is no terminal gets a line now and then instead of a bar redrawn ten times a second.
    interval = 0.1 if sys.stderr.isatty() else 10.0
    with tqdm(total=masks, unit="mask", unit_scale=True, mininterval=interval, disable=not progress) as bar:
        for sample in rows(samples):
            began = time.perf_counter()
            number, coalitions = sample["sample"], 1 << len(sample["players"])
            bar.set_description(f"{name}, sample {number}", refresh=False)
            try:
                located = locate(model, sample, masking)
            except MaskingError as error:
                raise UserError(
                    f"model {name}, sample {number}: {error}; delete samples.parquet and run again"
                ) from None
            content = cache_content(model, located)
            kept = cache.find(content, coalitions)
            cached = kept is not None
            if kept is None:
                outputs = evaluate(located.bind(model), name=f"model {name}, sample {number}", advance=bar.update)
                kept = cache.keep(content, outputs_table(outputs, model.family == "causal_lm"))
            else:
                bar.total -= coalitions  # the rate is that of forward passes
            link_or_copy(kept, Path(folder) / f"{number}.parquet")
            seconds = time.perf_counter() - began
            timings.append((number, f"{seconds:.4f}", str(cached).lower()))
            found = "cached" if cached else f"{coalitions / seconds:.0f} masks/s"
            _log.info("%s, sample %d: %d masks in %.2f s (%s)", name, number, coalitions, seconds, found)
    with replacing(Path(folder) / "timings.csv") as path, path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("sample", "seconds", "cached"), *timings])


def cache_content(model: Any, located: Located) -> dict[str, Any]:
    """What names masked outputs in the cache: everything that can change a number in them, and nothing else."""
    precision = model.description.get("dtype", "float32")
    return {"format": FORMAT, "model": model.digest, "precision": precision, **located.content()}


def outputs_table(outputs: np.ndarray, language: bool) -> pa.Table:
    """Outputs (2^n, C) as they are stored: all logits, or log-probability and log-odds of the target."""
    coalition = pa.array(np.arange(len(outputs), dtype=np.uint32))
    if language:
        columns = [coalition, *(pa.array(column) for column in outputs.T)]
        return pa.Table.from_arrays(columns, schema=LANGUAGE_OUTPUTS)
    classes = outputs.shape[1]
    logits = pa.FixedSizeListArray.from_arrays(pa.array(outputs.ravel()), classes)
    return pa.Table.from_arrays([coalition, logits], schema=classifier_outputs(classes))


@torch.inference_mode()
def screen(name: str, model: Any, candidates: pa.Table, masking: config.Masking) -> pa.Table:
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
        ends = torch.stack([torch.zeros(players, dtype=torch.bool), torch.ones(players, dtype=torch.bool)])
        outputs = masked(ends.to(masked.samples.device)).cpu().numpy()
        for row, coalition in enumerate((0, (1 << players) - 1)):
            _check_finite(outputs[row : row + 1], coalition, f"model {name}, item {candidate['item']}")
        screened.append({"item": candidate["item"], "empty": outputs[0].tolist(), "full": outputs[1].tolist()})
    outputs_type = pa.list_(pa.float32())
    schema = [("item", pa.int32()), ("full", outputs_type), ("empty", outputs_type), ("reason", pa.string())]
    return pa.Table.from_pylist(screened, pa.schema(schema))


@torch.inference_mode()
def with_targets(model: Any, candidates: pa.Table) -> pa.Table:
    """Candidates with `target`: the text of the language model's most likely next token after the whole prompt.

    Special tokens and those that are no text by themselves (part of a character) are passed over.
    """
    targets = [_next_text(model, text) for text in candidates["text"].to_pylist()]
    return candidates.append_column("target", pa.array(targets, pa.string()))


def _next_text(model: Any, prompt: str) -> str:
    tokenizer = model.tokenizer
    ids = tokenizer(prompt, truncation=tokenizer.model_max_length < 10**9)["input_ids"]
    logits = model.next_logits(model.embed(torch.tensor(ids, device=model.device))[None])[0]
    before = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    for token in logits[: len(tokenizer)].argsort(descending=True, stable=True).tolist():
        # Decoded together with the prompt: some tokenizers drop the leading space of a token that stands alone.
        text = tokenizer.decode([*ids, token], clean_up_tokenization_spaces=False)[len(before) :]
        if token not in tokenizer.all_special_ids and text.strip() and "\ufffd" not in text:
            return text
    raise UserError(f"the target model has no next token that is text after {prompt[:40]!r}; name another `target`")


def _check_finite(outputs: np.ndarray, first: int, name: str) -> None:
    bad = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
    if len(bad):
        raise UserError(
            f"{name}, coalition {first + bad[0]}: output {outputs[bad[0]].tolist()} is not finite; "
            "train the model again (a lower `learning_rate`) or use another one"
        )
