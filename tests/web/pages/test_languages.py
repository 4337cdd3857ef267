"""The language a reader chooses: offered by its own name on every page, remembered, and read where one was."""

from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.web.conftest import ORG, Served, enter

from trailbook.web.http.texts import LOCALES, texts_of

SAME = {"Sec-Fetch-Site": "same-origin"}
PAGE = f"/orgs/{ORG}/activity"
OPEN = ("/sign-in", "/set-password", "/problems/not-found", "/docs", PAGE)
PLACES = ("?category=roles", "/overview", "/exports", "/about", "/trust", "/views", "/settings/members")


def choose(client: httpx.Client, lang: str, to: str) -> httpx.Response:
    return client.post("/language", data={"lang": lang, "to": to}, headers=SAME)


def names(page: str) -> list[bool]:
    """Whether a page names each language as that one calls itself."""
    return [f' lang="{lang}"' in page and f">{texts_of(lang)('language.name')}<" in page for lang in LOCALES]


def test_it_is_remembered_signed_in_or_not(served: Served) -> None:
    """A browser that asks for English reads Norwegian once it was chosen, for a year, on every page; and back again."""
    with httpx.Client(base_url=served.base_url, headers={"Accept-Language": "en"}) as client:
        chosen = choose(client, "nb", PAGE)
        assert (chosen.status_code, chosen.headers["location"]) == (303, PAGE)
        cookie = chosen.headers["set-cookie"]
        assert cookie == "trailbook-lang=nb; Path=/; Max-Age=31536000; SameSite=Lax"
        out = {path: client.get(path, headers={"Cookie": "trailbook-lang=nb"}).text for path in OPEN}
        enter(client, served.link())
        session = client.headers["Cookie"]
        client.headers["Cookie"] = f"{session}; trailbook-lang=nb"
        inside = {path: client.get(PAGE + path).text for path in PLACES}
        for path, page in (out | inside).items():
            assert '<html lang="nb"' in page, path
            assert all(names(page)), path
        client.headers["Cookie"] = f"{session}; trailbook-lang=en"
        assert '<html lang="en"' in client.get(f"{PAGE}/about").text
        client.headers["Cookie"] = f"{session}; trailbook-lang=tlh"
        assert '<html lang="en"' in client.get(f"{PAGE}/about").text


@pytest.mark.parametrize(
    "to", ["//evil.example/x", "/\\evil.example", "https://evil.example", "/a\tb", "x", ""]
)
def test_it_leads_to_no_other_site(served: Served, to: str) -> None:
    """Whatever else is sent along as the place to go back to leads to the beginning; the control is a page of ours."""
    with httpx.Client(base_url=served.base_url) as client:
        assert choose(client, "nb", to).headers["location"] == "/"
        assert choose(client, "nb", f"{PAGE}?text=a%20b").headers["location"] == f"{PAGE}?text=a%20b"


def test_what_is_not_enabled_is_refused_and_not_offered(serve: Callable[..., Served]) -> None:
    """Where one language is enabled, no page offers any, and a browser that asks for another one reads it."""
    served = serve(languages=["nb"])
    with httpx.Client(base_url=served.base_url, headers={"Accept-Language": "en"}) as client:
        assert choose(client, "en", "/").status_code == 422
        assert choose(client, "nb", "/").status_code == 303
        page = client.get("/sign-in").text
        assert ('<html lang="nb"' in page, "/language" in page) == (True, False)


def test_it_keeps_the_address_one_is_at(visit: Callable[..., Page], served: Served) -> None:
    """With a script, where the list moved on under its frame; without one; and signed out, where one wanted to be."""
    for script in (True, False):
        page = visit(java_script_enabled=script)
        page.goto(f"{PAGE}?category=roles")
        page.click(".row .what a >> nth=0")
        page.wait_for_url("**actor=**")
        at = page.url
        page.click(".languages button")
        expect(page.locator("html[lang=nb] h1").first).to_have_text("Aktivitetslogg")
        assert page.url == at
        page.context.clear_cookies(name="__Host-trailbook")
        page.goto(at)
        expect(page.locator("h1")).to_have_text("Du er logget ut")
        page.click(".languages button")
        expect(page.locator("html[lang=en] h1")).to_have_text("You are signed out")
        assert quote(page.url, safe=":/?=&.") == at
