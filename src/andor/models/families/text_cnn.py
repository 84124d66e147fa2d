"""Kim's convolutional classifiers of sentences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from andor.errors import UserError
from andor.models.family import TrainedOnTexts
from andor.models.settings import Training
from andor.settings import Name, PositiveInt

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import PreTrainedTokenizerFast

    from andor.models import architectures
    from andor.models.loaded import TextClassifier


class TextCNN(TrainedOnTexts):
    """Kim's (2014) convolutional sentence classifier, trained from scratch.

    Where the label is a number to predict, it learns that by mean squared error.
    """

    place: ClassVar = 1
    reads: ClassVar = {"text"}
    memory_mb: ClassVar = 2500
    seconds: ClassVar = 0.005
    family: Literal["text_cnn"]
    """Kind of model."""
    tokenizer: Name
    """An entry of `sources`: the folder whose tokenizer is used (no weights are read)."""
    width: PositiveInt = 128
    """Width of the word-piece embeddings."""
    filters: PositiveInt = 100
    """Filters of each kernel width."""
    kernels: Annotated[list[PositiveInt], Field(min_length=1)] = [3, 4, 5]
    """Kernel widths in word pieces."""
    training: Training = Training()
    """How to train it."""

    def untrained(
        self, source: Path, labels: int = 2
    ) -> tuple[architectures.TextCNN, dict[str, Any], PreTrainedTokenizerFast]:
        """A network with new weights for the vocabulary of a tokenizer, which has to know a mask."""
        from andor.models import architectures, pretrained

        tokenizer = pretrained.tokenizer(source)
        if tokenizer.mask_token_id is None:
            raise UserError(
                f"`tokenizer: {self.tokenizer}` has no mask token; name the tokenizer of a masked language model"
            )
        network = {"vocabulary": len(tokenizer), **self.model_dump(include={"width", "filters", "kernels"})}
        if labels != 2:
            network["classes"] = labels
        return architectures.TextCNN(**network), {"family": self.family, "network": network}, tokenizer

    def varied(self, token_ids: Tensor, tokenizer: PreTrainedTokenizerFast) -> Tensor:
        """Token ids (B, L) with some words of each text masked."""
        from andor.models.training import dropped

        return dropped(token_ids, tokenizer)

    @classmethod
    def loaded(cls, folder: Path, description: dict[str, Any], device: torch.device) -> TextClassifier:
        """The model that `make` put into a folder."""
        from andor.models import architectures, files, pretrained
        from andor.models.loaded import TextClassifier

        network = architectures.TextCNN(**description["network"])
        files.fill(network, folder)
        return TextClassifier(network.to(device), description, pretrained.tokenizer(folder))
