"""Record what made this run: configuration, versions, machine, commit, and digests of sources and results."""

import json
import platform
import subprocess
from importlib.metadata import distributions
from pathlib import Path

from _job import run


def main(snakemake):
    from andor import __version__, digests
    from andor.files import write_text

    def written(paths):
        outputs = [Path(path) for path in paths]
        return {
            (output / name if output.is_dir() else output).relative_to("results").as_posix(): digest
            for output in outputs
            for name, digest in (digests.read(output) or digests.taken(output)).items()
        }

    record = {
        "andor": __version__,
        "commit": commit(Path(snakemake.scriptdir)),
        "config": snakemake.params.config,
        "sources": written(snakemake.input.sources),
        "results": written(snakemake.input.results),
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
