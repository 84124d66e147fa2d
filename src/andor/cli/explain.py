"""The command `andor explain`: the interactions behind what models say of one text, every word a player."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from andor.cli.models import device_of, loaded_from, masking_of
from andor.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from andor.models.loaded import LoadedModel
    from andor.outputs.masking import MaskedModel
    from andor.report.inputs import Input


def explain(
    models: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of text classifiers: that the workflow made (results/TASK/models/MODEL), or in the layout of "
            "transformers."
        ),
    ],
    text: Annotated[str, typer.Option(help="The text.")],
    players: Annotated[str, typer.Option(help="words or sentences.")] = "words",
    label: Annotated[
        int, typer.Option(help="The label whose log-odds are explained; of a model of numbers, its prediction.", min=0)
    ] = 1,
    baseline: Annotated[str, typer.Option(help="What masks a player, as `masking.baseline`.")] = "mask",
    budget: Annotated[int, typer.Option(help="Masked texts that interactions are fitted to.", min=8)] = 1000,
    held_out: Annotated[int, typer.Option(help="Further ones that judge the fit.", min=0)] = 250,
    order: Annotated[int, typer.Option(help="Largest order of interactions; 0: all.", min=0)] = 3,
    alpha: Annotated[
        float | None, typer.Option(help="Weight of the sum over models in a joint fit; each alone by default.", min=0)
    ] = None,
    penalty: Annotated[float | None, typer.Option(help="λ; the one that predicts best by default.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the masked texts.", min=0)] = 0,
    cache: Annotated[Path, typer.Option(help="Folder that keeps outputs: an interrupted run goes on.")] = Path(
        ".cache"
    ),
    out: Annotated[Path | None, typer.Option(help="A Parquet file of the interactions.")] = None,
    page: Annotated[Path | None, typer.Option(help="An HTML file to look at.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
) -> None:
    """Find the AND and OR interactions of all words of a text; print the strongest, and those that all models share."""
    from andor import digests
    from andor.files import write_text
    from andor.report.explanation import explained_on
    from andor.report.inputs import text_input

    if penalty is not None and not penalty > 0:
        raise UserError(f"`--penalty {penalty}`: give a number above 0")
    names = [path.name for path in models]
    if len(set(names)) < len(names):
        raise UserError(f"two of the models {', '.join(map(str, models))} have one name; rename a folder")
    given, functions, keys = text_input(text, players), {}, {}
    for name, path in zip(names, models, strict=True):
        digests.check(path)
        loaded = loaded_from(path, device_of(device), None)
        functions[name], keys[name] = _function(name, loaded, given, baseline, label)
    settings = {"alpha": alpha, "order": order or None, "penalty": penalty, "gap": 0.02}
    found = explained_on(functions, given, keys, budget, held_out, seed, cache, progress=True, **settings)
    typer.echo(repr(found))
    if len(models) > 1:
        shared = found.shared()
        typer.echo("salient in all models, with one sign:" if len(shared) else "nothing is salient in all models")
        typer.echo(shared.head(20).to_string(index=False) if len(shared) else "")
    if out is not None:
        found.save(out)
    if page is not None:
        write_text(page, found.page())


def _function(
    name: str, model: LoadedModel, given: Input, baseline: str, label: int
) -> tuple[Callable[[np.ndarray], np.ndarray], dict[str, Any]]:
    """The model's log-odds, or predictions, by which players are present, and what determines them."""
    from andor.models.loaded import LanguageModel, TextClassifier
    from andor.outputs.evaluate import cache_content
    from andor.outputs.masking import locate

    if "text" not in model.columns or isinstance(model, LanguageModel):
        raise UserError(f"the model `{name}` ({model.family}) is no classifier of texts; use `andor evaluate`")
    sample = {"text": given.item, "players": given.places}
    located = locate(model, sample, masking_of(baseline, None, None, "keep"))
    masked = located.bind(model)
    alone = "prediction" if isinstance(model, TextClassifier) else "log_odds"  # which has two outputs for two labels
    return lambda presence: _reward(masked, presence, label, alone), cache_content(model, located) | {"label": label}


def _reward(masked: MaskedModel, presence: np.ndarray, label: int, alone: str) -> np.ndarray:
    """Log-odds of a label, (B,) float64, for the players that are present, bool (B, n); or `alone` of one output."""
    from andor.outputs.passes import evaluated
    from andor.outputs.rewards import classifier_reward

    outputs = evaluated(masked, drawn=presence).outputs
    return classifier_reward(outputs, label, alone if outputs.shape[1] == 1 else "log_odds")
