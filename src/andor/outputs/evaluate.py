"""Masked forward passes: a model's raw outputs on every masked version of a sample, each computed once and kept."""

from __future__ import annotations

import csv
import hashlib
import logging
import sys
import time
from collections.abc import Mapping
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
from andor.models.loaded import PROBABILITY, LanguageModel, LoadedModel
from andor.models.served import ServedClassifier
from andor.models.settings import REPEATS
from andor.outputs import drawn as coalitions
from andor.outputs import library
from andor.outputs.cache import OutputCache
from andor.outputs.masking import Located, MaskedModel, MaskingError, locate, presence
from andor.outputs.passes import check_finite, evaluated, fastest_batch_size, out_of_memory
from andor.outputs.rewards import classifier_reward
from andor.outputs.stored import outputs_table, stored, write_drawn
from andor.store import read_table

FORMAT = 1
"""Version of what is stored: raise it when the same content would give other numbers or another file."""

CUT = 0.999 * float(np.log(1 / PROBABILITY - 1))
"""Log-odds beyond which they are those of a probability that was kept away from 0 or 1."""
CERTAIN = (
    "the probability of its label is 0 or 1 for {:.0%} of the masked inputs; if the reward is log-odds, which end at "
    "±16 there, interactions are of that jump: take `reward: {{kind: probability}}`, or a model that is never certain"
)

_log = logging.getLogger(__name__)


def evaluate_chunk(
    name: str,
    model: LoadedModel,
    samples: pa.Table,
    masking: config.Masking,
    cache: OutputCache,
    folder: Path,
    progress: bool = True,
    batch_size: int | Literal["fixed", "auto"] = "fixed",
    budget: config.Budget | None = None,
    seed: int = 0,
) -> None:
    """Masked outputs of one model on some samples: `folder`/<sample>.parquet each, and `folder`/timings.csv.

    What is found in the cache costs no forward pass; every other sample, or block of drawn coalitions, is kept there as
    soon as it is done, so that a killed run loses the one it was on and no more. The files' metadata say how they were
    computed (see `provenance`).

    Parameters
    ----------
    name : the model's name, for messages
    model : from `andor.models.loading.load`
    samples : rows of `samples.parquet`
    progress : whether to show masks per second and the time left on standard error
    batch_size : coalitions of one forward pass: `fixed` by the rule of the model's family; `auto`, the fastest on the
        first sample; or a power of two. When memory runs out it is halved, and stays so for the samples that follow.
    budget : how many coalitions are drawn of each sample, with the seed and its `item`; all 2^n if None

    Raises
    ------
    UserError
        If an output is not finite or a sample cannot be masked; it names model, sample and coalition.
    """
    every, timings = rows(samples), []
    masks = sum(1 << len(own) if budget is None else budget.total for own in samples["players"].to_pylist())
    # A log that is no terminal gets a line now and then instead of a bar redrawn ten times a second.
    interval = 0.1 if sys.stderr.isatty() else 10.0
    with tqdm(total=masks, unit="mask", unit_scale=True, mininterval=interval, disable=not progress) as bar:
        passes = _Passes(name, model, cache, _Sizes(batch_size), bar)
        for sample in every:
            began, number, known = time.perf_counter(), sample["sample"], passes.known
            where = f"model {name}, sample {number}"
            bar.set_description(f"{name}, sample {number}", refresh=False)
            located, path = _located(where, model, sample, masking), Path(folder) / f"{number}.parquet"
            if budget is None:
                count = 1 << len(sample["players"])
                link_or_copy(passes.outputs(where, located, count), path)
            else:
                count, drawn = budget.total, (len(sample["players"]), budget.budget, budget.held_out)
                blocks = coalitions.blocks(*drawn, (seed, sample.get("item", number)))
                kept = [passes.outputs(where, located, len(block), block) for block in blocks]
                write_drawn(path, kept, budget.budget)
            if share := certain(model, path, sample.get("label")):
                bar.write(f"warning: {where}: {CERTAIN.format(share)}", file=sys.stderr)
            seconds, cached = time.perf_counter() - began, passes.known - known
            timings.append((number, f"{seconds:.4f}", str(cached == count).lower()))
            found = f"{cached} from the cache, {(count - cached) / seconds:.0f} masks/s"
            _log.info("%s: %d masks in %.2f s (%s)", where, count, seconds, found)
    with replacing(Path(folder) / "timings.csv") as path, path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("sample", "seconds", "cached"), *timings])


@dataclass
class _Passes:
    """Outputs of one model, from the cache where it has them."""

    name: str
    model: LoadedModel
    cache: OutputCache
    sizes: _Sizes
    bar: tqdm
    known: int = 0
    """Coalitions that came from the cache."""
    _last: tuple[Located, MaskedModel] | None = None
    """The sample that was last computed, with the model's weights."""

    def outputs(self, where: str, located: Located, count: int, drawn: np.ndarray | None = None) -> Path:
        """File of the outputs on all coalitions, or on a block of drawn ones (count, n), in the cache."""
        content = cache_content(self.model, located, drawn)
        kept = self.cache.find(content, count)
        if kept is not None:
            self.known += count
            self.bar.total -= count  # the rate is that of forward passes
            return kept
        last, is_first = self._last, False
        if last is None or last[0] is not located:
            last, is_first = (located, located.bind(self.model)), True
        self._last, masked = last, last[1]
        done = evaluated(masked, self.sizes.of(masked), where, self.bar.update, drawn)
        self.sizes.learn(masked, done.batch_size)
        made = provenance(self.model, done.batch_size)
        if is_first:  # once a sample: all weights are converted for it
            made |= noise(self.model, masked, done.outputs, drawn)
        if isinstance(self.model, ServedClassifier):
            made |= self.model.spent()
        return self.cache.keep(content, outputs_table(done.outputs, isinstance(self.model, LanguageModel), drawn), made)


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


def certain(model: LoadedModel, path: Path, label: int | None) -> float:
    """Share of the outputs in a file at which log-odds of the label are cut; 0 of models that give no probabilities."""
    if getattr(model, "gives", "logits") != "probabilities" or label is None:
        return 0.0
    outputs, _ = stored(read_table(path))
    return float((np.abs(classifier_reward(outputs, label, "log_odds")) > CUT).mean())


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
def noise(
    model: LoadedModel, masked: MaskedModel, outputs: np.ndarray, drawn: np.ndarray | None = None
) -> dict[str, float | None]:
    """The noise of reduced precision: σ of the log-odds about those of float32 arithmetic with the same weights.

    Independent noise of σ in v is noise of σ·2^{|S|/2} in I(S), to which 2^{|S|} values are added. Measured on at most
    16 of the coalitions, spread over them; None where the weights do not fit into memory in float32, and nothing at all
    for models that are in float32.
    """
    if isinstance(model, ServedClassifier):
        return repeated(model, masked, outputs, drawn)
    if (dtype := model.precision) == "float32":
        return {}
    chosen = torch.arange(0, len(outputs), max(1, len(outputs) // 16))
    present = presence(chosen, masked.players) if drawn is None else torch.from_numpy(drawn)[chosen]
    try:
        with model.in_float32():
            exact = torch.cat([masked(one[None].to(masked.samples.device)) for one in present]).cpu().numpy()
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        _log.warning("%s adds noise to v that cannot be measured: no memory for the weights in float32", dtype)
        return {"noise": None}
    odds = _odds(model, outputs[chosen.numpy()]) - _odds(model, exact)
    sigma = float(np.sqrt(np.mean(odds**2)))
    if drawn is None:
        worst = sigma * 2 ** (masked.players / 2)
        _log.warning("%s adds noise of σ = %.2g to v: up to %.2g to an interaction of all players", dtype, sigma, worst)
    return {"noise": sigma}


def repeated(
    model: ServedClassifier, masked: MaskedModel, outputs: np.ndarray, drawn: np.ndarray | None
) -> dict[str, float | None]:
    """The noise of a server: σ of the log-odds, from a few coalitions that it is asked about once more.

    Both answers have it: their difference has √2 of it.
    """
    chosen = torch.from_numpy(np.unique(np.linspace(0, len(outputs) - 1, REPEATS).astype(int)))
    present = presence(chosen, masked.players) if drawn is None else torch.from_numpy(drawn)[chosen]
    odds = _odds(model, outputs[chosen.numpy()]) - _odds(model, masked(present).numpy())
    sigma = float(np.sqrt(np.mean(odds**2) / 2))
    _log.info("repeated requests differ by σ = %.2g in v", sigma)
    return {"noise": sigma, "repeats": len(chosen)}


def _odds(model: LoadedModel, outputs: np.ndarray) -> np.ndarray:
    """Log-odds (B,) from outputs (B, C): those of the target, or of the last class."""
    if isinstance(model, LanguageModel):
        return outputs[:, 1]
    return classifier_reward(outputs, outputs.shape[1] - 1, "log_odds")


def cache_content(model: LoadedModel, located: Located, drawn: np.ndarray | None = None) -> dict[str, Any]:
    """Content that names masked outputs in the cache: all that can change a number in them, and nothing else."""
    asked = {} if drawn is None else {"coalitions": hashlib.sha256(np.packbits(drawn, axis=1).tobytes()).hexdigest()}
    return {"format": FORMAT, "model": model.digest, "precision": model.precision, **located.content(), **asked}


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
        If an output is not finite, or the first candidates' are not what the model's library says of them.
    """
    screened, compared = [], 0
    for candidate in rows(candidates):
        try:
            masked = locate(model, candidate, masking).bind(model)
        except MaskingError as reason:
            screened.append({"item": candidate["item"], "reason": str(reason)})
            continue
        ends = torch.tensor([[False], [True]], device=masked.samples.device).expand(2, masked.players)
        outputs = masked(ends).cpu().numpy()
        where = f"model {name}, item {candidate['item']}"
        check_finite(outputs, np.array(["∅", "N"]), where)
        if compared < library.ITEMS:
            library.check(where, model, candidate, torch.from_numpy(outputs[1]))
            compared += 1
        screened.append({"item": candidate["item"], "empty": outputs[0].tolist(), "full": outputs[1].tolist()})
    outputs_type = pa.list_(pa.float32())
    schema = [("item", pa.int32()), ("full", outputs_type), ("empty", outputs_type), ("reason", pa.string())]
    return pa.Table.from_pylist(screened, pa.schema(schema))
