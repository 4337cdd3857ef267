"""What an export is called: its question in words, and the name of its file.

Owns how both are made of a filter. Refuses to put into a file's name what a filter names of people: a name travels
further than the file, so it has categories, period and organisation alone.
"""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import structs

from trailbook.access import Viewer
from trailbook.export.format import FORMATS
from trailbook.export.orders import ExportOrder
from trailbook.export.wording import Wording, words_of
from trailbook.log import Log
from trailbook.model import instant
from trailbook.query import (
    FIELDS,
    HIDDEN,
    Query,
    Term,
    day_end,
    day_start,
    from_params,
    hours_in_words,
    hours_rule,
    in_words,
    interval,
    local_time,
    zone,
)

_MOST_NAMED = 3  # categories; more of them are a selection
_MOST_PART, _MOST = 30, 100  # characters of a part, and of the whole name without its ending
_LATIN = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "ß": "ss", "ð": "d", "þ": "th", "ł": "l"})
_ITSELF = Term(
    "category", ("activity_log",), True
)  # every page leaves these out until somebody asks for them


def question(log: Log, query: Query, *, viewer: Viewer, lang: str) -> str:
    """The filter as one sentence, with the names that its viewer may see and the days of its zone."""
    words, place = words_of(lang), zone(query.tz)
    terms = tuple(
        structs.replace(term, values=tuple("" if value == HIDDEN else value for value in term.values))
        for term in query.terms
    )
    since, until = interval(query, log.clock())
    dates = {"from": _end(since, place, words, ends=False), "to": _end(until, place, words, ends=True)}

    def label(field: str, value: str) -> str:
        return dates[field] if field in dates else _label(log, field, value, viewer=viewer, lang=lang)

    ends = {"from_": "from" if since is not None else None, "to": "to" if until is not None else None}
    return in_words(structs.replace(query, terms=terms, date=None, **ends), label, lang)


def _label(log: Log, field: str, value: str, *, viewer: Viewer, lang: str) -> str:
    if field == "hours":
        return hours_in_words(hours_rule(value, log.working_hours()), lang)
    kind, catalogue = FIELDS[field].label, log.catalogue
    if FIELDS[field].items:
        type_, _, id_ = value.partition("/")
        called = catalogue.label("type", type_, lang)
        item = None if id_ == "*" else log.item(type_, id_, viewer=viewer)
        return called if id_ == "*" else (item and item.name) or f"{called} {id_}"
    if kind == "action" and value.endswith(".*"):
        return catalogue.label("type", value[:-2], lang)
    return catalogue.label(kind, value, lang) if kind else value


def _end(at: int | None, place: ZoneInfo, words: Wording, *, ends: bool) -> str:
    """An end of the range: its day, which a range that ends there includes, or else its minute."""
    if at is None:
        return ""
    day, whole = _day(at, place, ends=ends)
    spoken = spoken_day(day, words)
    return spoken if whole else f"{spoken} {local_time(instant(at), place):%H:%M}"


def spoken_day(day: date, words: Wording) -> str:
    """A day in words, as in "1 January 2025"."""
    month = words.dates["months"].split()[day.month - 1]
    return words.dates["day"].format(day=day.day, month=month, year=day.year)


def _day(at: int, place: ZoneInfo, *, ends: bool) -> tuple[date, bool]:
    """The local day that begins at an instant, or ends there; and whether it does."""
    day = local_time(instant(at - ends), place).date()
    return day, (day_end if ends else day_start)(day, place) == at


def called(log: Log, order: ExportOrder) -> str:
    """What the file of an order is called where it has left us; in a ZIP with its statement too."""
    name = file_name(log, from_params(order.filter), lang=order.lang, now=log.clock())
    return f"{name}.{order.format if order.format in FORMATS else 'zip'}"


def file_name(log: Log, query: Query, *, lang: str, now: datetime) -> str:
    """What the file of a filter is called, without its ending: `roles-2025-nordlys`. Letters of ASCII alone."""
    words = words_of(lang)

    def name(category: str) -> str:
        return _slug(log.catalogue.label("category", category, lang)) or _slug(category)

    parts = [*_what(query, words, name), *_period(query, words, now)]
    return "-".join(filter(None, parts))[: _MOST - len(log.org) - 1].rstrip("-") + f"-{log.org}"


def _what(query: Query, words: Wording, name: Callable[[str], str]) -> Iterator[str]:
    """The categories by name, and that there is more to the filter than those."""
    named = [term for term in query.terms if term.field == "category" and not term.negated]
    named = [term for term in named if len(term.values) <= _MOST_NAMED]
    rest = [term for term in query.terms if term not in named and term != _ITSELF]
    for term in named:
        yield from map(name, term.values)
    if rest or query.text or query.self_ is not None or query.hours is not None:
        yield words.names["selection"]
    elif not named:
        yield words.names["all"]


def _period(query: Query, words: Wording, now: datetime) -> Iterator[str]:
    place = zone(query.tz)
    since, until = interval(query, now)
    first = None if since is None else _day(since, place, ends=False)[0]
    last = None if until is None else _day(until, place, ends=True)[0]
    if first is not None and last is not None:
        yield _between(first, last, words)
    elif first is not None:
        yield f"{words.names['from']}-{first}"
    elif last is not None:
        yield f"{words.names['to']}-{last}"


def _between(first: date, last: date, words: Wording) -> str:
    """A year, a quarter, a month or a day by its number where the range is just that, else both days."""
    after = last + timedelta(days=1) if last < date.max else last
    if (first.month, first.day, after.month, after.day) == (1, 1, 1, 1):
        return f"{first.year}" if first.year == last.year else f"{first.year}-{last.year}"
    if first.day == 1 and last.day == monthrange(last.year, last.month)[1] and first.year == last.year:
        if first.month == last.month:
            return f"{first:%Y-%m}"
        if first.month % 3 == 1 and last.month == first.month + 2:
            return f"{first:%Y}-{words.names['quarter']}{last.month // 3}"
    return f"{first}" if first == last else f"{first}-{last}"


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower().translate(_LATIN)).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")[:_MOST_PART].strip("-")
