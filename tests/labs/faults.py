"""Random faults in the files of a finished run: each must be told in one line before the file is used.

    PYTHONPATH=src:workflow/scripts python tests/labs/faults.py RUN [--faults 10000] [--seed 0]

RUN is a folder in which the workflow has run; a copy of it is damaged, one file at a time, and mended again. A fault is
*told* if what reads the file says so as the user's error, *silent* if it does not, and a *traceback* if anything else
is raised. Tables without a record, as they may come from elsewhere, are read too: there a fault can pass unnoticed, but
not end in a traceback. Exit status 1 if anything is silent or a traceback.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import _job
from andor import digests, store
from andor.errors import UserError
from andor.models.loading import load
from andor.outputs.cache import OutputCache
from andor.outputs.stored import read_outputs
from andor.sources.store import Store

FAULTS = (
    "a bit",
    "a byte",
    "some bytes",
    "truncated",
    "emptied",
    "a block of zeros",
    "pages swapped",
    "another's file",
)
BLOCK = 512
GOOD = {"told", "nothing changed", "taken"}
UNRECORDED = "tables without a record"


def damaged(content: bytes, fault: str, other: bytes, random: np.random.Generator) -> bytes:
    """Content with one fault in it; the same where the fault changes nothing."""
    changed = bytearray(content)
    place = int(random.integers(len(content)))
    match fault:
        case "a bit":
            changed[place] ^= 1 << int(random.integers(8))
        case "a byte":
            changed[place] = int(random.integers(256))
        case "some bytes":
            for each in random.integers(len(content), size=8):
                changed[each] = int(random.integers(256))
        case "truncated":
            del changed[place:]
        case "emptied":
            changed.clear()
        case "a block of zeros":
            end = min(place + BLOCK, len(content))
            changed[place:end] = bytes(end - place)
        case "pages swapped":
            first, second = sorted(int(p) * BLOCK for p in random.integers(max(1, len(content) // BLOCK), size=2))
            if second + BLOCK <= len(content) and first + BLOCK <= second:
                changed[first : first + BLOCK], changed[second : second + BLOCK] = (
                    content[second : second + BLOCK],
                    content[first : first + BLOCK],
                )
        case "another's file":
            return other
    return bytes(changed)


def reader(file: Path, output: Path) -> Callable[[], object]:
    """How a step reads a file, once it has found its inputs to be as they were written."""
    if file.suffix == ".parquet":
        return lambda: read_outputs(file) if "masked_outputs" in file.parts else store.read_table(file)
    if file.suffix == ".safetensors" and (output / "model.json").exists():
        return lambda: load(output)
    return file.read_bytes


def read_output(file: Path, output: Path) -> None:
    """Read a file as a job does of which its output is an input."""
    _job.checked(lambda _: reader(file, output)(), SimpleNamespace(input=[output], output=[]))


def targets(run: Path) -> dict[str, list[tuple[Path, Callable[[], None]]]]:
    """Files by kind, each with what reads it and raises a UserError if it is damaged."""
    found: dict[str, list[tuple[Path, Callable[[], None]]]] = {}
    for output in digests.recorded(run / "results"):
        record = digests.record_of(output)
        files = sorted(path for path in output.rglob("*") if path.is_file()) if output.is_dir() else [output]
        for file in [record, *(file for file in files if not file.name.startswith("."))]:
            task, *stage = file.relative_to(run / "results").parts[:-1] or ["run"]
            kind = (
                "record"
                if file == record
                else f"{'sources' if task == 'sources' else ' '.join(stage[:1])} {file.suffix}"
            )
            found.setdefault(kind, []).append((file, lambda file=file, output=output: read_output(file, output)))
            if file.suffix == ".parquet":
                found.setdefault(UNRECORDED, []).append((file, reader(file, output)))
    cache = OutputCache(run / ".cache")
    for file in cache.files():
        found.setdefault("cache .parquet", []).append((file, lambda file=file: cache.read(file)))
    fetched = Store(run / ".cache" / "sources")
    for file in (path for path in fetched.root.rglob("*") if path.is_file() and path.suffix not in (".lock", ".uri")):
        found.setdefault("cache of sources", []).append((file, lambda: refused(fetched)))
    return {kind: [each for each in files if each[0].stat().st_size] for kind, files in sorted(found.items())}


def refused(fetched: Store) -> None:
    """What a store that gives no damaged content comes to."""
    if told := list(fetched.faults()):
        raise UserError(told[0])


def attempt(read: Callable[[], None]) -> str:
    """What becomes of a damaged file that is read."""
    try:
        read()
    except UserError as error:
        return "told" if "\n" not in str(error) else "more than one line"
    except Exception as error:
        return f"traceback: {type(error).__name__}"
    return "silent"


def campaign(run: Path, count: int, seed: int) -> dict[str, Counter]:
    """Outcomes by kind of file of so many faults, spread evenly over the kinds and at random over files and places."""
    random = np.random.default_rng(seed)
    kinds = targets(run)
    outcomes = {kind: Counter() for kind in kinds}
    for files in kinds.values():
        for file, read in files:
            if (found := attempt(read)) != "silent":
                raise SystemExit(f"{file}: is damaged before the campaign begins ({found})")
    for number in range(count):
        kind = list(kinds)[number % len(kinds)]
        file, read = kinds[kind][random.integers(len(kinds[kind]))]
        other = kinds[kind][random.integers(len(kinds[kind]))][0].read_bytes()
        content = file.read_bytes()
        fault = str(random.choice(FAULTS))
        changed = damaged(content, fault, other, random)
        if changed == content:
            outcomes[kind]["nothing changed"] += 1
            continue
        status = file.stat()
        file.write_bytes(changed)
        outcome = attempt(read)
        outcome = "taken" if kind == UNRECORDED and outcome == "silent" else outcome
        file.write_bytes(content)
        outcomes[kind][outcome] += 1
        if outcome not in GOOD:
            print(f"{fault} in {file.relative_to(run)} ({status.st_size} bytes): {outcome}", file=sys.stderr)
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--faults", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "run"
        for name in ("results", ".cache"):  # a copy of each file: a fault in one must not be one in another
            shutil.copytree(options.run / name, copy / name)
        outcomes = campaign(copy, options.faults, options.seed)
    total = sum(outcomes.values(), Counter())
    for kind, counts in outcomes.items():
        print(f"{kind:32} {json.dumps(counts)}")
    print(f"{'all':32} {json.dumps(total)}")
    sys.exit(bool(set(total) - GOOD))


if __name__ == "__main__":
    main()
