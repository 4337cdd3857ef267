"""The page's own texts in each language, and which language a reader is answered in.

Owns `locale/<language>.toml` and the writing of dates and numbers (Babel). Refuses to show a raw key: a text
that is not there is an error, and a test holds the files to the same keys.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.core import Locale, get_global
from babel.dates import (
    format_date,
    format_interval,
    format_timedelta,
    get_timezone_location,
    get_timezone_name,
)
from babel.numbers import format_decimal

_FOLDER = Path(__file__).parents[1] / "locale"
LOCALES = tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))


class Words:
    """The texts of one language by their dotted keys; calling fills the slots."""

    def __init__(self, lang: str, texts: Mapping[str, str]) -> None:
        self.lang = lang
        self._texts = texts
        self._locale = texts["language.locale"]
        self._plural = Locale.parse(self._locale).plural_form

    def __call__(self, key: str, /, **slots: object) -> str:
        return self._texts[key].format(**slots) if slots else self._texts[key]

    def counted(self, key: str, count: int) -> str:
        """The form of a text that fits a number."""
        form = f"{key}.{self._plural(count)}"
        return self(form if form in self else f"{key}.other", count=self.number(count))

    def number(self, count: int) -> str:
        """A whole number with the language's separators."""
        return str(format_decimal(count, locale=self._locale))

    def day(self, day: date) -> str:
        """A day in full: 3 November 2026."""
        return _dated(_plain(day), self("language.day"), self._locale)

    def short_day(self, day: date) -> str:
        """A day in short: 3 Nov 2026."""
        return _dated(_plain(day), self("language.short-day"), self._locale)

    def weekday(self, day: date) -> str:
        """A day in full with its weekday."""
        return _dated(_plain(day), self("language.weekday"), self._locale)

    def days(self, first: date, last: date) -> str:
        """From one day to another, as short as can be: 1 Oct – 29 Nov 2026."""
        if first == last:
            return self.short_day(first)
        return str(format_interval(first, last, "yMMMd", locale=self._locale))

    def span(self, unit: str, day: date) -> str:
        """A whole month, quarter or year by its name: November 2026, 4th quarter 2026, 2026."""
        form = {"month": "LLLL y", "quarter": "QQQQ y", "year": "y"}[unit]
        return _dated(_plain(day), form, self._locale)

    def moment(self, at: datetime, *, seconds: bool = False) -> str:
        """A local date and time in full."""
        return f"{self.day(at)}, {at:%H:%M:%S}" if seconds else f"{self.day(at)}, {at:%H:%M}"

    def ago(self, past: timedelta) -> str:
        """How long ago something was: 3 minutes ago."""
        return str(format_timedelta(-past, add_direction=True, locale=self._locale))

    def zone(self, zone: ZoneInfo) -> str:
        """A time zone in words; one that is of no place has its own name, not that of an unknown region."""
        key = get_global("zone_aliases").get(zone.key, zone.key)
        if not key.startswith("Etc/"):
            return str(get_timezone_name(zone, locale=self._locale))
        names = Locale.parse(self._locale).time_zones.get(key, {})
        return str(names.get("long", {}).get("standard", key.removeprefix("Etc/")))

    def clock(self, zone: ZoneInfo) -> str:
        """Whose clocks a time is told by, in short: Oslo time; one of no place by its own name."""
        key = get_global("zone_aliases").get(zone.key, zone.key)
        if key.startswith("Etc/"):
            return self.zone(zone)
        return self("rows.clock", city=get_timezone_location(zone, locale=self._locale, return_city=True))

    def language(self, lang: str) -> str:
        """A language as this one calls it; one that it has no name for, as that one calls itself."""
        key = f"export.langs.{lang}"
        return self(key) if key in self else texts_of(lang)("language.name")

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)


@lru_cache(maxsize=4096)
def _dated(day: date, form: str, locale: str) -> str:
    """A day as it is written; the rows of a page are of few days."""
    return str(format_date(day, form, locale=locale))


def _plain(day: date) -> date:
    return day.date() if isinstance(day, datetime) else day


@cache
def texts_of(lang: str) -> Words:
    """The texts of a language. Raises: FileNotFoundError for one that has none."""
    table = tomllib.loads((_FOLDER / f"{lang}.toml").read_text("utf-8"))
    return Words(lang, dict(_flat(table, "")))


def _flat(table: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield before + name, value
        else:
            yield from _flat(value, f"{before}{name}.")


def language(header: str | None, enabled: Sequence[str] = LOCALES) -> str:
    """The enabled language that an Accept-Language header asks for first; else the first that is enabled.

    Source: RFC 9110 section 12.5.4.
    """
    preferences = [_weighed(part) for part in (header or "").split(",")]
    for weight, tag in sorted(preferences, key=lambda pair: -pair[0]):
        lang = _answering().get(tag.partition("-")[0], "")
        if weight > 0 and lang in enabled:
            return lang
    return enabled[0]


def enabled(languages: Sequence[str]) -> tuple[str, ...]:
    """Those of these languages that the pages have, in their order; all of them where none are named."""
    # A language that the catalogue alone has is one of sentences: the pages have no texts to put around them.
    return tuple(lang for lang in languages if lang in LOCALES) or LOCALES


@cache
def own_names(languages: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Each language with the name that it calls itself by."""
    return tuple((lang, texts_of(lang)("language.name")) for lang in languages)


@cache
def _answering() -> dict[str, str]:
    """The language that answers each primary tag."""
    return {tag: lang for lang in LOCALES for tag in texts_of(lang)("language.answers").split()}


def _weighed(part: str) -> tuple[float, str]:
    tag, _, rest = part.strip().lower().partition(";")
    weight = rest.strip().removeprefix("q=")
    try:
        return float(weight or 1), tag.strip()
    except ValueError:
        return 0.0, tag.strip()
