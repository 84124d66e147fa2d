"""Encoders of transformers that classify texts, or learn it here."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from pydantic import model_validator

from andor.errors import UserError
from andor.models.family import TrainedOnTexts, check_labels
from andor.models.settings import Training
from andor.settings import Name, PositiveInt

if TYPE_CHECKING:
    import pyarrow as pa
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from andor.models.loaded import LoadedModel, TextClassifier


class TextEncoder(TrainedOnTexts):
    """A pretrained transformers encoder with a classification head."""

    place: ClassVar = 0
    reads: ClassVar = {"text"}
    family: Literal["text_encoder"]
    """Kind of model."""
    source: Name
    """An entry of `sources`: a folder in the layout of transformers, with safetensors and a tokenizer."""
    weights: Name | None = None
    """An entry of `sources`: a state dict of a classifier of this kind (`.pth`, `.pth.tar`, `.pt`, `.bin` or
    `.safetensors`; tensors and nothing else), such as the checkpoints that the authors released; it replaces the
    weights of `source`, of which configuration and tokenizer are used."""
    layers: PositiveInt | None = None
    """Keep only so many of the first layers; all if unset."""
    training: Training | None = None
    """How to fine-tune it; unset for a model that already classifies."""

    @model_validator(mode="after")
    def _ready(self) -> TextEncoder:
        if self.weights is not None and self.training is not None:
            raise ValueError("`weights` are of a classifier that is ready; take `training` away")
        if self.weights is not None and self.layers is not None:
            raise ValueError("`layers` has no effect on a model with `weights`; take it away")
        return self

    def glance(self, source: Path) -> None:
        """What a folder in the layout of transformers says of its labels."""
        if self.training is not None or self.weights is not None:
            return
        with suppress(OSError, ValueError, AttributeError, TypeError):  # `make` says what is wrong with it
            stated = json.loads((source / "config.json").read_text(encoding="utf-8"))
            labels = len(stated.get("id2label") or range(stated.get("num_labels", 2)))
            check_labels(labels, stated.get("problem_type"), f"`source: {self.source}`")

    def described(self) -> dict[str, Any]:
        """The family; what makes the network stands in the files of transformers."""
        return {"family": self.family}

    def untrained(
        self, source: Path, labels: int = 2
    ) -> tuple[PreTrainedModel, dict[str, Any], PreTrainedTokenizerFast]:
        """The pretrained encoder with a new head."""
        from andor.models import pretrained

        tokenizer = pretrained.tokenizer(source)
        return pretrained.encoder_to_train(source, self.layers, self.source, labels), self.described(), tokenizer

    def write(self, model: LoadedModel, folder: Path) -> None:
        """Put an encoder that was fine-tuned into a folder, in the layout of transformers."""
        from andor.models import pretrained
        from andor.models.files import describe

        trained = cast("TextClassifier", model)
        pretrained.write(cast("PreTrainedModel", trained.network), folder, trained.tokenizer)
        describe(self.described(), folder)

    def make(
        self,
        table: pa.Table | None,
        source: Path | None,
        weights: Path | None,
        folder: Path,
        seed: int,
        device: torch.device | str = "cpu",
        progress: bool = True,
    ) -> None:
        """Fine-tune the encoder, link one that is ready, or fill one with a state dict."""
        from andor.models import pretrained, states
        from andor.models.adoption import settle

        if self.training is not None:
            super().make(table, source, weights, folder, seed, device, progress)
            return
        if weights is not None:
            state = states.read_state(weights)
            labels = states.classes_of(pretrained.new_classifier(source, 2), state) or 2
            check_labels(labels, None, f"`weights: {self.weights}`")
            network = pretrained.new_classifier(source, labels)
            states.fill(network, state, weights)
            pretrained.write(network, folder, pretrained.tokenizer(source))
        else:
            self._link(source, folder)
        settle(type(self), self.described(), folder, table)

    def _link(self, source: Path, folder: Path) -> None:
        """Link the files of an encoder that classifies."""
        from andor.models import pretrained

        settings = pretrained.settings_of(source)
        if not pretrained.classifies(settings):
            raise UserError(f"`source: {self.source}` is no classifier of texts; set `training` to fine-tune it")
        check_labels(settings.num_labels, settings.problem_type, f"`source: {self.source}`")
        pretrained.keep_layers(settings, self.layers, self.source)
        if not pretrained.has_safetensors(source):
            pretrained.write(pretrained.classifier(source), folder)
        elif self.layers is not None:
            settings.save_pretrained(folder)
        pretrained.link(source, folder)

    @classmethod
    def loaded(cls, folder: Path, description: dict[str, Any], device: torch.device) -> TextClassifier:
        """The model that `make` put into a folder."""
        from andor.models import pretrained
        from andor.models.loaded import TextClassifier, TokenClassifier, reads_embeddings

        network = pretrained.classifier(folder).eval()
        kind = TextClassifier if reads_embeddings(network) else TokenClassifier
        return kind(network.to(device), description, pretrained.tokenizer(folder))
