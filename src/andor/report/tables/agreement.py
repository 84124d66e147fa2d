"""Is more shared than by accident, what of it can be named, and what becomes of all that any model has?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from andor.analysis.discovery import RATE
from andor.report.tables.claims import CLAIMS, LEAST_ORDERS
from andor.report.tables.frames import tidy
from andor.report.tables.parts import Comparison
from andor.report.tables.states import STATES
from andor.report.tables.table import COUNT, FLAG, NUMBER, TEXT, Table

AGREEMENT_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "main": FLAG,  # no null network and no repeated training is in the ensemble
        "claim": TEXT,  # agree, combinations or exchange
        "null": TEXT,  # the hypothesis that it is made against: renaming, importance or exchange
        "least_order": COUNT,  # of the interactions counted
        "shared": COUNT,  # salient in every model with one sign, in all samples, both kinds
        "expected": NUMBER,  # of them if the null holds of the model of which it expects most
        "of_model": TEXT,  # that model
        "p": NUMBER,  # chance that the null has as many
        "accidents": NUMBER,  # `expected` over `shared`, at most 1
        "listed": COUNT,  # interactions that hold the rate of false discoveries; null but for the claim's least order
        "rate": NUMBER,  # that rate
        "floor": NUMBER,  # the least rate that could have come out, with so few draws
        "why": TEXT,  # why nothing is listed, or there is no null; empty if something is
        "samples": COUNT,
    }
)


def agreement(each: Comparison) -> pd.DataFrame:
    """How many interactions are shared, how many of these each null hypothesis expects, and how many can be named."""
    rows = []
    for (name, least), claim in each.claims.by_name.items():
        has_list = least == LEAST_ORDERS[name][0]
        rows.append(
            {
                "method": each.method,
                "ensemble": each.ensemble,
                "main": each.is_main,
                "claim": name,
                "null": CLAIMS[name],
                "least_order": least,
                "shared": len(claim.family.shared),
                "expected": claim.expected,
                "of_model": None if claim.null.why else each.members[int(claim.null.total.argmax())],
                "p": claim.p,
                "accidents": claim.accidents,
                "listed": claim.listed if has_list else None,
                "rate": RATE,
                "floor": claim.floor,
                "why": claim.why if has_list else claim.null.why,
                "samples": len(each.games.samples),
            }
        )
    return pd.DataFrame(rows).astype({"listed": "Int64"})


STATES_SCHEMA = pa.schema(
    {
        "method": TEXT,
        "ensemble": TEXT,
        "kind": TEXT,
        "state": TEXT,  # shared, opposed, distinctive or undecided: see `andor.report.tables.states`
        "count": NUMBER,  # interactions salient in any model that are in this state: mean per sample
        "low": NUMBER,
        "high": NUMBER,
        "strength": NUMBER,  # mean sum of their |I|, mean over models
        "samples": COUNT,
    }
)


def states(each: Comparison) -> pd.DataFrame:
    """What becomes of the interactions that are salient in any model."""
    kinds = range(len(each.kinds))
    own = list(zip(each.games.samples, each.states, strict=True))
    count = np.array([[[(of[k] == state).sum() for state in STATES] for k in kinds] for _, of in own], dtype=float)
    strength = np.array(
        [[[game.magnitude.mean(0)[k][of[k] == state].sum() for state in STATES] for k in kinds] for game, of in own]
    )
    low, high = each.bootstrap.interval(count)
    return tidy(
        {**each.axes, "kind": each.kinds, "state": STATES},
        count=count.mean(0),
        low=low,
        high=high,
        strength=strength.mean(0),
        samples=len(own),
    )


TABLES = (
    Table("agreement", Comparison, agreement, AGREEMENT_SCHEMA),
    Table("states", Comparison, states, STATES_SCHEMA),
)
"""Those of this module."""
