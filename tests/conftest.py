"""Hypothesis for the whole suite: the same examples every time, no deadline, for nothing timed is asserted.

Owns the one browser, too: a process can drive only one at a time.
"""

import shutil
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings
from playwright.sync_api import Browser, sync_playwright
from tests.figures import pytest_terminal_summary

__all__ = ["browser", "pytest_terminal_summary"]

# Without the phase that explains a failure: it may take minutes, and the example says enough.
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, max_examples=60, phases=PHASES
)
settings.register_profile("search", derandomize=False, deadline=None, max_examples=2000)
settings.load_profile("ci")

# Nothing but what a test asks for: no sandbox (tests may run as root), no calls home, no shared memory to run out of.
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, as the Makefile installs it."""
    chromium = shutil.which("chromium")
    assert chromium, "the pages' tests need chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield launched
        launched.close()
