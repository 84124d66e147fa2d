"""What there is to make: tables with the steps they read, and figures with the tables they draw.

Plain names only: the Snakefile reads this module at every start.
"""

TABLE_INPUTS: dict[str, set[str]] = {
    "accuracy": {"models"},
    "eligibility": {"samples"},
    "generalization": {"interactions"},
    "sharing": {"interactions", "masked_outputs", "samples"},
    "sparsity": {"interactions"},
    "salient": {"interactions", "masked_outputs", "samples"},
    "orders": {"interactions", "masked_outputs", "samples"},
    "interactions": {"interactions", "masked_outputs", "samples"},
    "matching": {"interactions", "masked_outputs", "samples"},
    "matching_curve": {"interactions", "masked_outputs", "samples"},
    "solver": {"interactions"},
    "timings": {"interactions", "masked_outputs"},
    "summary": {"interactions", "masked_outputs", "samples"},
}
"""Steps whose results each table reads. Rewards, and salience by the rule `output`, need masked outputs and labels."""

FIGURE_TABLES: dict[str, list[str]] = {
    "sparsity": ["sparsity", "salient"],
    "generalization": ["generalization"],
    "orders": ["orders"],
    "interactions": ["interactions"],
    "matching": ["matching_curve", "matching"],
}
"""Tables from which each figure is drawn; `interactions` also shows the samples."""
