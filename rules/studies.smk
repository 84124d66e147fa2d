"""Takes interactions of several methods, ensembles and tasks; makes a table and a figure that answer one question."""


rule study:
    input:
        samples=lambda wildcards: [
            f"results/{task}/samples.parquet"
            for task in CONFIG.studies[wildcards.study].tasks
        ],
        interactions=lambda wildcards: studied(wildcards.study, "interactions"),
        nulls=lambda wildcards: studied(wildcards.study, "nulls"),
        compared=lambda wildcards: compared_models(wildcards.study),
    output:
        parquet="results/studies/{study}.parquet",
        csv=report(
            "results/studies/{study}.csv",
            caption="../workflow/report/studies.rst",
            category="studies",
            labels={"study": "{study}", "as": "table"},
        ),
    log:
        "logs/study/{study}.log",
    benchmark:
        "logs/study/{study}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        again=again("results/studies/{study}.parquet"),
        code=code("study"),
        study=lambda wildcards: plain(CONFIG.studies[wildcards.study]),
        analysis=plain(CONFIG.analysis),
        nulls=plain(CONFIG.nulls),
    script:
        "../workflow/scripts/study.py"


rule study_figure:
    input:
        table="results/studies/{study}.parquet",
    output:
        pdf="results/studies/{study}.pdf",
        svg=report(
            "results/studies/{study}.svg",
            caption="../workflow/report/studies.rst",
            category="studies",
            labels={"study": "{study}", "as": "figure"},
        ),
        png="results/studies/{study}.png",
    log:
        "logs/study_figure/{study}.log",
    benchmark:
        "logs/study_figure/{study}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        again=again("results/studies/{study}.pdf"),
        code=code("study_figure"),
        question=lambda wildcards: CONFIG.studies[wildcards.study].question,
    script:
        "../workflow/scripts/study_figure.py"


rule studies:
    input:
        expand(
            "results/studies/{study}.{ext}",
            study=CONFIG.studies,
            ext=["csv", "pdf", "svg", "png"],
        ),
