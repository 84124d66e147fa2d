"""Small stand-ins for what `config/paper_icml.yaml` has fetched by hand, in the layouts of the origins."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

RANDOM, NOISE = np.random.default_rng(0), torch.Generator()
SEEDED = RANDOM.bit_generator.state


def make(folder: Path) -> None:
    """All of them, where the configuration has them; the same at every call."""
    RANDOM.bit_generator.state = SEEDED
    NOISE.manual_seed(0)
    data = folder / "data"
    for name, side, channels, players in (
        ("simpleisthree", 32, 1, 8),
        ("celeba_eyeglasses", 224, 3, 9),
        ("bg_bird", 224, 3, 8),
    ):
        segments(data / "player-segments" / f"{name}-segments" / "class_1", side, channels, players)
    celeba(data / "celeba")
    birds(data / "bg-bird")
    shapenet(data / "shapenetcore_partanno_segmentation_benchmark_v0")
    tables(data)


def segments(folder: Path, side: int, channels: int, players: int) -> None:
    """Two samples of the authors: tensors of image and label, lists of pixels, and files that are of no use here."""
    folder.mkdir(parents=True)
    for number in (7, 12):
        torch.save(torch.rand(1, channels, side, side, generator=NOISE), folder / f"sample_{number:05d}_image.pth")
        torch.save(torch.tensor([[1]]), folder / f"sample_{number:05d}_label.pth")
        pixels = RANDOM.permutation(side**2)[: 4 * players].reshape(players, 4).tolist()
        (folder / f"sample_{number:05d}_players.json").write_text(json.dumps(pixels, indent=4))
        (folder / f"sample_{number:05d}_hq.json").write_text('{"version": "5.0.1", "shapes": []}')


def celeba(folder: Path) -> None:
    """Ten faces with three attributes: six to train on, two for validation, two to test."""
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06d}.jpg" for number in range(1, 11)]
    for name in names:
        picture(folder / "img_align_celeba" / name, (178, 218))
    rows = [f"{name} {1 if place % 2 else -1:2d} -1  1" for place, name in enumerate(names)]
    lines = [str(len(names)), "Eyeglasses Smiling Young ", *rows]
    (folder / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    parts = [0] * 6 + [1] * 2 + [2] * 2
    rows = [f"{name} {part}" for name, part in zip(names, parts, strict=True)]
    (folder / "list_eval_partition.txt").write_text("\n".join(rows) + "\n")


def birds(folder: Path) -> None:
    """Two classes, with and without a bird."""
    for part, count in (("train", 3), ("test", 2)):
        for name in ("class_0", "class_1"):
            (folder / part / name).mkdir(parents=True)
            for number in range(count):
                picture(folder / part / name / f"{number}.jpg", (224, 224))


def picture(file: Path, size: tuple[int, int]) -> None:
    """A picture of noise."""
    Image.fromarray(RANDOM.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)).save(file)


def shapenet(folder: Path) -> None:
    """Two shapes to train on and one to test of each of two categories, with six parts."""
    (folder / "train_test_split").mkdir(parents=True)
    numbers = {"Airplane": "02691156", "Motorbike": "03790512"}
    rows = [f"{name}\t{number}" for name, number in numbers.items()]
    (folder / "synsetoffset2category.txt").write_text("\n".join(rows) + "\n")
    listed: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for name, number in numbers.items():
        for kind in ("points", "points_label"):
            (folder / number / kind).mkdir(parents=True)
        for place, part in enumerate(["train", "train", "val", "test"]):
            shape = f"{name.lower()}{place}"
            np.savetxt(folder / number / "points" / f"{shape}.pts", RANDOM.normal(size=(60, 3)), fmt="%.5f")
            np.savetxt(folder / number / "points_label" / f"{shape}.seg", np.arange(60) % 6 + 1, fmt="%d")
            listed[part].append(f"shape_data/{number}/{shape}")
    for part, shapes in listed.items():
        (folder / "train_test_split" / f"shuffled_{part}_file_list.json").write_text(json.dumps(shapes))


RAISIN = ["Area", "MajorAxisLength", "MinorAxisLength", "Eccentricity", "ConvexArea", "Extent", "Perimeter"]
PHISHING = [
    "SFH", "popUpWidnow", "SSLfinal_State", "Request_URL", "URL_of_Anchor", "web_traffic", "URL_Length",
    "age_of_domain", "having_IP_Address",
]  # fmt: skip


def tables(folder: Path) -> None:
    """Forty rows of each table of UCI."""
    cells, signs = RANDOM.random((40, 10)).round(2), RANDOM.integers(-1, 2, (40, 9))

    def rows(between: str, values: np.ndarray, classes: list, first: str = "") -> list[str]:
        """Lines of cells, with a name or number before them and a class behind."""
        return [
            first.format(row) + between.join([*map(str, own), str(classes[row % len(classes)])])
            for row, own in enumerate(values)
        ]

    write(folder / "wifi_localization.txt", rows("\t", RANDOM.integers(-99, 0, (40, 7)), [1, 2, 3, 4]))
    write(folder / "yeast.data", rows("  ", cells[:, :8], ["MIT", "CYT", "NUC"], "P{}_YEAST  "))
    write(folder / "glass.data", rows(",", cells[:, :9], [1, 2, 7], "{},"))
    head = ["% raisins", "@RELATION Raisin", *(f"@ATTRIBUTE {name} REAL" for name in RAISIN)]
    body = ["@ATTRIBUTE Class {Kecimen, Besni}", "@DATA", *rows(",", cells[:, :7], ["Kecimen", "Besni"])]
    write(folder / "Raisin_Dataset.arff", head + body)
    head = ["@relation phishing", *(f"@attribute {name}  {{ 1,-1,0}}" for name in [*PHISHING, "Result"]), "", "@data"]
    write(folder / "PhishingData.arff", head + rows(",", signs, [-1, 0, 1]))
    shots = (" ".join(f"{place + 1}:{value}" for place, value in enumerate(own) if value > 0.3) for own in cells)
    write(folder / "BBC.txt", [f"{1 if row % 2 else -1} {shot} 4125:0.5" for row, shot in enumerate(shots)])


def write(file: Path, lines: list[str]) -> None:
    """A text of lines."""
    file.write_text("\n".join(lines) + "\n")
