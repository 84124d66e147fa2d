"""The key `reward` of a task: the scalar output that is explained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import model_validator

from andor.data.reader import Reader
from andor.settings import Closed, PositiveFloat


class Reward(Closed):
    """The scalar output v that is explained."""

    kind: Literal["logit", "true_logit", "above_smallest", "log_odds", "probability", "prediction"] = "log_odds"
    """First logit; logit of the true label; the same less the smallest logit; log p/(1−p) of the true label (or target
    token); its probability; the predicted number, where labels are numbers."""
    temperature: PositiveFloat = 1.0
    """What logits are divided by before they become log-odds or a probability."""
    centred: bool = True
    """Subtract v(∅)."""

    @model_validator(mode="after")
    def _has_effect(self) -> Reward:
        if self.temperature != 1 and self.kind not in ("log_odds", "probability"):
            raise ValueError(f"`temperature` has no effect on reward `{self.kind}`; take it away")
        return self

    def misfits(self, data: Reader) -> Iterator[str]:
        """What does not go with the data."""
        if data.is_numeric != (self.kind == "prediction"):
            wanted = "prediction, which is a number" if data.is_numeric else "log_odds, or another one of classes"
            yield f"reward.kind `{self.kind}` does not fit {data.title}; use {wanted}"
        if data.modality != "passage":
            return
        if self.kind not in ("log_odds", "probability"):
            yield f"reward.kind `{self.kind}` is for classifiers; use log_odds or probability"
        if self.temperature != 1:
            yield "reward.temperature is for classifiers; take it away"

    @property
    def words(self) -> str:
        """The reward as it stands on an axis."""
        name = self.kind.replace("_", " ").replace("true", "true-label").replace("log odds", "log-odds")
        return name.replace("above smallest", "true-label logit above the smallest")
