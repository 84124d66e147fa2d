"""The shape of the package: few rooms, imports that run one way, files and functions that can be read at a sitting."""

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "andor"
ROOMS = ["sources", "game", "sparsify", "analysis", "data", "models", "config", "outputs", "report", "cli"]
"""In an order in which each imports only those before it, and the modules that belong to no room."""
FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """`room.module`; a package's own file has the package's name."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").strip(".")


@cache
def tree(path: Path) -> ast.Module:
    """A file's syntax."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> frozenset[str]:
    """Modules of the package that a file imports when the program runs, at its head or later."""
    return frozenset(_imports(tree(path)))


def _imports(parent: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in (child for child in ast.iter_child_nodes(parent) if not isinstance(child, ast.expr)):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("andor."):
            for alias in node.names:
                place = PACKAGE.joinpath(*node.module.split(".")[1:], alias.name)
                is_module = place.is_dir() or place.with_suffix(".py").exists()
                found.add(f"{node.module}.{alias.name}" if is_module else node.module)
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            found |= _imports(node)
    return {name.removeprefix("andor").strip(".") for name in found}


def test_there_are_few_rooms():
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(ROOMS)
    assert len(ROOMS) <= 10


def test_imports_run_one_way_between_rooms():
    for path in FILES:
        room = path.relative_to(PACKAGE).parts[0]
        if path.parent == PACKAGE:
            ways_in = {"__init__.py": {"report"}, "__main__.py": {"cli"}}
            assert {name.split(".")[0] for name in imports(path)} & set(ROOMS) <= ways_in.get(path.name, set()), path
            continue
        allowed = ROOMS[: ROOMS.index(room) + 1]
        wrong = {name for name in imports(path) if name.split(".")[0] in ROOMS and name.split(".")[0] not in allowed}
        assert not wrong, f"{name_of(path)} imports {wrong}"


def test_no_module_imports_itself_by_way_of_others():
    names = {name_of(path) for path in FILES} - {""}
    graph = {name_of(path): imports(path) & names for path in FILES}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " → ".join((*way[way.index(name) :], name))
        if name not in done:
            for other in graph[name] - {name}:
                visit(other, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_files_and_functions_are_short():
    for path in FILES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 400, f"{name_of(path)} has {lines} lines"
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = node.end_lineno - node.lineno + 1
                assert length <= 60, f"{name_of(path)}.{node.name} has {length} lines"
