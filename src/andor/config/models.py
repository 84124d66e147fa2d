"""The key `models` of a task: any of the families of `andor.models.families`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from andor.kinds import union
from andor.models.families import families
from andor.models.family import Family

if TYPE_CHECKING:
    Model = Family  # a union that is made when the program runs
else:
    Model = union(families().values(), "family")
