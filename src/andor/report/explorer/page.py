"""The page as one file: markup, style, script and data put together so that nothing of it can act but the script."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from andor.report.figures import style

BUDGET = 12 * 2**20
"""Bytes that samples may take in a page: what opens at once on a phone."""

SCRIPTS = ("numerics", "elements", "view", "choices", "sample", "outputs", "list", "notes", "events")
"""The script's parts, in the order in which they follow each other."""

_MARK = re.compile(r"@@(\w+)@@")


def render(payload: Mapping[str, Any]) -> str:
    """The page of a `payload`, as HTML.

    Data reach the page as JSON in which no character can end the element that holds it, and its script writes them as
    text, never as markup. The content security policy allows this style and this script, by their digests, and no
    request to anywhere.
    """
    css = _colours() + _asset("page.css")
    script = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
    policy = [
        "default-src 'none'",
        f"script-src '{_digest(script)}'",
        f"style-src '{_digest(css)}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    parts = {
        "policy": "; ".join(policy),
        "title": html.escape(payload["title"]),
        "style": css,
        "script": script,
        "data": embedded(payload),
    }
    return _MARK.sub(lambda mark: parts[mark[1]], _asset("page.html"))


def embedded(content: Any) -> str:
    """JSON that is safe inside a script element: `<`, `>` and `&` only as escapes."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def read(page: str) -> dict[str, Any]:
    """The `payload` of a page."""
    return json.loads(page.partition('<script type="application/json" id="data">')[2].partition("</script>")[0])


def _colours() -> str:
    """The figures' colours as custom properties."""
    names = {f"--{kind}": colour for kind, colour in style.KINDS.items()}
    names |= {f"--{kind}-ink": style.shade(colour, 0.6) for kind, colour in style.KINDS.items()}
    return ":root {" + "".join(f"{name}: {colour}; " for name, colour in names.items()) + "}\n"


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
