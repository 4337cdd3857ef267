"""Signing in by password, as somebody without scripts does it, and the pages before the log."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.web.conftest import ORG, Served

from trailbook.access.viewer import operator
from trailbook.administration.access import By, put_member
from trailbook.administration.accounts import invite
from trailbook.model import Item
from trailbook.web.http.limits import DEFAULT_LIMITS

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


def test_too_many_tries(browser: httpx.Client, settled: Served) -> None:
    """429 with Retry-After; another account goes on."""
    statuses = [sign_in(browser, login="guessed").status_code for _ in range(12)]
    assert statuses[:10] == [401] * 10
    last = sign_in(browser, login="guessed")
    assert (last.status_code, last.headers["retry-after"].isdecimal()) == (429, True)
    assert sign_in(browser, login="other").status_code == 401
