"""Requests to an OpenAI-compatible completions endpoint: paced, repeated where they fail, and counted.

What is sent is the body of a request and, if there is one, the key. The key is read from the environment for each
process; it stands in no file, log or error.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from andor import __version__
from andor.errors import UserError
from andor.models.scoring import counted
from andor.network import explain, is_loopback

TRIES = 8
"""Times that one request is sent at most."""
FIRST_WAIT = 1.0
"""Seconds before the second try; each further one waits twice as long, up to `LONGEST_WAIT`, give or take a half."""
LONGEST_WAIT = 60.0
PATIENCE = 600.0
"""Seconds that a server may ask to wait."""
AGAIN = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""Status codes after which a request is sent again."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Calling:
    """How an endpoint is called."""

    url: str
    key_variable: str | None
    concurrency: int
    per_minute: int | None
    timeout: float
    most_calls: int | None


class RefusedError(UserError):
    """A request that the server does not take; the message is its reason."""


class LockedError(UserError):
    """Any request would be refused: the key is not taken, or nothing is there."""


class FailedError(Exception):
    """A try that failed; the message says why, and `wait` how many seconds the server asks for."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class _Bearer(AuthBase):
    """The key, if there is one; else nothing, where requests would look into ``~/.netrc``."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.key:
            request.headers["Authorization"] = f"Bearer {self.key}"
        return request


class Endpoint:
    """A completions endpoint.

    Attributes
    ----------
    calls, tokens, repeated
        Requests sent, tokens that the server counted, and how many requests were repetitions of a failed one.
    """

    def __init__(self, calling: Calling) -> None:
        self.calling = calling
        self.calls = self.tokens = self.repeated = 0
        self._auth = _Bearer(key_of(calling.key_variable))
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"andor/{__version__}"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=calling.concurrency))
        self._lock, self._next = threading.Lock(), 0.0

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """What the endpoint answers to the body of a request.

        Raises
        ------
        RefusedError, LockedError
            If the server does not take it, or any.
        UserError
            If it fails again and again, or `most_calls` requests were sent.
        """
        for attempt in range(TRIES):
            self._wait(again=attempt > 0)
            try:
                answer = self._sent(body)
            except FailedError as error:
                failure = error
            else:
                with self._lock:
                    self.tokens += counted(answer, "total_tokens")
                return answer
            if failure.wait > PATIENCE:
                raise UserError(f"{self._said}: {failure} and asks to wait {failure.wait:.0f} s; run again later")
            pause = min(LONGEST_WAIT, FIRST_WAIT * 2**attempt) * random.uniform(0.5, 1.5)
            if attempt < TRIES - 1:
                self._hold(max(pause, failure.wait), everyone=failure.wait > 0)
                _log.info("%s: %s; sent again", self._said, failure)
        raise UserError(f"{self._said}: no answer in {TRIES} tries ({failure}); run again, what is done is kept")

    @property
    def _said(self) -> str:
        return f"`url: {self.calling.url}`"

    def _wait(self, again: bool) -> None:
        """Wait for this request's turn, and count it."""
        with self._lock:
            if self.calling.most_calls is not None and self.calls >= self.calling.most_calls:
                raise UserError(f"`most_calls: {self.calls}`: so many requests were sent; raise it, and run again")
            self.calls += 1
            self.repeated += again
            now = time.monotonic()
            turn = max(now, self._next)
            if self.calling.per_minute is not None:
                self._next = turn + 60 / self.calling.per_minute
        time.sleep(turn - now)

    def _hold(self, seconds: float, everyone: bool) -> None:
        """Wait before another try; everyone does if the server asks for it."""
        if everyone:
            with self._lock:
                self._next = max(self._next, time.monotonic() + seconds)
        time.sleep(seconds)

    def _sent(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request.

        Raises
        ------
        FailedError
            If another try may help.
        """
        calling = self.calling
        host = urlsplit(calling.url).hostname or ""
        # A proxy of the environment would get what is meant for this machine alone, the key too.
        proxies = {"no_proxy": host} if is_loopback(host) else None
        try:
            response = self._session.post(
                f"{calling.url.rstrip('/')}/completions", json=body, auth=self._auth, proxies=proxies,
                timeout=(min(10.0, calling.timeout), calling.timeout), allow_redirects=False,
            )  # fmt: skip
            answer = response.json() if response.status_code == 200 else {}
        except (requests.JSONDecodeError, RecursionError):
            raise FailedError("the answer breaks off") from None
        except requests.RequestException as error:
            raise FailedError(self._hidden(explain(error))) from None
        if response.status_code in AGAIN:
            raise FailedError(f"{response.status_code} {self._reason(response)}", _asked_to_wait(response))
        if response.status_code != 200:
            kind = LockedError if response.status_code in (401, 403, 404) else RefusedError
            raise kind(f"{self._said}: the server refuses: {response.status_code} {self._reason(response)}")
        if not isinstance(answer, dict):
            raise FailedError("the answer is no mapping")
        return answer

    def _reason(self, response: requests.Response) -> str:
        """What the server says of an error, in a line and without the key, should it repeat that."""
        try:
            said = response.json()
            error = said.get("error", said)
            text = str(error.get("message", error) if isinstance(error, dict) else error)
        except (requests.RequestException, AttributeError):
            text = response.reason or ""
        return self._hidden(" ".join(text.split()))[:200]

    def _hidden(self, text: str) -> str:
        return text.replace(self._auth.key, "…") if self._auth.key else text


def key_of(variable: str | None) -> str:
    """The key that a variable of the environment holds; empty without a variable.

    Raises
    ------
    UserError
        If it holds none, or what no header can.
    """
    if variable is None:
        return ""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UserError(f"`key_variable: {variable}`: the environment has no such variable; export it")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(f"`key_variable: {variable}`: holds letters that no key has; export it again")
    return key


def _asked_to_wait(response: requests.Response) -> float:
    """Seconds that a server asks to wait, as a number or a date; 0 if it does not."""
    asked = response.headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0
