"""Chromium without a window, driven by its own protocol through a pipe.

Nothing is installed for it: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time

# Chromium reads commands from descriptor 3 and answers on 4.
_LAUNCHER = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3), os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_PATIENCE = 60  # seconds


def find():
    """Path of the program, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


class Browser:
    """A browser with one page.

    Args:
        program: path of Chromium.
        profile: an empty folder.
    """

    def __init__(self, program, profile):
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCHER, str(theirs_in), str(theirs_out), program]
            + ["--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
            # As root, in containers, and where /dev/shm is small.
            + ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            + ["--no-first-run", "--disable-background-networking", "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in), os.close(theirs_out)
        self._received, self._number, self._session = b"", 0, None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._in), os.close(self._out)

    def call(self, method, **parameters):
        """The result of a command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def open(self, path, width=1280, height=900, dark=False):
        """Shows a file; what happened before is forgotten."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "mobile": width < 600},
            deviceScaleFactor=1,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not self._happened("Page.loadEventFired"):
            self.events.append(self._next())

    def run(self, script):
        """The value of an expression of JavaScript, as if the user had asked for it."""
        done = self.call(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def type(self, text):
        """Puts text into what has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key, code, text=""):
        """Presses a key, such as `press("Tab", 9)`."""
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **({"text": text} if text and kind == "keyDown" else {}),
            )

    def screenshot(self, path):
        """Writes the whole page as a PNG file."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def errors(self):
        """What the console has of errors."""
        self.run("1")  # All that came before it has arrived.
        return [
            *self._happened("Runtime.exceptionThrown"),
            *(e for e in self._happened("Log.entryAdded")),
            *(
                e
                for e in self._happened("Runtime.consoleAPICalled")
                if e["type"] in ("error", "warning", "assert")
            ),
        ]

    def requests(self):
        """Addresses that were asked for."""
        sent = self._happened("Network.requestWillBeSent")
        return [each["request"]["url"] for each in sent]

    def _happened(self, method):
        return [e["params"] for e in self.events if e.get("method") == method]

    def _next(self):
        deadline = time.monotonic() + _PATIENCE
        while b"\0" not in self._received:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._in], [], [], left)[0]:
                raise TimeoutError("Chromium does not answer")
            block = os.read(self._in, 1 << 16)
            if not block:
                raise RuntimeError("Chromium ended")
            self._received += block
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)
