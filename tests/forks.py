"""Processes that are forks of one that has imported what they need: a start costs no more than what they do themselves.

There is one such process for each of the tests' own, so what it imports is said here for all. It has done nothing with
it, and has no thread.
"""

import multiprocessing

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["torch", "pyarrow.parquet", "snakemake.cli", "pydantic"])
