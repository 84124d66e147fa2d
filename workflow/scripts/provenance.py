"""Record what made this run: configuration, versions, machine, sources and commit."""

import json
import platform
import subprocess
from importlib.metadata import distributions
from pathlib import Path

from _job import run


def main(snakemake):
    from andor import __version__
    from andor.files import file_digest, write_text

    record = {
        "andor": __version__,
        "commit": commit(Path(snakemake.scriptdir)),
        "config": snakemake.params.config,
        "sources": {
            path.relative_to("results/sources").as_posix(): file_digest(path)
            for folder in snakemake.input.sources
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file() and path.name != ".snakemake_timestamp"
        },
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "python": platform.python_version(),
        },
        "packages": dict(sorted((found.name.lower(), found.version) for found in distributions())),
    }
    write_text(Path(snakemake.output[0]), json.dumps(record, indent=2) + "\n")


def commit(folder: Path) -> str | None:
    """Commit of the workflow, with a mark if files differ from it; None outside a git clone."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


run(main, globals())
