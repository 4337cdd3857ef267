"""Bars, counts and the overview of two years of the demo company, held against counting every entry by hand."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import httpx
import pytest
from msgspec import structs
from tests.demo.conftest import UNTIL, nordlys
from tests.web.conftest import ANNA, ORG, Served, enter

from trailbook import demo
from trailbook.access.viewer import Viewer
from trailbook.model import Item, microseconds
from trailbook.query import EntryFacts, Query, from_params, interval, matches, values_of

PAGE = f"/orgs/{ORG}/activity"
OSLO = ZoneInfo("Europe/Oslo")
NOW = datetime.fromisoformat(UNTIL)
DAY = 86_400_000_000  # microseconds
OURS = "category.not=activity_log&category.not=security"
FILTERS = (
    OURS,
    f"date=last-month&{OURS}",
    "category=absence&category=salary&date=past-12-months",
    "actor_kind=integration&date=last-quarter&tz=Pacific/Apia",
    "concerns=user/u-1013&date=past-6-months",
    "outcome=denied&category.not=security&category.not=activity_log",
    "from=2026-10-25&to=2026-10-25&category=integrations",
)
_BAR = re.compile(r'<li( class="in")?><a id="b-\d+" href="([^"]+)" title="[^"]*: ([\d,]+) entr')
_SECTION = re.compile(r'<h2 id="v-(\w+)">(.*?)</section>', re.DOTALL)


@pytest.fixture(scope="module")
def company(serve: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A log that holds what the demo company recorded, on the day it was built for."""
    built = nordlys(tmp_path_factory)
    served = serve(clock=lambda: NOW, folders=[demo.CATALOGUE])
    entries = built.recorder.entries
    for at in range(0, len(entries), 5000):
        served.log.record_many(entries[at : at + 5000])
    return served


@pytest.fixture(scope="module")
def everything(company: Served) -> list[EntryFacts]:
    """Every entry, as the reference semantics sees it."""
    viewer = Viewer(org=ORG, item=Item(type="user", id=ANNA.id, name="Anna Berg"), activity_log="full")
    return list(company.log.views(from_params([]), viewer=viewer))


@pytest.fixture
def reader(company: Served) -> Iterator[httpx.Client]:
    """Somebody signed in."""
    with httpx.Client(base_url=company.base_url, timeout=60) as client:
        enter(client, company.link())
        yield client


def asked(query: str) -> Query:
    """The filter of an address, in the zone of the organisation."""
    pairs = httpx.QueryParams(unescape(query)).multi_items()
    own = [pair for pair in pairs if pair[0] not in ("view", "limit", "group")]
    return from_params(own if "tz" in dict(own) else [*own, ("tz", "Europe/Oslo")])


def selection(everything: list[EntryFacts], query: Query) -> list[EntryFacts]:
    return [view for view in everything if matches(query, view, NOW)]


@pytest.mark.parametrize("query", FILTERS)
def test_bars(reader: httpx.Client, everything: list[EntryFacts], query: str) -> None:
    """Every bar is what counting finds, before the filter's range too; all of those in it are the whole of it."""
    bars = _BAR.findall(reader.get(f"{PAGE}/bars?{query}").text)
    undated = structs.replace(asked(query), date=None, from_=None, to=None)
    ever = selection(everything[::-1], undated)
    assert 0 < len(bars) <= 92
    own = [bar for bar in bars if bar[0]] if undated != asked(query) else bars
    assert sum(int(count.replace(",", "")) for _, _, count in own) == len(selection(ever, asked(query)))
    assert own[-1] == bars[-1]  # what is beside a range lies before it
    instants = [microseconds(view.entry.occurred_at) for view in ever]
    for _, href, count in bars:
        narrowed = asked(href.partition("?")[2])
        start, end = interval(narrowed, NOW)
        assert start is not None
        assert end is not None
        # The sum above leaves no entry out, so those around a bar are enough to ask one by one.
        around = ever[bisect_left(instants, start - DAY) : bisect_left(instants, end + DAY)]
        assert len(selection(around, narrowed)) == int(count.replace(",", "")), href


def counted_as(field: str, view: EntryFacts) -> tuple[str, ...]:
    """What an entry counts towards; the types of targets are counted, and are no filter of their own."""
    return (view.entry.target.type,) if field == "target_type" else tuple(values_of(field, view.entry))


@pytest.mark.parametrize("query", FILTERS)
def test_counts(reader: httpx.Client, everything: list[EntryFacts], query: str) -> None:
    """Every count beside a value is what counting finds without the filter's own values of that field."""
    page = reader.get(f"{PAGE}/values?{query}").text
    sections = _SECTION.findall(page)
    assert len(sections) == 6
    pairs = httpx.QueryParams(query).multi_items()
    without: dict[str, list[EntryFacts]] = {}  # by the rest of the filter, which most fields share
    for field, text in sections:
        rest = "&".join(f"{n}={v}" for n, v in pairs if n.removesuffix(".not") != field)
        if rest not in without:
            without[rest] = selection(everything, asked(rest))
        mine = Counter(v for view in without[rest] for v in counted_as(field, view))
        numbered = re.findall(r'<a [^>]*>([^<]+)</a> <span class="n">([\d,]+)<', text)
        # Signing in and reading are entries too, and go on while this is read.
        counts = [
            int(n.replace(",", "")) for label, n in numbered if label not in ("Activity log", "Security")
        ]
        mine = Counter({v: n for v, n in mine.items() if v not in ("activity_log", "security")})
        if field == "action":
            mine = Counter({name: count for name, count in mine.items() if not name.endswith("*")})
        assert sorted(n for n in counts if n) == sorted(mine.values()), field


def test_the_overview(reader: httpx.Client, everything: list[EntryFacts]) -> None:
    """Who fell silent and which days are unusual are what counting finds, one link away from the log's page."""
    assert f'href="{PAGE}/overview"' in reader.get(f"{PAGE}?category=roles").text
    page = reader.get(f"{PAGE}/overview").text.partition("<main")[2].partition("</main>")[0]
    silent = page.partition('id="silent"')[2].partition("</section>")[0]
    last: dict[str, datetime] = {}
    for view in everything:
        if view.entry.actor.kind == "integration":
            name = view.entry.actor.name or ""
            last[name] = max(last.get(name, view.entry.occurred_at), view.entry.occurred_at)
    mine = {name for name, at in last.items() if NOW - at > timedelta(days=14)}
    assert mine
    assert set(re.findall(r"<bdi>([^<]+)</bdi>", silent)) == mine
    unusual = page.partition('id="unusual"')[2].partition("</section>")[0]
    days = re.findall(r'<li><p><a href="([^"]+)">[^<]+: ([\d,]+) entries</a>', unusual)
    labels = re.findall(r'<li><p><a href="[^"]+">([^<]+): [\d,]+ entries</a>', unusual)
    assert [day.rpartition(" ")[0] for day in labels[:2]] == ["Sunday 15 November", "Saturday 14 November"]
    assert "Huldra Archive" in silent
    for href, count in days:
        narrowed = asked(href.partition("?")[2])
        assert len(selection(everything, narrowed)) == int(count.replace(",", ""))
    people = {view.entry.actor.name for view in everything if view.entry.actor.kind == "person"}
    assert len(people) > 50
    assert not [name for name in people if name and name in page]
