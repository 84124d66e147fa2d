"""The reader `passages`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from andor.data.players.words import is_content, words
from andor.data.reader import Reader
from andor.errors import UserError
from andor.settings import Name, PositiveInt

if TYPE_CHECKING:
    import pyarrow as pa

SENTENCE_END = re.compile(r"[.!?][\"'”’)\]]*\s")


class PassagesData(Reader):
    """Passages whose first words are the prompt and whose next word is to be predicted."""

    modality: ClassVar = "passage"
    place: ClassVar = 5
    reader: Literal["passages"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: Parquet or JSON lines."""
    text: str = "context"
    """Column of the passage."""
    words: PositiveInt = 30
    """Words kept of each passage; more while the next word is a stop word or a sentence ended in the last 5."""

    @property
    def classes(self) -> list[str]:
        """None has a name."""
        return []

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the prompts, all of them for testing."""
        from andor.data.building import tidy
        from andor.data.records import check_columns
        from andor.data.texts import repaired

        source = self.given(source)
        rows = self._records(source)
        check_columns(rows, [self.text], source)
        first: dict[str, int] = {}  # one passage often serves many questions
        for item, passage in enumerate(rows[self.text].to_pylist()):
            first.setdefault(repaired(passage or ""), item)
        prompts = {item: _prompt(passage, self.words) for passage, item in first.items()}
        prompts = {item: prompt for item, prompt in prompts.items() if prompt is not None}
        if not prompts:
            raise UserError(
                f"`data.words: {self.words}`: no passage of {source} has a prompt of so many words; lower it"
            )
        return tidy(prompts, ["test"] * len(prompts), [0] * len(prompts), list(prompts.values()))

    def _records(self, source: Path) -> pa.Table:
        """Rows of a Parquet or JSON-lines file, or of the files of a folder: its held-out part if it has one."""
        from andor.data.records import concatenated, json_lines, parquet

        if source.is_file():
            return parquet(source) if source.suffix == ".parquet" else json_lines(source)
        for part in ("validation*", "test*", "*"):
            if files := list(source.rglob(f"{part}.parquet")):
                return concatenated([parquet(file) for file in sorted(files)])
            if files := list(source.rglob(f"{part}.jsonl")):
                return concatenated([json_lines(file) for file in sorted(files)])
        raise UserError(f"`data.source: {self.source}`: {source} holds no .parquet or .jsonl file; name one that does")


def _prompt(passage: str, count: int) -> str | None:
    """Opening of a passage whose next word is worth predicting; None if the passage ends before there is one.

    At least `count` words; more while the next word is a stop word or a sentence ended in the last 5 words (ICLR 2024,
    section 4).
    """
    found = words(passage)
    for number in range(count, len(found)):
        recent = passage[found[max(0, number - 5)].start : found[number].start]
        if is_content(found[number].text) and not SENTENCE_END.search(recent):
            return passage[: found[number].start].rstrip()
    return None
