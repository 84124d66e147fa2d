"""A headless Chromium driven by the DevTools protocol over a pipe: real clicks, keys and touches, no more libraries."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BINARY = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
KEYS = {
    "Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36,
    "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
}  # fmt: skip
# Chromium expects the pipe at file descriptors 3 and 4.
LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
FLAGS = (
    "--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-quic", "--disable-sync", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip


class Browser:
    """One browser with one page, and all that it complained of or asked the network for."""

    def __init__(self, folder: Path) -> None:
        orders, self._write = _high_pipe()
        self._read, answers = _high_pipe()
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [sys.executable, "-c", LAUNCH, str(orders), str(answers), BINARY, *FLAGS, *sandbox]
        self.process = subprocess.Popen(
            [*command, f"--user-data-dir={folder}", "about:blank"],
            pass_fds=(orders, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(orders)
        os.close(answers)
        self._buffer, self._count, self._session = b"", 0, None
        self.loads = 0
        self.complaints: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        try:
            self._session = None
            self.call("Browser.close")
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self._write)
            os.close(self._read)

    # --------------------------------------------------------------------------------------------------- protocol

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._note(answer)

    def _message(self, seconds: float = 30) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("Chromium does not answer")
            piece = os.read(self._read, 2**20)
            if not piece:
                raise RuntimeError("Chromium has ended")
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        """Keep what goes wrong, and every address that is asked for."""
        name, details = event.get("method"), event.get("params", {})
        if name == "Page.loadEventFired":
            self.loads += 1
        elif name == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])
        elif name == "Log.entryAdded" and details["entry"]["level"] == "error":
            self.complaints.append(details["entry"]["text"])
        elif name == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(details["exceptionDetails"]))
        elif name == "Runtime.consoleAPICalled" and details["type"] == "error":
            self.complaints.append(json.dumps(details["args"]))
        elif name == "Page.javascriptDialogOpening":
            self.complaints.append(f"dialog: {details['message']}")

    # ------------------------------------------------------------------------------------------------------- pages

    def open(self, address: str) -> None:
        """Load a page afresh, also if only the fragment differs, and wait until it has run."""
        for url in ("about:blank", address):
            before, deadline = self.loads, time.monotonic() + 20
            self.call("Page.navigate", url=url)
            while self.loads == before:
                assert time.monotonic() < deadline, f"{url} does not load"
                self._note(self._message())

    def do(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait(self, expression: str, seconds: float = 10) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + seconds
        while not self.do(expression):
            if time.monotonic() > deadline:
                raise TimeoutError(expression)
            time.sleep(0.02)

    def text(self, selector: str) -> str:
        """What an element says."""
        return self.do(f"document.querySelector({json.dumps(selector)}).textContent")

    def texts(self, selector: str) -> list[str]:
        """What each element says."""
        return self.do(f"[...document.querySelectorAll({json.dumps(selector)})].map((node) => node.textContent)")

    def view(self, width: int, height: int, scheme: str = "light", touch: bool = False, media: str = "") -> None:
        """Set the size of the window, the colour scheme, and whether it is touched or printed."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch)
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", media=media, features=[feature])

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Picture of the window, or of the whole page."""
        options = {"captureBeyondViewport": True} if whole else {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            options["clip"] = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", **options)["data"]))

    @contextlib.contextmanager
    def frame(self) -> Iterator[None]:
        """Have what follows done in the page's first frame that is apart from it, as a sandboxed one is."""
        outer, deadline = self._session, time.monotonic() + 10
        while True:
            every = self.call("Target.getTargets")["targetInfos"]
            found = [target["targetId"] for target in every if target["type"] == "iframe"]
            if found:
                break
            assert time.monotonic() < deadline, "the page has no frame"
            time.sleep(0.02)
        self._session = self.call("Target.attachToTarget", targetId=found[0], flatten=True)["sessionId"]
        try:
            yield
        finally:
            self._session = outer

    # ------------------------------------------------------------------------------------------------------- hands

    def middle(self, selector: str) -> dict[str, float]:
        """The middle of an element, scrolled into view; what is hidden or covered there cannot be clicked."""
        # Once it stands still: on a busy machine what was done before may move it between this and the click.
        found = self.do(
            f"""(async () => {{
              const node = document.querySelector({json.dumps(selector)});
              node.scrollIntoView({{ block: "center" }});
              let [box, before] = [node.getBoundingClientRect(), null];
              while (!before || before.x !== box.x || before.y !== box.y) {{
                await new Promise(requestAnimationFrame);
                [before, box] = [box, node.getBoundingClientRect()];
              }}
              const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
              const hit = document.elementFromPoint(x, y);
              return {{ x, y, free: Boolean(hit && (node.contains(hit) || hit.contains(node))) }};
            }})()"""
        )
        assert found.pop("free"), f"{selector} is covered"
        return found

    def point(self, selector: str) -> None:
        """Move the mouse over an element."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **self.middle(selector))

    def click(self, selector: str) -> None:
        """Press and release the mouse on an element; again where a busy browser has lost that on its way."""
        for _ in range(3):
            place = self.middle(selector)
            self.do(
                "window.hit = false; "
                f"document.querySelector({json.dumps(selector)}).addEventListener("
                "'click', () => { window.hit = true; }, { once: true, capture: true })"
            )
            self.call("Input.dispatchMouseEvent", type="mouseMoved", **place)
            for kind in ("mousePressed", "mouseReleased"):
                self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)
            if self.do("new Promise((done) => requestAnimationFrame(() => done(window.hit)))"):
                return
        raise AssertionError(f"a click on {selector} does not arrive")

    def tap(self, selector: str) -> None:
        """Touch an element."""
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[self.middle(selector)])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, *keys: str, shift: bool = False) -> None:
        """Press keys, each by its name, or a text of one character."""
        for key in keys:
            code = KEYS.get(key, ord(key.upper()[0]))
            typed = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            details = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
            self.call("Input.dispatchKeyEvent", type="keyDown" if typed else "rawKeyDown", text=typed, **details)
            self.call("Input.dispatchKeyEvent", type="keyUp", **details)


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends are not 3 or 4."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in ends)
    for end in ends:
        os.close(end)
    return high
