"""The page before a closed bundle: both figures and the button, without a script, for who may have it."""

import html
import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.web.conftest import ORG, Served

from trailbook import Item
from trailbook.access.viewer import operator
from trailbook.administration.access import By, add_role, put_member, withhold

SAME = {"Sec-Fetch-Site": "same-origin"}
DENIED = "outcome=denied"


@pytest.fixture
def company(serve: Callable[..., Served]) -> Served:
    """A server of its own: what may be seen changes."""
    return serve()


def browser_of(served: Served, id_: str, *, everything: bool) -> httpx.Client:
    """The browser of an administrator, who sees what is restricted if `everything`."""
    by, item = By(served.deployment, operator(ORG)), Item(type="user", id=id_, name=id_)
    categories = served.deployment.catalogue.categories
    restricted = [name for name, category in categories.items() if category.restricted]
    roles = [add_role(by, f"Sees all {id_}", {}, categories=restricted).id] if everything else []
    put_member(by, item, ["system-administrator", *roles])
    session = served.deployment.credentials.new_session(ORG, item)
    headers = {"Cookie": f"__Host-trailbook={session}", **SAME}
    return httpx.Client(base_url=served.base_url, headers=headers, timeout=60)


@pytest.fixture
def anna(company: Served) -> Iterator[httpx.Client]:
    with browser_of(company, "u-all", everything=True) as client:
        yield client


def offered(served: Served, client: httpx.Client) -> list[str]:
    """The formats of the dialog, in their order, and the link beside it that needs no script."""
    text = client.get(f"{served.page}?{DENIED}").text
    formats = re.findall(r'value="(bundle-[a-z]+)" data-bundle(?! disabled)', text)
    return [*formats, *re.findall(r'<a class="button" href="([^"]+/closed-bundle[^"]+)"', text)]


def test_it_is_offered_after_the_one_that_shows_less(company: Served, anna: httpx.Client) -> None:
    """The page's order, and its first choice; who may not have a closed one is not offered it."""
    formats = offered(company, anna)
    assert formats[:2] == ["bundle-inclusion", "bundle-closed"]
    assert formats[2].startswith(f"/orgs/{ORG}/activity/closed-bundle?{DENIED}&amp;")
    assert "&amp;as_of=" in formats[2]
    with browser_of(company, "u-less", everything=False) as less:
        assert offered(company, less) == ["bundle-inclusion"]


def test_it_is_said_what_it_holds_and_then_ordered(company: Served, anna: httpx.Client) -> None:
    """Link, page, button, list: no script; the order is the one that was told, whatever was recorded meanwhile."""
    address = html.unescape(offered(company, anna)[-1])
    as_of = int(address.rpartition("=")[2])
    page = anna.get(address)
    assert page.status_code == 200
    words = re.search(r'id="held"><strong>(.*?)</strong>', page.text)
    assert words
    assert re.fullmatch(
        rf"Holds {as_of} entries of all categories; \d+ outside your filter can be read by name\.", words[1]
    )
    assert anna.get(f"/api/v1/orgs/{ORG}/exports").json()["exports"] == []
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    sent = anna.post(f"{company.page}/closed-bundle", data={"order": html.unescape(fields["order"])})
    assert (sent.status_code, sent.headers["location"]) == (303, f"/orgs/{ORG}/activity/exports")
    job = anna.get(f"/api/v1/orgs/{ORG}/exports").json()["exports"][0]
    assert (job["format"], job["as_of"], job["lang"], job["words"]) == (
        "bundle-closed",
        as_of,
        "en",
        words[1],
    )
    assert words[1] in anna.get(f"{company.page}/exports").text


def test_the_words_of_the_bundle_are_in_the_language_that_was_chosen(
    company: Served, anna: httpx.Client
) -> None:
    page = anna.get(f"{company.page}/closed-bundle?{DENIED}&lang=nb")
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    anna.post(f"{company.page}/closed-bundle", data={"order": html.unescape(fields["order"])})
    assert anna.get(f"/api/v1/orgs/{ORG}/exports").json()["exports"][0]["lang"] == "nb"
    assert anna.get(f"{company.page}/closed-bundle?lang=xx").status_code == 422


def test_who_may_not_have_it_is_told_nothing(company: Served, anna: httpx.Client) -> None:
    """By link and by form; of a category that is withheld and never was in the log, too."""
    path = f"{company.page}/closed-bundle"
    assert anna.get(path).status_code == 200
    with browser_of(company, "u-less", everything=False) as less:
        for answer in (less.get(path), less.post(path, data={"order": ""})):
            assert answer.status_code == 403
            assert "can be read by name" not in answer.text
    withhold(By(company.deployment, operator(ORG)), ["salary"])
    assert (anna.get(path).status_code, anna.post(path, data={"order": ""}).status_code) == (403, 403)


def test_another_site_orders_nothing(company: Served, anna: httpx.Client) -> None:
    path = f"{company.page}/closed-bundle"
    for site, status in (("cross-site", 403), ("same-origin", 303)):
        answer = anna.post(path, data={"order": DENIED}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == status
