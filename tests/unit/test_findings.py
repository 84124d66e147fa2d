"""RESULTS.md says what the tables say."""

import dataclasses
import html
import math
import re
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pandas as pd
import pytest
from docutils.core import publish_parts

from andor.config import Nulls, Study
from andor.report import tables
from andor.report.catalogue import FOUND_IN
from andor.report.findings import findings, headline
from andor.report.results import TaskResults
from andor.report.studies import study
from synthetic import write_synthetic_results

pytestmark = pytest.mark.slow
ASKED = Study(question="Which one?", tasks=["digits"], ensembles=["resnet20-vgg16"], methods=["generalizable"])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    config = write_synthetic_results(folder, samples=3, with_tables=False)
    return folder, config.model_copy(update={"studies": {"s": ASKED}})


@pytest.fixture(scope="module")
def results(written):
    folder, config = written
    return TaskResults.of(folder / "digits", config, "digits")


@pytest.fixture(scope="module")
def made(written, results):
    folder, config = written
    of_task = tables.make(results, FOUND_IN)
    of_study = study({"digits": TaskResults.of_study(folder / "digits", config, "digits", "s")})
    return of_task, of_study, findings({"digits": ("image", of_task)}, {"s": (ASKED.question, of_study)})


def test_every_ensemble_and_method_has_its_rows(made):
    of_task, _, text = made
    controls = of_task["controls"]
    for method, ensemble in controls[["method", "ensemble"]].drop_duplicates().itertuples(index=False, name=None):
        assert f"| {method} | {ensemble} | ." in text
    assert "nan" not in text
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({line.count("|") for line in block.splitlines()}) == 1


def test_numbers_are_those_of_the_tables(made):
    of_task, of_study, text = made
    controls = of_task["controls"].query("null == 'renaming' and measure == 'power' and of == '10 %'")
    row = controls.query("method == 'generalizable' and ensemble == 'resnet20-vgg16' and kind == 'and'").iloc[0]
    table = text[text.index("AND interactions: value") :]
    line = next(line for line in table.splitlines() if line.startswith("| generalizable | resnet20-vgg16 |"))
    shown = [float(number) for number in re.findall(r"[-+]?\d*\.\d+", line.split("|")[4])]  # of the strongest 10 %
    wanted = row[["value", "chance", "null_value", "excess", "excess_low", "excess_high"]].tolist()
    assert shown == pytest.approx(wanted, abs=0.0051)
    count = of_study.query("measure == 'salient'")["value"].item()
    assert f"| digits | resnet20-vgg16 | generalizable | {count:.1f} |" in text


def test_models_made_from_the_same_weights_are_said_to_be(made):
    of_task, _, text = made
    assert "Made from the same weights" not in text
    weights = of_task["accuracy"]["model"].map({"resnet20": "w", "vgg16": "", "lenet": "w"})
    accuracy = of_task["accuracy"].assign(weights=weights)
    said = findings({"digits": ("image", {**of_task, "accuracy": accuracy})}, {})
    lines = [line for line in said.splitlines() if "Made from the same weights: resnet20 and lenet;" in line]
    assert [line.partition("**: ")[0] for line in lines] == ["- **resnet20-lenet", "- **resnet20-vgg16-lenet"]


def test_dust_among_the_strongest_is_told_beside_the_paper(made):
    of_task, _, text = made
    dust = of_task["generalization"].query("share == 0.1 and method == 'traditional'")["dust"]
    (paragraph,) = [part for part in text.split("\n\n") if part.startswith("How much of a network's strongest 10 %")]
    low, high = (f"{value:.2f}".removeprefix("0") for value in (dust.min(), dust.max()))
    assert f"traditional {low} to {high}" in paragraph and "The paper, of the strongest" in paragraph


def test_the_published_numbers_stand_beside(made):
    text = made[2]
    assert "generalizable AND .67 and .68" in text
    assert "25.6 (ResNet-20)" in text


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("What does the weight of the sum change?", "What does the weight of the sum change?"),
        ("<script>x</script> & more", "&#60;script&#62;x&#60;/script&#62; &#38; more"),
        ("# Not\n\n| a | table |\n[x](y)", "&#35; Not &#124; a &#124; table &#124; &#91;x&#93;(y)"),
        ("- no list, *no* `code`", "&#45; no list, &#42;no&#42; &#96;code&#96;"),
        ("1. no list", "1&#46; no list"),
    ],
)
def test_a_question_is_words_and_no_markup(made, question, shown):
    text = findings({}, {"s": (question, made[1])})
    paragraph = text[text.index("## Study: s") :].split("\n\n")[1]
    assert paragraph == shown
    assert html.unescape(paragraph) == " ".join(question.split())


def test_a_question_is_words_in_the_report_too():
    """reST, in which a backslash takes the meaning of any sign after it."""
    template = (Path(__file__).parents[2] / "workflow" / "report" / "studies.rst").read_text(encoding="utf-8")
    studies = {"s": {"question": "Is\n\n.. raw:: html\n\n   <b>`this`_ | bold*?"}}
    said = jinja2.Template(template).render(
        snakemake=SimpleNamespace(config={"studies": studies}, wildcards=SimpleNamespace(study="s"))
    )
    body = publish_parts(said, writer="html")["fragment"]
    assert "Is .. raw:: html &lt;b&gt;`this`_ | bold*?" in " ".join(body.split()), body
    assert "system-message" not in body


def test_a_task_that_no_paper_has_is_written_without_them(made):
    text = findings({"wine": ("table", made[0])}, {})
    assert "The paper has no task of this kind." in text
    assert "ResNet-20" not in text


def test_what_ran_out_of_iterations_is_counted(made):
    of_task = dict(made[0])
    solver = of_task["solver"].copy()
    solver.loc[solver.index[:2], "status"] = "max_iterations"
    assert isinstance(solver, pd.DataFrame)
    assert "; 2 ran out of iterations." in findings({"digits": ("image", {**of_task, "solver": solver})}, {})


def test_what_no_solver_proved_is_no_gap(made):
    solver = made[0]["solver"].assign(status="uncertified")
    text = findings({"digits": ("image", {**made[0], "solver": solver})}, {})
    assert "certified gap" not in text
    assert "nan" not in text


def test_a_control_network_is_judged_apart(made):
    accuracy = made[0]["accuracy"].copy()
    accuracy.loc[accuracy["model"] == "lenet", "labels"] = "shuffled"
    text = findings({"digits": ("image", {**made[0], "accuracy": accuracy})}, {})
    judged = text[text.index("By the other labels they were trained on: lenet") :].partition(".\n")[0]
    assert judged.count("[") == 1
    networks = text[text.index("### The networks") :]
    assert "lenet" not in networks[: networks.index("By the other labels")]


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({"ensembles": {}}, "### How much is shared"),
        ({"ensembles": {}}, "### Is more shared than by accident?"),
        ({"methods": {"original": "original"}}, "OR interactions"),
        ({"nulls": Nulls(renamings=0, exchanges=0)}, "over that of renamed players"),
    ],
)
def test_what_there_is_not_is_left_out(results, changes, gone):
    fewer = dataclasses.replace(results, **changes)
    text = findings({"digits": ("image", tables.make(fewer, FOUND_IN))}, {})
    assert "nan" not in text
    assert gone not in text


def test_means_are_those_of_main_pairs(made):
    of_task = dict(made[0])
    controls = of_task["controls"].copy()
    controls.loc[controls["ensemble"] != "resnet20-vgg16", "main"] = False
    controls.loc[controls["ensemble"] != "resnet20-vgg16", "value"] = 7.0
    text = findings({"digits": ("image", {**of_task, "controls": controls})}, {})
    mean = text[text.index("Mean over resnet20-vgg16:") :].split("Starred")[0]
    assert "7.00" not in mean
    assert "| traditional | resnet20-lenet * |" in text


def test_what_changed_is_told_by_paired_intervals(made):
    def variant(method: str, raised: dict[str, float]) -> pd.DataFrame:
        table = made[1].assign(method=method, change=0.0, change_low=-0.1, change_high=0.1)
        for kind, by in raised.items():
            table.loc[table["kind"] == kind, ["change", "change_low", "change_high"]] += by
        return table[table["excess"].notna()]

    variants = [
        variant("same", {}),
        variant("ands", {"and": 3.0, "or": -3.0}),
        variant("both", {"and": 3.0, "or": 3.0}),
    ]
    text = findings({}, {"s": ("Which one?", pd.concat([made[1], *variants], ignore_index=True))})
    assert "same larger in 0 and smaller in 0 of 6; ands larger in 3 and smaller in 3 of 6; both larger in 6" in text
    assert text.count("clearly better") == 1
    assert "sample by sample" not in findings({}, {"s": ("Which one?", made[1])})
    apart = pd.concat([made[1], variant("ands", {"and": 3.0}), variant("ands", {"or": -3.0}).assign(main=False)])
    text = findings({}, {"s": ("Which one?", apart.reset_index(drop=True))})
    assert "whole intervals: ands larger in 3 and smaller in 0 of 6." in text
    assert "a null network or a repeated training: ands larger in 0 and smaller in 3 of 6." in text


def test_what_is_named_is_said_to_be_settled_or_not():
    rows = [("and", "a, b", 0.02, 0.5, 1.0), ("or", "c", 0.05, 0.3, 0.6), ("or", "d", 0.3, 0.2, 1.0)]
    own = pd.DataFrame(rows, columns=["kind", "members", "agree", "strength", "stability"])
    own = own.assign(
        ensemble="a-b", shared=True, sample=3, players=own["members"], combinations=math.nan, solutions=5,
        settled=own["stability"] == 1,
    )  # fmt: skip
    assert headline._named("a-b", own) == (
        "a-b, most surely first (1 of 2 in every solution): AND(a, b) + (sample 3; in 5 of 5 solutions); "
        "OR(c) + (sample 3; in 3 of 5 solutions)."
    )
    unknown = own.assign(stability=math.nan, settled=None)
    assert headline._named("a-b", unknown).startswith("a-b, most surely first: AND(a, b) + (sample 3);")


@pytest.mark.parametrize(
    "p, listed, combined, said",
    [
        (0.005, 0, (0.3, 0), "more than by accident; no single interaction can be named; not shown to agree in more"),
        (0.005, 9, (0.005, 4), "9 interactions can be named; also in which players act together (4 can be named as c"),
        (0.005, 0, (0.4, 2), "named; 2 can be named as combinations, though as many are shared where only the same"),
        (0.4, 2, (0.6, 0), "as many would be shared by accident (p = 0.40), but not as strongly; 2 interactions can"),
        (0.4, 0, (0.6, 0), "what is shared cannot be told from accident (p = 0.40)."),
    ],
)
def test_the_verdict_says_what_number_and_list_say(p, listed, combined, said):
    rows = [("agree", 1, 177, p, listed), ("agree", 2, 115, p, math.nan), ("combinations", 2, 115, *combined)]
    table = pd.DataFrame(rows, columns=["claim", "least_order", "shared", "p", "listed"]).assign(ensemble="a-b")
    assert said in headline._verdict(table)
