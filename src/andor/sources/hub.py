"""Snapshots of the Hugging Face hub, by its own client.

The client honours ``HF_ENDPOINT``, ``HF_TOKEN``, ``HF_HOME`` and ``HF_HUB_OFFLINE``, resumes downloads and keeps them
in its cache, from which the store takes hard links: nothing is on the disk twice where the two share a file system.
"""

from __future__ import annotations

import glob
from pathlib import Path

from huggingface_hub import get_cached_repo_tree, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    EntryNotFoundError,
    GatedRepoError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import filter_repo_objects

from andor.errors import refused
from andor.sources.errors import MirrorError
from andor.sources.store import copy
from andor.sources.uri import Mirror

PATTERNS = (
    *("*.safetensors", "*.json", "*.txt", "*.model", "*.tiktoken"),  # models and tokenizers
    *("*.parquet", "*.jsonl", "*.csv", "*.tsv"),  # data sets
)
"""Files of a snapshot that are fetched; a file named by itself may be any."""
PICKLES = ("pytorch_model*.bin", "pytorch_model.bin.index.json")
"""Weights of repositories that have no safetensors: readers take tensors from them and nothing else."""
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (GatedRepoError, "the repository is gated: accept its terms on the hub and set HF_TOKEN"),
    (RepositoryNotFoundError, "no such repository, or a private one (then set HF_TOKEN)"),
    (RevisionNotFoundError, "the repository has no such revision"),
    (LocalEntryNotFoundError, "the hub does not answer, and its client has kept no whole copy"),
    (CachedRepoTreeNotFoundError, "the hub does not answer, and its client has kept no whole copy"),
    (EntryNotFoundError, "the repository has no such file"),
)


def fetch_snapshot(mirror: Mirror, target: Path, *, offline: bool) -> None:
    """Put a repository's files (see `PATTERNS`), a folder of them, or one named file at ``target``.

    Raises
    ------
    MirrorError
        If the hub lacks it, does not give it, or cannot be reached while its client's cache holds no whole copy.
    """
    member = mirror.members[0] if mirror.members else "./"
    repository = {"repo_id": mirror.name, "repo_type": mirror.kind, "revision": mirror.version}
    try:
        if not member.endswith("/"):
            copy(Path(hf_hub_download(**repository, filename=member, local_files_only=offline)), target, link=True)
            return
        folder = "" if member == "./" else member
        patterns = [glob.escape(folder) + pattern for pattern in PATTERNS]
        snapshot = Path(snapshot_download(**repository, allow_patterns=patterns, local_files_only=offline))
        # The snapshot may hold more (what others fetched) or, offline, less than the commit: its listing decides.
        listing = [file.path for file in get_cached_repo_tree(**repository)]
        if mirror.kind == "model" and not any(filter_repo_objects(listing, allow_patterns=patterns[:1])):
            patterns += [glob.escape(folder) + pattern for pattern in PICKLES]
            snapshot_download(**repository, allow_patterns=patterns, local_files_only=offline)
        for path in filter_repo_objects(listing, allow_patterns=patterns):
            copy(snapshot / path, target / path[len(folder) :], link=True)
    except Exception as error:  # the client raises its own, httpx's, OSErrors and ValueErrors
        if refusal := refused(error):
            raise refusal from error
        raise MirrorError(_explain(error)) from error
    if not target.exists():
        raise MirrorError(f"the repository holds no {', '.join(PATTERNS)} in {member}")


def _explain(error: BaseException) -> str:
    reason = next((reason for kind, reason in _REASONS if isinstance(error, kind)), None)
    if isinstance(error, LocalEntryNotFoundError) and error.__cause__:
        return f"{reason} ({_explain(error.__cause__)})"
    return reason or f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
