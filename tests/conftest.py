"""Hypothesis for the whole suite: the same examples every time, no deadline, for nothing timed is asserted.

Owns the one browser, too: a process can drive only one at a time.
"""

from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings
from playwright.sync_api import Browser, sync_playwright
from tests.chromium import Chromium
from tests.figures import pytest_terminal_summary
from tests.loops import no_loop_runs

__all__ = ["browser", "chromium", "own_loop", "pytest_terminal_summary"]

# Without the phase that explains a failure: it may take minutes, and the example says enough.
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, max_examples=60, phases=PHASES
)
settings.register_profile("search", derandomize=False, deadline=None, max_examples=2000)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The machine's Chromium, as the Makefile installs it."""
    with sync_playwright() as playwright:
        machine = Chromium(playwright)
        yield machine
        machine.end()


@pytest.fixture
def browser(chromium: Chromium) -> Iterator[Browser]:
    """The browser of the session; what a test opened in it is closed with the test."""
    yield chromium.browser()
    chromium.close_contexts()


@pytest.fixture(autouse=True)
def own_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test without the browser may run a loop of its own, though earlier ones had the browser's."""
    if "chromium" in request.fixturenames:  # as whoever asks for the browser does
        yield
    else:
        with no_loop_runs():
            yield
