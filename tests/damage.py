"""Damage to a Parquet file at a place that its checksums cover, whatever version wrote it."""

from pathlib import Path

import pyarrow.parquet as pq


def flip(path: Path, column: str) -> None:
    """Change one bit of a column: in the last byte of its last page, which is content however long the headers are."""
    chunk = pq.read_metadata(path).row_group(0).column(pq.read_schema(path).names.index(column))
    first = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    content = bytearray(path.read_bytes())
    content[first + chunk.total_compressed_size - 1] ^= 0x40
    path.write_bytes(content)
