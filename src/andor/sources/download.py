"""Downloads over HTTP that resume, and reasons that fit in one line."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from tqdm import tqdm

from andor import __version__
from andor.network import explain, is_loopback
from andor.sources.errors import MirrorError

TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and without a byte."""
_ATTEMPTS = 20
"""How often a download that breaks off is taken up again, if each attempt brings some; urllib3 repeats the rest."""
_CHUNK = 2**18
_BAR_FROM = 4_000_000
"""Bytes from which a download gets a progress bar."""


class _LoopbackAdapter(HTTPAdapter):
    """Plain ``http`` goes to this machine only, wherever a redirect points, and through no proxy."""

    def send(self, request: requests.PreparedRequest, *args: object, **kwargs: object) -> requests.Response:
        if not is_loopback(urlsplit(request.url or "").hostname or ""):
            raise requests.exceptions.InvalidSchema("leads to plain http")
        return super().send(request, *args, **kwargs | {"proxies": {}})  # type: ignore[arg-type]


def session(*, plain_http: bool = False) -> requests.Session:
    """A session with retries; proxies, certificates and ``~/.netrc`` are those of the environment.

    ``plain_http`` lets ``http`` leave the machine: for an index that the user's own pip or npm configuration names.
    """
    retries = urllib3.Retry(
        total=3,
        connect=1,
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        raise_on_status=False,
        respect_retry_after_header=False,  # it may ask for an hour
    )
    result = requests.Session()
    result.headers["User-Agent"] = f"andor/{__version__}"
    result.mount("https://", HTTPAdapter(max_retries=retries))
    result.mount("http://", (HTTPAdapter if plain_http else _LoopbackAdapter)(max_retries=retries))
    return result


def download(
    http: requests.Session, url: str, target: Path, *, digests: Mapping[str, str], label: str, log: logging.Logger
) -> None:
    """Download a URL to ``target``, going on from ``<target>.part`` if an earlier run left one.

    Parameters
    ----------
    http : requests.Session
        See `session`.
    url : str
        What to get.
    target : Path
        The file to make; it appears when it is whole.
    digests : mapping of str to str
        Hexadecimal digests of the file by the name of their algorithm; may be empty.
    label : str
        What the progress bar is of.
    log : logging.Logger
        Hears of broken downloads.

    Raises
    ------
    MirrorError
        If the file cannot be had, or has another digest.
    """
    part = target.with_name(target.name + ".part")
    for attempt in range(_ATTEMPTS):
        before = _size(part)
        try:
            _go_on(http, url, part, label)
            break
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if isinstance(error, requests.HTTPError) or _size(part) <= before or attempt == _ATTEMPTS - 1:
                raise MirrorError(explain(error)) from error
            log.info("%s: broke off (%s), going on", label, explain(error))
    _tag(part).unlink(missing_ok=True)
    for algorithm, expected in digests.items():
        with part.open("rb") as file:
            actual = hashlib.file_digest(file, algorithm).hexdigest()
        if actual != expected:
            part.unlink()
            raise MirrorError(f"{algorithm} is {actual}, expected {expected}")
    part.replace(target)


def _go_on(http: requests.Session, url: str, part: Path, label: str) -> None:
    """Get the rest of a file, or all of it where the server cannot say that it is still the same file."""
    tag = _tag(part)
    size = _size(part)
    # Bytes as the server holds them: a transparent compression would change the digest.
    headers = {"Accept-Encoding": "identity"}
    asks_for_rest = size > 0 and tag.exists()
    if asks_for_rest:
        headers |= {"Range": f"bytes={size}-", "If-Range": tag.read_text()}
    with http.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {size}-")
        if asks_for_rest and response.status_code in (206, 416) and not goes_on:
            part.unlink()  # nothing to go on from: begin again
            return _go_on(http, url, part, label)
        response.raise_for_status()
        if response.status_code == 206 and not asks_for_rest:
            raise requests.ConnectionError("the server sent a part where the whole was asked for")
        if response.status_code != 206:
            size = 0
            part.write_bytes(b"")
            tag.unlink(missing_ok=True)
            if (etag := response.headers.get("ETag", "")).startswith('"'):  # W/"…" does not promise the same bytes
                tag.write_text(etag)
        length = response.headers.get("Content-Length", "")
        total = size + int(length) if length.isdigit() else None
        with (
            part.open("ab") as file,
            tqdm(
                desc=label,
                total=total,
                initial=size,
                unit="B",
                unit_scale=True,
                file=sys.stderr,
                disable=None if total and total >= _BAR_FROM else True,  # None: off where it is no terminal
            ) as bar,
        ):
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                bar.update(file.write(chunk))
    if total is not None and _size(part) != total:
        raise requests.ConnectionError(f"{_size(part)} of {total} bytes came")


def _tag(part: Path) -> Path:
    """File that holds what the server calls the version of which ``part`` is the beginning."""
    return part.with_name(part.name + ".etag")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
