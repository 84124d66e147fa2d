"""The command `andor evaluate`: masked outputs of one sample or a file of samples, without the workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from andor.cli.models import device_of, loaded_from, masking_of
from andor.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

    from andor import config
    from andor.models.loaded import LoadedModel


Samples = Annotated[
    Path | None,
    typer.Option(
        help="A file of samples: Parquet as the workflow's samples.parquet, or JSON lines with `text`, and "
        "`players` and `target` where --word, --count and --target should not hold."
    ),
]
Words = Annotated[
    list[str] | None,
    typer.Option(help="A player, at its first occurrence in the text; given once for each player."),
]
BaselineFile = Annotated[
    Path | None,
    typer.Option(
        help="The value of --baseline file, `.npy` or `.safetensors`; of --baseline learned, the folder that the "
        "workflow made (results/TASK/baselines/MODEL); of --baseline marginal, results/TASK/data.parquet."
    ),
]
TargetText = Annotated[
    str | None,
    typer.Option(help="What a language model predicts after the text; its most likely next token by default."),
]


def evaluate(
    model: Annotated[
        Path,
        typer.Argument(
            help="A model's folder: one the workflow made (results/TASK/models/MODEL), one in the layout of "
            "transformers, or the GGUF file of a language model."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to write: SAMPLE.parquet each, and timings.csv.")],
    samples: Samples = None,
    text: Annotated[str | None, typer.Option(help="One text, instead of a file.")] = None,
    word: Words = None,
    count: Annotated[
        int | None, typer.Option(help="So many content words, drawn with --seed, as players.", min=1, max=24)
    ] = None,
    target: TargetText = None,
    baseline: Annotated[str, typer.Option(help="What masks a player, as `masking.baseline`.")] = "zero",
    damp: Annotated[float | None, typer.Option(help="As `masking.damp`.")] = None,
    blur: Annotated[float | None, typer.Option(help="As `masking.blur`.")] = None,
    baseline_file: BaselineFile = None,
    background: Annotated[str, typer.Option(help="As `masking.background`.")] = "keep",
    dtype: Annotated[
        str | None, typer.Option(help="Precision of a language model that the workflow did not make.")
    ] = None,
    cache: Annotated[Path, typer.Option(help="The cache folder: what it holds is not computed again.")] = Path(
        ".cache"
    ),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    batch_size: Annotated[str, typer.Option(help="fixed, auto or a number, as `batch_size`.")] = "fixed",
    threads: Annotated[int | None, typer.Option(help="Threads of the CPU; torch's own choice if unset.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Seed of the players' draw.", min=0)] = 0,
) -> None:
    """Run a model on all 2^n masked versions of each sample; print a JSON object per sample."""
    import torch

    from andor import digests
    from andor.outputs.baselines import attach
    from andor.outputs.cache import OutputCache
    from andor.outputs.evaluate import evaluate_chunk
    from andor.store import read_table

    masking, batch = masking_of(baseline, damp, baseline_file, background, blur), _batch_size(batch_size)
    for path in filter(None, (model, baseline_file, samples)):
        digests.check(path)
    given = _samples(samples, text, word, count, seed)
    if threads is not None:
        torch.set_num_threads(threads)
    name = model.name if model.is_dir() else model.stem
    loaded = attach(loaded_from(model, device_of(device), dtype), baseline_file, name)
    table = _table(given, loaded, target)
    _check_fit(masking, loaded, table)
    evaluate_chunk(name, loaded, table, masking, OutputCache(cache), out, batch_size=cast(Any, batch))
    for number in table["sample"].to_pylist():
        typer.echo(json.dumps(_row(number, read_table(out / f"{number}.parquet"), table)))


def _row(number: int, outputs: pa.Table, samples: pa.Table) -> dict[str, Any]:
    """What is printed of a sample: its file's ends, raw, and what was explained."""
    sample = samples.slice(samples["sample"].to_pylist().index(number), 1).to_pylist()[0]
    columns = [name for name in outputs.column_names if name != "coalition"]
    ends = {
        end: {name: outputs[name][row].as_py() for name in columns}
        for end, row in (("empty", 0), ("full", len(outputs) - 1))
    }
    described = {key: sample[key] for key in ("player_names", "target") if key in sample}
    return {"sample": number, "coalitions": len(outputs), **described, **ends}


def _batch_size(text: str) -> int | str:
    if text in ("fixed", "auto"):
        return text
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise UserError(f"`--batch-size {text}`: write fixed, auto or a number above 0")


def _samples(
    path: Path | None, text: str | None, words: list[str] | None, count: int | None, seed: int
) -> pa.Table | list[dict[str, Any]]:
    """Samples as `samples.parquet` has them; or texts with their players, which may still lack targets."""
    if (path is None) == (text is None):
        raise UserError("give either --samples or --text")
    if words and count is not None:
        raise UserError("give either --word or --count")
    if path is None:
        return [_with_players({"text": text}, words, count, (seed, 0), "--text")]
    if path.suffix == ".parquet":
        from andor.store import read_table

        table = read_table(path)
        if words or count is not None:
            raise UserError(f"{path}: names its players; take `--{'word' if words else 'count'}` away")
        for column in ("sample", "players"):
            if column not in table.column_names:
                raise UserError(f"{path}: no column `{column}`; write it as the workflow writes samples.parquet")
        return table
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        rows = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: no readable JSON lines ({error}); give one object a line") from None
    return [_with_players(row, words, count, (seed, n), f"{path}, line {n + 1}") for n, row in enumerate(rows)]


def _with_players(
    row: Any, words: list[str] | None, count: int | None, seed: tuple[int, int], where: str
) -> dict[str, Any]:
    """A sample with `players` and `player_names`: its own, the named words, or drawn ones."""
    from andor.config import MAX_PLAYERS
    from andor.data.players.words import WordPlayers, choose_words, unique_names

    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise UserError(f'{where}: no `text`; write {{"text": "…"}}')
    if not isinstance(row.get("target") or "", str):
        raise UserError(f"{where}: target {row['target']!r} is no text")
    text, named = row["text"], row.get("players", words)
    if named:
        if len(named) > MAX_PLAYERS:
            raise UserError(f"{where}: {len(named)} players, at most {MAX_PLAYERS} are possible")
        spans = [_span(text, name, where) for name in named]
        names = unique_names([text[start:stop] for start, stop in spans])
        return row | {"players": spans, "player_names": names}
    if count is None:
        raise UserError(f"{where}: no players; give --word for each, or --count")
    return row | dict(choose_words(text, WordPlayers(kind="words", count=count), seed))


def _span(text: str, player: Any, where: str) -> list[int]:
    """Characters [start, stop) of a player that is given as these, or as a word (or, if there is none, part of one)."""
    from andor.data.players.words import visible, words

    if isinstance(player, str) and player:
        found = words(text)
        same = [word for word in found if word.text == player]
        if whole := same or [word for word in found if visible(word.text) == visible(player)]:
            return [whole[0].start, whole[0].stop]
        if player in text:
            return [text.index(player), text.index(player) + len(player)]
    match player:
        case [int(start), int(stop)] if 0 <= start < stop <= len(text):
            return [start, stop]
    raise UserError(f"{where}: player {player!r} is no word of the text and no [start, stop) of its characters")


def _table(given: pa.Table | list[dict[str, Any]], model: LoadedModel, target: str | None) -> pa.Table:
    """Samples as the model can read them: texts as a table, with targets for a language model."""
    import pyarrow as pa

    from andor.models.loaded import LanguageModel

    if isinstance(given, list):
        if "text" not in model.columns:
            raise UserError(
                f"the model ({model.family}) reads no texts: give --samples as the workflow writes samples.parquet"
            )
        rows = {key: [row.get(key) for row in given] for key in ("text", "players", "player_names", "target")}
        given = pa.table({"sample": pa.array(range(len(given)), pa.int32()), **rows})
    if not set(model.columns) & set(given.column_names):
        known = "` or `".join(model.columns)
        raise UserError(f"--samples: no column `{known}`, which the model ({model.family}) reads")
    own = [None] * given.num_rows
    if "target" in given.column_names:
        own, given = given["target"].to_pylist(), given.drop_columns("target")
    if isinstance(model, LanguageModel):
        from andor.data.targets import predicted

        texts = given["text"].to_pylist()
        targets = [each or target or predicted(model, text) for each, text in zip(own, texts, strict=True)]
        return given.append_column("target", pa.array(targets, pa.string()))
    if target is not None:
        raise UserError(f"`--target` is for language models, this is a {model.family}; take it away")
    return given


def _check_fit(masking: config.Masking, model: LoadedModel, samples: pa.Table) -> None:
    """Refuse what the configuration would refuse of these samples."""
    from andor.config import TOKENS
    from andor.data.table import array_column
    from andor.models.loaded import LanguageModel, TextModel

    kinds = {"image": "image", "features": "table", "points": "points", None: "text"}
    modality = "passage" if isinstance(model, LanguageModel) else kinds[array_column(samples)]
    for fault in masking.misfits_of(modality):
        raise UserError(fault.replace("masking.", "--"))
    if modality == "text" and not isinstance(model, TextModel) and masking.baseline not in ("zero", *TOKENS):
        raise UserError(f"--baseline `{masking.baseline}` is an embedding; a model of your own has none: use zero")
