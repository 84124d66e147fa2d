"""Sources: data sets and pretrained models, fetched once, verified, kept, never executed."""

from andor.sources.fetching import fetch
from andor.sources.store import content_digest

__all__ = ["content_digest", "fetch"]
