"""Weights as they are after they were quantised: what a model computes with where it is stored in a few bits."""

from __future__ import annotations

import logging

import torch
from torch import Tensor, nn

from andor.errors import UserError

BLOCK = 32
"""Weights of a row that share a scale, in all kinds that are offered."""
_log = logging.getLogger(__name__)


@torch.no_grad()
def quantize(network: nn.Module, kind: str) -> tuple[list[str], list[str]]:
    """Quantise the weights of linear layers and put back what they become when they are read again.

    Biases, norms and embeddings stay as they are; so does a head that is the embeddings, and a layer whose inputs are
    no multiple of 32. Which those are is logged.

    Parameters
    ----------
    kind
        A type of GGUF, in lower case: ``q8_0``, ``q5_1``, ``q5_0``, ``q4_1`` or ``q4_0``; arithmetic is that of the
        package gguf.

    Returns
    -------
    quantized, kept
        Names of the layers that were, and of those that stay as they are.

    Raises
    ------
    UserError
        If that is less than half of the weights beside embeddings: in a mixture of experts, which transformers
        holds in no linear layers.
    """
    embedding = network.get_input_embeddings()
    linear = {name: module for name, module in network.named_modules() if _rows(module) is not None}
    quantized, kept = [], []
    for name, module in linear.items():
        rows = _rows(module)
        if module.weight is embedding.weight or rows.shape[1] % BLOCK:
            kept.append(name)
        else:
            rows.copy_(dequantized(rows, kind))
            quantized.append(name)
    embeddings = {id(module.weight) for module in network.modules() if isinstance(module, nn.Embedding)}
    matrices = [(name, weight) for name, weight in network.named_parameters() if weight.ndim > 1]
    every = {name: weight.numel() for name, weight in matrices if id(weight) not in embeddings}
    left = {name: size for name, size in every.items() if name.removesuffix(".weight") not in quantized}
    if 2 * sum(left.values()) > sum(every.values()):
        share = sum(left.values()) / sum(every.values())
        raise UserError(
            f"`quantize: {kind}`: {share:.0%} of the weights are in no linear layer whose inputs are a multiple of "
            f"{BLOCK}, such as {max(left, key=left.__getitem__)}; take it away, or use another model"
        )
    _log.info("%s: weights of %d linear layers; as they were: %s", kind, len(quantized), ", ".join(kept) or "none")
    return quantized, kept


def dequantized(rows: Tensor, kind: str) -> Tensor:
    """Weights (outputs, inputs) after they were quantised, float32 on the CPU."""
    from gguf import GGMLQuantizationType, quants

    packed = quants.quantize(rows.float().cpu().contiguous().numpy(), GGMLQuantizationType[kind.upper()])
    return torch.from_numpy(quants.dequantize(packed, GGMLQuantizationType[kind.upper()]))


def _rows(module: nn.Module) -> Tensor | None:
    """Weights of a linear layer as (outputs, inputs), a view; None of other modules."""
    if isinstance(module, nn.Linear):
        return module.weight
    if type(module).__name__ == "Conv1D":  # GPT-2's linear layers, which hold (inputs, outputs)
        return module.weight.T
    return None
