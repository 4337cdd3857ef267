"""Who is let in, in which order, and what refusals say: one order of checks, nothing that leaks."""

import re

import httpx
import pytest
from tests.web.conftest import ORG, OTHER, Served, wire

PATHS = ("entries", "entries/00000000-0000-4000-8000-000000000000", "items?q=a", "catalogue", "entries.csv")


def bearer(key: str) -> dict[str, str]:
    """The header that carries a key."""
    return {"Authorization": f"Bearer {key}"}


def alike(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """An answer without what may differ: its request id, its date, and the address that was asked for."""
    text = re.sub(r'"request_id":"[^"]*"|<code>[0-9a-f]{32}</code>|name="to" value="[^"]*"', "", answer.text)
    headers = {n: v for n, v in answer.headers.items() if n not in ("x-request-id", "date")}
    return answer.status_code, text, headers


@pytest.mark.parametrize("path", PATHS)
def test_order_of_checks(anonymous: httpx.Client, served: Served, path: str) -> None:
    """401 without identity, 403 without the scope, and only then what the path says."""
    keys = served.keys
    wrong_secret = keys["read"][:-4] + "AAAA"
    for headers in ({}, bearer("nonsense"), bearer(wrong_secret), {"Authorization": f"Basic {keys['read']}"}):
        answer = anonymous.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert anonymous.get(path, headers=bearer(keys["record"])).status_code == 403
    assert anonymous.get(path, headers=bearer(keys["other"])).status_code == 403
    assert anonymous.get(path, headers=bearer(keys["read"])).status_code in (200, 404)


def test_recording_needs_its_scope(anonymous: httpx.Client, served: Served) -> None:
    """A key for reading records nothing, nor does another organisation's."""
    for name, status in (("read", 403), ("other", 403), ("record", 201), ("both", 201)):
        assert anonymous.post("entries", json=wire(), headers=bearer(served.keys[name])).status_code == status


@pytest.mark.parametrize("to", ["entries", "entries/batch"])
def test_recording_elsewhere_is_refused_alike(anonymous: httpx.Client, served: Served, to: str) -> None:
    """A key without the scope, a foreign organisation and one that is not: one answer, by permission."""
    answers = []
    for name, org in (("read", ORG), ("other", ORG), ("other", "nobody"), ("record", "nobody")):
        url = f"{served.base_url}/api/v1/orgs/{org}/{to}"
        answers.append(alike(anonymous.post(url, json=wire(), headers=bearer(served.keys[name]))))
    assert answers == [answers[0]] * 4
    status, text, _ = answers[0]
    assert status == 403
    assert "full access to the system permission Manage access" in str(text)
    assert "scope" not in str(text)
    own = anonymous.post("entries", json=wire(), headers=bearer(served.keys["record"]))
    assert own.status_code == 201  # the control


@pytest.mark.parametrize("path", PATHS)
def test_foreign_and_absent_are_byte_alike(anonymous: httpx.Client, served: Served, path: str) -> None:
    """An organisation that is not and one that is another's answer alike, but for the request id."""
    headers = bearer(served.keys["other"])
    foreign = anonymous.get(f"{served.base_url}/api/v1/orgs/{ORG}/{path}", headers=headers)
    absent = anonymous.get(f"{served.base_url}/api/v1/orgs/nobody/{path}", headers=headers)
    assert foreign.status_code == 403
    assert alike(foreign) == alike(absent)
    own = anonymous.get(f"{served.base_url}/api/v1/orgs/{OTHER}/{path}", headers=headers)
    assert alike(own) != alike(foreign)


@pytest.mark.parametrize("below", ["", "/e/00000000-0000-4000-8000-000000000000", "/exports", "/a/b?x=1"])
def test_one_refusal_page(served: Served, below: str) -> None:
    """Without full access, and in another or no organisation, every path is one and the same page."""
    pages = []
    for level, org in (("none", ORG), ("full", OTHER), ("full", OTHER)):
        with httpx.Client(base_url=served.base_url) as client:
            link = served.link(level, org).partition("link=")[2]
            entered = client.post("/sign-in", data={"link": link}, headers={"Sec-Fetch-Site": "same-origin"})
            cookie = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
            asked = "nobody" if pages else ORG
            pages.append(client.get(f"/orgs/{asked}/activity{below}", headers=cookie))
    refusal = alike(pages[0])[1]
    assert {alike(page)[:2] for page in pages} == {(403, refusal)}
    phrases = "<h1>You need full access to Activity log</h1>", "Ask whoever administers roles.", "/sign-out"
    assert [words in refusal for words in phrases] == [True] * 3
    assert not {"Anna", "Berg", ORG, OTHER, "62"} & set(re.split(r"\W+", refusal))


def test_the_refusal_has_its_control(served: Served, signed_in: httpx.Client) -> None:
    """With full access the same paths are the page, and a 404 for what is not there."""
    assert signed_in.get(f"/orgs/{ORG}/activity/about").status_code == 200
    assert signed_in.get(f"/orgs/{ORG}/activity/nothing").status_code == 404
    assert signed_in.get(f"/orgs/{ORG}/activity/e/none").status_code == 404


BELOW = (
    "",
    "?category=roles&text=a%20%26",
    "/e/00000000-0000-4000-8000-000000000000",
    "/exports",
    "/nothing",
)


def test_signed_out_every_path_is_the_form(served: Served) -> None:
    """One and the same page at every path of every organisation, there or not, but for the address that it keeps."""
    with httpx.Client(base_url=served.base_url, headers={"Sec-Fetch-Site": "same-origin"}) as nobody:
        paths = [f"/orgs/{org}/activity{below}" for org in (ORG, OTHER, "nobody") for below in BELOW]
        pages = [nobody.get(path) for path in paths]
        pages += [nobody.post(f"/orgs/{org}/activity/settings/members") for org in (ORG, "nobody")]
        org = re.compile(r'name="org"( [a-z]+| maxlength="63")* value="[^"]*"')
        forms = {(status, org.sub("", text)) for status, text, _ in map(alike, pages)}
        assert [status for status, _ in forms] == [401]
        assert "<h1>You are signed out</h1>" in pages[0].text
        assert f'name="to" value="{paths[1]}"'.replace("&", "&amp;") in pages[1].text
        assert not {"Anna", "Berg", ORG, OTHER, "62"} & set(re.split(r"\W+", forms.pop()[1]))


@pytest.mark.parametrize(
    ("asked", "headers", "kept"),
    [
        ("/total?category=roles", {}, f"/orgs/{ORG}/activity?category=roles"),
        ("/overview", {"HX-Boosted": "true"}, f"/orgs/{ORG}/activity/overview"),
    ],
)
def test_a_part_of_a_page_is_no_place_to_come_back_to(
    served: Served, asked: str, headers: dict[str, str], kept: str
) -> None:
    """What a script asks for beside is answered by the form of the page it is of, a link by its own."""
    script = {"HX-Request": "true", "HX-Request-Type": "partial", **headers}
    script["HX-Current-URL"] = f"{served.page}?category=roles"
    answer = httpx.get(f"{served.page}{asked}", headers=script)
    assert (answer.status_code, f'name="to" value="{kept}"' in answer.text) == (401, True)


def test_methods(client: httpx.Client, served: Served) -> None:
    """405 names what the path takes, as OPTIONS does; what is no path is 404."""
    answer = client.delete("entries")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")
    assert answer.json()["code"] == "method-not-allowed"
    assert client.options("entries").headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert client.post(f"{served.page}").headers["allow"] == "GET, HEAD, OPTIONS"
    assert client.get("nothing").json()["code"] == "not-found"
    assert client.get(served.base_url + "/nothing", headers={"Accept": "text/html"}).text.startswith(
        "<!doctype"
    )
