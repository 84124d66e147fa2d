"""The page of one input that was explained by `andor.explain`."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from andor.game.interactions import Interactions
from andor.outputs.stored import DrawnValues
from andor.report.explorer.coding import encode_drawn
from andor.report.explorer.content import pieces
from andor.report.explorer.payload import assembled, unit


def explained(
    interactions: Interactions,
    errors: Interactions,
    gaps: Sequence[float],
    drawn: Sequence[DrawnValues],
    names: Sequence[str],
    threshold: float,
    text: tuple[str, Sequence[Sequence[int]]] | None = None,
) -> dict[str, Any]:
    """Everything the page of one input shows, as JSON values.

    Parameters
    ----------
    interactions, errors : of its m models, and their standard errors on the same coalitions
    gaps : that were certified, one for each model, or one for all where they were explained jointly
    drawn : values of each model on drawn coalitions
    names : of the players
    threshold : share of a model's strongest above which an interaction is salient
    text : it and the characters [start, stop) of each player; if None, players are shown by name
    """
    models = list(interactions.models)
    bound = threshold * interactions.magnitude.max((1, 2), initial=0)
    if len(gaps) == 1 < len(models):
        method, kind, parts = "jointly", "generalizable", {"all": unit(interactions, bound, gaps[0], errors)}
    else:
        method, kind = "each alone", "traditional"
        parts = {
            model: unit(interactions.of_models([model]), bound[[i]], gaps[i], errors.of_models([model]))
            for i, model in enumerate(models)
        }
    sample = {
        "number": 0,
        "title": "Players" if text is None else "Text",
        "names": list(names),
        **({} if text is None else {"text": pieces(*text)}),
        **encode_drawn(drawn, "explanation"),
        "parts": {method: parts},
    }
    return assembled(
        [sample],
        title="Explanation",
        output="what the functions give",
        centred=False,
        models=models,
        ensembles={"all": models},
        methods={method: kind},
        salience={"rule": "sample", "threshold": threshold},
        discovery_rate=None,
        claims=[],
        headline=None,
        all_samples=1,
    )


def framed(page: str, height: int = 900) -> str:
    """A page inside of another one, such as a notebook: its script can act in the frame alone."""
    return (
        f'<iframe srcdoc="{html.escape(page)}" sandbox="allow-scripts" title="Explanation" '
        f'style="width: 100%; height: {height}px; border: 0"></iframe>'
    )
