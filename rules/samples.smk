"""Takes candidates and models; makes the list of samples that every model gets right with enough range."""


rule screening:
    input:
        candidates="results/{task}/candidates.parquet",
        model="results/{task}/models/{model}",
        baseline=baseline_of,
    output:
        "results/{task}/screening/{model}.parquet",
    log:
        "logs/screening/{task}/{model}.log",
    benchmark:
        "logs/screening/{task}/{model}.tsv"
    priority: LONG
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=gpus,
        mem_mb=memory,
        runtime=screening_minutes,
    params:
        again=again("results/{task}/screening/{model}.parquet"),
        code=code("screening"),
        masking=masking_of,
    script:
        "../workflow/scripts/screening.py"


rule samples:
    input:
        candidates="results/{task}/candidates.parquet",
        screenings=lambda wildcards: [
            f"results/{wildcards.task}/screening/{model}.parquet"
            for model in TASKS[wildcards.task].models
        ],
    output:
        samples="results/{task}/samples.parquet",
        eligibility="results/{task}/eligibility.parquet",
    log:
        "logs/samples/{task}.log",
    benchmark:
        "logs/samples/{task}.tsv"
    priority: LONG
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        again=again("results/{task}/samples.parquet"),
        code=code("samples"),
        models=lambda wildcards: list(TASKS[wildcards.task].models),
        controls=lambda wildcards: TASKS[wildcards.task].null_networks(),
        reward=lambda wildcards: plain(TASKS[wildcards.task].reward),
        samples=lambda wildcards: TASKS[wildcards.task].samples.model_dump(
            include={"count", "candidates", "min_range", "max_error"}
        ),
    script:
        "../workflow/scripts/samples.py"
