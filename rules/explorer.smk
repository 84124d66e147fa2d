"""Takes samples, masked outputs, interactions and their table; makes a page per task to look at all of it."""


rule page:
    input:
        samples="results/{task}/samples.parquet",
        masked_outputs=lambda wildcards: masked_outputs_of(wildcards.task),
        interactions=lambda wildcards: interactions_of(wildcards.task),
        listed="results/{task}/tables/interactions.parquet",
        agreement="results/{task}/tables/agreement.parquet",
    output:
        report(
            "results/{task}/explorer.html",
            caption="../workflow/report/explorer.rst",
            category="{task}",
            subcategory="explorer",
            labels={"page": "explorer"},
        ),
    log:
        "logs/page/{task}.log",
    benchmark:
        "logs/page/{task}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=tabulate_memory,
        runtime=growing(30),
    params:
        again=again("results/{task}/explorer.html"),
        code=code("explorer"),
        salience=plain(CONFIG.analysis.salience),
        reward=lambda wildcards: plain(TASKS[wildcards.task].reward),
        ensembles=lambda wildcards: TASKS[wildcards.task].ensembles_by_name(),
        methods=methods_of,
    script:
        "../workflow/scripts/explorer.py"


rule explorer:
    input:
        expand("results/{task}/explorer.html", task=TASKS),
