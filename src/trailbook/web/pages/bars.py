"""Bars above the rows: how many entries the filter finds over time, as a picture and as a table.

Owns how a bar is named, where it leads to, and how two of them choose a range. Every step is an address, so that
it works without a script. Refuses to draw what is not shown of a person: then it says why.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response
from msgspec import Struct, structs

from trailbook.errors import Fault, FiguresOfAPersonError, FilterInvalidError, TooManyBarsError
from trailbook.finding import Bar, Histogram
from trailbook.model import instant, microseconds, parse_instant
from trailbook.query import Query, day_end, day_start, in_words, interval, local_time
from trailbook.web.http.render import page, partial
from trailbook.web.http.request import Request
from trailbook.web.http.texts import Words
from trailbook.web.pages.address import Address, PageParameters, Pairs, address, tidied, within
from trailbook.web.pages.broken import mendable
from trailbook.web.pages.frame import frame, list_of, presenter_of
from trailbook.web.pages.names import Naming, items_of
from trailbook.web.pages.rows import Presenter
from trailbook.web.pages.surroundings import Surrounded, surrounded

LOOKS = 7  # categories that have a colour and a pattern of their own; the rest share one more
CHOOSING = "choose"
_OWN = ("by", "range")
_LEAST = 1.5  # percent of the height: what is there is seen


class Block(Struct, frozen=True, kw_only=True):
    """A part of a bar: from where down and how far, in percent, and its look."""

    y: float
    height: float
    look: int


class DrawnBar(Struct, frozen=True, kw_only=True):
    """One bar: its name in words, where it leads to, and what it is made of; `numbers` are its cells in the table.

    `within`: it lies in the filter's own range, and not before it.
    """

    id: str
    when: str
    short: str
    label: str
    count: int
    href: str | None
    step: bool
    chosen: bool
    within: bool
    blocks: tuple[Block, ...]
    numbers: tuple[str, ...]


class Lead(Struct, frozen=True):
    """Where a bar leads to, and whether that is the next step of a choice and not the list."""

    href: str | None
    step: bool = False


class Key(Struct, frozen=True):
    """What a look stands for, and the address of that alone; None for the rest together."""

    look: int
    label: str
    href: str | None


class Picture(Struct, frozen=True, kw_only=True):
    """The bars and what stands around them; `begins` is the first bar of a range of which the last is to be chosen.

    `shown`: the filter's range in words, where there are bars before it too.
    """

    title: str
    bars: list[DrawnBar]
    shown: str | None
    keys: list[Key]
    stacked: bool
    stack: str
    choosing: str | None
    begins: str | None
    choose: str
    cancel: str


class BarsPage(Struct, frozen=True, kw_only=True):
    """The picture of a list, or why there is none, and of which list."""

    filter_words: str
    list: str
    zone: str
    tz: str
    figures: str
    picture: Picture | None
    why: str | None


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


@mendable
def bars_page(request: Request) -> Response[Any]:
    """GET bars: the picture of a list, as a page of its own or for the page that shows the list."""
    parameters = owned(tidied(request.pairs))
    state, choice = list_of(request, parameters.listed), _choice(parameters.own)
    now, why, histogram = request.site.deployment.clock(), None, None
    try:
        histogram = surrounded(
            request.log, state.query, viewer=request.viewer, now=now, stacked=choice.stacked
        )
    except FiguresOfAPersonError:
        why = request.words("bars.person")
    except TooManyBarsError:
        why = request.words("bars.many")
    items = items_of(request.log, state.fresh, viewer=request.viewer)
    presenter = presenter_of(request, state, state.query.tz)
    model = BarsPage(
        filter_words=in_words(state.fresh, Naming(presenter, items).label, request.lang),
        list=state.href(state.fresh),
        zone=presenter.words.zone(presenter.zone),
        tz=state.query.tz,
        figures=address(f"{state.path}/values", state.kept(state.query)),
        picture=None if histogram is None else picture(presenter, state, histogram, choice=choice, now=now),
        why=why,
    )
    template = "bars-part.html" if partial(request.headers) else "bars.html"
    return page(template, (frame(request), model), status=422 if why else 200)


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


def owned(pairs: Pairs) -> PageParameters:
    """The picture's own parameters, and the list's. Raises: FilterInvalidError."""
    own = [pair for pair in pairs if pair[0] in _OWN]
    if len(dict(own)) < len(own):
        raise FilterInvalidError(
            "given more than once", (Fault(f"/{own[0][0]}", "parameter-invalid", "is given more than once"),)
        )
    return PageParameters(dict(own), [pair for pair in pairs if pair[0] not in _OWN])


def ranked(histogram: Histogram) -> list[str]:
    """The categories that stand in the bars, most first."""
    totals: dict[str, int] = {}
    for bar in histogram.bars:
        for name, count in (bar.parts or {}).items():
            totals[name] = totals.get(name, 0) + count
    return sorted(totals, key=lambda name: (-totals[name], name))


def looks_of(named: list[str], categories: Iterable[str]) -> list[int]:
    """The look of each of the named categories: always its own, but where another of them has that already."""
    places = {name: at for at, name in enumerate(categories)}
    looks: dict[str, int] = {}
    for name in sorted(named, key=lambda name: places.get(name, len(places))):
        free = [look for look in range(LOOKS + 1) if look not in looks.values()]
        own = places.get(name, len(places)) % LOOKS
        looks[name] = own if own in free else free[0]
    return [looks[name] for name in named]


def picture(
    presenter: Presenter, state: Address, histogram: Surrounded, *, choice: Choice, now: datetime
) -> Picture:
    """The bars of a list as the template draws them."""
    return _Drawing(presenter, state, histogram, choice=choice, now=now).picture()


class _Drawing:
    """One picture being drawn, of a list at a moment."""

    def __init__(
        self, presenter: Presenter, state: Address, drawn: Surrounded, *, choice: Choice, now: datetime
    ) -> None:
        histogram = drawn.histogram
        self._presenter, self._state, self._histogram = presenter, state, histogram
        self._before, self._range = drawn.before, drawn.range
        self._choice, self._now = choice, now
        categories = ranked(histogram) if choice.stacked else []
        # A rest of one is itself.
        named = LOOKS if len(categories) > LOOKS + 1 else len(categories)
        self._named, self._rest = categories[:named], categories[named:]
        self._looks = [
            *looks_of(self._named, presenter.catalogue.categories),
            *([LOOKS] if self._rest else []),
        ]
        self._zone = presenter.zone
        self._peak = max((bar.count for bar in histogram.bars), default=0) or 1

    def picture(self) -> Picture:
        """What the template needs to draw."""
        t, choice, histogram = self._presenter.words, self._choice, self._histogram
        drawn = [self._bar(at) for at in range(len(histogram.bars))]
        first = choice.first
        return Picture(
            title=t(f"bars.per.{histogram.bucket}"),
            bars=drawn,
            shown=self._shown(),
            keys=self._keys(),
            stacked=choice.stacked,
            stack=self._address([("range", choice.range)] if choice.range else [], not choice.stacked),
            choosing=None if choice.range is None else t("bars.first" if first is None else "bars.last"),
            begins=None if first is None else name_of(t, histogram, (first, first + 1), self._zone),
            choose=self._address([("range", CHOOSING)], choice.stacked),
            cancel=self._address([], choice.stacked),
        )

    def _address(self, more: Pairs, stacked: bool) -> str:
        """The address of this picture, looked at in another way."""
        by = [("by", "category")] if stacked else []
        return address(f"{self._state.path}/bars", [*self._state.kept(self._state.query), *by, *more])

    def _shown(self) -> str | None:
        """The filter's own range in words, where bars before it stand beside."""
        if self._range is None:
            return None
        t, (since, until) = self._presenter.words, self._range
        return t("bars.shown", days=t.days(_day(since, self._zone), _day(until - 1, self._zone)))

    def _keys(self) -> list[Key]:
        t = self._presenter.words
        keys = [
            Key(look, self._presenter.label("category", name), self._only(name))
            for look, name in zip(self._looks, self._named, strict=False)
        ]
        return [*keys, Key(LOOKS, t.counted("bars.rest", len(self._rest)), None)] if self._rest else keys

    def _only(self, name: str) -> str:
        terms = tuple(term for term in self._state.fresh.terms if term.field != "category")
        query = structs.replace(self._state.fresh, terms=terms)
        return self._state.href(structs.replace(self._state, query=query).with_value("category", name))

    def _bar(self, at: int) -> DrawnBar:
        bar, t = self._histogram.bars[at], self._presenter.words
        span = span_of(bar)
        when = name_of(t, self._histogram, span, self._zone)
        lead = self._lead(bar)
        split = self._split(bar)
        return DrawnBar(
            id=f"b-{at}",
            when=when,
            short=short_of(t, self._histogram, span[0] if at == 0 else span[1] - 1, self._zone),
            label=t("bars.said", when=when, count=t.counted("total", bar.count)),
            count=bar.count,
            href=lead.href,
            step=lead.step,
            chosen=self._choice.first == span[0],
            within=self._range is not None and at >= self._before,
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

    def _lead(self, bar: Bar) -> Lead:
        first = self._choice.first
        if self._choice.range == CHOOSING:
            return Lead(self._address([("range", bar.from_)], self._choice.stacked), step=True)
        start, end = span_of(bar)
        if first is not None:
            spans = (span_of(other) for other in self._histogram.bars)
            chosen = next((span for span in spans if span[0] == first), None)
            start, end = (min(start, chosen[0]), max(end, chosen[1])) if chosen is not None else (start, end)
        elif not bar.count:
            return Lead(None)
        whole = self._histogram.bucket != "hour"
        query = self._state.fresh
        if self._range is not None:  # what lies before the range is no part of it
            query = structs.replace(query, date=None, from_=None, to=None)
            whole = False
        query = narrowed(query, (start, end), self._now, whole_days=whole)
        return Lead(self._state.href(query))


def span_of(bar: Bar) -> tuple[int, int]:
    """From when to when a bar counts, in microseconds."""
    return microseconds(parse_instant(bar.from_)), microseconds(parse_instant(bar.to))


def narrowed(query: Query, span: tuple[int, int], now: datetime, *, whole_days: bool) -> Query:
    """The filter narrowed to a range: as days where it is made of whole ones, else as instants."""
    (start, end), zone = span, ZoneInfo(query.tz)
    since, until = interval(query, now)
    first, last = _day(start, zone), _day(end - 1, zone)
    # Where the filter has no end of its own the bars end with the entries: their whole day holds the same.
    begins = day_start(first, zone) == start or (whole_days and since is None)
    ends = day_end(last, zone) == end or (whole_days and until is None)
    if begins and ends:
        return structs.replace(query, date=None, from_=first.isoformat(), to=last.isoformat())
    return within(query, now, since=start, until=end)


def _day(at: int, zone: ZoneInfo) -> date:
    return local_time(instant(at), zone).date()


def name_of(t: Words, histogram: Histogram, span: tuple[int, int], zone: ZoneInfo) -> str:
    """What a bar is called: an hour, a day, a month, or from which day to which."""
    start = local_time(instant(span[0]), zone)
    first, last = start.date(), _day(span[1] - 1, zone)
    if histogram.bucket == "hour":
        return t.moment(start)
    if first == last:
        return t.weekday(first)
    if histogram.bucket in ("month", "quarter", "year") and _is_whole(span, zone, histogram.bucket):
        return t.span(histogram.bucket, first)
    return t("bars.days", first=t.day(first), last=t.day(last))


def _is_whole(span: tuple[int, int], zone: ZoneInfo, unit: str) -> bool:
    """Whether a bar is all of its month, quarter or year, and not cut off by the filter."""
    first, after = _day(span[0], zone), _day(span[1], zone)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    through = (after.year - first.year) * 12 + after.month - first.month
    edges = (day_start(first, zone), day_start(after, zone))
    return first.day == after.day == 1 and through == months and edges == span


def short_of(t: Words, histogram: Histogram, at: int, zone: ZoneInfo) -> str:
    """Where the bars begin or end, in short."""
    here = local_time(instant(at), zone)
    day = t.short_day(here.date())
    return f"{day}, {here:%H}:00" if histogram.bucket == "hour" else day
