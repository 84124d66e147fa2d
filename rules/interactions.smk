"""Takes masked outputs of one model or of an ensemble, on all coalitions or on drawn ones; makes certified AND and OR
interactions of a chunk of samples, and those of its null games."""


rule extract:
    input:
        samples="results/{task}/samples.parquet",
        eligibility="results/{task}/eligibility.parquet",
        outputs=lambda wildcards: [
            f"results/{wildcards.task}/masked_outputs/{model}/{wildcards.chunk}"
            for model in members(wildcards.task, wildcards.unit)
        ],
    output:
        directory("results/{task}/interactions/{method}/{unit}/{chunk}"),
    log:
        "logs/extract/{task}/{method}/{unit}/{chunk}.log",
    benchmark:
        "logs/extract/{task}/{method}/{unit}/{chunk}.tsv"
    wildcard_constraints:
        task="|".join(WHOLE) or "none",
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=gpus,
        mem_mb=extract_memory,
        runtime=extract_minutes,
        abreast=1,  # of a group: a profile says how many may run at once
    params:
        again=again("results/{task}/interactions/{method}/{unit}/{chunk}"),
        code=code("extract"),
        models=lambda wildcards: members(wildcards.task, wildcards.unit),
        numbers=lambda wildcards: chunks(wildcards.task)[wildcards.chunk],
        method=lambda wildcards: plain(CONFIG.method(wildcards.method)),
        reward=lambda wildcards: plain(TASKS[wildcards.task].reward),
    script:
        "../workflow/scripts/extract.py"


rule null_games:
    input:
        samples=rules.extract.input.samples,
        eligibility=rules.extract.input.eligibility,
        outputs=lambda wildcards: [
            f"results/{wildcards.task}/masked_outputs/{model}/{chunk}"
            for model in members(wildcards.task, wildcards.unit)
            for chunk in shown(wildcards)
        ],
    output:
        directory("results/{task}/nulls/{method}/{unit}/{chunk}"),
    log:
        "logs/null_games/{task}/{method}/{unit}/{chunk}.log",
    benchmark:
        "logs/null_games/{task}/{method}/{unit}/{chunk}.tsv"
    wildcard_constraints:
        task="|".join(WHOLE) or "none",
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=gpus,
        mem_mb=null_memory,
        runtime=null_minutes,
        abreast=1,
    params:
        again=again("results/{task}/nulls/{method}/{unit}/{chunk}"),
        code=code("null_games"),
        models=rules.extract.params.models,
        numbers=rules.extract.params.numbers,
        method=rules.extract.params.method,
        reward=rules.extract.params.reward,
        nulls=plain(CONFIG.nulls),
        shown=lambda wildcards: shown(wildcards),
        samples=lambda wildcards: TASKS[wildcards.task].samples.count,
        seed=CONFIG.seed,
    script:
        "../workflow/scripts/null_games.py"


rule extract_sampled:
    input:
        samples="results/{task}/samples.parquet",
        outputs=rules.extract.input.outputs,
    output:
        directory("results/{task}/interactions/{method}/{unit}/{chunk}"),
    log:
        "logs/extract/{task}/{method}/{unit}/{chunk}.log",
    benchmark:
        "logs/extract/{task}/{method}/{unit}/{chunk}.tsv"
    wildcard_constraints:
        task="|".join(SAMPLED) or "none",
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=gpus,
        mem_mb=sampled_memory,
        runtime=sampled_minutes,
        abreast=1,
    params:
        again=again("results/{task}/interactions/{method}/{unit}/{chunk}"),
        code=code("extract_sampled"),
        models=rules.extract.params.models,
        numbers=rules.extract.params.numbers,
        method=rules.extract.params.method,
        reward=rules.extract.params.reward,
    script:
        "../workflow/scripts/extract_sampled.py"


rule null_sampled:
    input:
        samples="results/{task}/samples.parquet",
        outputs=rules.null_games.input.outputs,
        interactions="results/{task}/interactions/{method}/{unit}/{chunk}",
    output:
        directory("results/{task}/nulls/{method}/{unit}/{chunk}"),
    log:
        "logs/null_games/{task}/{method}/{unit}/{chunk}.log",
    benchmark:
        "logs/null_games/{task}/{method}/{unit}/{chunk}.tsv"
    wildcard_constraints:
        task="|".join(SAMPLED) or "none",
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=gpus,
        mem_mb=sampled_memory,
        runtime=sampled_null_minutes,
        abreast=1,
    params:
        again=again("results/{task}/nulls/{method}/{unit}/{chunk}"),
        code=code("null_sampled"),
        models=rules.extract.params.models,
        numbers=rules.extract.params.numbers,
        method=rules.extract.params.method,
        reward=rules.extract.params.reward,
        nulls=lambda wildcards: plain(CONFIG.nulls)
        | {"exchanges": exchanges_of(wildcards.task)},
        shown=lambda wildcards: shown(wildcards),
        samples=lambda wildcards: TASKS[wildcards.task].samples.count,
        seed=CONFIG.seed,
    script:
        "../workflow/scripts/null_sampled.py"


rule interactions:
    input:
        [path for task in TASKS for path in interactions_of(task)],


rule nulls:
    input:
        [path for task in TASKS for path in nulls_of(task)],
