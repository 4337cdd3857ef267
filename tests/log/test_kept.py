"""Bytes, proofs, openings and items: handed out where the viewer may see the entry, else as if it were not there."""

import inspect
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from trailbook import Actor, Item, Log, Origin, Viewer, operator
from trailbook.errors import EntryExpiredError, NotFoundError, NotPermittedError
from trailbook.query import Query
from trailbook.retention import Retention
from trailbook.stores import MemoryStore
from trailbook.testing.signed import SignedLog, open_signed

WEB = Origin(interface="web")
KARI = Viewer(org="acme", item=Item(type="user", id="u-9"), activity_log="full", read_proofs="full")
NAMED = structs.replace(KARI, restricted=("whistleblowing",))
WITHOUT = structs.replace(KARI, withheld=("salary",))
ABSENT = UUID(int=99)
Read = Callable[[Log, UUID, Viewer], Any]
READINGS: dict[str, Read] = {
    "show": lambda log, id_, viewer: log.show(id_, viewer=viewer),
    "related": lambda log, id_, viewer: log.related(id_, viewer=viewer),
    "leaf": lambda log, id_, viewer: log.leaf(id_, viewer=viewer),
    "proof": lambda log, id_, viewer: log.proof(id_, viewer=viewer),
}


def person(id_: str, name: str) -> Actor:
    return Actor(kind="person", type="user", id=id_, name=name)


class Small:
    """Ida opened a case and was then called Holm; Per changed her salary; Per gave Ole a role."""

    def __init__(self) -> None:
        self.signed: SignedLog = open_signed(MemoryStore())
        self.log = self.signed.log
        case, salary, role = (
            Item(type="case", id="c-1"),
            Item(type="salary", id="s-1"),
            Item(type="role", id="r-1"),
        )
        ida, per = person("u-1", "Ida Lie"), person("u-2", "Per Moe")
        record = self.log.record
        self.case = record("case.opened", actor=ida, target=case, origin=WEB).id
        owner = {"owner": Item(type="user", id="u-1", name="Ida Holm")}
        self.salary = record("salary.updated", actor=per, target=salary, concerns=owner, origin=WEB).id
        member = {"member": Item(type="user", id="u-3", name="Ole Vik")}
        role = structs.replace(role, name="Lead")
        self.role = record("role.assigned", actor=per, target=role, concerns=member, origin=WEB).id
        self.signed.signer.sign("acme")


@pytest.fixture
def small() -> Small:
    return Small()


@pytest.mark.parametrize("reading", READINGS)
def test_an_entry_that_is_not_seen_is_not_there(small: Small, reading: str) -> None:
    """Restricted, or withheld by its category: refused in the words of one that is absent."""
    read = READINGS[reading]
    with pytest.raises(NotFoundError) as absent:
        read(small.log, ABSENT, KARI)
    for id_, viewer in ((small.case, KARI), (small.salary, WITHOUT)):
        with pytest.raises(NotFoundError) as hidden:
            read(small.log, id_, viewer)
        assert (hidden.value.code, str(hidden.value)) == (absent.value.code, str(absent.value))
    for id_, viewer in ((small.case, NAMED), (small.salary, KARI), (small.role, WITHOUT)):
        assert read(small.log, id_, viewer)  # the control


def test_openings_are_of_the_versions_that_are_seen(small: Small) -> None:
    """Ida is in a case by one name and in a salary by another: each name opens for whoever sees the entry."""

    def names(viewer: Viewer) -> list[str | None]:
        try:
            return [opening.name for opening in small.log.identities("user", "u-1", viewer=viewer)]
        except NotFoundError:
            return []

    assert names(NAMED) == ["Ida Lie", "Ida Holm"]
    assert names(KARI) == ["Ida Holm"]
    assert names(structs.replace(NAMED, withheld=("salary",))) == ["Ida Lie"]
    assert names(WITHOUT) == []
    assert small.log.holdings(viewer=WITHOUT).tokens_of("user", "u-1") == []
    assert len(small.log.holdings(viewer=NAMED).tokens_of("user", "u-1")) == 2


def test_items_are_offered_and_remembered_where_an_entry_is_seen(small: Small) -> None:
    """Whoever is only in what a viewer does not see is unknown to them, by word, by id and on a page of their own."""

    def known(viewer: Viewer) -> tuple[list[str], list[str], bool]:
        words = [item.id for item in small.log.items("ida", viewer=viewer)]
        ids = [item.id for item in small.log.items("u-1", viewer=viewer)]
        return words, ids, small.log.item("user", "u-1", viewer=viewer) is not None

    assert known(WITHOUT) == ([], [], False)
    assert known(KARI) == (["u-1"], ["u-1"], True)


@pytest.mark.parametrize("viewer", [KARI, WITHOUT, structs.replace(NAMED, withheld=("salary",))])
def test_entries_as_they_are_kept_need_everything(viewer: Viewer) -> None:
    """Decided by permission: in an empty log as in one that holds what is withheld, and whatever is asked for."""
    empty, small = open_signed(MemoryStore()).log, Small().log
    for log in (empty, small):
        with pytest.raises(NotPermittedError, match="nothing withheld"):
            log.tile("entries", 0, 3, viewer=viewer)
        with pytest.raises(NotPermittedError, match="nothing withheld"):
            log.tile("entries", 77, 256, viewer=viewer)
    assert small.tile(0, 0, 3, viewer=viewer)  # hashes say nothing
    assert small.tile("entries", 0, 3, viewer=NAMED)
    assert small.tile("entries", 0, 3, viewer=operator("acme"))


def test_of_a_removed_entry_only_who_sees_everything_is_told(small: Small) -> None:
    """Its category went with it: whoever has something withheld gets what they get for an absent one."""
    small.log.prune(
        Retention(kept_for="standard", before=small.signed.clock().replace(year=2100)),
        actor=person("u-2", "Per Moe"),
        origin=WEB,
    )
    with pytest.raises(EntryExpiredError):
        small.log.leaf(small.case, viewer=NAMED)
    with pytest.raises(NotFoundError, match="there is no such entry"):
        small.log.leaf(small.case, viewer=KARI)


# What of `Log` names no viewer, and why it may: it records.
_OF_NOBODY = {
    "erase", "id_from", "judge_each", "prune", "record", "record_each", "record_many",
}  # fmt: skip


def test_every_reading_names_its_viewer() -> None:
    """A new way out of `Log` fails here until it asks for a viewer, who has no default, or is listed."""
    public = {name: member for name, member in inspect.getmembers(Log, inspect.isfunction) if name[0] != "_"}
    without = {n for n, member in public.items() if "viewer" not in inspect.signature(member).parameters}
    assert without == _OF_NOBODY
    for name in public.keys() - without:
        assert inspect.signature(public[name]).parameters["viewer"].default is inspect.Parameter.empty, name


def test_every_reading_asks_the_gate(small: Small) -> None:
    """Where the gate refuses, no reading answers, whatever it is asked for."""
    public = [m for n, m in inspect.getmembers(small.log, inspect.ismethod) if n[0] != "_" and n != "refused"]
    readings = [member for member in public if "viewer" in inspect.signature(member).parameters]
    query = Query()
    given = {"query": query, "by": "action", "id_": small.role, "type_": "user", "q": "per"}
    for reading in readings:
        parameters = inspect.signature(reading).parameters
        needed = [p.name for p in parameters.values() if p.default is p.empty and p.name != "viewer"]
        with pytest.raises(NotPermittedError):
            reading(
                **{name: given.get(name, 0) for name in needed}, viewer=structs.replace(KARI, org="other")
            )
    assert len(readings) >= 20
