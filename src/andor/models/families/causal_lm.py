"""Causal language models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator

from andor.errors import UserError
from andor.models import answers as said
from andor.models.family import Family
from andor.models.settings import Masked, Quantization
from andor.settings import Name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    import torch
    from transformers import PreTrainedTokenizerFast

    from andor.data.reader import Reader
    from andor.models.loaded import LanguageModel
    from andor.models.prompted import PromptedClassifier

TRIED = 3
"""Texts on which the answers are tried before anything is computed."""


class CausalLM(Family):
    """A pretrained causal language model, which continues passages or is asked for the classes of texts."""

    place: ClassVar = 8
    reads: ClassVar = {"passage", "text"}
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
    quantize: Quantization | None = None
    """A type of GGUF in which the weights of linear layers are stored and read again, by the package gguf; as they are
    if unset. Embeddings, norms, biases and a head that is the embeddings stay as they are."""
    prompt: said.Prompt | None = None
    """Texts: what the model is asked, with `{text}` where the text stands. Its logits are then the log-probabilities of
    the `answers`; players are words of the text alone."""
    answers: said.Given | None = None
    """Texts: the answer for the number of each class, which mostly begins with a space; or a list of wordings, whose
    probabilities add up. Or a file of them in YAML or JSON, relative to the working directory."""
    chat: bool = False
    """Texts: give the prompt as a user's message in the tokenizer's own chat template."""

    @model_validator(mode="after")
    def _asked(self) -> CausalLM:
        if (self.prompt is None) != (self.answers is None):
            given, missing = ("prompt", "answers") if self.answers is None else ("answers", "prompt")
            raise ValueError(f"`{given}` needs `{missing}` too; add it")
        if self.chat and self.prompt is None:
            raise ValueError("`chat` has no effect without `prompt` and `answers`; add them or take it away")
        return self

    @property
    def language(self) -> bool:
        """Unless it is asked for a class."""
        return self.prompt is None

    @property
    def making_uses_gpu(self) -> bool:
        """Only where it is asked about some texts."""
        return not self.language

    @property
    def judged(self) -> int | None:
        """Some hundred: every text is a prompt."""
        return None if self.language else 300

    def own_files(self) -> dict[str, str]:
        """The file of answers."""
        return {"answers": self.answers} if isinstance(self.answers, str) else {}

    def unknown(self) -> Iterator[str]:
        """What is wrong with the file of answers."""
        if self.answers is not None:
            yield from said.unread(self.answers)

    def misfits(self, name: str, data: Reader, masking: Masked) -> Iterator[str]:
        """A prompt that is missing or of no use, classes without answers, gradients that do not reach it."""
        yield from super().misfits(name, data, masking)
        if self.prompt is None and data.modality == "text":
            yield f"model `{name}` (causal_lm) tells no classes apart without `prompt` and `answers`; add them"
        if self.prompt is not None and data.modality == "passage":
            yield f"model `{name}`: `prompt` is for texts with classes, {data.title} has passages; take it away"
        if self.prompt is not None:
            yield from said.misfits(name, self.answers, data)
            if masking.baseline == "learned":
                yield f"masking.baseline `learned` is not for prompts, as of model `{name}`; use zero or mean"

    @classmethod
    def memory_of(cls, held: int) -> int:
        """Memory in MB of a job that holds so many bytes of weights; enough for a large model if they are not known."""
        return super().memory_of(held) if held else 64_000

    def described(self) -> dict[str, Any]:
        """The family, its precision and quantisation; what makes the network stands in the files of transformers."""
        quantized = {} if self.quantize is None else {"quantize": self.quantize}
        return {"family": self.family, "dtype": self.dtype, **quantized}

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
        """Link the files of transformers, or unpack a GGUF file; try the question on a few texts."""
        import torch

        from andor.models import pretrained
        from andor.models.adoption import settle
        from andor.models.files import describe

        dtype = getattr(torch, self.dtype)
        if source.is_file():
            pretrained.unpack_gguf(source, folder, dtype)
        else:
            pretrained.settings_of(source)  # says so if there are none
            if not pretrained.has_safetensors(source):
                pretrained.write(pretrained.language_model(source, dtype), folder)
            pretrained.link(source, folder)
        if self.prompt is None:
            describe(self.described(), folder)
            return
        texts = [""] if table is None else table["text"].to_pylist()
        question = self._question(pretrained.tokenizer(folder), texts)
        if table is not None:
            from andor.models.inputs import count_labels

            said.check_labels(question["answers"], count_labels(table))
        settle(type(self), self.described() | question, folder, table)

    def _question(self, tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> dict[str, Any]:
        """The question as it is kept: its chat template filled in, which every text was, and tried on the first few.

        Raises
        ------
        UserError
            If answers collide, the tokenizer joins one with the prompt, or no chat template fits all texts.
        """
        from andor.models.questions import Question, in_chat, rendered, try_answers

        before, _, after = self.prompt.partition(said.TEXT)
        if self.chat:
            before, after = in_chat(tokenizer, self.prompt)
        answers = tuple(map(tuple, said.given(self.answers)))
        question = Question(before, after, not self.chat, answers)
        for text in texts if self.chat else ():  # one that trims its messages changes few of them
            if rendered(tokenizer, self.prompt.replace(said.TEXT, text)) != question.around(text):
                raise UserError(f"`chat: true`: the chat template of the tokenizer changes the text {text[:40]!r}")
        for text in texts[:TRIED]:
            try_answers(question, tokenizer, text)
        return question.described()

    @classmethod
    def loaded(
        cls, folder: Path, description: dict[str, Any], device: torch.device
    ) -> LanguageModel | PromptedClassifier:
        """The model that `make` put into a folder."""
        import torch

        from andor.models import pretrained
        from andor.models.loaded import LanguageModel
        from andor.models.prompted import PromptedClassifier
        from andor.models.quantized import quantize

        network = pretrained.language_model(folder, getattr(torch, description["dtype"]))
        if "quantize" in description:
            quantize(network, description["quantize"])
        kind = PromptedClassifier if "answers" in description else LanguageModel
        return kind(network.to(device), description, pretrained.tokenizer(folder))
