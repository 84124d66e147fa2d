"""Splits of data: as names of files, folders or cells say them, or drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from andor.data.building import stratified_split
from andor.data.formats import Delimiting, joined, records
from andor.errors import UserError

_PART = re.compile(r"(train|val|dev|eval|test)(?:ing|id|idation|elopment|uation)?(?![a-z])", re.IGNORECASE)


def part_of(name: str) -> str | None:
    """The split that the first word of a name is for, `train`, `validation` or `test`; None if it says none."""
    found = _PART.match(name.strip())
    return {"train": "train", "test": "test"}.get(found[1].lower(), "validation") if found else None


def parted(parts: Sequence[str | None]) -> list[str | None]:
    """`train` or `test` for each of several parts of data, `other` for those that are left out.

    Parts are `train`, `validation`, `test` or None. Held out is the validation part if there is one, as data sets often
    hide the labels of their test part. Where no part is held out, all are None: a split is drawn.
    """
    held_out = next((part for part in ("validation", "test") if part in parts), None)
    if held_out is None:
        return ["other" if part is None and "train" in parts else None for part in parts]
    names = {"train": "train", held_out: "test"}
    return [names.get(part, "other") for part in parts]


def split_of(parts: Sequence[str | None], labels: np.ndarray, test_fraction: float, seed: int) -> np.ndarray:
    """The split of each item: as it is stated, or in equal shares of each label where nothing states it."""
    if any(parts):
        return np.array(parts)
    return np.full(len(labels), "test") if test_fraction == 1 else stratified_split(labels, test_fraction, seed)


class Rows(NamedTuple):
    """Rows of files that are in a split.

    Attributes
    ----------
    numbers : of each, over all files that are read
    cells : by column
    classes : names of the classes that are numbers in a column, where a file states them
    parts : `train` or `test` for each, or None where nothing says it
    files : the file that each is in
    """

    numbers: list[int]
    cells: dict[str, list[Any]]
    classes: dict[str, list[str]]
    parts: list[str | None]
    files: list[Path]

    def take(self, places: Sequence[int]) -> Rows:
        """Some of the rows."""
        cells = {name: [column[place] for place in places] for name, column in self.cells.items()}
        return Rows(
            [self.numbers[place] for place in places],
            cells,
            self.classes,
            [self.parts[place] for place in places],
            [self.files[place] for place in places],
        )


def rows_of(files: Sequence[Path], source: Path, columns: Sequence[str], split: str | None, form: Delimiting) -> Rows:
    """Rows of files in their splits, as a column says them, or as names of files and of the folders they are in do.

    Raises
    ------
    UserError
        If a file cannot be read or lacks a column, files name classes differently, or no cell of the column says train,
        validation or test.
    """
    of_files = [None] * len(files) if split or source.is_file() else parted([_part_of(file, source) for file in files])
    taken = [(file, part) for file, part in zip(files, of_files, strict=True) if part != "other"]
    taken.sort(key=lambda each: each[1] == "test")  # first those to train on
    files = [file for file, _ in taken]
    wanted = list(dict.fromkeys([*columns, *([split] if split else [])]))
    each = [records(file, wanted, form) for file in files]
    found = joined(each, str(source))
    place = [number for number, own in enumerate(each) for _ in range(len(own))]
    parts = [taken[number][1] for number in place]
    if split:
        said = [part_of(str(cell)) for cell in found.cells[split]]
        if not any(said):
            known = ", ".join(sorted(set(map(str, found.cells[split])))[:5])
            raise UserError(f"{source}: column `{split}` says neither train nor test, but {known}; name another column")
        parts = parted(said)
    every = Rows(list(range(len(parts))), found.cells, found.classes, parts, [files[number] for number in place])
    return every.take([number for number, part in enumerate(parts) if part != "other"])


def _part_of(file: Path, source: Path) -> str | None:
    """The split that a file's name says, or the name of the nearest folder it is in below the source that says one."""
    names = [file.name, *(folder.name for folder in file.relative_to(source).parents if folder.name)]
    return next(filter(None, map(part_of, names)), None)
