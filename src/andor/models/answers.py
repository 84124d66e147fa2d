"""What the configuration says of a question to a language model: a prompt around a text, and answers for the classes.

Nothing heavy is imported: the configuration imports this at every start.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, TypeAdapter, ValidationError

from andor.errors import UserError
from andor.files import first_line

if TYPE_CHECKING:
    from andor.data.reader import Reader

TEXT = "{text}"
"""Where the text stands in a prompt."""
Wording = Annotated[str, StringConstraints(min_length=1)]
Answers = dict[Annotated[int, Field(ge=0)], Wording | Annotated[list[Wording], Field(min_length=1)]]


def check_prompt(prompt: str) -> str:
    """Refuse a prompt in which the text does not stand once, by a ValueError."""
    if (count := prompt.count(TEXT)) != 1:
        raise ValueError(f"it holds `{TEXT}` {count} times; write it once, where the text is to stand")
    return prompt


def check_numbers(answers: Any) -> Any:
    """Refuse yes and no in place of the numbers of classes, by a ValueError."""
    if isinstance(answers, dict) and any(isinstance(key, bool) for key in answers):
        raise ValueError("yes and no are no numbers of classes; write 0 and 1")
    return answers


def check_answers(answers: Answers | str) -> Answers | str:
    """Refuse classes without an answer, and answers of two classes, by a ValueError; a file is read later."""
    if isinstance(answers, str):
        return answers
    missing = next((label for label in range(max(answers, default=-1) + 1) if label not in answers), None)
    if missing is not None:
        raise ValueError(f"class {missing} has no answer; add one")
    if len(answers) < 2:
        raise ValueError("they are of fewer than two classes; add one for each")
    said = [wording for wordings in wordings_of(answers) for wording in wordings]
    twice = next((wording for wording in said if said.count(wording) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice!r} is there twice; take one away")
    return answers


Prompt = Annotated[str, AfterValidator(check_prompt)]
"""A prompt in which the text stands once."""
Given = Annotated[Answers | str, BeforeValidator(check_numbers), AfterValidator(check_answers)]
"""Answers as the configuration gives them, or the file that they are in."""


def wordings_of(answers: Answers) -> list[list[str]]:
    """Wordings of each class, in the order of their numbers."""
    return [[answer] if isinstance(answer, str) else list(answer) for _, answer in sorted(answers.items())]


def read_answers(path: Path) -> Answers:
    """Answers of a file in YAML or JSON: a wording, or a list of them, by the number of each class.

    Raises
    ------
    UserError
        If it cannot be read, or holds something else.
    """
    from andor.yaml_text import plain_values

    try:
        answers = check_numbers(plain_values(path.read_text(encoding="utf-8")))
        read = TypeAdapter(Answers).validate_python(answers)
        check_answers(read)
        return read
    except ValidationError as error:
        fault = error.errors()[0]
        reason = f"{'.'.join(str(place) for place in fault['loc'][:1])} {fault['msg']}".strip()
    except (OSError, ValueError) as error:
        reason = first_line(error)
    raise UserError(f'`answers: {path}`: {reason}; write a mapping as `0: " negative"`, a line for each class')


def given(answers: Answers | str) -> list[list[str]]:
    """Wordings of each class, of a file where that is named."""
    return wordings_of(read_answers(Path(answers)) if isinstance(answers, str) else answers)


def unread(answers: Answers | str) -> Iterator[str]:
    """What is wrong with a file of answers."""
    if isinstance(answers, str):
        try:
            read_answers(Path(answers))
        except UserError as error:
            yield str(error)


def misfits(name: str, answers: Answers | str, data: Reader) -> Iterator[str]:
    """Classes of the data that have no answer, and answers that are of no class, as far as either is known."""
    known = 2 if data.two_labels else None if data.classes is None else len(data.classes)
    if isinstance(answers, str) or known is None or data.is_numeric:
        return
    if len(answers) < known:
        yield f"model `{name}`: class {len(answers)} of {data.title} has no answer; add one to `answers`"
    elif len(answers) > known:
        yield f"model `{name}`: `answers` has {len(answers)} classes, {data.title} {known}; take the others away"


def check_labels(answers: list[list[str]], labels: int) -> None:
    """Refuse answers that are not one class for each of so many labels.

    Raises
    ------
    UserError
        If a class has none, or one is of no class.
    """
    if len(answers) < labels:
        raise UserError(f"`answers`: class {len(answers)} of the data has no answer; add one")
    if len(answers) > max(labels, 2):
        raise UserError(f"`answers` has {len(answers)} classes, the data {labels}; take the others away")
