"""What comes first: whether networks share more than by accident, and which interactions can be named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from andor.analysis.discovery import RATE
from andor.report.findings.typography import markdown, number, plain

SURE = 0.05
"""Chance under a null hypothesis up to which a number of shared interactions is called more than an accident."""
NAMED = 12
"""Interactions of an ensemble that are named at most, those that are listed most surely."""
CLAIMS = {
    ("agree", 1): "agree: names at random",
    ("agree", 2): "agree, two players and more",
    ("combinations", 2): "agree in combinations: the same players matter",
    ("exchange", 1): "agree beyond other samples",
}
"""Claims that are reported, with their least order: the claim and what the null hypothesis says instead."""


def findings(
    agreement: pd.DataFrame, states: pd.DataFrame, interactions: pd.DataFrame, kinship: Mapping[str, str]
) -> Iterator[str]:
    """Markdown: how many are accidents, in a table and in words, the interactions named, and the others' states.

    Parameters
    ----------
    kinship
        What is said of ensembles whose models did not start apart.
    """
    method = _method(agreement)
    own = agreement[agreement["method"] == method]
    main = own[own["main"]] if own["main"].any() else own
    yield (
        f"Interactions that are salient in every network with one sign, of {int(own['samples'].max())} samples "
        f"together, under the method {method}, which explains each network by itself; and how many would be by "
        "accident if one network's players had names at random, if its coalitions came together by accident of the "
        "players that matter to it, or if it showed other samples. For three networks and more that is said of the one "
        "network for which it is most, so that two that agree do not stand for all. *Listed*: those of which at most "
        f"{100 * own['rate'].max():.0f} % are expected to be accidents, all kinds and orders being one family. "
        "*In 3 of 5 solutions*: it is shared in so many of the near-optimal solutions at hand; the others would have "
        "done as well. That says how much is the solver's choice, and is no test: an accident may be in all of them."
    )
    yield _counts(own)
    yield "\n".join(
        f"- {_verdict(of_ensemble)}{kinship.get(str(ensemble), '')}"
        for ensemble, of_ensemble in main.groupby("ensemble", sort=False)
    )
    listed = interactions[interactions["method"] == method]
    yield from (_named(ensemble, listed) for ensemble in main["ensemble"].unique() if _any(ensemble, listed))
    yield _states(states[states["method"] == method])


def kinship(accuracy: pd.DataFrame, sharing: pd.DataFrame) -> dict[str, str]:
    """A sentence for each ensemble with models that have or start from the same weights, by the table `accuracy`."""
    weights = accuracy[accuracy["weights"] != ""].drop_duplicates("model").set_index("model")["weights"]
    said = {}
    for ensemble, models in sharing.groupby("ensemble", sort=False)["model"].unique().items():
        own = weights[weights.index.isin(models)]
        kin = [list(same.index) for _, same in own.groupby(own, sort=False) if len(same) > 1]
        if kin:
            named = "; ".join(" and ".join(same) for same in kin)
            said[str(ensemble)] = f" Made from the same weights: {named}; some of what they share was there before."
    return said


def _method(agreement: pd.DataFrame) -> str:
    """The method that claims are made by: one that explains networks apart, so that its nulls are exact, if any is."""
    apart = agreement[(agreement["claim"] == "combinations") & agreement["expected"].notna()]["method"].unique()
    known = [method for method in apart if method != "original"] or list(apart) or list(agreement["method"].unique())
    return known[0]


def _counts(table: pd.DataFrame) -> str:
    rows = [
        [
            row.ensemble if row.main else f"{row.ensemble} \\*",
            CLAIMS[row.claim, row.least_order],
            str(row.shared),
            "–" if pd.isna(row.expected) else f"{row.expected:.1f}",
            number(row.accidents),
            "–" if pd.isna(row.p) else f"{row.p:.3f}",
            "" if pd.isna(row.listed) else f"{row.listed:.0f}",
        ]
        for row in table.itertuples()
        if (row.claim, row.least_order) in CLAIMS
    ]
    return markdown(["ensemble", "claim", "shared", "by accident", "share", "p", "listed"], rows)


def _verdict(table: pd.DataFrame) -> str:
    """What an ensemble's numbers come to, in a sentence."""
    row = table.set_index(["claim", "least_order"])
    agree, combined = row.loc[("agree", 1)], row.loc[("combinations", 2)]
    name = f"**{agree['ensemble']}**"
    if agree["shared"] == 0:
        return f"{name}: nothing is shared."
    more = agree["p"] <= SURE
    if not more and not agree["listed"] and not combined["listed"]:
        return f"{name}: what is shared cannot be told from accident (p = {agree['p']:.2f})."
    said = [
        "these networks agree more than by accident"
        if more
        else f"as many would be shared by accident (p = {agree['p']:.2f}), but not as strongly",
        "no single interaction can be named"
        if not agree["listed"]
        else f"{agree['listed']:.0f} interaction{'s' if agree['listed'] > 1 else ''} can be named",
    ]
    if pd.notna(combined["p"]):
        said.append(_beyond(combined))
    return f"{name}: {'; '.join(said)}."


def _beyond(combined: pd.Series) -> str:
    """Whether they agree in which players act together, and how many interactions can be named for that."""
    named = f"{combined['listed']:.0f} can be named as combinations" if combined["listed"] else ""
    if combined["p"] <= SURE:
        return "also in which players act together" + (f" ({named})" if named else "")
    return (
        f"{named}, though as many are shared where only the same players matter"
        if named
        else "not shown to agree in more than which players matter"
    )


def _any(ensemble: str, interactions: pd.DataFrame) -> bool:
    return bool(_of(ensemble, interactions)["agree"].notna().any())


def _of(ensemble: str, interactions: pd.DataFrame) -> pd.DataFrame:
    """An ensemble's interactions that are shared, a row for each, with the least of its strengths."""
    own = interactions[(interactions["ensemble"] == ensemble) & interactions["shared"]]
    columns = ["sample", "kind", "players", "members", "agree", "combinations"]
    strength = own.assign(size=own["strength"].abs()).groupby(columns[:3], sort=False)["size"].transform("min")
    return own.assign(least=strength, positive=own["strength"] > 0).drop_duplicates(columns[:3])


def _named(ensemble: str, interactions: pd.DataFrame) -> str:
    own = _of(ensemble, interactions)
    holds = (own["agree"] <= RATE) | (own["combinations"] <= RATE)
    sure = own[holds].sort_values(["agree", "least"], ascending=[True, False], kind="stable")
    if sure.empty:
        return f"{ensemble}: none holds the rate."
    first = [
        f"{row.kind.upper()}({plain(row.members)}) {'+' if row.positive else '−'}{_as(row)}"
        f" (sample {row.sample}{_kept(row)})"
        for row in sure.head(NAMED).itertuples()
    ]
    more = f"; and {len(sure) - NAMED} more" if len(sure) > NAMED else ""
    known = sure["settled"].dropna()
    settled = f" ({known.astype(bool).sum()} of {len(known)} in every solution)" if len(known) else ""
    return f"{ensemble}, most surely first{settled}: {'; '.join(first)}{more}."


def _as(row: Any) -> str:
    """Which claim an interaction is listed under, if it is not that of agreement alone."""
    if not row.combinations <= RATE:
        return ""
    return " in combination" if row.agree <= RATE else " in combination only"


def _kept(row: Any) -> str:
    """In how many of the solutions that are nearly as good an interaction is shared."""
    if pd.isna(row.stability):
        return ""
    return f"; in {round(row.stability * row.solutions)} of {row.solutions} solutions"


def _states(table: pd.DataFrame) -> str:
    """Mean numbers a sample of what is shared, opposed, distinctive and undecided."""
    counts = table.pivot_table(index=["ensemble", "kind"], columns="state", values="count", sort=False)
    names = [name for name in ("shared", "opposed", "distinctive", "undecided") if name in counts]
    rows = [
        [ensemble, kind.upper(), *(f"{own[name]:.1f}" for name in names)] for (ensemble, kind), own in counts.iterrows()
    ]
    return (
        "Interactions a sample that are salient in any network: *shared* are so in all with one sign, *opposed* with "
        "either sign; *distinctive* are so beyond error in some, and in the others not even with their error; the rest "
        "is *undecided*.\n\n" + markdown(["ensemble", "kind", *names], rows)
    )
