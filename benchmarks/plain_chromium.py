"""A page in Chromium by its debugging pipe, with nothing switched on that keeps what the page has fetched.

Playwright asks the browser to report the network, and the browser then keeps up to 200 MB of answers in the process of
the page, so that its memory cannot be measured. Here only scripts are run and garbage is collected.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from typing import Any


class Page:
    """One page without a window; a context manager that ends the browser."""

    def __init__(self, address: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        to_read, self._send = os.pipe()
        self._receive, to_write = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (to_read, to_write)]
        words = [shutil.which("chromium") or "chromium", "--headless", "--no-sandbox", "--remote-debugging-pipe"]
        words += [f"--user-data-dir={self._folder.name}", "--autoplay-policy=no-user-gesture-required"]
        words += ["--mute-audio", "--disable-gpu", "--no-first-run", "--window-size=1200,900"]
        self._running = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}', "bash", *words],
            pass_fds=ends,
            stderr=subprocess.DEVNULL,
        )
        for end in (to_read, to_write, *ends):
            os.close(end)
        self._rest, self._n, self._session = b"", 0, ""
        target = self.send("Target.createTarget", url=address)["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.terminate()
        self._running.wait()
        self._folder.cleanup()

    def send(self, method: str, **given: Any) -> Any:
        """The answer to a command of the Chrome DevTools Protocol."""
        self._n += 1
        command = {"id": self._n, "method": method, "params": given}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._send, json.dumps(command).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                read = os.read(self._receive, 1 << 20)
                if not read:
                    raise EOFError("the browser is gone")
                self._rest += read
            line, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(line)
            if answer.get("id") == self._n:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def evaluate(self, script: str, *given: object) -> Any:
        """The value of an expression, or of a function with its arguments, after its promise."""
        if given:
            script = f"({script})({', '.join(json.dumps(value) for value in given)})"
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", script))
        return answer["result"].get("value")

    @property
    def keyboard(self) -> Page:
        """As Playwright has it."""
        return self

    def press(self, key: str) -> None:
        """Press a key."""
        self.evaluate(
            "(key) => void document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))", key
        )
