import itertools

import numpy as np
import pytest
import torch

import tiny
from andor.config import Masking
from andor.data.players.words import WordPlayers, choose_words
from andor.errors import UserError
from andor.models.loaded import LanguageModel, LoadedModel, TextClassifier
from andor.outputs.masking import MaskingError, bind, locate
from andor.outputs.masking.model import batch_size, owners, presence
from andor.outputs.masking.prompt import target_outputs
from andor.outputs.passes import evaluate

TOLERANCE = 3e-5
"""Between two float32 computations of outputs of a few units: 1.2e-5 were seen where a processor has SSE4.1 alone."""
WORDS = ("gripping", "unforgettable", "film", "superb")


def coalitions(players):
    """Every coalition as a list of the players that are present, in the order of bit masks."""
    return [[p for p in range(players) if mask >> p & 1] for mask in range(2**players)]


def plain_ids(model, sample, token, present):
    """Token ids of a text in which the word pieces of absent words are another token: what masking means, by hand."""
    encoded = model.tokenizer(sample["text"], return_offsets_mapping=True)
    ids = list(encoded["input_ids"])
    for player, (start, stop) in enumerate(sample["players"]):
        if player not in present:
            for position, (first, last) in enumerate(encoded["offset_mapping"]):
                characters = set(range(first, last)) & set(range(start, stop))
                ids[position] = token if characters else ids[position]
    return torch.tensor([ids])


def plain_embeddings(model, sample, baseline, present):
    """The same with any baseline embedding: a token that does not occur marks where it goes."""
    marked = plain_ids(model, sample, -1, present)[0]
    table = model.network.get_input_embeddings()
    return torch.stack([baseline if token == -1 else table.weight[token] for token in marked])[None]


def plain_log_odds(logits, target):
    """Log-probability and log-odds by way of the probability, in float64."""
    p = logits.double().softmax(dim=-1)[target]
    return [p.log().item(), (p / (1 - p)).log().item()]


@pytest.mark.parametrize("players", [1, 2, 4])
def test_encoder_with_mask_token_is_the_encoder_on_masked_ids(players):
    model, sample = tiny.encoder(), tiny.text_sample(*WORDS[:players])
    outputs = evaluate(bind(model, sample, Masking(baseline="mask")))
    with torch.no_grad():
        ids = [plain_ids(model, sample, model.tokenizer.mask_token_id, present) for present in coalitions(players)]
        plain = [model.network(input_ids=row).logits[0].tolist() for row in ids]
    assert np.abs(outputs - plain).max() < TOLERANCE
    assert np.ptp(outputs, axis=0).min() > 100 * TOLERANCE  # masking does change the output


@pytest.mark.parametrize("baseline", ["zero", "mean", "pad", "unk", "cls", "sep"])
@pytest.mark.parametrize("make", [tiny.encoder, tiny.text_cnn])
def test_text_classifiers_against_the_plain_definition(make, baseline):
    model, sample = make(), tiny.text_sample(*WORDS)
    weights = model.vocabulary_embedding
    token = {"pad": 0, "unk": 1, "cls": 2, "sep": 3}.get(baseline)
    value = {"zero": torch.zeros_like(weights[0]), "mean": weights.mean(dim=0)}.get(baseline)
    value = weights[token] if value is None else value
    outputs = evaluate(bind(model, sample, Masking(baseline=baseline)))
    with torch.no_grad():
        inputs = [plain_embeddings(model, sample, value, present) for present in coalitions(4)]
        if model.family == "text_cnn":
            plain = [model.network(row)[0].tolist() for row in inputs]
        else:
            plain = [model.network(inputs_embeds=row).logits[0].tolist() for row in inputs]
    assert np.abs(outputs - plain).max() < TOLERANCE
    assert len(np.unique(outputs[:, 0])) > 2


@pytest.mark.parametrize("make", [tiny.gpt2, tiny.llama])
@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_language_models_against_the_plain_definition(make, baseline):
    model, sample = make(), tiny.text_sample(*WORDS, target=" the")
    located = locate(model, sample, Masking(baseline=baseline))
    outputs = evaluate(located.bind(model))
    weights = model.vocabulary_embedding
    assert weights.shape[0] == len(model.tokenizer)
    value = weights.mean(dim=0) if baseline == "mean" else torch.zeros_like(weights[0])
    with torch.no_grad():
        inputs = [plain_embeddings(model, sample, value, present) for present in coalitions(4)]
        logits = [model.network(inputs_embeds=row).logits[0, -1] for row in inputs]
        whole = model.network(input_ids=torch.tensor([located.ids])).logits[0, -1]
    (target,) = located.target
    assert np.abs(outputs - [plain_log_odds(row, target) for row in logits]).max() < TOLERANCE
    assert np.abs(outputs[-1] - plain_log_odds(whole, target)).max() < TOLERANCE
    assert np.ptp(outputs[:, 1]) > 0.1


def test_target_log_odds_do_not_saturate():
    logits = torch.tensor([[[120.0, 0.0, 0.0]], [[-90.0, 0.0, -300.0]]])
    log_prob, log_odds = target_outputs(logits, (0,)).T
    assert log_odds.tolist() == pytest.approx([120 - np.log(2), -90])
    assert log_prob.tolist() == pytest.approx([-2 * np.exp(-120), -90], abs=1e-30)


@pytest.mark.parametrize("baseline", ["zero", "mean"])
@pytest.mark.parametrize("background", ["keep", "integrate"])
def test_images_against_the_plain_definition(baseline, background):
    model, sample = tiny.lenet(), tiny.image_sample()
    steps = 4
    outputs = evaluate(bind(model, sample, Masking(baseline=baseline, background=background, steps=steps)))
    value = model.mean.numpy() if baseline == "mean" else np.zeros(tiny.SHAPE, np.float32)
    plain = []
    for present in coalitions(4):
        values = []
        for step in range(1, steps + 1) if background == "integrate" else [steps]:
            image = sample["image"].copy()
            for row, column in itertools.product(range(16), range(16)):
                owner = next((p for p, own in enumerate(sample["players"]) if 16 * row + column in own), None)
                t = step / steps if owner is None else float(owner in present)
                image[0, row, column] = t * image[0, row, column] + (1 - t) * value[0, row, column]
            with torch.no_grad():
                values.append(model.network(torch.tensor(image)[None]).item())
        plain.append([np.mean(values)])
    assert np.abs(outputs - plain).max() < TOLERANCE
    assert np.ptp(outputs) > 100 * TOLERANCE


def test_integration_changes_the_output_but_not_that_of_an_image_without_background():
    model, sample = tiny.lenet(), tiny.image_sample()
    keep, integrate = Masking(), Masking(background="integrate")
    assert np.abs(evaluate(bind(model, sample, keep)) - evaluate(bind(model, sample, integrate))).max() > 1e-3
    covered = sample | {"players": [list(range(start, start + 64)) for start in range(0, 256, 64)]}
    plain, integrated = (evaluate(bind(model, covered, masking)) for masking in (keep, integrate))
    assert np.abs(plain - integrated).max() < 1e-6


def test_images_with_three_channels_mask_all_of_them():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 256, 1))
    model = tiny.ImageClassifier(network, {"family": "image_classifier"}, torch.zeros(3, 16, 16))
    sample = tiny.image_sample() | {"image": np.random.default_rng(1).random((3, 16, 16), dtype=np.float32)}
    outputs = evaluate(bind(model, sample, Masking()))
    image = sample["image"].copy()
    image.reshape(3, -1)[:, sample["players"][0]] = 0
    assert outputs[0b1110, 0] == pytest.approx(network(torch.tensor(image)[None]).item(), abs=TOLERANCE)


def test_word_pieces_belong_to_their_word():
    for make, target in (
        (tiny.encoder, {}),
        (tiny.text_cnn, {}),
        (tiny.gpt2, {"target": " the"}),
        (tiny.llama, {"target": " the"}),
    ):
        model, sample = make(), tiny.text_sample(*WORDS, **target)
        located = locate(model, sample, Masking())
        for name, own in zip(WORDS, located.players, strict=True):
            assert own == list(range(own[0], own[-1] + 1))
            assert name in model.tokenizer.decode([located.ids[position] for position in own]).replace(" ", "")
        own = {position for player in located.players for position in player}
        special = {p for p, token in enumerate(located.ids) if token in model.tokenizer.all_special_ids}
        assert not own & special


def test_locating_touches_no_weights():
    with torch.device("meta"):
        network = tiny.TextCNN(len(tiny.wordpieces()), 16, 8, [3])
    model = TextClassifier(network, {"family": "text_cnn"}, tiny.wordpieces())
    located = locate(model, tiny.text_sample(*WORDS), Masking(baseline="mask"))
    assert located.content() == locate(tiny.encoder(), tiny.text_sample(*WORDS), Masking(baseline="mask")).content()


def test_a_word_beyond_the_models_length_cannot_be_masked():
    sample = tiny.text_sample("gripping", "superb")
    assert locate(tiny.encoder(64), sample, Masking()).players[1]
    with pytest.raises(MaskingError, match="cut off after the 12 tokens"):
        locate(tiny.encoder(12), sample, Masking())


def test_a_word_that_is_cut_in_the_middle_cannot_be_masked():
    whole = locate(tiny.encoder(64), tiny.text_sample("unforgettable"), Masking())
    with pytest.raises(MaskingError, match="cut off"):
        locate(tiny.encoder(whole.players[0][-1] + 1), tiny.text_sample("unforgettable"), Masking())


def test_a_prompt_longer_than_the_model_reads_is_refused_and_not_cut():
    """What follows a cut prompt is no target of the whole one."""
    text = tiny.TEXT + " The film" * 40
    for model in (tiny.gpt2(), LanguageModel(tiny.gpt2().network, tiny.gpt2().description, limitless())):
        with pytest.raises(MaskingError, match=r"the prompt has \d+ tokens with its target, the model reads 64"):
            bind(model, tiny.text_sample("film", text=text, target=" the"), Masking())


def test_the_longest_target_that_is_taken_can_be_read():
    masked = []
    with pytest.raises(MaskingError, match=r"has 6[5-6] tokens with its target, the model reads 64"):
        for count in range(1, 64):
            masked.append(bind(tiny.gpt2(), tiny.text_sample("film", target=" b" * count), Masking()))
    assert masked[-1](torch.ones(1, 1, dtype=torch.bool)).isfinite().all()
    assert masked[-1].samples.shape[1] in (63, 64)


def limitless():
    tokenizer = tiny.byte_bpe()
    tokenizer.model_max_length = int(1e30)
    return tokenizer


def test_two_players_that_share_a_piece_cannot_be_masked():
    sample = tiny.text_sample("super", "b is", text="superb is")
    sample["players"] = [[0, 3], [3, 6]]
    with pytest.raises(MaskingError, match="share a word piece"):
        locate(tiny.encoder(), sample, Masking())


def test_a_player_that_is_part_of_a_piece_cannot_be_masked():
    """It would mask the rest of the piece too, under the name of the part."""
    model = tiny.encoder()
    with pytest.raises(MaskingError, match="holds letters that are not of its player"):
        locate(model, tiny.text_sample("for", "film"), Masking(baseline="mask"))  # ##forget
    locate(model, tiny.text_sample("forget", "film"), Masking(baseline="mask"))


def test_characters_that_cannot_be_seen_are_part_of_a_word():
    model, text = tiny.encoder(), "the su\u00adper film"
    sample = {"sample": 0, "item": 0, "text": text, **choose_words(text, WordPlayers(kind="words", count=2), (0, 0))}
    assert sample["player_names"] == ["su\u00adper", "film"]
    assert (
        locate(model, sample, Masking(baseline="mask")).players
        == locate(model, tiny.text_sample("super", "film", text="the super film"), Masking(baseline="mask")).players
    )


@pytest.mark.parametrize("make", [tiny.gpt2, tiny.llama])
def test_a_baseline_token_that_does_not_exist(make):
    with pytest.raises(
        UserError, match=r"`masking.baseline: mask`: a model of the task has no such token; use zero, mean"
    ):
        locate(make(), tiny.text_sample("film", target=" the"), Masking(baseline="mask"))


@pytest.mark.parametrize(("make", "expected"), [(tiny.gpt2, " the"), (tiny.llama, "the")])
def test_the_target_is_the_tokens_that_follow_the_prompt(make, expected):
    model = make()
    located = locate(model, tiny.text_sample("film", target=" the"), Masking())
    assert model.tokenizer.decode(located.target) == expected
    several = locate(model, tiny.text_sample("film", target=" theremin"), Masking())
    together = model.tokenizer(tiny.TEXT + " theremin")["input_ids"]
    assert len(together) > len(several.ids) + 1 and several.target == together[len(several.ids) :]


def test_a_target_that_merges_with_the_prompt_falls_back_on_its_own_tokens():
    model = tiny.gpt2()
    merged = model.tokenizer("the acting")["input_ids"]
    prompt = model.tokenizer("the act")["input_ids"]
    assert merged[: len(prompt)] != prompt
    sample = {"text": "the act", "players": [[0, 3]], "target": "ing"}
    assert locate(model, sample, Masking()).target == model.tokenizer("ing")["input_ids"]


def test_content_names_everything_that_changes_an_output():
    text, image, language = tiny.text_sample(*WORDS), tiny.image_sample(), tiny.text_sample(*WORDS, target=" the")
    contents = [
        locate(tiny.encoder(), text, Masking()),
        locate(tiny.encoder(), text, Masking(baseline="mean")),
        locate(tiny.encoder(), text, Masking(baseline="mask")),
        locate(tiny.encoder(), text | {"players": text["players"][:3]}, Masking()),
        locate(tiny.encoder(), text | {"players": text["players"][::-1]}, Masking()),
        locate(tiny.encoder(), text | {"text": text["text"].replace("sleeps", "speaks")}, Masking()),
        locate(tiny.gpt2(), language, Masking()),
        locate(tiny.gpt2(), language | {"target": " is"}, Masking()),
        locate(tiny.lenet(), image, Masking()),
        locate(tiny.lenet(), image, Masking(baseline="mean")),
        locate(tiny.lenet(), image, Masking(background="integrate")),
        locate(tiny.lenet(), image, Masking(background="integrate", steps=5)),
        locate(tiny.lenet(), image | {"image": image["image"] + np.float32(1e-6)}, Masking()),
        locate(tiny.lenet(), image | {"players": image["players"][:3]}, Masking()),
    ]
    assert len({str(located.content()) for located in contents}) == len(contents)
    same = locate(tiny.encoder(), text | {"sample": 5, "label": 1, "player_names": ["x"] * 4}, Masking(steps=3))
    assert same.content() == contents[0].content()
    assert locate(tiny.lenet(), image, Masking(steps=3)).content() == locate(tiny.lenet(), image, Masking()).content()


def test_presence_is_the_bits_of_the_mask():
    rows = presence(torch.arange(5, 8), 4).int().tolist()
    assert rows == [[1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 1, 0]]


def test_owners():
    assert owners([[2], [0, 3]], 5).tolist() == [1, 2, 0, 1, 2]
    with pytest.raises(MaskingError, match="player 1 shares"):
        owners([[1], [1, 2]], 4)
    with pytest.raises(MaskingError, match="player 0 has no position"):
        owners([[]], 4)


def test_batch_size_is_the_stated_power_of_two():
    assert [batch_size(positions, 2048, 65536, "cpu") for positions in (1, 24, 32, 33, 4096)] == [2048, 64, 64, 32, 1]
    assert batch_size(24, 2048, 65536, "cuda:1") == 2048


def test_a_class_of_models_that_nobody_masks():
    with pytest.raises(UserError, match="family `forest` cannot be masked: they read neither arrays nor texts"):
        locate(LoadedModel(torch.nn.Linear(1, 1), {"family": "forest"}), {}, Masking())
