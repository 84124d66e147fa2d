"""What jobs ask a cluster for. Partitions, accounts and the name of a GPU belong to the profiles alone."""

from math import ceil
from shutil import which

WEIGHTS = (".safetensors", ".bin", ".pth", ".pt", ".ckpt", ".tar", ".gguf")
"""Files of weights: those of `andor.models.states`, whose import takes seconds, and GGUF."""
PIECES = 8
"""Most passes for a target that is a word: `andor.data.targets.MOST_PIECES`."""
CHOOSING = 0.2
"""Seconds for a candidate whose players are chosen and whose target no model predicts."""

LONG = 1
"""Priority of what takes long and all else waits for: short jobs fill the gaps at its end."""


def gpus(wildcards) -> int:
    """GPUs of a job that can use one. A cluster's login node may have none, so under `auto` its jobs ask for one."""
    if hasattr(wildcards, "model") and not model_of(wildcards).uses_gpu:
        return 0
    if CONFIG.device == "auto":
        return int(not workflow.local_exec or which("nvidia-smi") is not None)
    return int(CONFIG.device != "cpu")


def model_gpus(wildcards) -> int:
    """GPUs to make a model: none to link a language model; other adopted ones classify the data once."""
    return gpus(wildcards) if model_of(wildcards).making_uses_gpu else 0


def growing(first: int):
    """A resource of which a job asks for as much again after each failure."""
    return lambda wildcards, attempt: first * attempt


def size(paths, suffix: str = "") -> int:
    """Bytes of the files that there are at or below paths, or of those whose names end so; of a model that keeps what
    it was, without that."""
    files = [
        file
        for path in paths
        for file in [Path(path), *Path(path).rglob("*")]
        if KEPT not in file.relative_to(path).parts
    ]
    return sum(
        f.stat().st_size for f in files if f.is_file() and f.name.endswith(suffix)
    )


def weights(paths) -> int:
    """Bytes of weights: the same may be there in several formats, and GGUF has some four bits where others have 16."""
    return max(
        size(paths, suffix) * (4 if suffix == ".gguf" else 1) for suffix in WEIGHTS
    )


def holding(model, held: int, tables: int, attempt: int) -> int:
    """Memory in MB of a job with so many bytes of a model, and tables that take four times their size on disk."""
    return attempt * (model.memory_of(held) + ceil(4 * tables / 1e6))


def model_memory(wildcards, input, attempt: int) -> int:
    """Memory in MB to make a model.

    Five times its weights: AdamW keeps four copies, and a file in half precision doubles when it is read.
    """
    held = 5 * weights(sources_of(wildcards, "source", "weights"))
    return holding(model_of(wildcards), held, size(input.data), attempt)


def memory(wildcards, input, attempt: int) -> int:
    """Memory in MB to run a model: three times its weights, which may double when they are read, beside the file."""
    tables = size([getattr(input, "candidates", None) or input.samples])
    held = 3 * weights([input.model])
    return holding(model_of(wildcards), held, tables, attempt)


def data_memory(wildcards, input, attempt: int) -> int:
    """Memory in MB to read a source: a guess, five times its size."""
    return attempt * (2000 + ceil(5 * size(input.source) / 1e6))


def candidates_memory(wildcards, input, attempt: int) -> int:
    """Memory in MB to choose players, and of the language model that predicts the targets."""
    if input.predictor:
        predictor = TASKS[wildcards.task].models[predictor_of(wildcards.task)]
        held = 3 * weights(input.predictor)
        return holding(predictor, held, size([input.data]), attempt)
    return attempt * (2000 + ceil(4 * size([input.data]) / 1e6))


def passes_minutes(passes: int, seconds: float, attempt: int) -> int:
    """Minutes for so many forward passes that take so long each."""
    return attempt * (20 + ceil(passes * seconds / 60))


def steps(task: str) -> int:
    """Passes for one masked output."""
    masking = TASKS[task].masking
    return masking.steps if masking.background == "integrate" else 1


def screening_minutes(wildcards, attempt: int) -> int:
    """Minutes for each candidate whole and with all players masked."""
    passes = 2 * TASKS[wildcards.task].samples.candidates * steps(wildcards.task)
    return passes_minutes(passes, model_of(wildcards).seconds, attempt)


def candidates_minutes(wildcards, attempt: int) -> int:
    """Minutes for the players and the target of each candidate."""
    task, predictor = TASKS[wildcards.task], predictor_of(wildcards.task)
    pieces = PIECES if task.target and task.target.unit == "word" else 1
    seconds = task.models[predictor].seconds if predictor else CHOOSING
    return passes_minutes(task.samples.candidates * pieces, seconds, attempt)


def evaluate_minutes(wildcards, attempt: int) -> int:
    """Minutes for all masked outputs of a chunk."""
    samples = len(chunks(wildcards.task)[wildcards.chunk])
    passes = samples * steps(wildcards.task) * TASKS[wildcards.task].masks
    return passes_minutes(passes, model_of(wildcards).seconds, attempt)


def null_draws() -> int:
    """Null games of a sample."""
    return CONFIG.nulls.renamings + CONFIG.nulls.exchanges


def games_memory(wildcards, games: int, attempt: int, kept: int = 0) -> int:
    """Memory in MB of torch, and of about 20 arrays a game, as was measured; the solver keeps more of a single one.

    What is kept beside them is in arrays a game as well.
    """
    models = len(members(wildcards.task, wildcards.unit))
    samples = len(chunks(wildcards.task)[wildcards.chunk])
    arrays = models * (
        max(ARRAYS_PER_MODEL, 20 * samples * games) + kept * samples * games
    )
    return attempt * (
        2500 + ceil(8e-6 * arrays * 2 ** TASKS[wildcards.task].most_players)
    )


def games_minutes(wildcards, games: int, attempt: int) -> int:
    """Minutes for the extraction of a chunk, at ten times what was measured: 0.5 s a game and model at n = 10."""
    models = len(members(wildcards.task, wildcards.unit))
    samples = len(chunks(wildcards.task)[wildcards.chunk])
    seconds = samples * models * 5 * 2 ** (TASKS[wildcards.task].players.count - 10)
    return attempt * (20 + games * ceil(seconds / 60))


def extract_memory(wildcards, attempt: int) -> int:
    """Memory in MB for the extraction of a chunk: four arrays for each of its other solutions."""
    others = CONFIG.method(wildcards.method).solver.others
    return games_memory(wildcards, 1, attempt, kept=4 * others)


def extract_minutes(wildcards, attempt: int) -> int:
    """Minutes for the extraction of a chunk; four other solutions take some twice as long as the first."""
    return games_minutes(wildcards, 1, attempt)


def null_memory(wildcards, attempt: int) -> int:
    """Memory in MB for all null games of a chunk, which are solved at once."""
    return games_memory(wildcards, null_draws(), attempt)


def null_minutes(wildcards, attempt: int) -> int:
    """Minutes for the null games of a chunk, each as long as its extraction."""
    return games_minutes(wildcards, null_draws(), attempt)


def sampled_memory(wildcards, attempt: int) -> int:
    """Memory in MB for the interactions of one sample after the other on drawn coalitions."""
    models = len(members(wildcards.task, wildcards.unit))
    return attempt * (2500 + ceil(1e-6 * TASKS[wildcards.task].sampled_bytes(models)))


def sampled_minutes(wildcards, attempt: int) -> int:
    """Minutes for the interactions of a chunk, at ten times what was measured: a minute a sample and model."""
    models = len(members(wildcards.task, wildcards.unit))
    return attempt * (30 + 10 * models * len(chunks(wildcards.task)[wildcards.chunk]))


def sampled_null_minutes(wildcards, attempt: int) -> int:
    """Minutes for the null games of a chunk, each as long as its extraction."""
    return null_draws() * sampled_minutes(wildcards, attempt)


def tabulate_memory(wildcards, attempt: int) -> int:
    """Memory in MB of all interactions of a task at once, as float64, and of what is made of them."""
    task = TASKS[wildcards.task]
    models = sum(
        len(members(wildcards.task, unit))
        for method in CONFIG.methods_of(wildcards.task).values()
        for unit in units_of(wildcards.task, method.kind)
    )
    coalitions = SAMPLED_COLUMNS if task.budget else 2**task.most_players
    others = max(
        method.solver.others for method in CONFIG.methods_of(wildcards.task).values()
    )
    arrays = (
        (1 + others + null_draws()) * task.samples.count * models * 2 * 8 * coalitions
    )
    return attempt * (2000 + ceil(4e-6 * arrays))
