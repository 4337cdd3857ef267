"""The demo's HR pages in a real browser: they are the first thing a visitor sees."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.demo.conftest import nordlys
from tests.web.axe import SCREENS, on_screen, violations
from tests.web.conftest import Served

from trailbook import demo
from trailbook.demo import entering, names, pages

PATHS = ("/hr", "/hr/people/u-1013", "/hr/roles", "/hr/integrations", "/hr/log", "/hr/people/none")


@pytest.fixture(scope="module")
def company(serve: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The HR system of the demo, beside a log."""
    built = nordlys(tmp_path_factory)
    recorder = type(built.recorder)(built.recorder.catalogue, lambda: datetime.now(UTC))
    file = shutil.copy(built.directory / demo.HR_FILE, tmp_path_factory.mktemp("hr"))
    hr = demo.HRSystem(Path(file), recorder, lambda: datetime.now(UTC))
    links = entering.entry_routes(hr, lambda item: f"/hr/people/{item.id}", lambda _: None)
    yield serve(extra=[*pages.page_routes(hr), *links])
    hr.close()


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_the_hr_pages_are_accessible(company: Served, browser: Any, scheme: str, width: int) -> None:
    """Axe finds nothing, nothing scrolls sideways, and the policy is never broken."""
    context = browser.new_context(
        base_url=company.base_url, color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    context.set_default_timeout(90_000)
    page, messages = context.new_page(), []
    page.on("console", lambda message: messages.append(message.text))
    for path in on_screen(PATHS, (scheme, width)):
        page.goto(path)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert [text for text in messages if "status of 4" not in text] == []


def test_a_form_that_cannot_be_saved_keeps_what_was_typed(company: Served, browser: Any) -> None:
    """A last day before the first is said beside the form, which stands there as it was; then it is mended."""
    context = browser.new_context(base_url=company.base_url)
    context.set_default_timeout(90_000)
    page = context.new_page()
    page.goto("/hr/people/u-1013")
    page.fill("#first_day", "2026-12-04")
    page.fill("#last_day", "2026-12-01")
    page.fill("#note", "Alps")
    page.click("text=Register absence")
    assert (
        page.locator("#wrong").inner_text() == "That could not be saved. Last day lies before the first day."
    )
    assert page.evaluate("document.activeElement.id") == "last_day"
    assert (page.input_value("#first_day"), page.input_value("#note")) == ("2026-12-04", "Alps")
    page.fill("#last_day", "2026-12-06")
    page.click("text=Register absence")
    page.wait_for_url("**recorded=yes")
    page.goto("/hr/log")
    assert page.locator(".doors li").first.inner_text().startswith("IS")
    assert names.HR_LEAD in page.locator(".doors form").first.get_attribute("action")
