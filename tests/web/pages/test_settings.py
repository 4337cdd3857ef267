"""The settings' pages, as somebody without scripts uses them."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from trailbook.access.viewer import operator
from trailbook.administration.access import By, put_member
from trailbook.model import Item
from trailbook.query import WorkingHours

SAME = {"Sec-Fetch-Site": "same-origin"}
ADA = Item(type="user", id="u-80", name="Ada Lunde")


@pytest.fixture(scope="module")
def settled(serve: Callable[..., Any]) -> Any:
    """A server of its own, with Ada as its administrator."""
    served = serve()
    put_member(By(served.deployment, operator("nordlys")), ADA, ["system-administrator"])
    return served


@pytest.fixture
def browser(settled: Any) -> Iterator[httpx.Client]:
    """A browser without scripts; it keeps no cookies by itself, for the cookie is for https alone."""
    with httpx.Client(base_url=settled.base_url, headers=SAME) as client:
        yield client


def test_a_member_a_role_and_a_key_on_the_page(browser: httpx.Client, settled: Any) -> None:
    """Forms alone do it all; the secret stands in one answer; what is refused is said above the form."""
    cookie = {"Cookie": f"__Host-trailbook={settled.deployment.credentials.new_session('nordlys', ADA)}"}
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
    times = {"work-start": "07:00", "work-end": "00:00", "night-start": "23:00", "night-end": "05:00"}
    hours = post("organisation", do="hours", day=["1", "2"], weekend=["6", "7"], tz="Africa/Cairo", **times)
    assert hours.headers["location"] == f"{at}/organisation?saved=1"
    assert settled.deployment.working_hours("nordlys") == WorkingHours(
        days="12", work="07:00-24:00", night="23:00-05:00", weekend="67", tz="Africa/Cairo"
    )
    wrong = post("organisation", do="hours", weekend=["7"], tz="Oslo", **times)
    assert (wrong.status_code, "is not one or more days" in wrong.text) == (422, True)
    assert 'name="tz" autocomplete="off" required value="Oslo"' in wrong.text  # what was typed is still there
    assert 'name="tz" autocomplete="off" required value="Africa/Cairo"' in get("organisation")
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
    """The refusal names the permission, and nobody and no number."""
    put_member(By(settled.deployment, operator("nordlys")), Item(type="user", id="u-82", name="Liv"), ["hr"])
    session = settled.deployment.credentials.new_session("nordlys", Item(type="user", id="u-82"))
    headers = {"Cookie": f"__Host-trailbook={session}", "Accept-Language": lang}
    refused = browser.get("/orgs/nordlys/activity/settings/members", headers=headers)
    assert refused.status_code == 403
    assert words in refused.text
    assert "Ada" not in refused.text
    allowed = browser.get("/orgs/nordlys/activity?date=last-year", headers=headers)
    assert (allowed.status_code, "/settings/" in allowed.text) == (200, False)
