"""Hours of the week asked of a log: by what is set, by the rule that a cursor keeps, and never of one person."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from msgspec import structs

from trailbook import Actor, Concern, Item, Log, NewEntry, Origin, Query, operator
from trailbook.errors import FiguresOfAPersonError, NotPermittedError
from trailbook.query import WorkingHours, from_line
from trailbook.testing import FrozenClock, new_log

ME = operator("acme")
ANNA = Actor(kind="person", type="user", id="u-1", name="Anna Berg")
SYNC = Actor(kind="integration", type="integration", id="visma", name="Visma")
WEB = Origin(interface="web", ip="192.0.2.7")


class Ground:
    """A log of a week's entries, one an hour, and what its organisation has set."""

    def __init__(self) -> None:
        self.set = WorkingHours(tz="Europe/Oslo")
        self.log: Log = new_log(clock=FrozenClock(datetime(2026, 11, 2, 12, tzinfo=UTC)))
        self.log._questions = structs.replace(self.log._questions, working_hours=lambda: self.set)
        self.log.working_hours = lambda: self.set
        self.log.record_many([self.entry(hour) for hour in range(7 * 24)])

    def entry(self, hour: int) -> NewEntry:
        """What somebody did to Anna's document, in an hour of the week from Monday 26 October 2026 on, in UTC."""
        anna = Concern(part="owner", type=ANNA.type, id=ANNA.id, name=ANNA.name)
        return NewEntry(
            action="document.updated",
            occurred_at=datetime(2026, 10, 26 + hour // 24, hour % 24, tzinfo=UTC)
            if hour < 144
            else datetime(2026, 11, 1, hour - 144, tzinfo=UTC),
            actor=ANNA if hour % 2 else SYNC,
            target=Item(type="document", id="d-1"),
            concerns=(anna,),
            origin=WEB,
        )

    def count(self, line: str) -> int:
        return self.log.count(from_line(line), viewer=ME)[0]


@pytest.fixture(scope="module")
def ground() -> Ground:
    return Ground()


def test_of_a_week(ground: Ground) -> None:
    """24 hours a day: eight of night, nine of work on five days, and two whole days."""
    assert [ground.count(f"hours:{name}") for name in ("night", "weekend", "outside")] == [56, 48, 168 - 45]
    assert ground.count("") == 168


def test_bars_and_values_are_of_these_hours(ground: Ground) -> None:
    bars = ground.log.histogram(from_line("hours:weekend tz:Europe/Oslo"), viewer=ME, bucket="day").bars
    assert [bar.count for bar in bars] == [24, 24]
    values = ground.log.facets(from_line("hours:night"), "actor_kind", viewer=ME).values
    assert {value.value: value.count for value in values} == {"integration": 28, "person": 28}


def test_a_cursor_keeps_the_rule_that_it_began_with() -> None:
    """What is set meanwhile changes the next question, and no page of this one; a rule as written never changes."""
    ground = Ground()
    night, kept = from_line("hours:night"), ground.log.frozen(from_line("hours:night"), viewer=ME)
    whole = [entry.seq for entry in ground.log.rows(night, viewer=ME)]
    seqs, cursor = list[int](), None
    while True:
        page = ground.log.search(night, viewer=ME, limit=20, cursor=cursor, count=True)
        seqs, cursor = [*seqs, *(entry.seq for entry in page.entries)], page.next_cursor
        assert page.count == 56
        ground.set = WorkingHours(night="00:00-01:00", tz="Africa/Cairo")
        if cursor is None:
            break
    assert seqs == whole
    assert (ground.count("hours:night"), ground.log.count(kept, viewer=ME)[0]) == (7, 56)


DOORS: list[Callable[[Log, Query], object]] = [
    lambda log, query: log.search(query, viewer=ME),
    lambda log, query: log.count(query, viewer=ME),
    lambda log, query: log.rows(query, viewer=ME),
    lambda log, query: log.export(query, viewer=ME),
    lambda log, query: log.newer(query, viewer=ME, after=-1),
    lambda log, query: log.views(query, viewer=ME),
    lambda log, query: log.facets(query, "actor", viewer=ME),
    lambda log, query: log.histogram(query, viewer=ME, bucket="month"),
    lambda log, query: log.seqs(query, viewer=ME),
    lambda log, query: log.frozen(query, viewer=ME),
]
OF_A_PERSON = [
    *(
        "actor:user/u-1",
        "-actor:user/u-1",
        "by_or_about:user/u-1",
        "-by_or_about:user/u-1",
        "source:user/u-1",
    ),
    *("text:ann", "ip:192.0.2.7", "-ip:192.0.2.0/24"),
    # What somebody did themselves is what is about them, less what others did.
    *("self:true concerns:user/u-1", "self:false concerns:user/u-1", "self:true target:user/u-1"),
    "self:true target:document/d-1",
]
OF_NOBODY = [
    *("actor:integration/visma", "actor_kind:person", "text:document", "concerns:user/u-1", "self:true"),
    *("source:source/library", "target:document/d-1", "self:true target:user/*"),
]


@pytest.mark.parametrize("door", DOORS)
def test_never_when_one_person_works(ground: Ground, door: Callable[[Log, Query], object]) -> None:
    """Refused at every door; the same without hours is answered, and hours of nobody's."""
    for line in OF_A_PERSON:
        for hours in ("night", "weekend,7,00:00-24:00,UTC"):
            with pytest.raises(FiguresOfAPersonError) as refused:
                door(ground.log, from_line(f"{line} hours:{hours}"))
            assert {fault.pointer for fault in refused.value.faults} <= {"/hours"}
    for line in OF_NOBODY:
        door(ground.log, from_line(f"{line} hours:night"))
    assert ground.count("actor:user/u-1") == 84


def test_the_refusal_names_the_parameter(ground: Ground) -> None:
    with pytest.raises(FiguresOfAPersonError, match="hours: the log does not say when") as refused:
        ground.count("actor:user/u-1 hours:night")
    assert [(f.pointer, f.code) for f in refused.value.faults] == [("/hours", "figures-of-a-person")]


def test_who_may_not_read_learns_nothing_of_it(ground: Ground) -> None:
    stranger = structs.replace(ME, activity_log="none")
    for line in ("hours:night text:ann", "hours:night"):
        with pytest.raises(NotPermittedError):
            ground.log.frozen(from_line(line), viewer=stranger)
