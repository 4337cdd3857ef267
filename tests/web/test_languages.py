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

HOME = "/orgs/acme/activity"
PATHS = (
    "/sign-in",
    HOME + "?category.not=activity_log",
    HOME + "?category=roles&date=last-month&actor.not=user/3&self=true&text=%CF%89",
    HOME + "?outcome=denied&from=2026-01-01&category.not=activity_log",
    HOME + "/e/{entry}",
    HOME + "/items/user/3",
    *(f"{HOME}/{place}" for place in ("overview", "views", "exports", "settings/keys")),
)
# Names stand as they are in every language: the product, a source, the organisation, the zone, what is on a keyboard.
NAMES = {"Trailbook", "library", "acme", "UTC"}
_ASIDE = {"script", "style", "kbd", "code", "dt"}
_SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-words", "data-cancel", "data-remove")


class Shown(Struct, frozen=True):
    """What a log shows in a language."""

    sentences: list[str]
    command: str
    pages: dict[str, str]


class Reader(HTMLParser):
    """What of a page is read or heard, without what says that it is English, and what is for machines."""

    def __init__(self) -> None:
        super().__init__()
        self._aside: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _ASIDE or given.get("lang") == "en":
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
    assert all(f'<html lang="{foreign.LANG}"' in page for page in shown.pages.values())
    assert any(
        "січня" in page for page in shown.pages.values()
    )  # a date is written by the language's own locale


def test_english_would_be_seen(shown: Shown) -> None:
    """The control: a word of English in a text, in a label, and one that says what it is."""
    page = shown.pages[PATHS[1]]
    assert latin(page + "<p>Recorded</p>") == {"Recorded"}
    assert latin(page + '<button aria-label="Close"></button>') == {"Close"}
    assert latin(page + '<span lang="en">Recorded</span>') == set()
