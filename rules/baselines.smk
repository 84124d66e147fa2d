"""Takes a model and candidates; makes the baseline value that is learned for the model, and its learning curve."""


rule baseline:
    input:
        candidates="results/{task}/candidates.parquet",
        model="results/{task}/models/{model}",
    output:
        directory("results/{task}/baselines/{model}"),
    log:
        "logs/baseline/{task}/{model}.log",
    benchmark:
        "logs/baseline/{task}/{model}.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=gpus,
        mem_mb=memory,
        runtime=growing(60),
    params:
        again=again("results/{task}/baselines/{model}"),
        code=code("baseline"),
        masking=masking_of,
        reward=lambda wildcards: plain(TASKS[wildcards.task].reward),
        seed=CONFIG.seed,
    script:
        "../workflow/scripts/baseline.py"
