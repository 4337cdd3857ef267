"""Pages: whichever way one turns, in whatever order and size, each entry stands once and in its place."""

from datetime import timedelta
from functools import partial

import pytest

from trailbook import Actor, Item, Log, NewEntry, Origin, operator
from trailbook.errors import FilterInvalidError
from trailbook.finding.answers import Page
from trailbook.finding.paging import ListPage, Turn, list_page
from trailbook.index import Place
from trailbook.model import microseconds, parse_instant
from trailbook.query import Order, from_line
from trailbook.query.cursors import Cursor
from trailbook.testing import new_log
from trailbook.testing.steady import FrozenClock

ME = operator("acme")
ALL = from_line("-category:activity_log")
ORDERS: tuple[Order, ...] = ("desc", "asc", "seq")
HOURS = (5, 3, 3, 9, 0, 3, 7)  # ago; several at one instant, none in order


@pytest.fixture(scope="module")
def log() -> Log:
    """Seven entries that were recorded in another order than they happened."""
    log = new_log()
    anna = Actor(kind="person", type="user", id="u-1", name="Anna Berg")
    made = [
        NewEntry(
            action="role.created",
            occurred_at=FrozenClock().at - timedelta(hours=hours),
            actor=anna,
            target=Item(type="role", id="r-1", name="Manager"),
            origin=Origin(interface="web"),
        )
        for hours in HOURS
    ]
    log.record_many(made)
    return log


def expected(order: Order) -> list[int]:
    places = [(-hours, seq) for seq, hours in enumerate(HOURS)]
    if order == "seq":
        return list(range(len(HOURS)))
    return [seq for _, seq in sorted(places, reverse=order == "desc")]


def seqs(page: Page) -> list[int]:
    return [entry.seq for entry in page.entries]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", range(1, 9))
def test_there_and_back_again(log: Log, order: Order, limit: int) -> None:
    """Every page forth, then every page back: the same pages, and no turn beyond either end."""
    ask = partial(log.search, ALL, viewer=ME, order=order, limit=limit)
    whole = expected(order)
    forth = [ask()]
    assert forth[0].previous_cursor is None
    while forth[-1].next_cursor is not None and sum(len(p.entries) for p in forth) < len(whole):
        forth.append(ask(cursor=forth[-1].next_cursor))
    assert [seq for page in forth for seq in seqs(page)] == whole
    assert all(len(page.entries) == limit for page in forth[:-1])
    if order == "seq":  # one asks again later
        again = ask(cursor=forth[-1].next_cursor)
        assert (seqs(again), again.previous_cursor) == ([], None)
        assert again.next_cursor is not None
        assert seqs(ask(cursor=again.next_cursor)) == []
        return
    assert forth[-1].next_cursor is None
    back, page = [forth[-1]], forth[-1]
    while page.previous_cursor is not None:
        page = ask(cursor=page.previous_cursor)
        back.insert(0, page)
        assert page.next_cursor is not None
    assert [seq for page in back for seq in seqs(page)] == whole
    for page in back[:-1]:  # forth again from each page that was turned back to
        at = whole.index(seqs(page)[-1]) + 1
        assert seqs(ask(cursor=page.next_cursor)) == whole[at : at + limit]


def test_a_page_of_nothing(log: Log) -> None:
    """An answer without entries has no turns, but that a poller may ask again."""
    for order in ORDERS:
        page = log.search(from_line("category:salary"), viewer=ME, order=order)
        assert (page.entries, page.previous_cursor) == ((), None)
        assert (page.next_cursor is None) is (order != "seq")


@pytest.mark.parametrize("order", ORDERS)
def test_batches_are_the_pages(log: Log, order: Order) -> None:
    """Everything in batches of any size is everything in order; the last batch leads to an empty one."""
    query = log._questions.bind_now(ALL, ME, "en")
    for limit in range(1, 9):
        seqs, at = list[int](), None
        while True:
            turn = log._finder.seqs(query, order=order, limit=limit, at=at)
            assert len(turn.seqs) <= limit
            seqs, at = [*seqs, *turn.seqs], turn.end
            if at is None:
                break
        assert turn.seqs == []
        assert seqs == expected(order)


def test_a_batch_ends_at_its_last_place(log: Log) -> None:
    """The place is where the next one goes on: an instant and a seq, or by seq the seq alone."""
    ask = partial(log._finder.seqs, log._questions.bind_now(ALL, ME, "en"), limit=3)
    entries = {e.seq: e for e in log.search(ALL, viewer=ME).entries}
    for order in ORDERS[:2]:
        last = expected(order)[2]
        at = microseconds(parse_instant(entries[last].occurred_at))
        assert ask(order=order).end == Place(at, last)
    assert ask(order="seq").end == Place(0, 2)


@pytest.mark.parametrize("limit", [0, -1, 201, 1000])
def test_a_page_has_one_to_two_hundred(log: Log, limit: int) -> None:
    """Other limits are refused, by the parameter's name; the least and the greatest are taken."""
    for ask in (lambda: log.search(ALL, viewer=ME, limit=limit), lambda: list_page([1], None, limit)):
        with pytest.raises(FilterInvalidError) as refused:
            ask()
        (fault,) = refused.value.faults
        assert (fault.pointer, fault.code) == ("/limit", "parameter-invalid")
        assert refused.value.detail == "limit: is not a whole number from 1 to 200"
    for right in (1, 200):
        assert log.search(ALL, viewer=ME, limit=right).entries
        assert list_page([1], None, right) == ListPage(0, 1, None)


def at_number(seq: int) -> Cursor:
    return Cursor(at=0, seq=seq, later=True, as_of=None, since=None, until=None, written=0)


def test_pages_of_a_list() -> None:
    """A list goes on after the number of the cursor, ends where it ends, and after a number that is gone is over."""
    numbers = [40, 10, 30, 20]
    assert list_page(numbers, None, 2) == ListPage(0, 2, Turn(Place(0, 10), True))
    assert list_page(numbers, at_number(10), 1) == ListPage(2, 3, Turn(Place(0, 30), True))
    assert list_page(numbers, at_number(10), 2) == ListPage(2, 4, None)
    assert list_page(numbers, at_number(40), 200) == ListPage(1, 4, None)
    assert list_page(numbers, at_number(20), 2) == ListPage(4, 4, None)
    assert list_page(numbers, at_number(99), 2) == ListPage(4, 4, None)
    assert list_page(numbers, None, 4) == ListPage(0, 4, None)
    assert list_page([], None, 2) == ListPage(0, 0, None)
