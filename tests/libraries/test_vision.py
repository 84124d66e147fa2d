"""Pretrained image classifiers say what their library says of the raw image."""

import json

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from transformers import (
    AutoImageProcessor,
    EfficientNetConfig,
    EfficientNetForImageClassification,
    MobileViTConfig,
    MobileViTForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)

from andor.data.building import tidy
from andor.errors import UserError
from andor.models.families.pretrained_image_classifier import PretrainedImageClassifier
from andor.models.loading import load
from andor.models.vision import normalisation

VIT = ViTConfig(
    hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=64, patch_size=16,
    num_labels=2, initializer_range=0.5,
)  # fmt: skip
MOBILE = MobileViTConfig(
    image_size=64, hidden_sizes=[16, 24, 32], neck_hidden_sizes=[8, 8, 16, 16, 24, 24, 64], num_attention_heads=2,
    num_labels=2,
)  # fmt: skip
EFFICIENT = EfficientNetConfig(
    image_size=64, width_coefficient=0.1, depth_coefficient=0.1, hidden_dim=128, num_labels=2
)


def taken(settings, source, images, folder):
    """The model that is made of a source, for images (rows, 3, H, W) in [0, 1]."""
    table = tidy(range(len(images)), ["train"] * len(images), [0, 1] * (len(images) // 2), images, "image")
    settings = PretrainedImageClassifier(family="pretrained_image_classifier", source="x", **settings)
    settings.make(table, source, None, folder, 0)
    return load(folder)


@torch.no_grad()
def lively(network, side=64):
    """A network with new weights for which images differ, whatever its library draws, and so do scales of images.

    Batch statistics are those of no images, and logits of different images are about 1 apart.
    """
    torch.manual_seed(1)
    for module in network.eval().modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.kaiming_normal_(module.weight)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            module.weight.uniform_(0.5, 1.5)
    outputs = network(3 * torch.randn(8, 3, side, side) * torch.rand(8, 3, 1, 1))
    logits = getattr(outputs, "logits", outputs)
    head = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)][-1]
    head.bias -= logits.mean(dim=0)
    head.weight /= logits.std(dim=0).mean()
    head.bias /= logits.std(dim=0).mean()
    return network


@pytest.mark.parametrize(
    ("network", "stated", "given"),
    [
        (lambda: ViTForImageClassification(VIT), {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 1, 0.2]}, {}),
        (lambda: ViTForImageClassification(VIT), {"do_normalize": False}, {}),
        (lambda: ViTForImageClassification(VIT), {"rescale_factor": 1 / 100}, {}),
        (lambda: ViTForImageClassification(VIT), {"do_rescale": False}, {}),
        (lambda: ViTForImageClassification(VIT), {"image_processor_type": "ViTImageProcessor"}, {}),
        (lambda: MobileViTForImageClassification(MOBILE), {"image_processor_type": "MobileViTImageProcessor"}, {}),
        (
            lambda: MobileViTForImageClassification(MOBILE),
            {"image_processor_type": "MobileViTImageProcessor"},
            {"mean": [0, 0, 0], "std": [1, 1, 1]},
        ),
        (
            lambda: MobileViTForImageClassification(MOBILE),
            {"image_processor_type": "MobileViTImageProcessor", "do_flip_channel_order": False},
            {},
        ),
        (
            lambda: EfficientNetForImageClassification(EFFICIENT),
            {"image_processor_type": "EfficientNetImageProcessor", "rescale_factor": 1 / 127.5, "rescale_offset": True},
            {},
        ),
    ],
    ids=["stated", "not normalised", "factor", "bytes", "by default", "mobile", "given", "not flipped", "offset"],
)
def test_a_model_of_transformers_reads_images_as_its_processor_gives_them(network, stated, given, tmp_path):
    torch.manual_seed(0)
    theirs = lively(network())
    theirs.save_pretrained(tmp_path / "source")
    (tmp_path / "source" / "preprocessor_config.json").write_text(json.dumps(stated))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    images = np.float32(pixels.transpose(0, 3, 1, 2) / 255)
    model = taken({"library": "transformers", **given}, tmp_path / "source", images, tmp_path / "m")
    processor = AutoImageProcessor.from_pretrained(tmp_path / "source")
    whole = {"do_resize": False, "do_center_crop": False, "return_tensors": "pt"}
    with torch.no_grad():
        expected = theirs(**processor([Image.fromarray(image) for image in pixels], **whole)).logits
    assert (expected[0] - expected[1]).abs().max() > 1e-3  # images differ
    torch.testing.assert_close(model.logits(torch.from_numpy(images)), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("problem", "labels", "message"),
    [
        ("multi_label_classification", 2, "`source: x` says of each label by itself whether it holds"),
        ("regression", 1, "`source: x` predicts a number, it has one output"),
        ("regression", 2, "`source: x` predicts a number, it has 2 outputs"),
        (None, 1, None),
    ],
)
def test_a_model_of_transformers_that_does_not_choose_a_label_is_refused(problem, labels, message, tmp_path):
    settings = ViTConfig(**VIT.to_dict() | {"num_labels": labels, "problem_type": problem})
    ViTForImageClassification(settings).save_pretrained(tmp_path / "source")
    images = np.random.default_rng(0).random((2, 3, 64, 64), dtype=np.float32)
    if message is None:
        assert taken({"library": "transformers"}, tmp_path / "source", images, tmp_path / "m").logits(
            torch.from_numpy(images)
        ).shape == (2, 1)
        return
    with pytest.raises(UserError, match=message):
        taken({"library": "transformers"}, tmp_path / "source", images, tmp_path / "m")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inception_v3", "googlenet"])
@pytest.mark.parametrize("heads", [True, False], ids=["with heads for training", "without"])
def test_networks_of_torchvision_that_want_another_scale(name, heads, tmp_path):
    torch.manual_seed(0)
    options = {"init_weights": False, "transform_input": True, "num_classes": 2}  # as its own weights set it
    theirs = lively(torchvision.models.get_model(name, weights=None, aux_logits=True, **options), 96)
    state = {key: tensor for key, tensor in theirs.state_dict().items() if heads or not key.lower().startswith("aux")}
    torch.save(state, tmp_path / "w.pth")
    images = np.random.default_rng(0).random((2, 3, 96, 96), dtype=np.float32)
    model = taken({"library": "torchvision", "architecture": name}, tmp_path / "w.pth", images, tmp_path / "m")
    mean, std = (torch.tensor(of)[:, None, None] for of in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    with torch.no_grad():
        expected = theirs((torch.from_numpy(images) - mean) / std)
    torch.testing.assert_close(model.logits(torch.from_numpy(images)), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", torchvision.models.list_models(module=torchvision.models))
def test_every_architecture_of_torchvision_is_normalised_as_its_weights_are(name, tmp_path):
    ours = normalisation("torchvision", tmp_path, {}, name)
    published = torchvision.models.get_model_weights(name)
    made = [weights.transforms() for weights in published if not weights.name.endswith("_FEATURES")]
    assert all(list(theirs.mean) == ours["mean"] and list(theirs.std) == ours["std"] for theirs in made)
