"""Tiny real models, with random weights that make players matter, and samples for them."""

from __future__ import annotations

import functools

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertTokenizerFast,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from andor.models.architectures import TextCNN, image_network
from andor.models.loaded import ImageClassifier, LanguageModel, TextClassifier

TEXT = "A gripping, unforgettable film: the acting is superb and nobody sleeps."
SHAPE = (1, 16, 16)


def wordpieces(max_length: int = 64) -> BertTokenizerFast:
    """WordPiece that cuts long words into pieces."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "film",
        "acting",
        "the",
        "super",
        "##b",
        "un",
        "##forget",
        "##table",
    ]
    vocabulary = pieces + [p for p in [*letters, *(f"##{letter}" for letter in letters), *".,:-'"] if p not in pieces]
    return BertTokenizerFast(
        vocab={piece: number for number, piece in enumerate(vocabulary)}, model_max_length=max_length
    )


def byte_bpe() -> PreTrainedTokenizerFast:
    """Byte-level BPE as GPT-2 has it: a space belongs to the piece after it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator([TEXT, "the film the acting"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>", model_max_length=64)


def metaspace_bpe() -> PreTrainedTokenizerFast:
    """BPE with ▁ for spaces and a first token <s>, as Llama has it: decoding drops a leading space."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=120, special_tokens=["<unk>", "<s>", "</s>"])
    tokenizer.train_from_iterator([TEXT, "the film the acting"], trainer)
    tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


@functools.cache
def encoder(max_length: int = 64) -> TextClassifier:
    """Two-layer BERT."""
    torch.manual_seed(0)
    tokenizer = wordpieces(max_length)
    settings = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        initializer_range=0.5,
    )  # fmt: skip
    return TextClassifier(BertForSequenceClassification(settings), {"family": "text_encoder"}, tokenizer)


@functools.cache
def text_cnn() -> TextClassifier:
    """Kim's network."""
    torch.manual_seed(1)
    tokenizer = wordpieces()
    return TextClassifier(TextCNN(len(tokenizer), 16, 8, [3, 4]), {"family": "text_cnn"}, tokenizer)


@functools.cache
def gpt2() -> LanguageModel:
    """Two-layer GPT-2."""
    torch.manual_seed(2)
    tokenizer = byte_bpe()
    settings = GPT2Config(
        vocab_size=len(tokenizer), n_positions=64, n_embd=32, n_layer=2, n_head=4, initializer_range=0.3,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return LanguageModel(GPT2LMHeadModel(settings), {"family": "causal_lm", "dtype": "float32"}, tokenizer)


@functools.cache
def llama() -> LanguageModel:
    """Two-layer Llama; its embedding has more rows than the tokenizer has tokens."""
    torch.manual_seed(3)
    tokenizer = metaspace_bpe()
    settings = LlamaConfig(
        vocab_size=len(tokenizer) + 5, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        initializer_range=0.3, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    return LanguageModel(LlamaForCausalLM(settings), {"family": "causal_lm", "dtype": "float32"}, tokenizer)


@functools.cache
def lenet() -> ImageClassifier:
    """LeNet with a mean image that is not constant."""
    torch.manual_seed(4)
    return ImageClassifier(image_network("lenet", SHAPE), {"family": "image_classifier"}, torch.rand(SHAPE))


def text_sample(*names: str, text: str = TEXT, **more: object) -> dict:
    """A sample whose players are the named words."""
    players = [[text.index(name), text.index(name) + len(name)] for name in names]
    return {"sample": 0, "item": 0, "text": text, "players": players, "player_names": list(names), **more}


def image_sample(players: int = 4, seed: int = 0) -> dict:
    """An image whose players are 4×4 patches on its diagonal."""
    image = np.random.default_rng(seed).random(SHAPE, dtype=np.float32)
    pixels = np.arange(256).reshape(16, 16)
    patches = [pixels[4 * p : 4 * p + 4, 4 * p : 4 * p + 4].ravel().tolist() for p in range(players)]
    return {
        "sample": 0,
        "item": 0,
        "image": image,
        "players": patches,
        "player_names": [f"{p},{p}" for p in range(players)],
    }
