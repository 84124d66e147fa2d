"""The page's data against the truth: what is decoded from it predicts what the models put out."""

import base64
import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import andor.report.explorer
from andor.analysis.overlap import chance_power, generalization_power, same_sign
from andor.game.attributions import predict
from andor.game.coalitions import KINDS
from andor.game.interactions import Interactions, ranks, without_empty
from andor.report.explorer import BUDGET, page, payload, render
from andor.report.explorer.coding import (
    STRONGEST,
    decode_interactions,
    decode_values,
    encode_interactions,
)
from andor.report.explorer.content import areas, pieces
from andor.report.explorer.headline import sentences
from andor.report.explorer.payload import RATES
from andor.report.figures import style
from andor.report.results import TaskResults
from andor.report.tables.parts import comparisons
from andor.report.tables.states import DISTINCTIVE
from synthetic import write_synthetic_results

FOLDER = Path(andor.report.explorer.__file__).parent
SAMPLES = 2


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    return folder, write_synthetic_results(folder, samples=SAMPLES, with_tables=False)


@pytest.fixture(scope="module", params=["digits", "sentiment"])
def results(tree, request):
    return TaskResults.of(tree[0] / request.param, tree[1], request.param)


@pytest.fixture(scope="module")
def shown(results):
    """The payload, read back from the page."""
    return page.read(render(payload(results, results.folder.name, BUDGET)))


def each_part(results, shown):
    """Every model's interactions in the page: method, subject, sample, place in the subject, model, the part."""
    for about in shown["samples"]:
        for method, subjects in about["parts"].items():
            for subject, found in subjects.items():
                for place, model in enumerate(results.subjects(method)[subject]):
                    yield method, subject, about["number"], place, model, found["models"][place]


# ---------------------------------------------------------------------------------------------------------- numbers


def test_page_predicts_every_masked_output(results, shown):
    n, checked = len(results.player_names[0]), 0
    for method, subject, number, place, model, part in each_part(results, shown):
        raw = results.raw_interactions(method, subject)[number].dense()[place]
        decoded = predict(*decode_interactions(part, n).dense()[0])
        v = results.values(model)[number]
        assert np.abs(decoded - predict(*raw)).max() <= part["precision"] + 1e-10 <= shown["precision"] + 1e-10
        assert np.abs(decoded - v).max() <= part["kappa"] + part["precision"] + 1e-6
        checked += 1
    assert checked == SAMPLES * (3 + 3 + 3 * 2 + 3)
    assert shown["precision"] < 1e-5


def test_page_holds_every_output(results, shown):
    for about in shown["samples"]:
        for model, text in zip(results.models, about["v"], strict=True):
            np.testing.assert_allclose(decode_values(text), results.values(model)[about["number"]], rtol=2**-24)


def test_interactions_stand_strongest_first_and_none_is_zero(results, shown):
    for method, subject, number, place, _, part in each_part(results, shown):
        merged = results.merged_interactions(method, subject)[number].dense()[place]
        strengths = np.abs(np.frombuffer(base64.b64decode(part["strengths"]), "<f4"))
        assert np.all(np.diff(strengths) <= 0) and strengths[-1] > 0
        assert len(strengths) == part["nonzero"] == np.count_nonzero(merged[:, 1:])
        above = np.abs(merged[:, 1:]) > 0.05 * np.abs(merged[:, 1:]).max()
        assert part["salient"] == above.sum()


def test_many_interactions_are_cut_off_at_the_weak_end():
    interactions = np.random.default_rng(0).normal(size=(2, 2**12))
    of_model = Interactions.of_dense(interactions[None], ["model"])
    part = encode_interactions(of_model, bound=3.0)
    kept = decode_interactions(part, 12).dense()[0]
    kept[0, 0] = 0
    assert np.count_nonzero(kept) == STRONGEST < part["nonzero"] == 2 * (2**12 - 1)
    assert np.abs(kept[kept != 0]).min() >= np.abs(interactions[:, 1:][kept[:, 1:] == 0]).max() * (1 - 2**-23)
    everything_salient = encode_interactions(of_model, bound=0.01)
    assert (
        np.count_nonzero(decode_interactions(everything_salient, 12).dense()[0, :, 1:])
        == everything_salient["salient"]
        > STRONGEST
    )


def test_samples_that_do_not_fit_are_left_out(results):
    made = payload(results, "task", 1)
    assert [about["number"] for about in made["samples"]] == [0]
    assert made["all_samples"] == SAMPLES


def test_false_discovery_rates_are_carried_along(results):
    ensemble = list(results.ensembles)[-1]
    keys = {"sample": 1, "method": "generalizable", "ensemble": ensemble}
    rows = [
        {"kind": "and", "players": "0 1", **dict(zip(RATES, (0.02, None, 0.06), strict=True)), "stability": 0.6},
        {"kind": "and", "players": "0 1", **dict(zip(RATES, (0.02, None, 0.06), strict=True)), "stability": 0.6},
        {"kind": "or", "players": "0 2", **dict(zip(RATES, (0.5, 0.1000004, None), strict=True)), "stability": 1.0},
        {"kind": "or", "players": "1 2", **dict.fromkeys(RATES), "stability": None},
    ]
    rows = [{**keys, "solutions": 5, **row} for row in rows]
    plain = payload(results, "task", BUDGET)
    made = payload(results, "task", BUDGET, pd.DataFrame(rows))
    found, kept = made["samples"][1].pop("rates"), made["samples"][1].pop("kept")
    n = len(results.player_names[1])
    assert found == {"generalizable": {ensemble: {"3": [0.02, None, 0.06], f"{2**n + 5:x}": [0.5, 0.1, None]}}}
    assert kept == {"generalizable": {ensemble: {"3": [3, 5], f"{2**n + 5:x}": [5, 5]}}}
    assert plain["discovery_rate"] is None and made["discovery_rate"] == 0.1
    assert made | {"discovery_rate": None} == plain


def test_what_is_said_of_an_ensemble_is_in_its_table():
    row = {"method": "traditional", "ensemble": "a-b", "shared": 38, "rate": 0.1, "samples": 12, "why": ""}
    agreement = pd.DataFrame(
        [
            row | {"claim": "agree", "least_order": 1, "expected": 30.7, "p": 0.00498, "listed": 3},
            row | {"claim": "agree", "least_order": 2, "expected": 20.0, "p": 0.2, "listed": 9},
            row
            | {"claim": "combinations", "least_order": 2, "shared": 1, "expected": 0.9, "p": 0.4, "listed": 0}
            | {"why": "of any list more than 10% would be accidents"},
            row
            | {"claim": "exchange", "least_order": 1, "expected": None, "p": None, "listed": 0}
            | {"why": "no sample can stand in for another one"},
        ]
    )
    (first, agree, combined, exchanged) = sentences(agreement)["traditional"]["a-b"]
    assert first.startswith("In all 12 samples together, 38 interactions are salient in every model with one sign.")
    assert "30.7 of 38 are expected (p = 0.005); 3 can be listed, at most 10% of them accidents." in agree
    assert "0.9 of 1 of two players and more are expected (p = 0.400); none can be listed: of any list" in combined
    assert exchanged.endswith("not known, as no sample can stand in for another one.")


# ---------------------------------------------------------------------------------------------------------- content


def test_text_is_cut_at_its_players():
    text = "So 🎬 good, so bad"
    cut = pieces(text, [[14, 17], [5, 9]])
    assert cut == [["So 🎬 ", None], ["good", 1], [", so ", None], ["bad", 0]]
    assert "".join(piece for piece, _ in cut) == text


def test_pixels_become_rectangles():
    assert areas([5, 6, 9, 10], width=4) == [[1, 1, 2, 2]]
    shape = {0, 1, 2, 3, 4, 7, 8, 9, 10, 11}  # a ring of width 4 with a hole of two
    drawn = areas(sorted(shape), width=4)
    covered = [(y + dy) * 4 + x + dx for x, y, w, h in drawn for dy in range(h) for dx in range(w)]
    assert sorted(covered) == sorted(shape)


def test_images_keep_their_pixels(tree):
    results = TaskResults.of(tree[0] / "digits", tree[1], "digits")
    images = np.array(results.samples["image"].to_pylist())
    for about, image in zip(payload(results, "digits", BUDGET)["samples"], images, strict=True):
        pixels = np.frombuffer(base64.b64decode(about["image"]["pixels"]), np.uint8)
        assert np.abs(pixels / 255 - image).max() <= 0.5 / 255 + 1e-6


def test_nothing_in_the_data_can_act(tree):
    hostile = "</script><script>fail()</script><!-- @@script@@ \u2028 & <img src=x onerror=fail()>"
    made = payload(TaskResults.of(tree[0] / "sentiment", tree[1], "sentiment"), hostile, 1)
    made["samples"][0]["text"] = [[hostile, None]]
    text = render(made)
    assert page.read(text) == made
    assert len(re.findall(r"<script|<!--", text)) == 2 == text.count("</script")
    assert "<img" not in text and "onerror=fail()>" not in text


def test_policy_allows_this_script_and_style_alone(results, shown):
    text = render(shown)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'; ")
    for kind, pattern in {"script-src": r"<script>(.*?)</script>", "style-src": r"<style>(.*?)</style>"}.items():
        content = re.search(pattern, text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert set(re.findall(r"https?://[^\s\"'`]*", text)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|\sstyle=", text)


def test_colours_are_those_of_the_figures(shown):
    text = render(shown)
    for kind, colour in style.KINDS.items():
        assert f"--{kind}: {colour};" in text
    assert {method["name"]: method["colour"] for method in shown["methods"]} == style.METHODS


def test_assets_are_installed_with_the_package():
    project = tomllib.loads((FOLDER.parents[3] / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["andor.report.explorer"]
    assets = {path for path in FOLDER.iterdir() if path.suffix != ".py" and path.is_file()}
    assert assets == {path for pattern in patterns for path in FOLDER.glob(pattern)}
    assert {path.stem for path in assets} == {"page", *page.SCRIPTS}


# ------------------------------------------------------------------------------------------------- the page's script


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_script_computes_what_the_package_does(results, shown, tmp_path):
    """Predictions on all coalitions, shared sets, powers and chance levels of every sample, method and ensemble."""
    n, k = len(results.player_names[0]), 20
    (tmp_path / "data.json").write_text(json.dumps(shown))
    (tmp_path / "run.js").write_text(
        (FOLDER / "numerics.js").read_text()
        + """
        const data = JSON.parse(require("fs").readFileSync(process.argv[2]));
        const found = [];
        for (const sample of data.samples) for (const method of data.methods) for (const ensemble of data.ensembles) {
          const units = sample.parts[method.name];
          const joint = units[ensemble.name];
          const n = sample.names.length;
          const known = evaluated(sample);
          const parts = ensemble.models.map((model, i) =>
            decode(joint ? joint.models[i] : units[data.models[model]].models[0], n));
          const rows = compared(parts);
          const present = (S) => decoded(S.toString(16), n);
          const { possible } = joint ?? units[data.models[ensemble.models[0]]];
          const number = (row) => parseInt(row.code, 16);
          found.push({
            sample: sample.number, method: method.name, ensemble: ensemble.name,
            all: parts.map((part) => [...predictions(part, part.found.length, known)]),
            some: parts.map((part) => [...predictions(part, 20, known)]),
            one: parts.map((part) => [...Array(2 ** n).keys()].map((S) => predicted(part, 20, present(S)))),
            places: [...Array(2 ** n).keys()].map((S) => known.placeOf(present(S))),
            shared: rows.filter((row) => row.share === "shared").map(number),
            opposed: rows.filter((row) => row.share === "opposed").map(number),
            undecided: rows.filter((row) => row.share === "undecided").map(number),
            negative: selected(rows, { kind: "or", sign: "negative", low: 2, high: 3, model: 1 }).map(number),
            sharing: ["and", "or"].map((kind, i) => sharing(rows, parts.length, possible[i], kind)),
          });
        }
        console.log(JSON.stringify(found));
        """
    )
    run = subprocess.run(
        ["node", tmp_path / "run.js", tmp_path / "data.json"], capture_output=True, text=True, check=True, timeout=60
    )
    entries = json.loads(run.stdout)
    assert len(entries) == SAMPLES * 3 * 4
    order = np.bitwise_count(np.arange(2**n))
    for entry in entries:
        merged = results.of_ensemble(entry["method"], entry["ensemble"])[entry["sample"]].dense()
        merged = np.concatenate([merged, np.zeros_like(merged)], axis=1)[:, :2]
        strength = without_empty(np.abs(merged), 0)
        flat = strength.reshape(len(strength), -1)
        strongest = ((ranks(flat) < k) & (flat > 0)).reshape(strength.shape)
        strongest[:, 0, 0] = True  # the constant
        salient = strength > 0.05 * strength.max((1, 2), keepdims=True)
        np.testing.assert_allclose(entry["all"], predict(merged[:, 0], merged[:, 1]), atol=1e-5)
        few = predict(merged[:, 0], merged[:, 1], (strongest[:, 0], strongest[:, 1]))
        np.testing.assert_allclose(entry["some"], few, atol=1e-5)
        np.testing.assert_allclose(entry["one"], few, atol=1e-5)
        assert entry["places"] == list(range(2**n))
        agreed = same_sign(merged)
        opposed = (salient & (merged > 0)).any(0) & (salient & (merged < 0)).any(0)
        assert sorted(entry["shared"]) == np.flatnonzero(salient.all(0) & agreed).tolist()
        assert sorted(entry["opposed"]) == np.flatnonzero(opposed).tolist()
        rest = salient.any(0) & ~opposed & ~(salient.all(0) & agreed)  # no error is known, so nothing is distinctive
        assert sorted(entry["undecided"]) == np.flatnonzero(rest).tolist()
        fits = (merged[1, 1] < 0) & (order >= 2) & (order <= 3)
        assert set(entry["negative"]) == {2**n + coalition for coalition in np.flatnonzero(fits)}
        assert np.all(np.diff(strength[1, 1, np.array(entry["negative"], int) - 2**n]) <= 1e-6)
        shared = (salient & agreed).all(0).sum(-1)
        for of_kind, number in zip(entry["sharing"], shared, strict=True):
            assert [cell["shared"] for cell in of_kind] == [number] * len(merged)
        for name, expected in {
            "power": generalization_power(salient),
            "chance": chance_power(salient, np.array([2**n - 1, 2**n - n - 1])),
        }.items():
            found = np.array([[cell[name] for cell in kind] for kind in entry["sharing"]], float)
            np.testing.assert_allclose(found.T, expected, rtol=1e-12)


def with_other_solutions(results, factors):
    """The same results, with other solutions of every sample whose strengths are so many times as large."""
    changed = dataclasses.replace(results)

    def others(method, subject):
        found = results.merged_interactions(method, subject)
        return [[dataclasses.replace(one, strengths=factor * one.strengths) for factor in factors] for one in found]

    vars(changed)["_others"] = others
    return changed


def test_what_is_distinctive_is_that_of_the_tables(results):
    solved = with_other_solutions(results, (0.9, 1.02))
    samples, found = payload(solved, "task", BUDGET)["samples"], 0
    for each in comparisons(solved):
        for about, game, state in zip(samples, each.games.samples, each.states, strict=True):
            there = {
                (each.kinds[kind], tuple(game.coalitions.players[place]))
                for kind, place in np.argwhere(state == DISTINCTIVE)
            }
            n, said = game.coalitions.n, [int(name, 16) for name in about["distinctive"][each.method][each.ensemble]]
            assert there == {
                (KINDS[number >> n], tuple(player for player in range(n) if number >> player & 1)) for number in said
            }
            found += len(there)
    assert found


def test_without_other_solutions_nothing_is_said_to_be_distinctive(results):
    assert all(
        "distinctive" not in about for about in payload(with_other_solutions(results, ()), "task", BUDGET)["samples"]
    )
