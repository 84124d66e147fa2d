"""The command `andor cache`: what masked outputs are kept, whether they are whole, which to give away or copy."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from andor.errors import UserError

if TYPE_CHECKING:
    from andor.outputs.cache import Kept, OutputCache

app = typer.Typer(
    name="cache",
    help="Masked outputs that are kept: list, verify, prune and copy them.",
    no_args_is_help=True,
)

DAY = 86400.0
GRACE = 3600.0
"""Seconds for which a temporary file is taken to be another run's that is still writing it."""

Folder = Annotated[Path, typer.Option("--cache", help="The cache folder, `cache` in the configuration.")]
Model = Annotated[
    str | None, typer.Option(help="Only outputs of the model whose digest begins so (see `andor cache list`).")
]


@app.command("list")
def list_(
    cache: Folder = Path(".cache"),
    model: Model = None,
    files: Annotated[bool, typer.Option("--files", help="A line for each file, not for each model.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List what is kept, by model: files, coalitions, size and what computed them. Damaged files are counted apart."""
    whole, damaged = _sorted_out(_open(cache), model)
    rows = [_file_row(kept) for kept in whole] if files else _model_rows(whole)
    for row in rows:
        typer.echo(json.dumps(row) if as_json else "  ".join(f"{key} {value}" for key, value in row.items()))
    size = sum(kept.size for kept in whole)
    if not as_json:
        typer.echo(f"{len(whole)} files, {_size(size)}; {len(damaged)} damaged")


@app.command()
def verify(cache: Folder = Path(".cache"), model: Model = None) -> None:
    """Read every file and check its bytes and its name; exit with 1 if one is damaged."""
    whole, damaged = _sorted_out(_open(cache), model)
    for reason in damaged.values():
        typer.echo(reason)
    typer.echo(f"{len(whole)} files are whole, {len(damaged)} damaged")
    if damaged:
        typer.echo("`andor cache prune --damaged` removes them; they are computed again when they are needed", err=True)
        raise typer.Exit(1)


@app.command()
def prune(
    cache: Folder = Path(".cache"),
    model: Model = None,
    older_than: Annotated[float | None, typer.Option(help="Files written more than so many days ago.", min=0)] = None,
    made_by: Annotated[
        str | None, typer.Option(help="Files computed so, as `key=value`: torch=2.14.1, device=cpu, …")
    ] = None,
    damaged: Annotated[bool, typer.Option("--damaged", help="Damaged files, and what killed runs left.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    """Remove what all given options say; at least one is needed. Results that were linked from it stay."""
    if model is None and older_than is None and made_by is None and not damaged:
        raise UserError("say what to remove: --model, --older-than, --made-by or --damaged")
    if damaged and (model is not None or older_than is not None or made_by is not None):
        raise UserError("`--damaged` goes alone: what a damaged file says of itself cannot be trusted")
    key, equals, value = (made_by or "").partition("=")
    if made_by is not None and not (key and equals):
        raise UserError(f"`--made-by {made_by}`: write key=value, as `andor cache list --files --json` shows them")
    kept = _open(cache)
    whole, broken = _sorted_out(kept, model)
    now = time.time()
    if damaged:
        left = [(path, status) for path, status in _statuses(kept.leftovers()) if now - status.st_mtime > GRACE]
        chosen = {path: status.st_size for path, status in [*_statuses(broken), *left]}
    else:
        chosen = {
            one.path: one.size
            for one in whole
            if (older_than is None or now - one.written > older_than * DAY)
            and (made_by is None or (key in one.made and str(one.made[key]) == value))
        }
    for path in chosen:
        if dry_run:
            typer.echo(str(path))
        else:
            path.unlink(missing_ok=True)
    typer.echo(f"{'would remove' if dry_run else 'removed'} {len(chosen)} files, {_size(sum(chosen.values()))}")


@app.command()
def copy(
    destination: Annotated[Path, typer.Argument(help="Another cache folder, made if need be.")],
    cache: Folder = Path(".cache"),
    model: Model = None,
) -> None:
    """Copy whole files that another cache lacks, or holds damaged, each verified and put in place at once."""
    from andor.files import replacing
    from andor.outputs.cache import OutputCache

    source, target = _open(cache), OutputCache(destination)
    if target.folder.resolve() == source.folder.resolve():
        raise UserError(f"{destination}: is the cache itself; name another folder")
    whole, damaged = _sorted_out(source, model)
    copied = 0
    for kept in whole:
        if target.find(kept.content, kept.rows):
            continue
        with replacing(target.folder / kept.path.relative_to(source.folder)) as temporary:
            shutil.copyfile(kept.path, temporary)
        copied += 1
    left = f"; {len(damaged)} damaged ones left behind" if damaged else ""
    typer.echo(f"copied {copied} files, {len(whole) - copied} were there{left}")


def faults(cache: Path) -> list[str]:
    """What is wrong with each damaged file of a cache: masked outputs, and fetched sources."""
    from andor.sources.store import Store

    _, damaged = _sorted_out(_open(cache), None)
    return [*damaged.values(), *Store(cache / "sources").faults()]


def _open(folder: Path) -> OutputCache:
    from andor.outputs.cache import OutputCache

    if not folder.is_dir():
        raise UserError(f"--cache {folder}: no such folder; name the folder that `cache` in the configuration names")
    return OutputCache(folder)


def _sorted_out(cache: OutputCache, model: str | None) -> tuple[list[Kept], dict[Path, str]]:
    """Whole files (of a model), and the damaged ones with what is wrong."""
    whole, damaged = [], {}
    for path in cache.files():
        try:
            kept = cache.read(path)
        except UserError as error:
            if path.exists():  # not removed meanwhile by another run
                damaged[path] = str(error)
            continue
        if model is None or str(kept.content.get("model", "")).startswith(model):
            whole.append(kept)
    return whole, damaged


def _statuses(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    """Status of each file that no other run has removed meanwhile."""
    for path in paths:
        with suppress(FileNotFoundError):
            yield path, path.stat()


def _file_row(kept: Kept) -> dict[str, Any]:
    return {
        "key": kept.path.stem.partition("-")[0],
        "model": str(kept.content.get("model", ""))[:12],
        "coalitions": kept.rows,
        "bytes": kept.size,
        "written": time.strftime("%Y-%m-%d", time.localtime(kept.written)),
        **kept.made,
    }


def _model_rows(whole: Iterable[Kept]) -> list[dict[str, Any]]:
    groups: dict[str, list[Kept]] = {}
    for kept in whole:
        groups.setdefault(str(kept.content.get("model", ""))[:12], []).append(kept)
    return [
        {
            "model": model,
            "files": len(group),
            "coalitions": sum(kept.rows for kept in group),
            "bytes": sum(kept.size for kept in group),
            "torch": ",".join(sorted({str(kept.made.get("torch", "?")) for kept in group})),
            "device": ",".join(sorted({str(kept.made.get("device", "?")) for kept in group})),
        }
        for model, group in sorted(groups.items())
    ]


def _size(count: float) -> str:
    unit = 0 if count < 1024 else min(3, int(math.log2(count) // 10))
    return f"{count / 1024**unit:.3g} {('B', 'KiB', 'MiB', 'GiB')[unit]}"
