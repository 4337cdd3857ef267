"""The log of the log: who searched, opened, exported, took proofs and was refused, as entries of the same tree."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from trailbook import Actor, Item, Log, Origin, open_deployment
from trailbook.access.viewer import Viewer, operator
from trailbook.errors import NotPermittedError, StorageFullError
from trailbook.finding.answers import Shown
from trailbook.query import FIELDS, Query, from_params
from trailbook.stores.memory.store import MemoryStore
from trailbook.testing.steady import FrozenClock, new_log

ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
KARI = Item(type="user", id="u-9", name="Kari Lie")
BOB = Item(type="user", id="u-42", name="Bob Li")
SICK = Item(type="absence", id="a-77")
READER = Viewer(
    org="acme",
    item=KARI,
    activity_log="full",
    read_proofs="full",
    origin=Origin(interface="web", ip="192.0.2.9"),
)
WATCHED = from_params([("category", "activity_log")])


def shop(clock: FrozenClock | None = None) -> Log:
    """A watched log: Bob was given a role, and is away."""
    log = new_log(clock=clock, watched=True)
    origin = Origin(interface="web")
    role = Item(type="role", id="r-1", name="Manager")
    log.record("role.assigned", actor=ANNA, target=role, concerns={"member": BOB}, origin=origin)
    log.record("absence.registered", actor=ANNA, target=SICK, concerns={"owner": BOB}, origin=origin)
    return log


def readings(log: Log) -> list[Shown]:
    """What the log says of its own reading, oldest first; asking for it adds nothing more."""
    quiet = structs.replace(operator(log.org), item=Item(type="system", id="test", name="Test"))
    page = log.search(WATCHED, viewer=quiet, order="asc", limit=200)
    return [entry for entry in page.entries if entry.actor.id != "test"]


def test_a_search_is_one_entry_a_viewer_filter_and_hour() -> None:
    """The same filter again adds none; another filter, viewer or hour adds one."""
    clock = FrozenClock()
    log = shop(clock)
    roles, all_ = from_params([("category", "roles")]), Query()
    other = structs.replace(READER, item=BOB)
    for query, viewer in ((roles, READER), (roles, READER), (all_, READER), (roles, other)):
        log.search(query, viewer=viewer)
    assert [(e.action, e.actor.id, e.target.id) for e in readings(log)] == [
        ("activity_log.searched", "u-9", "category:roles"),
        ("activity_log.searched", "u-9", "everything"),
        ("activity_log.searched", "u-42", "category:roles"),
    ]
    clock.move(timedelta(hours=1))
    log.search(roles, viewer=READER)
    assert len(readings(log)) == 4


def test_where_from_stands_in_it() -> None:
    """Actor, name, origin and target type `search` without a name."""
    log = shop()
    log.search(Query(), viewer=READER)
    (entry,) = readings(log)
    assert (entry.actor.kind, entry.actor.type, entry.actor.name) == ("person", "user", "Kari Lie")
    assert (entry.origin.interface, entry.origin.ip) == ("web", "192.0.2.9")
    assert (entry.target.type, entry.target.name, entry.outcome) == ("search", None, "success")
    assert entry.sentence == "Kari Lie searched the activity log"


def test_people_are_concerns_and_never_in_the_filters_line() -> None:
    """Persons, their own items and typed text leave the target; who is known is concerned as `filtered`."""
    log = shop()
    query = from_params(
        [
            ("actor.not", "user/u-17"),
            ("concerns", "user/u-42"),
            ("concerns", "user/u-nobody"),
            ("target", "absence/a-77"),
            ("target", "absence/*"),
            ("by_or_about", "role/r-1"),
            ("text", "bob li"),
            ("date", "last-month"),
        ]
    )
    log.search(query, viewer=READER)
    (entry,) = readings(log)
    assert entry.target.id == "by_or_about:role/r-1 target:absence/* date:last-month"
    assert [(c.part, c.type, c.id, c.name) for c in entry.concerns] == [
        ("filtered", "user", "u-17", "Anna Berg"),
        ("filtered", "user", "u-42", "Bob Li"),
    ]
    # Its control: without the rule the line would name them.
    assert {"u-42", "a-77", "bob"} <= set(str(query).replace("/", " ").replace("'", " ").split())


def test_a_long_filter_is_its_digest() -> None:
    """Contracts 4: over 200 characters the target is the digest of the line."""
    log = shop()
    log.search(from_params([("target", f"role/r-{i:03}") for i in range(30)]), viewer=READER)
    (entry,) = readings(log)
    assert len(entry.target.id or "") == 64


def test_turns_figures_and_typing_add_none() -> None:
    """Contracts 4: pages, facets, histogram, counts, typeahead, live and polls by cursor are part of what was asked."""
    log = shop()
    page = log.search(Query(), viewer=READER, limit=1)
    poll = log.search(Query(), viewer=READER, order="seq")
    before = len(readings(log))
    log.search(Query(), viewer=READER, limit=1, cursor=page.next_cursor)
    log.search(Query(), viewer=READER, order="seq", cursor=poll.next_cursor)
    log.facets(Query(), "category", viewer=READER)
    log.histogram(Query(), viewer=READER)
    log.items("bob", viewer=READER)
    log.count(from_params([("category", "salary")]), viewer=READER)
    log.newer(from_params([("category", "salary")]), viewer=READER, after=0)
    assert len(readings(log)) == before == 1


def test_the_answer_is_of_the_moment_it_was_asked() -> None:
    """The entry of a search is not in its own answer, and is in the next one."""
    log = shop()
    assert [log.search(Query(), viewer=READER, count=True).count for _ in range(3)] == [2, 3, 3]


def test_opening_exporting_and_proofs() -> None:
    """An entry opened and proofs taken are told once a viewer and hour, an export each time."""
    log = shop()
    id_ = UUID(log.search(Query(), viewer=READER).entries[0].id)
    for _ in range(2):
        log.show(id_, viewer=READER)
        log.related(id_, viewer=READER)
        log.leaf(id_, viewer=READER)
        log.identities("user", "u-42", viewer=READER)
        log.exported(from_params([("concerns", "user/u-42")]), viewer=READER)
    assert [e.action.partition(".")[2] for e in readings(log)] == [
        "searched",
        "viewed",
        "proof_downloaded",
        "exported",
        "exported",
    ]
    assert readings(log)[-1].sentence == "Kari Lie exported entries about Bob Li from the activity log"


def test_a_refusal_is_told_once_a_minute() -> None:
    """Whoever may not read leaves an entry with outcome denied, and learns nothing."""
    clock = FrozenClock()
    log = shop(clock)
    nobody = structs.replace(READER, activity_log="none")
    for _ in range(3):
        with pytest.raises(NotPermittedError):
            log.search(Query(), viewer=nobody)
        with pytest.raises(NotPermittedError):
            log.size(viewer=nobody)
    (entry,) = readings(log)
    assert (entry.action, entry.outcome, entry.target.id) == ("activity_log.viewed", "denied", "acme")
    clock.move(timedelta(minutes=1))
    with pytest.raises(NotPermittedError):
        log.show(UUID(entry.id), viewer=nobody)
    assert len(readings(log)) == 2
    with pytest.raises(NotPermittedError):  # whoever is of another organisation is no business of this log
        log.search(Query(), viewer=structs.replace(READER, org="other"))
    assert len(readings(log)) == 2


def test_two_processes_write_one_entry(tmp_path: Path) -> None:
    """What another process told this hour is there already, whatever its clock said."""
    url, clock = f"sqlite:///{tmp_path}/log.db", FrozenClock()
    first = open_deployment(url, create=True, clock=clock)
    first.create("acme")
    second = open_deployment(url, clock=clock)
    for deployment in (first, second, first):
        clock.move(timedelta(seconds=7))
        deployment.log("acme").search(WATCHED, viewer=READER)
    assert first.log("acme").size(viewer=READER) == 1
    first.close()
    second.close()


class Full(MemoryStore):
    """A store that takes nothing more once it is `full`."""

    full = False

    def append(self, *given: Any, **more: Any) -> Any:
        if self.full:
            raise StorageFullError("the disk is full")
        return super().append(*given, **more)


def test_reading_that_cannot_be_recorded_is_not_answered() -> None:
    """Search, entry, proof and export fail closed; what was told this hour goes on being answered."""
    store = Full()
    log = new_log(store, watched=True)
    id_ = log.record("user.created", actor=ANNA, target=BOB, origin=Origin(interface="web")).id
    told_before = from_params([("category", "users")])
    log.search(told_before, viewer=READER)
    store.full = True
    for read in (
        lambda: log.search(Query(), viewer=READER),
        lambda: log.rows(Query(), viewer=READER),
        lambda: log.show(id_, viewer=READER),
        lambda: log.leaf(id_, viewer=READER),
        lambda: log.exported(Query(), viewer=READER),
    ):
        with pytest.raises(StorageFullError):
            read()
    assert log.search(told_before, viewer=READER).entries
    store.full = False
    assert log.search(Query(), viewer=READER).entries


def test_it_can_be_left_out_in_words() -> None:
    """A log that is not watched adds nothing: the control of all of the above."""
    log = new_log()
    log.record("user.created", actor=ANNA, target=BOB, origin=Origin(interface="web"))
    log.search(Query(), viewer=READER)
    log.exported(Query(), viewer=READER)
    assert log.size(viewer=READER) == 1


@pytest.mark.parametrize("field", [name for name, field in FIELDS.items() if field.items])
def test_no_field_of_items_leaves_a_person_in_the_entry_of_a_search(field: str) -> None:
    """Whatever part they have in it, the recording one too; the control is an item that is nobody's."""
    log = shop()
    log.search(from_params([(field, "user/u-42"), (field, "role/r-1")]), viewer=READER)
    (entry,) = readings(log)
    assert entry.target.id == f"{field}:role/r-1"
