"""What of the package a rule depends on, read from the imports of its script."""

import ast
from functools import cache
from hashlib import sha256


def code(script: str):
    """A parameter that changes with what a script runs of the package: a change in it reruns the rules that have it.

    It is read for rules that have a job, not for all that there are.
    """
    return lambda wildcards: digest_of(script)


@cache
def digest_of(script: str) -> str:
    """Digest of what a script runs of the package."""
    text = "\n".join(contents(file)[1] for file in sorted(run_by(script)))
    return sha256(text.encode()).hexdigest()[:16]


def run_by(script: str) -> set[Path]:
    """Files of the package that a script imports, and those that they import; a package stands for its modules."""
    run, ahead = set(), {ROOT / "workflow" / "scripts" / f"{script}.py"}
    while ahead:
        new = {file for place in imported(ahead.pop()) for file in files_of(place)}
        ahead |= new - run
        run |= new
    return run


APART = set(
    "cli config digests errors files kinds network settings store yaml_text".split()
)
"""What of the package changes no number: configuration is a parameter of each rule, and the rest moves files."""


SHARED = {"_extraction", "_sampled", "_unit"}
"""What scripts have in common besides `_job`."""


COUNTED = {".py", ".html", ".css", ".js"}
"""Endings of the files that count."""


def files_of(path: Path) -> list[Path]:
    """Files of a module, or of a package without those inside it, which count where they are imported."""
    if not path.is_dir():
        return [path.with_suffix(".py")]
    return [file for file in path.iterdir() if file.suffix in COUNTED]


@cache
def imported(path: Path) -> set[Path]:
    """Modules and packages of this package that a file imports, wherever in it, and what scripts have in common."""
    package, places = ROOT / "src" / "andor", set()
    for node in contents(path)[0]:
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
    for node in statements(tree):
        if isinstance(node, ast.ImportFrom):
            if node.module in SHARED or f"{node.module}.".startswith("andor."):
                yield node
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            yield from walk_imports(node)


def statements(node):
    """Statements right inside a node, and the branches that hold others: imports stand nowhere else."""
    blocks = ("body", "orelse", "finalbody", "handlers", "cases")
    for block in (getattr(node, name, None) for name in blocks):
        yield from block if isinstance(block, list) else ()


@cache
def contents(path: Path) -> tuple[list[ast.ImportFrom], str]:
    """Imports of a file, and what counts of it.

    Comments, docstrings and layout of Python do not count; the markup, style and script of a page do.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return [], text
    tree = ast.parse(text)  # not kept: it takes twenty times the room of the file
    return list(walk_imports(tree)), meaning(tree)


def meaning(node) -> str:
    """A syntax tree in a line, as of `ast.dump` but in a third of the time, without strings that stand for themselves.

    Nor is it said what an expression is for, as that follows from its place.
    """
    kind = type(node)
    if kind is str:
        return repr(node)
    if kind is list:
        return f"[{', '.join([meaning(each) for each in node if not alone(each)])}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [
        f"{name}={meaning(value)}"
        for name in kind._fields
        if name != "ctx"
        if (value := getattr(node, name, None)) is not None or kind is ast.Constant
    ]
    return f"{kind.__name__}({', '.join(fields)})"


def alone(node) -> bool:
    """Whether a node is a statement that is a constant and nothing more: a docstring, as a rule."""
    return type(node) is ast.Expr and type(node.value) is ast.Constant
