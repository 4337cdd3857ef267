"""What every reading begins with: permission first, then the head, the plan and the place of a cursor."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_args

import pytest
from msgspec import structs

from trailbook import Actor, Item, Log, NewEntry, Origin, operator
from trailbook.access import Viewer, clearance, require_full
from trailbook.catalogue import load
from trailbook.errors import CursorInvalidError, FilterInvalidError, NotPermittedError
from trailbook.finding.paging import Turn
from trailbook.index import Place
from trailbook.log.questions import Question
from trailbook.query import Order, Query, from_line
from trailbook.testing import FrozenClock, new_log

ME = operator("acme")
NOBODY = Viewer(org="acme", item=Item(type="user", id="u-1"))
ELSEWHERE = Viewer(org="other", item=Item(type="user", id="u-1"), activity_log="full")
REFUSED = from_line("outcome:denied category:activity_log")
SOURCE = Actor(kind="person", type="user", id="u-17", name="Anna Berg")


@pytest.fixture
def log() -> Log:
    """A watched log of 1,200 entries: more than are taken at a time."""
    log = new_log(watched=True)
    at = FrozenClock().at
    log.record_many(
        [
            NewEntry(
                action="role.created",
                occurred_at=at - timedelta(minutes=number),
                actor=SOURCE,
                target=Item(type="role", id="r-1", name="Manager"),
                origin=Origin(interface="web"),
            )
            for number in range(1200)
        ]
    )
    return log


CLEARED = clearance(ME, "acme", required=require_full, declared=load().categories)


def refusals(log: Log) -> int:
    return log.count(REFUSED, viewer=ME)[0]


@pytest.mark.parametrize(
    "ask",
    [
        lambda log, viewer: log._questions.ask(Query(), viewer, form="desc", lang="en"),
        lambda log, viewer: log._questions.bind_now(Query(), viewer, "en"),
        lambda log, viewer: log._questions.let_in(viewer, require_full),
    ],
)
def test_who_is_not_let_in_learns_nothing(log: Log, ask: Callable[[Log, Viewer], object]) -> None:
    """Refused before anything is read, and, of this organisation, recorded; who may read is not."""
    for viewer, entries in ((ELSEWHERE, 0), (NOBODY, 1)):
        with pytest.raises(NotPermittedError):
            ask(log, viewer)
        assert refusals(log) == entries
    ask(log, ME)
    assert refusals(log) == 1


def test_a_cursor_binds_to_the_whole_question(log: Log) -> None:
    """Another filter, form, language or viewer is another question; another `as_of` of the same is its page's own."""
    questions = log._questions
    query = from_line("category:roles")
    question = questions.ask(query, ME, form="desc", lang="en")
    bound = questions.bind(query, CLEARED, size=question.head.size)
    cursor = questions.link(Turn(Place(1, 2), True), question, bound, as_of=7)

    def again(query: Query, viewer: Viewer = ME, form: str = "desc", lang: str = "en") -> Question:
        return questions.ask(query, viewer, form=form, lang=lang, cursor=cursor)

    for same in (query, structs.replace(query, as_of=7)):
        at = again(same).at
        assert at is not None
        assert (at.at, at.seq, at.later, at.as_of) == (1, 2, True, 7)
    other = structs.replace(ME, item=Item(type="user", id="u-2"))
    for ask in (
        lambda: again(from_line("category:users")),
        lambda: again(query, viewer=other),
        lambda: again(query, form="asc"),
        lambda: again(query, lang="nb"),
    ):
        with pytest.raises(CursorInvalidError):
            ask()
    assert questions.link(None, question, bound, as_of=7) is None


def test_a_filter_is_bound_to_the_log_as_the_cursor_saw_it(log: Log) -> None:
    """Its `as_of` and its instants, not those of now; beyond the log there is none."""
    questions = log._questions
    query = Query(date="today", tz="UTC")
    question = questions.ask(query, ME, form="desc", lang="en")
    bound = questions.bind(query, CLEARED, size=1200)
    assert bound.as_of == 1200
    cursor = questions.link(Turn(Place(1, 2), True), question, bound, as_of=700)
    at = questions.ask(query, ME, form="desc", lang="en", cursor=cursor).at
    later = structs.replace(questions, clock=lambda: FrozenClock().at + timedelta(days=3))
    then = later.bind(query, CLEARED, size=1200, at=at)
    assert (then.since, then.until, then.as_of) == (bound.since, bound.until, 700)
    assert later.bind(query, CLEARED, size=1200).since != bound.since  # the control
    with pytest.raises(CursorInvalidError):
        questions.bind(structs.replace(query, as_of=8), CLEARED, size=1200, at=at)
    for as_of in (0, 1200):
        assert questions.bind(structs.replace(query, as_of=as_of), CLEARED, size=1200).as_of == as_of
    with pytest.raises(FilterInvalidError):
        questions.bind(structs.replace(query, as_of=1201), CLEARED, size=1200)


def test_what_a_viewer_may_not_see_is_in_no_answer(log: Log) -> None:
    """A category that is withheld is left out where the log has any of it; a name that is none is refused."""
    questions = log._questions
    withheld = structs.replace(ME, withheld=("roles", "salary"))
    assert log.count(Query(), viewer=withheld) == (0, 1200)
    assert log.count(Query(), viewer=structs.replace(ME, withheld=("salary",))) == (1200, 1200)
    without = structs.replace(ME, withheld=("salary",))
    assert questions.bind(Query(), questions.let_in(without, require_full), size=9).hidden == ()
    with pytest.raises(FilterInvalidError):
        questions.bind(Query(terms=from_line("category:roles").terms, tz="Mars"), CLEARED, size=9)


@pytest.mark.parametrize("order", ["desc", "asc", "seq"])
@pytest.mark.parametrize("limit", [7, 500, 1000])
def test_all_that_matches_comes_some_at_a_time(log: Log, order: Order, limit: int) -> None:
    """Each once and in order; the first ones soon, the others as many as asked."""
    questions = log._questions
    batches = list(questions.in_order(questions.bind_now(Query(), ME, "en"), order, limit))
    expected = list(range(1200)) if order != "asc" else list(range(1199, -1, -1))  # the first is the newest
    assert [seq for batch in batches for seq in batch] == expected
    assert len(batches[0]) == min(limit, 500)
    assert {len(batch) for batch in batches[1:-1]} <= {limit}
    nothing = questions.bind_now(from_line("category:salary"), ME, "en")
    assert list(questions.in_order(nothing, order, limit)) == []


@pytest.mark.parametrize("ask", [Log.search, Log.rows, Log.export])
def test_an_order_that_is_none_is_refused(ask: Any) -> None:
    """It was answered as if it were another; the control is one that is."""
    log = new_log()
    for order in get_args(Order):
        ask(log, Query(), viewer=operator(log.org), order=order)
    with pytest.raises(FilterInvalidError, match="order"):
        ask(log, Query(), viewer=operator(log.org), order="up")
