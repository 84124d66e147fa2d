"""What the interactions of several models have in common, and what of that is accident: pure functions, no files."""
