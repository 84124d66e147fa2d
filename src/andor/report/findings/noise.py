"""Findings about noise in the outputs of models: of servers, and of reduced precision."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd


def findings(table: pd.DataFrame) -> Iterator[str]:
    """A paragraph, of models that have noise."""
    said = [_of_model(model, own) for model, own in table.groupby("model", sort=False)]
    if said:
        yield (
            f"Noise in the log-odds of outputs: {'; '.join(said)}. Independent noise of σ is noise of σ·2^(order/2) in "
            "an interaction."
        )


def _of_model(model: str, table: pd.DataFrame) -> str:
    """The root mean square over samples, beside what it is from."""
    if table["noise"].isna().any():
        return f"that of {model} in reduced precision is not known"
    sigma = f"{np.sqrt(np.mean(np.square(table['noise']))):.2g}"
    if table["repeats"].isna().any():
        return f"{model} in reduced precision is within σ = {sigma} of float32"
    return f"answers of {model} repeat within σ = {sigma} ({int(table['repeats'].sum())} pairs)"
