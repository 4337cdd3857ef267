"""What a template always says is written into it before it is compiled: the pages are the same ones, byte for byte."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from jinja2 import DictLoader, Environment, FileSystemLoader
from tests.web.conftest import ORG, Served, enter

from trailbook.web.http import render
from trailbook.web.http.row_cache import RowCache

PAGES = (
    "?category.not=activity_log",
    "?category=roles",
    "?text=nothing-of-the-kind",
    "?category=nothing",
    "/about",
    "/exports",
    "/settings/members",
)


@contextmanager
def unwritten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Templates as they stand in their files, every text looked up when a page is made."""
    folder = render._FOLDER / "templates"
    plain = render._environment(FileSystemLoader(folder), "")
    with monkeypatch.context() as patched:
        patched.setattr(render, "_templates", lambda lang, root: plain)
        patched.setattr(render, "_macros", render._macros.__wrapped__)
        patched.setattr(RowCache, "recall", lambda self, at, entries: {})  # rows are written anew
        yield


def still(page: str) -> str:
    """A page but for its cursors, which say when they were written."""
    return re.sub(r"cursor=[\w-]+", "cursor=", page)


@pytest.mark.parametrize("lang", ["en", "nb"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_the_same_page(
    served: Served, monkeypatch: pytest.MonkeyPatch, page: str, lang: str
) -> None:
    """In each language, and each language by itself."""
    with httpx.Client(base_url=served.base_url, timeout=30, headers={"Accept-Language": lang}) as reader:
        enter(reader, served.link(("system-administrator",)))
        address = f"/orgs/{ORG}/activity{page}"
        assert reader.get(address).status_code in (200, 422)  # the reading is an entry
        text = still(reader.get(address).text)
        with unwritten(monkeypatch):
            assert still(reader.get(address).text) == text
        other = {"Accept-Language": "nb" if lang == "en" else "en"}
        assert still(reader.get(address, headers=other).text) != text


def test_what_is_written_is_escaped_and_never_read_as_a_template() -> None:
    """A text with markup stays text, one with braces is left to the template, what has slots is not touched."""
    loader = render._LanguageLoader("en", "")
    texts = {"marked": '<b> & "so"', "braced": "{{ 7 * 7 }}", "spaced": " a "}
    loader._fixed["t"] = texts.__getitem__
    source = "{{ t('marked') }}|{{ t('braced') }}|{{ t('spaced') }}|{{ t('marked', n=1) }}|{{ n }}"
    filled = render._FIXED.sub(loader._fill, source)
    escaped = "&lt;b&gt; &amp; &#34;so&#34;"
    assert (
        filled
        == f"{escaped}|{{{{ t('braced') }}}}|{{{{ t('spaced') }}}}|{{{{ t('marked', n=1) }}}}|{{{{ n }}}}"
    )
    shown = Environment(loader=DictLoader({"a": "{{ t('marked') }}"}), autoescape=True).get_template("a")
    assert shown.render(t=texts.__getitem__).startswith(
        escaped
    )  # the control: as the template itself says it
