"""The first line on the terminal where a run could write nothing: the folder, instead of a traceback."""

import os
from pathlib import Path


def writable(path: Path) -> bool:
    """Whether a folder, or the nearest one above where it would be made, can be written."""
    path = path.absolute()
    nearest = next(place for place in [path, *path.parents] if os.path.exists(place))
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def refuse_unwritable(*folders: str | Path) -> None:
    """End with a line if one of some folders cannot be written."""
    for folder in map(Path, folders):
        if not writable(folder):
            sys.exit(
                f"error: {folder.absolute()}: cannot be written; make it writable, or run in another folder"
            )


# Snakemake makes this one whatever it is asked for, but when it only lints.
if workflow.is_main_process and workflow.check_envvars:
    refuse_unwritable(".snakemake")


onstart:  # not in a dry run, nor where there is nothing to do
    refuse_unwritable("results", "logs", *Path("results").glob("*/"))
