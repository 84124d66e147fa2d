"""What the page holds: the numbers of a task, small enough for one file, as values that JSON can carry.

Stored are v on all coalitions and the interactions that are not 0, not v_and and v_or, from which a page could rebuild
them. At an optimum most interactions are exactly 0, so their list is the shorter of the two; rounding v_and would turn
those zeros into noise that fills up every set of strongest ones; and a strength in float32 is off by 2^-24 of itself,
where one rebuilt from a rounded v_and would be off by up to 2^order times as much.

An interaction is written as its *code*: the bit mask of its coalition, plus 2^n if it is an OR interaction.
"""

from __future__ import annotations

import base64
import itertools
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
from andor.report.figures import style
from andor.report.results import TaskResults, per_model

STRONGEST = 2**11
"""Interactions kept of a model, or all salient ones if they are more: for n <= 10 these are all there are."""
Q_VALUE = "q"
"""Column of the table `interactions` that may hold a false discovery rate."""


def payload(results: TaskResults, title: str, budget: int, listed: pd.DataFrame | None = None) -> dict[str, Any]:
    """Everything the page of a task shows, as JSON values.

    Arrays are base64 of little-endian numbers: v as float32 (2^n,); of each model's interactions, orders <= 1 merged
    and the empty coalition apart, the codes as uint16 (uint32 if n > 15) and the strengths as float32, strongest first.

    Parameters
    ----------
    title
        Name of the task.
    budget
        Bytes that samples may take: as many of the first ones as fit are held, at least one.
    listed
        The table `interactions`; if it has a column `q`, that is carried along.
    """
    groups = results.ensembles or {model: [model] for model in results.models}
    methods = [name for name in style.method_order(results.methods) if results.subjects(name)]
    colours = style.method_colours(methods)
    rates = _rates(listed, len(results.player_names[0]))
    held = _held(results, methods, rates, budget)
    parts = [
        part
        for about in held
        for of_method in about["parts"].values()
        for of_subject in of_method.values()
        for part in of_subject["models"]
    ]
    return {
        "title": title,
        "players": len(results.player_names[0]),
        "output": results.reward.words,
        "centred": results.reward.centred,
        "models": results.models,
        "ensembles": [
            {
                "name": name,
                "title": style.ensemble_title(name, members),
                "models": [results.models.index(model) for model in members],
            }
            for name, members in groups.items()
        ],
        "methods": [{"name": name, "kind": results.methods[name], "colour": colours[name]} for name in methods],
        "start": {"ensemble": style.widest(groups), "method": _first_joint(results, methods)},
        "salience": {"rule": results.analysis.salience.rule, "threshold": results.analysis.salience.threshold},
        "discovery_rate": RATE if rates else None,
        "all_samples": len(results.sample_numbers),
        "strongest": STRONGEST,
        "precision": max(part["precision"] for part in parts),
        "samples": held,
    }


def _held(results: TaskResults, methods: Sequence[str], rates: Mapping[int, Any], budget: int) -> list[dict[str, Any]]:
    """As many of the first samples as fit, at least one."""
    encode = {
        (method, subject): _encoder(results, method, subject)
        for method in methods
        for subject in results.subjects(method)
    }
    held, size = [], 0
    for number, row in zip(results.sample_numbers, rows(results.samples), strict=True):
        about = {
            "number": number,
            **_content(row),
            "v": [_base64(results.values(model)[number], "<f4") for model in results.models],
            "parts": {m: {subject: encode[m, subject](number) for subject in results.subjects(m)} for m in methods},
        }
        if number in rates:
            about["q"] = rates[number]
        size += len(json.dumps(about))
        if held and size > budget:
            break
        held.append(about)
    return held


# ------------------------------------------------------------------------------------------------- interactions


def _encoder(results: TaskResults, method: str, subject: str) -> Callable[[int], dict[str, Any]]:
    """What encodes the interactions of a subject, of one sample after the other."""
    members = results.subjects(method)[subject]
    merged, said = results.merged_interactions(method, subject), results.interaction_metadata(method, subject)
    salience = results.analysis.salience
    largest = np.array([one.magnitude.max((1, 2), initial=0) for one in merged])
    bound = salience_bound(largest, salience.rule, salience.threshold, results.output_range(members))

    def encode(number: int) -> dict[str, Any]:
        entry = said[number]
        return {
            "gap": _finite(entry["gap"]),
            "models": [
                {
                    **encode_interactions(merged[number].of_models([model]), bound[number, place]),
                    "kappa": _finite(np.max(per_model(entry["kappa"], model))),
                }
                for place, model in enumerate(members)
            ],
        }

    return encode


def encode_interactions(interactions: Interactions, bound: float) -> dict[str, Any]:
    """One model's merged interactions of a sample as the page holds them.

    Returns
    -------
    dict
        `codes` and `strengths` (base64), `empty` (the constant I(∅)), `nonzero` and `salient` (how many there are; the
        salient ones come first), `bound` (of salience), and `precision`: the most that rounding can change a
        prediction.
    """
    coalitions = interactions.coalitions
    empty = 0.0 if coalitions.empty is None else float(interactions.strengths[0, :, coalitions.empty].sum())
    n, flat = coalitions.n, interactions.magnitude.ravel()
    order = np.argsort(-flat, kind="stable")
    nonzero, salient = int((flat > 0).sum()), int((flat > bound).sum())
    places = order[: max(min(nonzero, STRONGEST), salient)]
    strengths = interactions.strengths.ravel()[places]
    every = coalitions.masks.astype(np.int64) + (np.arange(len(interactions.kinds))[:, None] << n)
    codes = every.ravel()[places]
    return {
        "codes": _base64(codes, "<u2" if n < 16 else "<u4"),
        "strengths": _base64(strengths, "<f4"),
        "empty": empty,
        "bound": float(bound),
        "nonzero": nonzero,
        "salient": salient,
        "precision": float(np.abs(strengths - strengths.astype(np.float32)).sum()),
    }


def decode_interactions(part: Mapping[str, Any], n: int) -> np.ndarray:
    """Interactions as the page reads them: float64 (2, 2^n), the constant at the empty AND coalition."""
    interactions = np.zeros(2 << n)
    codes = np.frombuffer(base64.b64decode(part["codes"]), "<u2" if n < 16 else "<u4")
    interactions[codes] = np.frombuffer(base64.b64decode(part["strengths"]), "<f4")
    interactions[0] = part["empty"]
    return interactions.reshape(2, -1)


def decode_values(text: str) -> np.ndarray:
    """v as the page reads it: float32 (2^n,)."""
    return np.frombuffer(base64.b64decode(text), "<f4")


def _rates(listed: pd.DataFrame | None, n: int) -> dict[int, dict[str, dict[str, dict[str, float]]]]:
    """False discovery rates by sample, method, ensemble and code; of the models' rates the largest."""
    rates: dict[int, Any] = {}
    if listed is None or Q_VALUE not in listed:
        return rates
    keys = ["sample", "method", "ensemble", "kind", "coalition"]
    known = listed.dropna(subset=[Q_VALUE]).astype({"kind": str}).groupby(keys, sort=True)[Q_VALUE].max()
    for (sample, method, ensemble, kind, coalition), rate in known.items():
        of_ensemble = rates.setdefault(int(sample), {}).setdefault(str(method), {}).setdefault(str(ensemble), {})
        of_ensemble[str(coalition + (KINDS.index(kind) << n))] = float(rate)
    return rates


# ------------------------------------------------------------------------------------------------------ samples


def _content(row: Mapping[str, Any]) -> dict[str, Any]:
    """What there is to see of a sample: its text in pieces, its image with the players' areas, or names alone."""
    players = row["players"]
    content: dict[str, Any] = {"names": row["player_names"]}
    content |= {key: row[key] for key in ("label", "target") if row.get(key) is not None}
    if row.get("text") is not None:
        content["text"] = pieces(row["text"], players)
    elif row.get("image") is not None:
        image = np.asarray(row["image"])
        content["image"] = {
            "channels": image.shape[0],
            "height": image.shape[1],
            "width": image.shape[2],
            "pixels": _base64(np.moveaxis(np.rint(255 * np.clip(image, 0, 1)), 0, -1), "u1"),
            "areas": [areas(pixels, image.shape[2]) for pixels in players],
        }
    return content


def pieces(text: str, players: Sequence[Sequence[int]]) -> list[list[Any]]:
    """A text cut at its players: [piece, number of the player or None], in reading order.

    Cut here, because the positions count characters, and a browser counts UTF-16 units.
    """
    cut: list[list[Any]] = []
    end = 0
    for start, stop, player in sorted((start, stop, player) for player, (start, stop) in enumerate(players)):
        cut += [[text[end:start], None], [text[start:stop], player]]
        end = stop
    return [piece for piece in [*cut, [text[end:], None]] if piece[0]]


def areas(pixels: Sequence[int], width: int) -> list[list[int]]:
    """A set of pixels (row·width + column) as rectangles [column, row, width, height]."""
    rectangles: list[list[int]] = []
    for row in sorted({pixel // width for pixel in pixels}):
        columns = sorted(pixel % width for pixel in pixels if pixel // width == row)
        breaks = [0, *(np.flatnonzero(np.diff(columns) > 1) + 1).tolist(), len(columns)]
        for first, last in itertools.pairwise(breaks):
            run = [columns[first], last - first]
            above = next((r for r in rectangles if [r[0], r[2]] == run and r[1] + r[3] == row), None)
            if above:
                above[3] += 1
            else:
                rectangles.append([run[0], row, run[1], 1])
    return rectangles


def _first_joint(results: TaskResults, methods: Sequence[str]) -> str:
    """The first method that explains models together, or else the first one."""
    return max(methods, key=lambda name: results.methods[name] == "generalizable")


def _finite(number: float) -> float | None:
    """JSON knows no infinity: a bound that is none is None."""
    return float(number) if np.isfinite(number) else None


def _base64(numbers: np.ndarray, dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers).astype(dtype).tobytes()).decode("ascii")
