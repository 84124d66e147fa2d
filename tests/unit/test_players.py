import json
import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andor.data import segmenters
from andor.data.candidates import candidates
from andor.data.player_kind import PlayersError
from andor.data.players import players
from andor.data.players.features import FeaturePlayers
from andor.data.players.grid import GridPlayers
from andor.data.players.parts import PartPlayers, cluster_points
from andor.data.players.patches import PatchPlayers, choose_patches
from andor.data.players.pixels import PixelPlayers
from andor.data.players.sentences import SentencePlayers, choose_sentences, sentences
from andor.data.players.tokens import TokenPlayers, choose_tokens
from andor.data.players.words import WordPlayers, choose_words, is_content, unique_names, words
from andor.data.readers.digits import DigitsData
from andor.data.readers.film_reviews import FilmReviewsData
from andor.data.readers.scikit_learn import ScikitLearnData
from andor.errors import UserError
from andor.settings import MAX_SAMPLED
from tiny import byte_bpe, metaspace_bpe, wordpieces

WORDS = WordPlayers(kind="words", count=2)
PATCHES = PatchPlayers(kind="patches", count=3, size=2)


def texts(*rows: str, split: str = "test", start: int = 0) -> pa.Table:
    count = len(rows)
    return pa.table(
        {
            "item": pa.array(range(start, start + count), pa.int32()),
            "split": [split] * count,
            "label": pa.array([row % 2 for row in range(count)], pa.int8()),
            "text": list(rows),
        }
    )


def test_words_are_found_with_their_characters():
    text = "Don't miss it — a well-made film’s 2nd act, naïve… 100%"
    found = words(text)
    assert [word.text for word in found] == [
        "Don't",
        "miss",
        "it",
        "a",
        "well-made",
        "film’s",
        "2nd",
        "act",
        "naïve",
        "100",
    ]
    assert all(text[word.start : word.stop] == word.text for word in found)


@pytest.mark.parametrize(
    "text",
    [
        "यह फिल्म बहुत अच्छी और मनोरंजक थी",  # vowel signs
        unicodedata.normalize("NFD", "un café très agréable près du théâtre"),  # accents apart
        "won\u200bderful grip\u00adping film",  # characters that cannot be seen
        "می\u200cخواهم کتاب\u200cها",  # Persian, joined
        "שלום מַחְשֵׁב",  # Hebrew, pointed
        "tro\u0302i đẹp quá",  # Vietnamese, half composed
        "தமிழ் மொழி",
        "col·lecció well‑made",
    ],
)
def test_words_are_whole_in_every_script_with_spaces(text):
    found = words(text)
    assert [word.text for word in found] == text.split()
    assert all(is_content(word.text) for word in found if word.text not in ("un", "du"))


def test_signs_without_a_letter_and_invisible_ends_belong_to_no_word():
    assert [w.text for w in words("\u0301 \u200bfilm\u200b, \u202bacting\u202c \ufe0f good_bad")] == [
        "film", "acting", "good", "bad"
    ]  # fmt: skip


@given(st.text(st.characters(max_codepoint=0x2FF)))
def test_words_of_latin_letters_are_what_they_were(text):
    """Runs of letters and digits, held together by inner apostrophes and hyphens."""
    seen = re.sub("[\u00ad\u00b7]", " ", text)
    assert [w.text for w in words(seen)] == re.findall(r"[^\W_]+(?:['’\-][^\W_]+)*", seen)


@pytest.mark.parametrize("word", ["no\u00adt", "t\u200bhe", "an\u2060d"])
def test_a_stop_word_is_one_whatever_is_hidden_in_it(word):
    assert not is_content(word)


@pytest.mark.parametrize("word", ["film", "Film", "film's", "well-made", "2nd", "1990s", "naïve", "bad"])
def test_content_words(word):
    assert is_content(word)


NO_PLAYERS = "the The not never isn't isn’t n't it's they've They'LL s t 100 does ca wo"


@pytest.mark.parametrize("word", NO_PLAYERS.split())
def test_stop_words_contractions_and_numbers_are_no_players(word):
    assert not is_content(word)


def test_a_split_contraction_leaves_no_content_word():
    assert [w.text for w in words("it does n't work , ca n't it 's") if is_content(w.text)] == ["work"]


def test_first_words_and_their_spans():
    text = "The film is a good, good film."
    chosen = choose_words(text, WORDS.model_copy(update={"choose": "first", "count": 4}), (0, 0))
    assert chosen["player_names"] == ["film", "good", "good (2)", "film (2)"]
    assert [text[start:stop] for start, stop in chosen["players"]] == ["film", "good", "good", "film"]
    assert len({tuple(span) for span in chosen["players"]}) == 4


def test_names_that_come_again_are_numbered():
    assert unique_names(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


def test_random_words_depend_on_seed_and_item_alone():
    rows = [
        "alpha beta gamma delta epsilon zeta",
        "one sun moon star comet planet",
        "red green blue yellow black white",
    ]
    together = candidates(texts(*rows), WORDS, 200, seed=3).to_pylist()
    alone = candidates(texts(rows[1], start=1), WORDS, 200, seed=3).to_pylist()
    assert next(row for row in together if row["item"] == 1)["players"] == alone[0]["players"]
    draws = {tuple(choose_words(rows[0], WORDS, (seed, 0))["player_names"]) for seed in range(40)}
    assert len(draws) > 8  # of 15 pairs
    draws = {tuple(choose_words(rows[0], WORDS, (0, item))["player_names"]) for item in range(40)}
    assert len(draws) > 8


def test_random_words_are_in_reading_order():
    for seed in range(20):
        spans = choose_words("alpha beta gamma delta", WordPlayers(kind="words", count=3), (seed, 0))["players"]
        assert spans == sorted(spans)


def test_all_words_and_all_content_words():
    text = "It isn't a bad, bad film - not at all."
    every = WordPlayers(kind="words", choose="all")
    assert choose_words(text, every, (0, 0))["player_names"] == [
        *("It", "isn't", "a", "bad", "bad (2)", "film", "not", "at", "all"),
    ]
    content = choose_words(text, WordPlayers(kind="words", choose="content"), (0, 0))
    assert content["player_names"] == ["bad", "bad (2)", "film"]
    assert [text[start:stop] for start, stop in content["players"]] == ["bad", "bad", "film"]
    assert choose_words(text, every, (0, 0)) == choose_words(text, every, (1, 1))


TEXTS = FilmReviewsData(reader="film_reviews", source="s")


def test_what_is_said_of_the_number_of_players_before_there_are_texts():
    said = {
        (5, 5): WordPlayers(kind="words", count=5, max_words=3),
        (None, 120): WordPlayers(kind="words", choose="all", max_words=120),
        (None, MAX_SAMPLED): WordPlayers(kind="words", choose="content", max_words=9999),
        (9, 9): GridPlayers(kind="grid"),
        (196, 196): GridPlayers(kind="grid", rows=14, columns=14),
    }
    for numbers, kind in said.items():
        assert (kind.count, kind.most(TEXTS)) == numbers
        assert players(kind.model_dump(mode="json")) == kind  # as a rule hands it to its script
    for kind in (SentencePlayers(kind="sentences"), PixelPlayers(kind="pixels", source="p")):
        assert (kind.count, kind.most(TEXTS)) == (None, MAX_SAMPLED)


def test_texts_with_more_players_than_can_be_explained_are_passed_over():
    rows = ["word " * number for number in (MAX_SAMPLED + 1, MAX_SAMPLED, 3, 2, 0)]
    found = candidates(texts(*rows), WordPlayers(kind="words", choose="all", min_words=3), 200, seed=0)
    assert sorted(map(len, found["players"].to_pylist())) == [3, MAX_SAMPLED]
    reasons = json.loads(found.schema.metadata[b"passed_over"])
    assert reasons == {"fewer than 3 words (players.min_words)": 2, "more than 512 players": 1}
    found = candidates(texts("the", "... !"), WordPlayers(kind="words", choose="content"), 200, seed=0)
    assert json.loads(found.schema.metadata[b"passed_over"]) == {"nothing that is a player": 2}


ENDS = [
    ["Mr. Smith went to the U.S. in 1999.", 'He saw "Psycho."', '"What?" he said.'],
    [
        "Wait... what?",
        "So did I.",
        "No. 5 is good!",
        "No.",
        "I did not like J. R. Tolkien, etc. and so on…",
        "And then",
    ],
    ["it was bad .", "i hated it (really!) and left.", "3.5 stars (of 10.)", "8/10!!! ..."],
    ["1. The plot.", "2. The end.", "“Really?”", "She left at 5 p.m. with Dr. No."],
    ['"..." he said.', "ok"],
    ["..."],
]


@pytest.mark.parametrize("parts", ENDS, ids=[parts[0] for parts in ENDS])
def test_sentences_end_where_a_reader_ends_them(parts):
    for between in (" ", "  ", "\n", "\n\n"):
        text = f" {between.join(parts)}{between}"
        found = sentences(text)
        assert [sentence.text for sentence in found] == parts
        assert [text[sentence.start : sentence.stop] for sentence in found] == parts


def test_an_empty_line_ends_a_sentence_and_a_new_line_does_not():
    assert [s.text for s in sentences("A title\n \nThe film\nis good")] == ["A title", "The film\nis good"]
    assert sentences(" \n\n ") == []


def test_every_character_of_a_text_but_white_space_is_of_one_sentence():
    random = np.random.default_rng(0)
    for _ in range(300):
        text = "".join(random.choice(list("aBI1 .!?…\"')(\n")) for _ in range(40))
        spans = choose_sentences(text)["players"]
        covered = [place for start, stop in spans for place in range(start, stop)]
        assert covered == sorted(set(covered))
        assert {place for place, letter in enumerate(text) if not letter.isspace()} <= set(covered)
        assert not any(text[start].isspace() or text[stop - 1].isspace() for start, stop in spans)


def test_long_sentences_are_named_by_their_beginnings():
    long = "The film is as long as this sentence, which goes on."
    names = choose_sentences(f"{long} Bad. {long} Bad.")["player_names"]
    assert names == [
        "The film is as long as this sentence,…",
        "Bad.",
        "The film is as long as this sentence,… (2)",
        "Bad. (2)",
    ]


@pytest.mark.parametrize("tokenizer", [wordpieces(), byte_bpe(), metaspace_bpe()], ids=["words", "bytes", "spaces"])
def test_word_pieces_hold_every_character_once(tokenizer):
    text = "A superb, unforgettable  film\nactïng 🎬 !"
    chosen = choose_tokens(text, tokenizer)
    covered = [place for start, stop in chosen["players"] for place in range(start, stop)]
    assert covered == [place for place in range(len(text)) if not text[place].isspace()]
    assert len(chosen["players"]) > len(text.split())
    assert len(set(chosen["player_names"])) == len(chosen["players"])


def test_special_tokens_in_a_text_are_no_players(tmp_path):
    wordpieces().save_pretrained(tmp_path)
    kind = TokenPlayers(kind="tokens", source="pieces")
    found = candidates(texts("the superb [SEP] film"), kind, 9, seed=0, source=tmp_path).to_pylist()
    assert found[0]["player_names"] == ["the", "super", "b", "film"]
    alone = candidates(texts("the superb"), kind, 9, seed=0, source=tmp_path / "tokenizer.json").to_pylist()
    assert alone[0]["player_names"] == ["the", "super", "b"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"`players.source: pieces`: .* holds no tokenizer"):
        candidates(texts("the"), kind, 9, seed=0, source=tmp_path / "empty")


def test_candidates_pass_over_short_and_long_texts_and_say_so():
    table = pa.concat_tables(
        [
            texts("good film", "the good", "good bad film with a lot of words", "great fun"),
            texts("good film", split="train", start=9),
        ]
    ).replace_schema_metadata({"origin": '"x"'})
    found = candidates(table, WordPlayers(kind="words", count=2, max_words=5), 200, seed=0)
    assert sorted(found["item"].to_pylist()) == [0, 3]
    metadata = {key: json.loads(value) for key, value in found.schema.metadata.items()}
    assert metadata == {
        b"origin": "x",
        b"passed_over": {"fewer than 2 content words (players.count)": 1, "more than 5 words (players.max_words)": 1},
    }
    assert found.schema.field("players").type == pa.list_(pa.list_(pa.int32()))


def test_candidates_keep_to_limit_and_label_and_change_with_the_seed():
    table = texts(*[f"good film number {number}" for number in range(50)])
    drawn = [candidates(table, WORDS, 10, seed=s)["item"].to_pylist() for s in (0, 0, 1)]
    assert len(set(drawn[0])) == 10
    assert drawn[0] == drawn[1] != drawn[2]
    more = candidates(table, WORDS, 20, seed=0)["item"].to_pylist()
    assert more[:10] == drawn[0]  # raising the limit keeps what was screened
    labelled = candidates(table, WORDS, 200, seed=0, label=1)
    assert set(labelled["label"].to_pylist()) == {1} and len(labelled) == 25


def test_no_candidates_at_all():
    found = candidates(texts("the", "a"), WORDS, 200, seed=0)
    assert len(found) == 0 and "players" in found.column_names


def test_patches_with_most_ink_in_reading_order():
    image = np.zeros((2, 5, 6), np.float32)
    image[0, 0, 2] = 1.0  # patch 0,1
    image[1, 2, 0] = 2.0  # patch 1,0
    image[:, 3, 5] = 0.6  # patch 1,2: 1.2 over both channels
    image[0, 0, 0] = 0.9  # patch 0,0 is fourth
    image[:, 4, :] = 9.0  # a row that no patch covers
    chosen = choose_patches(image, PATCHES)
    assert chosen["player_names"] == ["0,1", "1,0", "1,2"]
    assert chosen["players"][0] == [2, 3, 8, 9]
    assert chosen["players"][2] == [16, 17, 22, 23]


def test_equal_patches_are_taken_in_reading_order():
    assert choose_patches(np.ones((1, 8, 8), np.float32), PATCHES)["player_names"] == ["0,0", "0,1", "0,2"]


def test_an_image_with_too_few_patches_is_passed_over():
    image = np.zeros((1, 8, 8), np.float32)
    image[0, 0, :4] = 1
    with pytest.raises(PlayersError, match="fewer than 3 patches"):
        choose_patches(image, PATCHES)


def test_real_digits():
    table = DigitsData(reader="digits").read(None, 0)
    chosen = candidates(table, PatchPlayers(kind="patches"), 30, seed=0)
    assert json.loads(chosen.schema.metadata[b"shape"]) == [1, 32, 32]
    for row in chosen.to_pylist():
        image = np.reshape(row["image"], (32, 32))
        sums = {
            f"{r},{c}": image[8 * r : 8 * r + 8, 8 * c : 8 * c + 8].sum(dtype=np.float64)
            for r in range(4)
            for c in range(4)
        }
        assert set(row["player_names"]) == set(sorted(sums, key=sums.get)[-8:])
        assert len({pixel for player in row["players"] for pixel in player}) == 8 * 64
        for player, name in zip(row["players"], row["player_names"], strict=True):
            assert image.ravel()[player].sum(dtype=np.float64) == pytest.approx(sums[name])


def arrays(kind, array, metadata=None, **columns):
    """A tidy table of test items with arrays (rows, …)."""
    flat = pa.array(np.ascontiguousarray(array, np.float32).ravel())
    count = len(array)
    table = pa.table(
        {
            "item": pa.array(range(count), pa.int32()),
            "split": ["test"] * count,
            "label": pa.array([0] * count, pa.int16()),
            kind: pa.FixedSizeListArray.from_arrays(flat, int(np.prod(array.shape[1:]))),
            **columns,
        }
    )
    return table.replace_schema_metadata({"shape": json.dumps(array.shape[1:])} | (metadata or {}))


def chosen(table, settings, source=None):
    found = candidates(table, settings, 200, 0, source=source)
    return {row["item"]: row for row in found.to_pylist()}, found


def test_cells_of_a_grid_cover_every_pixel_once():
    settings = GridPlayers(kind="grid", rows=2, columns=3)
    found, _ = chosen(arrays("image", np.zeros((2, 1, 5, 7))), settings)
    cells = found[0]["players"]
    assert sorted(pixel for cell in cells for pixel in cell) == list(range(35))
    assert found[0]["player_names"] == ["0,0", "0,1", "0,2", "1,0", "1,1", "1,2"]
    assert cells[0] == [0, 1, 2, 7, 8, 9, 14, 15, 16]  # 3 of 5 rows, 3 of 7 columns
    assert settings.count == 6 and found[1]["players"] == cells


def test_sets_of_pixels_from_a_file(tmp_path):
    table, file = arrays("image", np.zeros((3, 1, 4, 4))), tmp_path / "pixels.json"
    settings = PixelPlayers(kind="pixels", count=2, source="pixels")
    file.write_text("[[0, 5], [15]]")
    found, _ = chosen(table, settings, file)
    assert [row["players"] for row in found.values()] == [[[0, 5], [15]]] * 3
    file.write_text('{"2": [[1], [2]], "0": [[1], [2], [3]]}')
    found, whole = chosen(table, settings, file)
    assert list(found) == [2] and found[2]["player_names"] == ["set 0", "set 1"]
    reasons = json.loads(whole.schema.metadata[b"passed_over"])
    assert reasons == {"not 2 sets of pixels (players.count)": 1, "not in the file of pixels (players.source)": 1}
    found, _ = chosen(table, PixelPlayers(kind="pixels", source="pixels"), file)
    assert {item: len(row["players"]) for item, row in found.items()} == {0: 3, 2: 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no readable JSON"),
        ('"x"', "no lists of lists"),
        ("[[0], []]", "no lists of lists"),
        ("[[0], [16]]", "16 is no pixel of the 16"),
        ("[[0], [true]]", "True is no pixel"),
        ("[[0], [0]]", "two players share a pixel"),
    ],
)
def test_a_file_of_pixels_that_is_wrong(tmp_path, text, message):
    (tmp_path / "p.json").write_text(text)
    settings = PixelPlayers(kind="pixels", count=2, source="p")
    with pytest.raises(UserError, match=message):
        chosen(arrays("image", np.zeros((1, 1, 4, 4))), settings, tmp_path / "p.json")


COLUMNS = {"columns": json.dumps({"size": [0], "colour": [1, 2, 3], "weight": [4]})}


def test_columns_and_groups_of_them():
    table = arrays("features", np.zeros((1, 5)), COLUMNS)
    found, _ = chosen(table, FeaturePlayers(kind="features", count=2))
    assert found[0]["players"] == [[0], [1, 2, 3]] and found[0]["player_names"] == ["size", "colour"]
    every = FeaturePlayers(kind="features", count="all")
    assert (every.count, every.most(TEXTS)) == (None, MAX_SAMPLED) and players(every.model_dump(mode="json")) == every
    assert every.most(ScikitLearnData(reader="scikit_learn", name="wine", positive=1)) == 13
    found, _ = chosen(table, every)
    assert found[0]["player_names"] == ["size", "colour", "weight"]
    with pytest.raises(ValueError, match="`count: all` is not the number of `groups`, 1; take it away"):
        FeaturePlayers(kind="features", count="all", groups={"one": ["size"]})
    wide = {"columns": json.dumps({f"c{number}": [number] for number in range(MAX_SAMPLED + 1)})}
    with pytest.raises(UserError, match=r"`players.count: all`: the table has 513 columns"):
        chosen(arrays("features", np.zeros((1, MAX_SAMPLED + 1)), wide), every)
    settings = FeaturePlayers(kind="features", groups={"both": ["weight", "colour"], "one": ["size"]})
    found, _ = chosen(table, settings)
    assert settings.count == 2
    assert found[0]["players"] == [[4, 1, 2, 3], [0]] and found[0]["player_names"] == ["both", "one"]
    with pytest.raises(UserError, match=r"`players.groups.a`: no column `seize`; the table has size, colour"):
        chosen(table, FeaturePlayers(kind="features", groups={"a": ["seize"]}))
    with pytest.raises(UserError, match=r"`players.count: 4`: the table has only 3 columns"):
        chosen(table, FeaturePlayers(kind="features", count=4))


def test_parts_by_k_means_are_whole_and_follow_the_seed():
    random = np.random.default_rng(0)
    centres = random.normal(0, 5, (4, 3))
    cloud = np.concatenate([centre + random.normal(0, 0.1, (10, 3)) for centre in centres])
    settings = PartPlayers(kind="parts", count=4)
    found, _ = chosen(arrays("points", cloud[None]), settings)
    parts = found[0]["players"]
    assert sorted(map(tuple, parts)) == [tuple(range(start, start + 10)) for start in range(0, 40, 10)]
    heights = [cloud[part, 2].mean() for part in parts]
    assert heights == sorted(heights)
    assert cluster_points(cloud, settings, (0, 0)) == cluster_points(cloud, settings, (0, 0))


def test_given_parts_are_the_largest():
    part = pa.array([[7, 7, 7, 2, 2, 5], [1, 1, 1, 1, 1, 1]], pa.list_(pa.int16()))
    table = arrays("points", np.zeros((2, 6, 3)), part=part)
    settings = PartPlayers(kind="parts", count=2, rule="given")
    found, whole = chosen(table, settings)
    assert found[0]["players"] == [[3, 4], [0, 1, 2]] and found[0]["player_names"] == ["part 2", "part 7"]
    assert json.loads(whole.schema.metadata[b"passed_over"]) == {"fewer than 2 parts (players.count)": 1}
    with pytest.raises(UserError, match="no column `part`; use kmeans"):
        chosen(table.drop_columns("part"), settings)


def test_given_players_are_the_same_in_all_if_that_is_said(tmp_path):
    parts = pa.array([[1, 1, 2, 2, 3, 3], [1, 1, 1, 2, 2, 2], [2] * 6])
    clouds = arrays("points", np.zeros((3, 6, 3))).append_column("part", parts)
    plain, aligned = (PartPlayers(kind="parts", rule="given", count=2, aligned=said) for said in (False, True))
    assert not plain.same_in_all and aligned.same_in_all
    assert list(chosen(clouds, plain)[0]) == [0, 1] and list(chosen(clouds, aligned)[0]) == [1]
    reasons = json.loads(chosen(clouds, aligned)[1].schema.metadata[b"passed_over"])
    assert reasons == {"more than 2 parts (players.count)": 1, "fewer than 2 parts (players.count)": 1}
    with pytest.raises(ValueError, match="`aligned` has no effect on rule `kmeans`; take it away"):
        PartPlayers(kind="parts", aligned=True)
    assert PixelPlayers(kind="pixels", source="p", count=2, aligned=True).same_in_all
    with pytest.raises(ValueError, match="`aligned` players are as many in every image; add their `count`"):
        PixelPlayers(kind="pixels", source="p", aligned=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我喜欢 iPhone15手机。", ["我", "喜", "欢", "iPhone15", "手", "机"]),
        ("私はカタカナが好き！", ["私", "は", "カタカナ", "が", "好", "き"]),
        ("ごと\u3099う", ["ご", "と\u3099", "う"]),  # a mark belongs to its letter
        ("ไทย 2.0", ["ไ", "ท", "ย", "2", "0"]),
        ("naïve-電影 film", ["naïve", "電", "影", "film"]),
    ],
)
def test_scripts_without_spaces_have_a_word_a_character(text, expected):
    found = words(text)
    assert [word.text for word in found] == expected
    assert all(text[word.start : word.stop] == word.text for word in found)


@pytest.mark.parametrize(
    ("segmenter", "text", "expected"),
    [
        ("jieba", "我喜欢这部电影的演员", ["我", "喜欢", "这部", "电影", "的", "演员"]),
        ("budoux_zh_hans", "我喜欢这部电影", ["我", "喜欢", "这", "部", "电影"]),
        ("budoux_ja", "私はこの映画が好き。", ["私は", "この", "映画が", "好き"]),
        ("budoux_th", "ภาษาไทยง่าย", ["ภาษาไทย", "ง่าย"]),
    ],
)
def test_segmenters(segmenter, text, expected):
    pytest.importorskip(segmenter.partition("_")[0])
    found = words(f"so: {text} (2)", segmenter)
    assert [word.text for word in found] == ["so", *expected, "2"]


def test_a_segmenter_that_is_not_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    segmenters.cutter.cache_clear()
    chosen = players({"kind": "words", "segmenter": "jieba"})
    assert list(chosen.unknown()) == [
        "`players.segmenter: jieba` needs the package jieba, which is not installed: pip install jieba"
    ]
    with pytest.raises(UserError, match="which is not installed: pip install jieba"):
        chosen.chooser({}, 0, None)


def test_sentences_of_other_scripts():
    text = "电影很好。“真的？”他说！走吧 यह अच्छी है। कहानी भी। هل هو جيد؟ نعم."
    found = [sentence.text for sentence in sentences(text)]
    assert found == ["电影很好。", "“真的？”", "他说！", "走吧 यह अच्छी है।", "कहानी भी।", "هل هو جيد؟", "نعم."]
