"""Pretrained image classifiers of torchvision, transformers and timm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator

from andor.models.family import Family, check_labels
from andor.settings import Name, PositiveFloat

if TYPE_CHECKING:
    import pyarrow as pa
    import torch

    from andor.models.loaded import ImageClassifier


class PretrainedImageClassifier(Family):
    """A pretrained image classifier, used as it comes, with as many logits as it has."""

    place: ClassVar = 3
    reads: ClassVar = {"image"}
    family: Literal["pretrained_image_classifier"]
    """Kind of model."""
    library: Literal["torchvision", "transformers", "timm"]
    """Whose architecture it is; timm has to be installed."""
    source: Name
    """An entry of `sources`: a folder in the layout of transformers, or a state dict (safetensors, or `.pth`,
    `.pth.tar`, `.pt`, `.bin` with tensors and nothing else), alone or in a folder."""
    architecture: str | None = None
    """Name of the architecture in torchvision or timm, such as `resnet50`."""
    mean: list[float] | None = None
    """Mean of each channel that the model expects to be subtracted from images in [0, 1]; if unset, that of the
    source's `preprocessor_config.json` (of timm `config.json`), of torchvision's own weights, or ImageNet's."""
    std: list[PositiveFloat] | None = None
    """Standard deviation of each channel by which images are divided; if unset, as for `mean`."""

    @model_validator(mode="after")
    def _named(self) -> PretrainedImageClassifier:
        if (self.architecture is None) != (self.library == "transformers"):
            said = "is in the source's config.json; take it away" if self.architecture else "is missing; add it"
            raise ValueError(f"`architecture` of a model of {self.library} {said}")
        return self

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
        """Link the files of transformers, or keep a state dict as safetensors."""
        from andor.models import pretrained, vision
        from andor.models.adoption import settle

        given = {"mean": self.mean, "std": self.std}
        described: dict[str, Any] = {"library": self.library, "architecture": self.architecture}
        described |= vision.normalisation(self.library, source, given, self.architecture)
        if given["mean"] or given["std"]:
            described["given"] = True
        folder.mkdir(parents=True, exist_ok=True)
        if self.library != "transformers":
            described |= self._fill(source, folder)
        else:
            settings = pretrained.settings_of(source)
            if settings.num_labels > 1 or settings.problem_type == "regression":  # a single logit tells two apart
                check_labels(settings.num_labels, settings.problem_type, f"`source: {self.source}`")
            if not pretrained.has_safetensors(source):
                pretrained.write(pretrained.image_classifier(source), folder)
            pretrained.link(source, folder)  # what says how images are prepared, too
        settle(type(self), {"family": self.family, **described}, folder, table)

    def _fill(self, source: Path, folder: Path) -> dict[str, Any]:
        """Keep the weights of a network of torchvision or timm; what makes that network beside them."""
        from andor.files import link_or_copy
        from andor.models import vision
        from andor.models.files import WEIGHTS, save_tensors

        stated = (source if source.is_dir() else source.parent) / "config.json"
        of_timm = self.library == "timm" and stated.is_file()
        if of_timm:
            link_or_copy(stated, folder / stated.name)
        more = vision.timm_config(stated.parent).get("model_args") if of_timm else None
        network, classes = vision.network_from(self.library, self.architecture, source, more)
        save_tensors(network.state_dict(), folder / WEIGHTS)
        return {"classes": classes} | ({"model_args": more} if more else {})

    @classmethod
    def loaded(cls, folder: Path, description: dict[str, Any], device: torch.device) -> ImageClassifier:
        """The model that `make` put into a folder."""
        from andor.models import files, pretrained, processors, vision
        from andor.models.loaded import ImageClassifier

        if description["library"] == "transformers":
            network = pretrained.image_classifier(folder)
        else:
            more = description.get("model_args")
            network = vision.build(description["library"], description["architecture"], description["classes"], more)
            files.fill(network, folder)
        flipped = description.get("flipped", False)
        network = vision.Normalised(network, description["mean"], description["std"], flipped)
        model = ImageClassifier(network.to(device), description, files.mean(folder).to(device))
        if "given" not in description:
            model.processor = processors.Processor(model, folder)
        return model
