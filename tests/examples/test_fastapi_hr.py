"""The small HR system with FastAPI, in a browser: what is changed in it stands on the page that is mounted in it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from tests.examples.journey import as_anna, as_bob, free_port, running


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    command = ("-m", "uvicorn", "examples.fastapi_hr.app:app", "--port", str(port), "--log-level", "warning")
    with running(command, tmp_path_factory.mktemp("fastapi-hr"), port) as address:
        yield address


def test_what_anna_changes_stands_on_the_page_by_her_name(address: str, browser: Browser) -> None:
    as_anna(browser, address)


def test_what_bob_changes_stands_by_his_and_not_before_his_eyes(address: str, browser: Browser) -> None:
    as_bob(browser, address)
