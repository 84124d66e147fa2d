"""A complete small results tree with planted interactions: two tasks, three models each, in the true formats.

Every model of a task has all shared interactions of a sample and some of its own, and its masked outputs are their sum
with a little noise: what the generalizable method should find. What stands for the traditional method has some of the
shared AND interactions rewritten as equivalent OR ones, differently for each model, as happens when each is explained
for itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from andor import store
from andor.config import Config, Method, Task, check
from andor.files import write_text
from andor.game.attributions import merge_low_orders
from andor.game.coalitions import orders
from andor.game.files import INTERACTIONS, OTHERS, null_table
from andor.game.nulls import null_games
from andor.game.transforms import and_inverse, and_transform, or_inverse, or_transform
from andor.outputs.samples import ELIGIBILITY
from andor.outputs.stored import classifier_outputs
from andor.report import tables
from andor.report.results import TaskResults

TEXT = "the film left me cold and wet like a long slow story without heart but with great warm music"


def config(samples: int = 6) -> Config:
    """The configuration that the tree belongs to."""
    folder = {"mirrors": ["path:nowhere"]}
    return check(
        {
            "sources": {"encoder": folder, "reviews": folder},
            "tasks": {
                "digits": {
                    "data": {"reader": "digits"},
                    "models": {
                        name: {"family": "image_classifier", "architecture": architecture}
                        for name, architecture in (("resnet20", "resnet20"), ("vgg16", "vgg16_bn"), ("lenet", "lenet"))
                    },
                    "players": {"kind": "patches", "count": 8},
                    "reward": {"kind": "logit"},
                    "samples": {"count": samples, "candidates": 40, "chunk": 3},
                },
                "sentiment": {
                    "data": {"reader": "film_reviews", "source": "reviews"},
                    "models": {
                        "minilm_l6": {"family": "text_encoder", "source": "encoder"},
                        "minilm_l3": {"family": "text_encoder", "source": "encoder", "layers": 3},
                        "cnn": {"family": "text_cnn", "tokenizer": "encoder"},
                    },
                    "players": {"kind": "words", "count": 10},
                    "samples": {"count": samples, "candidates": 40, "chunk": 3},
                },
            },
            "analysis": {"draws": 200},
        },
        "synthetic configuration",
    )


TASKS = ("digits", "sentiment")


def write_synthetic_results(
    folder: Path, seed: int = 0, samples: int = 6, with_tables: bool = True, only: Sequence[str] = TASKS
) -> Config:
    """Write ``<folder>/<task>`` for tasks of `config` and return that; ``with_tables``, their tables too."""
    settings = config(samples)
    for number, (name, task) in enumerate(settings.tasks.items()):
        if name not in only:
            continue
        random = np.random.default_rng([seed, number])
        _write_task(Path(folder) / name, task, settings, random)
        if with_tables:
            results = TaskResults.of(Path(folder) / name, settings, name)
            for table, frame in tables.make(results).items():
                place = Path(folder) / name / "tables" / table
                tables.write(table, frame, place.with_suffix(".parquet"), place.with_suffix(".csv"))
    return settings


def planted(random: np.random.Generator, n: int, models: int) -> tuple[np.ndarray, np.ndarray]:
    """Merged interactions of one sample, float64 (m, 2, 2^n), and which ones are shared, bool (2, 2^n)."""
    order = orders(n)
    interactions = np.zeros((models, 2, 2**n))
    shared = np.zeros((2, 2**n), dtype=bool)
    for kind, lowest in enumerate((1, 2)):
        candidates = np.flatnonzero((order >= lowest) & (order <= max(4, n // 2)))
        chosen = random.choice(candidates, 12, replace=False)
        shared[kind, chosen] = True
        common = random.normal(0, 1.5, 12) * 0.8 ** np.arange(12)
        interactions[:, kind, chosen] = common * random.uniform(0.7, 1.3, (models, 12))
        rest = np.setdiff1d(candidates, chosen)
        for model in range(models):  # its own, and a long weak tail
            own = random.choice(rest, 6 + 3 * model, replace=False)
            interactions[model, kind, own] = random.normal(0, 0.5, len(own))
            tail = random.choice(np.setdiff1d(rest, own), 20, replace=False)
            interactions[model, kind, tail] = random.normal(0, 0.03, 20)
    return interactions, shared


def rewritten(random: np.random.Generator, interactions: np.ndarray) -> np.ndarray:
    """The same outputs with some strong AND interactions of each model moved to the OR part; (m, 2, 2^n), merged."""
    low = orders(interactions.shape[-1].bit_length() - 1) <= 3
    result = np.empty_like(interactions)
    for model, (of_and, of_or) in enumerate(interactions):
        strongest = np.argsort(-np.abs(of_and) * low, kind="stable")[:10]
        moved = np.zeros_like(of_and)
        moved[random.choice(strongest, 4, replace=False)] = 1
        moved *= of_and
        result[model] = merge_low_orders(of_and - moved, of_or + or_transform(and_inverse(moved)))
    return result


def _write_task(folder: Path, task: Task, settings: Config, random: np.random.Generator) -> None:
    """Everything up to the interactions."""
    models, n, count = list(task.models), task.players.count, task.samples.count
    games = [planted(random, n, len(models))[0] for _ in range(count)]
    labels = random.integers(0, 2, count).tolist() if task.reward.kind != "logit" else [1] * count
    outputs = [_noisy_outputs(random, game) for game in games]
    _write_samples(folder, task, labels, outputs, random)
    write_models(folder, task, random)
    for chunk, numbers in task.chunks().items():
        for model in models:
            timings = "".join(f"{number},{random.uniform(0.1, 0.3):.4f},false\n" for number in numbers)
            write_text(folder / "masked_outputs" / model / chunk / "timings.csv", f"sample,seconds,cached\n{timings}")
        for number in numbers:
            file = f"{number}.parquet"
            for place, model in enumerate(models):
                path = folder / "masked_outputs" / model / chunk / file
                _write_outputs(path, outputs[number][place], task, labels[number])
            traditional = rewritten(random, games[number])
            original = np.stack([and_transform(outputs[number]), np.zeros_like(outputs[number])], axis=1)
            for method, details in settings.methods.items():
                found = {"original": original, "traditional": traditional, "generalizable": games[number]}[details.kind]
                subjects = {model: [model] for model in models}
                if details.kind == "generalizable":
                    subjects = task.ensembles_by_name()
                for subject, members in subjects.items():
                    rows = [models.index(model) for model in members]
                    path = folder / "interactions" / method / subject / chunk / file
                    kappa = 0.0 if details.kind == "original" else 0.02
                    if details.kind == "generalizable":
                        numbered = {place: game[rows] for place, game in enumerate(games)}
                        _write_nulls(folder / "nulls" / method / subject / chunk / file, numbered, number, settings)
                    _write_interactions(path, found[rows], outputs[number][rows], members, details, kappa, random)


def _noisy_outputs(random: np.random.Generator, game: np.ndarray) -> np.ndarray:
    """Outputs v of each model, within 1 % of the range of what its interactions say; float64 of float32, (m, 2^n)."""
    v = and_inverse(game[:, 0]) + or_inverse(game[:, 1])
    noise = random.uniform(-0.01, 0.01, v.shape) * np.abs(v[:, -1:])
    noise[:, [0, -1]] = 0
    return (v + noise).astype(np.float32).astype(np.float64)


def _write_outputs(path: Path, v: np.ndarray, task: Task, label: int) -> None:
    """Logits whose reward is v: one for images, two for texts."""
    classes = 1 if task.reward.kind == "logit" else 2
    logits = np.zeros((len(v), classes))
    logits[:, label if classes == 2 else 0] = v
    column = pa.FixedSizeListArray.from_arrays(pa.array(logits.ravel(), pa.float32()), classes)
    schema = classifier_outputs(classes)
    coalitions = pa.array(np.arange(len(v), dtype=np.uint32))
    table = pa.Table.from_arrays([coalitions, column], schema=schema)
    store.write_table(path, table, {"content": {"synthetic": True}})


def _write_interactions(
    path: Path,
    interactions: np.ndarray,
    v: np.ndarray,
    members: list[str],
    method: Method,
    kappa: float,
    random: np.random.Generator,
) -> None:
    """One file of the extraction."""
    m, _, size = interactions.shape
    n = size.bit_length() - 1
    index = [members, ["and", "or"], range(size)]
    rows = pd.MultiIndex.from_product(index, names=["model", "kind", "coalition"]).to_frame(index=False)
    rows["order"] = np.tile(orders(n), 2 * m)
    rows["strength"] = interactions.ravel()
    rows["others"] = [[one, 0.97 * one] for one in rows["strength"]]
    schema = INTERACTIONS if method.kind == "original" else INTERACTIONS.append(OTHERS)
    objective = float(np.abs(interactions).max(0).sum() + np.abs(interactions).sum() / 9)
    gap = float(random.uniform(0.001, 0.01))
    metadata: dict[str, Any] = {
        "objective": objective,
        "lower_bound": objective * (1 - gap),
        "gap": gap,
        "status": "optimal",
        "advice": "",
        "iterations": int(random.integers(500, 3000)),
        "seconds": float(random.uniform(0.1, 0.5)),
        "solver": "first_order",
        "kappa": {model: kappa * float(abs(v[i, -1] - v[i, 0])) for i, model in enumerate(members)},
        "tau": {model: 0.5 * float(abs(v[i, -1] - v[i, 0])) for i, model in enumerate(members)},
        "method": method.model_dump(mode="json"),
        "models": members,
    }
    store.write_table(path, pa.Table.from_pandas(rows, schema=schema, preserve_index=False), metadata)


def _write_nulls(path: Path, games: Mapping[int, np.ndarray], number: int, settings: Config) -> None:
    """One file of the null games: extraction would find the planted interactions under other names."""
    counts = (settings.nulls.renamings, settings.nulls.exchanges, settings.seed)
    drawn = null_games(games, [number], len(games), *counts)
    store.write_table(path, null_table({null: several[:, 0] for null, several in drawn.items()}))


def _write_samples(
    folder: Path, task: Task, labels: list[int], outputs: list[np.ndarray], random: np.random.Generator
) -> None:
    """The explained samples, and why candidates were passed over."""
    n, count = task.players.count, len(labels)
    columns: dict[str, Any] = {
        "sample": pa.array(range(count), pa.int32()),
        "item": pa.array(range(count), pa.int32()),
        "label": pa.array(labels, pa.int8()),
    }
    metadata: dict[str, Any] = {"passed_over": {f"fewer than {n} players": 3}}
    if task.players.kind == "patches":
        side, patch = task.data.size, task.players.size
        image = np.clip(random.normal(0.5, 0.3, (count, side, side)), 0, 1).astype(np.float32)
        columns["image"] = pa.FixedSizeListArray.from_arrays(pa.array(image.ravel()), side * side)
        metadata["shape"] = [1, side, side]
        cells = side // patch
        patches = [np.sort(random.choice(cells * cells, n, replace=False)) for _ in range(count)]
        pixels = np.arange(side * side).reshape(cells, patch, cells, patch).swapaxes(1, 2).reshape(cells * cells, -1)
        columns["players"] = [[pixels[cell].tolist() for cell in chosen] for chosen in patches]
        columns["player_names"] = [[f"{cell // cells},{cell % cells}" for cell in chosen] for chosen in patches]
    else:
        texts = [random.permutation(TEXT.split()).tolist() for _ in range(count)]
        chosen = [np.sort(random.choice(len(texts[0]), n, replace=False)) for _ in range(count)]
        ends = [np.cumsum([len(word) + 1 for word in words]) - 1 for words in texts]
        columns["text"] = [" ".join(words) for words in texts]
        columns["players"] = [
            [[int(end[place]) - len(words[place]), int(end[place])] for place in places]
            for words, end, places in zip(texts, ends, chosen, strict=True)
        ]
        columns["player_names"] = [
            [words[place] for place in places] for words, places in zip(texts, chosen, strict=True)
        ]
    for place, model in enumerate(task.models):
        columns[f"output_{model}"] = [[float(v[place, -1]), float(v[place, 0])] for v in outputs]
    store.write_table(folder / "samples.parquet", pa.table(columns), metadata)
    write_eligibility(folder, task, np.array([v[:, [-1, 0]] for v in outputs]), random)


def write_eligibility(folder: Path, task: Task, outputs: np.ndarray, random: np.random.Generator) -> None:
    """Which candidates are eligible: the samples, whose v(N) and v(∅) are given (K, m, 2), and some others."""
    rows = []
    for item in range(task.samples.candidates):
        kept = item < len(outputs)
        judgements = []
        for place, model in enumerate(task.models):
            full, empty = (outputs[item][place] if kept else random.normal(0, 3, 2)).tolist()
            right = kept or bool(random.random() > 0.15)
            reason = "" if right else "predicts another label"
            if right and not kept and abs(full - empty) < task.samples.min_range:
                reason = f"|v(N) − v(∅)| below {task.samples.min_range:g}"
            judgements.append([item, model, right, full, empty, abs(full - empty), reason])
        eligible = not any(reason for *_, reason in judgements)
        rows += [[*judgement, eligible, reason] for *judgement, reason in judgements]
    columns = zip(*rows, strict=True)
    table = pa.Table.from_arrays([pa.array(column) for column in columns], names=ELIGIBILITY.names)
    store.write_table(folder / "eligibility.parquet", table.cast(ELIGIBILITY))


def write_models(folder: Path, task: Task, random: np.random.Generator) -> None:
    """What training says of each model."""
    for model, settings in task.models.items():
        splits: Mapping[str, Any] = {
            split: {"items": items, "correct": int(items * random.uniform(0.8, 0.98))}
            for split, items in (("train", 1347), ("test", 450))
        }
        measured = {"family": settings.family, "parameters": int(random.integers(10**5, 10**7)), "splits": splits}
        write_text(folder / "models" / model / "metrics.json", json.dumps(measured))
