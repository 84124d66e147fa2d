"""The page of whole reviews: many players, outputs known on drawn coalitions only."""

import dataclasses
import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from test_explorer import FOLDER, each_part

import whole
from andor.errors import UserError
from andor.game.coalitions import KINDS
from andor.report.explorer import BUDGET, page, payload, render
from andor.report.explorer.coding import code, decode_interactions, decode_values, encode_drawn, from_bits
from andor.report.explorer.payload import RATES
from andor.report.results import TaskResults
from andor.report.tables.games import Games
from andor.report.tables.states import STATES, half_width, states

PLAYERS = [30, 75, 115, 200]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    return TaskResults.of(folder / "reviews", whole.write_whole_results(folder, PLAYERS), "reviews")


@pytest.fixture(scope="module")
def shown(results):
    """The payload, read back from the page."""
    return page.read(render(payload(results, "reviews", BUDGET)))


def test_page_predicts_what_was_held_out(results, shown):
    checked = 0
    for method, subject, number, place, model, part in each_part(results, shown):
        n, drawn = PLAYERS[number], results.drawn_values(model)[number]
        found = decode_interactions(part, n).predict(drawn.held_out_presence)[0]
        true = results.merged_interactions(method, subject)[number].predict(drawn.held_out_presence)[place]
        np.testing.assert_allclose(found, true, atol=part["precision"] + 1e-9)
        assert np.abs(found - drawn.held_out_values).max() < 6 * whole.NOISE
        checked += 1
    assert checked == len(PLAYERS) * (3 + 3 * 2 + 3)


def test_page_holds_every_mask_that_was_asked_for(results, shown):
    for about, n in zip(shown["samples"], PLAYERS, strict=True):
        assert len(about["names"]) == n
        presence, fitted = from_bits(about["drawn"]["presence"], n), about["drawn"]["fitted"]
        for model, text in zip(results.models, about["v"], strict=True):
            own = results.drawn_values(model)[about["number"]]
            np.testing.assert_array_equal(presence[:fitted], own.presence)
            np.testing.assert_array_equal(presence[fitted:], own.held_out_presence)
            v = np.concatenate([own.values, own.held_out_values])  # noqa: PD011 - no table
            np.testing.assert_allclose(decode_values(text), v, rtol=2**-23)


def test_interactions_have_their_errors(results, shown):
    for method, _, number, _, model, part in each_part(results, shown):
        ensemble = next(name for name, members in results.ensembles.items() if model in members)
        if results.methods[method] == "generalizable":
            continue
        n = PLAYERS[number]
        errors = results.errors(method, ensemble)[number].of_models([model])
        found, strengths = decode_interactions(part, n, "errors"), decode_interactions(part, n)
        true = errors.on(found.coalitions).strengths
        np.testing.assert_allclose(found.strengths[strengths.magnitude > 0], true[strengths.magnitude > 0], rtol=2**-23)
        assert (true[strengths.magnitude > 0] > 0).all()


def test_possible_interactions_are_those_looked_for(results, shown):
    for about, n in zip(shown["samples"], PLAYERS, strict=True):
        for of_method in about["parts"].values():
            for unit in of_method.values():
                pairs, triples = n * (n - 1) // 2, n * (n - 1) * (n - 2) // 6
                assert (unit["order"], unit["possible"]) == (3, [n + pairs + triples, pairs + triples])


def test_models_that_were_asked_other_masks_are_refused(results):
    values = [results.drawn_values(model)[0] for model in results.models]
    values[1] = dataclasses.replace(values[1], presence=values[1].presence[::-1])
    with pytest.raises(UserError, match="somewhere: models have outputs on different coalitions"):
        encode_drawn(values, "somewhere")


def test_rates_find_interactions_of_many_players(results):
    ensemble = next(iter(results.ensembles))
    keys = {"sample": 2, "method": "generalizable", "ensemble": ensemble}
    row = {**keys, "kind": "or", "players": "3 114", **dict.fromkeys(RATES, 0.01), "stability": None, "solutions": 1}
    made = payload(results, "task", BUDGET, pd.DataFrame([row]))
    assert made["samples"][2]["rates"] == {"generalizable": {ensemble: {f"{2**115 + 2**114 + 8:x}": [0.01] * 3}}}


@pytest.mark.slow
def test_eight_long_reviews_fit_into_three_megabytes(tmp_path):
    settings = whole.write_whole_results(tmp_path, [120] * 8, budget=1000, held_out=250, interactions=300)
    results = TaskResults.of(tmp_path / "reviews", settings, "reviews")
    text = render(payload(results, "reviews", BUDGET))
    assert len(page.read(text)["samples"]) == 8
    assert len(text.encode()) < 3e6


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_script_computes_what_the_package_does(results, shown, tmp_path):
    """Predictions on what was held out, R², where masks are found, and what is shared or opposed."""
    (tmp_path / "data.json").write_text(json.dumps(shown))
    (tmp_path / "run.js").write_text(
        (FOLDER / "numerics.js").read_text()
        + """
        const data = JSON.parse(require("fs").readFileSync(process.argv[2]));
        const ensemble = data.ensembles.find((each) => each.models.length === 3);
        const found = data.samples.map((sample) => {
          const [known, unit] = [evaluated(sample), sample.parts.generalizable[ensemble.name]];
          const parts = unit.models.map((part) => decode(part, known.n));
          const v = sample.v.map((text) => numbers(text, Float32Array));
          const new_ = new Uint8Array(known.n).map((_, player) => player % 2);
          const rows = compared(parts);
          const codes = (share) => rows.filter((row) => row.share === share).map((row) => row.code);
          return {
            predicted: parts.map((part) => [...predictions(part, part.found.length, known)]),
            fidelity: parts.map((part, i) =>
              explainedShare(v[i].subarray(known.first), predictions(part, part.found.length, known))),
            places: known.drawn.map((present) => known.placeOf(present)),
            never: known.placeOf(new_),
            again: known.drawn.every((present) => String(decoded(coded(present), known.n)) === String(present)),
            wrong: [decoded("0", known.n), decoded("00", known.n), decoded("f".repeat(200), known.n)],
            states: Object.fromEntries(STATES.map((state) => [state, codes(state)])),
            sharing: ["and", "or"].map((kind, i) => sharing(rows, parts.length, unit.possible[i], kind)),
          };
        });
        console.log(JSON.stringify(found));
        """
    )
    run = subprocess.run(
        ["node", tmp_path / "run.js", tmp_path / "data.json"], capture_output=True, text=True, check=True, timeout=60
    )
    widest = next(name for name, members in results.ensembles.items() if len(members) == 3)
    true = results.of_ensemble("generalizable", widest)
    games = Games.of(true, results.analysis.salience).samples
    seen = dict.fromkeys(STATES, 0)
    for number, (entry, game, n) in enumerate(zip(json.loads(run.stdout), games, PLAYERS, strict=True)):
        drawn = [results.drawn_values(model)[number] for model in results.models]
        predicted = game.interactions.predict(drawn[0].held_out_presence)
        np.testing.assert_allclose(entry["predicted"], predicted, atol=1e-5)
        v = np.array([own.held_out_values for own in drawn])
        np.testing.assert_allclose(entry["fidelity"], 1 - ((v - predicted) ** 2).mean(1) / v.var(1), atol=1e-5)
        presence = np.concatenate([drawn[0].presence, drawn[0].held_out_presence])
        first = [min(np.flatnonzero((presence == row).all(1))) for row in presence]
        assert entry["places"] == first and entry["never"] is None and entry["again"]
        assert entry["wrong"][1:] == [None, None] and set(entry["wrong"][0].values()) == {0}
        state = states(game, half_width(results.errors("generalizable", widest)[number].on(game.coalitions).strengths))
        for name in STATES:
            kind, place = np.nonzero(state == name)
            expected = {code(game.coalitions.players[p], n, int(k)) for k, p in zip(kind, place, strict=True)}
            assert set(entry["states"][name]) == expected
            seen[name] += len(expected)
        for kind in range(len(KINDS)):
            for model, cell in enumerate(entry["sharing"][kind]):
                assert cell["salient"] == game.salient[model, kind].sum()
                assert cell["shared"] == game.shared[kind].sum()
                for name in STATES:
                    assert cell[name] == (game.salient[model] & (state == name))[kind].sum()
    assert min(seen.values()) > 0
