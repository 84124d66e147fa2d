"""The command `andor`: what can be done without the workflow."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import andor
from andor.cli import cache as cache_cli
from andor.cli import evaluate as evaluate_cli
from andor.cli import explain as explain_cli
from andor.cli import extract as extract_cli
from andor.errors import UserError, cannot_write, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from andor.config import Task

app = typer.Typer(
    name="andor",
    help="AND-OR interactions that several neural networks share.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(andor.__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def check(config: Annotated[Path, typer.Argument(help="A configuration in YAML.")] = Path("config.yaml")) -> None:
    """Check a configuration: one line for each fault, or what it describes."""
    from andor.config import check as check_config
    from andor.config import load_raw
    from andor.config.local import lacking
    from andor.settings import MAX_SAMPLED

    checked = check_config(load_raw(config), str(config), base=Path.cwd())
    faults = [
        f"{config}: `tasks.{name}.models.{model}`: {fault}"
        for name, task in checked.tasks.items()
        for model, settings in task.models.items()
        for fault in settings.unknown()
    ]
    faults += [
        f"{config}: `tasks.{name}`: {fault}" for name, task in checked.tasks.items() for fault in task.players.unknown()
    ]
    faults += [f"{config}: {fault}" for fault in lacking(checked, Path.cwd())]
    if faults:
        raise UserError("\n".join(faults))
    for name, task in checked.tasks.items():
        ensembles, most = ", ".join(task.ensembles_by_name()), task.most_players
        fixed = task.players.count is not None or task.players.same_in_all
        players = f"{most} players" if fixed and most < MAX_SAMPLED else f"up to {most} players"
        kind = "all coalitions" if task.budget is None else f"{task.budget.budget} coalitions to fit"
        kept = f" and {task.budget.held_out} held out" if task.budget else ""
        passes = task.samples.count * task.masks * len(task.models)
        typer.echo(
            f"{name}: {task.samples.count} samples, {players}, {kind}{kept}: {passes:,} masked inputs of "
            f"{len(task.models)} models; ensembles {ensembles}"
        )
        for line in _costs(name, task):
            typer.echo(line)


def _costs(name: str, task: Task) -> Iterator[str]:
    """What served models cost, a line each."""
    words = getattr(task.players, "max_words", None) or 100
    for model, settings in task.models.items():
        if calls := settings.calls(task.inputs):
            tokens = settings.tokens(task.inputs, words)
            yield f"{name}, {model}: up to {calls:,} calls, some {tokens:,} tokens at {words} words a text"


@app.command()
def verify(
    results: Annotated[Path, typer.Argument(help="A folder of results, or one below it.")] = Path("results"),
    cache: Annotated[Path | None, typer.Option(help="A cache folder as well, such as .cache.")] = None,
) -> None:
    """Name every file that is not as it was written; nothing, and exit status 0, if all are."""
    from andor import digests

    if not results.is_dir():
        raise UserError(f"{results}: no such folder; name the folder of the results")
    outputs = list(digests.recorded(results))
    if not outputs:
        raise UserError(f"{results}: nothing in it has a record of how it was written; name the folder of the results")
    found = [fault for output in outputs for fault in digests.faults(output)]
    if cache is not None:
        found += cache_cli.faults(cache)
    for fault in found:
        typer.echo(fault)
    if found:
        raise typer.Exit(1)


app.command()(extract_cli.extract)
app.command()(evaluate_cli.evaluate)
app.command()(explain_cli.explain)
app.add_typer(cache_cli.app)


@app.command()
def reference(root: Annotated[Path, typer.Argument(help="The repository.")] = Path()) -> None:
    """Write the configuration's schema and table of keys anew."""
    from andor.config.reference import json_schema, key_table
    from andor.files import write_text

    write_text(root / "workflow" / "schemas" / "config.schema.json", json_schema())
    write_text(root / "config" / "README.md", key_table())


def main() -> None:
    """Run the command; a user's error is one line and exit status 1."""
    try:
        app()
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not (refusal := refused(error)):
            raise
        typer.echo(f"error: {cannot_write(refusal.filename or Path.cwd(), refusal)}", err=True)
        sys.exit(1)
