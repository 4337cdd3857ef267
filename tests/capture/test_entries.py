"""Entries: what of a row stands in its entry, and that nothing else of it is looked at."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import structs
from tests.capture.small import ANNA, CATALOGUE, USER_ACTIONS, item

from trailbook.capture import Acting, Ref
from trailbook.capture.declarations import Columns, Declared, Tracked, check_declared
from trailbook.capture.entries import (
    CapturedRow,
    EntryItems,
    Moment,
    captured_texts,
    items_of,
    meant_text,
    new_ids,
)
from trailbook.capture.outbox_drain import entry_of
from trailbook.errors import UncapturedWriteError

AT = datetime(2026, 11, 2, 8, 15, 0, 123456, tzinfo=UTC)
MOMENT = Moment(acting=Acting(actor=ANNA, purpose="support", correlation="c-1"), at=AT)
PEOPLE = Columns(table="people", key=("id",), columns={"id": "id", "name": "name", "salary": "salary"})
ABSENCES = Columns(table="absences", key=("id",), columns={"id": "id", "user_id": "user_id"})
ABSENCE_ACTIONS = {
    "created": "absence.registered",
    "updated": "absence.updated",
    "deleted": "absence.deleted",
}
ROLE, BOB = item("role", "r-3", "Manager"), item("user", "u-42", "Bob Li")


class Watched:
    """A row that remembers which of its attributes were read."""

    def __init__(self, **values: object) -> None:
        self._values = values
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return self._values[name]


def people(**more: Any) -> Tracked:
    return check_declared(CATALOGUE, PEOPLE, Declared(type="user", actions=USER_ACTIONS, **more))


def absences(owner: Ref | Callable[[Any], Any]) -> Tracked:
    declared = Declared(type="absence", actions=ABSENCE_ACTIONS, owner=owner)
    return check_declared(CATALOGUE, ABSENCES, declared)


def test_only_what_is_declared_is_read() -> None:
    """Id and name are read where the declaration says so, and no other attribute."""
    row = Watched(id=7, name="Eve", salary="913274.55")
    assert items_of(people(name="name"), row) == EntryItems(item("user", 7, "Eve"))
    assert row.read == {"id", "name"}


def test_what_a_row_says_today_tells_namesakes_apart() -> None:
    """Read where it is declared, of the row's item and of whom it is about; an empty column takes it back."""
    tracked = people(name="name", hint="salary")
    eve = CapturedRow({"id": 7, "name": "Eve", "salary": "Technician"})
    assert items_of(tracked, eve).target == structs.replace(item("user", 7, "Eve"), hint="Technician")
    assert items_of(tracked, CapturedRow({"id": 7, "name": "Eve", "salary": None})).target.hint == ""
    assert items_of(people(name="name"), eve).target.hint is None
    owned = absences(Ref("user", "user_id", hint=lambda row: f"Nr {row.user_id}"))
    ((_, owner),) = items_of(owned, CapturedRow({"id": 1, "user_id": 42})).concerns
    assert owner.hint == "Nr 42"
    text = captured_texts(MOMENT, "user.created", [items_of(tracked, eve)])[0]
    assert msgspec.json.decode(text)["target"]["hint"] == "Technician"
    assert entry_of(text).target.hint == "Technician"


def test_whom_a_row_is_about() -> None:
    """A reference gives one item, none where it is empty, and a callable as many as it returns."""
    by_key = absences(Ref("user", "user_id"))
    assert items_of(by_key, CapturedRow({"id": 1, "user_id": 42})).concerns == (("owner", item("user", 42)),)
    assert items_of(by_key, CapturedRow({"id": 1, "user_id": None})).concerns == ()
    by_call = absences(lambda row: [BOB, item("user", row.user_id)])
    about = items_of(by_call, CapturedRow({"id": 1, "user_id": 9})).concerns
    assert about == (("owner", BOB), ("owner", item("user", 9)))


@pytest.mark.parametrize("row", [{"id": None, "name": "Eve"}, {"name": "Eve"}], ids=["empty", "absent"])
def test_a_row_without_an_id_is_refused(row: dict[str, object]) -> None:
    """Without an id no entry could be found again; with one it is captured."""
    with pytest.raises(UncapturedWriteError):
        items_of(people(name="name"), CapturedRow(row))
    assert items_of(people(name="name"), CapturedRow({**row, "id": 7})).target.id == "7"


def test_what_a_callable_raises_is_not_repeated() -> None:
    """Whatever a host's callable says of a value stays there: only the kind of its error is passed on."""

    def name(row: Any) -> str:
        if row.salary:
            raise ValueError(f"cannot name who earns {row.salary}")
        return "Eve"

    with pytest.raises(UncapturedWriteError, match="ValueError") as refused:
        items_of(people(name=name), CapturedRow({"id": 7, "name": "x", "salary": "913274.55"}))
    assert "913274" not in str(refused.value)
    assert items_of(people(name=name), CapturedRow({"id": 7, "salary": ""})).target.name == "Eve"


def test_captured_rows_are_entries() -> None:
    """Each row is an entry of its own with an id of its own; who acted, when and why they share."""
    rows = [EntryItems(item("user", n, f"U{n}")) for n in range(3)]
    texts = captured_texts(MOMENT, "user.profile_updated", rows, fields=("phone", "email"))
    entries = [entry_of(text) for text in texts]
    assert [entry.target for entry in entries] == [row.target for row in rows]
    assert len({entry.id for entry in entries}) == 3
    assert {(e.actor, e.purpose, e.correlation, e.occurred_at) for e in entries} == {
        (ANNA, "support", "c-1", AT)
    }
    assert {entry.fields for entry in entries} == {("email", "phone")}
    assert captured_texts(MOMENT, "user.created", []) == []


def test_a_meant_entry_says_what_it_was_given() -> None:
    """Members given stand in it once, also those that the context has; absent ones and a plain success do not."""
    items = EntryItems(ROLE, (("member", BOB),))
    id_ = UUID("019a3c1e-7d2b-7c40-9f0e-000000000001")
    text = meant_text(
        MOMENT, "role.assigned", items, id=id_, caused_by=id_, outcome="denied", fields=["name"]
    )
    entry = entry_of(text)
    assert (entry.id, entry.caused_by, entry.outcome, entry.fields) == (id_, id_, "denied", ("name",))
    assert [(concern.part, concern.id) for concern in entry.concerns] == [("member", "u-42")]
    plain = msgspec.json.decode(meant_text(MOMENT, "role.assigned", items, outcome="success", caused_by=None))
    assert not {"outcome", "caused_by", "fields"} & set(plain)
    again = meant_text(MOMENT, "role.assigned", items, correlation="c-2")
    assert again.count('"correlation"') == 1
    assert entry_of(again).correlation == "c-2"


def test_ids_are_version_7_of_their_moment() -> None:
    """RFC 9562: version, variant and milliseconds; as many as asked for, and none twice."""
    ids = [UUID(text) for text in new_ids(AT, 500)]
    assert len(set(ids)) == 500
    assert {(id_.version, id_.variant) for id_ in ids} == {(7, "specified in RFC 4122")}
    assert {id_.int >> 80 for id_ in ids} == {1_793_607_300_123}
