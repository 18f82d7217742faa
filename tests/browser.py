"""Chromium as a judge of pages: how wide they are on a screen, how many sheets they take on paper.

It is driven over a pair of pipes by the DevTools protocol: one JSON message after the other, each ended by a
zero byte (`--remote-debugging-pipe`). No port is opened, and nothing is fetched: pages come as files.
"""

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Final

_COMMAND: Final = (
    "chromium",
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--remote-debugging-pipe",
)
_SHEET: Final = re.compile(rb"/Type\s*/Page\b")


class Browser:
    """One page in Chromium.

    Args:
        to: Takes messages.
        back: Gives messages.
    """

    def __init__(self, to: BinaryIO, back: BinaryIO) -> None:
        self._to, self._back, self._ids = to, back, count(1)
        self._session = ""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command, and return its result; what the browser tells in between is passed over."""
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while (answer := self._read()).get("id") != number:
            pass
        assert "error" not in answer, answer
        return dict(answer["result"])

    def _read(self) -> dict[str, Any]:
        data = bytearray()
        while (byte := self._back.read(1)) != b"\0":
            assert byte, "Chromium has ended"
            data += byte
        return dict(json.loads(data))

    def open(self, page: Path, width_px: int, *, dark: bool = False) -> None:
        """Show a page as a screen of that width would, and wait until it is loaded."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width_px,
            height=800,
            deviceScaleFactor=1,
            mobile=width_px < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Page.navigate", url=page.as_uri())
        self.evaluate(
            "new Promise(done => { if (document.readyState == 'complete') done(); "
            "else addEventListener('load', done) })"
        )

    def evaluate(self, expression: str) -> Any:
        """Return what an expression is on the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self) -> bytes:
        """Return the whole page as PNG."""
        answer = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def print_pdf(self) -> bytes:
        """Return the page as it is printed, on the paper that it asks for."""
        answer = self.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=False)
        return base64.b64decode(answer["data"])


def count_sheets(pdf: bytes) -> int:
    """Return how many sheets a PDF of Chromium's has."""
    return len(_SHEET.findall(pdf))


@contextmanager
def start_browser(profile: Path) -> Iterator[Browser]:
    """Yield a browser with a profile of its own, and end it."""
    ours, theirs = os.pipe(), os.pipe()
    command = [*_COMMAND, f"--user-data-dir={profile}"]
    process = subprocess.Popen(  # Chromium reads from 3 and writes to 4
        ["bash", "-c", f'exec "$@" 3<&{ours[0]} 4>&{theirs[1]}', "bash", *command],
        pass_fds=(ours[0], theirs[1]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(ours[0])
    os.close(theirs[1])
    try:
        with os.fdopen(ours[1], "wb") as to, os.fdopen(theirs[0], "rb") as back:
            yield Browser(to, back)
    finally:
        process.terminate()
        process.wait()
