"""A third language is four files: what it says is then everywhere, and English nowhere."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec import Struct
from tests.web import foreign

import trailbook
from trailbook.administration.ready_views import READY_VIEWS, REVIEW_VIEWS
from trailbook.web.app import TABLE
from trailbook.web.http.problems import STATUS
from trailbook.web.pages.address import address

HOME = "/orgs/acme/activity"
VIEWS = (*READY_VIEWS, *REVIEW_VIEWS)
SETTINGS = ("/keys", "/members", "/roles", "/organisation")
# Every page in every state that an address alone brings about, and who asks.
PATHS = (
    "nobody /sign-in",
    "nobody /sign-in?link=x",
    "nobody /set-password?link=x",
    *(f"nobody {HOME}{below}" for below in ("", "/nothing")),
    *(f"nobody /problems/{code}" for code in STATUS),
    f"employee {HOME}",
    "reader " + HOME + "?category.not=activity_log",
    "reader " + HOME + "?category=roles&date=last-month&actor.not=user/3&self=true&text=%CF%89",
    "reader " + HOME + "?outcome=denied&from=2026-01-01&category.not=activity_log",
    *(f"reader {HOME}?group={group}&category.not=activity_log" for group in ("day", "together")),
    *(f"reader {HOME}?concerns={name}" for name in ("%CF%89", "%CF%89%CF%89%CF%89", "user/3")),
    *(f"reader {HOME}?{broken}" for broken in ("date=never", "%CF%89=1", "cursor=1")),
    *(f"reader {HOME}?actor=user/1&{more}" for more in ("category=roles", "hours=night")),
    *(f"reader {address(HOME, [*view.params, ('view', view.name)])}" for view in VIEWS),
    "reader " + HOME + "/e/{entry}",
    *(f"reader {HOME}/{place}" for place in ("e/00000000-0000-4000-8000-000000000000", "items/user/3")),
    *(f"reader {HOME}/{place}" for place in ("items/user/3?side=by", "items/user/9", "nothing")),
    *(f"reader {HOME}/{place}" for place in ("overview", "views", "exports", "about", "trust", "alerts")),
    *(f"reader {HOME}/{place}" for place in ("total", "bars", "bars?by=category", "bars?actor=user/1")),
    *(f"reader {HOME}/values{of}" for of in ("", "?by=category", "?by=actor", "?actor=user/1")),
    *(f"reader {HOME}/suggest?role={role}" for role in ("actor", "concerns", "source", "actor&actor=%CF%89")),
    *(f"reader {HOME}/closed-bundle?{of}" for of in ("category=roles", "date=never")),
    *(f"reader {HOME}/settings{place}" for place in ("", *SETTINGS, "/nothing")),
    f"reader {HOME}/views/ready:access",
)
# Names stand as they are in every language: the product, sources, the organisation, the zone, what is on a keyboard.
NAMES = {"Trailbook", "library", "Operator", "acme", "UTC"}
_ASIDE = {"script", "style", "kbd", "code", "dt"}
_SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-words", "data-cancel", "data-remove")


class Shown(Struct, frozen=True):
    """What a log shows in a language."""

    sentences: list[str]
    command: str
    pages: dict[str, str]


class Reader(HTMLParser):
    """What of a page is read or heard, without what says that it is of another language, and what is for machines."""

    def __init__(self) -> None:
        super().__init__()
        self._aside: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _ASIDE or given.get("lang", foreign.LANG) != foreign.LANG:
            self._aside.append(tag)
        self.texts += [text for name, text in attrs if name in _SPOKEN and text]

    def handle_endtag(self, tag: str) -> None:
        if self._aside[-1:] == [tag]:
            self._aside.pop()

    def handle_data(self, data: str) -> None:
        if not self._aside:
            self.texts.append(data)


def latin(page: str) -> set[str]:
    """The words in Latin letters that a reader of a page meets, but for names and slots."""
    reader = Reader()
    reader.feed(page)
    words = re.findall(r"[A-Za-z]{2,}", re.sub(r"\{[a-z]+\}", "", " ".join(reader.texts)))
    return set(words) - NAMES


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """What the language shows, of a copy of the package to which four files were added."""
    folder = tmp_path_factory.mktemp("foreign")
    copy = foreign.copied(Path(trailbook.__file__).parent, folder)
    assert len([*copy.rglob(f"{foreign.LANG}.toml")]) == len(foreign.FILES)

    def run(*arguments: str) -> str:
        environment = {"PYTHONPATH": str(copy), "TRAILBOOK_LANGUAGES": f"en,{foreign.LANG}"}
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    made = json.loads(run(foreign.__file__, *PATHS))
    listed = run("-m", "trailbook", "--store", "sqlite:///log.db", "search", "--lang", foreign.LANG)
    return Shown(**made, command=listed)


def test_sentences_are_in_the_language(shown: Shown) -> None:
    """On the command line they stand as the library gives them."""
    assert len(shown.sentences) == 2
    for sentence in shown.sentences:
        assert "ж" in sentence
        assert "Ωγ" in sentence
        assert re.findall("[A-Za-z]{2,}", sentence) == []
        assert sentence in shown.command


def test_no_page_shows_english(shown: Shown) -> None:
    """Words, labels, help, filters as sentences, months and what a screen reader hears."""
    assert {path: words for path, page in shown.pages.items() if (words := latin(page))} == {}
    whole = [page for page in shown.pages.values() if "<html" in page]
    assert all(f'<html lang="{foreign.LANG}"' in page for page in whole)
    assert len(whole) > 0.8 * len(PATHS)  # the others are parts, which a script asks for
    assert any(
        "січня" in page for page in shown.pages.values()
    )  # a date is written by the language's own locale


def test_english_would_be_seen(shown: Shown) -> None:
    """The control: a word of English in a text, in a label, and one that says what it is."""
    page = shown.pages[f"reader {HOME}?category.not=activity_log"]
    assert latin(page + "<p>Recorded</p>") == {"Recorded"}
    assert latin(page + '<button aria-label="Close"></button>') == {"Close"}
    assert latin(page + '<span lang="en">Recorded</span>') == set()


def test_every_page_of_a_log_is_among_them() -> None:
    """A page that somebody adds fails here until it is asked for."""
    pages = [route.name for route in TABLE if route.name.startswith("GET /orgs/")]
    asked = [path.partition(" ")[2].partition("?")[0] for path in PATHS]
    forms = {
        page: re.sub(r"\{\w+:(str|path)\}", lambda m: "[^/]+" if m[1] == "str" else ".+", page[4:])
        for page in pages
    }
    missing = {page for page, form in forms.items() if not any(re.fullmatch(form, path) for path in asked)}
    assert missing == set()
