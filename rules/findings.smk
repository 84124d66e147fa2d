"""Takes tables of tasks and studies; makes RESULTS.md, what was found in plain words, and the record of the run."""


localrules:
    findings,
    provenance,


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
        again=again("results/RESULTS.md"),
        code=code("findings"),
        read={name: task.data.modality for name, task in TASKS.items()},
        questions={name: study.question for name, study in CONFIG.studies.items()},
    script:
        "../workflow/scripts/findings.py"


rule provenance:
    input:
        sources=fetched(*CONFIG.used_sources()),
        results=[
            rules.tables.input,
            rules.figures.input,
            rules.studies.input,
            rules.explorer.input,
            rules.findings.output,
        ],
    output:
        report(
            "results/provenance.json",
            caption="../workflow/report/provenance.rst",
            category="run",
        ),
    log:
        "logs/provenance.log",
    benchmark:
        "logs/provenance.tsv"
    conda:
        "../envs/torch.yaml"
    params:
        again=again("results/provenance.json"),
        config=CONFIG.model_dump(mode="json"),
    script:
        "../workflow/scripts/provenance.py"
