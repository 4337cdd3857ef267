"""Every question and ready view, opened as a reader in each language opens it: none is an error."""

from collections.abc import Iterator

import httpx
import pytest
from tests.web.conftest import ORG, Served, enter

from trailbook.administration.ready_views import READY_VIEWS, REVIEW_VIEWS, ReadyView
from trailbook.web.http.texts import LOCALES, texts_of
from trailbook.web.pages.address import address

PAGE = f"/orgs/{ORG}/activity"
VIEWS = (*READY_VIEWS, *REVIEW_VIEWS)


@pytest.fixture(scope="module", params=LOCALES)
def reader(served: Served, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """An HR lead who reads in a language."""
    headers = {"Accept-Language": request.param}
    with httpx.Client(base_url=served.base_url, headers=headers) as client:
        enter(client, served.link(("hr",)))
        yield client


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_it_opens(reader: httpx.Client, view: ReadyView) -> None:
    """By its own address, and from the page of saved views where it is one of those; what it holds is a list."""
    addresses = [address(PAGE, [*view.params, ("view", view.name)])]
    addresses += [] if view.asks else [f"{PAGE}/views/ready:{view.name}"]
    words = texts_of(reader.headers["Accept-Language"])
    for path in addresses:
        answer = reader.get(path)
        answer = reader.get(answer.headers["location"]) if answer.status_code == 303 else answer
        assert answer.status_code == 200, path
        assert f'<html lang="{words.lang}"' in answer.text
        assert sorted(answer.url.params.multi_items()) == sorted([*view.params, ("view", view.name)])
        assert words("broken.title") not in answer.text


def test_one_that_names_what_does_not_exist_is_an_error(reader: httpx.Client) -> None:
    """The control: such a view would fail here, as would one whose values are none."""
    words = texts_of(reader.headers["Accept-Language"])
    for pair in (("action", "user.disabled"), ("hours", "noon")):
        answer = reader.get(address(PAGE, [pair, ("view", "access")]))
        assert (answer.status_code, words("broken.title") in answer.text) == (422, True)
