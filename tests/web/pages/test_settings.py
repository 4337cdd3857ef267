"""Signing in by password, and the settings' pages, as somebody without scripts uses them."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from trailbook.access.viewer import operator
from trailbook.administration.access import By, put_member
from trailbook.administration.accounts import invite
from trailbook.model import Item
from trailbook.web.http.limits import DEFAULT_LIMITS

PASSWORD = "fire katter på taket"
SAME = {"Sec-Fetch-Site": "same-origin"}
ADA = Item(type="user", id="u-80", name="Ada Lunde")


@pytest.fixture(scope="module")
def settled(serve: Callable[..., Any]) -> Any:
    """A server of its own, with Ada as its administrator."""
    found = serve(limits=DEFAULT_LIMITS)
    put_member(By(found.deployment, operator("nordlys")), ADA, ["system-administrator"])
    return found


@pytest.fixture
def browser(settled: Any) -> Iterator[httpx.Client]:
    """A browser without scripts; it keeps no cookies by itself, for the cookie is for https alone."""
    with httpx.Client(base_url=settled.base_url, headers=SAME) as client:
        yield client


def kept(answer: httpx.Response) -> dict[str, str]:
    """The cookie that an answer leaves in the browser."""
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def sign_in(browser: httpx.Client, password: str = PASSWORD, login: str = "ada") -> httpx.Response:
    return browser.post("/sign-in", data={"org": "nordlys", "login": login, "password": password})


@pytest.fixture(scope="module")
def account(settled: Any) -> str:
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
    """R25, F17: a cookie that no script reads and no other site sends; another one each time; dead at sign-out."""
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
    """R26: the same page to the byte."""
    wrong, nobody = sign_in(browser, "wrong wrong wrong"), sign_in(browser, login="nobody")
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.text == nobody.text
    assert "set-cookie" not in wrong.headers
    crossed = browser.post("/sign-in", data={"login": "ada"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert crossed.status_code == 403


def test_too_many_tries(browser: httpx.Client, settled: Any) -> None:
    """R24: 429 with Retry-After; another account goes on."""
    statuses = [sign_in(browser, login="guessed").status_code for _ in range(12)]
    assert statuses[:10] == [401] * 10
    last = sign_in(browser, login="guessed")
    assert (last.status_code, last.headers["retry-after"].isdecimal()) == (429, True)
    assert sign_in(browser, login="other").status_code == 401


def test_a_member_a_role_and_a_key_on_the_page(browser: httpx.Client, account: str, settled: Any) -> None:
    """Forms alone do it all; the secret stands in one answer; what is refused is said above the form."""
    cookie = kept(sign_in(browser))
    at = "/orgs/nordlys/activity/settings"

    def post(place: str, **given: Any) -> httpx.Response:
        return browser.post(f"{at}/{place}", data=given, headers=cookie)

    def get(place: str) -> str:
        return browser.get(f"{at}/{place}", headers=cookie).text

    assert post("roles", do="add", name="<b>Pay</b>", permission=["activity_log"]).status_code == 303
    assert "&lt;b&gt;Pay&lt;/b&gt;" in get("roles")
    role = re.search(r'name="id" value="([a-z2-7]+)"', get("roles"))
    assert role is not None
    put = post("members", do="put", type="user", id="u-81", name="Geir", role=[role[1], "employee"])
    assert put.headers["location"] == f"{at}/members?saved=1"
    assert "Geir" in get("members")
    invited = post("members", do="invite", type="user", id="u-81", login="geir")
    assert (invited.status_code, "/set-password?link=" in invited.text) == (200, True)
    assert "/set-password?link=" not in get("members")
    last = post("members", do="put", type="user", id="u-80", role=["employee"])
    assert (last.status_code, 'role="alert"' in last.text) == (409, True)
    made = post("keys", do="issue", name="HR", scope=["read"], actors="any", days="30")
    secret = re.search(r"tb_[a-z2-7]{13}_[A-Za-z0-9_-]{43}", made.text)
    assert secret is not None
    assert secret[0] not in get("keys")
    assert settled.deployment.credentials.credential(secret[0]).scopes == ("read",)
    assert post("keys", do="issue", name="HR", scope=["read"], days="x").status_code == 422
    assert post("keys", do="revoke", id=secret[0][3:16]).status_code == 303
    assert post("organisation", do="withhold", category=["salary"]).status_code == 303
    assert 'value="salary" checked' in get("organisation")
    assert post("organisation", do="withhold").status_code == 303
    assert post("roles", do="nothing").status_code == 404
    crossed = browser.post(
        f"{at}/roles", data={"do": "add"}, headers={**cookie, "Sec-Fetch-Site": "same-site"}
    )
    assert crossed.status_code == 403


@pytest.mark.parametrize(("lang", "words"), [("en", "Manage access"), ("nb", "Styre tilgang")])
def test_who_may_not_is_told_what_is_missing(
    browser: httpx.Client, settled: Any, lang: str, words: str
) -> None:
    """R10: the refusal names the permission, and nobody and no number."""
    put_member(By(settled.deployment, operator("nordlys")), Item(type="user", id="u-82", name="Liv"), ["hr"])
    session = settled.deployment.credentials.new_session("nordlys", Item(type="user", id="u-82"))
    headers = {"Cookie": f"__Host-trailbook={session}", "Accept-Language": lang}
    refused = browser.get("/orgs/nordlys/activity/settings/members", headers=headers)
    assert refused.status_code == 403
    assert words in refused.text
    assert "Ada" not in refused.text
    allowed = browser.get("/orgs/nordlys/activity?date=last-year", headers=headers)
    assert (allowed.status_code, "/settings/" in allowed.text) == (200, False)
