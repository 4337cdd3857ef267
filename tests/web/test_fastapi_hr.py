"""The small HR system with FastAPI, in a browser: what is changed in it stands on the page that is mounted in it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from tests.examples.journey import as_anna, as_bob
from tests.examples.processes import Project, free_port, wait_for

APP = "examples.fastapi_hr.app:app"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    project = Project(tmp_path_factory.mktemp("fastapi-hr"), free_port())
    with project.beside("-m", "uvicorn", APP, "--port", str(project.port), "--log-level", "warning"):
        wait_for(project.address)
        yield project.address


def test_what_anna_changes_stands_on_the_page_by_her_name(address: str, browser: Browser) -> None:
    as_anna(browser, address)


def test_what_bob_changes_stands_by_his_and_not_before_his_eyes(address: str, browser: Browser) -> None:
    as_bob(browser, address)
