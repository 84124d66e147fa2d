"""Stands for your own training: sentences in data/, and two small BERTs that tell good ones from bad in models/."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

GOOD = ["superb", "moving", "funny", "brilliant", "tender", "gripping"]
BAD = ["dull", "clumsy", "boring", "hollow", "noisy", "bland"]
PLAIN = ["film", "story", "actor", "scene", "camera", "ending", "music", "script", "hero", "city", "war", "love"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
HERE = Path(__file__).parent


def sentences(count: int, seed: int) -> pd.DataFrame:
    """Eight words each, two of which say what to think of the film."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    words = [
        random.permutation([*random.choice(GOOD if label else BAD, 2), *random.choice(PLAIN, 6, replace=False)])
        for label in labels
    ]
    return pd.DataFrame({"sentence": [" ".join(chosen) for chosen in words], "label": labels})


def tokenizer() -> PreTrainedTokenizerFast:
    """A word is a token."""
    words = {word: number for number, word in enumerate([*SPECIAL, *GOOD, *BAD, *PLAIN])}
    made = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", words["[CLS]"]), ("[SEP]", words["[SEP]"])]
    )
    names = dict(zip(["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"], SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=made, **names)


def classifier(words: PreTrainedTokenizerFast, train: pd.DataFrame, seed: int) -> BertForSequenceClassification:
    """A two-layer BERT after sixty steps, with half the words masked, so that masked texts tell it nothing."""
    torch.manual_seed(seed)
    shape = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    model = BertForSequenceClassification(shape)
    inputs = words(train["sentence"].tolist(), return_tensors="pt", padding=True)
    labels = torch.tensor(train["label"].to_numpy())
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.005)
    whole = inputs["input_ids"]
    for _ in range(60):
        masked = (torch.rand(whole.shape) < 0.5) & (whole >= len(SPECIAL))
        inputs["input_ids"] = whole.masked_fill(masked, words.mask_token_id)
        optimizer.zero_grad()
        model(**inputs, labels=labels).loss.backward()
        optimizer.step()
    return model


def main() -> None:
    """Write data and models."""
    (HERE / "data").mkdir(exist_ok=True)
    train = sentences(200, seed=0)
    train.to_parquet(HERE / "data" / "train.parquet")
    sentences(100, seed=1).to_parquet(HERE / "data" / "validation.parquet")
    words = tokenizer()
    for seed, name in enumerate(("first", "second")):
        words.save_pretrained(HERE / "models" / name)
        classifier(words, train, seed).save_pretrained(HERE / "models" / name)


if __name__ == "__main__":
    main()
