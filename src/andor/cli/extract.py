"""The command `andor extract`: interactions from a file of values, without the workflow."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from andor.cli.sampled import extract_sampled
from andor.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from andor.sparsify import Result


SAMPLED = "Of a sampled game:"
DENSE = {"learn", "kappa", "standard", "tau", "weakest", "max_iterations", "solver"}
"""Options that mean nothing for a sampled game."""
ARRAYS = ("values", "kappa", "tau", "presence", "held_out_presence", "held_out_values")


def extract(
    context: typer.Context,
    values: Annotated[
        Path,
        typer.Argument(
            help="An .npz with `values`, (models, 2^n) or (samples, models, 2^n), indexed by the coalition's bit mask; "
            "`kappa` and `tau`, (models,) or (samples, models), overrule the options. Or a sampled game: `presence`, "
            "0 and 1, (M, n) or (models, M, n), and `values`, (models, M), of some coalitions of any number of "
            "players; `held_out_presence` and `held_out_values` of others say how well they are predicted."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    method: Annotated[str, typer.Option(help="original, traditional or generalizable.")] = "generalizable",
    alpha: Annotated[float, typer.Option(help="Weight of the sum against the maximum; inf: the sum alone.")] = 1 / 9,
    learn: Annotated[str, typer.Option(help="none, gamma or gamma_epsilon.")] = "gamma_epsilon",
    kappa: Annotated[float, typer.Option(help="Bound of the output noise, as a factor of its standard.")] = 0.02,
    standard: Annotated[
        str, typer.Option(help="none, value, centred_value, full, range, max, max_centred or mean_range.")
    ] = "range",
    tau: Annotated[
        float, typer.Option(help="Bound of a model's own part of γ, times its mean range; inf: free.")
    ] = 0.5,
    weakest: Annotated[
        float, typer.Option(help="Fraction of the interactions, weakest first, that is made sparse.")
    ] = 1,
    gap: Annotated[float, typer.Option(help="Stop at this (objective − lower bound)/objective.")] = 0.01,
    max_iterations: Annotated[int | None, typer.Option(help="Give up after so many iterations.", min=1)] = None,
    solver: Annotated[str, typer.Option(help="first_order, exact or sgd.")] = "first_order",
    order: Annotated[int | None, typer.Option(help=f"{SAMPLED} the largest coalitions; 0 for all.", min=0)] = None,
    penalty: Annotated[float | None, typer.Option(help=f"{SAMPLED} λ; chosen over folds if not given.")] = None,
) -> None:
    """Extract AND and OR interactions from the values of games; print a JSON object per sample."""
    from andor.sparsify import Problem, kappa_bounds, solve, tau_bounds

    arrays = _read(values)
    games = arrays["values"]
    given = _given(context)
    if "presence" in arrays:
        _refuse(given & DENSE, f"{values}: is a sampled game, for which there is no")
        limits = (3 if order is None else order or None, penalty, gap)
        typer.echo(json.dumps(extract_sampled(arrays, out, method, alpha, *limits)))
        return
    _refuse(given & {"order", "penalty"}, f"{values}: holds all coalitions, for which there is no")
    if "kappa" not in arrays:
        arrays["kappa"] = kappa_bounds(games, cast(Any, standard), kappa)
    if "tau" not in arrays:
        arrays["tau"] = tau_bounds(games, tau)
    problem = Problem(games, cast(Any, method), alpha, cast(Any, learn), arrays["kappa"], arrays["tau"], weakest)
    limit = {} if max_iterations is None else {"max_iterations": max_iterations}
    result = solve(problem, solver, gap, **limit)
    _write(out, result, {"method": method, "alpha": alpha, "learn": learn, "solver": solver})
    for row in _rows(result):
        typer.echo(json.dumps(row))


def _given(context: typer.Context) -> set[str]:
    """Options that stand on the command line."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}


def _refuse(options: set[str], why: str) -> None:
    if options:
        raise UserError(f"{why} `--{min(options).replace('_', '-')}`; take it away")


def _read(path: Path) -> dict[str, np.ndarray]:
    import numpy as np

    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise UserError(f"{path}: no .npz file; save it with numpy.savez(path, values=...)")
        with file:
            arrays = {name: file[name] for name in ARRAYS if name in file.files}
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path}: cannot be read ({str(error).splitlines()[0]}); give an .npz of plain numbers"
        ) from error
    if "values" not in arrays:
        raise UserError(f"{path}: holds no array `values`; save it with numpy.savez(path, values=...)")
    return arrays


def _rows(result: Result) -> list[dict[str, int | float | str]]:
    names = ("objective", "lower_bound", "gap", "status", "iterations", "seconds")
    columns = (getattr(result, name).tolist() for name in names)
    return [{"sample": i, **dict(zip(names, row, strict=True))} for i, row in enumerate(zip(*columns, strict=True))]


def _write(path: Path, result: Result, settings: dict[str, str | float]) -> None:
    import numpy as np
    import pyarrow as pa

    from andor.game.files import interactions_table
    from andor.store import write_table

    samples, models = result.i_and.shape[:2]
    tables = []
    for sample in range(samples):
        table = interactions_table(result.i_and[sample], result.i_or[sample], [str(i) for i in range(models)])
        if samples > 1:
            table = table.append_column("sample", pa.array(np.full(len(table), sample, dtype=np.int32)))
        tables.append(table)
    write_table(path, pa.concat_tables(tables), {**settings, "samples": _rows(result)})
