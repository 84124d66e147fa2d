"""What of the package a rule depends on: `rules/code.smk` takes it from imports, these tests from definitions."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NO_NUMBERS = {"", "config", "errors", "files", "kinds", "network", "settings", "store", "yaml_text"}
"""What changes no number: messages, whole files, and the configuration, whose values are in `params`."""
RULES = {
    name: re.search(r"scripts/(\w+)\.py", body)[1]
    for file in sorted((ROOT / "rules").glob("*.smk"))
    for name, body in re.findall(r"^rule (\w+):\n((?:(?: .*)?\n)+)", file.read_text(encoding="utf-8"), re.M)
    if "code=" in body
}


@pytest.fixture(scope="module")
def code():
    """What `rules/code.smk` defines."""
    defined = {"ROOT": ROOT, "Path": Path}
    exec((ROOT / "rules" / "code.smk").read_text(encoding="utf-8"), defined)
    return defined


def test_every_script_belongs_to_a_rule_that_names_it():
    """But for the record of the run, which is of all of them."""
    scripts = {path.stem for path in (ROOT / "workflow" / "scripts").glob("[!_]*.py")}
    assert scripts - {"provenance"} == set(RULES.values())
    for file in (ROOT / "rules").glob("*.smk"):
        for named, script in re.findall(r'code=code\("(\w+)"\)(?:.|\n)*?scripts/(\w+)\.py', file.read_text()):
            assert named == script


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_depends_on_all_that_it_runs(rule, code):
    """Followed from its script through definitions, not imports."""
    script = RULES[rule]
    used = {module for module, _ in reached(ROOT / "workflow" / "scripts" / f"{script}.py")}
    used = {module_file(module) for module in used if module.split(".")[0] not in NO_NUMBERS}
    assert used - code["run_by"](script) == set()


@pytest.mark.parametrize(("script", "folder"), [("data", "readers"), ("candidates", "players")])
def test_what_is_found_in_a_folder_counts(script, folder, code):
    assert set((ROOT / "src" / "andor" / "data" / folder).glob("*.py")) <= code["run_by"](script)


def test_a_rule_does_not_depend_on_what_comes_after_it(code):
    def rooms(script: str) -> set[str]:
        package = ROOT / "src" / "andor"
        return {path.relative_to(package).parts[0] for path in code["run_by"](script) if package in path.parents}

    assert rooms("model") <= {"models", "data"}
    assert rooms("extract") <= {"outputs", "game", "sparsify"}
    assert not rooms("figure") & {"models", "outputs", "sparsify", "analysis"}
    assert not rooms("task_tables") & {"models", "sparsify"}


def reached(script: Path) -> set[tuple[str, str]]:
    """Definitions (module, name) of the package that a script can come to, but for what checks the configuration."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    seen, ahead = set(), mentioned(tree, imported(tree, ""))
    found = set()
    while ahead:
        module, name = ahead.pop()
        if (module, name) in seen or module_file(module) is None or module.split(".")[0] == "config":
            continue
        seen.add((module, name))
        definitions, names = contents(module)
        if module.split(".")[0] == "config":  # whose parts are defined elsewhere too, but whose values are in `params`
            names = {alias: of for alias, of in names.items() if of[0].split(".")[0] in NO_NUMBERS}
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
