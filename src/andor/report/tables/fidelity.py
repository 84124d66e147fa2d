"""Table of how well interactions predict masked inputs that nothing was fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.report.tables.frames import measured, tidy
from andor.report.tables.parts import Subject
from andor.report.tables.table import COUNT, NUMBER, TEXT, Table

BY = {"order": "by_order", "number": "by_number"}
"""What is limited, and where the extraction states R² by it."""

FIDELITY_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "unit": TEXT,
        "model": TEXT,
        "by": TEXT,  # `order`: no larger ones are fitted; `number`: so many of the strongest are kept, refitted
        "most": COUNT,  # the largest order, or the number kept
        "r2": NUMBER,  # of the outputs on masked inputs that were held out
        "low": NUMBER,
        "high": NUMBER,
        "samples": COUNT,  # in which there are so many
    }
)


def fidelity(subject: Subject) -> pd.DataFrame:
    """R² on what was held out, by the largest order and by the number of interactions kept, mean over samples."""
    said = subject.results.interaction_metadata(subject.method, subject.name)
    if not subject.results.sampled or "fidelity" not in said[0]:
        return pd.DataFrame()
    return pd.concat([_by(subject, name, [entry[key] for entry in said]) for name, key in BY.items()])


def _by(subject: Subject, name: str, stated: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of one limit; a sample with fewer interactions has no value."""
    levels = sorted({int(level) for of_sample in stated for level in of_sample})
    nothing = [np.nan] * len(subject.members)
    found = np.array([[of_sample.get(str(level), nothing) for level in levels] for of_sample in stated], float)
    found = found.transpose(0, 2, 1)  # (K, m, levels)
    rows = tidy(
        {**subject.axes, "by": [name], "most": levels},
        **{key: value[:, None] for key, value in measured(found, subject.bootstrap).items()},
        samples=(~np.isnan(found)).sum(0)[:, None],
    )
    return rows.rename(columns={"value": "r2"})


TABLES = (Table("fidelity", Subject, fidelity, FIDELITY_SCHEMA),)
"""That of this module."""
