"""Takes the addresses in `sources`; makes a folder each, fetched once, verified and kept in the cache."""


localrules:
    source,


rule source:
    output:
        directory("results/sources/{source}"),
    log:
        "logs/source/{source}.log",
    benchmark:
        "logs/source/{source}.tsv"
    conda:
        "../envs/sources.yaml"
    params:
        again=again("results/sources/{source}"),
        code=code("source"),
        source=lambda wildcards: plain(CONFIG.sources[wildcards.source]),
        local=lambda wildcards: state_of(local_files(wildcards.source)),
    script:
        "../workflow/scripts/source.py"


rule sources:
    input:
        fetched(*CONFIG.used_sources()),
