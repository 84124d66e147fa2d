"""Every figure from tables of several shapes: whole, legible, the same bytes each time."""

from __future__ import annotations

import functools
import io
import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.random import Generator
from PIL import Image

from andor.errors import UserError
from andor.report import catalogue, figures, tables
from andor.report.figures import COLUMNS, FIGURES, TaskInfo, claims, controls, running_text, style
from andor.report.results import TaskResults
from masks import members as members_of
from synthetic_sampled import TASKS, write_sampled_results

KINDS = ("and", "or")
WORDS = [
    "stitch",
    "time",
    "saves",
    "nine",
    "sentimental",
    "drizzle",
    "rainwear",
    "cold",
    "Seattle",
    "incomprehensibilities",
    "ring",
    "wet",
    "left",
    "just",
]


def made_up(
    models: tuple[str, ...],
    ensembles: dict[str, tuple[str, ...]] | None = None,
    n: int = 10,
    methods: tuple[str, ...] = ("original", "traditional", "generalizable"),
    words: list[str] | None = None,
    images: bool = False,
    samples: int = 20,
    seed: int = 0,
) -> tuple[dict[str, pd.DataFrame], TaskInfo]:
    """Tables with plausible numbers for any models, ensembles and n, and the task they belong to."""
    random = np.random.default_rng(seed)
    pairs = [*itertools.combinations(models, 2), *([models] if len(models) > 2 else [])]
    ensembles = ensembles or {"-".join(pair): pair for pair in pairs}
    units = [
        (method, unit, model)
        for method in methods
        for unit, members in (
            [(model, (model,)) for model in models] if method in ("original", "traditional") else ensembles.items()
        )
        for model in members
    ]
    kinds = {method: KINDS[:1] if method == "original" else KINDS for method in methods}
    speed = {method: 0.35 if method == "original" else 0.8 + 0.1 * i for i, method in enumerate(methods)}
    tables = {
        "sparsity": pd.concat(
            [
                pd.DataFrame({"rank": rank})
                .assign(method=method, unit=unit, model=model, strength=np.exp(1 - rank**power), samples=samples)
                .assign(low=lambda t: 0.9 * t["strength"], high=lambda t: np.minimum(1.1 * t["strength"], 1))
                for method, unit, model in units
                for rank in [np.arange(1, len(kinds[method]) * 2**n + 1)]
                for power in [speed[method] * random.uniform(0.5, 0.6)]
            ]
        ),
        "salient": pd.DataFrame(
            [
                (method, unit, model, count, 0.8 * count, 1.2 * count, "sample", 0.05)
                for method, unit, model in units
                for count in [0.02 * 2**n / speed[method] ** 3 * random.uniform(0.7, 1.3)]
            ],
            columns=["method", "unit", "model", "count", "low", "high", "rule", "threshold"],
        ),
        "generalization": pd.DataFrame(
            [
                (
                    method,
                    ensemble,
                    model,
                    kind,
                    share,
                    int(share * 2**n),
                    power,
                    power - 0.04,
                    power + 0.04,
                    share ** (len(members) - 1),
                    0.8 * power,
                    samples,
                )
                for method in methods
                for ensemble, members in ensembles.items()
                for model in members
                for kind in kinds[method]
                for share in (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45)
                for power in [0.9 * share ** (0.6 / (1 + 2 * speed[method])) * (0.9 if kind == "or" else 1)]
            ],
            columns=list(COLUMNS["generalization"]["generalization"]),
        ),
        "agreement": _agreement(methods, ensembles),
        "controls": pd.DataFrame(
            [
                (method, ensemble, kind, measure, of, null, 0.6, 0.5, 0.7, 0.05, 0.3 + 0.1 * random.random(), samples)
                for method in methods
                for ensemble in ensembles
                for kind in kinds[method]
                for measure, of in controls.ROWS
                for null in ("renaming", "exchange")
            ],
            columns=list(COLUMNS["controls"]["controls"]),
        ),
        "orders": pd.DataFrame(
            [
                (method, ensemble, model, kind, order, sign, strength, strength * random.uniform(0.2, 0.8))
                for method in methods
                for ensemble, members in ensembles.items()
                for model in members
                for kind in kinds[method]
                for order in range(1, n + 1)
                for sign in (1, -1)
                for strength in [4 / speed[method] ** 2 * np.exp(-((order - 2) ** 2) / 4) * random.uniform(0.5, 1.5)]
            ],
            columns=["method", "ensemble", "model", "kind", "order", "sign", "strength", "shared"],
        ),
        "interactions": _listed(random, methods, ensembles, kinds, n, (words or WORDS)),
        "pruning": _curves(units, methods, "kept", "unfaithfulness", n, samples, by=("strength", "least error")),
        "precision": _curves(units, methods, "k", "precision", n, samples),
        "transfer": _curves(units, methods, "k", "rho", n, samples, chosen=("all samples", "other samples")),
        "discrimination": pd.DataFrame(
            [
                (method, unit, model, frequency, beta, beta - 0.05, min(1, beta + 0.05), 0.7)
                for method, unit, model in units
                for frequency, beta in ((0.2, 0.7), (0.4, np.nan), (0.6, 0.8), (0.8, 0.9), (1.0, 1.0))
            ],
            columns=list(COLUMNS["transfer"]["discrimination"]),
        ),
        "thresholds": pd.DataFrame(
            [
                (method, ensemble, kind, measure, threshold, *(scale(threshold) * x for x in (0.6, 0.5, 0.7, 0.1, 0.4)))
                for method in methods
                for ensemble in ensembles
                for kind in kinds[method]
                for measure, scale in THRESHOLD_MEASURES.items()
                for threshold in (0.01, 0.05, 0.1, 0.3)
            ],
            columns=list(COLUMNS["thresholds"]["thresholds"]),
        ),
        "model_transfer": pd.DataFrame(
            [
                (method, ensemble, model, other, kind, threshold, 0.6, 0.5, 0.7, 0.1, 0.4, samples)
                for method in methods
                for ensemble, members in ensembles.items()
                for model, other in itertools.permutations(members, 2)
                for kind in kinds[method]
                for threshold in (0.05, 0.1, 0.3)
            ],
            columns=list(COLUMNS["thresholds"]["model_transfer"]),
        ),
        "held_out": pd.DataFrame(
            [
                (method, ensemble, left_out, kind, by, 9.0, found, found - 0.1, found + 0.1, 0.1, 0.3, samples)
                for method in methods
                for ensemble, members in ensembles.items()
                for left_out in [model for model in models if model not in members] or ["another_model"]
                for kind in kinds[method]
                for by, found in (("all", 0.6), ("one", 0.2))
            ],
            columns=list(COLUMNS["held_out"]["held_out"]),
        ),
        "matching": pd.DataFrame(
            [
                (method, unit, model, sample, 0.0 if method == "original" else 0.1)
                for method, unit, model in units
                for sample in range(samples)
            ],
            columns=["method", "unit", "model", "sample", "kappa"],
        ),
        "matching_curve": pd.concat([_matching(random, n, *row) for row in units]),
        "fidelity": pd.DataFrame(
            [
                (method, unit, model, by, most, r2, r2 - 0.05, min(1, r2 + 0.03), samples)
                for method, unit, model in units
                for by, levels in FIDELITY.items()
                for most, r2 in levels.items()
            ],
            columns=list(COLUMNS["fidelity"]["fidelity"]),
        ),
        "samples": _samples(random, n, (words or WORDS), images),
    }
    shape = (1, 32, 32) if images else None
    return tables, TaskInfo("Film reviews", n, models, "log-odds of the true label", shape)


def _agreement(methods: Sequence[str], ensembles: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Numbers shared and expected; of methods that join models there is no null of combinations."""
    joint = [method for method in methods if method not in ("original", "traditional")]
    rows = [
        (method, ensemble, claim, least, 1234 // least, 345.6 / least, 0.004975, 0.28, 56)
        for method in methods
        for ensemble in ensembles
        for claim, least in claims.LINES
    ]
    table = pd.DataFrame(rows, columns=list(claims.COLUMNS))
    none = table["method"].isin(joint) & (table["claim"] == "combinations")
    return table.assign(listed=table["listed"].mask(none, 0)).assign(
        **{name: table[name].mask(none) for name in ("expected", "p", "accidents")}
    )


THRESHOLD_MEASURES = {
    "count": lambda threshold: 1 / threshold,
    "power": lambda threshold: 1,
    "signed power": lambda threshold: 1,
    "shared strength": lambda threshold: 1 - threshold,
}


FIDELITY = {"order": {1: 0.5, 2: 0.8, 3: 0.9}, "number": {0: -0.02, 1: 0.2, 5: 0.5, 20: 0.8, 100: 0.9}}


def _curves(
    units: Sequence[tuple[str, str, str]],
    methods: Sequence[str],
    x: str,
    y: str,
    n: int,
    samples: int,
    **ways: tuple[str, ...],
) -> pd.DataFrame:
    """A curve over numbers of interactions for each unit, model and way; with the levels that some tables have."""
    numbers = np.unique(np.geomspace(1, 2 ** (n + 1), 40).astype(int))
    frames = []
    for (method, unit, model), way in itertools.product(units, *ways.values() or [[None]]):
        height = numbers ** (-0.2 - 0.1 * methods.index(method))
        curve = pd.DataFrame({x: numbers, y: height, "low": 0.9 * height, "high": 1.1 * height})
        curve = curve.assign(method=method, unit=unit, model=model, samples=samples, null=0.5 * height, chance=0.1)
        frames.append(curve.assign(**dict.fromkeys(ways, way)))
    return pd.concat(frames)


def _listed(
    random: Generator,
    methods: Sequence[str],
    ensembles: Mapping[str, Sequence[str]],
    kinds: Mapping[str, Sequence[str]],
    n: int,
    words: Sequence[str],
) -> pd.DataFrame:
    rows = []
    for method, (ensemble, members) in itertools.product(methods, ensembles.items()):
        for kind in kinds[method]:
            for coalition in random.choice(np.arange(1, 2**n), min(30, 2**n - 1), replace=False).tolist():
                names = ", ".join(words[i % len(words)] for i in range(n) if coalition >> i & 1)
                salient = random.random(len(members)) < 0.6
                for model, is_salient in zip(members, salient, strict=True):
                    strength = random.normal(0, 2) if is_salient else random.normal(0, 0.02)
                    rows.append(
                        (
                            0,
                            method,
                            ensemble,
                            kind,
                            " ".join(map(str, members_of(coalition))),
                            coalition.bit_count(),
                            names,
                            model,
                            strength,
                            np.nan,
                            is_salient,
                            salient.all(),
                        )
                    )
    return pd.DataFrame(rows, columns=list(COLUMNS["interactions"]["interactions"]))


def _matching(random: Generator, n: int, method: str, unit: str, model: str) -> pd.DataFrame:
    position = (np.arange(2**n) + 0.5) / 2**n
    v = 6 * np.sin(3 * (position - 0.5)) ** 3
    noise = 0.0 if method == "original" else random.uniform(-0.1, 0.1, 2**n)
    first = pd.DataFrame({"position": position, "v": v, "prediction": v + noise, "sample": 0})
    first["error"] = (first["v"] - first["prediction"]).abs()
    mean = first.assign(sample=-1, error=0.5 * first["error"])
    return pd.concat([first, mean]).assign(method=method, unit=unit, model=model)


def _samples(random: Generator, n: int, words: Sequence[str], images: bool) -> pd.DataFrame:
    names = [words[i % len(words)] for i in range(n)]
    if not images:
        ends = np.cumsum([len(name) + 1 for name in names]) - 1
        spans = [[int(end) - len(name), int(end)] for name, end in zip(names, ends, strict=True)]
        text = " ".join(names + names)
        return pd.DataFrame({"sample": [0], "players": [spans], "player_names": [names], "text": [text]})
    cells = random.choice(64, n, replace=False)
    patches = [[(4 * (c // 8) + i) * 32 + 4 * (c % 8) + j for i in range(4) for j in range(4)] for c in cells.tolist()]
    blob = np.exp(-((np.arange(32) - 16) ** 2) / 60)
    image = np.outer(blob, blob).ravel()
    return pd.DataFrame({"sample": [0], "players": [patches], "player_names": [names], "image": [image]})


CASES = {
    "two models, n = 4": lambda: made_up(("a", "b"), n=4, words=list("abcd")),
    "three models, images": lambda: made_up(("resnet20", "vgg16", "lenet"), n=8, images=True),
    "three models, words": lambda: made_up(("minilm_l6", "minilm_l3", "cnn")),
    "three long names": lambda: made_up(
        tuple(f"a_rather_long_model_name_finetuned_on_{i}" for i in "abc"), n=5, images=True
    ),
    "six models, named ensembles": lambda: made_up(
        tuple(f"model_{i}" for i in range(6)),
        ensembles={"all_of_them": tuple(f"model_{i}" for i in range(6))}
        | {f"model_0-model_{i}": ("model_0", f"model_{i}") for i in (1, 5)},
        n=6,
    ),
    "four models, eleven ensembles": lambda: made_up(tuple("abcd"), n=5),
    "long names, sweep of alpha, n = 14": lambda: made_up(
        ("a_rather_long_model_name_finetuned_on_a", "a_rather_long_model_name_finetuned_on_b"),
        n=14,
        methods=("traditional", "generalizable", "alpha_0", "alpha_05"),
        words=[f"{word}{word}" for word in WORDS],
    ),
    "one method": lambda: made_up(("a", "b"), n=5, methods=("original",)),
    "signs of mathtext": lambda: made_up(("a", "b"), n=5, words=["$5", "10%", "a_b^2", "\\frac", "$"]),
}


def of_tree(name: str) -> tuple[dict[str, pd.DataFrame], TaskInfo]:
    """Tables of a task with drawn coalitions."""
    with TemporaryDirectory() as folder:
        settings = write_sampled_results(Path(folder), samples=2, with_tables=False, only=[name])
        results = TaskResults.of(Path(folder) / name, settings, name)
        shape = json.loads((results.samples.schema.metadata or {}).get(b"shape", b"null"))
        made = tables.make(results) | {"samples": results.samples.to_pandas()}
    models, words = tuple(results.models), settings.tasks[name].reward.words
    return made, TaskInfo(name, max(results.sizes), models, words, shape and tuple(shape), sampled=True)


CASES |= {f"drawn coalitions, {name}": functools.partial(of_tree, name) for name in TASKS}
OF_SAMPLES = ("two models, n = 4", "three models, images", "three long names", "signs of mathtext")
"""Cases that differ from others in the samples alone, which only the figure `interactions` shows."""
ALL_KNOWN = ("faithfulness", "transfer")
"""Figures that need all coalitions."""
OF_CELLS = ("interactions", "controls")
"""Figures that differ between the tasks of drawn coalitions: images for a text, and samples that can be exchanged."""
OF_MODELS = ("controls", "faithfulness", "fidelity", "matching", "orders", "sparsity", "thresholds")
"""Figures with a line or a panel for each model, which six fill; of ensembles there are more in another case."""
OF_MODELS_ALONE = ("faithfulness", "fidelity", "matching", "thresholds")
"""Those of them that ensembles leave as they are."""
OF_METHODS = ("controls", "held_out", "orders", "sparsity")
"""Figures with a panel for each method, which one method leaves short."""


def layouts(case: str) -> list[str]:
    """Figures of a case that no other case draws alike."""
    if case in OF_SAMPLES:
        return ["interactions"]
    if case == "drawn coalitions, cells":
        return list(OF_CELLS)
    if case == "six models, named ensembles":
        return list(OF_MODELS)
    if case == "four models, eleven ensembles":
        return [name for name in FIGURES if name not in OF_MODELS_ALONE]
    if case == "one method":
        return list(OF_METHODS)
    return [name for name in FIGURES if not (case.startswith("drawn") and name in ALL_KNOWN)]


LAYOUTS = [(case, name) for case in CASES for name in layouts(case)]


@functools.cache
def made(case: str) -> tuple[dict[str, pd.DataFrame], TaskInfo]:
    """Tables of a case, made once in a process; no test changes them."""
    return CASES[case]()


@pytest.fixture
def reviews() -> tuple[dict[str, pd.DataFrame], TaskInfo]:
    return made("drawn coalitions, reviews")


@pytest.fixture(scope="module")
def small() -> tuple[dict[str, pd.DataFrame], TaskInfo]:
    return made_up(("a", "b"), n=4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sparsity", "faithfulness", "matching"])
def test_a_model_outside_of_the_widest_ensemble_is_drawn_by_the_other_methods(name):
    tables, task = made_up(("a", "b", "c"), n=4)
    of_pair = {
        table: frame[~((frame["model"] == "c") & (frame["method"] == "generalizable"))] if "unit" in frame else frame
        for table, frame in tables.items()
    }
    figures.draw(name, of_pair, task).draw_without_rendering()


def drawn_texts(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Text, Bbox]]:
    """Texts that a figure really draws (ticks outside of the axes are not), with their extents in pixels as saved."""
    found = {}
    draw_text = Text.draw

    def spy(text: Text, renderer, *args, **kwargs):
        if text.get_visible() and text.get_text().strip():
            found[text] = text.get_window_extent(renderer)
        return draw_text(text, renderer, *args, **kwargs)

    monkeypatch.setattr(Text, "draw", spy)
    figure.set_dpi(style.RC["savefig.dpi"])
    with style.styled():
        figure.draw_without_rendering()
    monkeypatch.undo()
    for text, box in found.items():
        if text.get_text().endswith("\n "):  # the line that a heading keeps free for the key
            box.y0 += box.height / len(text.get_text().split("\n"))
    return list(found.items())


def words_of(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return [text.get_text() for text, _ in drawn_texts(figure, monkeypatch)]


# ------------------------------------------------------------------------------------------------------- legible


@pytest.mark.slow
@pytest.mark.parametrize(("case", "name"), LAYOUTS)
def test_texts_lie_inside_the_page_apart_and_large_enough(case, name, monkeypatch):
    tables, task = made(case)
    figure = figures.draw(name, tables, task)
    width, height = figure.get_size_inches()
    assert width in (style.COLUMN, style.WIDTH)
    assert 1.5 < height < 10.5
    drawn = [axes for axes in figure.axes if axes.axison]
    assert all(axes.bbox.height > 0.2 * figure.dpi and axes.bbox.width > 0.35 * figure.dpi for axes in drawn)
    texts = drawn_texts(figure, monkeypatch)
    page, near = figure.bbox, 0.015 * figure.dpi
    assert len(texts) > 10
    for text, box in texts:
        assert text.get_fontsize() >= 6.5
        inside = min(box.x0, box.y0) >= -near / 3 and box.x1 <= page.x1 + near / 3 and box.y1 <= page.y1 + near / 3
        assert inside, f"{text.get_text()!r} leaves the page"
    for text, other in overlapping(texts, near):
        raise AssertionError(f"{text.get_text()!r} lies on {other.get_text()!r}")
    if task.sampled:
        nothing_speaks_of_all_coalitions(name, " ".join(text.get_text() for text, _ in texts), task)


def overlapping(texts: Sequence[tuple[Text, Bbox]], near: float) -> Iterator[tuple[Text, Text]]:
    """Pairs of texts that share a place of at least so many pixels both ways."""
    low, high = (np.array([getattr(box, corner) for _, box in texts]) for corner in ("min", "max"))
    shared = (np.minimum(high[:, None], high) - np.maximum(low[:, None], low)).min(-1)
    for first, second in np.argwhere(np.triu(shared >= near, 1)):
        yield texts[first][0], texts[second][0]


def nothing_speaks_of_all_coalitions(name: str, words: str, task: TaskInfo) -> None:
    """What a figure of drawn coalitions says."""
    assert "2^" not in words and "κ" not in words
    assert ("held-out coalitions" in words) == (name == "matching")
    if task.title == "reviews":  # samples of different numbers of players are not exchanged
        assert "other samples" not in words


def test_colours_of_methods_and_kinds_differ_to_every_eye():
    """Distances in CIELAB as seen normally and with each dichromacy (matrices of Machado et al. 2009)."""
    eyes = {
        "normal": np.eye(3),
        "protanopia": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deuteranopia": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ],
        "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
    }
    colours = np.array([to_rgb(color) for color in [*style.METHODS.values(), *style.KINDS.values()]])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    for eye, matrix in eyes.items():
        xyz = np.clip(linear @ np.array(matrix).T, 0, 1) @ to_xyz.T / to_xyz.sum(1)
        x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).T
        lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
        distances = np.linalg.norm(lab[:, None] - lab, axis=-1)[np.triu_indices(len(lab), 1)]
        assert distances.min() > 12, eye


# ----------------------------------------------------------------------------------------------------------- files


@pytest.mark.slow
@pytest.mark.parametrize("name", ["interactions", "controls", "matching"])  # bars and words, dots, curves and pixels
def test_same_tables_give_the_same_bytes_whatever_the_user_has_set(small, name, tmp_path):
    figure = figures.draw(name, *small)
    paths = [[tmp_path / f"{turn}.{ending}" for ending in ("pdf", "svg", "png")] for turn in ("first", "second")]
    figures.save(figure, paths[0])
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "savefig.dpi": 50, "svg.hashsalt": None}):
        figures.save(figures.draw(name, *small), paths[1])
    for first, second in zip(*paths, strict=True):
        assert first.read_bytes() == second.read_bytes()
    pdf, svg, png = (path.read_bytes() for path in paths[0])
    assert pdf.startswith(b"%PDF") and b"CreationDate" not in pdf and b"/Type3" not in pdf
    assert ElementTree.fromstring(svg).tag.endswith("svg") and b"<dc:date>" not in svg
    with Image.open(io.BytesIO(png)) as image:
        assert image.width == int(300 * figure.get_figwidth())
        assert len(np.unique(np.asarray(image.convert("L")))) > 50


def test_a_file_is_written_whole_or_not_at_all(small, tmp_path):
    figure = figures.draw("generalization", *small)
    with pytest.raises(UserError, match=r"figure\.jpg.*pdf, svg, png"):
        figures.save(figure, [tmp_path / "figure.jpg"])
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------------ what it says


def test_each_figure_reads_the_tables_of_the_catalogue():
    for name, columns in COLUMNS.items():
        assert tuple(table for table in columns if table != "samples") == catalogue.FIGURES[name].tables


@pytest.mark.parametrize(("name", "table"), [(name, table) for name, columns in COLUMNS.items() for table in columns])
def test_what_is_missing_is_named(small, name, table):
    tables, task = small
    with pytest.raises(UserError, match=f"`{name}`.*`{table}`.*missing"):
        figures.draw(name, {key: value for key, value in tables.items() if key != table}, task)
    with pytest.raises(UserError, match=f"`{name}`.*`{table}`.*no rows"):
        figures.draw(name, tables | {table: tables[table].iloc[:0]}, task)
    column = COLUMNS[name][table][-1]
    with pytest.raises(UserError, match=f"`{name}`.*`{table}`.*`{column}`"):
        figures.draw(name, tables | {table: tables[table].drop(columns=column)}, task)


def test_an_unknown_figure_is_refused(small):
    with pytest.raises(UserError, match=r"`sparsety` is unknown.*sparsity"):
        figures.draw("sparsety", *small)


@pytest.mark.slow
def test_sparsity_says_how_many_are_salient(small, monkeypatch):
    tables, task = small
    counts = tables["salient"].assign(count=np.arange(1.0, len(tables["salient"]) + 1))
    words = words_of(figures.draw("sparsity", tables | {"salient": counts}, task), monkeypatch)
    assert {f"{count:.1f}" for count in counts["count"]} <= set(words)
    assert "salient\n> 0.05" in words
    pooled = words_of(figures.draw("sparsity", tables | {"salient": counts.assign(rule="pooled")}, task), monkeypatch)
    assert not any("> 0.05" in text for text in pooled)


def test_generalization_draws_power_and_chance_as_tabled(small):
    tables, task = small
    axes = figures.draw("generalization", tables, task).axes[0]
    table = tables["generalization"].query("kind == 'and' and model == 'a'")
    lines = {line.get_color(): line for line in axes.lines}
    for method, color in style.METHODS.items():
        np.testing.assert_allclose(lines[color].get_ydata(), table[table["method"] == method]["power"])
        null = next(line for line in axes.lines if line.get_color() == color and line.get_linestyle() == ":")
        np.testing.assert_allclose(null.get_ydata(), table[table["method"] == method]["null"])
    np.testing.assert_allclose(lines[style.GREY].get_ydata(), table.query("method == 'original'")["chance"])


def test_generalization_draws_chance_for_each_method_where_it_differs(small):
    tables, task = small
    table = tables["generalization"]
    fewer = table.assign(chance=table["chance"].where(table["method"] != "traditional", 0.1 * table["chance"]))
    axes = figures.draw("generalization", tables | {"generalization": fewer}, task).axes[0]
    dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert len(dashed) == 3
    assert style.GREY not in [line.get_color() for line in dashed]


@pytest.mark.slow
def test_controls_lead_with_what_is_shared_and_what_is_expected_of_it(small, monkeypatch):
    tables, task = small
    agreement = tables["agreement"]
    unknown = (agreement["method"] == "generalizable") & (agreement["claim"] == "exchange")
    nothing = agreement.mask(
        unknown.to_numpy()[:, None] & agreement.columns.isin(["expected", "p", "accidents"]), np.nan
    )
    figure = figures.draw("controls", tables | {"agreement": nothing}, task)
    top = figure.axes[0]
    pairs = [tuple(line.get_xdata()) for line in top.lines if len(line.get_xdata()) == 2 and line.get_marker() != "o"]
    assert {(345.6, 1234), (172.8, 617)} <= set(pairs)
    names = [label.get_text() for label in top.get_yticklabels()]
    assert names == list(claims.LINES.values())
    words = words_of(figure, monkeypatch)
    # original is left out; three nulls of the traditional method beside what players matter; two of the joint one
    assert words.count(".005") == 5 + 2 and words.count("28 %") == 5 + 2
    assert words.count("share") == words.count("list") == 1


def test_without_any_null_controls_say_what_is_shared_alone(small, monkeypatch):
    tables, task = small
    nothing = tables["agreement"].assign(expected=np.nan, p=np.nan, accidents=np.nan)
    figure = figures.draw("controls", tables | {"agreement": nothing}, task)
    assert words_of(figure, monkeypatch).count("–") == 3 * 4  # two methods, of all orders and of two players and more


@pytest.mark.slow
def test_orders_say_totals_and_draw_both_signs(small, monkeypatch):
    tables, task = small
    table = tables["orders"].assign(strength=2.0, shared=0.5)
    figure = figures.draw("orders", tables | {"orders": table}, task)
    words = words_of(figure, monkeypatch)
    assert words.count("Σ|I| = 16.0, 25 % shared") == 2  # 4 orders x 2 signs x 1 kind, original
    assert words.count("Σ|I| = 32.0, 25 % shared") == 4
    heights = sorted({patch.get_height() for patch in figure.axes[0].patches})
    assert heights == [-2.0, -0.5, 0.5, 2.0]


@pytest.mark.slow
def test_interactions_tell_shared_from_distinctive(small, monkeypatch):
    tables, task = small
    rows = [
        ("and", "0 1", "shared pair", 2.0, 1.0, True, True),
        ("or", "0 2", "only in a", 3.0, 0.01, True, False),
        ("and", "0", "salient nowhere", 0.01, 0.01, False, False),
    ]
    table = pd.DataFrame(
        [
            (0, "traditional", "a-b", kind, players, 2, members, model, strength, 0.1, salient, salient and in_b)
            for kind, players, members, in_model_a, in_model_b, in_a, in_b in rows
            for model, strength, salient in (("a", in_model_a, in_a), ("b", in_model_b, in_b))
        ],
        columns=COLUMNS["interactions"]["interactions"],
    ).assign(shared=lambda t: t["members"] == "shared pair")
    words = words_of(figures.draw("interactions", tables | {"interactions": table}, task), monkeypatch)
    listed = [
        text for text in words if text in {row[2] for row in rows} or text.startswith(("shared by", "not shared"))
    ]
    assert listed == [
        "shared by both models, with one sign",
        "shared pair",
        "not shared (salient in some models, or of both signs)",
        "only in a",
    ]
    alone = table[table["members"] == "only in a"]
    assert "none" in words_of(figures.draw("interactions", tables | {"interactions": alone}, task), monkeypatch)


@pytest.mark.slow
def test_interactions_mark_the_patches_of_a_coalition():
    tables, task = made_up(("a", "b"), n=4, images=True)
    table = tables["interactions"]
    listed = table[(table["kind"] == "or") & (table["method"] == "traditional")]
    chosen = listed[listed["players"] == listed["players"].iloc[0]]
    figure = figures.draw("interactions", tables | {"interactions": chosen.assign(salient=True, shared=True)}, task)
    image = next(axes for axes in figure.axes if axes.images)
    filled = [patch for patch in image.patches if patch.get_fill()]
    assert {patch.get_facecolor()[:3] for patch in filled} == {to_rgb(style.KINDS["or"])}
    corners = {(patch.get_x() + 0.5, patch.get_y() + 0.5) for patch in filled}
    players = [tables["samples"]["players"].iloc[0][int(number)] for number in chosen["players"].iloc[0].split()]
    assert corners == {(min(own) % 32, min(own) // 32) for own in players}


def test_interactions_of_images_need_their_shape():
    tables, task = made_up(("a", "b"), n=4, images=True)
    with pytest.raises(UserError, match="shape of the images"):
        figures.draw("interactions", tables, TaskInfo(task.title, 4, task.models))


@pytest.mark.slow
def test_matching_draws_residuals_within_kappa(small):
    tables, task = small
    residuals = figures.draw("matching", tables, task).axes[2]
    points = {line.get_color(): np.abs(line.get_ydata()) for line in residuals.lines if line.get_marker() == "."}
    assert points[style.METHODS["original"]].max() == 0
    assert 0 < points[style.METHODS["generalizable"]].max() <= 0.1
    assert max(line.get_ydata()[0] for line in residuals.lines if line.get_linestyle() == "--") == pytest.approx(0.1)


def test_widths_are_those_of_the_present_fonts():
    widths = []
    for families in [("DejaVu Sans",), ("DejaVu Sans Mono",), ("DejaVu Sans",)]:
        with style.styled(families):
            widths.append(style.text_width("a line of letters"))
    assert widths[0] == widths[2] < widths[1]


@pytest.mark.parametrize("inches", [0.2, 0.7, 2.0])
@pytest.mark.parametrize("name", ["bert_base", "a_rather_long_model_name", "incomprehensibilities", "a + b", "_"])
def test_wrapped_names_keep_every_letter_and_fit(name, inches):
    lines = style.wrapped(name, inches).split("\n")
    assert "".join(lines).replace(" ", "") == name.replace(" ", "")
    assert all(style.text_width(line, 7) <= inches or len(line) == 1 for line in lines)


def test_a_kind_without_interactions_leaves_its_panels_empty(small, monkeypatch):
    tables, task = small
    table = tables["generalization"]
    none = table.mask(
        (table["kind"] == "or").to_numpy()[:, None] & table.columns.isin(["power", "low", "high", "chance", "null"])
    )
    figure = figures.draw("generalization", tables | {"generalization": none}, task)
    assert [len(axes.lines) for axes in figure.axes] == [7, 0]
    assert words_of(figure, monkeypatch).count("chance") == 1


@pytest.mark.slow
def test_interactions_mark_sets_of_pixels_that_are_no_rectangle():
    tables, task = made_up(("a", "b"), n=4, images=True)
    samples = tables["samples"].copy()
    scattered = [[0, 33, 66], [5], [640, 700], [900, 901, 934]]
    samples["players"] = [scattered] * len(samples)
    table = tables["interactions"].assign(salient=True, shared=True)
    figure = figures.draw(
        "interactions", tables | {"samples": samples, "interactions": table[table["players"] == "0"]}, task
    )
    image = next(axes for axes in figure.axes if axes.images)
    cells = {
        (patch.get_x() + 0.5, patch.get_y() + 0.5)
        for patch in image.patches
        if to_rgb(patch.get_facecolor()) in {to_rgb(color) for color in style.KINDS.values()} and patch.get_fill()
    }
    assert cells == {(0, 0), (1, 1), (2, 2)}


@pytest.mark.slow
def test_faithfulness_draws_both_ways_to_choose(small):
    tables, task = small
    axes = figures.draw("faithfulness", tables, task).axes[0]
    table = tables["pruning"].query("model == 'a' and method == 'traditional'")
    lines = [line for line in axes.lines if line.get_color() == style.METHODS["traditional"]]
    for line, by in zip(lines, ("least error", "strength"), strict=True):
        np.testing.assert_allclose(line.get_ydata(), table[table["by"] == by]["unfaithfulness"])


@pytest.mark.slow
def test_thresholds_draw_the_widest_ensemble_and_its_mean_cover():
    tables, task = made_up(("a", "b", "c"), n=4)
    transfer = tables["model_transfer"]
    cover = np.where(transfer["ensemble"] == "a-b-c", np.where(transfer["model"] == "a", 0.9, 0.3), 0.1)
    figure = figures.draw("thresholds", tables | {"model_transfer": transfer.assign(cover=cover)}, task)
    lines = [line for line in figure.axes[4].lines if line.get_color() == style.METHODS["generalizable"]]
    np.testing.assert_allclose(lines[0].get_ydata(), 0.5)


def test_held_out_draws_what_is_found_and_the_levels_beside_it(small):
    tables, task = small
    axes = figures.draw("held_out", tables, task).axes[0]
    points = [line for line in axes.lines if line.get_marker() == "o" and line.get_markerfacecolor() != "white"]
    assert {(line.get_color(), *line.get_xdata()) for line in points} == {
        (color, found) for color in style.METHODS.values() for found in (0.6, 0.2)
    }


@pytest.mark.slow
def test_transfer_draws_the_honest_curve(small):
    tables, task = small
    table = tables["transfer"]
    drawn = figures.draw("transfer", tables | {"transfer": table[table["chosen"] == "other samples"]}, task)
    both = figures.draw("transfer", tables, task)
    assert [len(axes.lines) for axes in drawn.axes] == [len(axes.lines) for axes in both.axes]
    assert len(drawn.axes[0].lines) == 3 * 3


# ------------------------------------------------------------------------------------------------ drawn coalitions


@pytest.mark.slow
def test_a_whisker_is_where_an_error_is(small):
    tables, task = small
    table = tables["interactions"].assign(salient=True, shared=True, strength=1.0)
    figure = figures.draw("interactions", tables | {"interactions": table.assign(error=0.1)}, task)
    ends = {tuple(line.get_xdata()) for axes in figure.axes for line in axes.lines if len(set(line.get_ydata())) == 1}
    assert (1 - 0.196, 1 + 0.196) in {tuple(np.round(end, 6)) for end in ends}
    limits = [axes.get_xlim() for axes in figure.axes if axes.containers]
    np.testing.assert_allclose(limits, np.tile([-1.08 * 1.196, 1.08 * 1.196], (len(limits), 1)))
    without = figures.draw("interactions", tables | {"interactions": table}, task)
    assert not [line for axes in without.axes for line in axes.lines if len(set(line.get_ydata())) == 1]


@pytest.mark.slow
def test_the_words_of_listed_interactions_are_marked_in_their_text(reviews, monkeypatch):
    tables, task = reviews
    figure = figures.draw("interactions", tables, task)
    names = tables["samples"]["player_names"].iloc[0]
    bold = [text for text, _ in drawn_texts(figure, monkeypatch) if text.get_fontweight() == "bold"]
    marked = " ".join(text.get_text() for text in bold if text.get_color() == style.BLACK)
    first = tables["interactions"].query("sample == 0 and ensemble == 'minilm_l6-minilm_l3-cnn'")
    drawn = set(words_of(figure, monkeypatch))
    listed = first[first["members"].isin(drawn) & (first["order"] > 1)]  # one word may be in the text as well
    assert len(listed)
    for row in listed.itertuples():
        for player in row.players.split():
            assert names[int(player)] in marked
    assert marked.count("(2)") > 0 and len(bold) < 100


def test_running_text_keeps_every_word_and_names_those_that_come_again():
    text = "It is not good, not\nbad; un-believable."
    spans = [[6, 9], [16, 19], [20, 23], [25, 27]]
    names = ["not", "not (2)", "bad", "un"]
    (line,) = running_text.lines(text, spans, names, {1, 2, 3}, 6.0)
    assert [(piece.text, piece.player) for _, piece in line] == [
        ("It", None), ("is", None), ("not", None), ("good,", None), ("not", 1), ("(2)", 1), ("bad", 2), (";", None),
        ("un", 3), ("-believable.", None),
    ]  # fmt: skip
    assert [piece.spaced for _, piece in line] == [True] * 7 + [False, True, False]
    places = [place for place, _ in line]
    assert places[0] == 0 and (np.diff(places) > 0).all()


@pytest.mark.parametrize("inches", [0.5, 1.0, 3.0])
def test_running_text_stays_in_its_width(inches):
    words = [*WORDS, "a" * 60]
    text = " ".join(words)
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    spans = [[int(end) - len(word), int(end)] for word, end in zip(words, ends, strict=True)]
    found = running_text.lines(text, spans, words, {3, 9}, inches)
    assert 1 < len(found) <= running_text.MOST
    for place, piece in (each for line in found for each in line):
        assert place + style.text_width(piece.text, weight=piece.weight) <= inches + 1e-9
    marked = "".join(piece.text for line in found for _, piece in line if piece.player is not None)
    assert marked.startswith(words[3])


@pytest.mark.slow
def test_a_long_text_is_shown_around_what_is_marked():
    text = " ".join(f"w{place}" for place in range(2000))
    spans = [[match.start(), match.end()] for match in re.finditer(r"\S+", text)]
    found = running_text.lines(text, spans, text.split(), {700, 1500}, 6.0)
    shown = [piece.text for line in found for _, piece in line]
    assert len(found) <= running_text.MOST and shown.count("…") == 3
    assert {"w700", "w701", "w1499", "w1500"} <= set(shown) and "w1100" not in shown


@pytest.mark.slow
def test_generalization_goes_over_numbers_where_coalitions_were_drawn(reviews):
    tables, task = reviews
    axes = figures.draw("generalization", tables, task).axes[0]
    table = tables["generalization"]
    table = table[(table["kind"] == "and") & (table["ensemble"] == table["ensemble"].iloc[0])]
    wanted = table[table["method"] == "traditional"].groupby("k")["power"].mean()
    color = style.METHODS["traditional"]
    line = next(line for line in axes.lines if line.get_color() == color and line.get_marker() == "o")
    np.testing.assert_array_equal(line.get_xdata(), wanted.index)
    np.testing.assert_allclose(line.get_ydata(), wanted)
    assert axes.get_xscale() == "log"


def test_fidelity_draws_orders_and_numbers_as_tabled(small):
    tables, task = small
    upper, _, lower, *_ = figures.draw("fidelity", tables, task).axes
    levels = FIDELITY["number"]
    for color in style.METHODS.values():
        line = next(line for line in upper.lines if line.get_color() == color)
        np.testing.assert_array_equal(line.get_xdata(), [most for most in levels if most])
        np.testing.assert_allclose(line.get_ydata(), [r2 for most, r2 in levels.items() if most])
        dots = next(line for line in lower.lines if line.get_color() == color)
        np.testing.assert_array_equal(np.round(dots.get_xdata()), list(FIDELITY["order"]))
        np.testing.assert_allclose(dots.get_ydata(), list(FIDELITY["order"].values()))
    single = [line.get_ydata()[0] for line in upper.lines if line.get_linestyle() == "--"]
    assert single == [FIDELITY["order"][1]] * 3
