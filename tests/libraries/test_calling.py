"""Networks are called as their library calls them: whatever the batch, whatever the head."""

import copy

import pytest
import torch
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoModelForSequenceClassification,
    BartConfig,
    BartForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
    LongformerConfig,
    LongformerForSequenceClassification,
    OPTConfig,
    OPTForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    T5Config,
    T5ForSequenceClassification,
    pipeline,
)

import tiny
from andor import config
from andor.data.building import tidy
from andor.errors import UserError
from andor.models.accuracy import predictions
from andor.models.families.text_cnn import TextCNN
from andor.models.families.text_encoder import TextEncoder
from andor.models.loaded import TokenClassifier
from andor.models.loading import load, load_transformers
from andor.models.training import encode, ignores_padding, in_units, units_of, unpadded_logits
from andor.outputs.masking import bind, locate
from andor.outputs.passes import evaluate

TEXTS = ["the film", "the acting is superb", tiny.TEXT, "nobody sleeps", "a film", "the film the acting"]
SIZE = len(tiny.byte_bpe())
SHAPE = {
    "vocab_size": SIZE, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "initializer_range": 0.3,
}  # fmt: skip
GPT = {"vocab_size": SIZE, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, "initializer_range": 0.3}
READ = {
    "bert": lambda: BertForSequenceClassification(BertConfig(**SHAPE)),
    "roberta": lambda: RobertaForSequenceClassification(RobertaConfig(**SHAPE, max_position_embeddings=66)),
    "gpt2": lambda: GPT2ForSequenceClassification(GPT2Config(**GPT, eos_token_id=0, bos_token_id=0)),
    "gpt2 with padding": lambda: GPT2ForSequenceClassification(
        GPT2Config(**GPT, eos_token_id=0, bos_token_id=0, pad_token_id=0)
    ),
    "llama": lambda: LlamaForSequenceClassification(LlamaConfig(**SHAPE, pad_token_id=None)),
    "opt": lambda: OPTForSequenceClassification(
        OPTConfig(vocab_size=SIZE, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=64,
                  word_embed_proj_dim=32, init_std=0.3, max_position_embeddings=64, pad_token_id=1)
    ),
}  # fmt: skip
TOKENS = {
    "bart": lambda: BartForSequenceClassification(
        BartConfig(vocab_size=SIZE, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
                   decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=64,
                   init_std=0.5, id2label={0: "no", 1: "yes"}, pad_token_id=1, eos_token_id=0, decoder_start_token_id=2)
    ),
    "t5": lambda: T5ForSequenceClassification(
        T5Config(vocab_size=SIZE, d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2, num_labels=2,
                 decoder_start_token_id=0, eos_token_id=0)
    ),
    "longformer": lambda: LongformerForSequenceClassification(
        LongformerConfig(vocab_size=SIZE, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
                         intermediate_size=64, attention_window=8, max_position_embeddings=66, pad_token_id=1,
                         initializer_range=0.5)
    ),
}  # fmt: skip


def saved(network, folder, tokenizer=None):
    """A network of two labels in the layout of transformers."""
    torch.manual_seed(0)
    network().save_pretrained(folder)
    tokenizer = tokenizer or tiny.byte_bpe()
    if "padding" in folder.name:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(folder)
    return folder


def table():
    return tidy(range(len(TEXTS)), ["train"] * len(TEXTS), [0, 1] * (len(TEXTS) // 2), TEXTS)


@pytest.mark.parametrize("name", READ)
def test_a_classifier_says_what_its_pipeline_says(name, tmp_path):
    """One text at a time, several of one length, and with padding as in training."""
    folder = saved(READ[name], tmp_path / name)
    TextEncoder(family="text_encoder", source="x").make(table(), folder, None, tmp_path / "m", 0)
    model = load(tmp_path / "m")
    theirs = pipeline("text-classification", model=str(folder), tokenizer=str(folder), top_k=None, device="cpu")
    expected = torch.tensor([
        [score["score"] for score in sorted(theirs([text])[0], key=lambda score: score["label"])] for text in TEXTS
    ])  # fmt: skip
    ids = [torch.tensor(text) for text in encode(model.tokenizer, TEXTS)]
    alone = torch.cat([model.logits(model.embed(text)[None]) for text in ids])
    torch.testing.assert_close(alone.softmax(1), expected, rtol=0, atol=1e-5)
    assert expected.std(0).min() > 1e-3  # the texts differ
    twice = torch.cat([model.logits(model.embed(text).expand(2, -1, -1))[1:] for text in ids])
    torch.testing.assert_close(twice, alone, rtol=0, atol=1e-5)
    padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
    mask = (torch.arange(padded.shape[1]) < torch.tensor([[len(text)] for text in ids])).long()
    with torch.no_grad():
        torch.testing.assert_close(unpadded_logits(model.network, model.embed(padded), mask), alone, rtol=0, atol=1e-5)
    assert ignores_padding(model.network) == (name in ("bert", "roberta"))
    assert predictions(model, table()).tolist() == alone.argmax(1).tolist()


@pytest.mark.parametrize("name", ["bert", "gpt2", "gpt2 with padding", "llama"])
def test_training_does_not_read_padding(name, tmp_path):
    """What is saved after training with texts of several lengths says of each what the library says of it."""
    folder = saved(READ[name], tmp_path / name)
    training = config.Training(epochs=1, batch_size=6)
    settings = TextEncoder(family="text_encoder", source="x", training=training)
    settings.make(table(), folder, None, tmp_path / "m", 0, progress=False)
    network = AutoModelForSequenceClassification.from_pretrained(tmp_path / "m").eval()
    model = load(tmp_path / "m")
    for ids in encode(model.tokenizer, TEXTS):
        theirs = network(input_ids=torch.tensor([ids])).logits
        torch.testing.assert_close(model.logits(model.embed(torch.tensor(ids))[None]), theirs, rtol=0, atol=1e-5)


def test_heads_take_on_the_units_of_what_they_learnt():
    """Those without a bias, as decoders have them, have learnt a mean that they cannot be given."""
    ids = torch.tensor([[5, 6, 7, 0]])
    for name, network in (READ | TOKENS).items():
        plain = network()
        head = type(plain)(type(plain.config)(**plain.config.to_dict() | {"num_labels": 1})).eval()
        units = units_of(torch.tensor([1.0, 5.0]), head)
        assert units == {"mean": 3.0 if name in ("bert", "roberta", *TOKENS) else 0.0, "spread": 2.0}, name
        with torch.no_grad():
            before, after = (network(input_ids=ids).logits for network in (copy.deepcopy(head), in_units(head, units)))
        torch.testing.assert_close(after, units["mean"] + 2 * before, msg=name)
    assert units_of(torch.tensor([2001.0, 2003.0]), head)["mean"] == 2002
    decoder = LlamaForSequenceClassification(LlamaConfig(**SHAPE, num_labels=1))
    with pytest.raises(UserError, match="has no bias, and cannot learn numbers of a mean of 2002 that spread by 1;"):
        units_of(torch.tensor([2001.0, 2003.0]), decoder)


@pytest.mark.parametrize("name", TOKENS)
def test_what_reads_no_embeddings_is_masked_by_tokens(name, tmp_path):
    """Equal to what the network says of the text's tokens, those of absent words replaced."""
    tokenizer = tiny.byte_bpe()
    tokenizer.add_special_tokens({"unk_token": "the"})  # whichever token, it has an embedding
    post = TemplateProcessing(single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", 0)])
    tokenizer.backend_tokenizer.post_processor = post
    folder = saved(TOKENS[name], tmp_path / name, tokenizer)
    TextEncoder(family="text_encoder", source="x").make(table(), folder, None, tmp_path / "m", 0)
    model = load(tmp_path / "m")
    assert isinstance(model, TokenClassifier)
    theirs = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    ids = [torch.tensor([text]) for text in encode(tokenizer, TEXTS)]
    with torch.no_grad():
        expected = torch.cat([theirs(input_ids=text).logits for text in ids])
    assert predictions(model, table()).tolist() == expected.argmax(1).tolist()
    torch.testing.assert_close(model.logits(ids[1]), expected[1:2], rtol=0, atol=1e-5)

    sample = tiny.text_sample("gripping", "superb", "film")
    outputs = evaluate(bind(model, sample, config.Masking(baseline="unk")))
    read = tokenizer(sample["text"], return_offsets_mapping=True)
    for coalition in range(8):
        masked = list(read["input_ids"])
        for player, (start, stop) in enumerate(sample["players"]):
            if not coalition >> player & 1:
                for place, (first, last) in enumerate(read["offset_mapping"]):
                    masked[place] = tokenizer.unk_token_id if first < stop and start < last else masked[place]
        with torch.no_grad():
            by_hand = theirs(input_ids=torch.tensor([masked])).logits[0]
        torch.testing.assert_close(torch.tensor(outputs[coalition]), by_hand, rtol=0, atol=1e-5)
    assert outputs.std(axis=0).min() > 1e-4
    with pytest.raises(
        UserError, match=r"`masking.baseline: zero` is no token, and a network `\w+` reads tokens alone"
    ):
        locate(model, sample, config.Masking())


@pytest.mark.parametrize("name", TOKENS)
def test_what_reads_no_embeddings_is_not_trained(name, tmp_path):
    settings = TextEncoder(family="text_encoder", source="x", training=config.Training(epochs=1))
    with pytest.raises(
        UserError, match=r"a network `\w+` reads no word embeddings, in which words are masked"
    ) as error:
        settings.make(table(), saved(TOKENS[name], tmp_path / name), None, tmp_path / "m", 0, progress=False)
    assert "\n" not in str(error.value)


THREE = tidy(range(6), ["train"] * 6, [0, 1, 2] * 2, ["film film", "acting acting", "the the"] * 2)


def test_an_encoder_is_fine_tuned_for_three_labels(tmp_path):
    folder = saved(READ["bert"], tmp_path / "bert")
    settings = TextEncoder(family="text_encoder", source="x", training=config.Training(epochs=2))
    settings.make(THREE, folder, None, tmp_path / "m", 0, progress=False)
    model, theirs = load(tmp_path / "m"), AutoModelForSequenceClassification.from_pretrained(tmp_path / "m").eval()
    ids = torch.tensor(encode(model.tokenizer, ["the film"]))
    logits = model.logits(model.embed(ids[0])[None])
    assert logits.shape == (1, 3)
    torch.testing.assert_close(logits, theirs(input_ids=ids).logits, rtol=0, atol=1e-5)


def test_a_convolutional_network_learns_three_labels(tmp_path):
    tiny.wordpieces().save_pretrained(tmp_path / "tokenizer")
    training = config.Training(epochs=80, batch_size=6, learning_rate=0.02)
    settings = TextCNN(family="text_cnn", tokenizer="x", width=16, filters=8, training=training)
    settings.make(THREE, tmp_path / "tokenizer", None, tmp_path / "m", 0, progress=False)
    assert predictions(load(tmp_path / "m"), THREE).tolist() == [0, 1, 2] * 2


def test_a_network_that_says_something_else_of_embeddings_is_refused(tmp_path):
    """A decoder whose tokenizer closes texts with the padding token reads the one before it, if given tokens."""
    tokenizer = tiny.byte_bpe()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", 0)]
    )
    folder = saved(READ["gpt2 with padding"], tmp_path / "gpt2 with padding", tokenizer)
    with pytest.raises(UserError, match=r"gives the logits \[.*\] instead of \[.*\] for 'the film' when it reads"):
        TextEncoder(family="text_encoder", source="x").make(table(), folder, None, tmp_path / "m", 0)


def test_a_token_without_an_embedding_is_one_line(tmp_path):
    tokenizer = tiny.byte_bpe()
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})  # as recipes do, without resize_token_embeddings
    model = load_transformers(saved(READ["gpt2"], tmp_path / "gpt2", tokenizer))
    assert model.embed(torch.tensor([SIZE - 1])).shape == (1, 32)
    with pytest.raises(
        UserError, match=rf"the token '\[PAD\]' has number {SIZE}, the model has word embeddings of {SIZE}"
    ):
        model.embed(torch.tensor([3, SIZE]))
    settings = TextEncoder(family="text_encoder", source="x", training=config.Training(epochs=1))
    settings.make(table(), tmp_path / "gpt2", None, tmp_path / "m", 0, progress=False)  # it pads with what is there
    with pytest.raises(UserError, match="has number"):
        more = tidy([0, 1], ["train"] * 2, [0, 1], ["the film[PAD]", "a"])
        settings.make(more, tmp_path / "gpt2", None, tmp_path / "other", 0, progress=False)
