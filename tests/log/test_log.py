"""Finding: `search == [e for e in log if matches(query, view(e))]`, pages, pollers, and who may read."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings, strategies as st
from msgspec import structs

from trailbook.access.viewer import Viewer, operator
from trailbook.catalogue import load
from trailbook.errors import CursorInvalidError, FilterInvalidError, NotFoundError, NotPermittedError
from trailbook.log.log import Log
from trailbook.log.recorder import LIBRARY
from trailbook.model import Actor, Concern, Entry, Item, NewEntry, Origin, microseconds
from trailbook.query import EntryFacts, Order, Query, Term, from_line, matches, words
from trailbook.record.rules import Complete, complete_entry
from trailbook.stores import Store, open_store
from trailbook.testing import FrozenClock, new_log
from trailbook.testing.steady import START
from trailbook.testing.strategies import new_entries, queries

CATALOGUE = load()
VIEWER = operator("acme")
ORDERS: tuple[Order, ...] = ("desc", "asc", "seq")
BUSY = ("role.assigned", "role.updated", "salary.updated", "user.profile_updated", "absence.requested")
HISTORIES = st.lists(new_entries(CATALOGUE, BUSY), max_size=25, unique_by=lambda e: e.id)
ENTRY = NewEntry(
    action="role.assigned",
    occurred_at=START,
    actor=Actor(type="user", id="u-17", name="Anna Berg", kind="person"),
    target=Item(type="role", id="r-3", name="Manager"),
    concerns=(Concern(type="user", id="u-42", name="Bob Li", part="member"),),
    origin=Origin(interface="web", ip="192.0.2.7"),
)


@contextmanager
def engine(name: str) -> Iterator[Store]:
    with TemporaryDirectory() as folder:
        url = "memory:" if name == "memory" else f"sqlite:///{folder}/log.db"
        store, _ = open_store(url, create=True)
        yield store
        store.close()


def numbered(count: int, start: int = 0) -> list[NewEntry]:
    """Entries on five days, so that many are at the same time and none in order."""
    at = [START - timedelta(days=(number * 7) % 5) for number in range(start, start + count)]
    return [structs.replace(ENTRY, id=UUID(int=start + n), occurred_at=when) for n, when in enumerate(at)]


def in_order(views: Sequence[EntryFacts], order: Order) -> list[int]:
    """The seqs of entries in an order: the reference."""
    keys: dict[str, Callable[[Entry], Any]] = {
        "desc": lambda e: (-microseconds(e.occurred_at), -e.seq),
        "asc": lambda e: (e.occurred_at, e.seq),
        "seq": lambda e: e.seq,
    }
    return [e.seq for e in sorted((view.entry for view in views), key=keys[order])]


# --- search is filter(matches) ---


@pytest.mark.parametrize("name", ["memory", "sqlite"])
@settings(max_examples=25)
@given(history=HISTORIES, data=st.data())
def test_search_is_filter_of_matches(name: str, history: list[NewEntry], data: st.DataObject) -> None:
    with engine(name) as store:
        log = new_log(store)
        log.record_each(history, source=data.draw(st.sampled_from([LIBRARY, Item(type="source", id="k-1")])))
        views = list(log.views(Query(), viewer=VIEWER))
        assert len(views) == len(history)
        for _ in range(6):
            query = data.draw(queries(views, len(views)))
            expected = [view for view in views if matches(query, view, START)]
            assert log.count(query, viewer=VIEWER)[0] == len(expected)
            for order in ORDERS:
                page = log.search(query, viewer=VIEWER, order=order, limit=200, count=True)
                assert [e.seq for e in page.entries] == in_order(expected, order)
                assert page.count == len(expected)
                assert [e.seq for e in log.rows(query, viewer=VIEWER, order=order)] == in_order(
                    expected, order
                )


class Names:
    """What the directory should say, the slow way: the names each item ever had, oldest first."""

    def __init__(self) -> None:
        self.had: dict[tuple[str, str], list[str | None]] = {}

    def cite(self, item: Item) -> Any:
        """The item with the name under which the log cites it."""
        had = self.had.setdefault((item.type, item.id), [])
        name = item.name if item.name is not None or not had else had[-1]
        if name not in had:
            had.append(name)
        return structs.replace(item, name=name)

    def entry(self, seq: int, complete: Complete) -> Entry:
        given_ = complete.entry
        actor = self.cite(given_.actor)
        if complete.owner is not None:
            self.cite(complete.owner)
        target, source = self.cite(given_.target), self.cite(LIBRARY)
        behalf = None if given_.on_behalf_of is None else self.cite(given_.on_behalf_of)
        concerns = [self.cite(c) for c in given_.concerns]
        members = {name: getattr(given_, name) for name in given_.__struct_fields__}
        members |= {
            "actor": actor, "target": target, "on_behalf_of": behalf, "source": source, "seq": seq,
            "concerns": concerns, "fields": tuple(sorted(given_.fields)), "recorded_at": START,
            "correlation": None,
        }  # fmt: skip
        return Entry(**members)

    def words(self, entry: Entry) -> frozenset[str]:
        items = [entry.actor, entry.target, entry.on_behalf_of, *entry.concerns]
        names = [name for item in items if item for name in self.had[item.type, item.id] if name]
        label = CATALOGUE.label("action", entry.action, "en")
        return frozenset(word for name in [*names, label] for word in words(name))


@settings(max_examples=40)
@given(HISTORIES)
def test_views_say_what_was_recorded(history: list[NewEntry]) -> None:
    """The reference itself, against a directory kept here by hand: every member, every name of then."""
    log, names = new_log(), Names()
    log.record_many(history)
    expected = [names.entry(seq, complete_entry(CATALOGUE, e, START)) for seq, e in enumerate(history)]
    views = sorted(log.views(Query(), viewer=VIEWER), key=lambda view: view.entry.seq)

    def comparable(entry: Entry) -> Entry:
        key = lambda c: (c.part, c.type, c.id)  # noqa: E731
        return structs.replace(entry, concerns=sorted(entry.concerns, key=key), correlation=None)

    assert [comparable(v.entry) for v in views] == [comparable(e) for e in expected]
    assert [v.words for v in views] == [names.words(e) for e in expected]


FILTERS = {
    "category:roles": 3,
    "-category:roles": 2,
    "action:role.assigned": 2,
    "action:role.*": 3,
    "-action:role.*": 2,
    "actor:user/u-17": 3,
    "actor:user/u-17 actor:integration/i-1": 5,
    "concerns:user/u-42": 3,
    "concerns:role/r-3": 3,
    "target:role/r-3": 3,
    "target:salary/*": 1,
    "target:role/* target:salary/*": 4,
    "-target:role/*": 2,
    "by_or_about:user/u-17": 4,
    "actor_kind:integration": 2,
    "outcome:denied": 1,
    "-outcome:denied": 4,
    "origin:job": 2,
    "source:source/library": 5,
    "source:source/k-1": 0,
    "self:true": 1,
    "self:false": 4,
    "text:manag": 3,
    "text:boss": 3,
    "text:hansen": 4,
    "text:ann%20man": 2,
    "text:nobody": 0,
    "from:2026-11-01": 3,
    "to:2026-10-31": 2,
    "from:2026-10-31 to:2026-11-01": 2,
    "from:2026-11-02T08:15:00Z": 2,
    "to:2026-11-02T08:15:00Z": 3,
    "date:today": 2,
    "date:this-month": 3,
    "as_of:2": 2,
    "category:roles actor:user/u-17 -outcome:denied": 1,
    "": 5,
}


def five(log: Log) -> None:
    """Five entries, out of order, with a rename, an integration, a refusal and somebody's own change."""
    anna, sync = ENTRY.actor, Actor(type="integration", id="i-1", name="Payroll", kind="integration")
    hansen = Item(type="user", id="u-17", name="Anna Hansen")
    owner = Concern(type="user", id="u-42", name="Bob Li", part="owner")

    def to(days: int, **members: Any) -> NewEntry:
        return structs.replace(ENTRY, occurred_at=START - timedelta(days=days), **members)

    log.record_many(
        [
            to(0),
            to(3, action="role.updated", concerns=(), actor=sync, target=Item(type="role", id="r-3", name="Boss"),
               origin=Origin(interface="job")),
            to(1, action="salary.updated", target=Item(type="salary", id="s-1"), concerns=(owner,), actor=sync,
               origin=Origin(interface="job"), on_behalf_of=hansen),
            to(0, action="user.profile_updated", target=hansen, concerns=()),
            to(2, outcome="denied", actor=structs.replace(anna, name=None)),
        ]
    )  # fmt: skip


@pytest.mark.parametrize(("line", "count"), FILTERS.items())
def test_every_filter_by_example(line: str, count: int) -> None:
    """Each filter once with a number counted by hand."""
    log = new_log()
    five(log)
    query = from_line(line)
    views = list(log.views(Query(), viewer=VIEWER))
    assert sum(matches(query, view, START) for view in views) == count
    assert log.count(query, viewer=VIEWER)[0] == count


# --- pages ---


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("limit", [1, 3, 7, 200])
def test_pages_give_every_entry_once_while_new_ones_arrive(order: Order, limit: int) -> None:
    """One `as_of` gives the same rows there and back, whatever is recorded between two pages."""
    log = new_log()
    log.record_many(numbered(23))
    expected = in_order(list(log.views(Query(), viewer=VIEWER)), order)
    fresh = itertools.count(1000)

    def turn(cursor: str | None) -> Any:
        log.record_many(numbered(2, next(fresh) * 10))
        return log.search(Query(), viewer=VIEWER, order=order, limit=limit, cursor=cursor, count=True)

    pages = [log.search(Query(), viewer=VIEWER, order=order, limit=limit)]
    while pages[-1].next_cursor and len(pages) < 30:
        pages.append(turn(pages[-1].next_cursor))
        assert (pages[-1].as_of, pages[-1].count) == (23, 23)
    assert [e.seq for page in pages for e in page.entries] == expected
    back = [pages[-1]]
    while back[-1].previous_cursor and len(back) < 30:
        back.append(turn(back[-1].previous_cursor))
    assert [e.seq for page in reversed(back) for e in page.entries] == expected
    assert pages[0].previous_cursor is None
    assert back[-1].size > 23 or len(pages) == 1


@settings(max_examples=30)
@given(HISTORIES, st.integers(1, 6), st.sampled_from(["desc", "asc"]), st.data())
def test_pages_of_any_filter(history: list[NewEntry], limit: int, order: Order, data: st.DataObject) -> None:
    log = new_log()
    log.record_many(history)
    query = data.draw(queries(list(log.views(Query(), viewer=VIEWER)), len(history)))
    whole = [e.seq for e in log.rows(query, viewer=VIEWER, order=order)]
    seqs: list[int] = []
    cursor, more = None, True
    while more and len(seqs) <= len(whole):
        page = log.search(query, viewer=VIEWER, order=order, limit=limit, cursor=cursor)
        seqs += [e.seq for e in page.entries]
        cursor, more = page.next_cursor, page.next_cursor is not None
    assert seqs == whole


def test_a_poller_neither_skips_nor_repeats() -> None:
    """order=seq: the next cursor is never null, and later entries come with it, late ones included."""
    log = new_log()
    seen: list[int] = []
    cursor = None
    for round_ in range(12):
        if round_ % 3 == 0:
            log.record_many(numbered(7, round_ * 100))
        page = log.search(from_line("category:roles"), viewer=VIEWER, order="seq", limit=3, cursor=cursor)
        seen += [e.seq for e in page.entries]
        cursor = page.next_cursor
        assert cursor is not None
    assert seen == list(range(28))


def test_a_poller_with_as_of_is_bound() -> None:
    log = new_log()
    log.record_many(numbered(5))
    query = Query(as_of=4)
    page = log.search(query, viewer=VIEWER, order="seq", limit=3)
    log.record_many(numbered(5, 100))
    rest = log.search(query, viewer=VIEWER, order="seq", limit=3, cursor=page.next_cursor)
    assert [e.seq for e in (*page.entries, *rest.entries)] == [0, 1, 2, 3]


def test_a_preset_stays_while_paging_over_midnight() -> None:
    clock = FrozenClock()
    log = new_log(clock=clock)
    log.record_many([structs.replace(ENTRY, id=UUID(int=n)) for n in range(4)])
    query = Query(date="today")
    page = log.search(query, viewer=VIEWER, limit=2)
    clock.move(timedelta(days=1))
    rest = log.search(query, viewer=VIEWER, limit=2, cursor=page.next_cursor)
    assert [e.seq for e in rest.entries] == [1, 0]
    assert log.search(query, viewer=VIEWER, limit=2).entries == ()


def test_a_cursor_is_for_one_question() -> None:
    """Bound to viewer, filter and order; the control is the same question again."""
    log = new_log()
    log.record_many(numbered(9))
    cursor = log.search(Query(), viewer=VIEWER, limit=3).next_cursor
    other = structs.replace(VIEWER, item=Item(type="user", id="u-1"))
    ask: list[dict[str, Any]] = [
        {"query": Query(self_=False), "viewer": VIEWER},
        {"query": Query(), "viewer": VIEWER, "order": "asc"},
        {"query": Query(), "viewer": other},
        {"query": Query(as_of=4), "viewer": VIEWER},
    ]
    for question in ask:
        with pytest.raises(CursorInvalidError):
            log.search(question.pop("query"), cursor=cursor, **question)
    assert len(log.search(Query(), viewer=VIEWER, limit=3, cursor=cursor).entries) == 3


def test_as_of_beyond_the_log_is_refused() -> None:
    log = new_log()
    log.record_many(numbered(2))
    assert log.count(Query(as_of=2), viewer=VIEWER) == (2, 2)
    with pytest.raises(FilterInvalidError) as refused:
        log.search(Query(as_of=3), viewer=VIEWER)
    assert refused.value.faults[0].pointer == "/as_of"


@pytest.mark.parametrize("limit", [0, -1, 201])
@pytest.mark.parametrize("order", ORDERS)
def test_limits(limit: int, order: Order) -> None:
    log = new_log()
    log.record_many(numbered(2))
    with pytest.raises(FilterInvalidError) as refused:
        log.search(Query(), viewer=VIEWER, order=order, limit=limit)
    assert [f.pointer for f in refused.value.faults] == ["/limit"]
    assert len(log.search(Query(), viewer=VIEWER, order=order, limit=min(max(limit, 1), 200)).entries) in (
        1,
        2,
    )


def test_undeclared_names_in_a_filter_are_refused() -> None:
    log = new_log()
    for field, value in (("category", "role"), ("action", "role.asigned"), ("target", "rol/*")):
        with pytest.raises(FilterInvalidError) as refused:
            log.search(Query(terms=(Term(field, (value,)),)), viewer=VIEWER)
        assert refused.value.faults[0].pointer == "/" + field


# --- who reads ---


def test_nobody_reads_without_full_access() -> None:
    """Refused before anything is looked up, alike for what is there and what is not."""
    log = new_log()
    log.record_many(numbered(1))
    item = Item(type="user", id="u-1")
    refused = [Viewer(org="acme", item=item), Viewer(org="other", item=item, activity_log="full")]
    doors: list[Callable[[Viewer], Any]] = [
        lambda v: log.search(Query(), viewer=v),
        lambda v: log.count(Query(), viewer=v),
        lambda v: log.rows(Query(), viewer=v),
        lambda v: list(log.views(Query(), viewer=v)),
        lambda v: log.show(UUID(int=0), viewer=v),
        lambda v: log.show(UUID(int=99), viewer=v),
        lambda v: log.leaf(UUID(int=99), viewer=v),
        lambda v: log.items("anna", viewer=v),
        lambda v: log.items("", viewer=v),
        lambda v: log.size(viewer=v),
        lambda v: log.search(Query(date="never"), viewer=v, cursor="x"),
    ]
    details = set()
    for door, viewer in itertools.product(doors, refused):
        with pytest.raises(NotPermittedError) as error:
            door(viewer)
        details.add(error.value.detail)
    assert len(details) == 1
    full = Viewer(org="acme", item=item, activity_log="full")
    assert log.search(Query(), viewer=full).size == 1


def test_viewer_has_no_default() -> None:
    log: Any = new_log()
    with pytest.raises(TypeError):
        log.search(Query())
    log.search(Query(), viewer=VIEWER)


# --- shown ---


def test_names_then_and_now() -> None:
    """An entry shows the name of then; now is what was cited by the entry that happened last."""
    log = new_log()
    five(log)
    shown = {e.seq: e for e in log.rows(Query(), viewer=VIEWER)}
    assert (shown[1].target.name, shown[1].target.name_now) == ("Boss", "Manager")
    assert (shown[0].target.name, shown[0].target.name_now) == ("Manager", None)
    assert (shown[0].actor.name, shown[0].actor.name_now) == ("Anna Berg", "Anna Hansen")
    assert shown[2].on_behalf_of is not None
    assert (shown[2].on_behalf_of.name, shown[2].on_behalf_of.name_now) == ("Anna Hansen", None)


def test_show_one(tmp_path: Path) -> None:
    log = new_log()
    log.record_many(numbered(3))
    shown = log.show(UUID(int=1), viewer=VIEWER)
    assert (shown.seq, shown.sentence) == (1, "Anna Berg gave Bob Li the role Manager")
    assert shown.occurred_at == "2026-10-31T08:15:00.000000Z"
    with pytest.raises(NotFoundError):
        log.show(UUID(int=9), viewer=VIEWER)


def test_items_are_offered_by_word_and_id() -> None:
    log = new_log()
    five(log)

    def suggestions(q: str, **more: Any) -> list[tuple[str, str]]:
        return [(f.type, f.id) for f in log.items(q, viewer=VIEWER, **more)]

    assert suggestions("han") == [("user", "u-17")]
    assert suggestions("ber") == suggestions("u-17") == [("user", "u-17")]
    assert suggestions("ann han") == [("user", "u-17")]
    assert suggestions("ann li") == []
    assert suggestions("library") == []
    assert suggestions("bo") == [("user", "u-42"), ("role", "r-3")]
    assert suggestions("bo", type_="role") == [("role", "r-3")]
    assert suggestions("bo", role="actor") == []
    assert suggestions("bo", role="concerns", limit=1) == [("user", "u-42")]
    for q in ("x" * 81, "a\ud800", "a\x00", "a\u202e"):
        with pytest.raises(FilterInvalidError):
            suggestions(q)
    assert suggestions("x" * 80) == []
