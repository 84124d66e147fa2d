"""The examples of docs/howto/model.md work as they stand there: models are taken over, and samples found for them."""

import re
from pathlib import Path

import pytest

from andor import config
from andor.data.candidates import candidates
from andor.models.loading import load
from andor.outputs.baselines import attach
from andor.outputs.evaluate import screen
from andor.outputs.samples import select
from andor.sources.uri import parse
from andor.store import write_table

pytestmark = pytest.mark.slow  # four libraries are imported, and three models fitted
PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "model.md").read_text(encoding="utf-8")
BLOCKS = {
    match[2]: match[1] for match in re.finditer(r"```(?:python|yaml)\n(# (\S+)\n.*?)```", PAGE, re.DOTALL)
}  # fmt: skip


@pytest.mark.parametrize(
    ("configuration", "files", "run", "trained"),
    [
        ("rows.yaml", ["my_rows.py"], [], []),
        ("fitted.yaml", [], ["fit.py"], []),
        ("images.yaml", [], ["network.py"], ["ours"]),
    ],
)
def test_an_example_of_the_page(configuration, files, run, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (configuration, *files):
        Path(name).write_text(BLOCKS[name], encoding="utf-8")
    for name in run:
        exec(BLOCKS[name], {})
    whole = config.check(config.load_raw(configuration), base=tmp_path)
    (task,) = whole.tasks.values()
    table = task.data.read(None, 0)
    write_table(Path("data.parquet"), table)
    found = candidates(table, task.players, task.samples.candidates, 0)
    screened = {}
    for name, model in task.models.items():
        if name not in trained:
            source = model.sources().get("source")
            path = Path(parse(whole.sources[source].mirrors[0]).name) if source else None
            model.make(table, path, None, Path("models", name), 0)
            background = Path("data.parquet") if task.masking.baseline == "marginal" else None
            loaded = attach(load(Path("models", name)), background, name, task.masking.background_rows)
            screened[name] = screen(name, loaded, found, task.masking)
    samples, _ = select(
        found, screened, task.reward, task.samples.model_copy(update={"min_range": 0.0 if trained else 0.1})
    )
    assert samples.num_rows == task.samples.count or trained
    assert all(table.num_rows == found.num_rows for table in screened.values())
