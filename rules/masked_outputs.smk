"""Takes a model and a chunk of samples; makes its outputs on all masked versions of each, or on drawn ones, behind the
cache."""


rule evaluate:
    input:
        samples="results/{task}/samples.parquet",
        model="results/{task}/models/{model}",
        baseline=baseline_of,
    output:
        directory("results/{task}/masked_outputs/{model}/{chunk}"),
    log:
        "logs/evaluate/{task}/{model}/{chunk}.log",
    benchmark:
        "logs/evaluate/{task}/{model}/{chunk}.tsv"
    priority: LONG
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=gpus,
        mem_mb=memory,
        runtime=evaluate_minutes,
    params:
        again=again("results/{task}/masked_outputs/{model}/{chunk}"),
        code=code("evaluate"),
        numbers=lambda wildcards: chunks(wildcards.task)[wildcards.chunk],
        masking=masking_of,
        budget=lambda wildcards: budget_of(wildcards.task),
        seed=CONFIG.seed,
    script:
        "../workflow/scripts/evaluate.py"


rule masked_outputs:
    input:
        [path for task in TASKS for path in masked_outputs_of(task)],
