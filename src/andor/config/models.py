"""The key `models` of a task: any of the families of `andor.models.families`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from andor.models.families import families

if TYPE_CHECKING:
    Model = Any  # a union that is made when the program runs
else:
    Model = Annotated[Union[tuple(families().values())], Field(discriminator="family")]  # noqa: UP007 - made at run time
