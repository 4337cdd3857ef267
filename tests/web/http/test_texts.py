"""Languages: the same texts in each, none missing, no raw key, and which one a reader gets."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

import trailbook.web
from trailbook.administration.ready_views import READY_VIEWS
from trailbook.web.http.problems import STATUS
from trailbook.web.http.texts import LOCALES, language, texts_of

WEB = Path(trailbook.web.__file__).parent


def test_every_language_has_the_same_texts_and_slots() -> None:
    """What one language says, each says, with the same slots; none is empty."""
    english = texts_of("en")
    for lang in LOCALES:
        other = texts_of(lang)
        assert set(other) == set(english)
        for key in english:
            assert _slots(other(key)) == _slots(english(key)), key
            assert other(key).strip()


def _slots(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_text_a_template_names_is_there() -> None:
    """No template names a text that is missing, and every problem and view has its own."""
    there = set(texts_of("en"))
    named = set()
    for kind, most in (("*.html", 60), ("*.py", 20)):
        texts = "".join(file.read_text("utf-8") for file in WEB.rglob(kind))
        names = set(re.findall(r"""\bt\(f?['"]([a-z-]+(?:\.[a-z-]+)*)['"]""", texts))
        assert len(names) > most, kind
        named |= names
    assert named <= there
    assert {f"problems.{code}.{part}" for code in STATUS for part in ("title", "words")} <= there
    assert {f"views.{view.name}" for view in READY_VIEWS} <= there


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        (None, "en"),
        ("", "en"),
        ("nb", "nb"),
        ("no", "nb"),
        ("nn-NO, en;q=0.5", "nb"),
        ("de, fr;q=0.9", "en"),
        ("de, nb;q=0.4, en;q=0.3", "nb"),
        ("en-GB,en;q=0.9,nb;q=0.8", "en"),
        ("nb;q=0, en", "en"),
        ("nb;q=x", "en"),
        (";;,,=", "en"),
    ],
)
def test_choice_of_language(header: str | None, lang: str) -> None:
    """The first language asked for that there is; `no` and `nn` read Bokmål; English otherwise."""
    assert language(header) == lang


def test_dates_and_numbers() -> None:
    """Dates and numbers as each language writes them."""
    at = datetime(2026, 3, 1, 9, 5, 7, tzinfo=UTC)
    assert texts_of("en").moment(at) == "1 March 2026, 09:05"
    assert texts_of("nb").moment(at, seconds=True) == "1. mars 2026, 09:05:07"
    assert texts_of("en").weekday(date(2026, 3, 1)) == "Sunday 1 March 2026"
    assert texts_of("en").counted("total", 1) == "1 entry"
    assert texts_of("en").counted("total", 12345) == "12,345 entries"
    assert texts_of("nb").counted("total", 12345) == "12\u00a0345 oppføringer"


@pytest.mark.parametrize(
    ("zone", "english", "norwegian"),
    [
        ("UTC", "Coordinated Universal Time", "koordinert universaltid"),
        ("Etc/GMT+5", "GMT+5", "GMT+5"),
        ("Europe/Oslo", "Central European Time", "sentraleuropeisk tid"),
    ],
)
def test_a_zone_of_no_place_has_its_own_name(zone: str, english: str, norwegian: str) -> None:
    """A log kept in UTC is not of an unknown region; a place's zone is named by the place's time."""
    assert (texts_of("en").zone(ZoneInfo(zone)), texts_of("nb").zone(ZoneInfo(zone))) == (english, norwegian)
