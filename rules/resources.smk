"""What jobs ask a cluster for. Partitions, accounts and the name of a GPU belong to the profiles alone."""

from math import ceil
from shutil import which

MEMORY = {
    "image_classifier": 2500,
    "text_cnn": 2500,
    "text_encoder": 4000,
    "causal_lm": 64000,
}  # MB for small models of each family: twice what was measured (logs/*/*.tsv, column max_rss), for CUDA's libraries
SECONDS = {
    "image_classifier": 0.03,
    "text_cnn": 0.005,
    "text_encoder": 0.03,
    "causal_lm": 0.2,
}  # of a forward pass: twice what was measured on one CPU core; for language models on one GPU, as docs/scale.md has it

LONG = 1
"""Priority of what takes long and all else waits for: short jobs fill the gaps at its end."""


def gpus(wildcards) -> int:
    """GPUs of a job that can use one. A cluster's login node may have none, so under `auto` its jobs ask for one."""
    if CONFIG.device == "auto":
        return int(not workflow.local_exec or which("nvidia-smi") is not None)
    return int(CONFIG.device != "cpu")


def growing(first: int):
    """A resource of which a job asks for as much again after each failure."""
    return lambda wildcards, attempt: first * attempt


def memory(wildcards, attempt: int) -> int:
    """Memory in MB of a job that holds a model.

    Five times the weights: AdamW keeps four copies, and a file in half precision doubles when it is read.
    """
    model = model_of(wildcards)
    folders = [
        f"results/{wildcards.task}/models/{wildcards.model}",
        *fetched(getattr(model, "source", None)),
    ]
    weights = max(
        sum(
            path.stat().st_size
            for path in Path(folder).rglob("*")
            if path.suffix in (".safetensors", ".bin")
        )
        for folder in folders
    )
    return attempt * max(MEMORY.get(model.family, 4000), 2000 + ceil(5e-6 * weights))


def passes_minutes(passes: int, family: str, attempt: int) -> int:
    """Minutes for so many forward passes."""
    return attempt * (20 + ceil(passes * SECONDS.get(family, 0.03) / 60))


def screening_minutes(wildcards, attempt: int) -> int:
    """Minutes for each candidate whole and with all players masked."""
    passes = 2 * TASKS[wildcards.task].samples.candidates
    return passes_minutes(passes, model_of(wildcards).family, attempt)


def evaluate_minutes(wildcards, attempt: int) -> int:
    """Minutes for all masked outputs of a chunk."""
    task = TASKS[wildcards.task]
    steps = task.masking.steps if task.masking.background == "integrate" else 1
    passes = (
        len(chunks(wildcards.task)[wildcards.chunk]) * steps * 2**task.players.count
    )
    return passes_minutes(passes, model_of(wildcards).family, attempt)


def extract_memory(wildcards, attempt: int) -> int:
    """Memory in MB of torch, and of what the solver keeps."""
    models = len(members(wildcards.task, wildcards.unit))
    arrays = ARRAYS_PER_MODEL * models * 8 * 2 ** TASKS[wildcards.task].players.count
    return attempt * (2500 + ceil(1e-6 * arrays))


def extract_minutes(wildcards, attempt: int) -> int:
    """Minutes for the extraction of a chunk, at ten times what was measured: 0.5 s a sample and model at n = 10."""
    task = TASKS[wildcards.task]
    models = len(members(wildcards.task, wildcards.unit))
    samples = len(chunks(wildcards.task)[wildcards.chunk])
    return attempt * (
        20 + ceil(samples * models * 5 * 2 ** (task.players.count - 10) / 60)
    )


def null_minutes(wildcards, attempt: int) -> int:
    """Minutes for the null games of a chunk, each as long as its extraction."""
    games = CONFIG.nulls.renamings + CONFIG.nulls.exchanges
    return games * extract_minutes(wildcards, attempt)


def tabulate_memory(wildcards, attempt: int) -> int:
    """Memory in MB of all interactions of a task at once, as float64, and of what is made of them."""
    task = TASKS[wildcards.task]
    models = sum(
        len(members(wildcards.task, unit))
        for method in CONFIG.methods.values()
        for unit in units_of(wildcards.task, method.kind)
    )
    games = 1 + CONFIG.nulls.renamings + CONFIG.nulls.exchanges
    arrays = games * task.samples.count * models * 2 * 8 * 2**task.players.count
    return attempt * (2000 + ceil(4e-6 * arrays))
