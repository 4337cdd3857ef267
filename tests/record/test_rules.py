"""Every rule of an entry: refused with its pointer and code, and next to each the control that passes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from msgspec import structs

from trailbook.catalogue import load
from trailbook.errors import ActionUnknownError, EntryInvalidError, Fault
from trailbook.model import Actor, Concern, Item, NewEntry, Origin
from trailbook.record.rules import complete_entry
from trailbook.record.rules_cache import RulesCache
from trailbook.testing.steady import START
from trailbook.testing.strategies import new_entries

CATALOGUE = load()
ANNA = Actor(type="user", id="u-17", name="Anna Berg", kind="person")
BOB = Concern(type="user", id="u-42", name="Bob Li", part="member")
ROLE = Item(type="role", id="r-3", name="Manager")
SALARY = Item(type="salary", id="s-1")
OWNER = Concern(type="user", id="u-42", name="Bob Li", part="owner")
SYNC = Actor(type="integration", id="i-1", name="Payroll", kind="integration")
GOOD = NewEntry(
    action="role.assigned",
    occurred_at=START,
    actor=ANNA,
    target=ROLE,
    concerns=(BOB,),
    origin=Origin(interface="web"),
)
PAID = structs.replace(GOOD, action="salary.updated", target=SALARY, concerns=(OWNER,))
RENAMED = structs.replace(GOOD, action="role.updated", concerns=())
GRANTED = structs.replace(GOOD, action="role.permission_granted", concerns=())


def faults(entry: NewEntry, now: datetime = START) -> list[tuple[str, str]]:
    try:
        complete_entry(CATALOGUE, entry, now)
    except (EntryInvalidError, ActionUnknownError) as error:
        return [(fault.pointer, fault.code) for fault in error.faults]
    return []


def concerned(count: int, part: str = "member") -> tuple[Concern, ...]:
    return tuple(Concern(type="user", id=f"u-{at}", part=part) for at in range(count))


def to(entry: NewEntry, **members: Any) -> NewEntry:
    return structs.replace(entry, **members)


def user(**members: Any) -> Actor:
    return structs.replace(ANNA, **members)


def placed(ip: str) -> NewEntry:
    return to(GOOD, origin=Origin(interface="web", ip=ip))


DATED = to(GOOD, effective_at="2028-02-29")
RULES: list[tuple[str, NewEntry, NewEntry, str, str]] = [
    # name, the entry refused, the control, pointer, code
    ("category", to(GOOD, category="users"), to(GOOD, category="roles"), "/category", "entry-invalid"),
    ("no offset", to(GOOD, occurred_at=START.replace(tzinfo=None)), GOOD, "/occurred_at", "entry-invalid"),
    (
        "ahead",
        to(GOOD, occurred_at=START + timedelta(minutes=5, microseconds=1)),
        to(GOOD, occurred_at=START + timedelta(minutes=5)),
        "/occurred_at",
        "time-ahead",
    ),
    ("kind of a person", to(GOOD, actor=user(kind="system")), GOOD, "/actor/kind", "entry-invalid"),
    (
        "kind of no person",
        to(GOOD, actor=structs.replace(SYNC, kind="person")),
        to(GOOD, actor=SYNC),
        "/actor/kind",
        "entry-invalid",
    ),
    ("actor's type", to(GOOD, actor=user(type="robot")), GOOD, "/actor/type", "entry-invalid"),
    ("target undeclared", to(GOOD, target=Item(type="thing", id="1")), GOOD, "/target/type", "entry-invalid"),
    ("target of another type", to(GOOD, target=SALARY), GOOD, "/target/type", "entry-invalid"),
    (
        "an origin is no item",
        to(GOOD, concerns=(BOB, Concern(type="origin", id="192.0.2.7", part="scope"))),
        to(GOOD, concerns=(BOB, Concern(type="team", id="t-1", part="scope"))),
        "/concerns/1/type",
        "entry-invalid",
    ),
    (
        "on behalf of no person",
        to(GOOD, on_behalf_of=Item(type="integration", id="i-1")),
        to(GOOD, on_behalf_of=Item(type="user", id="u-9")),
        "/on_behalf_of/type",
        "entry-invalid",
    ),
    ("concern missing", to(GOOD, concerns=()), GOOD, "/concerns", "concern-missing"),
    (
        "concern unknown",
        to(GOOD, concerns=(BOB, structs.replace(BOB, part="owner"))),
        to(GOOD, concerns=(BOB, structs.replace(BOB, part="scope"))),
        "/concerns/1/part",
        "concern-unknown",
    ),
    (
        "concern of another type than its part takes",
        to(GRANTED, concerns=(Concern(type="absence", id="a-1", part="permission"),)),
        to(GRANTED, concerns=(Concern(type="permission", id="p-1", name="See pay", part="permission"),)),
        "/concerns/0/type",
        "entry-invalid",
    ),
    ("a part that a host may leave out", to(GRANTED, concerns=(BOB,)), GRANTED, "/concerns/0/part", "concern-unknown"),
    (
        "concerns beyond the part's bound",
        to(PAID, concerns=concerned(2, "owner")),
        PAID,
        "/concerns",
        "entry-invalid",
    ),
    (
        "concerns beyond 100",
        to(GOOD, concerns=(*concerned(100), *concerned(1, "scope"))),
        to(GOOD, concerns=(*concerned(99), *concerned(1, "scope"))),
        "/concerns",
        "entry-invalid",
    ),
    (
        "concerns beyond 100 once filled",
        to(GOOD, concerns=concerned(100), on_behalf_of=Item(type="user", id="x")),
        to(GOOD, concerns=concerned(100)),
        "/concerns",
        "entry-invalid",
    ),
    (
        "concern repeated",
        to(GOOD, concerns=(BOB, structs.replace(BOB, name="Bob"))),
        to(GOOD, concerns=(BOB, structs.replace(BOB, id="u-43"))),
        "/concerns/1",
        "entry-invalid",
    ),
    (
        "field undeclared",
        to(RENAMED, fields=("name", "salary")),
        to(RENAMED, fields=("name",)),
        "/fields/1",
        "field-undeclared",
    ),
    (
        "field repeated",
        to(RENAMED, fields=("name", "name")),
        to(RENAMED, fields=("name",)),
        "/fields",
        "entry-invalid",
    ),
    (
        "name of an unnamed type",
        to(PAID, target=Item(type="salary", id="s-1", name="51 000")),
        PAID,
        "/target/name",
        "name-refused",
    ),
    (
        "id against its pattern",
        to(PAID, target=Item(type="salary", id="51 000 kr")),
        PAID,
        "/target/id",
        "entry-invalid",
    ),
    ("purpose", to(GOOD, purpose="because"), to(GOOD, purpose="leave"), "/purpose", "entry-invalid"),
    *(
        (f"date {text}", to(GOOD, effective_at=text), DATED, "/effective_at", "entry-invalid")
        for text in ("2026-02-29", "20261102", "2026-W45-1", "2026-11-02T00:00:00Z", "", "soon")
    ),
    (
        "correlation too long",
        to(GOOD, correlation="x" * 201),
        to(GOOD, correlation="x" * 200),
        "/correlation",
        "entry-invalid",
    ),
    ("correlation empty", to(GOOD, correlation=""), GOOD, "/correlation", "entry-invalid"),
    *(
        (f"ip {ip}", placed(ip), placed(right), "/origin/ip", "entry-invalid")
        for ip, right in (
            ("", "192.0.2.7"),
            ("192.0.2", "192.0.2.0"),
            ("192.0.02.7", "192.0.2.7"),
            ("2001:DB8::1", "2001:db8::1"),
            ("2001:db8:0:0:0:0:0:1", "::1"),
            ("fe80::1%Anna earns 51 000", "fe80::1"),
            ("192.0.2.7:443", "192.0.2.8"),
            ("host.example", "192.0.2.9"),
        )
    ),
    (
        "user agent too long",
        to(GOOD, origin=Origin(interface="web", user_agent="x" * 501)),
        to(GOOD, origin=Origin(interface="web", user_agent="x" * 500)),
        "/origin/user_agent",
        "entry-invalid",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("bad", "good", "pointer", "code"), [r[1:] for r in RULES], ids=[r[0] for r in RULES]
)
def test_a_rule_refuses_and_its_control_passes(
    bad: NewEntry, good: NewEntry, pointer: str, code: str
) -> None:
    assert (pointer, code) in faults(bad)
    assert faults(good) == []


Place = Callable[[str], NewEntry]
TEXTS: dict[str, tuple[Place, int]] = {
    "/actor/id": (lambda t: to(GOOD, actor=user(id=t)), 200),
    "/actor/name": (lambda t: to(GOOD, actor=user(name=t)), 300),
    "/target/id": (lambda t: to(GOOD, target=structs.replace(ROLE, id=t)), 200),
    "/target/name": (lambda t: to(GOOD, target=structs.replace(ROLE, name=t)), 300),
    "/on_behalf_of/id": (lambda t: to(GOOD, on_behalf_of=Item(type="user", id=t)), 200),
    "/on_behalf_of/name": (lambda t: to(GOOD, on_behalf_of=Item(type="user", id="1", name=t)), 300),
    "/concerns/0/id": (lambda t: to(GOOD, concerns=(structs.replace(BOB, id=t),)), 200),
    "/concerns/0/name": (lambda t: to(GOOD, concerns=(structs.replace(BOB, name=t),)), 300),
    "/correlation": (lambda t: to(GOOD, correlation=t), 200),
    "/origin/user_agent": (lambda t: to(GOOD, origin=Origin(interface="web", user_agent=t)), 500),
}
EVIL = {
    "empty": "",
    "NUL": "a\x00b",
    "C0": "a\x1b[31m",
    "newline": "a\nb",
    "DEL": "a\x7f",
    "C1": "a\x9b31m",
    "bidi override": "a\u202eb",
    "bidi isolate": "a\u2066b",
    "line separator": "a\u2028b",
    "lone surrogate": "a\ud800",
    "NFD": "A\u030ase",
}


@pytest.mark.parametrize("pointer", TEXTS)
@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_text_is_refused_in_every_member(pointer: str, evil: str) -> None:
    place, _ = TEXTS[pointer]
    assert faults(place(evil)) == [(pointer, "entry-invalid")]


@pytest.mark.parametrize("pointer", TEXTS)
def test_text_up_to_its_bound(pointer: str) -> None:
    """The control, at the bound, with four-byte and right-to-left letters; one character above is refused."""
    place, most = TEXTS[pointer]
    for letter in ("x", "Å", "🧭", "م"):
        assert faults(place(letter * most)) == []
        assert faults(place(letter * (most + 1))) == [(pointer, "entry-invalid")]


@pytest.mark.parametrize("place", ["actor", "target", "on_behalf_of"])
@pytest.mark.parametrize("type_", ["", "User", "a b", "user/1", "1a", "x" * 65])
def test_a_type_is_a_slug(place: str, type_: str) -> None:
    item = structs.replace(getattr(GOOD, place) or Item(type="user", id="1"), type=type_)
    assert (f"/{place}/type", "entry-invalid") in faults(to(GOOD, **{place: item}))
    assert faults(GOOD) == []


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("/outcome", {"outcome": "banana"}),
    ("/actor/kind", {"actor": structs.replace(SYNC, kind="robot")}),
    ("/actor/kind", {"actor": Item(type="user", id="1")}),
    ("/origin/interface", {"origin": Origin(interface="fax")}),  # type: ignore[arg-type]
    ("/origin", {"origin": None}),
    ("/target", {"target": None}),
    ("/target/id", {"target": Item(type="role", id=3)}),  # type: ignore[arg-type]
    ("/fields", {"fields": "name"}),
    ("/fields/0", {"fields": (3,)}),
    ("/concerns", {"concerns": None}),
    ("/concerns/0", {"concerns": ("u-42",)}),
    ("/effective_at", {"effective_at": 20261102}),
    ("/purpose", {"purpose": 5}),
    ("/id", {"id": "x"}),
    ("/occurred_at", {"occurred_at": "yesterday"}),
    ("", {"correlation": object()}),
]


@pytest.mark.parametrize(("pointer", "members"), WRONG, ids=[f"{p} {sorted(m)}"[:60] for p, m in WRONG])
def test_types_are_checked_however_an_entry_is_made(pointer: str, members: dict[str, Any]) -> None:
    """A Struct made in Python holds anything: one with a kind nobody knows would make a log unreadable."""
    assert faults(to(GOOD, **members)) == [(pointer, "entry-invalid")]
    assert faults(GOOD) == []


@pytest.mark.parametrize("zone", ["Z", "+05:00", "-11:00"])
def test_what_happened_before_the_first_day_is_refused(zone: str) -> None:
    """An instant that some zone shifts past the calendar would be shown by no page; archives may begin earlier."""
    for early in ("0001-01-01T00:00:00", "1612-03-04T05:06:07", "1899-12-31T10:59:59"):
        at = datetime.fromisoformat(early + zone)
        assert faults(to(GOOD, occurred_at=at)) == [("/occurred_at", "time-early")]
    first = datetime.fromisoformat("1900-01-02T00:00:00" + zone)
    assert faults(to(GOOD, occurred_at=first)) == []
    archive = datetime(1800, 1, 1, tzinfo=UTC)
    for day, refused in (("1800-01-02", False), ("1799-12-30", True)):
        at = datetime.fromisoformat(f"{day}T00:00:00{zone}")
        cache = RulesCache(CATALOGUE, archive)
        for complete in (
            partial(complete_entry, CATALOGUE, earliest=archive),
            cache.complete,
            cache.complete,
        ):
            if refused:
                with pytest.raises(EntryInvalidError):
                    complete(entry=to(GOOD, occurred_at=at), now=START)
            else:
                assert complete(entry=to(GOOD, occurred_at=at), now=START)


@pytest.mark.parametrize(
    ("action", "nearest"),
    [("role.asigned", "role.assigned"), ("roles.assigned", "role.assigned"), ("qqqq", None), ("", None)],
)
def test_an_unknown_action_names_the_nearest(action: str, nearest: str | None) -> None:
    """Refused, and never taken for the one that was meant."""
    with pytest.raises(ActionUnknownError) as refused:
        complete_entry(CATALOGUE, to(GOOD, action=action), START)
    assert refused.value.nearest == nearest
    assert [(f.pointer, f.code) for f in refused.value.faults] == [("/action", "action-unknown")]
    assert (nearest or "") in refused.value.detail


def test_all_faults_are_told_at_once() -> None:
    bad = to(GOOD, category="x", purpose="x", concerns=(structs.replace(BOB, name=""),), fields=("x",))
    assert {pointer for pointer, _ in faults(bad)} == {
        "/category", "/purpose", "/concerns/0/name", "/fields/0",
    }  # fmt: skip
    with pytest.raises(EntryInvalidError) as refused:
        complete_entry(CATALOGUE, bad, START)
    first = refused.value.faults[0]
    assert isinstance(first, Fault)
    assert (refused.value.code, first.pointer) == (first.code, "/category")
    assert all(fault.detail in refused.value.detail for fault in refused.value.faults)


def test_an_unknown_action_hides_no_other_fault() -> None:
    """Whoever mends the action should not have to send the entry again to learn of the rest."""
    bad = to(GOOD, action="role.asigned", purpose="x", occurred_at=START + timedelta(days=1))
    with pytest.raises(ActionUnknownError) as refused:
        complete_entry(CATALOGUE, bad, START)
    assert [fault.pointer for fault in refused.value.faults] == ["/action", "/occurred_at", "/purpose"]


def test_a_missing_concern_is_told_beside_other_faults() -> None:
    bad = to(GOOD, purpose="x", concerns=())
    assert faults(bad) == [("/purpose", "entry-invalid"), ("/concerns", "concern-missing")]


def test_what_follows_is_filled_in_and_nothing_else() -> None:
    anna = Item(type="user", id="u-17", name="Anna Berg")
    updated = to(GOOD, action="user.profile_updated", target=anna, concerns=())
    filled = complete_entry(CATALOGUE, updated, START).entry
    assert filled.category == "users"
    assert [(c.part, c.id, c.name) for c in filled.concerns] == [("subject", "u-17", "Anna Berg")]
    behalf = complete_entry(CATALOGUE, to(GOOD, actor=SYNC, on_behalf_of=anna), START).entry
    assert [c.part for c in behalf.concerns] == ["member", "represented"]
    assert complete_entry(CATALOGUE, to(GOOD, category="roles"), START).entry == to(GOOD, category="roles")


def test_a_part_given_and_filled_under_two_names_is_refused() -> None:
    anna = Item(type="user", id="u-17", name="Anna Berg")
    subject = Concern(type="user", id="u-17", name="Anna Berg", part="subject")
    updated = to(GOOD, action="user.profile_updated", target=anna, concerns=(subject,))
    assert faults(updated) == []
    other = structs.replace(subject, name="Anna Hansen")
    assert faults(to(updated, concerns=(other,)))[0][0] == "/concerns"


def test_a_personal_target_has_its_owner() -> None:
    """What is erased with a person knows whose it is."""
    assert complete_entry(CATALOGUE, PAID, START).owner == OWNER
    assert complete_entry(CATALOGUE, GOOD, START).owner is None


def test_fields_beyond_100(tmp_path: Path) -> None:
    names = [f"f_{at}" for at in range(101)]
    (tmp_path / "roles.toml").write_text(f"[types.role]\nfields = {names}\n".replace("'", '"'))
    catalogue = load([tmp_path])
    complete_entry(catalogue, to(RENAMED, fields=tuple(names[:100])), START)
    with pytest.raises(EntryInvalidError) as refused:
        complete_entry(catalogue, to(RENAMED, fields=tuple(names)), START)
    assert [f.pointer for f in refused.value.faults] == ["/fields"]


@given(new_entries(CATALOGUE))
def test_drawn_entries_keep_every_rule(entry: NewEntry) -> None:
    complete = complete_entry(CATALOGUE, entry, START).entry
    assert complete.category == CATALOGUE.actions[entry.action].category
    assert set(entry.concerns) <= set(complete.concerns)
    assert complete_entry(CATALOGUE, complete, START).entry == complete
    assert isinstance(complete.id, UUID)
