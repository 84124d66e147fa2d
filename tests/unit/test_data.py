import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pydantic import ValidationError
from sklearn.datasets import load_digits

from andor.data.readers.digits import DigitsData
from andor.data.readers.film_reviews import FilmReviewsData
from andor.data.readers.images import ImagesData
from andor.data.readers.passages import PassagesData
from andor.data.readers.point_clouds import PointCloudsData
from andor.data.readers.reviews import ReviewsData
from andor.data.readers.scikit_learn import ScikitLearnData
from andor.data.readers.sentences import SentencesData
from andor.data.readers.shapes import ShapesData
from andor.data.readers.table import TableData
from andor.data.table import arrays
from andor.errors import UserError
from andor.models.labels import relabelled

REVIEWS = """1\t2.5\tA  "warm" and   funny film
2\t-1.25\tTedious &amp; cold
3\t0.2\tIt exists
4\t1.5\tTwice the 'fun'
5\t-3.0\tBad
6\t0.5\tTwice the 'fun'
7\t-0.5\tNot good
8\t1.0\tVery good"""


def reviews(tmp_path, text=REVIEWS, **settings):
    source = tmp_path / "reviews.txt"
    source.write_bytes(text.replace("\n", "\r\n").encode())
    return FilmReviewsData(reader="film_reviews", source="vader", **settings).read(source, seed=0)


def column(table, name):
    return table[name].to_pylist()


class TestDigits:
    def test_table(self):
        table = DigitsData(reader="digits").read(None, seed=0)
        origin = load_digits()
        assert table.schema.names == ["item", "split", "label", "image"]
        assert [table.schema.field(name).type for name in ("item", "split", "label")] == [
            pa.int32(),
            pa.string(),
            pa.int16(),
        ]
        assert json.loads(table.schema.metadata[b"shape"]) == [1, 32, 32]
        assert column(table, "label") == (origin.target == 3).tolist()
        images = arrays(table)
        assert images.dtype == np.float32
        assert images.shape == (1797, 1, 32, 32)
        assert images.min() == 0 and images.max() == 1
        # Averaged over its 4×4 pixels, an upscaled pixel is near the one it came from.
        blocks = images.reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4))
        assert np.corrcoef(blocks.ravel(), origin.images.ravel())[0, 1] > 0.97

    def test_size_of_the_origin_keeps_every_pixel(self):
        table = DigitsData(reader="digits", size=8).read(None, seed=0)
        np.testing.assert_array_equal(arrays(table)[:, 0] * 16, load_digits().images)

    def test_split_is_stratified_and_follows_the_seed(self):
        first, again, other = (DigitsData(reader="digits", size=8).read(None, seed) for seed in (0, 0, 1))
        assert first.equals(again)
        assert column(first, "split") != column(other, "split")
        labels, test = np.array(column(first, "label")), np.array(column(first, "split")) == "test"
        assert test.sum() == 450
        assert abs(labels[test].mean() - labels[~test].mean()) < 0.002


class TestFilmReviews:
    def test_table(self, tmp_path):
        table = reviews(tmp_path)
        assert table.schema.names == ["item", "split", "label", "text"]
        assert dict(zip(column(table, "item"), column(table, "text"), strict=True)) == {
            0: 'A "warm" and funny film', 1: "Tedious & cold", 3: "Twice the 'fun'", 4: "Bad",
            6: "Not good", 7: "Very good",
        }  # fmt: skip
        assert column(table, "label") == [1, 0, 1, 0, 0, 1]
        assert sorted(column(table, "split")) == ["test"] * 2 + ["train"] * 4

    def test_scores_of_a_repeated_sentence_are_averaged(self, tmp_path):
        assert 3 in column(reviews(tmp_path, min_score=1.0), "item")
        assert 3 not in column(reviews(tmp_path, REVIEWS + "\n9\t4\tGreat", min_score=1.01, test_fraction=0.5), "item")

    def test_too_few_of_a_label(self, tmp_path):
        with pytest.raises(
            UserError, match=r"`data.test_fraction: 0.25` does not fit 2 items of label 0 and 1 of label 1"
        ):
            reviews(tmp_path, min_score=1.01)
        with pytest.raises(UserError, match=r"`data.train_limit: 1` does not fit 2 items of label 0 and 2 of label 1"):
            reviews(tmp_path, train_limit=1)

    def test_a_score_of_0_has_no_label(self, tmp_path):
        table = reviews(tmp_path, REVIEWS.replace("0.2", "0.0"), min_score=0.0)
        assert 2 not in column(table, "item")

    def test_train_limit_drops_training_items_only(self, tmp_path):
        whole, limited = reviews(tmp_path), reviews(tmp_path, train_limit=2)
        test = [row for row in whole.to_pylist() if row["split"] == "test"]
        assert [row for row in limited.to_pylist() if row["split"] == "test"] == test
        train = [row for row in limited.to_pylist() if row["split"] == "train"]
        assert sorted(row["label"] for row in train) == [0, 1]
        assert all(row in whole.to_pylist() for row in train)
        assert reviews(tmp_path, train_limit=100).equals(whole)

    @pytest.mark.parametrize("text", ["1\tgood\tA sentence", "1\t2.0", "", "1\t2.0\t"])
    def test_another_format(self, tmp_path, text):
        with pytest.raises(UserError, match=r"`data.source: vader`: .*movieReviewSnippets"):
            reviews(tmp_path, text)

    def test_missing_file(self, tmp_path):
        settings = FilmReviewsData(reader="film_reviews", source="vader")
        with pytest.raises(UserError, match=r"`data.source: vader`: .*none.txt is not there; fetch the sources first"):
            settings.read(tmp_path / "none.txt", seed=0)


def png(pixels, mode=None):
    stream = io.BytesIO()
    Image.fromarray(pixels, mode).save(stream, "PNG")
    return stream.getvalue()


def write(path, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


class TestImages:
    settings = ImagesData(reader="images", source="mnist", positive=3, size=8)

    def test_table(self, tmp_path):
        random = np.random.default_rng(0)
        grey = random.integers(0, 256, (4, 8, 8), dtype=np.uint8)
        rows = [{"bytes": png(image), "path": None} for image in grey]
        write(tmp_path / "mnist/train-00000-of-00002.parquet", image=rows[:2], label=[3, 1])
        write(tmp_path / "mnist/train-00001-of-00002.parquet", image=rows[2:3], label=[0])
        write(tmp_path / "mnist/test-00000-of-00001.parquet", image=rows[3:], label=[3])
        table = self.settings.read(tmp_path, seed=0)
        assert column(table, "split") == ["train", "train", "train", "test"]
        assert column(table, "label") == [1, 0, 0, 1]
        assert column(table, "item") == [0, 1, 2, 3]
        np.testing.assert_allclose(arrays(table)[:, 0] * 255, grey, rtol=1e-6)

    def test_a_grey_image_among_colour_ones(self, tmp_path):
        colour = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        write(tmp_path / "train.parquet", image=[png(colour)], label=[3])
        write(tmp_path / "test.parquet", image=[png(colour[..., 0])], label=[1])
        first, second = arrays(self.settings.read(tmp_path, seed=0))
        np.testing.assert_allclose(first * 255, colour.transpose(2, 0, 1), rtol=1e-6)
        np.testing.assert_array_equal(second, np.stack([first[0]] * 3))

    def test_bad_input(self, tmp_path):
        with pytest.raises(UserError, match=r"holds no folder of images for each class, such .*; name one"):
            self.settings.read(tmp_path, seed=0)
        write(tmp_path / "train.parquet", image=[b"no image"], label=[3])
        write(tmp_path / "test.parquet", image=[b"no image"], digit=[1])
        with pytest.raises(UserError, match="no column `label`; it has image, digit"):
            self.settings.read(tmp_path, seed=0)
        write(tmp_path / "test.parquet", image=[b"no image"], label=[1])
        with pytest.raises(UserError, match="column `image` holds no readable image"):
            self.settings.read(tmp_path, seed=0)
        write(tmp_path / "train.parquet", image=[b"no image"], label=[1])
        with pytest.raises(UserError, match=r"`data.positive: 3`: 0 of 2 items .* choose one of \[1\]"):
            self.settings.read(tmp_path, seed=0)
        (tmp_path / "train.parquet").write_bytes(b"PAR1 cut off")
        with pytest.raises(UserError, match=r"train.parquet: no readable .parquet file"):
            self.settings.read(tmp_path, seed=0)


class TestReviews:
    settings = ReviewsData(reader="reviews", source="imdb")
    LINES = (
        "text,label\n"
        '"A ""warm"" film.<br /><br />Its  end,\nwell &amp; good<br/><BR>\n<br />no.<br />",1\n'
        '" <br />",0\n'
        "NA,0\n"
    )

    def test_a_csv_file(self, tmp_path):
        (tmp_path / "sample.csv").write_text(self.LINES, encoding="utf-8")
        table = self.settings.read(tmp_path / "sample.csv", seed=0)
        assert table.to_pylist() == [
            {"item": 0, "split": "test", "label": 1, "text": 'A "warm" film.\n\nIts end,\nwell & good\n\nno.'},
            {"item": 2, "split": "test", "label": 0, "text": "NA"},
        ]
        assert not self.settings.trains and self.settings.two_labels

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("text,label\nfine,2\n", "holds '2' there; name a column of 0 and 1"),
            ("text,label\nfine,\n", "holds '' there; name a column of 0 and 1"),
            ("text,stars\nfine,1\n", "no column `label`; it has text, stars"),
            ("", "no readable table"),
            ('text,label\n"a', "no readable table"),
        ],
    )
    def test_a_file_that_is_wrong(self, tmp_path, text, message):
        (tmp_path / "sample.csv").write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=message):
            self.settings.read(tmp_path / "sample.csv", seed=0)


class TestSentences:
    settings = SentencesData(reader="sentences", source="sst2")

    def test_validation_is_the_test_split(self, tmp_path):
        write(tmp_path / "data/train-0.parquet", idx=[7, 8, 9], sentence=["a film ", "", "bad"], label=[1, 1, 0])
        write(tmp_path / "data/validation-0.parquet", idx=[1], sentence=["so good"], label=[1])
        write(tmp_path / "data/test-0.parquet", idx=[1], sentence=["hidden"], label=[-1])
        table = self.settings.read(tmp_path, seed=0)
        assert table.to_pylist() == [
            {"item": 0, "split": "train", "label": 1, "text": "a film"},
            {"item": 2, "split": "train", "label": 0, "text": "bad"},
            {"item": 3, "split": "test", "label": 1, "text": "so good"},
        ]

    @pytest.mark.parametrize("label", [2, -1, None])
    def test_labels_other_than_0_and_1(self, tmp_path, label):
        write(tmp_path / "train.parquet", sentence=["a", "b"], label=[0, 1])
        write(tmp_path / "test.parquet", sentence=["c"], label=pa.array([label], pa.int64()))
        with pytest.raises(UserError, match=rf"`data.label: label`: .* holds {label} there; name a column of 0 and 1"):
            self.settings.read(tmp_path, seed=0)

    def test_missing_column(self, tmp_path):
        write(tmp_path / "train.parquet", text=["a"], label=[0])
        write(tmp_path / "test.parquet", text=["c"], label=[1])
        with pytest.raises(UserError, match="no column `sentence`; it has text, label"):
            self.settings.read(tmp_path, seed=0)


class TestPassages:
    settings = PassagesData(reader="passages", source="squad", words=4)

    @pytest.mark.parametrize(
        ("passage", "prompt"),
        [
            ("Rivers flow past cities quietly always", "Rivers flow past cities"),
            ("Rivers flow past cities and oceans", "Rivers flow past cities and"),  # the next word was a stop word
            ("Rivers flow past cities 1999 oceans", "Rivers flow past cities 1999"),  # or a number
            ("Rivers flow. Cities grow near oceans since long ago", "Rivers flow. Cities grow near oceans since"),
            ("Rivers flow , past cities ( oceans", "Rivers flow , past cities ("),  # punctuation is no word
            ('He said "no." Next came this long winter night', 'He said "no." Next came this long winter'),
        ],
    )
    def test_prompt(self, tmp_path, passage, prompt):
        (tmp_path / "test.jsonl").write_text(json.dumps({"context": passage}) + "\n")
        table = self.settings.read(tmp_path, seed=0)
        assert table.to_pylist() == [{"item": 0, "split": "test", "label": 0, "text": prompt}]

    def test_repeated_and_short_passages(self, tmp_path):
        write(tmp_path / "train-0.parquet", context=["never read in the presence of a held-out part"])
        long, short = "Oxygen forms stable bonds quickly", "Rivers flow past cities"
        write(
            tmp_path / "validation-0.parquet", context=[short, long, None, f" {long} ", "Iron also forms stable bonds"]
        )
        table = self.settings.read(tmp_path, seed=0)
        assert column(table, "item") == [1, 4]
        assert column(table, "text") == ["Oxygen forms stable bonds", "Iron also forms stable"]

    def test_file(self, tmp_path):
        write(tmp_path / "any.parquet", context=["Rivers flow past cities slowly"])
        assert column(self.settings.read(tmp_path / "any.parquet", seed=0), "text") == ["Rivers flow past cities"]

    def test_bad_input(self, tmp_path):
        with pytest.raises(UserError, match=r"holds no .parquet or .jsonl file"):
            self.settings.read(tmp_path, seed=0)
        file = tmp_path / "test.jsonl"
        file.write_text('{"passage": "One two"}\n')
        with pytest.raises(UserError, match="no column `context`; it has passage"):
            self.settings.read(tmp_path, seed=0)
        file.write_text('{"context": "One two"}\n')
        with pytest.raises(UserError, match=r"`data.words: 4`: no passage of .*; lower it"):
            self.settings.read(tmp_path, seed=0)
        file.write_text("{broken\n")
        with pytest.raises(UserError, match=r"test.jsonl: no readable JSON lines"):
            self.settings.read(tmp_path, seed=0)


class TestTables:
    CSV = """size,colour,kind,weight
1,red,b,5
2,blue,a,5
3,red,b,5
4,green,a,5
5,red,b,5
6,blue,a,5
7,red,b,5
8,blue,a,5
"""

    def table(self, tmp_path, text=CSV, name="t.csv", **settings):
        (tmp_path / name).write_text(text)
        settings = {"label": "kind", **settings}
        return TableData(reader="table", source="t", **settings).read(tmp_path / name, seed=0)

    def test_numbers_are_standardised_by_the_training_rows_and_texts_become_indicators(self, tmp_path):
        table = self.table(tmp_path)
        columns = json.loads(table.schema.metadata[b"columns"])
        features, train = arrays(table), np.asarray(column(table, "split")) == "train"
        assert column(table, "label") == [1, 0] * 4  # a, b in their order
        size = np.arange(1.0, 9)
        expected = (size - size[train].mean()) / size[train].std()
        np.testing.assert_allclose(features[:, columns["size"][0]], expected, rtol=1e-6)
        colours = np.array(["red", "blue", "red", "green", "red", "blue", "red", "blue"])
        known = sorted(set(colours[train]))
        for position, colour in zip(columns["colour"], known, strict=True):
            assert features[:, position].tolist() == (colours == colour).tolist()
        assert not features[:, columns["weight"][0]].any()  # a constant column stays 0
        assert sorted(p for own in columns.values() for p in own) == list(range(features.shape[1]))

    def test_one_class_against_the_rest_chosen_columns_and_parquet(self, tmp_path):
        table = self.table(tmp_path, positive="b", features=["weight", "size"])
        assert column(table, "label") == [1, 0] * 4
        assert json.loads(table.schema.metadata[b"columns"]) == {"weight": [0], "size": [1]}
        write(tmp_path / "t.parquet", size=list(range(8)), kind=[1, 0] * 4)
        settings = TableData(reader="table", source="t", label="kind", positive=0)
        (tmp_path / "t.csv").unlink()
        assert column(settings.read(tmp_path, seed=0), "label") == [0, 1] * 4

    def test_a_file_without_a_line_of_names_gets_them(self, tmp_path):
        rows, names = self.CSV.partition("\n")[2], ["size", "colour", "kind", "weight"]
        given = self.table(tmp_path, rows.replace(",", ", "), name="t.dat", names=names)
        assert given.equals(self.table(tmp_path), check_metadata=True)

    @pytest.mark.parametrize(
        ("text", "settings", "message"),
        [
            (CSV, {"names": ["size", "kind"]}, "`data.names` are 2, .* has 4 columns; name each"),
            (CSV, {"label": "sort"}, "no column `sort`; it has size, colour, kind, weight"),
            (CSV, {"features": ["colr"]}, "no column `colr`"),
            (CSV, {"label": "size"}, "8 classes in 8 rows; name a column of few"),
            (CSV, {"positive": "z"}, r"`data.positive: z`: 0 of 8 items .* choose one of \['a', 'b'\]"),
            (CSV.replace("3,red", ",red"), {}, "column `size` has 1 empty cells"),
            (CSV.replace(",b,", ",,"), {}, "column `kind` has 4 empty cells"),
            (CSV.replace("8,", "inf,"), {}, "not finite"),
            ("", {}, "no readable table"),
        ],
    )
    def test_bad_tables(self, tmp_path, text, settings, message):
        with pytest.raises(UserError, match=message):
            self.table(tmp_path, text, **settings)

    def test_columns_that_names_do_not_have(self):
        with pytest.raises(ValidationError, match="`features` names the label `kind`; take it away"):
            TableData(reader="table", source="t", label="kind", features=["kind"])
        with pytest.raises(ValidationError, match="`kint` is none of `names`; did you mean `kind`"):
            TableData(reader="table", source="t", label="kint", names=["kind", "x"])

    def test_a_folder_without_a_table(self, tmp_path):
        settings = TableData(reader="table", source="t", label="kind")
        with pytest.raises(UserError, match="holds 0 tables"):
            settings.read(tmp_path, seed=0)

    @pytest.mark.parametrize(("name", "rows", "features"), [("wine", 178, 13), ("breast_cancer", 569, 30)])
    def test_tables_of_scikit_learn(self, name, rows, features):
        table = ScikitLearnData(reader="scikit_learn", name=name).read(None, seed=0)
        values, train = arrays(table), np.asarray(column(table, "split")) == "train"
        assert values.shape == (rows, features)
        np.testing.assert_allclose(values[train].mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(values[train].std(axis=0), 1, atol=1e-4)
        one = ScikitLearnData(reader="scikit_learn", name=name, positive=1).read(None, seed=0)
        assert column(one, "label") == [int(label == 1) for label in column(table, "label")]


class TestPoints:
    def test_shapes(self):
        table = ShapesData(reader="shapes", count=40, points=64).read(None, seed=0)
        clouds, parts = arrays(table), np.array(column(table, "part"))
        assert clouds.shape == (40, 64, 3) and clouds.dtype == np.float32
        assert np.linalg.norm(clouds, axis=-1).max() == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(clouds.mean(axis=1), 0, atol=1e-6)
        for cloud, part, label in zip(clouds, parts, column(table, "label"), strict=True):
            assert set(part) == set(range(6 if label else 5))
            assert cloud[part == 0, 2].min() > cloud[part == 1, 2].max() - 0.2  # the board is over the legs
        assert table.equals(ShapesData(reader="shapes", count=40, points=64).read(None, seed=0))
        assert not table.equals(ShapesData(reader="shapes", count=40, points=64).read(None, seed=1))

    def test_clouds_from_parquet(self, tmp_path):
        clouds = np.random.default_rng(0).random((3, 5, 3)).tolist()
        write(tmp_path / "train.parquet", points=clouds[:2], label=[0, 2], part=[[0, 0, 1, 1, 1]] * 2)
        write(tmp_path / "test.parquet", points=clouds[2:], label=[1], part=[[3, 3, 3, 1, 1]])
        table = PointCloudsData(reader="point_clouds", source="c").read(tmp_path, seed=0)
        np.testing.assert_allclose(arrays(table), clouds, rtol=1e-6)
        assert column(table, "part")[2] == [3, 3, 3, 1, 1] and column(table, "label") == [0, 2, 1]
        write(tmp_path / "test.parquet", points=[clouds[0][:4]], label=[1])
        with pytest.raises(UserError, match="clouds of equal shape"):
            PointCloudsData(reader="point_clouds", source="c").read(tmp_path, seed=0)


def test_all_ten_digits():
    table = DigitsData(reader="digits", positive=None, size=8).read(None, seed=0)
    assert column(table, "label") == load_digits().target.tolist()


@pytest.mark.parametrize("labels", ["shuffled", "size"])
def test_other_labels_to_learn(tmp_path, labels):
    table = reviews(tmp_path, test_fraction=0.5, min_score=0)
    other = relabelled(table, labels, seed=0)
    assert other.drop_columns("label").equals(table.drop_columns("label"))
    assert other.schema.field("label") == table.schema.field("label")
    assert relabelled(table, labels, seed=0).equals(other)
    assert relabelled(table, "true", seed=0).equals(table)
    lengths = [len(text) for text in column(other, "text")]
    if labels == "shuffled":
        assert sorted(column(other, "label")) == sorted(column(table, "label"))
    else:
        by_length = [label for _, label in sorted(zip(lengths, column(other, "label"), strict=True))]
        assert by_length == sorted(by_length)
        assert sum(by_length) == len(by_length) // 2


def test_size_of_images_is_their_ink():
    table = DigitsData(reader="digits", positive=None, size=8).read(None, seed=0)
    other = np.array(column(relabelled(table, "size", seed=0), "label"))
    ink = arrays(table).sum((1, 2, 3))
    assert sorted(set(other)) == list(range(10))
    assert all(ink[other == label].max() <= ink[other == label + 1].min() for label in range(9))
