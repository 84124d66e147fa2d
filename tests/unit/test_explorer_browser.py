"""The page in a real browser: clicks, keys and touches, in both schemes, on a phone and on paper."""

import dataclasses
import json
import re

import numpy as np
import pyarrow as pa
import pytest

import browser as driver
import whole
from andor.analysis.overlap import same_sign
from andor.game.attributions import predict
from andor.report import tables
from andor.report.explorer import BUDGET, framed, payload, render
from andor.report.explorer.coding import code, decode_interactions
from andor.report.explorer.payload import RATES
from andor.report.results import TaskResults
from andor.report.tables.parts import comparisons
from andor.report.tables.states import DISTINCTIVE
from synthetic import write_synthetic_results

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(driver.BINARY is None, reason="no Chromium here: install the package `chromium`"),
]
HOSTILE = "</script><script>document.title = 'hacked'</script><img src=x onerror=\"document.title = 'hacked'\"> "


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """Results and address of the page of each task; the first film review is hostile and an interaction is marked."""
    folder = tmp_path_factory.mktemp("results")
    config = write_synthetic_results(folder, samples=2, with_tables=False)
    made = {}
    for task in ("digits", "sentiment"):
        results = TaskResults.of(folder / task, config, task)
        listed = agreement = None
        if task == "sentiment":
            results = hostile(results)
            strongest = (
                np.abs(results.of_ensemble("generalizable", list(results.ensembles)[-1])[0].dense()[0, 0, 1:]).argmax()
                + 1
            )
            keys = {"sample": 0, "method": "generalizable", "ensemble": list(results.ensembles)[-1], "kind": "and"}
            players = " ".join(str(player) for player in range(10) if strongest >> player & 1)
            known = dict(zip(RATES, (0.04, 0.2, None), strict=True)) | {"stability": 0.6, "solutions": 5}
            listed = pa.Table.from_pylist([{**keys, "players": players, **known}]).to_pandas()
            agreement = tables.make(results, ["agreement"])["agreement"]
        path = folder / f"{task}.html"
        path.write_text(render(payload(results, task, BUDGET, listed, agreement)), encoding="utf-8")
        made[task] = (results, path.as_uri())
    return made


def hostile(results):
    """The same results with markup before the text of the first sample, whose players move along."""
    rows = results.samples.to_pylist()
    rows[0]["text"] = HOSTILE + rows[0]["text"]
    rows[0]["players"] = [[start + len(HOSTILE), stop + len(HOSTILE)] for start, stop in rows[0]["players"]]
    changed = dataclasses.replace(results)
    vars(changed)["samples"] = pa.Table.from_pylist(rows, schema=results.samples.schema)
    return changed


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """Results and address of the page of whole reviews, known on drawn coalitions."""
    folder = tmp_path_factory.mktemp("reviews")
    settings = whole.write_whole_results(folder, [70, 115])
    results = TaskResults.of(folder / "reviews", settings, "reviews")
    path = folder / "reviews.html"
    path.write_text(render(payload(results, "reviews", BUDGET)), encoding="utf-8")
    return results, path.as_uri()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    browser = driver.Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium):
    """The browser at desktop size; whatever a test did, it must not have failed or asked for anything but the file."""
    chromium.view(1280, 900)
    chromium.complaints.clear()
    chromium.requests.clear()
    yield chromium
    assert chromium.complaints == []
    assert all(address.startswith(("file:", "data:", "about:")) for address in chromium.requests)


def shown_number(text):
    """A number as the page writes it."""
    return float(text.replace("−", "-").replace(",", ""))


def outputs(browser):
    """The figures of each model: output, predicted, residual."""
    names = ("output", "predicted", "residual")
    return np.array([[shown_number(t) for t in browser.texts(f'[data-figure="{name}"]')] for name in names]).T


def codes(browser, everything=False):
    """Codes of the rows in the list; with `everything`, after asking for more until there are no more."""
    while everything and browser.do("document.querySelector('.more') !== null"):
        browser.click(".more")
    return [
        int(code, 16) for code in browser.do("[...document.querySelectorAll('.row')].map((row) => row.dataset.code)")
    ]


@pytest.mark.parametrize(("task", "player"), [("sentiment", ".word"), ("digits", ".patch")])
def test_switching_players_shows_the_true_masked_outputs(browser, tasks, task, player):
    results, address = tasks[task]
    browser.open(address)
    n = len(results.player_names[0])
    present = 2**n - 1
    for off in (0, n - 1, 2, 0):
        browser.click(f'{player}[data-player="{off}"]')
        present ^= 1 << off
        pressed = browser.do(f"document.querySelector('{player}[data-player=\"{off}\"]').getAttribute('aria-pressed')")
        assert pressed == ("true" if present >> off & 1 else "false")
        truth = [results.values(model)[0, present] for model in results.models]
        np.testing.assert_allclose(outputs(browser)[:, 0], truth, atol=0.006)
        assert f"present={present:x}" in browser.do("location.hash") or present == 2**n - 1
    browser.wait(f"document.querySelector('#spoken').textContent.startsWith('{present.bit_count()} of {n}')")


def test_the_slider_moves_the_prediction_to_the_output(browser, tasks):
    results, address = tasks["sentiment"]
    browser.open(address)
    page = payload(results, "sentiment", BUDGET)
    parts = page["samples"][0]["parts"]["generalizable"][page["start"]["ensemble"]]["models"]
    browser.click('.word[data-player="3"]')
    browser.do("document.querySelector('#k').focus()")
    residuals = []
    for key, k in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("End", None)):
        browser.press(key)
        found = outputs(browser)
        for part, (_, predicted, _) in zip(parts, found, strict=True):
            interactions = decode_interactions(part, 10).dense()[0]
            strength = np.abs(interactions).ravel()
            strength[0] = np.inf
            kept = np.argsort(-strength, kind="stable")[: None if k is None else k + 1]
            chosen = np.isin(np.arange(2**11), kept).reshape(2, -1)
            assert abs(predict(*interactions, tuple(chosen))[1023 - 8] - predicted) < 0.006
        np.testing.assert_allclose(found[:, 0] - found[:, 1], found[:, 2], atol=0.011)
        residuals.append(np.abs(found[:, 2]))
    assert np.all(residuals[-1] <= [part["kappa"] + 0.006 for part in parts])
    assert residuals[0].max() > residuals[-1].max()


def test_filters_leave_what_they_say(browser, tasks):
    results, address = tasks["sentiment"]
    browser.open(address)
    merged = results.of_ensemble("generalizable", list(results.ensembles)[-1])[0].dense()
    strength = np.abs(merged)
    strength[..., 0] = 0
    salient = (strength > 0.05 * strength.max((1, 2), keepdims=True)).reshape(3, -1)
    assert set(codes(browser, everything=True)) == set(np.flatnonzero(salient.any(0)))
    browser.click('input[name="show"][value="shared"]')
    agreed = same_sign(merged).ravel()
    assert set(codes(browser, everything=True)) == set(np.flatnonzero(salient.all(0) & agreed))
    flat = merged.reshape(3, -1)
    opposed = (salient & (flat > 0)).any(0) & (salient & (flat < 0)).any(0)
    browser.click('input[name="show"][value="opposed"]')
    assert set(codes(browser, everything=True)) == set(np.flatnonzero(opposed))
    of_some = set(np.flatnonzero(salient.any(0) & ~salient.all(0) & ~opposed))
    browser.click('input[name="show"][value="distinctive"]')
    distinctive = set(codes(browser, everything=True))
    *_, shown = (each for each in comparisons(results) if each.method == "generalizable")
    masks, kind_and_place = shown.games.samples[0].coalitions.masks, np.argwhere(shown.states[0] == DISTINCTIVE)
    assert distinctive == {int(masks[place]) + kind * 2**10 for kind, place in kind_and_place} < of_some
    assert distinctive
    browser.click('input[name="show"][value="listed"]')
    assert len(codes(browser)) == 1
    browser.click('input[name="show"][value="undecided"]')
    assert set(codes(browser, everything=True)) == of_some - distinctive
    browser.click('input[name="show"][value="distinctive"]')
    browser.click('input[name="kind"][value="or"]')
    of_or = codes(browser, everything=True)
    assert of_or and min(of_or) >= 1024
    browser.press("ArrowLeft")  # from OR back to AND, by key
    found = codes(browser, everything=True)
    assert found and max(found) < 1024 and "kind=and" in browser.do("location.hash")
    browser.click('input[name="sign"][value="negative"]')
    leading = merged[:, 0] / strength.max((1, 2))[:, None]
    leading = np.take_along_axis(leading, np.abs(leading).argmax(0)[None], 0)[0]
    assert set(codes(browser, everything=True)) == {code for code in found if leading[code] < 0}
    browser.do(
        "(() => { const s = document.querySelector('#high'); s.value = '2'; s.dispatchEvent(new Event('change')); })()"
    )
    assert set(codes(browser, everything=True)) == {
        code for code in found if leading[code] < 0 and code.bit_count() <= 2
    }


def test_pointing_at_an_interaction_lights_its_players(browser, tasks):
    for task in ("sentiment", "digits"):
        browser.open(tasks[task][1])
        for row in codes(browser)[2:4]:
            browser.point(f'.row[data-code="{row:x}"]')
            lit = browser.do("[...document.querySelectorAll('#stage .lit')].map((node) => Number(node.dataset.player))")
            n = len(tasks[task][0].player_names[0])
            assert sorted(lit) == [player for player in range(n) if row >> player & 1]
        browser.point("h1")
        assert browser.do("document.querySelectorAll('#stage .lit').length") == 0


def test_everything_works_by_keyboard_and_a_link_restores_it(browser, tasks):
    _, address = tasks["sentiment"]
    browser.open(address)
    reached = []
    for _ in range(60):
        browser.press("Tab")
        reached.append(
            browser.do("document.activeElement.id || document.activeElement.name || document.activeElement.className")
        )
        if reached[-1].startswith("row"):
            break
    assert [*dict.fromkeys(reached)] == [
        "sample", "next", "ensemble", "method", "link", "all-on", "all-off", "invert", "word", "k-number", "k",
        "show", "kind", "sign", "low", "high", "sort", reached[-1],
    ]  # fmt: skip
    assert reached.count("word") == 10
    browser.press("ArrowDown", "ArrowDown", "Enter")
    pinned = int(browser.do("document.activeElement.dataset.code"), 16)
    assert pinned == codes(browser)[2]
    assert browser.do("document.activeElement.getAttribute('aria-selected')") == "true"
    browser.press("Tab", shift=True)
    assert browser.do("document.activeElement.id") == "sort"
    browser.do("document.querySelector('.word[data-player=\"4\"]').focus()")
    browser.press("Enter")
    browser.do("document.querySelector('#k').focus()")
    browser.press("ArrowRight")
    browser.do("document.querySelector('input[name=method]:checked').focus()")
    browser.press("ArrowLeft")
    state = browser.do("state")
    assert state | {"method": "traditional", "present": f"{1023 - 16:x}", "k": 52} == state
    parts = ("#outputs", "#list", "#count", "#lit", "#sharing", "#found")
    seen, link = [browser.text(part) for part in parts], browser.do("location.href")
    browser.open(link)
    assert browser.do("state") == state
    assert [browser.text(part) for part in parts] == seen


def test_a_link_that_makes_no_sense_shows_the_start(browser, tasks):
    _, address = tasks["digits"]
    browser.open(address)
    start = browser.do("state")
    nonsense = (
        "sample=99&present=-1&k=x",
        "method=constructor&ensemble=__proto__",
        "low=5&high=2",
        "%%%&&==",
        "pin=fff&present=1ff",
        "present=0ff",
    )
    for fragment in nonsense:
        browser.open(f"{address}#{fragment}")
        assert browser.do("state") == start, fragment
    browser.do("location.hash = 'sample=1&present=7'")
    browser.wait("document.querySelector('#sample').value === '1'")
    assert browser.text("#count").startswith("3 of 8")


def test_markup_in_a_review_is_only_text(browser, tasks):
    _, address = tasks["sentiment"]
    browser.open(address)
    assert HOSTILE.strip() in browser.text("#stage")
    assert browser.text("title") == "sentiment · AND–OR interactions"
    assert browser.do("document.querySelectorAll('#stage img, #stage script').length") == 0


def test_the_policy_forbids_the_network(browser, tasks):
    _, address = tasks["sentiment"]
    browser.open(address)
    assert browser.do("fetch('http://127.0.0.1:9/').then(() => 'sent', (error) => error.name)") == "TypeError"
    assert any("Content Security Policy" in complaint for complaint in browser.complaints)
    browser.do(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = true'}))"
    )
    assert browser.do("window.ran === undefined")
    browser.call("Runtime.evaluate", expression="0")  # whatever the page still has to say
    browser.complaints.clear()


def test_an_interaction_that_is_listed_is_marked(browser, tasks):
    _, address = tasks["sentiment"]
    browser.open(address)
    assert browser.texts(".rates span") == ["agree 4\u00a0%", "combinations 20\u00a0%", "3 of 5 solutions"]
    assert browser.texts(".rates .sure") == ["agree 4\u00a0%"]
    browser.open(f"{address}#sample=1&show=listed")
    assert browser.texts(".rates") == [] and browser.text(".empty") == "Nothing passes the filters."
    browser.open(tasks["digits"][1])
    assert "false discovery" not in browser.text("#about").lower()
    assert browser.do("document.querySelector('input[name=show][value=listed]') === null")


def test_the_page_leads_with_what_is_shared_by_accident(browser, tasks):
    _, address = tasks["sentiment"]
    browser.open(address)
    assert "salient in every model with one sign" in browser.text("#claims p")
    assert len(browser.texts("#claims li")) == 3
    assert "not known, as models explained together" in browser.texts("#claims li")[1]
    browser.click('input[name="method"][value="traditional"]')
    assert all(re.search(r"of [\d,]+ .*are expected \(p = 0\.\d+\); ", said) for said in browser.texts("#claims li"))
    browser.open(tasks["digits"][1])
    assert browser.do("document.querySelector('#headline').hidden")


@pytest.mark.parametrize("task", ["sentiment", "digits"])
def test_a_phone_shows_all_of_it(browser, tasks, task):
    results, address = tasks[task]
    browser.view(320, 640, touch=True)
    browser.open(address)
    assert browser.do("document.documentElement.scrollWidth") <= 320
    outside = """[...document.querySelectorAll('main *')].filter((node) => {
        const box = node.getBoundingClientRect();
        return box.width && !node.closest('.scroll, .hidden, svg') && (box.left < -1 || box.right > 321);
    }).map((node) => node.outerHTML.slice(0, 80))"""
    assert browser.do(outside) == []
    row = codes(browser)[1]
    browser.tap(f'.row[data-code="{row:x}"]')
    browser.wait(f"state.pin === '{row:x}'")
    lit = browser.do("[...document.querySelectorAll('#stage .lit')].map((node) => Number(node.dataset.player))")
    assert sorted(lit) == [player for player in range(len(results.player_names[0])) if row >> player & 1]
    browser.tap("#stage [data-player='1']")
    browser.wait("!present[1]")


def test_a_mask_that_was_evaluated_shows_its_output_and_another_none(browser, reviews):
    results, address = reviews
    drawn = [results.drawn_values(model)[1] for model in results.models]
    interactions = results.of_ensemble("generalizable", list(results.ensembles)[-1])[1]
    asked = {
        drawn[0].presence[5].tobytes(): [own.values[5] for own in drawn],
        drawn[0].held_out_presence[3].tobytes(): [own.held_out_values[3] for own in drawn],
    }
    for key, truth in asked.items():
        row = np.frombuffer(key, bool)
        browser.open(f"{address}#sample=1&present={code(np.flatnonzero(row), 115)}")
        np.testing.assert_allclose(outputs(browser)[:, 0], truth, atol=0.051)
        np.testing.assert_allclose(outputs(browser)[:, 1], interactions.predict(row[None])[:, 0], atol=0.051)
        player = int(row.argmin())
        browser.click(f'#stage [data-player="{player}"]')
        assert browser.texts('[data-figure="output"]') == ["not evaluated"] * 3
        other = row | (np.arange(len(row)) == player)
        shown = [shown_number(text) for text in browser.texts('[data-figure="predicted"]')]
        np.testing.assert_allclose(shown, interactions.predict(other[None])[:, 0], atol=0.051)
        assert f"present={code(np.flatnonzero(other), 115)}" in browser.do("location.hash")
        browser.click(f'#stage [data-player="{player}"]')
        assert "not evaluated" not in browser.texts('[data-figure="output"]')


def test_predictions_of_reviews_are_judged_on_what_was_held_out(browser, reviews):
    results, address = reviews
    browser.open(address)
    interactions = results.of_ensemble("generalizable", list(results.ensembles)[-1])[0]
    drawn = [results.drawn_values(model)[0] for model in results.models]
    v = np.array([own.held_out_values for own in drawn])
    missed = v - interactions.predict(drawn[0].held_out_presence)
    said = browser.texts("#outputs li > p")
    for text, own, true in zip(said, missed, v, strict=True):
        found = re.search(r"typical error on (\d+) masks held out ([\d.]+) .* R² ([\d.]+)", text)
        assert int(found[1]) == len(true)
        assert float(found[2]) == pytest.approx(np.sqrt((own**2).mean()), abs=0.0051)
        assert float(found[3]) == pytest.approx(1 - (own**2).mean() / true.var(), abs=0.00051)
    browser.do("document.querySelector('#k').focus()")
    browser.press("Home")
    assert browser.texts("#outputs li > p") != said


def test_a_whole_review_is_a_running_text_that_lights_up(browser, reviews):
    results, address = reviews
    for sample, n in enumerate([70, 115]):
        browser.open(f"{address}#sample={sample}")
        assert browser.text("#stage") == results.samples["text"][sample].as_py()
        assert browser.do("document.querySelectorAll('#stage .word').length") == n
        row = codes(browser)[0]
        browser.click(f'.row[data-code="{row:x}"]')
        lit = browser.do("[...document.querySelectorAll('#stage .lit')].map((node) => Number(node.dataset.player))")
        assert sorted(lit) == [player for player in range(n) if row >> player & 1]
        assert "±" in browser.text("#lit table") and "±" in browser.text(f'.row[data-code="{row:x}"] .cell')
        browser.click("#lit .joined button")  # only these
        assert browser.text("#count").startswith(f"{len(lit)} of {n}")
        browser.click("#invert")
        assert browser.text("#count").startswith(f"{n - len(lit)} of {n}")
        state, link = browser.do("state"), browser.do("location.href")
        browser.open(link)
        assert browser.do("state") == state
    browser.view(320, 640, touch=True)
    browser.open(address)
    assert browser.do("document.documentElement.scrollWidth") <= 320


def test_a_notebook_shows_the_page_in_a_frame(browser, tasks, reviews, tmp_path):
    page = render(payload(reviews[0], "reviews", BUDGET))
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><p>cell</p>{framed(page)}", encoding="utf-8")
    browser.open(path.as_uri())
    with browser.frame():
        browser.wait("document.querySelectorAll('#stage .word').length === 70")
        browser.wait("typeof view === 'object' && document.querySelectorAll('.row').length > 0")
        browser.do("document.querySelector('#stage .word').click()")
        assert browser.text("#count").startswith("69 of 70")
        assert browser.do("document.querySelector('#link').hidden")


def luminance(colour):
    """Relative luminance of a computed colour (WCAG)."""
    parts = [float(part) for part in re.findall(r"[\d.]+", colour.replace("color(srgb", ""))][:3]
    scale = 1 if colour.startswith("color(") else 255
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / scale for part in parts)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_schemes(browser, tasks, scheme):
    browser.view(1280, 900, scheme=scheme)
    browser.open(tasks["sentiment"][1] + "#present=3ef")
    pairs = browser.do(
        """[".word", '.word[aria-pressed="false"]', ".and .badge", ".or .badge", ".muted", "h2", "dt", ".cell b",
            "#columns span:last-child", "label:has(:checked)", "button", "thead th"].map((selector) => {
          const node = document.querySelector(selector);
          let behind = node;
          while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
          return [selector, getComputedStyle(node).color, getComputedStyle(behind).backgroundColor];
        })"""
    )
    assert (luminance(browser.do("getComputedStyle(document.body).backgroundColor")) < 0.2) == (scheme == "dark")
    for selector, ink, ground in pairs:
        low, high = sorted([luminance(ink), luminance(ground)])
        assert (high + 0.05) / (low + 0.05) >= 4.5, (selector, ink, ground)


def test_paper_shows_no_controls(browser, tasks):
    browser.open(tasks["sentiment"][1])
    browser.view(800, 1000, scheme="dark", media="print")
    for selector in (".filters", "#k", "#link", "#keys"):
        assert browser.do(f"getComputedStyle(document.querySelector('{selector}')).display") == "none", selector
    assert luminance(browser.do("getComputedStyle(document.body).backgroundColor")) > 0.9
    assert len(browser.call("Page.printToPDF")["data"]) > 10_000


def test_no_script_no_silence(browser, tasks):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(tasks["digits"][1])
        document = browser.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        note = browser.call("DOM.querySelector", nodeId=document, selector="noscript p")["nodeId"]
        assert "allow its script" in json.dumps(browser.call("DOM.getOuterHTML", nodeId=note))
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize(
    ("text", "direction", "seen"),
    [
        ("هذا الفيلم جميل جدا", "rtl", "جدا جميل الفيلم هذا"),
        ("ראיתי את Star Wars אתמול", "rtl", "אתמול Star Wars את ראיתי"),
        ("the word שלום עולם means peace", "ltr", "the word עולם שלום means peace"),
        ("这部电影 很好", "ltr", "这部电影 很好"),
    ],
)
def test_words_stand_in_the_order_of_their_script(browser, tasks, tmp_path, text, direction, seen):
    results, _ = tasks["sentiment"]
    words = text.split()
    rows = results.samples.to_pylist()
    spans = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)]
    n = len(results.player_names[0])
    rows[0] |= {"text": text + " ." * (n - len(words)), "player_names": words + ["."] * (n - len(words))}
    rows[0]["players"] = spans + [(len(text) + 2 * k + 1, len(text) + 2 * k + 2) for k in range(n - len(words))]
    changed = dataclasses.replace(results)
    vars(changed)["samples"] = pa.Table.from_pylist(rows, schema=results.samples.schema)
    (tmp_path / "page.html").write_text(render(payload(changed, "sentiment", BUDGET)), encoding="utf-8")
    browser.open((tmp_path / "page.html").as_uri())
    assert browser.do("getComputedStyle(document.querySelector('#stage')).direction") == direction
    left = [
        browser.do(f"document.querySelector('.word[data-player=\"{k}\"]').getBoundingClientRect().left")
        for k in range(len(words))
    ]
    assert " ".join(words[k] for k in np.argsort(left)) == seen
