"""Causal language models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from andor.models.family import Family
from andor.settings import Name

if TYPE_CHECKING:
    import pyarrow as pa
    import torch

    from andor.models.loaded import LanguageModel


class CausalLM(Family):
    """A pretrained causal language model."""

    place: ClassVar = 8
    reads: ClassVar = {"passage"}
    language: ClassVar = True
    making_uses_gpu: ClassVar = False
    seconds: ClassVar = 0.2
    """On one GPU, as docs/scale.md has it."""
    family: Literal["causal_lm"]
    """Kind of model."""
    source: Name
    """An entry of `sources`: a folder in the layout of transformers, with safetensors and a tokenizer; or a GGUF file,
    which is read once and written in that layout."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Precision of the forward pass. bfloat16 adds noise of some σ to v and of σ·2^(order/2) to the interactions; σ is
    measured on every sample and stands in the metadata of its masked outputs."""

    @classmethod
    def memory_of(cls, held: int) -> int:
        """Memory in MB of a job that holds so many bytes of weights; enough for a large model if they are not known."""
        return super().memory_of(held) if held else 64_000

    def described(self) -> dict[str, Any]:
        """The family and its precision; what makes the network stands in the files of transformers."""
        return {"family": self.family, "dtype": self.dtype}

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
        """Link the files of transformers, or unpack a GGUF file."""
        import torch

        from andor.models import pretrained
        from andor.models.files import describe

        dtype = getattr(torch, self.dtype)
        if source.is_file():
            pretrained.unpack_gguf(source, folder, dtype)
        else:
            pretrained.settings_of(source)  # says so if there are none
            if not pretrained.has_safetensors(source):
                pretrained.write(pretrained.language_model(source, dtype), folder)
            pretrained.link(source, folder)
        describe(self.described(), folder)

    @classmethod
    def loaded(cls, folder: Path, description: dict[str, Any], device: torch.device) -> LanguageModel:
        """The model that `make` put into a folder."""
        import torch

        from andor.models import pretrained
        from andor.models.loaded import LanguageModel

        network = pretrained.language_model(folder, getattr(torch, description["dtype"]))
        return LanguageModel(network.to(device), description, pretrained.tokenizer(folder))
