"""Tables of how few interactions of one subject carry the output."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis.pruning import needed
from andor.analysis.salience import salience_bound
from andor.analysis.statistics import mean
from andor.analysis.strength import matching_precision, sorted_strengths
from andor.report.tables.frames import measured, numbers, spread, tidy
from andor.report.tables.games import Game, Games
from andor.report.tables.parts import Subject
from andor.report.tables.table import COUNT, NUMBER, TEXT, Table

PUBLISHED_THRESHOLD = 0.05
LEVELS = (0.2, 0.1, 0.05, 0.02, 0.01)
"""Unfaithfulness that an explanation may have."""


SPARSITY_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "unit": TEXT,
        "model": TEXT,
        "rank": COUNT,
        "strength": NUMBER,  # in shares of the sample's largest
        "low": NUMBER,
        "high": NUMBER,
        "samples": COUNT,
    }
)


def sparsity(subject: Subject) -> pd.DataFrame:
    """Sorted strengths of all kinds, in shares of the sample's largest, mean over samples."""
    ranks = spread(subject.most, head=True)
    curve = subject.games.each(lambda game: sorted_strengths(game.magnitude, ranks))
    low, high = subject.bootstrap.interval(curve)
    return tidy({**subject.axes, "rank": ranks + 1}, strength=curve.mean(0), low=low, high=high, samples=len(curve))


SALIENT_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "unit": TEXT,
        "model": TEXT,
        "count": NUMBER,  # mean per sample
        "low": NUMBER,
        "high": NUMBER,
        "published": NUMBER,  # the same by the paper's rule: 5 % of the largest of all samples
        "zeros": NUMBER,  # mean number of possible interactions that are exactly 0
        "possible": NUMBER,  # mean number of possible interactions, up to the order that was looked for
        "rule": TEXT,
        "threshold": NUMBER,  # the configured share
        "bound": NUMBER,  # the strength it comes to, mean over samples
        "samples": COUNT,
    }
)


def salient(subject: Subject) -> pd.DataFrame:
    """How many interactions of all kinds are salient, and how many are exactly 0."""
    games, rule = subject.games, subject.results.analysis.salience
    counts = games.each(lambda game: game.salient.sum((-2, -1)).astype(float))
    nonzero = games.each(lambda game: (game.magnitude > 0).sum((-2, -1)))
    low, high = subject.bootstrap.interval(counts)
    return tidy(
        subject.axes,
        count=counts.mean(0),
        low=low,
        high=high,
        published=_by_the_papers_rule(games).mean(0),
        zeros=(games.each(lambda game: [[game.interactions.possible.sum()]]) - nonzero[:, None])[:, 0].mean(0),
        possible=games.each(lambda game: game.interactions.possible.sum()).mean(),
        rule=rule.rule,
        threshold=rule.threshold,
        bound=games.each(lambda game: game.bound).mean(0),
        samples=len(counts),
    )


def _by_the_papers_rule(games: Games) -> np.ndarray:
    """Salient interactions of each sample and model, (K, m), by the rule of ICLR 2024, Figure 2."""
    largest = games.each(lambda game: game.magnitude.max((1, 2), initial=0))
    bounds = salience_bound(largest, "pooled", PUBLISHED_THRESHOLD)
    return games.each(lambda game, bound: game.interactions.salient(bound).sum((-2, -1)).astype(float), bounds)


PRECISION_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "unit": TEXT,
        "model": TEXT,
        "k": COUNT,
        "precision": NUMBER,  # sum|I| / (sum|I| + |v(N) - v(empty) - sum I|) over the k strongest
        "low": NUMBER,
        "high": NUMBER,
        "samples": COUNT,
    }
)


def precision(subject: Subject) -> pd.DataFrame:
    """Matching precision of the k strongest interactions of all kinds (ICLR 2024, Figure 11)."""
    if subject.results.sampled:
        return pd.DataFrame()
    k = numbers(subject.possible)

    def of_sample(game: Game, sample: int) -> np.ndarray:
        v = subject.v(sample)
        return matching_precision(np.sign(game.strengths) * game.magnitude, v[:, -1] - v[:, 0], k)

    found = subject.games.each(of_sample, subject.results.sample_numbers)
    rows = tidy({**subject.axes, "k": k}, **measured(found, subject.bootstrap), samples=len(found))
    return rows.rename(columns={"value": "precision"})


PRUNING_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "unit": TEXT,
        "model": TEXT,
        "by": TEXT,  # strength, or the least error (greedy)
        "kept": COUNT,
        "share": NUMBER,  # of the possible interactions
        "unfaithfulness": NUMBER,  # squared error over all coalitions in shares of the variance of v
        "low": NUMBER,
        "high": NUMBER,
        "samples": COUNT,
    }
)


def pruning(subject: Subject) -> pd.DataFrame:
    """Unfaithfulness over the number of interactions that are kept, by the two ways to choose them."""
    if subject.results.sampled:
        return pd.DataFrame()
    kept, errors = subject.pruned
    frames = []
    for by, values in errors.items():
        rows = tidy(
            {**subject.axes, "kept": kept},
            **measured(values, subject.bootstrap),
            share=kept / subject.possible,
            samples=(~np.isnan(values)).sum(0),
        )
        frames.append(rows.rename(columns={"value": "unfaithfulness"}).assign(by=by))
    return pd.concat(frames, ignore_index=True)


FAITHFUL_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "unit": TEXT,
        "model": TEXT,
        "by": TEXT,
        "unfaithfulness": NUMBER,  # at most this much
        "needed": NUMBER,  # fewest interactions that suffice, mean over samples
        "low": NUMBER,
        "high": NUMBER,
        "share": NUMBER,  # of the possible interactions
        "samples": COUNT,  # in which any number suffices
    }
)


def faithful(subject: Subject) -> pd.DataFrame:
    """How many interactions an explanation of a given faithfulness needs."""
    if subject.results.sampled:
        return pd.DataFrame()
    kept, errors = subject.pruned
    frames = []
    for by, values in errors.items():
        counts = np.stack([needed(values, kept, level) for level in LEVELS], axis=-1)
        rows = tidy(
            {**subject.axes, "unfaithfulness": LEVELS},
            **measured(counts, subject.bootstrap),
            share=mean(counts) / subject.possible,
            samples=(~np.isnan(counts)).sum(0),
        )
        frames.append(rows.rename(columns={"value": "needed"}).assign(by=by))
    return pd.concat(frames, ignore_index=True)


TABLES = (
    Table("sparsity", Subject, sparsity, SPARSITY_SCHEMA),
    Table("salient", Subject, salient, SALIENT_SCHEMA),
    Table("precision", Subject, precision, PRECISION_SCHEMA),
    Table("pruning", Subject, pruning, PRUNING_SCHEMA),
    Table("faithful", Subject, faithful, FAITHFUL_SCHEMA),
)
"""Those of this module."""
