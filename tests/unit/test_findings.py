"""RESULTS.md says what the tables say."""

import re

import pandas as pd
import pytest

from andor import tables
from andor.catalogue import FOUND_IN
from andor.config import Study
from andor.findings import findings
from andor.results import TaskResults
from andor.studies import study
from synthetic import write_synthetic_results

ASKED = Study(question="Which one?", tasks=["digits"], ensembles=["resnet20-vgg16"], methods=["generalizable"])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    config = write_synthetic_results(folder, samples=3, with_tables=False).model_copy(update={"studies": {"s": ASKED}})
    results = TaskResults.of(folder / "digits", config, "digits")
    of_task = {name: tables.TABLES[name](results) for name in FOUND_IN}
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
    shown = [float(number) for number in re.findall(r"[-+]?\d*\.\d+", line.split("|")[3])]
    wanted = row[["value", "chance", "null_value", "excess", "excess_low", "excess_high"]].tolist()
    assert shown == pytest.approx(wanted, abs=0.0051)
    count = of_study.query("measure == 'salient'")["value"].item()
    assert f"| digits | resnet20-vgg16 | generalizable | {count:.1f} |" in text


def test_the_published_numbers_stand_beside(made):
    text = made[2]
    assert "generalizable AND .67 and .68" in text
    assert "25.6 (ResNet-20)" in text


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


def test_a_setting_is_better_if_its_excess_lies_above_in_most_comparisons(made):
    def variant(method: str, raised: dict[str, float]) -> pd.DataFrame:
        table = made[1].assign(method=method)
        for kind, by in raised.items():
            table.loc[table["kind"] == kind, ["excess", "excess_low", "excess_high"]] += by
        return table

    variants = [variant("same", {}), variant("ands", {"and": 3.0}), variant("both", {"and": 3.0, "or": 3.0})]
    compared = int(made[1]["excess"].notna().sum())
    ands = int((made[1]["excess"].notna() & (made[1]["kind"] == "and")).sum())
    text = findings({}, {"s": ("Which one?", pd.concat([made[1], *variants], ignore_index=True))})
    listed = f"same 0 of {compared}; ands {ands} of {compared}; both {compared} of {compared}. "
    assert f"under generalizable in how many comparisons, whole above whole interval: {listed}" in text
    assert "Clearly better, in most of them: both." in text
    text = findings({}, {"s": ("Which one?", pd.concat([made[1], variants[0]], ignore_index=True))})
    assert "None is clearly better." in text
    assert "in how many comparisons" not in findings({}, {"s": ("Which one?", made[1])})
