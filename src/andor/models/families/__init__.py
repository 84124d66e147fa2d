"""Families of models, a file each: every module that lies here defines one, and bears its name."""

from __future__ import annotations

from functools import cache

from andor.kinds import kinds_in
from andor.models.family import Family


@cache
def families() -> dict[str, type[Family]]:
    """All families by name, in the order of their places."""
    return {kind.__module__.rsplit(".", 1)[-1]: kind for kind in kinds_in(__name__, __path__)}
