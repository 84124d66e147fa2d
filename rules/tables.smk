"""Takes samples, masked outputs and interactions of a task; makes tidy tables."""


rule tabulate:
    input:
        samples="results/{task}/samples.parquet",
        eligibility="results/{task}/eligibility.parquet",
        models=lambda wildcards: [
            f"results/{wildcards.task}/models/{model}"
            for model in TASKS[wildcards.task].models
        ],
        masked_outputs=lambda wildcards: masked_outputs_of(wildcards.task),
        interactions=lambda wildcards: interactions_of(wildcards.task),
        nulls=lambda wildcards: nulls_of(wildcards.task),
    output:
        parquet=expand("results/{{task}}/tables/{table}.parquet", table=TABLES),
        csv=[
            (
                f"results/{{task}}/tables/{table}.csv"
                if table in LONG_TABLES
                else report(
                    f"results/{{task}}/tables/{table}.csv",
                    caption="../workflow/report/tables.rst",
                    category="{task}",
                    subcategory="tables",
                )
            )
            for table in TABLES
        ],
    log:
        "logs/tabulate/{task}.log",
    benchmark:
        "logs/tabulate/{task}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=tabulate_memory,
        runtime=growing(120),
    params:
        again=again(f"results/{{task}}/tables/{TABLES[0]}.parquet"),
        code=code("task_tables"),
        analysis=plain(CONFIG.analysis),
        nulls=plain(CONFIG.nulls),
        reward=lambda wildcards: plain(TASKS[wildcards.task].reward),
        ensembles=lambda wildcards: TASKS[wildcards.task].ensembles_by_name(),
        methods=methods_of,
        seed=CONFIG.seed,
    script:
        "../workflow/scripts/task_tables.py"


rule tables:
    input:
        expand(
            "results/{task}/tables/{table}.{ext}",
            task=TASKS,
            table=TABLES,
            ext=["parquet", "csv"],
        ),
