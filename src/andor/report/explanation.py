"""Explain one input under any functions of it: `andor.explain`."""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from andor.errors import UserError
from andor.files import digest
from andor.outputs.drawn import HELD_OUT, Values, drawn, is_unseen
from andor.report.inputs import Input, array_input, text_input

if TYPE_CHECKING:
    import pandas as pd

    from andor.game.interactions import Interactions
    from andor.outputs.stored import DrawnValues
    from andor.report.tables.games import Game
    from andor.sparsify.sampled.fit import Fit

SALIENT = 0.05
"""Share of a model's largest strength above which an interaction is salient."""
BATCH = 64
"""Inputs of one call of a model."""

Model = Callable[[Any], Any]
"""A function of a list of texts, or of an array of inputs, that gives a number for each."""


def explain(
    models: Mapping[str, Model],
    item: str | np.ndarray,
    *,
    budget: int = 1000,
    held_out: int = 250,
    players: str | Sequence[Sequence[int]] | None = None,
    masked: str = "",
    baseline: np.ndarray | float | None = None,
    names: Sequence[str] | None = None,
    alpha: float | None = None,
    order: int | None = 3,
    penalty: float | None = None,
    gap: float = 0.02,
    seed: int = 0,
    cache: str | Path | None = None,
    progress: bool = True,
) -> Explanation:
    """The interactions by which models come to their outputs on a text or an array.

    Parameters
    ----------
    models : functions of a list of texts, or of an array (B, …) of such inputs, to B numbers each
    item : the text, or the array
    budget, held_out : masked inputs that each model is asked for, to fit and to judge the fit
    players : of a text, characters [start, stop) of each, or ``"words"`` or ``"sentences"`` for all of them; of an
        array, places of each in it when flattened; all words, or each place by itself, if None
    masked : what stands for a masked word; a text does without it if it is empty
    baseline : what stands for masked entries of an array
    names : of the players of an array; their numbers if None
    alpha : weight of the sum against the maximum over models, if they are explained jointly; None: each alone
    order, penalty, gap : of `andor.sparsify.sampled.fit.fit`
    seed : of the masked inputs
    cache : folder that keeps outputs by the names of models, so that what was interrupted goes on. Give a model whose
        function has changed another name.
    progress : whether to say how many calls there are, and show the time left, on standard error
    """
    if isinstance(item, str):
        given = text_input(item, "words" if players is None else players, masked)
    else:
        given = array_input(item, players, baseline, names)
    functions = {name: functools.partial(_called, model, given.versions) for name, model in models.items()}
    keys = {name: {"model": name, **given.content()} for name in models}
    settings = {"alpha": alpha, "order": order, "penalty": penalty, "gap": gap}
    return explained_on(functions, given, keys, budget, held_out, seed, cache, progress, **settings)


def explained_on(
    functions: Mapping[str, Callable[[np.ndarray], Any]],
    given: Input,
    keys: Mapping[str, Mapping[str, Any]],
    budget: int,
    held_out: int,
    seed: int,
    cache: str | Path | None,
    progress: bool,
    **settings: Any,
) -> Explanation:
    """The same for functions of which players are present, bool (B, n), to B numbers each.

    Parameters
    ----------
    keys : for each, what determines its numbers, as JSON values
    settings : `alpha`, `order`, `penalty` and `gap` of `andor.sparsify.sampled.fit.fit`
    """
    from andor.outputs.stored import DrawnValues
    from andor.sparsify.sampled.fit import fit
    from andor.sparsify.sampled.problem import SampledGames

    if not functions:
        raise UserError("models is empty; give a function by name")
    fitted = drawn(len(given.names), budget, seed)
    new = drawn(len(given.names), held_out, seed, HELD_OUT)
    new = new[is_unseen(new, fitted)]
    folder = None if cache is None else Path(cache) / "explained"
    values = {
        name: Values(function, None if folder is None else folder / f"{digest(keys[name])}.parquet")
        for name, function in functions.items()
    }
    _compute(values, np.concatenate([fitted, new]), progress)
    known = {name: DrawnValues(fitted, own.of(fitted), new, own.of(new)) for name, own in values.items()}
    games = SampledGames(fitted, [own.of(fitted) for own in values.values()])
    found = fit(games, **settings | ({"alpha": None} if len(functions) == 1 else {}))
    judged = [found.fidelity(i, new, own.of(new)) if len(new) else None for i, own in enumerate(values.values())]
    fidelity = dict(zip(functions, judged, strict=True))
    return Explanation(tuple(functions), given.names, found, fidelity, given.item, given.places, known)


@dataclass(frozen=True, eq=False)
class Explanation:
    """Interactions of one input under some models.

    Attributes
    ----------
    models : their names
    players : names of the n players
    fit : strengths with errors, penalties, bounds (see `andor.sparsify.sampled.fit.Fit`)
    fidelity : R² of each model's interactions on masked inputs that were held out; None without any
    item : the text or the array
    places : where each player is: characters [start, stop) of a text, places in an array when flattened
    drawn : the masked inputs that were asked for, by which players are present, and each model's values there
    """

    models: tuple[str, ...]
    players: list[str]
    fit: Fit
    fidelity: dict[str, float | None]
    item: Any
    places: list[list[int]]
    drawn: dict[str, DrawnValues]

    def frame(self) -> pd.DataFrame:
        """A row for each model and interaction that is not 0 in it, the strongest first."""
        import pandas as pd

        rows = []
        for i, model in enumerate(self.models):
            used = np.flatnonzero(self.fit.penalised[i])
            for place in used[np.argsort(-np.abs(self.fit.strengths[i, used]), kind="stable")]:
                numbers = [array[i, place] for array in (self.fit.strengths, self.fit.errors, self.fit.penalised)]
                rows.append([model, *self._named(place), *numbers])
        columns = ["model", "kind", "players", "order", "strength", "error", "penalised"]
        return pd.DataFrame(rows, columns=columns)

    @functools.cached_property
    def interactions(self) -> Interactions:
        """The same on the coalitions that any model has one on; the empty one has the constants."""
        return self._on_coalitions(self.fit.strengths, self.fit.constants)

    @functools.cached_property
    def errors(self) -> Interactions:
        """Standard errors of `interactions`, in their places; that of a constant is not known (NaN)."""
        return self._on_coalitions(self.fit.errors, np.full(len(self.models), np.nan))

    def shared(self) -> pd.DataFrame:
        """Interactions that are salient in every model, with one sign: more than 5 % of the model's largest.

        Where each model was explained by itself, `agree` and `combinations` are the false discovery rates of the list
        down to each: of accidents of names, and of accidents of players that matter (`andor.analysis.placements`).
        """
        signs = np.sign(self.fit.strengths)
        chosen = self._salient.all(0) & (signs == signs[:1]).all(0)
        return self._listed(chosen, self._rates() if 1 < len(self.models) == len(self.fit.penalty) else {})

    def distinctive(self, model: str) -> pd.DataFrame:
        """Interactions that are salient in one model beyond error, and in no other one even with its error."""
        from andor.report.tables.states import DISTINCTIVE, half_width, states

        if model not in self.models:
            raise UserError(f"`{model}` is none of the models {', '.join(self.models)}")
        state = states(self._game, half_width(self.errors.strengths))[self._places]
        own = np.arange(len(self.models)) == self.models.index(model)
        return self._listed((state == DISTINCTIVE) & (self._salient == own[:, None]).all(0))

    def moebius(self, model: str) -> dict[tuple[int, ...], float]:
        """The model's prediction as a sum of AND interactions alone, by their players.

        An OR interaction of T is the sum over ∅ ≠ R ⊆ T of (−1)^(|R|+1) times that of R being all present.
        """
        i = self.models.index(model)
        found: dict[tuple[int, ...], float] = {(): float(self.fit.constants[i])}
        for kind, members, strength in zip(self.fit.kinds, self.fit.members, self.fit.strengths[i], strict=True):
            players = tuple(np.flatnonzero(members).tolist())
            if kind == 0:
                found[players] = found.get(players, 0.0) + float(strength)
                continue
            for size in range(1, len(players) + 1):
                for part in itertools.combinations(players, size):
                    found[part] = found.get(part, 0.0) + (1 if size % 2 else -1) * float(strength)
        return {players: value for players, value in found.items() if value or not players}

    def to_shapiq(self, model: str) -> Any:
        """The model's prediction as `shapiq.InteractionValues` with index Moebius."""
        import shapiq

        found = self.moebius(model)
        lookup = {players: place for place, players in enumerate(found)}
        return shapiq.InteractionValues(
            np.array(list(found.values())), index="Moebius", n_players=len(self.players), min_order=0,
            max_order=max(map(len, found)), interaction_lookup=lookup, estimated=True,
            estimation_budget=None, baseline_value=found[()],
        )  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Write the interactions as Parquet, as `andor extract` does."""
        from andor.game.files import sampled_table
        from andor.store import write_table

        fit = self.fit
        table = sampled_table(fit.kinds, fit.members, fit.strengths, fit.penalised, fit.errors, fit.constants)
        write_table(Path(path), table, {"models": list(self.models), "players": self.players})

    def page(self) -> str:
        """A page to look at it by hand, as HTML: one file that needs no network."""
        from andor.report.explorer import explained, render

        fit, text = self.fit, (self.item, self.places) if isinstance(self.item, str) else None
        drawn = [self.drawn[model] for model in self.models]
        return render(explained(self.interactions, self.errors, fit.gap, drawn, self.players, SALIENT, text))

    def _repr_html_(self) -> str:
        """The page in a frame, as notebooks show it."""
        from andor.report.explorer import framed

        return framed(self.page())

    def __repr__(self) -> str:
        judged = [f"{m} {r:.3f}" for m, r in self.fidelity.items() if r is not None]
        counts = (self.fit.penalised != 0).sum(1)
        said = ", ".join(f"{count} of {model}" for model, count in zip(self.models, counts, strict=True))
        top = [
            f"  {row.kind} {row.players} {row.strength:+.3g} ({row.model})" for row in self.frame().head(5).itertuples()
        ]
        held = f"; R² on what was held out: {', '.join(judged)}" if judged else ""
        return "\n".join([f"<Explanation of {len(self.players)} players: interactions {said}{held}", *top, ">"])

    @property
    def _bound(self) -> np.ndarray:
        return SALIENT * np.abs(self.fit.strengths).max(1, initial=0)

    @property
    def _salient(self) -> np.ndarray:
        return np.abs(self.fit.strengths) > self._bound[:, None]

    def _on_coalitions(self, values: np.ndarray, constants: np.ndarray) -> Interactions:
        from andor.game.coalitions import KINDS, Coalitions
        from andor.game.interactions import Interactions

        members = np.vstack([np.zeros(len(self.players), bool), self.fit.members])
        coalitions = Coalitions.of_presence(members)
        there = np.zeros((len(self.models), len(KINDS), len(coalitions)))
        kinds = np.append(0, self.fit.kinds)
        used = np.where(self.fit.penalised != 0, values, 0.0)
        there[:, kinds, coalitions.positions(members)] = np.column_stack([constants, used])
        return Interactions(coalitions, self.models, KINDS, there, merged=True, order=self.fit.order)

    def _named(self, place: int) -> list[Any]:
        names = [self.players[player] for player in np.flatnonzero(self.fit.members[place])]
        return ["or" if self.fit.kinds[place] else "and", "{" + ", ".join(names) + "}", len(names)]

    def _rates(self) -> dict[str, np.ndarray]:
        """False discovery rates by claim, (W,) each; NaN for what is not shared, or of one player."""
        from andor.report.tables.claims import Claims
        from andor.report.tables.games import Games

        rates = Claims(Games([self._game]), None, same_number=False, seed=0).rates
        return {name: rates[name][0][self._places] for name in ("agree", "combinations")}

    @functools.cached_property
    def _game(self) -> Game:
        from andor.report.tables.games import Game

        found = self.interactions
        return Game(found, found.magnitude.max((1, 2), initial=0), SALIENT)

    @property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each column of the fit is in `interactions`: its kind and its coalition's place."""
        return self.fit.kinds, self.interactions.coalitions.positions(self.fit.members)

    def _listed(self, chosen: np.ndarray, rates: Mapping[str, np.ndarray] | None = None) -> pd.DataFrame:
        """Interactions with their strengths and errors in every model, the strongest in all first."""
        import pandas as pd

        places = np.flatnonzero(chosen)
        places = places[np.argsort(-np.abs(self.fit.strengths[:, places]).min(0), kind="stable")]
        frame = pd.DataFrame([self._named(place) for place in places], columns=["kind", "players", "order"])
        for i, model in enumerate(self.models):
            frame[model] = self.fit.strengths[i, places]
            frame[f"{model}, error"] = self.fit.errors[i, places]
        return frame.assign(**{name: of_claim[places] for name, of_claim in (rates or {}).items()})


def _compute(values: Mapping[str, Values], asked: np.ndarray, progress: bool) -> None:
    """Have all models asked for what is not known, having said how much that is."""
    from tqdm import tqdm

    missing = {name: own.missing(asked) for name, own in values.items()}
    total = sum(map(len, missing.values()))
    if progress:
        kept = len(values) * len(asked) - total
        calls = sum(-(-len(new) // BATCH) for new in missing.values())
        print(f"{total} masked inputs in {calls} calls ({kept} are known or come twice)", file=sys.stderr)
    interval = 0.5 if sys.stderr.isatty() else 10.0
    with tqdm(total=total, unit="input", mininterval=interval, disable=not progress) as bar:
        for name, own in values.items():
            bar.set_description(name, refresh=False)
            own.compute(missing[name], BATCH, bar.update)


def _called(model: Model, inputs: Callable[[np.ndarray], Any], presence: np.ndarray) -> Any:
    return model(inputs(presence))
