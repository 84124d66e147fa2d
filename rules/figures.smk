"""Takes tables alone; makes every figure as PDF, SVG and PNG."""


rule figure:
    input:
        samples="results/{task}/samples.parquet",
        tables=lambda wildcards: [
            f"results/{wildcards.task}/tables/{table}.parquet"
            for table in FIGURES[wildcards.figure].tables
        ],
    output:
        pdf="results/{task}/figures/{figure}.pdf",
        svg=report(
            "results/{task}/figures/{figure}.svg",
            caption="../workflow/report/figures.rst",
            category="{task}",
            subcategory="figures",
            labels={"figure": "{figure}"},
        ),
        png="results/{task}/figures/{figure}.png",
    log:
        "logs/figure/{task}/{figure}.log",
    benchmark:
        "logs/figure/{task}/{figure}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        again=again("results/{task}/figures/{figure}.pdf"),
        code=code("figure"),
        models=lambda wildcards: list(TASKS[wildcards.task].models),
        output=lambda wildcards: TASKS[wildcards.task].reward.words,
        sampled=lambda wildcards: TASKS[wildcards.task].budget is not None,
        caption=lambda wildcards: FIGURES[wildcards.figure].caption,
    script:
        "../workflow/scripts/figure.py"


rule figures:
    input:
        [path for task in TASKS for path in figures_made(task)],


for figure in FIGURES:
    if not any(figure in figures_of(task) for task in TASKS.values()):
        continue

    rule:
        name:
            f"figure_{figure}"
        input:
            [path for task in TASKS for path in figures_made(task, figure)],


for task in TASKS:

    rule:
        name:
            f"task_{task}"
        input:
            expand(
                "results/{task}/tables/{table}.{ext}",
                task=task,
                table=TABLES,
                ext=["parquet", "csv"],
            ),
            figures_made(task),
