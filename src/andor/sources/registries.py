"""Where PyPI and npm packages lie, in the registries that the user's own pip and npm are set up for."""

from __future__ import annotations

import ast
import base64
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

import requests
from packaging.version import InvalidVersion, Version
from pypi_simple import PYPI_SIMPLE_ENDPOINT, DistributionPackage, NoSuchProjectError, PyPISimple

from andor.network import explain
from andor.sources.download import TIMEOUT
from andor.sources.errors import MirrorError
from andor.sources.uri import Mirror


class Package(NamedTuple):
    """A file of a registry."""

    url: str
    digests: dict[str, str]
    """Hexadecimal, by algorithm; the registry's own, empty if it gives none."""


# ------------------------------------------------------------------------------------------------------- PyPI


def find_pypi(http: requests.Session, mirror: Mirror) -> Package:
    """The wheel or sdist of a version, from the first of pip's indexes that has it.

    Raises
    ------
    MirrorError
        If none has it, or there are several wheels and none for every platform.
    """
    reasons = []
    settings = pip_settings()
    http.verify = settings.get("cert", True)  # REQUESTS_CA_BUNDLE, if set, comes first
    for index in pip_indexes(settings):
        try:
            page = PyPISimple(index, session=http).get_project_page(mirror.name, timeout=TIMEOUT)
        except NoSuchProjectError:
            reasons.append("no such project")
            continue
        except (requests.RequestException, ValueError) as error:  # ValueError: an answer that is no index page
            reasons.append(explain(error))
            continue
        files = [p for p in page.packages if p.package_type == mirror.kind and _is_version(p.version, mirror.version)]
        if len(files) > 1:
            files = [file for file in files if file.filename.endswith("-none-any.whl")] or files
        if len(files) == 1:
            return Package(files[0].url, _known_digests(files[0]))
        reasons.append(f"{len(files) or 'no'} {mirror.kind}s of version {mirror.version}")
    raise MirrorError(f"not in pip's indexes ({', '.join(reasons) or 'none is reached by http'})")


def pip_indexes(settings: Mapping[str, str]) -> list[str]:
    """The indexes that pip would ask, given its settings; PyPI's own by default.

    Indexes on the local disk (``file:``) are left out: `path:` addresses do that.
    """
    indexes = [settings.get("index-url", PYPI_SIMPLE_ENDPOINT), *settings.get("extra-index-url", "").split()]
    if settings.get("no-index", "false").lower() in ("1", "true", "yes", "on"):
        indexes = []
    return [index for index in indexes if index.startswith(("https://", "http://"))]


def pip_settings() -> dict[str, str]:
    """pip's settings for downloads, as pip itself reads them; those of the environment alone where there is no pip."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found: dict[str, dict[str, str]] = {"global": {}, "download": {}}
    for line in listing.splitlines():
        match = re.fullmatch(r"(global|download)\.([a-z-]+)=(['\"].*['\"])", line)
        if match:
            found[match[1]][match[2]] = ast.literal_eval(match[3])
    environment = {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if name.startswith("PIP_") and value
    }
    return found["global"] | found["download"] | environment


def _is_version(found: str | None, wanted: str) -> bool:
    try:
        return found is not None and Version(found) == Version(wanted)
    except InvalidVersion:
        return found == wanted


def _known_digests(file: DistributionPackage) -> dict[str, str]:
    return {name: value for name, value in file.digests.items() if name in ("sha256", "sha384", "sha512")}


# -------------------------------------------------------------------------------------------------------- npm


def find_npm(http: requests.Session, mirror: Mirror) -> Package:
    """The tarball of a package's version and the digest that the registry gives for it.

    Raises
    ------
    MirrorError
        If the registry cannot be reached or lacks it.
    """
    url = f"{npm_registry(mirror.name)}/{quote(mirror.name, safe='@')}/{mirror.version}"
    try:
        answer = http.get(url, timeout=TIMEOUT)
        answer.raise_for_status()
        package = answer.json()["dist"]
        return Package(package["tarball"], _npm_digests(package))
    except requests.JSONDecodeError as error:
        raise MirrorError("the registry's answer is no JSON") from error
    except requests.RequestException as error:
        raise MirrorError(explain(error)) from error
    except (KeyError, TypeError, ValueError) as error:
        raise MirrorError("the registry's answer lacks the tarball's address") from error


def npm_registry(package: str) -> str:
    """The registry that npm would ask for a package, by its scope or in general; without npm, ``npm_config_registry``.

    Raises
    ------
    MirrorError
        If there is neither.
    """
    scope, slash, _ = package.rpartition("/")
    if npm := shutil.which("npm"):
        for key in [f"{scope}:registry"] * bool(slash) + ["registry"]:
            command = [npm, "config", "get", key]
            address = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
            if address.startswith(("https://", "http://")):  # else "undefined"
                return address.rstrip("/")
    for name, address in os.environ.items():
        if name.lower() == "npm_config_registry" and address:
            return address.rstrip("/")
    raise MirrorError("npm is not installed: set npm_config_registry to the address of a registry")


def _npm_digests(package: dict[str, str]) -> dict[str, str]:
    """Digests of an answer's ``integrity`` (``sha512-<base64> …``), or its older ``shasum``."""
    pairs = (part.split("?")[0].partition("-") for part in package.get("integrity", "").split())
    digests = {
        name: base64.b64decode(value).hex() for name, _, value in pairs if name in ("sha256", "sha384", "sha512")
    }
    return digests or ({"sha1": package["shasum"]} if "shasum" in package else {})
