"""Signing in by password, as somebody without scripts does it, and the pages before the log."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import httpx
import pytest
from msgspec import structs
from tests.web.conftest import ORG, Served

from trailbook.access.viewer import operator
from trailbook.administration.access import By, put_member
from trailbook.administration.accounts import invite
from trailbook.model import Item
from trailbook.query import Query
from trailbook.testing import FrozenClock
from trailbook.web.http.limits import DEFAULT_LIMITS
from trailbook.web.http.request import Request
from trailbook.web.http.site import STRANGERS
from trailbook.web.pages import sign_in as pages

PASSWORD = "fire katter på taket"
SAME = {"Sec-Fetch-Site": "same-origin"}
ADA = Item(type="user", id="u-80", name="Ada Lunde")


@pytest.fixture(scope="module")
def settled(serve: Callable[..., Served]) -> Served:
    """A server of its own, with Ada as its administrator."""
    served = serve(limits=DEFAULT_LIMITS)
    put_member(By(served.deployment, operator(ORG)), ADA, ["system-administrator"])
    return served


@pytest.fixture
def browser(settled: Served) -> Iterator[httpx.Client]:
    """A browser without scripts; it keeps no cookies by itself, for the cookie is for https alone."""
    with httpx.Client(base_url=settled.base_url, headers=SAME) as client:
        yield client


def kept(answer: httpx.Response) -> dict[str, str]:
    """The cookie that an answer leaves in the browser."""
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def sign_in(browser: httpx.Client, password: str = PASSWORD, login: str = "ada") -> httpx.Response:
    return browser.post("/sign-in", data={"org": "nordlys", "login": login, "password": password})


@pytest.fixture(scope="module")
def account(settled: Served) -> str:
    """Ada's account: invited, and the password set on the page."""
    link = invite(By(settled.deployment, operator("nordlys")), "user", "u-80", "ada")
    with httpx.Client(base_url=settled.base_url, headers=SAME) as client:
        page = client.get(f"/set-password?link={link}")
        assert (page.status_code, 'value="ada"' in page.text) == (200, True)
        for wrong in ({"password": "short", "again": "short"}, {"password": PASSWORD, "again": "x"}):
            assert client.post("/set-password", data={"link": link, **wrong}).status_code == 422
        done = client.post("/set-password", data={"link": link, "password": PASSWORD, "again": PASSWORD})
        assert (done.status_code, done.headers["location"]) == (303, "/orgs/nordlys/activity")
        assert client.get(f"/set-password?link={link}").status_code == 401
    return "ada"


def test_signing_in_and_out(browser: httpx.Client, account: str) -> None:
    """A cookie that no script reads and no other site sends; another one each time; dead at sign-out."""
    first, second = sign_in(browser), sign_in(browser)
    assert first.status_code == 303
    assert first.headers["set-cookie"].startswith("__Host-trailbook=")
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in first.headers["set-cookie"]
    assert kept(first) != kept(second)
    again = browser.post(
        "/sign-in",
        data={"org": "nordlys", "login": "ada", "password": PASSWORD},
        headers=kept(second),
    )
    page = "/orgs/nordlys/activity/settings/members"
    assert browser.get(page, headers=kept(second)).status_code == 401
    assert browser.get(page, headers=kept(again)).status_code == 200
    browser.post("/sign-out", headers=kept(again))
    assert browser.get(page, headers=kept(again)).status_code == 401


def test_a_wrong_name_and_a_wrong_password_are_told_alike(browser: httpx.Client, account: str) -> None:
    """The same page to the byte."""
    wrong, nobody = sign_in(browser, "wrong wrong wrong"), sign_in(browser, login="nobody")
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.text == nobody.text
    assert "set-cookie" not in wrong.headers
    crossed = browser.post("/sign-in", data={"login": "ada"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert crossed.status_code == 403


def test_forty_accounts_from_one_address(serve: Callable[..., Served]) -> None:
    """They meet the limit of the address; the log grows by one entry, which says nothing of what was typed."""
    served = serve(limits=DEFAULT_LIMITS, clock=FrozenClock(datetime.now(UTC)))
    size, viewer = served.log.size, operator(ORG)
    before = size(viewer=viewer)
    with httpx.Client(base_url=served.base_url, headers=SAME) as client:
        statuses = [sign_in(client, login=f"typed-{at}").status_code for at in range(40)]
    assert statuses == [401] * 30 + [429] * 10
    assert size(viewer=viewer) == before + 1
    entry = served.log.search(Query(), viewer=viewer, limit=1).entries[0]
    assert (entry.action, entry.actor.id) == ("user.sign_in_failed", "unknown")
    assert (entry.origin.ip, entry.origin.user_agent) == (None, None)


def test_a_failure_is_recorded_behind_its_answer(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing takes time, and is due more often for an account than for a name that nobody has: nobody may hear it."""
    served, answered, recorded = serve(), threading.Event(), threading.Event()
    record = pages._record

    def when_answered(entries: list[Callable[[], None]]) -> None:
        assert answered.wait(20)
        record(entries)
        recorded.set()

    monkeypatch.setattr(pages, "_record", when_answered)
    put_member(By(served.deployment, operator(ORG)), ADA, ["hr"])
    invite(By(served.deployment, operator(ORG)), "user", "u-80", "ada")
    with httpx.Client(base_url=served.base_url, headers=SAME) as client:
        for login, who in (("ada", "u-80"), ("nobody", "unknown")):
            assert sign_in(client, login=login).status_code == 401
            answered.set()
            assert recorded.wait(20)
            entry = served.log.search(Query(), viewer=operator(ORG), limit=1).entries[0]
            assert (entry.action, entry.actor.id) == ("user.sign_in_failed", who)
            answered.clear()
            recorded.clear()


def test_links_that_are_none(serve: Callable[..., Served]) -> None:
    """They are counted by their address, as wrong keys are; a right one works all the same."""
    served = serve(limits=DEFAULT_LIMITS, clock=FrozenClock(datetime.now(UTC)))
    with httpx.Client(base_url=served.base_url, headers=SAME) as client:
        tried = [client.post("/sign-in", data={"link": f"l-{at}"}) for at in range(12)]
        assert [each.status_code for each in tried] == [401] * 10 + [429] * 2
        assert tried[-1].headers["retry-after"].isdecimal()
        link = served.link().partition("link=")[2]
        assert client.post("/sign-in", data={"link": link}).status_code == 303


def test_many_at_once(serve: Callable[..., Served]) -> None:
    """Who comes when the lane is full hears so at once, and has not failed by it; a link is not in that lane."""
    served = serve(limits=structs.replace(DEFAULT_LIMITS, failures=1))
    served.app.state.hashing.most = 0
    with httpx.Client(base_url=served.base_url, headers=SAME) as client:
        for _ in range(5):  # more than may fail
            refused = sign_in(client)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert "Too many people are signing in" in refused.text
        link = served.link().partition("link=")[2]
        assert client.post("/sign-in", data={"link": link}).status_code == 303
        put_member(By(served.deployment, operator(ORG)), ADA, ["hr"])
        link = invite(By(served.deployment, operator(ORG)), "user", "u-80", "ada")
        sent = {"link": link, "password": PASSWORD, "again": PASSWORD}
        assert client.post("/set-password", data=sent).status_code == 503
        assert client.get(f"/set-password?link={link}").status_code == 200  # it goes on working


def test_posts_of_strangers_take_two_threads(settled: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come at once: each thread would hold a connection to the store, and memory, for good."""
    read, more, met = pages.form, threading.Barrier(STRANGERS + 1), []

    def form(request: Request) -> dict[str, str]:
        with suppress(threading.BrokenBarrierError):
            met.append(more.wait(2))
        return read(request)

    monkeypatch.setattr(pages, "form", form)
    with ThreadPoolExecutor(8) as pool:
        link = f"{settled.base_url}/sign-in"
        posted = [pool.submit(httpx.post, link, data={"link": "x"}, headers=SAME) for _ in range(8)]
        assert httpx.get(link).status_code == 200  # somebody who asks for a page waits for none of them
        assert {each.result().status_code for each in posted} == {401}
    assert met == []


def test_too_many_tries(browser: httpx.Client, settled: Served) -> None:
    """429 with Retry-After; another account goes on."""
    statuses = [sign_in(browser, login="guessed").status_code for _ in range(12)]
    assert statuses[:10] == [401] * 10
    last = sign_in(browser, login="guessed")
    assert (last.status_code, last.headers["retry-after"].isdecimal()) == (429, True)
    assert sign_in(browser, login="other").status_code == 401


@pytest.mark.parametrize(
    ("to", "there"),
    [
        ("/orgs/nordlys/activity/e/1?category=roles", True),
        ("/orgs/nordlys/activity?text=%C3%A5", True),
        ("/orgs/nordlysene/activity", False),
        ("/orgs/nordlys/activityx", False),
        ("/orgs/fjell/activity", False),
        ("/orgs/nordlys/activity\\@evil", False),
        ("//evil.example", False),
        ("https://evil.example/orgs/nordlys/activity", False),
        ("/orgs/nordlys/activity/\r\nSet-Cookie: x=1", False),
    ],
)
def test_one_comes_to_where_one_wanted_to_be(
    browser: httpx.Client, account: str, to: str, there: bool
) -> None:
    """In one's own organisation, after a wrong password too; anywhere else leads to the log."""
    sent = {"org": "nordlys", "login": "ada", "to": to}
    if there:
        again = browser.post("/sign-in", data={**sent, "password": "wrong wrong wrong"})
        assert f'name="to" value="{to}"' in again.text
        assert 'value="nordlys"' in again.text
    entered = browser.post("/sign-in", data={**sent, "password": PASSWORD})
    assert entered.headers["location"] == (to if there else "/orgs/nordlys/activity")
