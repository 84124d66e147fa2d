"""Solvers: modules with a function `solve`, named in the configuration by `solver.name`."""
