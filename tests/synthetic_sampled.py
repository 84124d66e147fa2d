"""Result trees of tasks with a budget of drawn coalitions: whole reviews and fine grids, with planted interactions.

Masked outputs are sums of planted interactions with a little noise, on coalitions drawn as the pipeline draws them. No
solver is asked: what stands for the generalizable method are the planted strengths with errors, and for the traditional
one the same with some pairs of words rewritten as two words less an OR interaction, differently for each model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from andor import store
from andor.config import Config, Method, Task, check
from andor.data.players.grid import GridPlayers, grid_cells
from andor.data.players.words import WordPlayers, unique_names, words
from andor.files import write_text
from andor.game.files import sampled_null_table, sampled_table
from andor.game.nulls import permutations
from andor.game.partners import partner
from andor.outputs.drawn import blocks
from andor.outputs.stored import HELD_OUT, outputs_table
from andor.report import tables
from andor.report.results import TaskResults
from andor.sparsify.sampled.fidelity import NUMBERS
from synthetic import write_eligibility, write_models

TASKS = ("reviews", "cells")
MOST, LEAST, SIDE = 115, 30, 14
"""Words of the longest and the shortest review; cells along a side of an image."""
ORDER = 3
SENTENCES = """\
I did not expect much, but this film is not bad at all.
The plot is thin; still, the actors never let it fall apart!
It was too long, too loud and not funny.
My sister-in-law laughed twice, and I didn't laugh once.
What a waste of a great cast... and of two hours.
Nobody could call the music dull, although it is far from good.
The last scene, shot in one take, is as good as anything I have seen this year.
"""

Columns = dict[tuple[int, tuple[int, ...]], np.ndarray]
"""Strengths (m,) of interactions by kind and players."""


def config(samples: int = 6) -> Config:
    """The configuration that the trees belong to, with more players than a checked one may have."""
    folder = {"mirrors": ["path:nowhere"]}
    settings = check(
        {
            "sources": {"encoder": folder, "texts": folder},
            "tasks": {
                "reviews": {
                    "data": {"reader": "film_reviews", "source": "texts"},
                    "models": {
                        "minilm_l6": {"family": "text_encoder", "source": "encoder"},
                        "minilm_l3": {"family": "text_encoder", "source": "encoder", "layers": 3},
                        "cnn": {"family": "text_cnn", "tokenizer": "encoder"},
                    },
                    "players": {"kind": "words"},
                    "coalitions": {"budget": 400, "held_out": 100},
                    "samples": {"count": samples, "candidates": 40, "chunk": 3},
                },
                "cells": {
                    "data": {"reader": "digits", "size": 4 * SIDE},
                    "models": {
                        name: {"family": "image_classifier", "architecture": architecture}
                        for name, architecture in (("resnet20", "resnet20"), ("vgg16", "vgg16_bn"), ("lenet", "lenet"))
                    },
                    "players": {"kind": "grid", "rows": 2, "columns": 2},
                    "coalitions": {"budget": 300, "held_out": 100},
                    "reward": {"kind": "logit"},
                    "samples": {"count": samples, "candidates": 40, "chunk": 3},
                },
            },
            "analysis": {"draws": 200},
            "nulls": {"renamings": 2, "exchanges": 1},
        },
        "synthetic configuration",
    )
    players = {
        "reviews": WordPlayers.model_construct(kind="words", choose="all", count=None, max_words=MOST),
        "cells": GridPlayers.model_construct(kind="grid", rows=SIDE, columns=SIDE),
    }
    tasks = {name: task.model_copy(update={"players": players[name]}) for name, task in settings.tasks.items()}
    return settings.model_copy(update={"tasks": tasks})


def write_sampled_results(
    folder: Path, seed: int = 0, samples: int = 6, with_tables: bool = True, only: Sequence[str] = TASKS
) -> Config:
    """Write ``<folder>/<task>`` for tasks of `config` and return that; ``with_tables``, their tables too."""
    settings = config(samples)
    for number, (name, task) in enumerate(settings.tasks.items()):
        if name not in only:
            continue
        _write_task(Path(folder) / name, task, settings, np.random.default_rng([seed, number]))
        if with_tables:
            results = TaskResults.of(Path(folder) / name, settings, name)
            for table, frame in tables.make(results).items():
                place = Path(folder) / name / "tables" / table
                tables.write(table, frame, place.with_suffix(".parquet"), place.with_suffix(".csv"))
    return settings


# ------------------------------------------------------------------------------------------------------------ games


@dataclass(frozen=True)
class Planted:
    """Interactions of m models: kinds (W,), members (W, n) and strengths (m, W); with them the sum on ∅, of each."""

    kinds: np.ndarray
    members: np.ndarray
    strengths: np.ndarray

    @classmethod
    def of(cls, n: int, columns: Columns) -> Planted:
        """Those that any model has, in the order of kinds and players."""
        used = sorted(place for place, strengths in columns.items() if strengths.any())
        members = np.zeros((len(used), n), dtype=bool)
        for row, (_, players) in zip(members, used, strict=True):
            row[list(players)] = True
        return cls(np.array([kind for kind, _ in used]), members, np.stack([columns[place] for place in used], axis=1))

    def columns(self) -> Columns:
        """The same by kind and players."""
        places = [(int(kind), tuple(np.flatnonzero(own))) for kind, own in zip(self.kinds, self.members, strict=True)]
        return dict(zip(places, self.strengths.T, strict=True))

    def values(self, presence: np.ndarray) -> np.ndarray:
        """Sums of the interactions that are active where these players are present: (m, M)."""
        count = presence.astype(int) @ self.members.T.astype(int)
        active = np.where(self.kinds == 0, count == self.members.sum(1), count > 0)
        return self.strengths @ active.T


def planted(random: np.random.Generator, n: int, models: int) -> Planted:
    """Interactions of one sample: shared, of opposed signs, of one model alone, and a long weak tail."""
    among = random.choice(n, min(n, 40), replace=False)
    columns: Columns = {}

    def plant(count: int, kind: int, orders: Sequence[int], size: float, sides: np.ndarray) -> None:
        """So many interactions, strongest first; `sides` says which models have them, and with which sign."""
        while count:
            place = (kind, tuple(sorted(random.choice(among, random.choice(orders), replace=False).tolist())))
            if place not in columns:
                strength = random.choice([-1, 1]) * size * random.uniform(0.5, 1.5) * 0.9**count
                columns[place] = strength * sides * random.uniform(0.7, 1.3, models)
                count -= 1

    together, first_against_others = np.ones(models), np.where(np.arange(models) == 0, 1.0, -1.0)
    plant(8, 0, [1], 1.0, together)
    for kind in (0, 1):
        plant(8, kind, [2, 3], 2.0, together)
        plant(3, kind, [2, 3], 1.5, first_against_others)
        for own in np.eye(models):
            plant(4, kind, [2, 3], 1.0, own)
            plant(6, kind, [2, 3], 0.05, own)
    return Planted.of(n, columns)


def rewritten(random: np.random.Generator, game: Planted) -> Planted:
    """The same values with some AND interactions of pairs, of each model others, as two players less an OR."""
    columns = {place: strengths.copy() for place, strengths in game.columns().items()}
    models = len(game.strengths)
    for model in range(models):
        pairs = [(kind, own) for kind, own in columns if kind == 0 and len(own) == 2 and columns[kind, own][model]]
        for _, pair in random.permutation(np.array(pairs, dtype=object))[:3]:
            moved = float(columns[0, pair][model])
            columns[0, pair][model] = 0
            for place, sign in (((0, pair[:1]), 1), ((0, pair[1:]), 1), ((1, pair), -1)):
                columns.setdefault(place, np.zeros(models))[model] += sign * moved
    return Planted.of(game.members.shape[1], columns)


def estimated(random: np.random.Generator, game: Planted) -> tuple[Planted, np.ndarray]:
    """Strengths as they might be found, and their standard errors; what is 0 stays so."""
    errors = random.uniform(0.02, 0.06, game.strengths.shape)
    found = np.where(game.strengths != 0, game.strengths + errors * random.normal(size=errors.shape), 0.0)
    return Planted(game.kinds, game.members, found), errors


def of_rows(game: Planted, rows: Sequence[int]) -> Planted:
    """Some of the models."""
    return Planted(game.kinds, game.members, game.strengths[list(rows)])


# ------------------------------------------------------------------------------------------------------------ files


def _write_task(folder: Path, task: Task, settings: Config, random: np.random.Generator) -> None:
    """Everything up to the interactions."""
    models, count = list(task.models), task.samples.count
    samples = _texts(random, count) if task.players.kind == "words" else _images(random, count)
    games = [planted(random, len(names), len(models)) for names in samples["player_names"]]
    labels = random.integers(0, 2, count).tolist() if task.reward.kind != "logit" else [1] * count
    outputs = [_write_outputs(folder, task, game, k, labels[k], random) for k, game in enumerate(games)]
    ends = np.array([v[:, :2] for v in outputs])
    _write_samples(folder, samples, labels, models, ends)
    write_eligibility(folder, task, ends, random)
    write_models(folder, task, random)
    for method, details in settings.methods_of(folder.name).items():
        joint = details.kind == "generalizable"
        found = [estimated(random, game if joint else rewritten(random, game)) for game in games]
        subjects = task.ensembles_by_name() if joint else {model: [model] for model in models}
        for subject, members in subjects.items():
            rows = [models.index(model) for model in members]
            for chunk, numbers in task.chunks().items():
                for number in numbers:
                    file = Path(method) / subject / chunk / f"{number}.parquet"
                    _write_interactions(folder / "interactions" / file, found[number], rows, members, details, random)
                    if joint:
                        own = [of_rows(game, rows) for game, _ in found]
                        _write_nulls(folder / "nulls" / file, own, number, settings)


def _write_outputs(
    folder: Path, task: Task, game: Planted, number: int, label: int, random: np.random.Generator
) -> np.ndarray:
    """Logits of each model on drawn coalitions, two for texts and one for images; their rewards, (m, M)."""
    drawn = np.concatenate(blocks(game.members.shape[1], task.budget.budget, task.budget.held_out, [0, number]))
    v = game.values(drawn)
    noise = 0.02 * v.std(1, keepdims=True) * random.normal(size=v.shape)
    noise[:, :2] = 0
    v = (v + noise).astype(np.float32)
    (chunk,) = (name for name, numbers in task.chunks().items() if number in numbers)
    classes = 1 if task.reward.kind == "logit" else 2
    for model, own in zip(task.models, v, strict=True):
        logits = np.zeros((len(own), classes), np.float32)
        logits[:, label if classes == 2 else 0] = own
        table = outputs_table(logits, False, drawn)
        held_out = pa.array(np.arange(len(table)) >= task.budget.budget)
        place = folder / "masked_outputs" / model / chunk
        store.write_table(place / f"{number}.parquet", table.append_column(HELD_OUT, held_out), {"made": {}})
        lines = "".join(f"{one},{0.1 * (one + 1):.4f},false\n" for one in task.chunks()[chunk])
        write_text(place / "timings.csv", f"sample,seconds,cached\n{lines}")
    return v.astype(float)


def _write_interactions(
    path: Path,
    found: tuple[Planted, np.ndarray],
    rows: Sequence[int],
    members: Sequence[str],
    method: Method,
    random: np.random.Generator,
) -> None:
    """One file of the extraction."""
    own, errors = of_rows(found[0], rows), found[1][list(rows)]
    penalised = np.sign(own.strengths) * np.maximum(np.abs(own.strengths) - 0.02, 1e-3)
    most = int((penalised != 0).sum(1).max())
    objective, gap = float(np.abs(own.strengths).sum()), float(random.uniform(0.001, 0.01))
    fidelity = random.uniform(0.9, 0.97, len(rows))
    metadata: dict[str, Any] = {
        "method": method.model_dump(mode="json"),
        "models": list(members),
        "coalitions": 400,
        "solver": "sampled",
        "objective": objective,
        "lower_bound": objective * (1 - gap),
        "gap": gap,
        "status": "optimal",
        "advice": "",
        "penalty": 0.01,
        "order": ORDER,
        "searched": 10**5,
        "seconds": float(random.uniform(0.1, 0.5)),
        "fidelity": fidelity.tolist(),
        "by_order": {order: (fidelity * share).tolist() for order, share in ((1, 0.6), (2, 0.93), (ORDER, 1.0))},
        "by_number": {
            number: (fidelity * (1 - np.exp(-number / 12)) - 0.01).tolist() for number in NUMBERS if number <= most
        },
    }
    constants = np.zeros(len(rows))
    dropped = np.where(np.arange(len(own.kinds)) % 3 == 0, 0.0, own.strengths)  # another solution does without a third
    others = [(own.kinds, own.members, strengths, constants) for strengths in (0.97 * own.strengths, dropped)]
    parts = (own.strengths, penalised, errors, constants)
    store.write_table(path, sampled_table(own.kinds, own.members, *parts, others), metadata)


def _write_nulls(path: Path, games: Sequence[Planted], number: int, settings: Config) -> None:
    """One file of null games: interactions under other names, and of other samples where these have as many players."""
    n, models = games[number].members.shape[1], len(games[number].strengths)
    drawn: dict[str, list[Planted]] = {"renaming": []}
    for draw in range(settings.nulls.renamings):
        numbers = permutations(n, models, settings.seed, number, draw)
        drawn["renaming"].append(_side_by_side([_renamed(games[number], i, new) for i, new in enumerate(numbers)]))
    if len({game.members.shape[1] for game in games}) == 1 and len(games) > 1:
        drawn["exchange"] = [
            _side_by_side(
                [of_rows(games[partner(number, len(games), model, draw)], [model]) for model in range(models)]
            )
            for draw in range(settings.nulls.exchanges)
        ]
    table = sampled_null_table(
        {null: [(one.kinds, one.members, one.strengths) for one in several] for null, several in drawn.items()}
    )
    store.write_table(path, table)


def _renamed(game: Planted, model: int, new: Sequence[int]) -> Planted:
    """The interactions of one model after player i became player `new[i]`."""
    members = np.empty_like(game.members)
    members[:, list(new)] = game.members
    return Planted(game.kinds, members, game.strengths[[model]])


def _side_by_side(games: Sequence[Planted]) -> Planted:
    """Single models as models of one game."""
    columns: Columns = {}
    for model, game in enumerate(games):
        for place, (strength,) in game.columns().items():
            columns.setdefault(place, np.zeros(len(games)))[model] = strength
    return Planted.of(games[0].members.shape[1], columns)


# ---------------------------------------------------------------------------------------------------------- samples


def _texts(random: np.random.Generator, count: int) -> dict[str, Any]:
    """Reviews of 30 to 115 words, the longest and the shortest first; every word is a player."""
    columns: dict[str, list] = {"text": [], "players": [], "player_names": []}
    for length in [MOST, LEAST, *random.integers(LEAST, MOST, count).tolist()][:count]:
        text = ""
        while len(words(text)) < length:
            text += " ".join(random.permutation(SENTENCES.splitlines())) + " "
        found = words(text)[:length]
        columns["text"].append(f"{text[: found[-1].stop]}.")
        columns["players"].append([[word.start, word.stop] for word in found])
        columns["player_names"].append(unique_names([word.text for word in found]))
    return columns


def _images(random: np.random.Generator, count: int) -> dict[str, Any]:
    """Bright blobs on images of 14 × 14 cells; every cell is a player."""
    side = 4 * SIDE
    place = np.arange(side)
    images = []
    for centre in random.uniform(0.3, 0.7, (count, 2)) * side:
        blob = [np.exp(-(((place - middle) / (0.2 * side)) ** 2)) for middle in centre]
        images.append(np.clip(np.outer(*blob) + random.normal(0, 0.05, (side, side)), 0, 1))
    cells = grid_cells((1, side, side), GridPlayers.model_construct(kind="grid", rows=SIDE, columns=SIDE))
    flat = np.array(images, np.float32).ravel()
    return {"image": pa.FixedSizeListArray.from_arrays(pa.array(flat), side * side)} | {
        name: [each] * count for name, each in cells.items()
    }


def _write_samples(
    folder: Path, samples: Mapping[str, Any], labels: Sequence[int], models: Sequence[str], ends: np.ndarray
) -> None:
    """The explained samples, with v(N) and v(∅) of each model (K, m, 2)."""
    numbers = pa.array(range(len(labels)), pa.int32())
    columns = {"sample": numbers, "item": numbers, "label": pa.array(labels, pa.int8()), **samples}
    columns |= {f"output_{model}": ends[:, place].tolist() for place, model in enumerate(models)}
    shape = {"shape": [1, 4 * SIDE, 4 * SIDE]} if "image" in samples else {}
    store.write_table(
        folder / "samples.parquet", pa.table(columns), {"passed_over": {"fewer than 30 words": 3}, **shape}
    )
