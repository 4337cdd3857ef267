"""Bars above the rows: how many entries the filter finds over time, as a picture and as a table.

Owns how a bar is named, where it leads to, and how two of them choose a range. Every step is an address, so that
it works without a script. Refuses to draw what is not shown of a person (R20): then it says why.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response
from msgspec import Struct, structs

from trailbook.errors import Fault, FiguresOfAPersonError, FilterInvalidError, TooManyBarsError
from trailbook.finding import Bar, Histogram
from trailbook.model import instant, microseconds, parse_instant
from trailbook.query import Query, day_end, day_start, in_words, interval
from trailbook.web.http.render import html, partial
from trailbook.web.http.request import Request
from trailbook.web.http.texts import Words
from trailbook.web.pages import address as asking
from trailbook.web.pages.address import Address, address
from trailbook.web.pages.frame import frame, telling
from trailbook.web.pages.names import Naming

LOOKS = 7  # categories that have a colour and a pattern of their own; the rest share one more
CHOOSING = "choose"
_OWN = ("by", "range")
_LEAST = 1.5  # percent of the height: what is there is seen


class Block(Struct, frozen=True, kw_only=True):
    """A part of a bar: from where down and how far, in percent, and its look."""

    y: float
    height: float
    look: int


class Drawn(Struct, frozen=True, kw_only=True):
    """One bar: its name in words, where it leads to, and what it is made of; `numbers` are its cells in the table."""

    id: str
    when: str
    short: str
    said: str
    count: int
    href: str | None
    step: bool
    chosen: bool
    blocks: tuple[Block, ...]
    numbers: tuple[str, ...]


class Key(Struct, frozen=True):
    """What a look stands for, and the address of that alone; None for the rest together."""

    look: int
    label: str
    href: str | None


class Choice(Struct, frozen=True, kw_only=True):
    """How the bars are looked at: stacked or not, and how far the choice of a range has come."""

    stacked: bool
    range: str | None

    @property
    def first(self) -> int | None:
        """Where the bar that was chosen first begins."""
        return None if self.range in (None, CHOOSING) else microseconds(parse_instant(self.range or ""))


def address_of(state: Address, query: Query) -> str:
    """Where the bars of a list are."""
    return address(f"{state.path}/bars", state.kept(query))


def bars(request: Request, state: Address, own: dict[str, str]) -> Response[Any]:
    """GET bars: the picture of a list, as a page of its own or for the page that shows the list.

    Raises: FilterInvalidError.
    """
    choice = _choice(own)
    said = telling(request, state, state.query.tz)
    naming = Naming(request.log, request.viewer, said, entries=[])
    seen = {
        **frame(request),
        "said": in_words(state.fresh, naming.label, request.lang),
        "list": state.href(state.fresh),
        "zone": said.words.zone(said.zone),
        "tz": state.query.tz,
    }
    part = partial(request.headers)
    template = "bars-part.html" if part else "bars.html"
    try:
        found = request.log.histogram(state.query, viewer=request.viewer, by_category=choice.stacked)
    except (FiguresOfAPersonError, TooManyBarsError) as error:
        return html(template, 422, **seen, picture=None, why=why_none(request.words, error))
    return html(template, **seen, picture=picture(request, state, (found, choice)), why=None)


def why_none(t: Words, error: FiguresOfAPersonError | TooManyBarsError) -> str:
    """Why there is no picture."""
    return t("bars.person" if isinstance(error, FiguresOfAPersonError) else "bars.many")


def _choice(own: dict[str, str]) -> Choice:
    faults = []
    if own.get("by", "category") != "category":
        faults.append(Fault("/by", "parameter-invalid", "is not category"))
    range_ = own.get("range")
    if range_ is not None and range_ != CHOOSING:
        try:
            parse_instant(range_)
        except ValueError as why:
            faults.append(Fault("/range", "parameter-invalid", str(why)))
    if faults:
        raise FilterInvalidError(faults[0].detail, tuple(faults))
    return Choice(stacked="by" in own, range=range_)


def owned(pairs: asking.Pairs) -> tuple[dict[str, str], asking.Pairs]:
    """The picture's own parameters, and the list's. Raises: FilterInvalidError."""
    mine = [pair for pair in pairs if pair[0] in _OWN]
    if len(dict(mine)) < len(mine):
        raise FilterInvalidError(
            "given more than once", (Fault(f"/{mine[0][0]}", "parameter-invalid", "is given more than once"),)
        )
    return dict(mine), [pair for pair in pairs if pair[0] not in _OWN]


def picture(request: Request, state: Address, drawn: tuple[Histogram, Choice]) -> dict[str, Any]:
    """What the template needs to draw."""
    found, choice = drawn
    t, zone = request.words, ZoneInfo(state.query.tz)
    looks = ranked(found) if choice.stacked else []
    here = _Here(request, state, found, choice, looks)
    shown = [here.bar(at) for at in range(len(found.bars))]
    peak = max((bar for bar in shown), key=lambda bar: bar.count, default=None)
    first = choice.first
    return {
        "title": t(f"bars.per.{found.bucket}"),
        "bars": shown,
        "keys": here.keys(),
        "most": t("bars.most", said=peak.said) if peak and peak.count and len(shown) > 1 else None,
        "stacked": choice.stacked,
        "stack": here.own([("range", choice.range)] if choice.range else [], not choice.stacked),
        "choosing": None if choice.range is None else t("bars.first" if first is None else "bars.last"),
        "from": None if first is None else name_of(t, found, (first, first + 1), zone),
        "choose": here.own([("range", CHOOSING)], choice.stacked),
        "cancel": here.own([], choice.stacked),
    }


def ranked(found: Histogram) -> list[str]:
    """The categories that stand in the bars, most first."""
    totals: dict[str, int] = {}
    for bar in found.bars:
        for name, count in (bar.parts or {}).items():
            totals[name] = totals.get(name, 0) + count
    return sorted(totals, key=lambda name: (-totals[name], name))


def looks_of(named: list[str], categories: Iterable[str]) -> list[int]:
    """The look of each of the named categories: always its own, but where another of them has that already."""
    places = {name: at for at, name in enumerate(categories)}
    found: dict[str, int] = {}
    for name in sorted(named, key=lambda name: places.get(name, len(places))):
        free = [look for look in range(LOOKS + 1) if look not in found.values()]
        own = places.get(name, len(places)) % LOOKS
        found[name] = own if own in free else free[0]
    return [found[name] for name in named]


class _Here:
    """One picture being drawn."""

    def __init__(
        self, request: Request, state: Address, found: Histogram, choice: Choice, looks: list[str]
    ) -> None:
        self._asked, self._state, self._found, self._choice = request, state, found, choice
        # A rest of one is itself.
        named = LOOKS if len(looks) > LOOKS + 1 else len(looks)
        self._named, self._rest = looks[:named], looks[named:]
        self._looks = [
            *looks_of(self._named, request.log.catalogue.categories),
            *([LOOKS] if self._rest else []),
        ]
        self._zone = ZoneInfo(state.query.tz)
        self._peak = max((bar.count for bar in found.bars), default=0) or 1

    def own(self, more: asking.Pairs, stacked: bool) -> str:
        """The address of this picture, looked at in another way."""
        by = [("by", "category")] if stacked else []
        return address(f"{self._state.path}/bars", [*self._state.kept(self._state.query), *by, *more])

    def keys(self) -> list[Key]:
        catalogue, t = self._asked.log.catalogue, self._asked.words
        keys = [
            Key(look, catalogue.label("category", name, t.lang), self._only(name))
            for look, name in zip(self._looks, self._named, strict=False)
        ]
        return [*keys, Key(LOOKS, t.counted("bars.rest", len(self._rest)), None)] if self._rest else keys

    def _only(self, name: str) -> str:
        terms = tuple(term for term in self._state.fresh.terms if term.field != "category")
        query = structs.replace(self._state.fresh, terms=terms)
        return self._state.href(structs.replace(self._state, query=query).with_value("category", name))

    def bar(self, at: int) -> Drawn:
        """One bar."""
        bar, t = self._found.bars[at], self._asked.words
        span = span_of(bar)
        when = name_of(t, self._found, span, self._zone)
        href, step = self._leads(bar)
        split = self._split(bar)
        return Drawn(
            id=f"b-{at}",
            when=when,
            short=short_of(t, self._found, span[0] if at == 0 else span[1] - 1, self._zone),
            said=t("bars.said", when=when, count=t.counted("total", bar.count)),
            count=bar.count,
            href=href,
            step=step,
            chosen=self._choice.first == span[0],
            blocks=self._blocks(split if self._named else [bar.count]),
            numbers=tuple(t.number(count) for count in (bar.count, *split)),
        )

    def _split(self, bar: Bar) -> list[int]:
        parts = bar.parts or {}
        rest = [sum(parts.get(name, 0) for name in self._rest)] if self._rest else []
        return [*(parts.get(name, 0) for name in self._named), *rest]

    def _blocks(self, counts: list[int]) -> tuple[Block, ...]:
        top, blocks = 100.0, []
        looks = self._looks or [0]
        for look, count in zip(looks, counts, strict=True):
            height = count * 100 / self._peak
            if len(counts) == 1 and count:
                height = max(height, _LEAST)
            if count:
                blocks.append(Block(y=round(max(top - height, 0), 2), height=round(height, 2), look=look))
            top -= height
        return tuple(blocks)

    def _leads(self, bar: Bar) -> tuple[str | None, bool]:
        """Where a bar leads to, and whether that is the next step of a choice and not the list."""
        first = self._choice.first
        if self._choice.range == CHOOSING:
            return self.own([("range", bar.from_)], self._choice.stacked), True
        start, end = span_of(bar)
        if first is not None:
            chosen = next((span_of(one) for one in self._found.bars if span_of(one)[0] == first), None)
            start, end = (min(start, chosen[0]), max(end, chosen[1])) if chosen is not None else (start, end)
        elif not bar.count:
            return None, False
        whole = self._found.bucket != "hour"
        return self._state.href(
            narrowed(self._asked, self._state.fresh, (start, end), whole_days=whole)
        ), False


def span_of(bar: Bar) -> tuple[int, int]:
    """From when to when a bar counts, in microseconds."""
    return microseconds(parse_instant(bar.from_)), microseconds(parse_instant(bar.to))


def narrowed(request: Request, query: Query, span: tuple[int, int], *, whole_days: bool) -> Query:
    """The filter narrowed to a range: as days where it is made of whole ones, else as instants."""
    (start, end), zone = span, ZoneInfo(query.tz)
    since, until = interval(query, request.site.deployment.clock())
    first, last = _day(start, zone), _day(end - 1, zone)
    # Where the filter has no end of its own the bars end with the entries: their whole day holds the same.
    begins = day_start(first, zone) == start or (whole_days and since is None)
    ends = day_end(last, zone) == end or (whole_days and until is None)
    if begins and ends:
        return structs.replace(query, date=None, from_=first.isoformat(), to=last.isoformat())
    return asking.within(query, request.site.deployment.clock(), since=start, until=end)


def _day(at: int, zone: ZoneInfo) -> date:
    return instant(at).astimezone(zone).date()


def name_of(t: Words, found: Histogram, span: tuple[int, int], zone: ZoneInfo) -> str:
    """What a bar is called: an hour, a day, a month, or from which day to which."""
    start = instant(span[0]).astimezone(zone)
    first, last = start.date(), _day(span[1] - 1, zone)
    if found.bucket == "hour":
        return t.moment(start)
    if first == last:
        return t.weekday(first)
    if found.bucket in ("month", "quarter", "year") and _is_whole(span, zone, found.bucket):
        return t.span(found.bucket, first)
    return t("bars.days", first=t.day(first), last=t.day(last))


def _is_whole(span: tuple[int, int], zone: ZoneInfo, unit: str) -> bool:
    """Whether a bar is all of its month, quarter or year, and not cut off by the filter."""
    first, after = _day(span[0], zone), _day(span[1], zone)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    through = (after.year - first.year) * 12 + after.month - first.month
    edges = (day_start(first, zone), day_start(after, zone))
    return first.day == after.day == 1 and through == months and edges == span


def short_of(t: Words, found: Histogram, at: int, zone: ZoneInfo) -> str:
    """Where the bars begin or end, in short."""
    local = instant(at).astimezone(zone)
    day = t.short_day(local.date())
    return f"{day}, {local:%H}:00" if found.bucket == "hour" else day
