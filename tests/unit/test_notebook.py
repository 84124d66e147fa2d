"""The tutorial notebook runs from top to bottom, and shows what it says."""

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(cells: list[str]) -> tuple[dict, list]:
    """Run cells as a notebook does: the names there are in the end, and the value of each cell's last line."""
    names: dict = {}
    values = []
    for source in cells:
        tree = ast.parse(source)
        shown = None
        if isinstance(tree.body[-1], ast.Expr):
            shown = ast.Expression(tree.body.pop().value)
        exec(compile(tree, "cell", "exec"), names)
        values.append(None if shown is None else eval(compile(shown, "cell", "eval"), names))
    return names, values


@pytest.mark.slow
def test_it_runs_from_top_to_bottom():
    notebook = json.loads((ROOT / "docs" / "explain.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names, values = run(cells)
    found = names["found"]
    assert found.fidelity["linear"] > 0.9 and found.fidelity["forest"] > 0.5
    assert max(found.fit.gap) <= 0.02
    assert "<iframe" in values[2]._repr_html_()
    assert set(names["frame"]["model"]) == {"linear", "forest"}
