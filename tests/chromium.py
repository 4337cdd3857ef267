"""The one browser of the tests, which is ended and launched again where it hangs.

Owns how Chromium is launched and closed. Refuses to wait for it for ever: it does not answer any more where a page left
its address while it was printed, and one test that meets such a thing must not end the others.
"""

import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Error, Playwright

# Nothing but what a test asks for: no sandbox (tests may run as root), no calls home, no shared memory to run out of.
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
SECONDS = 60.0


class Chromium:
    """The machine's Chromium; a switch of its own tells its process from those of other tests."""

    def __init__(self, playwright: Playwright, seconds: float = SECONDS) -> None:
        """A browser that has `seconds` for closing something."""
        path = shutil.which("chromium")
        assert path, "the pages' tests need chromium"
        self._path = path
        self._playwright = playwright
        self._seconds = seconds
        self._switch = f"--trailbook-tests={os.getpid()}-{id(self)}"
        self._browser: Browser | None = None

    def browser(self) -> Browser:
        """The browser, launched where there is none that answers."""
        if self._browser is None or not self._browser.is_connected():
            launch = self._playwright.chromium.launch
            self._browser = launch(executable_path=self._path, args=[*QUIET, self._switch])
        return self._browser

    def another(self, seconds: float) -> "Chromium":
        """A browser beside this one, with its own time for closing."""
        return Chromium(self._playwright, seconds)

    def close_contexts(self) -> None:
        """Close what was opened in the browser."""
        for context in [] if self._browser is None else self._browser.contexts:
            self.in_time(context.close)

    def end(self) -> None:
        """Close the browser itself."""
        if self._browser is not None:
            self.in_time(self._browser.close)

    def in_time(self, close: Callable[[], None]) -> None:
        """Close something; where that takes too long, the browser is killed, and the next one is a new one."""
        late = threading.Timer(self._seconds, self.kill)
        late.start()
        try:
            close()
        except Error:
            if late.is_alive() or (self._browser is not None and self._browser.is_connected()):
                raise
        finally:
            late.cancel()

    def kill(self) -> None:
        """Kill the process of the browser."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if self._switch.encode() in words:
                os.kill(int(folder.name), signal.SIGKILL)
