"""Models and tokenizers in the layout of transformers, from local folders only.

The rest of `andor.models` imports this module where a job needs it: transformers takes seconds to import.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from tokenizers import pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)
from transformers.utils import logging as transformers_logging

from andor.errors import UserError
from andor.files import first_line, link_or_copy
from andor.models.settings import TOKENS
from andor.models.states import reason

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The fast tokenizer of a folder in the layout of transformers, or of a tokenizer.json that is alone."""
    folder = folder.parent if folder.name == "tokenizer.json" else folder
    try:
        found = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_fast=True)
    except ImportError as error:
        raise UserError(_absent(folder, error)) from None
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{folder}: no tokenizer ({first_line(error)}); name a folder with tokenizer.json") from None
    if not found.is_fast:
        raise UserError(f"{folder}: its tokenizer has no fast version; name a folder with tokenizer.json")
    if len(found) == len(found.all_special_ids):  # what transformers makes of a folder without a vocabulary
        raise UserError(f"{folder}: no tokenizer; name a folder with tokenizer.json")
    if not (folder / "tokenizer_config.json").exists():
        _name_special_tokens(found)
    return found


def _name_special_tokens(found: PreTrainedTokenizerFast) -> None:
    """What special tokens are for, by their usual names: a tokenizer.json alone does not say it."""
    special = {str(token) for token in found.added_tokens_decoder.values() if token.special}
    for name in TOKENS:
        named = special & {f"[{name.upper()}]", f"<{name}>"}
        if named and getattr(found, f"{name}_token") is None:
            setattr(found, f"{name}_token", min(named))


def settings_of(folder: Path) -> Any:
    """The config.json of a folder in the layout of transformers."""
    if (folder / "adapter_config.json").is_file():
        raise UserError(
            f"{folder}: holds an adapter, not a model; merge it into its model (`merge_and_unload` of peft)"
        )
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except ImportError as error:
        raise UserError(_absent(folder, error)) from None
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{folder}: no readable config.json ({first_line(error)}); name a folder in the layout of transformers"
        ) from None


def _absent(folder: Path, error: ImportError) -> str:
    """What to say where transformers lacks a package."""
    return f"{folder}: needs a package that is not installed ({first_line(error).rstrip('.')}); install it"


def classifies(settings: Any) -> bool:
    """Whether a config.json is that of a classifier of texts."""
    return any(name.endswith("ForSequenceClassification") for name in settings.architectures or [])


def encoder_to_train(source: Path, layers: int | None = None, named: str = "", labels: int = 2) -> PreTrainedModel:
    """An encoder with pretrained weights, its first layers only if so many are given, and a new head."""
    settings = settings_of(source)
    keep_layers(settings, layers, named)
    _set_labels(settings, labels)
    return _network(AutoModelForSequenceClassification, source, config=settings, ignore_mismatched_sizes=True)


def classifier(folder: Path) -> PreTrainedModel:
    """An encoder that classifies."""
    return _network(AutoModelForSequenceClassification, folder, complete=True)


def new_classifier(folder: Path, labels: int) -> PreTrainedModel:
    """An encoder with a head of so many labels and new weights."""
    settings = settings_of(folder)
    _set_labels(settings, labels)
    return AutoModelForSequenceClassification.from_config(settings).float()


def _set_labels(settings: Any, labels: int) -> None:
    """Have a config.json state so many labels; of one, that it is a number, of which no pipeline takes the sigmoid."""
    settings.num_labels, settings.problem_type = labels, "regression" if labels == 1 else None


def image_classifier(folder: Path) -> PreTrainedModel:
    """A classifier of images."""
    return _network(AutoModelForImageClassification, folder, complete=True)


def language_model(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    """A causal language model."""
    return _network(AutoModelForCausalLM, folder, complete=True, dtype=dtype)


_WRAPPED = {r"^(?:(?:module|_orig_mod)\.)+": ""}
"""What torch's wrappers put before the names of weights: parallel training, compilation."""


def _network(
    kind: Any, folder: Path, *, complete: bool = False, dtype: torch.dtype = torch.float32, **options: Any
) -> PreTrainedModel:
    """A transformers model from a local folder, which must have all its weights; but for ``complete``, not its head's.

    Weights are safetensors where there are any, else pickles that may hold tensors and nothing else.
    """
    safe = has_safetensors(folder)
    try:
        with quiet():
            network, report = kind.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=safe, weights_only=True,
                dtype=dtype, output_loading_info=True, key_mapping=_WRAPPED, **options,
            )  # fmt: skip
    except ImportError as error:
        raise UserError(_absent(folder, error)) from None
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError, UnpicklingError) as error:
        raise UserError(f"{folder}: weights cannot be read ({reason(error)}); fetch or train the model again") from None
    if lacking := _lacking(network, report, complete):
        raise UserError(f"{folder}: has no weights {_first(lacking)}; fetch or train the model again")
    return network


def _lacking(network: PreTrainedModel, report: dict[str, Any], complete: bool) -> list[str]:
    """Names of weights that were not loaded; but for ``complete``, those of the head may be new, its pooling too."""
    names = {*report["missing_keys"], *(mismatch[0] for mismatch in report["mismatched_keys"])}
    body = f"{network.base_model_prefix}."
    return sorted(name for name in names if complete or (name.startswith(body) and "pooler" not in name))


def _first(names: list[str]) -> str:
    """The first of some names, and how many there are if some are left out."""
    return ", ".join(names[:3]) + (f", … ({len(names)} in all)" if len(names) > 3 else "")


def write(network: PreTrainedModel, folder: Path, tokenizer: PreTrainedTokenizerFast | None = None) -> None:
    """Write a model as safetensors, and its tokenizer if one is given, into a folder, made if need be."""
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    with quiet():
        # Under the network's own names: those of the file may have had what wrapped it before them.
        network.save_pretrained(folder, save_original_format=False)


_FILES = (".safetensors", ".json", ".txt", ".model", ".jinja")
"""Endings of what transformers reads: weights, settings, vocabularies, chat templates."""


def link(source: Path, folder: Path) -> None:
    """Link the files of a model into a folder, made if need be, but for those that were just written there."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(source.iterdir()):
        # What was just written differs from the source, and a link in its place would be the source itself.
        ours = file.suffix in _FILES and not (folder / file.name).exists()
        if ours and file.is_file():
            link_or_copy(file, folder / file.name)


_DIGITS_APART = ("command-r", "refact", "smollm", "starcoder")
"""What a GGUF file calls the split into single digits and then GPT-2's pieces, which transformers does not know."""


def unpack_gguf(source: Path, folder: Path, dtype: torch.dtype) -> None:
    """Write the language model of a GGUF file into ``folder`` in the layout of transformers.

    Its weights are unpacked to the given precision: they are those of the file, not those it was quantized from.

    Raises
    ------
    UserError
        If the file is none, or of an architecture or tokenizer that transformers cannot read.
    """
    import gguf

    place = {"pretrained_model_name_or_path": source.parent, "gguf_file": source.name, "local_files_only": True}
    try:
        if source.open("rb").read(4) != b"GGUF":
            raise ValueError("no GGUF file")
        with quiet():
            cut = AutoTokenizer.from_pretrained(**place)
            packed, report = AutoModelForCausalLM.from_pretrained(**place, dtype=dtype, output_loading_info=True)
            settings = packed.config
            vars(settings).pop("quantization_config", None)  # it would have the unpacked weights unpacked again
            network = AutoModelForCausalLM.from_config(settings, dtype=packed.dtype)
            network.load_state_dict(packed.state_dict())
        split = gguf.GGUFReader(source).get_field("tokenizer.ggml.pre")
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, struct.error) as error:
        raise UserError(
            f"{source}: cannot be read ({first_line(error)}); name a GGUF file of a language model, or a folder in the "
            "layout of transformers"
        ) from None
    if lacking := _lacking(packed, report, True):
        raise UserError(
            f"{source}: has no weights {_first(lacking)}; if it is one part of a model, join the parts first "
            "(llama-gguf-split --merge)"
        )
    if split is not None and split.contents() in _DIGITS_APART:
        pieces = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        cut.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(pieces)
    write(network, folder, cut)


def has_safetensors(folder: Path) -> bool:
    """Whether the weights in a folder are safetensors."""
    return any(folder.glob("*.safetensors"))


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no list of unused weights from transformers: both are expected here."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        transformers_logging.enable_progress_bar()


def keep_layers(settings: Any, layers: int | None, named: str) -> None:
    """Lower the number of layers in the transformers configuration of a source of that name, if one is given."""
    if layers is None:
        return
    if layers > settings.num_hidden_layers:
        raise UserError(f"layers {layers}: `{named}` has only {settings.num_hidden_layers}; lower it")
    settings.num_hidden_layers = layers
