"""Models behind a completions endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from andor.errors import UserError
from andor.models import answers as said
from andor.models.family import Family
from andor.models.settings import Masked
from andor.network import is_loopback
from andor.settings import VARIABLE, PositiveInt

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    import torch

    from andor.data.reader import Reader
    from andor.models.served import ServedClassifier

TRIES = 8
"""Times that all answers are asked for at most before any work, to find a way to score them."""
LETTERS = 4
"""Letters of English a token, about."""


class ServedModel(Family):
    """A model behind an OpenAI-compatible completions endpoint, which is asked for the classes of texts.

    Nothing but the masked texts, inside the prompt and with the answers, is sent.
    """

    place: ClassVar = 9
    reads: ClassVar = {"text"}
    has_gradients: ClassVar = False
    uses_gpu: ClassVar = False
    memory_mb: ClassVar = 2000
    seconds: ClassVar = 1.0
    """Two answers of a server, one after the other."""
    family: Literal["served"]
    """Kind of model."""
    url: str
    """The endpoint without its last part, as `http://localhost:8000/v1`. It may change: it is no part of what outputs
    are kept by."""
    model: Annotated[str, StringConstraints(min_length=1)]
    """Name of the model there."""
    revision: Annotated[str, StringConstraints(min_length=1)]
    """Which state of the model that is, in words of your own: a commit, a file's digest, a date. Outputs are kept by
    it: change it when what is behind the endpoint changes."""
    key_variable: Annotated[str, StringConstraints(pattern=VARIABLE)] | None = None
    """Name of the environment variable that holds the key, if the endpoint wants one. The key itself is written
    nowhere."""
    prompt: said.Prompt
    """What the model is asked, with `{text}` where the text stands; its chat template, if it has one, written out."""
    answers: said.Given
    """The answer for the number of each class, or a list of wordings; or a file of them, as for `causal_lm`."""
    instead: str | None = None
    """What a masked word gives way to. If unset, it leaves the text under the baseline value `zero`, and gives way to
    the name of a token, such as `[MASK]`, under one of these."""
    most_calls: Annotated[int, Field(gt=0, le=10**9)] | None = None
    """Requests that you agree to: the check refuses a task that may take more, and a job stops there."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    """Requests at a time, of one job."""
    per_minute: PositiveInt | None = None
    """Requests a minute at most, of one job."""
    timeout: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Seconds to wait for an answer before the request is sent again."""

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            whole = False
        if not whole or parts.query or parts.fragment:
            raise ValueError("is no address as `http://localhost:8000/v1`; mend it")
        if parts.username or parts.password:
            raise ValueError("holds a name or a password; take it away, and name a `key_variable`")
        return url

    @model_validator(mode="after")
    def _private(self) -> ServedModel:
        parts = urlsplit(self.url)
        if self.key_variable is not None and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError(f"`url: {self.url}` would carry the key in the clear; use https, or no `key_variable`")
        return self

    @property
    def judged(self) -> int:
        """None: what it gets right is counted among the candidates, which are paid for anyway."""
        return 0

    def own_files(self) -> dict[str, str]:
        """The file of answers."""
        return {"answers": self.answers} if isinstance(self.answers, str) else {}

    def unknown(self) -> Iterator[str]:
        """A key or a file of answers that is not there."""
        from andor.models.serving import key_of

        try:
            key_of(self.key_variable)
        except UserError as error:
            yield str(error)
        yield from said.unread(self.answers)

    def calls(self, inputs: int) -> int:
        """Requests for so many masked inputs at most, a wording of an answer each, and to find out how."""
        return (inputs + TRIES) * sum(map(len, self._wordings()))

    def tokens(self, inputs: int, words: int) -> int:
        """Tokens of these requests, if texts have so many words, of six letters with the space."""
        wordings = [wording for own in self._wordings() for wording in own]
        letters = sum(len(self.prompt) + len(wording) + 6 * words for wording in wordings)
        return (inputs + TRIES) * (letters // LETTERS + len(wordings))

    def _wordings(self) -> list[list[str]]:
        """Wordings of each class; one of each of two, where the file of them is not there to be read."""
        try:
            return said.given(self.answers)
        except UserError:
            return [[" no"], [" yes"]]

    def misfits(self, name: str, data: Reader, masking: Masked) -> Iterator[str]:
        """Classes without answers; baseline values that are embeddings."""
        yield from super().misfits(name, data, masking)
        yield from said.misfits(name, self.answers, data)
        if masking.is_embedding and masking.baseline != "learned":
            yield f"masking.baseline `{masking.baseline}` is an embedding; model `{name}` (served) has none: use zero"

    def costs(self, name: str, inputs: int) -> Iterator[str]:
        """That the calls for so many masked inputs are not agreed to."""
        calls = self.calls(inputs)
        if self.most_calls is None:
            yield f"model `{name}` (served) takes up to {calls} calls; set `most_calls: {calls}` if you agree"
        elif calls > self.most_calls:
            yield (
                f"model `{name}` (served) takes up to {calls} calls, `most_calls: {self.most_calls}` is less; raise "
                "it, or lower `samples` or `coalitions`"
            )

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
        """Ask once, to see how answers can be scored."""
        from andor.models.files import describe
        from andor.models.inputs import count_labels
        from andor.models.questions import Question
        from andor.models.served import scoring_of

        answers = said.given(self.answers)
        if table is not None:
            said.check_labels(answers, count_labels(table))
        before, _, after = self.prompt.partition(said.TEXT)
        question = Question(before, after, True, tuple(map(tuple, answers)))
        description = self.model_dump(exclude={"prompt", "answers"}) | question.described()
        way = scoring_of(description, "" if table is None else table["text"][0].as_py())
        folder.mkdir(parents=True, exist_ok=True)
        describe(description | way, folder)

    @classmethod
    def loaded(cls, folder: Path, description: dict[str, Any], device: torch.device) -> ServedClassifier:
        """The model that `make` described."""
        from andor.models.served import ServedClassifier

        return ServedClassifier(description)
