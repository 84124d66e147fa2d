"""Takes tables of tasks and studies; makes RESULTS.md, what was found in plain words."""


localrules:
    findings,


rule findings:
    input:
        tasks=expand(
            "results/{task}/tables/{table}.parquet", task=TASKS, table=FOUND_IN
        ),
        studies=expand("results/studies/{study}.parquet", study=CONFIG.studies),
    output:
        report(
            "results/RESULTS.md",
            caption="../workflow/report/findings.rst",
            category="run",
            labels={"file": "RESULTS.md"},
        ),
    log:
        "logs/findings.log",
    benchmark:
        "logs/findings.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("findings", "published", "catalogue", "nulls"),
        read={name: task.data.modality for name, task in TASKS.items()},
        questions={name: study.question for name, study in CONFIG.studies.items()},
    script:
        "../workflow/scripts/findings.py"
