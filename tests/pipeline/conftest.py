"""A tiny configuration that runs the whole chain in a folder of its own: real digits, made-up reviews, small models."""

import os
import subprocess
from pathlib import Path

import forked
import numpy as np
import pytest
import yaml

from once import made_once

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("ANDOR_TEST_SEED", "0"))
"""Of the tiny configuration: another one gives other networks, samples and splits, and no test may mind."""
PATIENCE = 3600
"""Seconds after which a run is given up: on a busy machine, or an old one, all of this takes long."""
GOOD = ["superb", "moving", "funny", "brilliant", "tender", "gripping"]
BAD = ["dull", "clumsy", "boring", "hollow", "noisy", "bland"]
STUDY = {
    "question": "What does the weight of the sum change?",
    "tasks": ["digits"],
    "ensembles": ["lenet-lenet2"],
    "methods": ["generalizable"],
    "variants": {"sum_alone": {"kind": "generalizable", "alpha": float("inf")}},
}
PLAIN = ["film", "story", "actor", "scene", "camera", "ending", "music", "script", "hero", "city", "war", "love"]

EMPTY = {"held_out", "transfer", "discrimination", "fidelity", "noise"}
"""Tables without rows: no ensemble leaves out one of two models, words and patches differ from sample to sample, all
coalitions are known, and outputs have no noise."""


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the workflow in ``folder`` with the interpreter of the tests."""
    environment = {**os.environ, **forked.OFFLINE, "COLUMNS": "200"}
    command = ["--snakefile", str(ROOT / "Snakefile"), "--cores", "2", *arguments]
    return forked.snakemake(command, folder, environment, PATIENCE)


def reviews(path: Path, count: int = 240) -> None:
    """Scored sentences in the layout of the real file: id, mean score, text. All words that decide can be players."""
    random = np.random.default_rng(0)
    lines = []
    for number in range(count):
        positive = number % 2
        words = [*random.choice(GOOD if positive else BAD, 2), *random.choice(PLAIN, 4, replace=False)]
        score = random.uniform(1, 4) * (1 if positive else -1)
        lines.append(f"{number}\t{score:.2f}\tThe {' '.join(random.permutation(words))} .")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def encoder(folder: Path) -> None:
    """A two-layer BERT with random weights and a word tokenizer, in the layout of transformers."""
    # The process that hands out the tests reads this file too, and makes nothing.
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [*special, "the", ".", *GOOD, *BAD, *PLAIN]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    names = dict(zip(["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"], special, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    shape = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    torch.manual_seed(0)
    BertForSequenceClassification(shape).save_pretrained(folder)


@pytest.fixture(scope="session")
def sources(tmp_path_factory) -> Path:
    """A folder with the reviews and the encoder."""

    def make(folder: Path) -> None:
        reviews(folder / "reviews.tsv")
        encoder(folder / "encoder")

    return made_once(tmp_path_factory, "sources", make)


@pytest.fixture(scope="session")
def configuration(sources) -> dict:
    """Two tasks, two models each, three samples; learnt with room to spare whatever the processor, and the seed."""
    image = {"batch_size": 16, "learning_rate": 0.003, "balanced": True}
    text = {"batch_size": 16}
    return {
        "device": "cpu",
        "seed": SEED,
        "sources": {
            "reviews": {"mirrors": [f"path:{sources / 'reviews.tsv'}"]},
            "encoder": {"mirrors": [f"path:{sources / 'encoder'}"]},
        },
        "tasks": {
            "digits": {
                "data": {"reader": "digits", "positive": 0, "size": 16, "test_fraction": 0.8},
                "models": {
                    "lenet": {
                        "family": "image_classifier",
                        "architecture": "lenet",
                        "training": {**image, "epochs": 10},
                    },
                    "lenet2": {  # networks of torchvision take seconds to import, in every job
                        "family": "image_classifier",
                        "architecture": "lenet",
                        "training": {**image, "epochs": 10, "seed": SEED + 100},
                    },
                },
                "players": {"kind": "patches", "count": 4, "size": 4},
                "reward": {"kind": "logit"},
                "samples": {"count": 3, "candidates": 20, "label": 1, "min_range": 0.01},
            },
            "sentiment": {
                "data": {"reader": "film_reviews", "source": "reviews"},
                "models": {
                    "bert": {
                        "family": "text_encoder",
                        "source": "encoder",
                        "training": {**text, "epochs": 10, "learning_rate": 0.001},
                    },
                    "cnn": {
                        "family": "text_cnn",
                        "tokenizer": "encoder",
                        "width": 16,
                        "filters": 8,
                        "training": {**text, "epochs": 15, "learning_rate": 0.01},
                    },
                },
                "players": {"kind": "words", "count": 5},
                "masking": {"baseline": "mask"},
                "samples": {"count": 3, "candidates": 60, "min_range": 0.1},
            },
        },
        "analysis": {"strongest": [0.1, 0.25, 0.5], "draws": 100},
    }


def write_config(folder: Path, configuration: dict) -> None:
    """Put a configuration where the workflow looks for it."""
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")


@pytest.fixture(scope="session")
def run(tmp_path_factory, configuration) -> Path:
    """A folder in which the whole chain was run once, with a study."""

    def make(folder: Path) -> None:
        write_config(folder, {**configuration, "studies": {"alpha": STUDY}})
        done = snakemake(folder)
        assert done.returncode == 0, done.stderr[-6000:]

    return made_once(tmp_path_factory, "run", make)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the finished run first: while one process makes it, the other begins with those that need none."""
    items.sort(key=lambda item: "run" not in item.fixturenames)
