"""Takes samples, masked outputs and interactions of a task; makes tidy tables, and the record of the run."""


rule tabulate:
    input:
        samples="results/{task}/samples.parquet",
        eligibility="results/{task}/eligibility.parquet",
        models=lambda wildcards: [
            f"results/{wildcards.task}/models/{model}" for model in TASKS[wildcards.task].models
        ],
        masked_outputs=lambda wildcards: masked_outputs_of(wildcards.task),
        interactions=lambda wildcards: interactions_of(wildcards.task),
        modules=modules("tables", "metrics", "results", "rewards", "attributions"),
    output:
        parquet=expand("results/{{task}}/tables/{table}.parquet", table=TABLES),
        csv=report(
            expand("results/{{task}}/tables/{table}.csv", table=TABLES),
            caption="../workflow/report/tables.rst",
            category="{task}",
            subcategory="tables",
        ),
    params:
        analysis=plain(CONFIG.analysis),
        reward=lambda wildcards: plain(TASKS[wildcards.task].reward),
        seed=CONFIG.seed,
    log:
        "logs/tabulate/{task}.log",
    benchmark:
        "logs/tabulate/{task}.tsv"
    conda:
        "../envs/analysis.yaml"
    script:
        "../workflow/scripts/tabulate.py"


rule provenance:
    input:
        fetched(*CONFIG.used_sources()),
    output:
        report(
            "results/provenance.json",
            caption="../workflow/report/provenance.rst",
            category="run",
        ),
    params:
        config=CONFIG.model_dump(mode="json"),
    log:
        "logs/provenance.log",
    benchmark:
        "logs/provenance.tsv"
    conda:
        "../envs/torch.yaml"
    script:
        "../workflow/scripts/provenance.py"


rule tables:
    input:
        expand(
            "results/{task}/tables/{table}.{ext}",
            task=TASKS,
            table=TABLES,
            ext=["parquet", "csv"],
        ),
