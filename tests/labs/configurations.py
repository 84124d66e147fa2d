"""Faults made by mutation of every shipped configuration: `andor check` must tell each in a line, exit status 1.

    PYTHONPATH=src python tests/labs/configurations.py [--faults 300] [--seed 0] [--every]

A mutation replaces, renames or adds one thing in a configuration that is valid, so that it is none any more. A fault is
*told* if the check ends with status 1 and lines that begin with the name of the file, *accepted* if it ends well, and a
*traceback* if anything else is raised; it is *slow* if it takes 3 s of processor time. Exit status 1 if anything is not
told. `UNKNOWABLE` says what a check cannot know, so that no mutation is made of it.
"""

from __future__ import annotations

import argparse
import copy
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

from andor.cli import app

ROOT = Path(__file__).parents[2]
SHIPPED = [ROOT / "config.yaml", *sorted((ROOT / "config").glob("*.yaml"))]
SECONDS = 3.0
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

UNKNOWABLE = {
    "instead": "free text, shown as it is",
    "question": "free text, shown as it is",
    "mirrors": "whether an address is right is known when it is asked; its form is checked",
    "sha256": "whether a digest is right is known when the content is there; its form is checked",
    "names, label, positive, features, text, image, split": "columns and classes are known when the data are there",
    "groups": "the same, apart from columns named twice",
    "architecture of pretrained models": "names of timm's models are known when it is installed",
    "file of own models": "what a file does is known when it is run; that it is there is checked",
}
FREE = {"instead", "question", "mirrors", "sha256", "names", "label", "positive", "features", "text", "image", "split"}
FREE |= {"groups", "architecture", "file", "parameters", "estimator", "cache", "encoding"}
"""Keys whose texts may be any, or are broken in a way of their own below."""

FRACTIONS = {"alpha", "tau", "factor", "threshold", "min_range", "learning_rate", "weight_decay", "temperature", "gap"}
"""Keys whose whole numbers may be fractions."""
NULLABLE = {"coalitions", "ensembles", "groups", "learning", "target", "training"}
HUGE = 10**400
BY_TYPE: dict[type, list[Any]] = {
    int: ["x", "", 1.5, -(10**12), HUGE, True, {"a": 1}, [1], float("nan"), float("inf"), "1 000", "0x10"],
    float: ["x", "", -1e300, True, {"a": 1}, [1.0], float("nan"), "1,5"],
    bool: ["x", 7, 0.5, {"a": 1}, [True], None, "maybe"],
    str: [3.5, True, {"a": 1}, ["x"], "\0", "no such thing", "", "ü" * 50],
    list: ["x", 3, {"a": 1}, [[]], [{}], [None], True],
    dict: ["x", 3, ["x"], None, True, {"bananas": 1}, {"": 1}, {7: 1}],
}
NAMES = ("Bad Name", "a" * 41, "ü", "7up", "a/b", "..", "", "a\0b", 7, None)
"""What is no name of a task, model, method or source."""
NAMED = {"tasks", "models", "methods", "sources", "variants", "studies"}


@dataclass(frozen=True)
class Fault:
    """A configuration that is none, and what was done to a valid one."""

    origin: str
    what: str
    content: Callable[[], bytes]  # made when it is asked for: there are thousands


def faults() -> Iterator[Fault]:
    """Every fault, configuration by configuration."""
    for path in SHIPPED:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        for what, place, value in _mutations(raw):
            yield Fault(path.name, what, partial(_written, raw, place, value))
        for what, content in _texts(path.read_text(encoding="utf-8")):
            yield Fault(path.name, what, partial(bytes, content))


def _written(raw: dict[str, Any], place: Sequence[Any], value: Any) -> bytes:
    """A configuration with another value at a place, as YAML."""
    changed = copy.deepcopy(raw)
    if place:
        *above, last = place
        _at(changed, above)[last] = value
    else:
        changed = value
    return yaml.dump(changed, Dumper=DUMPER, allow_unicode=True, sort_keys=False).encode()


def _mutations(raw: dict[str, Any]) -> Iterator[tuple[str, Sequence[Any], Any]]:
    """Values, keys and names that do not fit, one at a time."""
    for place, value in _places(raw):
        said = ".".join(map(str, place))
        for other in _others(place, value):
            yield f"{said}: {_short(other)!r}", place, other
        if isinstance(value, dict) and place[-1] not in ("parameters", "groups", *NAMED):
            yield f"{said}.bananas", (*place, "bananas"), 1
        if place[-1] in NAMED and isinstance(value, dict):
            for name in NAMES:
                first = next(iter(value))
                renamed = {name if key == first else key: own for key, own in value.items()}
                yield f"{said}: {first} called {_short(name)!r}", place, renamed
        elif isinstance(place[-1], str) and (
            len(place) == 1 or place[-2] not in (*NAMED, "parameters", "groups", "ensembles")
        ):
            parent = {f"{key}_" if key == place[-1] else key: own for key, own in _at(raw, place[:-1]).items()}
            yield f"{said} misspelt", place[:-1], parent


def _short(value: Any) -> str:
    return "a huge number" if value == HUGE else str(value)[:30]


def _others(place: Sequence[Any], value: Any) -> Iterator[Any]:
    """Values that cannot stand at a place."""
    key = next(part for part in reversed(place) if isinstance(part, str))
    for other in BY_TYPE.get(type(value), []):
        if isinstance(value, str) and isinstance(other, str) and key in FREE:
            continue
        if key == "positive" and not isinstance(other, dict | list):
            continue
        if "parameters" in place or (other is None and key in NULLABLE) or (key == "label" and isinstance(other, str)):
            continue
        if key == "answers" and isinstance(value, str) and isinstance(other, str | list):  # wordings
            continue
        if key == "alpha" and other == float("inf"):  # the sum alone
            continue
        if other == 1.5 and key in FRACTIONS:
            continue
        yield other


def _texts(text: str) -> Iterator[tuple[str, bytes]]:
    """Files that are no YAML, or no UTF-8."""
    lines = text.splitlines(keepends=True)
    keyed = [number for number, line in enumerate(lines) if line.rstrip().endswith(":") and not line.startswith("#")]
    for number in keyed[:: max(1, len(keyed) // 6)]:
        cut, rest = "".join(lines[:number]), "".join(lines[number:])
        yield f"line {number}: a tab before it", f"{cut}\t{rest}".encode()
        yield f"line {number}: a bracket before it", f"{cut}]\n{rest}".encode()
        yield f"line {number}: a zero byte before it", f"{cut}\0\n{rest}".encode()
        yield f"line {number}: a letter of Latin-1 before it", f"{cut}# é\n".encode("latin-1") + rest.encode()
        yield f"line {number}: twice", f"{cut}{lines[number].rstrip()} {{}}\n{rest}".encode()
    yield "in UTF-16", text.encode("utf-16")
    yield "empty", b""
    yield "a list", b"- 1\n"
    yield "a text", b"seed"
    yield "an alias of itself", b"tasks: &a {digits: *a}\n" + text.encode()
    yield "brackets", b"tasks: " + b"[" * 5000
    yield "an unknown tag", b"seed: !!python/object:os.system 1\n"
    yield "an integer of 5,000 digits", b"seed: " + b"9" * 5000
    yield "a date that there is not", b"seed: 2020-13-45\n"
    yield "two documents", text.encode() + b"\n---\n" + text.encode()


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value of a configuration with the keys that lead to it."""
    if place:
        yield place, value
    parts: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _places(part, (*place, key))


def _at(raw: Any, place: Sequence[Any]) -> Any:
    for key in place:
        raw = raw[key]
    return raw


def outcome(fault: Fault, folder: Path) -> tuple[str, str]:
    """What the check says of a fault: told, accepted, traceback or slow, and its words."""
    file = folder / "config.yaml"
    file.write_bytes(fault.content())
    began = time.process_time()
    done = CliRunner().invoke(app, ["check", str(file)])
    seconds = time.process_time() - began
    if done.exit_code == 0:
        return "accepted", done.output.strip()
    error = done.exception
    if type(error).__name__ != "UserError":
        return "traceback", repr(error)[:300]
    lines = str(error).splitlines()
    if not lines or not all(line.startswith(f"{file}: ") for line in lines):
        return "no line", str(error)[:300]
    return ("slow", f"{seconds:.1f} s") if seconds > SECONDS else ("told", str(error))


def campaign(chosen: Sequence[Fault], folder: Path) -> dict[str, list[tuple[Fault, str]]]:
    """What became of faults, by outcome."""
    found: dict[str, list[tuple[Fault, str]]] = {}
    for fault in chosen:
        kind, words = outcome(fault, folder)
        found.setdefault(kind, []).append((fault, words))
    return found


def main() -> None:
    """Run the campaign and print what was not told."""
    import tempfile

    parser = argparse.ArgumentParser()
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", action="store_true")
    given = parser.parse_args()
    every = list(faults())
    chosen = every if given.every else random.Random(given.seed).sample(every, min(given.faults, len(every)))
    with tempfile.TemporaryDirectory() as folder:
        found = campaign(chosen, Path(folder))
    for kind, cases in found.items():
        for fault, words in cases if kind != "told" else []:
            print(f"{kind}: {fault.origin}: {fault.what}: {words[:200]!r}")
    long = Counter(len(words.splitlines()) for _, words in found.get("told", []))
    print(
        f"{len(every)} faults there are; { ({kind: len(cases) for kind, cases in found.items()}) }; lines: {dict(long)}"
    )
    sys.exit(set(found) != {"told"})


if __name__ == "__main__":
    main()
