"""Takes a task's source; makes its items as one tidy table, and the test items with players chosen in each."""


rule data:
    input:
        source=lambda wildcards: fetched(TASKS[wildcards.task].data.source),
    output:
        "results/{task}/data.parquet",
    log:
        "logs/data/{task}.log",
    benchmark:
        "logs/data/{task}.tsv"
    priority: LONG
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=data_memory,
        runtime=growing(30),
    params:
        again=again("results/{task}/data.parquet"),
        code=code("data"),
        data=lambda wildcards: plain(TASKS[wildcards.task].data),
        seed=CONFIG.seed,
    script:
        "../workflow/scripts/data.py"


rule candidates:
    input:
        data="results/{task}/data.parquet",
        players=lambda wildcards: fetched(TASKS[wildcards.task].players.needed_source),
        predictor=lambda wildcards: [
            f"results/{wildcards.task}/models/{name}"
            for name in [predictor_of(wildcards.task)]
            if name
        ],
    output:
        "results/{task}/candidates.parquet",
    log:
        "logs/candidates/{task}.log",
    benchmark:
        "logs/candidates/{task}.tsv"
    priority: LONG
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=lambda wildcards: gpus(wildcards) if predictor_of(wildcards.task) else 0,
        mem_mb=candidates_memory,
        runtime=candidates_minutes,
    params:
        again=again("results/{task}/candidates.parquet"),
        code=code("candidates"),
        players=lambda wildcards: plain(TASKS[wildcards.task].players),
        candidates=lambda wildcards: TASKS[wildcards.task].samples.candidates,
        label=lambda wildcards: TASKS[wildcards.task].samples.label,
        target=lambda wildcards: target_of(wildcards.task),
        seed=CONFIG.seed,
    script:
        "../workflow/scripts/candidates.py"
