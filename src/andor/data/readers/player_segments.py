"""The reader `player_segments`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from andor.data.reader import Reader
from andor.errors import UserError
from andor.settings import Name

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colours of ImageNet, by which images are normalised."""
ROUNDING = 1e-4
"""How far beyond black and white a pixel may be, where normalising is undone."""


class PlayerSegmentsData(Reader):
    """Images with hand-drawn players as the authors of the ICML 2023 paper give them, all of them for explaining.

    Models come from elsewhere, or from another task; players are `{kind: pixels}` with the same source.
    """

    modality: ClassVar = "image"
    place: ClassVar = 2
    reader: Literal["player_segments"]
    """Which reader makes the tidy table."""
    source: Name
    """An entry of `sources`: a folder with files `…_image.pth`, `…_label.pth` and `…_players.json`, or with folders of
    these."""
    normalised: bool = False
    """The images are normalised by ImageNet's colours, which is undone."""

    @property
    def two_labels(self) -> bool:
        """Labels are 0 and 1."""
        return True

    @property
    def classes(self) -> list[str]:
        """None has a name."""
        return []

    @property
    def trains(self) -> bool:
        """Nothing is kept for training."""
        return False

    def read(self, source: Path | None, seed: int) -> pa.Table:
        """Tidy table of the images; an item's number is its place in the order of paths."""
        import numpy as np

        from andor.data.building import tidy
        from andor.data.segments import segmented

        source = self.given(source)
        read = [(self._image(place), int(_tensor(place, "label").item())) for place in segmented(source)]
        if not read:
            raise UserError(f"{source}: holds no …_image.pth beside …_players.json; name the authors' player segments")
        images, labels = zip(*read, strict=True)
        if len({image.shape for image in images}) > 1 or not set(labels) <= {0, 1}:
            raise UserError(f"{source}: images of several sizes, or labels other than 0 and 1; name one folder of them")
        return tidy(range(len(read)), ["test"] * len(read), labels, np.stack(images), "image")

    def _image(self, place: Path) -> np.ndarray:
        """Pixels (C, H, W) of an image, in [0, 1].

        Raises
        ------
        UserError
            If they are not, or not of three channels where normalising is to be undone.
        """
        import numpy as np

        image = _tensor(place, "image").numpy().astype(np.float32)
        image = image[0] if image.ndim == 4 else image
        if self.normalised and image.shape[0] != len(MEAN):
            raise UserError(
                f"{place}_image.pth: has the shape {image.shape}, and `normalised` is of three colours; take it away"
            )
        if self.normalised:
            image = image * np.array(SPREAD, np.float32)[:, None, None] + np.array(MEAN, np.float32)[:, None, None]
        if not (image >= -ROUNDING).all() or not (image <= 1 + ROUNDING).all():
            fix = "take `normalised` away" if self.normalised else "set `normalised` if they are of ImageNet's colours"
            raise UserError(f"{place}_image.pth: pixels from {image.min():g} to {image.max():g}, not 0 to 1; {fix}")
        return image


def _tensor(place: Path, what: str) -> Any:
    """A tensor of a sample; nothing else is unpickled."""
    import torch

    file = place.with_name(f"{place.name}_{what}.pth")
    try:
        return torch.as_tensor(torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:  # what somebody damaged can fail anywhere in the reader
        raise UserError(f"{file}: holds no tensor ({type(error).__name__}); fetch it again") from None
