"""Takes items and pretrained weights; makes each model of a task, ready to be evaluated."""


rule model:
    input:
        data=lambda wildcards: (
            []
            if model_of(wildcards).language
            else [f"results/{wildcards.task}/data.parquet"]
        ),
        source=lambda wildcards: sources_of(wildcards, "source", "tokenizer"),
        weights=lambda wildcards: sources_of(wildcards, "weights"),
        taken=taken_from,
        trained=trained_before,
    output:
        directory("results/{task}/models/{model}"),
    log:
        "logs/model/{task}/{model}.log",
    benchmark:
        "logs/model/{task}/{model}.tsv"
    priority: LONG
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=model_gpus,
        mem_mb=model_memory,
        runtime=growing(120),
    params:
        again=again("results/{task}/models/{model}"),
        code=code("model"),
        model=lambda wildcards: plain(model_of(wildcards)),
        own=lambda wildcards: state_of(own_files(wildcards)),
        seed=CONFIG.seed,
    script:
        "../workflow/scripts/model.py"


rule models:
    input:
        [
            f"results/{task}/models/{model}"
            for task in TASKS
            for model in TASKS[task].models
        ],
