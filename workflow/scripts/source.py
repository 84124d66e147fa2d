"""Fetch and verify one source."""

from pathlib import Path

from _job import run


def main(snakemake):
    from andor.config import Source
    from andor.sources import fetch

    source = Source.model_validate(snakemake.params.source)
    fetch(
        source.mirrors,
        source.sha256,
        Path(snakemake.output[0]),
        store=Path(snakemake.config.get("cache", ".cache")) / "sources",
        instead=source.instead,
    )


run(main, globals())
