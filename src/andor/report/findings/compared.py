"""Findings of a study that compares models two at a time, or along a training."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import pandas as pd

from andor.report.findings.typography import interval, markdown, number

FEW = 3
"""Orders that are told one by one."""
CANCELLED = ("cancelled shared", "cancelled other")
"""Measures of how far signs cancel."""


def findings(table: pd.DataFrame) -> Iterator[str]:
    """Paragraphs and tables."""
    along = table["step"].notna().any()
    yield (
        "*Shared*: salient in both with one sign. In brackets behind a number or share stands what is expected if the "
        "players of one of the two had names at random. *Accidents*: that number over what is shared, the rate of "
        "error of calling all of it shared; *p*: the chance of as many; *listed*: how many can be named at a rate of "
        "10 %, of all samples together."
    )
    for (task, method), own in table.groupby(["task", "method"], sort=False):
        samples = int(own.loc[own["measure"] == "shared", "samples"].max())
        yield f"**{task}**, {method}, {samples} samples."
        of_kinds = own["measure"] == "kinds"
        yield from _along(own[~of_kinds]) if along else _pairs(own[~of_kinds], own[of_kinds])


# ------------------------------------------------------------------------------------------------------ two by two


def _pairs(table: pd.DataFrame, kinds: pd.DataFrame) -> Iterator[str]:
    yield _models(table[table["first"].isna()])
    pairs, rows = _by_pair(table), []
    for names, of_pair in pairs:
        shared, opposed = (_at(of_pair, measure) for measure in ("shared", "opposed"))
        orders = [
            number(row.value) if (row := _at(of_pair, "consistency", order)) is not None else "–"
            for order in range(1, FEW + 1)
        ]
        rows.append(
            [
                " + ".join(names), _expected(shared), number(shared.rate), _chance(shared.p), str(int(shared.listed)),
                _within(_at(of_pair, "consistency")), ", ".join(orders), _expected(opposed),
                _within(_at(of_pair, "ips")), _unstable(_at(of_pair, "similar alike")),
            ]
        )  # fmt: skip
    header = [
        "models", "shared a sample", "accidents", "p", "listed", "shared, of those salient in either",
        f"at orders 1 to {FEW}", "opposed", "IPS", "unstable though both are right",
    ]  # fmt: skip
    yield markdown(header, rows)
    yield _most_and_least(pairs)
    if len(kinds):
        yield _of_kinds(kinds)
    yield _cancelled(table)


def _models(table: pd.DataFrame) -> str:
    rows = []
    for model, own in table.groupby("second", sort=False):
        salient, order, right = (_at(own, measure) for measure in ("salient", "mean order", "test"))
        accuracy = "–" if right is None else interval(right.value, right.low, right.high)
        rows.append([model, accuracy, f"{salient.value:.1f}", number(order.value)])
    return markdown(["model", "accuracy", "salient a sample", "mean order, by strength"], rows)


def _of_kinds(table: pd.DataFrame) -> str:
    rows = [
        [f"{first}, {second}", *(_within(_at(own, "kinds", order)) for order in range(FEW + 1))]
        for (first, second), own in table.groupby(["first", "second"], sort=False)
    ]
    header = ["families", "all orders", *(f"order {order}" for order in range(1, FEW + 1))]
    return "Shared, of what is salient in either, all pairs of two families together:\n\n" + markdown(header, rows)


def _most_and_least(pairs: list[tuple[tuple[str, str], pd.DataFrame]]) -> str:
    known = [(names, _at(of_pair, "consistency"), _at(of_pair, "ips")) for names, of_pair in pairs]
    ordered = sorted((each for each in known if pd.notna(each[1].value)), key=lambda each: -each[1].value)
    if not ordered:
        return "Nothing is salient."
    said = [
        f"{' + '.join(names)} share{degree} ({interval(row.value, row.low, row.high)} of what is salient in either, by "
        f"accident {number(row.null)})"
        for degree, (names, row, _) in zip((" most", " least"), (ordered[0], ordered[-1]), strict=True)
    ][: len(ordered)]
    clear = sum(row.low > row.null for _, row, _ in ordered)
    ips = [row.value for _, _, row in known if pd.notna(row.value)]
    return (
        f"{'; '.join(said)}. More than by accident with the whole interval: {clear} of {len(ordered)}. IPS, the mean "
        "symmetric change of interactions above a tenth of the largest, from 0 to 2, over all pairs: "
        f"{number(sum(ips) / len(ips))} (arXiv 2608.18539 has 1.27 to 1.75 for other templates of one language "
        "model, and 60–80 % that change though the output does not)."
    )


def _cancelled(table: pd.DataFrame) -> str:
    means = table[table["order"] == 0].groupby("measure")[["value", "null"]].mean().map(number)
    shared, other = (f"{means.loc[name, 'value']} ({means.loc[name, 'null']})" for name in CANCELLED)
    return (
        f"Share of the strength that signs cancel, mean over pairs: {shared} among shared salient interactions, "
        f"{other} among the others (arXiv 2606.08129: less among shared ones); in brackets if it were chance which of "
        "an order are shared, as fewer cancel less."
    )


# ------------------------------------------------------------------------------------------------ along a training


def _along(table: pd.DataFrame) -> Iterator[str]:
    pairs = table[table["first"].notna()]
    model = pairs["model"].iloc[0]
    own = table[table["first"].isna() & (table["model"] == model)].sort_values(
        "step", na_position="last", kind="stable"
    )
    states = {state: _when(step) for state, step in zip(own["second"], own["step"], strict=True)}
    partners: dict[str, dict[str, pd.DataFrame]] = {}
    for (partner, second), of_pair in pairs.groupby(["partner", "second"], sort=False):
        partners.setdefault(partner, {})[second] = of_pair
    rows = []
    for state, when in states.items():
        of_state = own[own["second"] == state]
        shares = [number(_at(of_state, "share", order).value) for order in range(1, FEW + 1)]
        with_others = [_of_state(of_partner.get(state)) for of_partner in partners.values()]
        order, salient, right = (_at(of_state, name) for name in ("mean order", "salient", "test"))
        rows.append(
            [
                when.removeprefix("step "), number(order.value), ", ".join(shares),
                f"{salient.value:.1f}", "–" if right is None else number(right.value), *with_others,
            ]
        )  # fmt: skip
    names = ["its end" if name == model else name for name in partners]
    header = ["step", "mean order", f"strength at orders 1 to {FEW}", "salient", "accuracy", *names]
    yield (
        f"Training of {model}: the mean order of its interactions, weighted by their strength; the share of the "
        "strength at low orders; salient interactions a sample; accuracy on held-out items; and the share of its "
        "salient interactions that another model has, too, as that is after the same step if it keeps it.\n\n"
        + markdown(header, rows)
    )
    yield _phases(own, states)
    yield from (_at_the_end(name, of_partner[model]) for name, of_partner in partners.items() if model in of_partner)


def _phases(own: pd.DataFrame, states: Mapping[str, str]) -> str:
    """How often the mean order turns, where its interval leaves that of the last turn."""
    rows = own[(own["measure"] == "mean order") & own["value"].notna()].set_index("second")
    if rows.empty:
        return "No state has any interaction."
    turns = _turns(rows)
    words = [f"{rows.loc[state, 'value']:.2f} ({states[state]})" for state in turns]
    if len(turns) == 1:
        return f"The mean order is {words[0]}; no other state differs from that beyond the intervals."
    moves = ["rises" if rows.loc[b, "value"] > rows.loc[a, "value"] else "falls" for a, b in itertools.pairwise(turns)]
    way = ", ".join(f"{move} to {word}" for move, word in zip(moves, words[1:], strict=True))
    return (
        f"The mean order is {words[0]}, {way}, each beyond the intervals of both: {len(moves)} "
        f"{'phase' if len(moves) == 1 else 'phases'} (arXiv 2405.10262 and 2505.06993 have two: a fall, as orders in "
        "the middle vanish, and a rise, as ever higher ones come)."
    )


def _turns(rows: pd.DataFrame) -> list[str]:
    """The first state, those from which the mean order moves back beyond both intervals, and the last such extreme."""
    first, *others = rows.index
    turns: list[str] = [first]
    upwards: bool | None = None
    for state in others:
        last, row = rows.loc[turns[-1]], rows.loc[state]
        above, below = row["low"] > last["high"], row["high"] < last["low"]
        if (above and upwards is not True) or (below and upwards is not False):
            turns.append(state)
            upwards = bool(above)
        elif len(turns) > 1 and (row["value"] > last["value"]) == upwards:
            turns[-1] = state  # further in the same direction
    return turns


def _when(step: float) -> str:
    return "the end" if pd.isna(step) else f"step {step:.0f}"


def _at_the_end(name: str, of_pair: pd.DataFrame) -> str:
    shared, found = _at(of_pair, "shared"), _at(of_pair, "of second")
    return (
        f"At the end, {interval(found.value, found.low, found.high)} of its salient interactions are also in {name}, "
        f"by accident {number(found.null)}: {shared.value:.1f} a sample, of which {shared.null:.1f} by accident "
        f"({number(shared.rate)} of them, p = {_chance(shared.p)}); {int(shared.listed)} of all samples can be named."
    )


def _of_state(of_pair: pd.DataFrame | None) -> str:
    return "–" if of_pair is None else _within(_at(of_pair, "of second"))


# ---------------------------------------------------------------------------------------------------- what both have


def _by_pair(table: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    grouped = table[table["first"].notna()].groupby(["first", "second"], sort=False)
    return [((first, second), of_pair) for (first, second), of_pair in grouped]


def _at(table: pd.DataFrame, measure: str, order: int = 0) -> pd.Series | None:
    """The row of a measure and order, if there is one."""
    rows = table[(table["measure"] == measure) & (table["order"] == order)]
    return rows.iloc[0] if len(rows) else None


def _expected(row: pd.Series) -> str:
    return f"{row.value:.1f} ({row.null:.1f})"


def _within(row: pd.Series) -> str:
    return "–" if pd.isna(row.value) else f"{interval(row.value, row.low, row.high)} ({number(row.null)})"


def _unstable(row: pd.Series) -> str:
    if pd.isna(row.value):
        return "–"
    return f"{interval(1 - row.value, 1 - row.high, 1 - row.low)} ({number(1 - row.null)})"


def _chance(p: float) -> str:
    return "–" if pd.isna(p) else f"{p:.3f}"
