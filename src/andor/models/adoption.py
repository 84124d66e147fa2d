"""Models that are taken over as they come: what is written of them, and a first look at whether they read the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import torch

from andor.data.table import FILE, ROW, array_column, arrays, is_numeric
from andor.errors import UserError
from andor.files import first_line
from andor.models.arithmetic import exact_arithmetic
from andor.models.classes import in_order, order_of
from andor.models.files import INPUTS, MEAN_ROW, describe, save_tensors
from andor.models.inputs import count_labels, for_training, inputs, mean_input, typical_row
from andor.models.loaded import ArrayClassifier, ImageClassifier, LoadedModel, TextClassifier
from andor.store import write_table

if TYPE_CHECKING:
    import pandas as pd

    from andor.models.family import Family

TEXTS = 3
"""Texts on which a model is compared with what its library makes of it."""
ROUNDING = 1e-4
"""How far logits may be from the library's, as a share of the largest."""
SCALING = 2e-3
"""The same of images that are scaled: some libraries round a few pixels to eight bits otherwise than Pillow."""


def settle(family: type[Family], description: dict[str, Any], folder: Path, table: pa.Table | None) -> None:
    """Describe a model whose files are in a folder, with the mean of its inputs, and try it on one row of the data.

    Where the data's classes have the names of the model's, but other numbers, its outputs are put in their order.

    Raises
    ------
    UserError
        If the model cannot read the data, or has too few logits for its labels.
    """
    describe(description, folder)
    if table is None:
        return
    if description.get("rows"):
        typical = typical_row(cast("pd.DataFrame", inputs(for_training(table), [ROW])))
        write_table(folder / MEAN_ROW, pa.Table.from_pandas(typical, preserve_index=False))
    elif array_column(table):
        save_tensors({"mean": mean_input(for_training(table))}, folder / INPUTS)
    exact_arithmetic()
    model = family.loaded(folder, description, torch.device("cpu"))
    if order := order_of(model.classes, table):
        describe(description | order, folder)
        model = family.loaded(folder, description | order, torch.device("cpu"))
    attempt(model, table)


def attempt(model: LoadedModel, table: pa.Table) -> None:
    """Try a model on one row of the data, or on a few texts.

    Raises
    ------
    UserError
        If the model cannot read it, says something else of a text than its library, or has not the logits for the
        labels of all rows: too few, or many for two labels, whose numbers then mean other classes than the model's.
    """
    if isinstance(model, TextClassifier):
        logits = compare(model, table["text"].slice(0, TEXTS).to_pylist())
    else:
        logits = _tried(cast(ArrayClassifier, model), table.slice(0, 1)).shape[1]
        if isinstance(model, ImageClassifier) and FILE in table.column_names:
            _compare_images(model, table.filter(pc.is_valid(table[FILE])))
    if is_numeric(table):
        if logits > 1:
            raise UserError(
                f"a model of family `{model.family}` has {logits} outputs and the data a number to predict; "
                "use a model of one output"
            )
        return
    if max(logits, 2) < (labels := count_labels(table)):
        raise UserError(
            f"a model of family `{model.family}` has {logits} logits and the data {labels} labels; "
            "set `data.positive` or use another model"
        )
    if logits > 2 == labels and "order" not in model.description:
        raise UserError(
            f"a model of family `{model.family}` tells {logits} classes apart, the data have labels 0 and 1; "
            "set `data.positive: null` if the classes of the data are the model's, or use a model of two classes"
        )


@torch.no_grad()
def _tried(model: ArrayClassifier, row: pa.Table) -> torch.Tensor:
    """Logits of one row, so that a model that cannot read the data says so now."""
    try:
        return model.logits(inputs(row, model.columns))
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:
        raise UserError(
            f"a model of family `{model.family}` cannot read {_said(row)} ({first_line(error)}); change the data or "
            "the model"
        ) from None


@torch.no_grad()
def _compare_images(model: ImageClassifier, table: pa.Table) -> None:
    """Compare logits of images as the data have them with what a model's library says of their files."""
    for number, content in enumerate(table[FILE].to_pylist() if model.processor is not None else ()):
        theirs = model.processor.said_of_file(content)
        ours = model.logits(inputs(table.slice(number, 1), model.columns))[0]
        if theirs and not any(_agree(ours, each, SCALING) for each in theirs):
            scaled = model.processor.scaled(content)
            keys = scaled[0] if scaled and any(_agree(scaled[1], each, SCALING) for each in theirs) else {}
            said = ", ".join(f"`{key}: {value}`" for key, value in keys.items())
            raise UserError(
                f"a model of family `{model.family}` gives the logits {_rounded(ours)} for an image as the data scale "
                f"it, its library {_rounded(theirs[0])}: set {said or 'how its processor scales'} in `data`; or give "
                "the model `mean` and `std` if it is to read images as the data have them"
            )


def _agree(ours: torch.Tensor, theirs: torch.Tensor, share: float) -> bool:
    """Whether logits are the library's up to a share of the largest."""
    return bool((ours - theirs).abs().max() <= share * theirs.abs().max().clamp(min=1))


def _rounded(logits: torch.Tensor) -> list[float]:
    return [round(logit, 4) for logit in logits.tolist()[:5]]


def _said(row: pa.Table) -> str:
    """What a model was to read."""
    return f"inputs of shape {tuple(arrays(row).shape[1:])}" if array_column(row) else "texts"


@torch.no_grad()
def compare(model: TextClassifier, texts: list[str]) -> int:
    """Compare logits of word embeddings with those that transformers gives of the whole texts, as its pipeline does.

    Returns
    -------
    int
        How many logits there are.

    Raises
    ------
    UserError
        If they differ by more than rounding.
    """
    for text in texts:
        read = model.tokenizer(text, truncation=model.tokenizer.model_max_length < 10**9, return_tensors="pt")
        ours = model.logits(model.embed(read["input_ids"][0])[None])[0]
        if not hasattr(model.network, "config"):
            break  # a network of this package
        theirs = in_order(model.network(**read.to(model.device)).logits, model.description.get("order"))[0]
        if not _agree(ours, theirs, ROUNDING):
            raise UserError(
                f"a network `{type(model.network).__name__}` gives the logits {_rounded(ours)} instead of "
                f"{_rounded(theirs)} for {text[:40]!r} when it reads word embeddings, in which words are masked; use "
                "another model"
            )
    return len(ours)
