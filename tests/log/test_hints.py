"""Hints: what the host says of an item today, who is told, and that no record, proof, search or file has it."""

import zipfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from msgspec import structs

from trailbook import Actor, Concern, Item, Log, NewEntry, Origin, Viewer, operator
from trailbook.errors import EntryInvalidError
from trailbook.export.columns import COLUMNS, Layout
from trailbook.export.format import FORMATS, file_pieces
from trailbook.query import Query, from_params
from trailbook.stores import MemoryStore
from trailbook.testing import FrozenClock, new_log

ME = operator("acme")
WEB = Origin(interface="web", ip="192.0.2.7", user_agent="Mozilla/5.0")
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
FIELD, OFFICE = "Technician, Field south", "Accountant, Head office"
ROLE = Item(type="role", id="r-3", name="Manager")


def assigned(hint: str | None, *, days: int = 0, number: int = 1, action: str = "role.assigned") -> NewEntry:
    """Anna gave another Anna Berg a role, so many days ago; the host said so of that one."""
    member = Concern(part="member", type="user", id="u-42", name="Anna Berg", hint=hint)
    at = FrozenClock().at - timedelta(days=days)
    return NewEntry(
        id=UUID(int=number),
        action=action,
        occurred_at=at,
        actor=ANNA,
        target=ROLE,
        concerns=(member,),
        origin=WEB,
    )


def hint_of(log: Log, id_: str = "u-42", viewer: Viewer = ME) -> str | None:
    return log.hints([("user", id_)], viewer=viewer).get(("user", id_))


def test_each_item_of_an_entry_has_its_own() -> None:
    """Actor, target, whom it was for and whom it is about; of one item that is named twice the later one counts."""
    log = new_log()
    support = Item(type="user", id="u-5", name="Siri", hint="Support")
    log.record(
        "role.assigned",
        actor=structs.replace(ANNA, hint=OFFICE),
        target=structs.replace(ROLE, hint="Of field crews"),
        on_behalf_of=support,
        concerns={"member": Item(type="user", id="u-42", name="Anna Berg", hint=FIELD)},
        origin=WEB,
    )
    keys = [("user", "u-17"), ("role", "r-3"), ("user", "u-5"), ("user", "u-42"), ("user", "u-0")]
    hints = dict(zip(keys, [OFFICE, "Of field crews", "Support", FIELD], strict=False))
    assert log.hints(keys, viewer=ME) == hints
    twice = {"actor": structs.replace(ANNA, hint="Cook"), "target": Item(type="user", id="u-17", hint="Chef")}
    log.record("user.profile_updated", **twice, origin=WEB)  # type: ignore[arg-type]
    assert hint_of(log, "u-17") == "Chef"


def test_what_is_said_last_of_today_is_what_counts() -> None:
    """By when it happened; nothing said leaves it, an empty one takes it back, a repeat and the past change nothing."""
    log = new_log()
    log.recorder.record(assigned(FIELD, days=10))
    log.recorder.record(assigned(None, days=9, number=2))
    assert hint_of(log) == FIELD
    (repeat,) = log.record_many([assigned("Chef", days=10)])
    assert (repeat.replayed, hint_of(log)) == (True, FIELD)
    log.record_many([assigned("Pupil", days=900, number=3)])  # an import of the past
    assert hint_of(log) == FIELD
    log.record_many([assigned("Driver", days=8, number=4), assigned("Cook", days=9, number=5)])
    assert hint_of(log) == "Driver"
    log.recorder.record(assigned("", days=7, number=6))
    assert hint_of(log) is None
    log.recorder.record(assigned("Driver", days=8, number=7))
    assert hint_of(log) is None
    assert [r.refused for r in log.judge_each([assigned(OFFICE, number=8)])] == [None]
    assert hint_of(log) is None  # a trial says nothing


def test_an_entry_is_the_same_with_it_and_without() -> None:
    """Body, leaf, tree and tokens: nothing hashed knows of a hint."""
    stores = []
    for hint in (FIELD, None):
        stores.append(MemoryStore())
        new_log(stores[-1]).record_many([assigned(hint)])
    first, second = [list(store.kept("acme", 0, 1)) for store in stores]
    assert first == second
    assert stores[0].head("acme") == stores[1].head("acme")
    assert list(stores[0].every_identity("acme")) == list(stores[1].every_identity("acme"))
    assert stores[0].every_word("acme") == stores[1].every_word("acme")


def test_it_is_named_when_it_is_refused() -> None:
    """A hint keeps the rules of names, in 80 characters, and types without a name take none."""
    log = new_log()
    for hint in ("x" * 81, "a\x00", "a\u202eb", " ", "e\u0301"):
        with pytest.raises(EntryInvalidError) as refused:
            log.recorder.record(assigned(hint))
        assert [fault.pointer for fault in refused.value.faults] == ["/concerns/0/hint"], hint
    with pytest.raises(EntryInvalidError) as refused:
        log.recorder.record(structs.replace(assigned(None), actor=structs.replace(ANNA, hint="\n")))
    assert refused.value.faults[0].pointer == "/actor/hint"
    owner = {"owner": Item(type="user", id="u-42")}
    absence = Item(type="absence", id="a-1", hint=FIELD)
    with pytest.raises(EntryInvalidError) as refused:
        log.record("absence.registered", actor=ANNA, target=absence, concerns=owner, origin=WEB)
    assert [(f.pointer, f.code) for f in refused.value.faults] == [("/target/hint", "name-refused")]
    log.recorder.record(assigned("x" * 80))  # the controls
    bare = structs.replace(absence, hint=None)
    log.record("absence.registered", actor=ANNA, target=bare, concerns=owner, origin=WEB)
    assert hint_of(log) == "x" * 80


def test_whoever_sees_no_entry_of_an_item_is_not_told() -> None:
    """Nor does what few may see say anything; whoever sees an entry of it, and the operator, is told."""
    log = new_log()
    log.recorder.record(assigned(FIELD, days=1))
    reader = Viewer(org="acme", item=Item(type="user", id="u-9"), activity_log="full")
    kept_from = structs.replace(reader, withheld=("roles",))
    assert (hint_of(log), hint_of(log, viewer=reader), hint_of(log, viewer=kept_from)) == (FIELD, FIELD, None)
    assert log.item("user", "u-42", viewer=kept_from) is None
    assert log.items("anna", viewer=kept_from) == []
    handler = Actor(kind="person", type="user", id="u-42", hint="Handles a case")
    log.record("case.opened", actor=handler, target=Item(type="case", id="c-1"), origin=WEB)
    assert (hint_of(log), hint_of(log, viewer=reader)) == (FIELD, FIELD)


def test_namesakes_are_offered_with_what_tells_them_apart() -> None:
    """A hint, or else when they last appeared; whoever has a name alone needs neither date."""
    log = new_log()
    log.record_many([assigned(FIELD, days=3)])
    other = Concern(part="member", type="user", id="u-43", name="Bob Li")
    log.record_many([structs.replace(assigned(None, number=2, days=1), concerns=(other,))])
    ours, theirs = log.items("anna berg", viewer=ME)
    assert (ours.id, ours.hint, ours.last_seen) == ("u-17", None, "2026-11-01T08:15:00.000000Z")
    assert (theirs.id, theirs.hint, theirs.last_seen) == ("u-42", FIELD, None)
    (bob,) = log.items("bob", viewer=ME)
    assert (bob.hint, bob.last_seen) == (None, None)
    assert log.item("user", "u-42", viewer=ME).hint == FIELD  # type: ignore[union-attr]


def test_it_is_in_no_answer_and_no_file(tmp_path: Path) -> None:
    """Not searched by, shown in an entry, proved or exported, whatever the format."""
    log = new_log()
    log.record_many([assigned(FIELD)])
    assert log.items("technician", viewer=ME) == []
    assert log.count(from_params([("text", "technician")]), viewer=ME)[0] == 0
    answers = [
        log.search(Query(), viewer=ME),
        log.show(UUID(int=1), viewer=ME),
        *log.views(Query(), viewer=ME),
    ]
    written = [msgspec.json.encode(str(answer)) for answer in answers]
    written += [log.leaf(UUID(int=1), viewer=ME)]
    written += [str(opening).encode() for opening in log.identities("user", "u-42", viewer=ME)]
    for name in FORMATS:
        batches = log.export(Query(), viewer=ME).batches
        file = b"".join(file_pieces(name, batches, Layout(columns=COLUMNS, tz="UTC")))
        written.append(file)
        if zipfile.is_zipfile(BytesIO(file)):
            with zipfile.ZipFile(BytesIO(file)) as parts:
                written += [parts.read(part) for part in parts.namelist()]
    assert any(b"Anna Berg" in text for text in written)  # the control: names are there
    assert not any(FIELD.encode() in text or b"Technician" in text for text in written)
