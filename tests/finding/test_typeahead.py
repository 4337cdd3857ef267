"""Typeahead: who and what is offered while somebody types, in which order, and who never is."""

from datetime import timedelta

import pytest
from msgspec import structs

from trailbook import Actor, Concern, Item, Log, NewEntry, Origin, operator
from trailbook.errors import FilterInvalidError
from trailbook.finding.typeahead import MOST
from trailbook.model import text_fault
from trailbook.testing import FrozenClock, new_log

ME = operator("acme")
WEB = Origin(interface="web", ip="192.0.2.7", user_agent="Annabel/1.0")
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
ASE = Item(type="user", id="u-1", name="Åse Berg")
ROLE = Item(type="role", id="r-3", name="Annex")


def assigned(member: Item, days: int = 0) -> NewEntry:
    """Anna gave somebody a role, so many days ago."""
    concern = Concern(part="member", type=member.type, id=member.id, name=member.name)
    at = FrozenClock().at - timedelta(days=days)
    return NewEntry(
        action="role.assigned", occurred_at=at, actor=ANNA, target=ROLE, concerns=(concern,), origin=WEB
    )


@pytest.fixture
def log() -> Log:
    """Anna gave Åse a role, before and after Åse was called Lind."""
    log = new_log()
    log.record_many([assigned(ASE, 1), assigned(structs.replace(ASE, name="Åse Lind"))])
    return log


def offered(log: Log, q: str, **more: object) -> list[str]:
    return [f"{item.type}/{item.id}" for item in log.items(q, viewer=ME, **more)]  # type: ignore[arg-type]


def test_people_are_found_by_every_name_they_had(log: Log) -> None:
    """By the beginning of each word, folded, in any order; by the whole id; the name of now stands beside."""
    for q in ("ase", "AASE", "åse ber", "lin å", "u-1"):
        assert offered(log, q) == ["user/u-1"], q
    for q in ("ase anna", "se", "u-", "lindgren"):
        assert offered(log, q) == [], q
    (ase,) = log.items("lind", viewer=ME)
    assert (ase.name, ase.name_now, ase.kind) == ("Åse Berg", "Åse Lind", "person")


def test_they_come_by_the_name_they_have_now(log: Log) -> None:
    """In the order of the alphabet, folded, whatever they were found by; at most so many."""
    assert offered(log, "ann") == ["user/u-17", "role/r-3"]
    assert offered(log, "berg") == ["user/u-17", "user/u-1"]  # Anna Berg, Åse Lind
    assert offered(log, "ann", limit=1) == ["user/u-17"]
    log.record_many([assigned(Item(type="user", id=f"u-x{at}", name="Annika")) for at in range(30)])
    assert len(offered(log, "annik", limit=100)) == MOST


def test_only_what_has_had_the_part_is_offered(log: Log) -> None:
    """For the field Actor those who acted, for the field Concerns what entries are about."""
    assert offered(log, "ann", role="actor") == ["user/u-17"]
    assert offered(log, "ann", role="target") == ["role/r-3"]
    assert offered(log, "ase", role="actor") == []
    assert offered(log, "ase", role="concerns") == ["user/u-1"]
    assert offered(log, "ann", type_="role") == ["role/r-3"]


def test_sources_origins_and_what_is_withheld_are_never_offered(log: Log) -> None:
    """An origin's user agent is no name to look for; an item of a category that is withheld is not there."""
    assert offered(log, "annabel") == offered(log, "trailbook") == []
    withheld = structs.replace(ME, withheld=("roles",))
    assert log.items("ann", viewer=withheld) == []  # nothing that is seen is of Anna
    log.record(
        "user.signed_in", actor=ANNA, target=Item(type="user", id="u-17", name="Anna Berg"), origin=WEB
    )
    assert [item.id for item in log.items("ann", viewer=withheld)] == ["u-17"]
    assert [item.id for item in log.items("ann", viewer=ME)] == ["u-17", "r-3"]  # the control


def test_whoever_was_erased_is_not_offered(log: Log) -> None:
    """By no name and not by id, neither offered nor remembered; the others are."""
    assert log.item("user", "u-1", viewer=ME) is not None
    log.erase(ASE, actor=ANNA, origin=WEB)
    assert [offered(log, q) for q in ("ase", "lind", "u-1")] == [[], [], []]
    assert log.item("user", "u-1", viewer=ME) is None
    assert offered(log, "berg") == ["user/u-17"]


def test_an_item_is_remembered_with_the_names_it_had(log: Log) -> None:
    """Its name now, those before, newest first, and whether it is there still; what was never heard of is none."""
    ase = log.item("user", "u-1", viewer=ME)
    assert ase is not None
    assert (ase.name, ase.before, ase.exists) == ("Åse Lind", ("Åse Berg",), True)
    log.record("role.deleted", actor=ANNA, target=ROLE, origin=WEB)
    role = log.item("role", "r-3", viewer=ME)
    assert role is not None
    assert (role.name, role.before, role.exists) == ("Annex", (), False)
    assert log.item("role", "u-1", viewer=ME) is None


@pytest.mark.parametrize("q", ["x" * 81, "a\u202eb", "a\x00"])
def test_text_that_can_be_no_name_is_refused(log: Log, q: str) -> None:
    """By the name of the parameter, with the reason; 80 characters are looked for."""
    with pytest.raises(FilterInvalidError) as refused:
        log.items(q, viewer=ME)
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.code) == ("/q", "parameter-invalid")
    assert fault.detail in {"needs 1 to 80 characters", text_fault(q, 80)}
    assert offered(log, "x" * 80) == []
