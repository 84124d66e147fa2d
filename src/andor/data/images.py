"""Images as arrays, as viewers show them, and the files that hold them."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from andor.data.classes import Classes, by_number, by_order
from andor.data.formats import DELIMITED, JSON, PARQUET, Delimiting, kind_of
from andor.data.parts import part_of, parted, rows_of
from andor.errors import UserError

BITS, FORMAT, SIGNED = 258, 339, 2
"""TIFF's tags for bits and kind of a sample, and the kind of numbers with a sign."""


def decoded(content: bytes) -> Image.Image:
    """Whole image of a file, the right way up; deeper than eight bits as floats in [0, 1].

    Raises
    ------
    ValueError
        If it is none, or damaged.
    """
    try:
        file = Image.open(io.BytesIO(content))
        white = _white(file)
        image = ImageOps.exif_transpose(file)
    except UnidentifiedImageError:  # which names an object in memory
        raise ValueError("of no format that Pillow knows, or without a beginning") from None
    except Exception as error:  # what somebody damaged can fail anywhere in the reader
        raise ValueError(str(error) or type(error).__name__) from None
    if image.mode != "F" and not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.float64) / white
    if not (values >= 0).all() or not (values <= 1).all():
        raise ValueError(f"pixels from {values.min() * white:g} to {values.max() * white:g}, not 0 to {white:g}")
    return Image.fromarray(values.astype(np.float32))


def _white(image: Image.Image) -> float:
    """What of a deep image is white: 1 of floats, else the largest number of its depth; 16 bits if no tag says it."""
    if image.mode == "F":
        return 1.0
    tags = getattr(image, "tag_v2", {})
    signed = tags.get(FORMAT, (1,))[0] == SIGNED
    return float(2 ** (tags.get(BITS, (16,))[0] - signed) - 1)


def of_files(files: Sequence[Path], shape: tuple[int, int]) -> np.ndarray:
    """Images of files, all in colour, scaled to (H, W): (files, 3, H, W) float32.

    Raises
    ------
    UserError
        If one is none, or damaged.
    """
    images = np.empty((len(files), 3, *shape), np.float32)
    for place, file in enumerate(files):
        try:
            images[place] = pixels(decoded(file.read_bytes()), shape)
        except (OSError, ValueError) as error:
            raise UserError(f"{file}: no readable image ({error}); fetch it again, or leave it out") from None
    return images


def pixels(
    image: Image.Image, shape: tuple[int, int], resize: int | Sequence[int] | None = None, resample: str = "bilinear"
) -> np.ndarray:
    """Image scaled to (H, W) as (C, H, W) float32 in [0, 1]: one channel if grey, three if not.

    Images of mode F are in [0, 1] already.

    Parameters
    ----------
    resize
        Height and width, or the shorter side, to which it is scaled before the middle is cut out, as torchvision does.
    resample
        Name of a filter of Pillow.
    """
    scale = 1.0 if image.mode == "F" else 255.0
    if image.mode not in ("F", "L"):
        image = image.convert("L" if image.mode in ("1", "LA", "La") else "RGB")
    height, width = _sides(image, shape if resize is None else resize)
    image = image.resize((width, height), Image.Resampling[resample.upper()])
    top, left = (round((side - kept) / 2) for side, kept in zip((height, width), shape, strict=True))
    image = image.crop((left, top, left + shape[1], top + shape[0]))
    array = np.asarray(image, dtype=np.float32) / np.float32(scale)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def _sides(image: Image.Image, resize: int | Sequence[int]) -> tuple[int, int]:
    """Height and width to which an image is scaled; of one number, the shorter side."""
    if not isinstance(resize, int):
        height, width = resize
        return height, width
    shorter = min(image.size)
    return int(resize * image.height / shorter), int(resize * image.width / shorter)


def in_colour(content: bytes) -> Image.Image:
    """Image of a file in eight bits of three channels, of the size that it has: what libraries are given."""
    image = decoded(content)
    if image.mode == "F":
        image = Image.fromarray(np.rint(255 * np.asarray(image)).astype(np.uint8))
    return image.convert("RGB")


@dataclass(frozen=True)
class Pictures:
    """The images of a data set, before they are read.

    Attributes
    ----------
    rows : number of each in its origin
    contents : functions that give the bytes of each, or raise a ValueError
    classes : of each
    parts : `train` or `test` of each, or None if nothing says it
    column : what messages call their place
    names : of their files, where they have one
    """

    rows: list[int]
    contents: list[Callable[[], bytes]]
    classes: Classes
    parts: list[str | None]
    column: str
    names: list[str]

    def named(self, row: int) -> str:
        """The name of an image's file, in brackets, or nothing."""
        return f" ({self.names[row]})" if self.names[row] else ""


def pictures(source: Path, column: str, label: str, split: str | None, form: Delimiting) -> Pictures:
    """Images that files of records hold or list, or that lie in a folder for each class.

    Parameters
    ----------
    column, label, split : columns of files of records
    form : how these are written, if they are delimited

    Raises
    ------
    UserError
        If there are no images, or a file of records is not as it should be.
    """
    inside = [source] if source.is_file() else sorted(file for file in source.rglob("*") if file.is_file())
    inside = [file for file in inside if not any(name.startswith((".", "__MACOSX")) for name in _below(file, source))]
    files = [file for file in inside if kind_of(file) in PARQUET]
    files = files or [file for file in inside if len(_below(file, source)) < 2 and kind_of(file) in DELIMITED + JSON]
    if files:
        return _of_records(files, source, column, label, split, form)
    return _of_folders([file for file in inside if _is_image(file)], source)


def _below(file: Path, source: Path) -> tuple[str, ...]:
    """Names of the folders below the source that a file is in, and its own."""
    return file.relative_to(source).parts


@functools.cache
def _endings() -> frozenset[str]:
    """Endings of the images that Pillow reads."""
    kinds = Image.registered_extensions()
    return frozenset(ending for ending, kind in kinds.items() if kind in Image.OPEN and kind not in ("PDF", "MPEG"))


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in _endings()


def _of_folders(files: Sequence[Path], source: Path) -> Pictures:
    """Images in a folder for each class, numbered as torchvision's ImageFolder does, below folders for the splits."""
    places = dict(zip(files, _places(files, source), strict=True))
    split = min(map(len, places.values()), default=0) > 2 and any(
        part_of(place[0]) == "train" for place in places.values()
    )
    depth = min(map(len, places.values()), default=0) - split
    if depth < 2 or (not split and all(part_of(place[0]) for place in places.values())):
        raise UserError(
            f"{source}: holds no folder of images for each class, such as cat/1.png or train/cat/1.png, and neither "
            "Parquet files nor a list of paths in CSV or JSON lines; name one that does"
        )
    parts = dict(zip(files, parted([part_of(place[0]) if split else None for place in places.values()]), strict=True))
    files = sorted((file for file in files if parts[file] != "other"), key=lambda file: parts[file] == "test")
    return Pictures(
        list(range(len(files))),
        [file.read_bytes for file in files],
        by_order([places[file][split] for file in files]),
        [parts[file] for file in files],
        "it",
        ["/".join(_below(file, source)) for file in files],
    )


def _places(files: Sequence[Path], source: Path) -> list[tuple[str, ...]]:
    """Folders and name of each file, without folders that all are in; but with a split that is the only one."""
    places = [_below(file, source) for file in files]
    while len({place[0] for place in places}) == 1 and (depth := min(map(len, places))) > 2:
        if depth == 3 and part_of(places[0][0]):
            break
        places = [place[1:] for place in places]
    return places


def _of_records(
    files: Sequence[Path], source: Path, column: str, label: str, split: str | None, form: Delimiting
) -> Pictures:
    """Images in files of records, as bytes, as bytes beside a path, or as paths that start from the file's folder."""
    found = rows_of(files, source, [column, label], split, form)
    cells = found.cells[column]
    return Pictures(
        found.numbers,
        [functools.partial(_content, cell, file.parent, source) for cell, file in zip(cells, found.files, strict=True)],
        by_number(found.cells[label], str(source), label, found.classes.get(label, ())),
        found.parts,
        f"column `{column}`",
        [_path(cell) or "" for cell in cells],
    )


def _path(cell: Any) -> str | None:
    """The path that a cell holds in place of an image, if it does."""
    if isinstance(cell, dict):
        return None if isinstance(cell.get("bytes"), bytes) else cell.get("path")
    return cell if isinstance(cell, str) else None


def _content(cell: Any, folder: Path, source: Path) -> bytes:
    """Bytes of the image that a cell holds or names."""
    content = cell.get("bytes") if isinstance(cell, dict) else cell
    if isinstance(content, bytes):
        return content
    if not (path := _path(cell)):
        raise ValueError("no bytes")
    place = (folder / path.strip().replace("\\", "/")).resolve()
    if not place.is_relative_to(source.resolve()):
        raise ValueError("outside of the source; write paths that start from the file's folder")
    try:
        return place.read_bytes()
    except (OSError, ValueError) as error:
        raise ValueError(getattr(error, "strerror", None) or str(error)) from None
