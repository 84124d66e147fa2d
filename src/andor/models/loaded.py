"""Models ready for masked evaluation: eval mode, no gradients, float32 in and out, and a digest of their content."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from andor.data.table import ARRAYS
from andor.errors import UserError
from andor.files import canonical, first_line
from andor.models.classes import in_order, names_in

if TYPE_CHECKING:
    import pandas as pd
    from transformers import DynamicCache, PreTrainedTokenizerFast

    from andor.models.processors import Processor

_log = logging.getLogger(__name__)


PROBABILITY = 1e-7
"""Least distance of a probability from 0 and 1 when it becomes a logit: log-odds stay within ±16.2."""


class LoadedModel:
    """What all models share.

    Attributes
    ----------
    network
        The torch module.
    description
        What beside its weights makes the model: its family and whatever else its family needs to rebuild it.
    baseline
        A baseline value from a file or a learned one (see `andor.outputs.baselines`), float32, if there is one.
    background
        Rows that take the place of what is masked, one after the other, if there are some: what the model reads of
        them.
    columns
        Columns of samples, any of which it reads.
    """

    columns: tuple[str, ...]

    def __init__(self, network: nn.Module, description: dict[str, Any]) -> None:
        self.network = network.eval().requires_grad_(False)
        self.description = description
        self.baseline: Tensor | None = None
        self.background: Tensor | pd.DataFrame | None = None

    @property
    def family(self) -> str:
        """Kind of model, as in the configuration."""
        return self.description["family"]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    @property
    def precision(self) -> str:
        """Precision of the forward pass."""
        return self.description.get("dtype", "float32")

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in self.network.parameters())

    @property
    def classes(self) -> list[str]:
        """Names of its classes in the order of its outputs, as transformers states them; none if it does not."""
        return names_in(getattr(getattr(self.network, "network", self.network), "config", None))

    @contextmanager
    def in_float32(self) -> Iterator[None]:
        """The same weights in float32 inside, and as they were afterwards, to the bit."""
        tensors = [*self.network.parameters(), *self.network.buffers()]
        reduced = [(tensor, tensor.dtype) for tensor in tensors if tensor.dtype in (torch.bfloat16, torch.float16)]
        try:
            for tensor, _ in reduced:
                tensor.data = tensor.data.float()
            yield
        finally:
            for tensor, dtype in reduced:
                tensor.data = tensor.data.to(dtype)

    def _described(self) -> dict[str, Any]:
        """Everything but the weights that can change an output, as JSON values."""
        return self.description | _settings(self.network)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that can change an output: the description and the bytes of every weight."""
        sha256 = hashlib.sha256(canonical(self._described()).encode())
        for name, weight in sorted(self.network.state_dict().items()):
            sha256.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
            sha256.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        return sha256.hexdigest()


class ArrayClassifier(LoadedModel):
    """Images, features or points to logits: a single one is above 0 for label 1, of several the largest is the label's.

    Attributes
    ----------
    mean
        Mean over the training inputs, float32, of the shape of one input; of points one mean point; of rows as they
        were a row of means and most frequent values.
    gives
        What `outputs` gives: logits or probabilities.
    """

    columns: tuple[str, ...] = ARRAYS
    gives: str = "logits"

    def __init__(self, network: nn.Module, description: dict[str, Any], mean: Tensor | pd.DataFrame | None) -> None:
        super().__init__(network, description)
        self.mean = mean

    def outputs(self, inputs: Any) -> Tensor:
        """Outputs (B, classes) of inputs (B, …) as the model gives them, of which means are taken: see `gives`."""
        return self.logits(inputs)

    def logits(self, inputs: Tensor) -> Tensor:
        """Logits (B, classes) of inputs (B, …), both float32."""
        return in_order(self.network(inputs.to(self.device)), self.description.get("order"))


class ImageClassifier(ArrayClassifier):
    """Images (B, C, H, W) to logits.

    Attributes
    ----------
    processor
        What its library makes of images, unless how they are scaled was given.
    """

    columns = ("image",)
    processor: Processor | None = None

    def __init__(self, network: nn.Module, description: dict[str, Any], mean: Tensor) -> None:
        # Channels last is the layout in which convolutions are fastest; it changes last bits, so all models have it.
        super().__init__(network.to(memory_format=torch.channels_last), description, mean)


class TableClassifier(ArrayClassifier):
    """Features (B, F) to logits."""

    columns = ("features",)


class PointClassifier(ArrayClassifier):
    """Points (B, P, 3) to logits."""

    columns = ("points",)


class TextModel(LoadedModel):
    """A model that reads word embeddings, and is called as networks of transformers are.

    Attributes
    ----------
    tokenizer
        Its fast tokenizer, whose `model_max_length` is no more than what the network reads.
    """

    columns = ("text",)

    def __init__(self, network: nn.Module, description: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__(network, description)
        self.tokenizer = tokenizer
        suit(tokenizer, network)

    def _described(self) -> dict[str, Any]:
        tokenizer = json.loads(self.tokenizer.backend_tokenizer.to_str())
        # Padding and truncation are set anew by every call.
        described = {key: value for key, value in tokenizer.items() if key not in ("padding", "truncation")}
        return super()._described() | {"tokenizer": hashlib.sha256(canonical(described).encode()).hexdigest()}

    @property
    def _embedding(self) -> nn.Module:
        return self.network.get_input_embeddings()

    @torch.no_grad()
    def embed(self, token_ids: Tensor) -> Tensor:
        """Word embeddings (L, d) float32 of token ids (L,) int64, without positions or segments."""
        check_rows(self.tokenizer, self._embedding, token_ids)
        return self._embedding(token_ids.to(self.device)).float()

    @property
    def vocabulary_embedding(self) -> Tensor:
        """Word embeddings (V, d) float32 of the tokenizer's vocabulary."""
        # Some checkpoints have spare rows at the end, which no token uses.
        rows = min(len(self.tokenizer), self._embedding.num_embeddings)
        return self.embed(torch.arange(rows))


class TextClassifier(TextModel):
    """Word embeddings of a text to logits of its labels: a transformers encoder, or the convolutional `TextCNN`."""

    def __init__(self, network: nn.Module, description: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__(network, description, tokenizer)
        shorten(network)

    def logits(self, embeddings: Tensor) -> Tensor:
        """Logits (B, labels) of texts of equal length (no padding) as word embeddings (B, L, d), both float32."""
        return in_order(text_logits(self.network, embeddings.to(self.device)), self.description.get("order"))


class TokenClassifier(TextClassifier):
    """A classifier of texts that reads tokens alone, no word embeddings, such as an encoder-decoder.

    What stands for a token in it is its number, so that tokens can only give way to tokens.
    """

    def embed(self, token_ids: Tensor) -> Tensor:
        """The token ids (L,) int64 themselves."""
        check_rows(self.tokenizer, self._embedding, token_ids)
        return token_ids.to(self.device)

    @torch.no_grad()
    def logits(self, embeddings: Tensor) -> Tensor:
        """Logits (B, labels) float32 of texts of equal length as token ids (B, L)."""
        ids = embeddings.to(self.device)
        outputs = self.network(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        return in_order(outputs, self.description.get("order"))


class CausalModel(TextModel):
    """Word embeddings of a text to the logits of the next token."""

    @torch.no_grad()
    def next_logits(self, embeddings: Tensor) -> Tensor:
        """Logits (B, V) of the token after texts of equal length as word embeddings (B, L, d), both float32."""
        return self._logits(embeddings, 1)[:, -1]

    @torch.no_grad()
    def logits_at(self, embeddings: Tensor, positions: Tensor) -> Tensor:
        """Logits (B, P, V) of the token after each of the positions (P,) int64."""
        return self._logits(embeddings, positions.to(self.device))

    def last_logits(self, embeddings: Tensor, keep: int) -> Tensor:
        """Logits (B, `keep`, V) of the tokens after each of the last positions."""
        return self._logits(embeddings, keep)

    def new_cache(self) -> DynamicCache:
        """An empty key-value cache."""
        from transformers import DynamicCache

        return DynamicCache(config=self.network.config)

    @torch.no_grad()
    def extend(self, cache: DynamicCache, embeddings: Tensor, keep: int) -> Tensor:
        """Logits (B, `keep`, V) after the last positions of texts that go on from a cache, which grows by them."""
        # The head is applied to the positions that are kept: to none where only the cache is wanted.
        positions = keep or torch.empty(0, dtype=torch.long, device=self.device)
        return self._logits(embeddings, positions, past_key_values=cache, use_cache=True)

    @cached_property
    def shares_prefixes(self) -> bool:
        """Whether masked prompts can go on from the cache of a prefix; tried once, and logged if not."""
        from andor.models.caches import shares_prefixes

        try:
            shares = shares_prefixes(self)
        except Exception as error:  # whatever a model's code raises: it has no cache of this kind
            _log.debug("no key-value cache: %r", error)
            shares = False
        if not shares:
            _log.warning("the model cannot go on from a key-value cache: every masked prompt is recomputed whole")
        return shares

    @property
    def cache_bytes(self) -> int:
        """Bytes that the keys and values of one token take, from the configuration."""
        settings = self.network.config.get_text_config(decoder=True)
        heads = getattr(settings, "num_key_value_heads", None) or settings.num_attention_heads
        width = getattr(settings, "head_dim", None) or settings.hidden_size // settings.num_attention_heads
        return 2 * settings.num_hidden_layers * heads * width * self.network.dtype.itemsize

    def _logits(self, embeddings: Tensor, keep: int | Tensor, **options: Any) -> Tensor:
        embeddings = embeddings.to(self.device, self.network.dtype)
        options = {"use_cache": False} | options
        return self.network(inputs_embeds=embeddings, logits_to_keep=keep, **options).logits.float()


class LanguageModel(CausalModel):
    """A causal language model whose outputs are those of a target after the text."""


def _settings(network: nn.Module) -> dict[str, Any]:
    """What beside its weights makes a network of transformers, alone or in a wrapper: heads, activations; else none."""
    settings = getattr(getattr(network, "network", network), "config", None)
    if not hasattr(settings, "to_diff_dict"):
        return {}
    left_out = ("transformers_version", "architectures")
    return {"config": {key: value for key, value in settings.to_diff_dict().items() if key not in left_out}}


def logits_of(outputs: Tensor, kind: str) -> Tensor:
    """Logits (B, C) from logits or probabilities (B, C): log-odds of label 1 if C is 1, else log-probabilities."""
    if kind == "logits":
        return outputs
    inner = outputs.double().clamp(PROBABILITY, 1 - PROBABILITY)
    return inner.logit() if outputs.shape[1] == 1 else inner.log()


def suit(tokenizer: PreTrainedTokenizerFast, network: nn.Module) -> None:
    """Let a tokenizer know how many tokens a network of transformers has positions for, and a decoder what padding is.

    A decoder with a head that classifies takes several texts at once only if its configuration names a padding token.
    None is ever read: such texts have one length.
    """
    if not hasattr(network, "config"):
        return
    settings = network.config.get_text_config()
    if getattr(settings, "pad_token_id", 0) is None:
        known = (token for token in (tokenizer.pad_token_id, tokenizer.eos_token_id) if token is not None)
        settings.pad_token_id = next(known, 0)
    most = getattr(settings, "max_position_embeddings", None) or 0
    # RoBERTa and its kin number positions from the one after the padding's.
    tables = [module for name, module in network.named_modules() if name.endswith("position_embeddings")]
    padding = next((table.padding_idx for table in tables if getattr(table, "padding_idx", None) is not None), -1)
    if most > 0:  # XLNet, which has no limit, states -1
        tokenizer.model_max_length = min(tokenizer.model_max_length, most - padding - 1)


def check_rows(tokenizer: PreTrainedTokenizerFast, embedding: nn.Module, token_ids: Tensor) -> None:
    """Refuse tokens that a tokenizer was given after the network's word embeddings were made."""
    if token_ids.numel() and (last := int(token_ids.max())) >= embedding.num_embeddings:
        raise UserError(
            f"the token {tokenizer.convert_ids_to_tokens(last)!r} has number {last}, the model has word embeddings of "
            f"{embedding.num_embeddings} tokens; use the model's own tokenizer, or another baseline value"
        )


@torch.no_grad()
def reads_embeddings(network: nn.Module) -> bool:
    """Whether a classifier of texts can be given word embeddings; tried on four of them."""
    embedding = network.get_input_embeddings()
    tokens = torch.arange(4, device=embedding.weight.device)[None] % embedding.num_embeddings
    try:
        text_logits(network, embedding(tokens))
    except UserError:
        return False
    return True


OF_THE_FIRST = tuple(
    f"{name}ForSequenceClassification" for name in ("Bert", "Camembert", "Electra", "Roberta", "XLMRoberta")
)
"""Networks of transformers whose head reads the first token of the last layer, and no other."""


def shorten(network: nn.Module) -> None:
    """Have the last layer compute no token that the head does not read: three quarters of a layer, same logits."""
    if type(network).__name__ in OF_THE_FIRST and type(network).__module__.startswith("transformers."):
        network.base_model.encoder.layer[-1].attention.output.register_forward_pre_hook(_first_token)


def _first_token(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What was attended to, and what was there before, (B, L, d) each, of the first token."""
    return tuple(each[:, :1] for each in inputs)


def text_logits(network: nn.Module, embeddings: Tensor, mask: Tensor | None = None) -> Tensor:
    """Logits of a text classifier; ``mask`` (B, L) is 1 on tokens and 0 on padding.

    Raises
    ------
    UserError
        If the network does not read word embeddings.
    """
    try:
        outputs = network(inputs_embeds=embeddings, attention_mask=mask)
    except (NotImplementedError, TypeError) as error:  # encoder-decoders, which want the tokens too
        raise UserError(
            f"a network `{type(network).__name__}` reads no word embeddings, in which words are masked "
            f"({first_line(error)}); use an encoder or a decoder with a head that classifies"
        ) from None
    return getattr(outputs, "logits", outputs)
