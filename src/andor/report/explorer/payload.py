"""What the page holds: the numbers of a task, small enough for one file, as values that JSON can carry.

Stored are v on the coalitions that models were asked on, and the interactions that are not 0, not v_and and v_or, from
which a page could rebuild them. At an optimum most interactions are exactly 0, so their list is the shorter of the two;
rounding v_and would turn those zeros into noise that fills up every set of strongest ones; and a strength in float32 is
off by 2^-24 of itself, where one rebuilt from a rounded v_and would be off by up to 2^order times as much.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from andor.analysis.discovery import RATE
from andor.analysis.salience import salience_bound
from andor.data.table import rows
from andor.game.coalitions import KINDS
from andor.game.interactions import Interactions
from andor.report.explorer.coding import STRONGEST, code, encode_drawn, encode_interactions, to_base64
from andor.report.explorer.content import content
from andor.report.explorer.headline import sentences
from andor.report.figures import style
from andor.report.results import TaskResults, per_model
from andor.report.tables.claims import CLAIMS
from andor.report.tables.parts import comparisons
from andor.report.tables.states import DISTINCTIVE

RATES = list(CLAIMS)
"""Columns of the table `interactions` that hold the false discovery rate of a claim."""


def payload(
    results: TaskResults,
    title: str,
    budget: int,
    listed: pd.DataFrame | None = None,
    agreement: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """Everything the page of a task shows, as JSON values; see `andor.report.explorer.coding` for its arrays.

    Parameters
    ----------
    title
        Name of the task.
    budget
        Bytes that samples may take: as many of the first ones as fit are held, at least one.
    listed
        The table `interactions`, for the rates of the claims about each.
    agreement
        The table `agreement`, for what is said of all samples together.
    """
    groups = results.ensembles or {model: [model] for model in results.models}
    methods = [name for name in style.method_order(results.methods) if results.subjects(name)]
    said: dict[str, dict[int, Any]] = {
        "rates": _by_code(listed, RATES, results.sizes, _rates),
        "kept": _by_code(listed, ["stability", "solutions"], results.sizes, _kept),
        "distinctive": _distinctive(results),
    }
    return assembled(
        _held(results, methods, said, budget),
        title=title,
        output=results.reward.words,
        centred=results.reward.centred,
        models=results.models,
        ensembles=groups,
        methods={name: results.methods[name] for name in methods},
        salience={"rule": results.analysis.salience.rule, "threshold": results.analysis.salience.threshold},
        discovery_rate=None if listed is None else RATE,
        claims=RATES,
        headline=None if agreement is None else sentences(agreement),
        all_samples=len(results.sample_numbers),
    )


def assembled(
    held: Sequence[Mapping[str, Any]],
    models: Sequence[str],
    ensembles: Mapping[str, Sequence[str]],
    methods: Mapping[str, str],
    **said: Any,
) -> dict[str, Any]:
    """The page of some samples: what can be chosen, and what is said of all of it.

    Parameters
    ----------
    held : samples with their `parts`, by method and subject
    models, ensembles, methods : as of `TaskResults`
    """
    units = [unit for about in held for of_method in about["parts"].values() for unit in of_method.values()]
    colours = style.method_colours(list(methods))
    return said | {
        "models": list(models),
        "ensembles": [
            {
                "name": name,
                "title": style.ensemble_title(name, members),
                "models": [models.index(model) for model in members],
            }
            for name, members in ensembles.items()
        ],
        "methods": [{"name": name, "kind": kind, "colour": colours[name]} for name, kind in methods.items()],
        "start": {"ensemble": style.widest(ensembles), "method": _first_joint(methods)},
        "order": max(unit["order"] for unit in units),
        "strongest": STRONGEST,
        "precision": max(part["precision"] for unit in units for part in unit["models"]),
        "samples": list(held),
    }


def _held(
    results: TaskResults, methods: Sequence[str], said: Mapping[str, Mapping[int, Any]], budget: int
) -> list[dict[str, Any]]:
    """As many of the first samples as fit, at least one; with what is said of interactions, by number of the sample."""
    encode = {
        (method, subject): _encoder(results, method, subject)
        for method in methods
        for subject in results.subjects(method)
    }
    held, size = [], 0
    for number, row in zip(results.sample_numbers, rows(results.samples), strict=True):
        about = {
            "number": number,
            **content(row),
            **_values(results, number),
            "parts": {m: {subject: encode[m, subject](number) for subject in results.subjects(m)} for m in methods},
        }
        about |= {name: of_samples[number] for name, of_samples in said.items() if number in of_samples}
        size += len(json.dumps(about))
        if held and size > budget:
            break
        held.append(about)
    return held


def _values(results: TaskResults, number: int) -> dict[str, Any]:
    """v of every model: on all coalitions, or on the drawn ones beside them."""
    if results.sampled:
        return encode_drawn([results.drawn_values(model)[number] for model in results.models], str(results.folder))
    return {"v": [to_base64(results.values(model)[number], "<f4") for model in results.models]}


def _encoder(results: TaskResults, method: str, subject: str) -> Callable[[int], dict[str, Any]]:
    """What encodes the interactions of a subject, of one sample after the other."""
    members = results.subjects(method)[subject]
    merged, said = results.merged_interactions(method, subject), results.interaction_metadata(method, subject)
    errors = _errors(results, method, subject)
    salience = results.analysis.salience
    largest = np.array([one.magnitude.max((1, 2), initial=0) for one in merged])
    bound = salience_bound(largest, salience.rule, salience.threshold, results.output_range(members))

    def encode(number: int) -> dict[str, Any]:
        known = None if errors is None else errors[number].on(merged[number].coalitions)
        made = unit(merged[number], bound[number], said[number]["gap"], known)
        for place, (model, part) in enumerate(zip(members, made["models"], strict=True)):
            part |= _stated(said[number], model, place)
        return made

    return encode


def _errors(results: TaskResults, method: str, subject: str) -> list[Interactions] | None:
    """Standard errors of a subject's interactions in each sample; of a model alone, from any ensemble it is in."""
    members = results.subjects(method)[subject]
    ensemble = next((name for name, own in results.ensembles.items() if set(members) <= set(own)), None)
    known = None if ensemble is None else results.errors(method, ensemble)
    return None if known is None else [one.of_models(members) for one in known]


def unit(
    interactions: Interactions, bound: np.ndarray, gap: float, errors: Interactions | None = None
) -> dict[str, Any]:
    """What one extraction found in a sample.

    Parameters
    ----------
    interactions : of its m models, merged
    bound : of salience in each, (m,)
    gap : that was certified
    errors : standard errors on the same coalitions
    """
    order = interactions.order or interactions.coalitions.n
    return {
        "gap": finite(gap),
        "order": order,
        "possible": [float(interactions.coalitions.possible(kind, up_to=order)) for kind in KINDS],
        "models": [
            encode_interactions(
                interactions.of_models([model]), bound[i], None if errors is None else errors.strengths[[i]]
            )
            for i, model in enumerate(interactions.models)
        ],
    }


def _stated(said: Mapping[str, Any], model: str, place: int) -> dict[str, Any]:
    """What the extraction said of one of its models: κ, or R² by the largest order."""
    if "kappa" in said:
        return {"kappa": finite(np.max(per_model(said["kappa"], model)))}
    return {"by_order": [[int(order), finite(found[place])] for order, found in said.get("by_order", {}).items()]}


def _by_code(
    listed: pd.DataFrame | None, columns: Sequence[str], sizes: Sequence[int], value: Callable[..., Any]
) -> dict[int, dict[str, dict[str, dict[str, Any]]]]:
    """What columns of the table `interactions` say, by sample, method, ensemble and code.

    Parameters
    ----------
    value : from the columns of a row; None where they say nothing
    """
    found: dict[int, Any] = {}
    if listed is None:
        return found
    keys = ["sample", "method", "ensemble", "kind", "players"]
    rows = listed.drop_duplicates(keys).astype({"kind": str}).set_index(keys)[list(columns)]
    for (sample, method, ensemble, kind, players), *own in rows.itertuples(name=None):
        said = value(*own)
        if said is not None:
            of_ensemble = found.setdefault(int(sample), {}).setdefault(str(method), {}).setdefault(str(ensemble), {})
            of_ensemble[code(map(int, players.split()), sizes[int(sample)], KINDS.index(kind))] = said
    return found


def _rates(*own: float) -> list[float | None] | None:
    """False discovery rate of each claim."""
    rates = [None if pd.isna(rate) else round(float(rate), 6) for rate in own]
    return None if all(rate is None for rate in rates) else rates


def _kept(stability: float, solutions: int) -> list[int] | None:
    """In how many solutions an interaction is shared, and how many there are."""
    return None if pd.isna(stability) else [round(stability * solutions), int(solutions)]


def _distinctive(results: TaskResults) -> dict[int, dict[str, dict[str, list[str]]]]:
    """Codes of what is distinctive, by sample, method and ensemble, where that is known.

    Where coalitions were drawn there is none: the page finds it by standard errors.
    """
    found: dict[int, Any] = {}
    if results.sampled:
        return found
    for each in comparisons(results):
        for number, game, width, state in zip(
            results.sample_numbers, each.games.samples, each.widths, each.states, strict=True
        ):
            if width is not None:
                players, places = game.coalitions.players, np.argwhere(state == DISTINCTIVE)
                codes = [
                    code(players[place], game.coalitions.n, KINDS.index(each.kinds[kind])) for kind, place in places
                ]
                found.setdefault(number, {}).setdefault(each.method, {})[each.ensemble] = codes
    return found


def _first_joint(methods: Mapping[str, str]) -> str:
    """The first method that explains models together, or else the first one."""
    return max(methods, key=lambda name: methods[name] == "generalizable")


def finite(number: float) -> float | None:
    """JSON knows no infinity: a bound that is none is None."""
    return float(number) if np.isfinite(number) else None
