"""What all that asks other machines shares: which address is this machine's own, and why a request failed.

Nothing heavy is imported: the configuration imports this at every start.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def explain(error: Exception) -> str:
    """Why a request failed, in a few words without the URL (which may hold a password)."""
    import requests
    import urllib3

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"{error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.SSLError):
        return "the certificate cannot be verified (REQUESTS_CA_BUNDLE names the authorities to trust)"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy cannot be reached"
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError) and error.request is not None:
        return f"cannot connect to {urlsplit(str(error.request.url or '')).hostname}"
    if isinstance(error, urllib3.exceptions.HTTPError):
        return "the connection broke off"
    return " ".join(str(error).split())[:200]
