"""The page of one input that was explained by `andor.explain`."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Protocol

from andor.report.explorer.coding import encode_drawn
from andor.report.explorer.content import pieces
from andor.report.explorer.payload import assembled, unit

if TYPE_CHECKING:
    from andor.game.interactions import Interactions
    from andor.outputs.stored import DrawnValues
    from andor.sparsify.sampled.fit import Fit


class Explained(Protocol):  # noqa: D102 - its attributes say what they are where it is
    """What the page needs of an `andor.report.explanation.Explanation`, which has these attributes."""

    @property
    def models(self) -> tuple[str, ...]: ...

    @property
    def players(self) -> list[str]: ...

    @property
    def fit(self) -> Fit: ...

    @property
    def item(self) -> Any: ...

    @property
    def places(self) -> list[list[int]]: ...

    @property
    def drawn(self) -> dict[str, DrawnValues]: ...

    @property
    def joint(self) -> bool: ...

    @property
    def interactions(self) -> Interactions: ...

    @property
    def errors(self) -> Interactions: ...


def explained(found: Explained, salient: float) -> dict[str, Any]:
    """Everything the page of an explanation shows, as JSON values.

    Parameters
    ----------
    salient : share of a model's largest strength above which an interaction is
    """
    models = list(found.models)
    interactions, errors = found.interactions, found.errors
    bound, gaps = salient * interactions.magnitude.max((1, 2), initial=0), found.fit.gap
    if found.joint:
        method, kind, parts = "jointly", "generalizable", {"all": unit(interactions, bound, gaps[0], errors)}
    else:
        method, kind = "each alone", "traditional"
        parts = {
            model: unit(interactions.of_models([model]), bound[[i]], gaps[i], errors.of_models([model]))
            for i, model in enumerate(models)
        }
    sample = {
        "number": 0,
        "title": "Text" if isinstance(found.item, str) else "Array",
        "names": found.players,
        **({"text": pieces(found.item, found.places)} if isinstance(found.item, str) else {}),
        **encode_drawn([found.drawn[model] for model in models], "explanation"),
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
        salience={"rule": "sample", "threshold": salient},
        discovery_rate=None,
        all_samples=1,
    )


def framed(page: str, height: int = 900) -> str:
    """A page inside of another one, such as a notebook: its script can act in the frame alone."""
    return (
        f'<iframe srcdoc="{html.escape(page)}" sandbox="allow-scripts" title="Explanation" '
        f'style="width: 100%; height: {height}px; border: 0"></iframe>'
    )
