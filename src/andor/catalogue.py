"""What there is to make: tables, and figures with the tables they draw.

Plain names only: the Snakefile reads this module at every start.
"""

TABLES = (
    "accuracy",
    "eligibility",
    "generalization",
    "sharing",
    "sparsity",
    "salient",
    "orders",
    "controls",
    "survivors",
    "interactions",
    "matching",
    "matching_curve",
    "solver",
    "timings",
    "summary",
)
"""Tables of a task, all made in one pass over its results."""

LONG_TABLES = ("interactions", "matching_curve", "sparsity")
"""Tables of many megabytes, which stay out of the report; all others have a row for what they compare, not a curve."""

FIGURE_TABLES: dict[str, list[str]] = {
    "sparsity": ["sparsity", "salient"],
    "generalization": ["generalization"],
    "orders": ["orders"],
    "controls": ["controls"],
    "interactions": ["interactions"],
    "matching": ["matching_curve", "matching"],
}
"""Tables from which each figure is drawn; `interactions` also shows the samples."""

FOUND_IN = (
    "accuracy",
    "eligibility",
    "salient",
    "sharing",
    "controls",
    "survivors",
    "matching",
    "solver",
    "summary",
)
"""Tables of a task from which its findings are put into words."""
