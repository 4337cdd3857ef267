"""The small HR system with Django, in a browser, below WSGI and ASGI: its page, and the tab of its admin."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.examples.journey import as_anna, as_bob, entered
from tests.examples.processes import ROOT, SERVERS, Project, begun

EXAMPLES = ("fastapi_hr", "django_hr")


@pytest.fixture(scope="module", params=SERVERS)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with begun(tmp_path_factory.mktemp("django-hr")).served(request.param) as project:
        yield project


def test_what_anna_changes_stands_on_the_page_by_her_name(project: Project, browser: Browser) -> None:
    as_anna(browser, project.address)


def test_what_bob_changes_stands_by_his_and_not_before_his_eyes(project: Project, browser: Browser) -> None:
    as_bob(browser, project.address)


def test_the_admin_has_a_tab_for_whoever_may_read_the_log(project: Project, browser: Browser) -> None:
    anna = entered(browser, project.address, "Anna Berg")
    anna.goto("/admin/hr/person/2/change/")
    anna.get_by_role("link", name="Activity", exact=True).click()
    expect(anna.locator("#activity")).to_contain_text("First day added Bob Li as a user")
    anna.get_by_role("link", name="Open in the log").click()
    expect(anna.get_by_role("heading", level=1)).to_contain_text("Bob Li")
    assert anna.url.startswith(f"{project.address}/activity/orgs/acme/activity/items/user/2?")
    anna.context.close()
    bob = entered(browser, project.address, "Bob Li")
    bob.goto("/admin/hr/person/2/activity/")
    expect(bob.get_by_text("You need full access to Activity log")).to_be_visible()
    assert "added Bob Li" not in bob.content()
    bob.context.close()


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_is_short_enough_to_be_read(example: str) -> None:
    files = [file for file in (ROOT / "examples" / example).rglob("*") if file.suffix in (".py", ".html")]
    assert sum(len(file.read_text("utf-8").splitlines()) for file in files) < 200


def test_the_examples_are_those_that_are_there() -> None:
    folders = {path.name for path in Path(ROOT / "examples").iterdir() if (path / "__init__.py").exists()}
    assert folders == set(EXAMPLES)
