"""What of the package a rule depends on, read from the imports of its script."""

import ast
from functools import cache
from hashlib import sha256


def code(script: str) -> str:
    """Digest of what a script runs of the package: a change in it reruns the rules that have the script.

    Comments, docstrings and layout of Python do not count; the markup, style and script of a page do.
    """
    text = "\n".join(map(read_as, sorted(run_by(script))))
    return sha256(text.encode()).hexdigest()[:16]


def run_by(script: str) -> set[Path]:
    """Files of the package that a script imports, and those that they import; a package stands for its modules."""
    run, ahead = set(), {ROOT / "workflow" / "scripts" / f"{script}.py"}
    while ahead:
        new = {file for place in imported(ahead.pop()) for file in files_of(place)}
        ahead |= new - run
        run |= new
    return run


APART = {"cli", "config", "digests", "errors", "files", "kinds", "settings", "store"}
"""What of the package changes no number: configuration is a parameter of each rule, and the rest moves files."""


SHARED = {"_extraction", "_sampled", "_unit"}
"""What scripts have in common besides `_job`."""


def files_of(path: Path) -> list[Path]:
    """Files of a module, or of a package without those inside it, which count where they are imported."""
    if not path.is_dir():
        return [path.with_suffix(".py")]
    return [file for file in path.iterdir() if file.suffix in READ_AS]


@cache
def imported(path: Path) -> set[Path]:
    """Modules and packages of this package that a file imports, wherever in it, and what scripts have in common."""
    package, places = ROOT / "src" / "andor", set()
    for node in walk_imports(syntax(path) if path.suffix == ".py" else None):
        if node.module in SHARED:
            places.add(path.with_name(node.module))
            continue
        place = package.joinpath(*node.module.split(".")[1:])
        inner = {place / alias.name for alias in node.names}
        found = {
            p if p.is_dir() or p.with_suffix(".py").exists() else place for p in inner
        }
        places |= {
            p
            for p in found
            if (*p.relative_to(package).parts, "")[0] not in {"", *APART}
        }
    return places


def walk_imports(tree):
    """Imports that are made when the program runs, not those for type checkers: of the package, of what is shared."""
    for node in ast.iter_child_nodes(tree) if tree else ():
        if isinstance(node, ast.ImportFrom):
            if node.module in SHARED or f"{node.module}.".startswith("andor."):
                yield node
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            yield from walk_imports(node)


@cache
def syntax(path: Path) -> ast.Module:
    """Syntax tree of a file, which is read as often as there are rules."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def read_as(path: Path) -> str:
    """What counts of a file: of Python its syntax tree, without the strings that stand for themselves."""
    if READ_AS[path.suffix] is str:
        return path.read_text(encoding="utf-8")
    return READ_AS[path.suffix](syntax(path))


def meaning(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(getattr(node, "body", None), list):
            node.body = [
                statement
                for statement in node.body
                if not (
                    isinstance(statement, ast.Expr)
                    and isinstance(statement.value, ast.Constant)
                )
            ]
    return ast.dump(tree)


READ_AS = {".py": meaning, ".html": str, ".css": str, ".js": str}
