"""Interactions that several networks of one task share: from sources to figures."""

from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")


include: "rules/package.smk"


# A configuration given with --configfile replaces the default one; merged, their tasks would add up.
if "tasks" not in config:

    configfile: "config.yaml" if Path("config.yaml").exists() else str(ROOT / "config.yaml")


report: "workflow/report/workflow.rst"


include: "rules/code.smk"
include: "rules/common.smk"
include: "rules/resources.smk"
include: "rules/sources.smk"
include: "rules/data.smk"
include: "rules/models.smk"
include: "rules/baselines.smk"
include: "rules/samples.smk"
include: "rules/masked_outputs.smk"
include: "rules/interactions.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/studies.smk"
include: "rules/explorer.smk"
include: "rules/findings.smk"
include: "rules/opening.smk"
include: "rules/closing.smk"


rule all:
    default_target: True
    input:
        rules.tables.input,
        rules.figures.input,
        rules.studies.input,
        rules.explorer.input,
        rules.findings.output,
        rules.provenance.output,
