"""Images as every viewer shows them, and classes by number or name."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

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
