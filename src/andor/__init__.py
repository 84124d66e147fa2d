"""AND-OR interactions that several neural networks share: extraction, certificates and comparison."""

__version__ = "0.1.0"
