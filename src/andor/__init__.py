"""AND-OR interactions that several neural networks share: extraction, certificates and comparison."""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`explain`, imported when it is asked for: most who import this package want something lighter."""
    if name == "explain":
        from andor.report.explanation import explain

        return explain
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
