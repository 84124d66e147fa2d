"""Classes of a model and of the data: the same names may be numbered differently."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

_log = logging.getLogger(__name__)


def names_in(settings: Any) -> list[str]:
    """Names of the classes that a configuration of transformers states, if it does."""
    stated = getattr(settings, "id2label", None) or {}
    return [str(stated[number]) for number in sorted(stated)]


def order_of(theirs: Sequence[object], table: pa.Table) -> dict[str, list[int]]:
    """`order`: places of the outputs that come first, those of the data's classes, then the others; or nothing.

    Nothing if the numbers agree, or if names are unknown, or mere numbers; that names do not agree is logged.

    Parameters
    ----------
    theirs
        Names of the model's classes in the order of its outputs; none if it knows none.
    table
        Tidy data, whose metadata key `classes` names the labels 0, 1, …
    """
    stated = (table.schema.metadata or {}).get(b"classes")
    ours = [_plain(name) for name in json.loads(stated)] if stated else []
    known = [_plain(name) for name in theirs]
    if not ours or not known or len(set(known)) < len(known):
        return {}
    if not set(ours) <= set(known) and all(re.fullmatch(r"(?:label_)?\d+", name) for name in known):
        return {}
    if not set(ours) <= set(known):
        _log.warning("the model's classes %s are not those of the data, %s, by name: they are taken by number",
                     ", ".join(map(str, theirs[:5])), ", ".join(json.loads(stated)[:5]))  # fmt: skip
        return {}
    first = [known.index(name) for name in ours]
    order = first + [place for place in range(len(known)) if place not in first]
    return {} if order == list(range(len(ours))) else {"order": order}


def in_order(outputs: Tensor, order: Sequence[int] | None, gives: str = "logits") -> Tensor:
    """Outputs (B, C) of a model in the order of the data's classes; a single one is turned round."""
    if order is None:
        return outputs
    if outputs.shape[1] == 1:
        return -outputs if gives == "logits" else 1 - outputs
    return outputs[:, torch.as_tensor(order, device=outputs.device)]


def _plain(name: object) -> str:
    return str(name).strip().casefold()
