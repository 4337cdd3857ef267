"""Every page is well-formed: parsed by the rules of the HTML Standard, with its ids unique and its references kept."""

import re
from collections import Counter

import httpx
import pytest
from justhtml import JustHTML
from tests.web.conftest import ORG, Served
from tests.web.test_browser import STATES

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
# Elements of a combobox: known once their script runs, as every custom element is.
_NO_LINKS_WITHIN = re.compile(r"<a\b[^>]*>(?:(?!</a>).)*<(?:a|button|input|select)\b", re.DOTALL)
_REFERENCES = re.compile(r' (?:for|aria-labelledby|aria-describedby|aria-controls|list)="([^"]+)"')


def opened(client: httpx.Client, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """A page where its address leads to; a client that follows by itself leaves the session's cookie behind."""
    answer = client.get(path, headers=headers)
    while answer.status_code == 303:
        answer = client.get(answer.headers["location"], headers=headers)
    return answer


def faults(text: str) -> list[str]:
    """What is wrong with a page or a part of one."""
    whole = (
        text
        if text.lstrip().startswith("<!doctype")
        else f"<!doctype html><html lang=en><body>{text}</body></html>"
    )
    whole = (
        whole.replace("<title>", "<!-- ", 1).replace("</title>", " -->", 1) if whole is not text else whole
    )
    problems = [str(error.code) for error in JustHTML(whole, collect_errors=True).errors]
    ids = re.findall(r' id="([^"]*)"', text)
    problems += [f"the id {id_} stands {count} times" for id_, count in Counter(ids).items() if count > 1]
    if text.lstrip().startswith("<!doctype"):
        problems += [f"nothing has the id {id_}" for id_ in _REFERENCES.findall(text) if id_ not in ids]
    if _NO_LINKS_WITHIN.search(text):
        problems.append("a link holds another control")
    return problems


@pytest.mark.parametrize("state", STATES)
def test_pages_are_well_formed(signed_in: httpx.Client, state: str) -> None:
    """No error in any state, as a whole page and as the part that a script asks for, in both languages."""
    for lang in ("en", "nb"):
        for headers in ({}, PARTIAL):
            answer = opened(signed_in, STATES[state], {**headers, "Accept-Language": lang})
            assert faults(answer.text) == [], (state, lang, bool(headers))


def test_an_entry_is_well_formed(signed_in: httpx.Client) -> None:
    """An entry as a page of its own and as a panel."""
    page = signed_in.get(f"/orgs/{ORG}/activity?outcome=denied").text
    href = re.findall(r'class="when" href="([^"]*)"', page)[0]
    for headers in ({}, PARTIAL):
        assert faults(signed_in.get(href, headers=headers).text) == []


def test_what_is_wrong_is_found() -> None:
    """The control: a stray end tag, an id given twice, a label of nothing, a link in a link."""
    page = "<!doctype html><html lang=en><head><title>x</title></head><body>{}</body></html>"
    assert faults(page.format("<p>a</p>")) == []
    for wrong in (
        "<p>a</div></p>",
        '<p id="a"></p><p id="a"></p>',
        '<label for="b">b</label>',
        "<a href=x><a href=y>z</a></a>",
    ):
        assert faults(page.format(wrong)) != [], wrong


def test_a_part_is_only_for_scripts(signed_in: httpx.Client, served: Served) -> None:
    """A part comes for a partial request alone; a restored page, a reload and a link get the whole."""
    path = f"/orgs/{ORG}/activity?category=roles"
    part = signed_in.get(path, headers=PARTIAL)
    assert "<html" not in part.text
    assert 'class="row"' in part.text
    vary = "HX-Request, HX-Request-Type, HX-History-Restore-Request, Accept-Encoding"
    for headers in ({}, {"HX-Request": "true"}, {**PARTIAL, "HX-History-Restore-Request": "true"}):
        whole = signed_in.get(path, headers=headers)
        assert whole.text.startswith("<!doctype html>")
        assert whole.headers["vary"] == vary
    assert part.headers["vary"] == vary


def test_a_refusal_takes_the_place_of_the_rows(served: Served) -> None:
    """Signed out, a script's request gets a part that says so; the control gets the whole page."""
    path = f"{served.base_url}/orgs/{ORG}/activity?category=roles"
    part = httpx.get(path, headers=PARTIAL)
    assert (part.status_code, "<html" in part.text, "Sign in with a link" in part.text) == (401, False, True)
    assert httpx.get(path, headers={"Accept": "text/html"}).text.startswith("<!doctype html>")
