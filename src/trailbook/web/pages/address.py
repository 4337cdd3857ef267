"""What the page is asked: its address as a filter, and addresses for every change of that filter.

Owns the page's own parameters `view`, `at`, `group` and `saved`, the form's empty fields and names typed by hand.
Refuses to answer: an address that needs tidying is sent on, one that is broken says which part.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import parse_qsl, quote, quote_plus, urlencode
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from trailbook.errors import Fault, FilterInvalidError, InvalidError
from trailbook.model import instant
from trailbook.query import (
    FIELDS,
    ONCE,
    Paging,
    Query,
    Vocabulary,
    date_bounds,
    from_line,
    from_params,
    interval,
    local_time,
    parse_day,
    split_params,
    to_params,
)

Pairs = list[tuple[str, str]]

_SAFE = "/:*,"
_OWN = frozenset({"view", "at", "group", "saved"})
# What a form sends empty where nothing was chosen: every field of it, and those that are given once.
_FORM = frozenset(field.name for field in FIELDS.values() if field.form) | ONCE.keys() - {"as_of"} | _OWN
# The form's own words for no period but two days, and for pages of the usual size.
_USUAL = frozenset({("date", "between"), ("limit", str(Paging().limit))})
# How the rows of a page are folded: by day, or by what belongs together.
GROUPS = ("day", "together")
TYPED = tuple(field.name for field in FIELDS.values() if field.form == "typed")
_BY_HAND = {field.name for field in FIELDS.values() if field.form in ("typed", "text")}
# What the bare path leads to: reading the log is an entry too, and would stand before everything else.
FOLDED = ("category.not", "activity_log")
# The view of everything, whose address says so: the bare path is folded.
EVERYTHING = "all"
# A word that names a filter, as on the command line; any other colon ("10:30") is text.
_NAMES = [*FIELDS, *(name for name in ONCE if name not in ("text", "as_of"))]
_LINE = re.compile(rf"(?:^|\s)-?(?:{'|'.join(_NAMES)}):\S")
_TZ = re.compile(r"(?:^|\s)tz:\S")
_MOST_FIELDS = 500
_MARK = "~"  # begins a part of an id that would not arrive in an address as it is


class Address(Struct, frozen=True, kw_only=True):
    """One address of the page, read; `saved`: its view was saved just now, which no further address says."""

    path: str
    query: Query
    paging: Paging
    view: str | None
    home_zone: str
    at: str | None = None
    group: str | None = None
    saved: bool = False

    def href(self, query: Query, *more: tuple[str, str]) -> str:
        """The address of the page with another filter."""
        return address(self.path, [*self.kept(query), *more])

    def kept(self, query: Query) -> Pairs:
        """The parameters of a filter on this page, where the zone at home needs no mention."""
        pairs = [(name, value) for name, value in to_params(query) if name != "tz"]
        if query.tz != self.home_zone:
            pairs.append(("tz", query.tz))
        default = Paging()
        if self.paging.order != default.order:
            pairs.append(("order", self.paging.order))
        if self.paging.limit != default.limit:
            pairs.append(("limit", str(self.paging.limit)))
        if self.group is not None:
            pairs.append(("group", self.group))
        unfiltered = not any(name != "tz" for name, _ in to_params(query))
        view = EVERYTHING if unfiltered else self.view if self.view != EVERYTHING else None
        return [*pairs, ("view", view)] if view else pairs

    def with_value(self, name: str, value: str) -> Query:
        """The filter with one value more, from its newest entries."""
        return from_params([*to_params(self.fresh), (name, value)])

    def without(self, name: str, value: str) -> Query:
        """The filter with one value less, from its newest entries."""
        return from_params([pair for pair in to_params(self.fresh) if pair != (name, value)])

    def flipped(self, name: str, value: str) -> Query:
        """The filter with one value excluded instead, or included again."""
        other = name.removesuffix(".not") if name.endswith(".not") else f"{name}.not"
        swapped = [(other, v) if (n, v) == (name, value) else (n, v) for n, v in to_params(self.fresh)]
        return from_params(swapped)

    def frozen(self, now: datetime) -> Query:
        """The filter with its preset as the two days that it is at `now`."""
        assert self.query.date is not None
        zone = ZoneInfo(self.query.tz)
        start, end = date_bounds(self.query.date, now, zone)
        first, last = (local_time(instant(at), zone).date() for at in (start, end - 1))
        return structs.replace(self.fresh, date=None, from_=first.isoformat(), to=last.isoformat())

    def has(self, name: str, value: str) -> bool:
        """Whether the filter has this value."""
        return (name, value) in to_params(self.query)

    @property
    def fresh(self) -> Query:
        """The filter over all there is now."""
        return structs.replace(self.query, as_of=None)


class PageParameters(Struct, frozen=True):
    """The parameters of a page made of a list: its own, and those of the list."""

    own: dict[str, str]
    listed: Pairs


class ParameterFault(Struct, frozen=True):
    """A parameter at fault: its name, the code of the fault, and what the core says of it."""

    name: str
    code: str
    detail: str


def quoted(value: str) -> str:
    """A value as `address` writes it."""
    return quote_plus(value, safe=_SAFE)


def page_of(home: str, type_: str, id_: str) -> str:
    """The address of an item's own page, whatever its id is.

    A browser goes up at a part that is `..`, and no proxy tells two slashes from one: such a part is marked.
    """
    parts = [f"{_MARK}{part}" if _needs_mark(part) else part for part in id_.split("/")]
    return f"{home}/items/{type_}/{quote('/'.join(parts), safe='/:')}"


def item_of(path: str) -> tuple[str, str]:
    """The type and the id in the rest of an address that `page_of` wrote, as it is decoded."""
    type_, _, id_ = path.strip("/").partition("/")
    return type_, "/".join(part.removeprefix(_MARK) for part in id_.split("/"))


def _needs_mark(part: str) -> bool:
    return part in ("", ".", "..") or part.startswith(_MARK)


def address(path: str, pairs: Iterable[tuple[str, str]]) -> str:
    """A path with parameters."""
    written = urlencode(list(pairs), safe=_SAFE)
    return f"{path}?{written}" if written else path


def parsed(text: str) -> Pairs:
    """A filter as it stands in an address. Raises: FilterInvalidError."""
    try:
        return parse_qsl(text, True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        why = "is not a filter as an address has it"
        raise FilterInvalidError(f"filter: {why}", (Fault("/filter", "parameter-invalid", why),)) from None


def tidied(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """The address without a form's empty fields, a fold that says nothing and blanks around what was typed."""
    stripped = [(name, value.strip() if name in _BY_HAND else value) for name, value in pairs]
    filled = [pair for pair in stripped if (pair[1] or pair[0] not in _FORM) and pair not in _USUAL]
    # Whoever chooses a category needs no fold: it would say nothing, or, of the log's own entries, hide them all.
    chosen = any(name == "category" for name, _ in filled)
    return [pair for pair in filled if not (chosen and pair == FOLDED)]


def expanded(pairs: Pairs) -> Pairs:
    """The address with a line of search text, typed where words go, as the filters that it names.

    Raises: FilterInvalidError.
    """
    filters: Pairs = []
    for name, value in pairs:
        if name == "text" and _LINE.search(value):
            own_zone = _TZ.search(value) is not None
            filters += [pair for pair in to_params(from_line(value)) if own_zone or pair[0] != "tz"]
        else:
            filters.append((name, value))
    return filters


def typed_names(pairs: Iterable[tuple[str, str]], types: Iterable[str]) -> Pairs:
    """The actors and concerned items that are given as a name, not as type/id."""
    declared = frozenset(types)
    return [(n, v) for n, v in pairs if n in TYPED and ("/" not in v or v.partition("/")[0] not in declared)]


def within(query: Query, now: datetime, *, since: int | None = None, until: int | None = None) -> Query:
    """The filter narrowed to what happened from `since` and before `until`, both in microseconds."""
    start, end = interval(query, now)
    starts = [at for at in (start, since) if at is not None]
    ends = [at for at in (end, until) if at is not None]
    from_ = _written(max(starts)) if starts else None
    return structs.replace(query, date=None, from_=from_, to=_written(min(ends)) if ends else None)


def _written(at: int) -> str | None:
    try:
        return instant(at).isoformat().replace("+00:00", "Z")
    except OverflowError:  # a day of the year 9999 ends in a year that is not
        return None


def _day(pairs: Pairs) -> str | None:
    days = [value for name, value in pairs if name == "at"]
    try:
        return parse_day(days[0]).isoformat() if days else None
    except ValueError as why:
        raise FilterInvalidError(f"at: {why}", (Fault("/at", "parameter-invalid", str(why)),)) from None


def _group(pairs: Pairs) -> str | None:
    groups = [value for name, value in pairs if name == "group"]
    if not groups:
        return None
    if len(groups) > 1 or groups[0] not in GROUPS:
        why = f"is not one of {', '.join(GROUPS)}"
        raise FilterInvalidError(f"group: {why}", (Fault("/group", "parameter-invalid", why),))
    return groups[0]


def read_address(path: str, pairs: Pairs, *, vocabulary: Vocabulary, home_zone: str) -> Address:
    """The page's address, read.

    Raises: FilterInvalidError, CursorInvalidError.
    """
    views = [value for name, value in pairs if name == "view"]
    filtered, paging = split_params((n, v) for n, v in pairs if n not in _OWN)
    if not any(name == "tz" for name, _ in filtered):
        filtered.append(("tz", home_zone))
    return Address(
        path=path,
        query=from_params(filtered, vocabulary),
        paging=paging,
        view=views[0] if views else None,
        home_zone=home_zone,
        at=_day(pairs),
        group=_group(pairs),
        saved=("saved", "1") in pairs,
    )


def faults_of(error: InvalidError) -> list[ParameterFault]:
    """Each parameter at fault."""
    return [
        ParameterFault(f.pointer[1:].replace("~1", "/").replace("~0", "~"), f.code, f.detail)
        for f in error.faults
    ]
