"""Images as every viewer shows them, and classes by number or name."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision import transforms

from andor.data.classes import class_names
from andor.data.images import decoded, pixels
from andor.data.readers.images import ImagesData
from andor.data.readers.point_clouds import PointCloudsData
from andor.data.table import arrays
from andor.errors import UserError

GREY = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def encoded(image, kind="PNG", **more):
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, kind, **more)
    return stream.getvalue()


def read(folder, images, labels=None, positive=None, metadata=None):
    labels = [0, 1] * (len(images) // 2) if labels is None else labels
    for part in ("train", "test"):
        table = pa.table({"image": [{"bytes": image, "path": None} for image in images], "label": labels})
        pq.write_table(table.replace_schema_metadata(metadata), folder / f"{part}.parquet")
    return ImagesData(reader="images", source="x", size=8, positive=positive).read(folder, seed=0)


UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored[::-1].swapaxes(0, 1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored[:, ::-1].swapaxes(0, 1),
}
"""EXIF 2.32, 4.6.5: where row 0 and column 0 of the stored pixels are in the picture."""


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("stored", [GREY, COLOUR], ids=["grey", "colour"])
def test_orientation(orientation, stored, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = arrays(read(tmp_path, [encoded(stored, exif=exif)] * 2))[0]
    expected = UPRIGHT[orientation](stored).reshape(8, 8, -1).transpose(2, 0, 1)
    np.testing.assert_allclose(shown * 255, expected, rtol=1e-6)


DEEP = np.random.default_rng(2).integers(0, 65536, (8, 8)).astype(np.uint16)
SIGNED = np.random.default_rng(3).integers(0, 2**31 - 1, (8, 8)).astype(np.int32)
FLOAT = np.random.default_rng(4).random((8, 8)).astype(np.float32)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (encoded(DEEP), DEEP / 65535),
        (encoded(DEEP, "TIFF"), DEEP / 65535),
        (encoded(Image.frombytes("I;16B", (8, 8), DEEP.astype(">u2").tobytes()), "TIFF"), DEEP / 65535),
        (encoded(DEEP, "PPM"), DEEP / 65535),
        (encoded(SIGNED, "TIFF"), SIGNED / (2**31 - 1)),
        (encoded(FLOAT, "TIFF"), FLOAT),
    ],
    ids=["PNG", "TIFF", "TIFF, large end first", "PGM", "32 bits", "floats"],
)
def test_depth(file, expected, tmp_path):
    np.testing.assert_allclose(arrays(read(tmp_path, [file] * 2))[0, 0], expected, rtol=1e-5)


def test_floats_that_are_no_shares_of_white_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"no readable image in row 1 .* \(pixels from 0.* to 2[.\d]*, not 0 to 1\)"):
        read(tmp_path, [encoded(FLOAT, "TIFF"), encoded(FLOAT / FLOAT.max() * 2, "TIFF")])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_is_what_pillow_makes_of_it(mode, tmp_path):
    image = Image.fromarray(COLOUR).convert(mode)
    expected = np.asarray(image.convert("L" if mode in ("1", "L", "LA") else "RGB")).reshape(8, 8, -1)
    np.testing.assert_allclose(
        arrays(read(tmp_path, [encoded(image)] * 2))[0] * 255, expected.transpose(2, 0, 1), rtol=1e-6
    )


@pytest.mark.parametrize("size", [(40, 40), (41, 63), (90, 37), (300, 17)])
def test_what_is_cut_out_is_what_torchvision_cuts_out(size):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8))
    for shape, resize in (((24, 24), 31), ((20, 24), 24), ((24, 20), [31, 28])):
        for resample in ("bilinear", "bicubic"):
            scale = transforms.Resize(resize, transforms.InterpolationMode(resample))
            expected = transforms.Compose([scale, transforms.CenterCrop(shape), transforms.ToTensor()])(image)
            np.testing.assert_array_equal(pixels(image, shape, resize, resample), expected)


def test_files_of_the_first_images_for_testing_are_kept(tmp_path):
    files = [encoded(COLOUR + np.uint8(number)) for number in range(20)]
    table = read(tmp_path, files)
    kept = [(row["item"], row["file"]) for row in table.select(["item", "file", "split"]).to_pylist() if row["file"]]
    test = [row["item"] for row in table.select(["item", "split"]).to_pylist() if row["split"] == "test"]
    assert kept == [(item, files[item - 20]) for item in test[:3]] and len(kept) == 3


@pytest.mark.parametrize("resize", [16, [40, 16]])
def test_more_than_there_is_cannot_be_cut_out(resize):
    with pytest.raises(ValueError, match=r"`resize: .*` is less than `size: 24`, which is cut out; raise it"):
        ImagesData(reader="images", source="x", size=24, resize=resize)


def test_a_damaged_image_is_named_with_its_row(tmp_path):
    whole = encoded(COLOUR)
    with pytest.raises(UserError, match=r"no readable image in row 3 and in 3 others, counted .*; mend these rows"):
        read(tmp_path, [whole, whole, whole, whole[: len(whole) // 2], whole, b""])


class TestClasses:
    images = [encoded(GREY)] * 4

    def test_names_are_numbered_in_their_order(self, tmp_path):
        assert read(tmp_path, self.images, ["dog", "cat", "dog", "eel"])["label"].to_pylist()[:4] == [1, 0, 1, 2]
        table = read(tmp_path, self.images, ["dog", "cat", "dog", "eel"], positive="dog")
        assert table["label"].to_pylist()[:4] == [1, 0, 1, 0]
        with pytest.raises(UserError, match=r"`data.positive: 3`: 0 of 8 items .* choose one of \['cat', 'dog'\]"):
            read(tmp_path, self.images, ["dog", "cat"] * 2, positive=3)

    def test_names_that_the_hub_states(self, tmp_path):
        features = {"label": {"names": ["plane", "car"], "_type": "ClassLabel"}}
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        table = read(tmp_path, self.images, [0, 1, 1, 0], positive="plane", metadata=metadata)
        assert table["label"].to_pylist()[:4] == [1, 0, 0, 1]
        with pytest.raises(UserError, match=r"choose one of \['plane', 'car'\]"):
            read(tmp_path, self.images, [0, 1, 1, 0], positive="boat", metadata=metadata)

    @pytest.mark.parametrize(
        ("labels", "positive", "message"),
        [
            ([-1, 0, 1, 0], None, "holds -1, in 2 rows negative numbers, which stand for hidden labels"),
            ([-1, 3, 1, -1], 3, "holds -1, in 4 rows negative numbers"),
            ([None, 0, 1, 0], None, "column `label` has 2 empty cells"),
            ([None, "cat", "dog", "cat"], None, "column `label` has 2 empty cells"),
            ([0.5, 0, 1, 0], None, r"column `label` holds 0\.5; name one of names or whole numbers"),
            ([float("nan"), 0, 1, 0], None, r"column `label` holds nan; name one"),
            ([40000, 0, 1, 0], None, "holds 40000; number the classes from 0"),
        ],
    )
    def test_what_is_no_class(self, labels, positive, message, tmp_path):
        with pytest.raises(UserError, match=message):
            read(tmp_path, self.images, labels, positive)

    def test_whole_numbers_of_any_type(self, tmp_path):
        assert read(tmp_path, self.images, [0.0, 1.0, 2.0, 1.0])["label"].to_pylist()[:4] == [0, 1, 2, 1]
        assert read(tmp_path, self.images, [True, False, True, False])["label"].to_pylist()[:4] == [1, 0, 1, 0]

    def test_classes_of_point_clouds(self, tmp_path):
        for part in ("train", "test"):
            table = pa.table({"points": [[[0.0, 0.0, 0.0]]] * 2, "label": ["chair", "lamp"]})
            pq.write_table(table, tmp_path / f"{part}.parquet")
        table = PointCloudsData(reader="point_clouds", source="x", positive="lamp").read(tmp_path, seed=0)
        assert table["label"].to_pylist() == [0, 1, 0, 1]


def draw(path, image=COLOUR):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return np.float32(image).reshape(8, 8, -1).transpose(2, 0, 1)


def of_folder(folder, **more):
    return ImagesData(reader="images", source="x", **{"size": 8, **more}).read(folder, seed=0)


class TestFolders:
    @pytest.mark.slow  # torchvision takes seconds to import
    def test_as_torchvision_reads_them(self, tmp_path):
        from torchvision.datasets import ImageFolder

        random = np.random.default_rng(0)
        for name in ("cat/a.png", "cat/deep/b.bmp", "10/c.png", "2/d.jpg", "eel/e.webp", "eel/notes.txt"):
            if not name.endswith("txt"):
                draw(tmp_path / name, random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            else:
                (tmp_path / name).write_text("no image")
        theirs = ImageFolder(tmp_path)
        table = of_folder(tmp_path, test_fraction=1)
        assert class_names(table) == theirs.classes == ["10", "2", "cat", "eel"]
        assert table["label"].to_pylist() == theirs.targets
        for ours, (image, _) in zip(arrays(table), theirs, strict=True):
            np.testing.assert_allclose(ours * 255, np.asarray(image, np.float32).transpose(2, 0, 1), rtol=1e-6)
        cats = of_folder(tmp_path, test_fraction=1, positive="cat")
        assert class_names(cats) == ["not cat", "cat"] and sum(cats["label"].to_pylist()) == 2

    @pytest.mark.parametrize("below", ["", "archive/", "a/b/"])
    @pytest.mark.parametrize("held_out", ["test", "val", "Validation"])
    def test_splits_are_folders(self, below, held_out, tmp_path):
        for name in ("train/dog/1.png", "train/cat/2.png", f"{held_out}/dog/3.png", f"{held_out}/cat/4.png"):
            draw(tmp_path / below / name)
        draw(tmp_path / below / "unlabelled/x/5.png")
        table = of_folder(tmp_path).to_pandas()
        assert table.groupby("split")["label"].agg(sorted).to_dict() == {"test": [0, 1], "train": [0, 1]}

    def test_a_split_is_drawn(self, tmp_path):
        for number in range(16):
            draw(tmp_path / f"train/{'cat' if number % 4 else 'train'}/{number}.png")  # a class may be called so
        table = of_folder(tmp_path, test_fraction=0.25).to_pandas()
        assert table.groupby("split")["label"].agg(sorted).to_dict() == {
            "test": [0, 0, 0, 1],
            "train": [0] * 9 + [1] * 3,
        }

    def test_a_damaged_file_is_named_or_left_out(self, tmp_path, caplog):
        for number in range(4):
            draw(tmp_path / f"{'cat' if number % 2 else 'dog'}/{number}.png")
        whole = (tmp_path / "dog/0.png").read_bytes()
        (tmp_path / "dog/0.png").write_bytes(whole[:60])
        with pytest.raises(UserError, match=r"in row 2 \(dog/0.png\), counted from 0 .* or set `data.damaged: skip`"):
            of_folder(tmp_path)
        with caplog.at_level("INFO"):
            table = of_folder(tmp_path, damaged="skip", test_fraction=1)
        assert table["item"].to_pylist() == [0, 1, 3] and table["label"].to_pylist() == [0, 0, 1]
        assert "3 images read, 1 left out as damaged" in caplog.text and "dog/0.png" in caplog.text
        for file in tmp_path.rglob("*.png"):
            file.write_bytes(b"")
        with pytest.raises(UserError, match="no readable image in row 0"):
            of_folder(tmp_path, damaged="skip")

    def test_no_squares(self, tmp_path):
        image = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
        for name in ("cat/1.png", "dog/2.png"):
            (tmp_path / name).parent.mkdir()
            Image.fromarray(image).save(tmp_path / name)
        settings = ImagesData(reader="images", source="x", size=[12, 20], test_fraction=1)
        assert settings.shape == (12, 20)
        np.testing.assert_allclose(arrays(settings.read(tmp_path, 0))[0] * 255, image.transpose(2, 0, 1), rtol=1e-6)

    @pytest.mark.parametrize("files", [["1.png"], ["train/1.png", "test/2.png"], ["cat/a.txt"]])
    def test_folders_without_classes(self, files, tmp_path):
        for name in files:
            draw(tmp_path / name) if name.endswith("png") else (tmp_path / name).parent.mkdir()
        with pytest.raises(UserError, match="holds no folder of images for each class"):
            of_folder(tmp_path)


class TestLists:
    @pytest.mark.parametrize("name", ["list.csv", "list.jsonl", "data.parquet"])
    def test_paths(self, name, tmp_path):
        shown = [draw(tmp_path / f"pictures/{number}.png", np.roll(COLOUR, number, 0)) for number in range(4)]
        frame = pd.DataFrame({"file": [f"pictures/{n}.png" for n in range(4)], "kind": ["cat", "dog"] * 2})
        frame["part"] = ["train", "train", "valid", "test"]
        write = {"list.csv": frame.to_csv, "list.jsonl": frame.to_json, "data.parquet": frame.to_parquet}[name]
        write(tmp_path / name, **{"lines": True, "orient": "records"} if "json" in name else {"index": False})
        table = of_folder(tmp_path, image="file", label="kind", split="part")
        assert table["split"].to_pylist() == ["train", "train", "test"] and class_names(table) == ["cat", "dog"]
        np.testing.assert_allclose(arrays(table) * 255, shown[:3], rtol=1e-6)
        table = of_folder(tmp_path, image="file", label="kind", test_fraction=1)
        assert table["label"].to_pylist() == [0, 1, 0, 1]

    def test_paths_of_the_hub(self, tmp_path):
        shown = draw(tmp_path / "data/images/1.png")
        cells = [{"bytes": None, "path": "images/1.png"}, {"bytes": encoded(COLOUR), "path": "gone.png"}]
        pq.write_table(pa.table({"image": cells, "label": [0, 1]}), tmp_path / "data/train.parquet")
        np.testing.assert_allclose(arrays(of_folder(tmp_path, test_fraction=1)) * 255, [shown] * 2, rtol=1e-6)

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("gone.png", r"in row 1 \(gone.png\), .* \(No such file or directory\)"),
            ("../x.png", "outside of the source; write paths that start from the file's folder"),
            ("/etc/hostname", "outside of the source"),
            ("", "no bytes"),
            ("a" * 5000, "File name too long"),
            ("a\0b", "null byte"),
        ],
    )
    def test_paths_that_lead_nowhere(self, path, message, tmp_path):
        draw(tmp_path / "1.png")
        rows = [{"image": "1.png", "label": 0}, {"image": path, "label": 1}]
        (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, rows)))
        with pytest.raises(UserError, match=message):
            of_folder(tmp_path)


@given(
    st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I;16"]),
    st.sampled_from(["PNG", "TIFF", "BMP", "WEBP", "GIF", "JPEG", "PPM"]),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=80, deadline=None)
def test_pixels_of_every_mode_and_format_are_pillows(mode, kind, size, seed):
    random = np.random.default_rng(seed)
    image = Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8))
    image = (
        image.convert("L").convert("I").point(lambda x: x * 257).convert(mode) if mode == "I;16" else _in(image, mode)
    )
    try:
        content = encoded(image, kind)
    except (OSError, KeyError, ValueError):  # the format does not have this mode
        return
    stored = Image.open(io.BytesIO(content))
    deep = stored.mode.startswith("I")
    grey = stored.mode in ("1", "L", "LA") or deep
    expected = (
        np.asarray(stored, np.float64) / 65535 if deep else np.asarray(stored.convert("L" if grey else "RGB")) / 255
    )
    found = pixels(decoded(content), size)
    np.testing.assert_allclose(found, expected.reshape(*size, -1).transpose(2, 0, 1), rtol=1e-5, atol=1e-7)


def _in(image, mode):
    if mode == "I;16":
        return image.convert("L").convert("I").point(lambda grey: grey * 257).convert(mode)
    return image.convert("RGB").convert(mode) if mode != "LAB" else Image.frombytes("LAB", image.size, image.tobytes())
