"""What there is to make: tables with the steps they read, and figures with the tables they draw.

Plain names only: the Snakefile reads this module at every start.
"""

TABLE_INPUTS: dict[str, set[str]] = {
    "accuracy": {"models"},
    "eligibility": {"samples"},
    "generalization": {"interactions"},
    "sharing": {"interactions", "samples"},
    "sparsity": {"interactions"},
    "salient": {"interactions", "samples"},
    "orders": {"interactions", "samples"},
    "interactions": {"interactions", "samples"},
    "matching": {"interactions", "masked_outputs", "samples"},
    "matching_curve": {"interactions", "masked_outputs", "samples"},
    "solver": {"interactions"},
    "timings": {"interactions", "masked_outputs"},
    "summary": {"interactions", "samples"},
}
"""Steps whose results each table reads; salience by the rule `output` needs what is said of the samples."""

FIGURE_TABLES: dict[str, list[str]] = {
    "sparsity": ["sparsity", "salient"],
    "generalization": ["generalization"],
    "orders": ["orders"],
    "interactions": ["interactions"],
    "matching": ["matching_curve", "matching"],
}
"""Tables from which each figure is drawn; `interactions` also shows the samples."""
