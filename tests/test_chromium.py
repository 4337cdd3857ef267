"""The browser of the tests: one that does not answer is ended, and the next test has a new one."""

import pytest
from playwright.sync_api import Error
from tests.chromium import Chromium


@pytest.fixture
def own(chromium: Chromium) -> Chromium:
    """A browser of its own, with little time for closing."""
    return chromium.another(seconds=1)


def test_what_does_not_close_in_time_ends_the_browser_and_the_next_one_is_new(own: Chromium) -> None:
    page = own.browser().new_page()
    own.in_time(lambda: page.wait_for_timeout(600_000))
    assert not page.context.browser or not page.context.browser.is_connected()
    assert own.browser().new_page().evaluate("1 + 1") == 2
    own.end()


def test_what_closes_in_time_ends_nothing(own: Chromium) -> None:
    browser = own.browser()
    browser.new_page()
    own.close_contexts()
    assert browser.contexts == []
    assert own.browser() is browser
    own.end()


def test_what_fails_while_closing_is_not_hidden(own: Chromium) -> None:
    page = own.browser().new_page()
    with pytest.raises(Error, match="no-such-function"):
        own.in_time(lambda: page.evaluate("(() => { throw new Error('no-such-function') })()"))
    own.end()
