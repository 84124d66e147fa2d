"""The checked configuration, and what the rules need of it: names, paths and parts of it as plain values."""

import re
from functools import cache
from hashlib import sha256

from andor.report.catalogue import (
    FIGURES,
    FOUND_IN,
    LONG_TABLES,
    TABLES,
    figures_of,
)
from andor.config import ARRAYS_PER_MODEL, SAMPLED_COLUMNS, Config, Target, check
from andor.errors import UserError
from andor.files import file_digest
from andor.game import partners
from andor.models.code import with_neighbours
from andor.models.settings import KEPT, model_and_step
from andor.sources import uri
from andor.sources.store import file_names
from snakemake.io import IOFile

from _job import DONE


def checked(raw: dict) -> Config:
    """The configuration as its model, or one line for each fault in it."""
    origin = ", ".join(str(path) for path in workflow.configfiles) or "configuration"
    try:
        return check(raw, origin, base=Path.cwd())
    except UserError as error:
        sys.exit(f"error: {error}")  # no traceback: every line says what to mend


CONFIG = checked(config)
TASKS = CONFIG.tasks


SAMPLED = [name for name, task in TASKS.items() if task.budget is not None]
"""Tasks with a budget of coalitions."""
WHOLE = [name for name in TASKS if name not in SAMPLED]
"""Tasks whose coalitions are all evaluated."""


wildcard_constraints:
    task="|".join(TASKS),
    model="|".join({name for task in TASKS.values() for name in task.models}),
    method="|".join(CONFIG.every_method()),
    unit="|".join(
        {
            unit
            for task in TASKS.values()
            for unit in [*task.models, *task.ensembles_by_name()]
        }
    ),
    chunk=r"\d{4}",
    source="|".join(CONFIG.sources) or "none",
    figure="|".join(FIGURES),
    study="|".join(CONFIG.studies) or "none",


def again(output: str):
    """A parameter that changes whenever the job with this (first) output has failed, so that it runs again.

    Snakemake records a job that failed like one that succeeded, and takes its output, which it removed, for deleted on
    purpose: there is nothing to do as long as there is what was once made from it. What tells the two apart is the log,
    whose last line is `_job.DONE` where all went well.
    """

    def failures(wildcards) -> str:
        path = output.format(**wildcards)
        record = workflow.persistence.metadata(IOFile(path))
        if record is None:
            return "failures: 0"
        before = re.search(r"failures: (\d+)", " ".join(map(str, record.params or [])))
        done = Path(path).exists() or all(map(ended_well, record.log or []))
        return f"failures: {int(before[1] if before else 0) + (not done)}"

    return failures


def ended_well(log: str) -> bool:
    """Whether a job's log ends as it does after success."""
    try:
        return Path(log).read_bytes().endswith(DONE.encode())
    except OSError:
        return False


def plain(part) -> dict:
    """A part of the configuration as JSON values with its defaults: a changed default reruns what it touches."""
    return part.model_dump(mode="json")


def fetched(*names) -> list[str]:
    """Folders of the named sources; a part of a task that needs no source has None."""
    return [f"results/sources/{name}" for name in names if name]


def local_files(source: str) -> list[Path]:
    """Files of the user's own behind a source, a folder's one by one."""
    mirrors = map(uri.parse, CONFIG.sources[source].mirrors)
    parts = [part for mirror in mirrors for part in mirror.parts or [mirror]]
    paths = [Path(part.name).expanduser() for part in parts if part.scheme == "path"]
    folders = [path / name for path in paths for name in file_names(path)]
    return [*filter(Path.is_file, paths), *folders]


def state_of(files: list[Path]) -> str:
    """Digest of the user's files by name and content, of large ones by size and time: a change in it fetches them again.

    As inputs they would be compared by their times alone, which may be those of another machine, or lie in the future.
    """
    digest = sha256()
    for file in files:
        status = file.stat()
        large = status.st_size >= 2**20
        state = f"{status.st_size} {status.st_mtime_ns}" if large else file_digest(file)
        digest.update(f"{file} {state}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def model_of(wildcards):
    """The configured model."""
    return TASKS[wildcards.task].models[wildcards.model]


def sources_of(wildcards, *keys: str) -> list[str]:
    """Folders of the sources that some keys of the configured model name."""
    named = model_of(wildcards).sources()
    return fetched(*map(named.get, keys))


def taken_from(wildcards) -> list[str]:
    """Folder of the other task's model that the configured model is."""
    taken = model_of(wildcards).taken_from
    return [f"results/{taken[0]}/models/{taken[1]}"] if taken else []


def trained_before(wildcards) -> list[str]:
    """Folder of the model whose training keeps the configured model on its way."""
    model, step = model_and_step(wildcards.model)
    return [] if step is None else [f"results/{wildcards.task}/models/{model}"]


def own_files(wildcards) -> list[Path]:
    """Files of the user's own that the configured model runs, and their neighbours that these import."""
    named = model_of(wildcards).own_files().values()
    return [file for main in named for file in with_neighbours(Path(main))]


def masking_of(wildcards) -> dict:
    """How a task masks, with the defaults of how its baseline value is learned where it is."""
    masking = TASKS[wildcards.task].masking
    learned = masking.baseline == "learned"
    return plain(masking) | {"learning": plain(masking.learned) if learned else None}


def methods_of(wildcards) -> dict[str, str]:
    """What each method of a task is, by its name."""
    methods = CONFIG.methods_of(wildcards.task)
    return {name: method.kind for name, method in methods.items()}


def budget_of(task: str) -> dict | None:
    """Numbers of coalitions that are drawn, or None."""
    budget = TASKS[task].budget
    return None if budget is None else plain(budget)


def baseline_of(wildcards) -> list[str]:
    """Where the baseline value of a model is, if it is learned, from a file or those of training rows."""
    masking = TASKS[wildcards.task].masking
    if masking.baseline == "marginal":
        return [f"results/{wildcards.task}/data.parquet"]
    if masking.baseline == "learned":
        return [f"results/{wildcards.task}/baselines/{wildcards.model}"]
    return fetched(masking.source)


def predictor_of(task: str) -> str | None:
    """The model that predicts the target of a language task, if it is not a given text."""
    models, target = TASKS[task].models, TASKS[task].target or Target()
    language = [name for name, model in models.items() if model.language]
    return target.model or language[0] if language and not target.text else None


def target_of(task: str) -> dict | None:
    """The target of a language task, None for others."""
    language = TASKS[task].data.modality == "passage"
    return plain(TASKS[task].target or Target()) if language else None


@cache
def chunks(task: str) -> dict[str, list[int]]:
    """Sample numbers of each chunk of a task; asked for by every job."""
    return TASKS[task].chunks()


def exchanges_of(task: str) -> int:
    """Draws of exchanged samples: none where samples differ in their number of players."""
    return CONFIG.nulls.exchanges if TASKS[task].players.same_number else 0


def shown(wildcards) -> dict[str, list[int]]:
    """Samples of a chunk, and those whose outputs some model shows in their null games, by chunk."""
    task, of_chunk = TASKS[wildcards.task], chunks(wildcards.task)
    models = len(members(wildcards.task, wildcards.unit))
    counts = (task.samples.count, models, exchanges_of(wildcards.task))
    numbers = set(partners.shown(of_chunk[wildcards.chunk], *counts))
    return {
        chunk: [number for number in own if number in numbers]
        for chunk, own in of_chunk.items()
        if not numbers.isdisjoint(own)
    }


def members(task: str, unit: str) -> list[str]:
    """Models of a unit: an ensemble's, or the one model itself."""
    return TASKS[task].ensembles_by_name().get(unit, [unit])


def units_of(task: str, kind: str) -> list[str]:
    """What a kind of method is applied to: ensembles if it joins models, else each model."""
    return list(
        TASKS[task].ensembles_by_name()
        if kind == "generalizable"
        else TASKS[task].models
    )


def masked_outputs_of(task: str) -> list[str]:
    """Every chunk of masked outputs of a task."""
    return [
        f"results/{task}/masked_outputs/{model}/{chunk}"
        for model in TASKS[task].models
        for chunk in chunks(task)
    ]


def interactions_of(task: str) -> list[str]:
    """Every chunk of interactions of a task."""
    return [
        f"results/{task}/interactions/{method}/{unit}/{chunk}"
        for method, settings in CONFIG.methods_of(task).items()
        for unit in units_of(task, settings.kind)
        for chunk in chunks(task)
    ]


def nulls_of(task: str) -> list[str]:
    """Every chunk of null games; methods that treat models apart need none of their own."""
    return [
        f"results/{task}/nulls/{method}/{unit}/{chunk}"
        for method in CONFIG.methods
        if CONFIG.methods[method].kind == "generalizable"
        if CONFIG.nulls.renamings or CONFIG.nulls.exchanges
        for unit in TASKS[task].ensembles_by_name()
        for chunk in chunks(task)
    ]


def studied(study: str, folder: str) -> list[str]:
    """Every chunk of interactions, or of null games, that a study looks at."""
    wanted = CONFIG.studies[study]
    nulls = bool(CONFIG.nulls.renamings or CONFIG.nulls.exchanges)
    chunks_of_all = [
        f"results/{task}/{folder}/{method}/{unit}/{chunk}"
        for task in wanted.tasks
        for method, settings in CONFIG.of_study(study).items()
        if folder == "interactions" or settings.kind == "generalizable" and nulls
        for ensemble, models in CONFIG.compared(study, task).items()
        for unit in ([ensemble] if settings.kind == "generalizable" else models)
        for chunk in chunks(task)
    ]
    return list(dict.fromkeys(chunks_of_all))


def compared_models(study: str) -> list[str]:
    """Folder of every model that a study compares with another one, and who was right about what."""
    if not CONFIG.studies[study].models:
        return []
    tasks = CONFIG.studies[study].tasks
    models = {
        f"results/{task}/models/{model}": None
        for task in tasks
        for pair in CONFIG.compared(study, task).values()
        for model in pair
    }
    return [*models, *(f"results/{task}/eligibility.parquet" for task in tasks)]


def figures_made(task: str, *only: str) -> list[str]:
    """Files of the figures that a task has, or of some of them."""
    figures = [f for f in figures_of(TASKS[task]) if not only or f in only]
    return expand(
        "results/{task}/figures/{figure}.{ext}",
        task=task,
        figure=figures,
        ext=["pdf", "svg", "png"],
    )
