"""Tables of what the samples of one model have in common (ICML 2023), where players mean the same in all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis import transfer as of_samples
from andor.analysis.statistics import mean
from andor.game.coalitions import Coalitions
from andor.report.tables.frames import excess, measured, numbers, tidy
from andor.report.tables.games import side_by_side
from andor.report.tables.parts import Subject, renamed
from andor.report.tables.table import COUNT, NUMBER, TEXT, Table

THRESHOLD = 0.1
"""Share of the standard of salience, as published."""
CHOSEN = {"all samples": False, "other samples": True}
"""Samples in which the frequent interactions are counted, and whether a sample is left out for itself."""
BINS = np.array([0.2, 0.4, 0.6, 0.8, 1.0])
"""Upper ends of the bins of frequency."""


TRANSFER_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "unit": TEXT,
        "model": TEXT,
        "chosen": TEXT,  # the frequent ones from `all samples`, or from the `other samples` alone
        "k": COUNT,
        "rho": NUMBER,  # share of a sample's salient interactions that are among the k most frequent
        "low": NUMBER,
        "high": NUMBER,
        "chance": NUMBER,  # of as many interactions drawn at random
        "null": NUMBER,  # the same among renamed players
        "excess": NUMBER,  # of the one over the other, sample by sample
        "excess_low": NUMBER,
        "excess_high": NUMBER,
        "samples": COUNT,
    }
)


def transfer(subject: Subject) -> pd.DataFrame:
    """Share of a sample's salient interactions that are among the k most frequent ones: rho(k) of ICML 2023."""
    if not subject.results.same_players or subject.results.sampled:
        return pd.DataFrame()
    sets = [(game.coalitions, game.salient_above(THRESHOLD)) for game in subject.games.samples]
    drawn = [renamed(subject.results, sets, draw) for draw in range(subject.results.draws("renaming"))]
    k = numbers(subject.possible)
    frames = []
    for chosen, leave_out in CHOSEN.items():
        rho, chance = _rho(sets, k, leave_out, subject.possible)
        null = [_rho(one, k, leave_out, subject.possible)[0] for one in drawn]
        rows = tidy(
            {**subject.axes, "k": k},
            **measured(rho, subject.bootstrap),
            chance=mean(chance),
            **excess(rho, null, subject.bootstrap),
            samples=(~np.isnan(rho)).sum(0),
        )
        frames.append(rows.rename(columns={"value": "rho"}).assign(chosen=chosen))
    return pd.concat(frames, ignore_index=True)


def _rho(
    sets: Sequence[tuple[Coalitions, np.ndarray]], k: np.ndarray, leave_out: bool, possible: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cover by the k most frequent ones, and its chance level, for each k; (K, m, len(k)) each."""
    _, chosen = side_by_side(sets)
    return of_samples.frequent_cover(chosen.reshape(*chosen.shape[:2], -1), leave_out, k, possible)


DISCRIMINATION_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "unit": TEXT,
        "model": TEXT,
        "frequency": NUMBER,  # upper end of a bin: share of a label's samples in which it is salient
        "count": NUMBER,  # interactions in the bin, over all labels
        "beta": NUMBER,  # max(m+, m-) / (m+ + m-), mean over them
        "low": NUMBER,
        "high": NUMBER,
        "coin": NUMBER,  # the same if each sign were a fair coin's
        "samples": COUNT,
    }
)


def discrimination(subject: Subject) -> pd.DataFrame:
    """Do frequent interactions push the same way in all samples of a label? beta(S) of ICML 2023, by frequency.

    An interaction of one sample has a sign of its own and tells nothing: it is left out. Intervals are those of the
    jackknife over samples, as a sample that is drawn twice would agree with itself.
    """
    if not subject.results.same_players or subject.results.sampled:
        return pd.DataFrame()
    labels = np.array(subject.results.samples["label"].to_pylist())
    if np.issubdtype(labels.dtype, np.floating):  # numbers, of which each sample has its own: one group
        labels = np.zeros(len(labels), np.int16)
    _, signs = side_by_side(
        [
            (game.coalitions, (np.sign(game.strengths) * game.salient_above(THRESHOLD)).astype(np.int8))
            for game in subject.games.samples
        ]
    )
    frames = []
    for place, model in enumerate(subject.members):
        of_model = signs[:, place].reshape(len(labels), -1)
        found = of_samples.discrimination(of_model, labels, BINS)
        frames.append(tidy({**subject.axes, "model": [model], "frequency": BINS}, **found, samples=len(labels)))
    return pd.concat(frames, ignore_index=True)


TABLES = (
    Table("transfer", Subject, transfer, TRANSFER_SCHEMA),
    Table("discrimination", Subject, discrimination, DISCRIMINATION_SCHEMA),
)
"""Those of this module."""
