"""Signing in and out: one-time links, cookies, other sites."""

import httpx
import pytest
from tests.web.conftest import Served, enter

OWN = {"Sec-Fetch-Site": "same-origin"}


def test_a_link_works_once_and_only_by_its_button(served: Served) -> None:
    """Looking at a link uses nothing up; pressing the button does, once."""
    link = served.link()
    with httpx.Client(base_url=served.base_url) as client:
        assert client.get(link).status_code == client.get(link).status_code == 200
        first = enter(client, link)
        assert (first.status_code, first.headers["location"]) == (303, "/orgs/nordlys/activity")
        cookie = first.headers["set-cookie"]
        assert cookie.startswith("__Host-trailbook=")
        assert cookie.partition(";")[2] == " Path=/; Secure; HttpOnly; SameSite=Lax"
        again = client.post("/sign-in", data={"link": link.partition("link=")[2]}, headers=OWN)
        assert (again.status_code, "set-cookie" in again.headers) == (401, False)


def test_sign_out_ends_the_session(served: Served, signed_in: httpx.Client) -> None:
    """After signing out the cookie opens nothing, here and in the API."""
    assert signed_in.get("/orgs/nordlys/activity/about").status_code == 200
    assert signed_in.get(f"{served.api}/entries").status_code == 200
    answer = signed_in.post("/sign-out", headers=OWN)
    assert (answer.status_code, "Max-Age=0" in answer.headers["set-cookie"]) == (303, True)
    assert signed_in.get("/orgs/nordlys/activity").status_code == 401
    assert signed_in.get(f"{served.api}/entries").status_code == 401


@pytest.mark.parametrize("path", ["/sign-out", "/sign-in", "/language"])
def test_changes_from_other_sites_are_refused(served: Served, signed_in: httpx.Client, path: str) -> None:
    """A change needs Sec-Fetch-Site same-origin, or where that is absent our own Origin."""
    for headers in (
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": served.base_url},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        answer = signed_in.post(path, headers=headers, data={"link": "x"})
        assert answer.status_code == 403
        assert "Sent from another site" in answer.text
    assert signed_in.get("/orgs/nordlys/activity/about").status_code == 200
    assert signed_in.post(path, headers={"Origin": served.base_url}, data={"link": "x"}).status_code != 403


def test_a_cookie_never_records(served: Served, signed_in: httpx.Client) -> None:
    """A session reads; it records nothing, whatever site the request is from."""
    answer = signed_in.post(f"{served.api}/entries", json={}, headers=OWN)
    assert answer.status_code == 401
    assert signed_in.get(f"{served.api}/entries").status_code == 200


def test_no_one_guesses(served: Served) -> None:
    """Invented and cut links and cookies open nothing; / leads whoever is signed in to their log."""
    with httpx.Client(base_url=served.base_url) as client:
        for link in ("", "x", "a" * 43, served.link()[:-1].partition("link=")[2]):
            assert client.post("/sign-in", data={"link": link}, headers=OWN).status_code == 401
        for cookie in ("__Host-trailbook=", "__Host-trailbook=" + "a" * 43, "trailbook=x", "=;;="):
            assert client.get("/", headers={"Cookie": cookie}).status_code == 401
        enter(client, served.link())
        assert client.get("/").headers["location"] == "/orgs/nordlys/activity"
