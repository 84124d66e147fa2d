"""Rules name, in `params: code=`, the modules that determine their numbers: all of them and no other."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NO_NUMBERS = {"", "errors", "files", "config", "sources.uri"}
"""Modules that change no number: messages, whole files, the configuration, whose values are in `params`."""
FILES = {
    *("read_table", "read_metadata", "write_table", "arrays", "array_column", "ARRAYS"),
    *("_readable", "metadata_of", "_write", "_parsed", "NULL_INTERACTIONS"),
}
"""Of `store`: what keeps any table as it is given, and names of columns."""


def rules() -> Iterator[tuple[str, str, set[str]]]:
    """Name, script and declared modules of each rule that declares any."""
    for file in sorted((ROOT / "rules").glob("*.smk")):
        text = file.read_text(encoding="utf-8")
        shared = dict(re.findall(r"^([A-Z]+) = (\[.*?\])", text, re.M | re.S))
        for name, body in re.findall(r"^rule (\w+):\n((?:(?: .*)?\n)+)", text, re.M):
            declared = re.search(r"code=.*?code\((.*?)\),?\n", body, re.S)
            if declared:
                lists = [declared[1], *(shared[each] for each in re.findall(r"\*([A-Z]+)", declared[1]))]
                modules = set(re.findall(r'"([\w/]+)"', "".join(lists)))
                yield name, re.search(r"scripts/(\w+\.py)", body)[1], modules


RULES = {name: (script, {module.replace("/", ".") for module in modules}) for name, script, modules in rules()}


def test_every_script_belongs_to_a_rule_that_names_modules():
    """But for the record of the run, which is of all of them."""
    scripts = {path.name for path in (ROOT / "workflow" / "scripts").glob("[!_]*.py")}
    assert scripts - {"provenance.py"} == {script for script, _ in RULES.values()}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_the_modules_it_runs(rule):
    """Followed from its script through definitions, not imports: a module is no cause because another part of it is."""
    script, declared = RULES[rule]
    used = {
        module
        for module, name in reached(ROOT / "workflow" / "scripts" / script)
        if module not in NO_NUMBERS and not (module == "store" and name in FILES)
    }
    if rule != "model":  # its folder, which the others read, is made anew
        used = {module for module in used if module.split(".")[0] != "models"}

    def within(module: str, name: str) -> bool:
        return f"{module}.".startswith(f"{name}.")

    assert {module for module in used if not any(within(module, name) for name in declared)} == set()
    assert {name for name in declared if not any(within(module, name) for module in used)} == set()


def reached(script: Path) -> set[tuple[str, str]]:
    """Definitions (module, name) of the package that a script can come to."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    seen, ahead = set(), mentioned(tree, imported(tree, ""))
    found = set()
    while ahead:
        module, name = ahead.pop()
        if (module, name) in seen or module_file(module) is None:
            continue
        seen.add((module, name))
        definitions, names = contents(module)
        if name in names:  # it hands on what it imports
            ahead.add(names[name])
        for node in definitions.get(name, []):
            found.add((module, name))
            own = {each: (module, each) for each in definitions}
            ahead |= mentioned(node, {**own, **names, **imported(node, module)})
    return found


def module_file(module: str) -> Path | None:
    """The file of a module of the package, given by its name below `andor`."""
    path = ROOT.joinpath("src", "andor", *module.split(".") if module else [])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)


@cache
def contents(module: str) -> tuple[dict[str, list[ast.stmt]], dict[str, tuple[str, str]]]:
    """A module's top-level statements by the name they define, and its imports from the package."""
    tree = ast.parse(module_file(module).read_text(encoding="utf-8"))
    definitions: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            definitions.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            for target in ast.walk(node):
                if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store):
                    definitions.setdefault(target.id, []).append(node)
    top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    return definitions, imported(top, module)


def imported(tree: ast.AST, module: str) -> dict[str, tuple[str, str]]:
    """What imported names below a node stand for: (module, name) of the package, without a name for a module itself."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "andor":
            inside = node.module.removeprefix("andor").removeprefix(".")
            for alias in node.names:
                below = f"{inside}.{alias.name}".removeprefix(".")
                is_module = module_file(below) is not None and not hidden(alias.name, inside, module)
                names[alias.asname or alias.name] = (below, "") if is_module else (inside, alias.name)
    return names


def hidden(name: str, package: str, module: str) -> bool:
    """Whether a package means another thing by the name of one of its modules."""
    if package in ("", module):
        return False
    definitions, names = contents(package)
    return name in definitions or bool(names.get(name, ("", ""))[1])


def mentioned(node: ast.AST, names: dict[str, tuple[str, str]]) -> set[tuple[str, str]]:
    """What a piece of code speaks of: `name`, and `module.name`."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and each.id in names and names[each.id][1]:
            found.add(names[each.id])
        elif isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
            module, name = names.get(each.value.id, ("", "-"))
            if not name:
                found.add((module, each.attr))
    return found
