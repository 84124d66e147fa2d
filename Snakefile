"""Interactions that several networks of one task share: from sources to figures."""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")

# The package beside this file, not an installed one: its code is a parameter of the rules that use it. (The folder of
# this file, also where another workflow imports it as a module.)
ROOT = Path(workflow.current_basedir)
sys.path.insert(0, str(ROOT / "src"))

# A configuration given with --configfile replaces the default one; merged, their tasks would add up.
if "tasks" not in config:

    configfile: "config.yaml" if Path("config.yaml").exists() else str(ROOT / "config.yaml")


report: "workflow/report/workflow.rst"


include: "rules/common.smk"
include: "rules/resources.smk"
include: "rules/sources.smk"
include: "rules/data.smk"
include: "rules/models.smk"
include: "rules/samples.smk"
include: "rules/masked_outputs.smk"
include: "rules/interactions.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/closing.smk"


rule all:
    default_target: True
    input:
        rules.tables.input,
        rules.figures.input,
        rules.provenance.output,
