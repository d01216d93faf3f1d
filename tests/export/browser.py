"""A headless Chromium over its debugging pipe: one page, what it logs, and which addresses it asks for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)
"""The program, or None. On Debian: apt install chromium-headless-shell."""


class Tab:
    """One page. Messages are JSON, each ended by a zero byte (Chrome DevTools Protocol)."""

    def __init__(self, out: int, back: int) -> None:
        self.out, self.back, self.count, self.rest = out, back, 0, b""
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.session: str | None = None

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Do one thing and wait for its result."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        os.write(self.out, json.dumps(message | ({"sessionId": self.session} if self.session else {})).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.count:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def run(self, script: str) -> Any:
        """The value of an expression, awaited."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, *, shift: bool = False) -> None:
        code = {" ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39}.get(key, ord(key[0]))
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, modifiers=8 * shift)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            piece = os.read(self.back, 1 << 16)
            assert piece, "the browser went away"
            self.rest += piece
        text, _, self.rest = self.rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            case "Runtime.exceptionThrown" | "Log.entryAdded" | "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(message["params"]))
        return message


@contextmanager
def opened(page: Path, width: int = 900, height: int = 600) -> Iterator[Tab]:
    """The page in a browser of its own, loaded."""
    theirs_in, out = os.pipe()
    back, theirs_out = os.pipe()
    flags = "--headless --no-sandbox --disable-gpu --remote-debugging-pipe --disable-background-networking"
    ends = f"3<&{theirs_in} 4>&{theirs_out}"
    command = f'exec "$0" {flags} --user-data-dir="$1" --window-size={width},{height} about:blank {ends}'
    process = subprocess.Popen(
        ["bash", "-c", command, str(BROWSER), str(page.parent / "profile")],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        tab = Tab(out, back)
        target = tab.call("Target.createTarget", url="about:blank")["targetId"]
        tab.session = tab.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Network", "Runtime", "Log", "Page"):
            tab.call(f"{part}.enable")
        tab.call("Page.navigate", url=page.as_uri())
        tab.run("new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))")
        yield tab
    finally:
        os.close(out)
        process.terminate()
        process.wait(20)
        os.close(back)
