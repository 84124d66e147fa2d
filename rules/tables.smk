"""Takes samples, masked outputs and interactions of a task; makes tidy tables, and the record of the run."""


rule table:
    input:
        files=table_inputs,
        modules=modules("tables", "metrics", "results", "rewards", "attributions"),
    output:
        parquet="results/{task}/tables/{table}.parquet",
        csv=report(
            "results/{task}/tables/{table}.csv",
            caption="../workflow/report/table.rst",
            category="{task}",
            subcategory="tables",
            labels={"table": "{table}"},
        ),
    log:
        "logs/table/{task}/{table}.log",
    benchmark:
        "logs/table/{task}/{table}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        analysis=plain(CONFIG.analysis),
        seed=CONFIG.seed,
        methods=list(CONFIG.methods),
        reward=lambda wildcards: plain(TASKS[wildcards.task].reward),
        ensembles=lambda wildcards: TASKS[wildcards.task].units(),
    script:
        "../workflow/scripts/table.py"


rule provenance:
    input:
        fetched(*CONFIG.used_sources()),
    output:
        report("results/provenance.json", category="run"),
    log:
        "logs/provenance.log",
    benchmark:
        "logs/provenance.tsv"
    conda:
        "../envs/torch.yaml"
    params:
        config=CONFIG.model_dump(mode="json"),
    script:
        "../workflow/scripts/provenance.py"


rule tables:
    input:
        expand(
            "results/{task}/tables/{table}.{ext}",
            task=TASKS,
            table=TABLE_INPUTS,
            ext=["parquet", "csv"],
        ),
