"""Rows read by a verifier: the hash of each, what its body cites, and every way of being no row of this log."""

from hashlib import sha256

import msgspec
import pytest
from msgspec import structs

from trailbook.record import Body, OwnerRules
from trailbook.record.canonical import BodyActor, BodyConcern, BodyOrigin
from trailbook.record.owners import ActionOwners
from trailbook.stores import StoredEntry
from trailbook.verify import Declared, Finding, Seen, read_rows
from trailbook.verify.rows import FirstOwners

ANNA, BOB, EVE, KEY, MANAGER, MOZILLA, OSLO = (
    name.ljust(32, "_") for name in ("anna", "bob", "eve", "key", "manager", "mozilla", "oslo")
)
BODY = Body(
    action="role.assigned",
    actor=BodyActor(ANNA, "person"),
    category="roles",
    concerns=(BodyConcern(BOB, "member"), BodyConcern(OSLO, "scope")),
    fields=("from", "to"),
    id="00000000-0000-4000-8000-000000000001",
    occurred_at="2026-11-02T08:15:00.000000Z",
    on_behalf_of=EVE,
    origin=BodyOrigin("web", MOZILLA),
    outcome="success",
    recorded_at="2026-11-02T08:15:00.000000Z",
    source=KEY,
    target=MANAGER,
    v=1,
)
LEAF = bytes(range(32))


def raw(body: Body = BODY) -> bytes:
    return msgspec.json.encode(body)


def seen() -> Seen:
    return Seen(ids=bytearray(16 * 10))


def only(seen: Seen) -> Finding:
    (finding,) = seen.findings
    return finding


def test_a_sound_row_has_its_hash_and_no_finding() -> None:
    read = seen()
    assert read_rows([StoredEntry(4, raw())], 4, 1, read) == [sha256(b"\x00" + raw()).digest()]
    assert read.findings == []
    assert read.cited == {ANNA, MANAGER, KEY, BOB, OSLO, EVE, MOZILLA}
    assert read.origins == {(MOZILLA, ANNA)}
    assert read.ids[64:80].hex() == BODY.id.replace("-", "")
    assert (read.entries, read.recorded_at, read.declared) == (1, BODY.recorded_at, [])


def test_a_removed_row_is_its_leaf_hash() -> None:
    read = seen()
    assert read_rows([StoredEntry(0, None, LEAF)], 0, 1, read) == [LEAF]
    assert (read.removed, read.entries, read.findings) == ([0], 0, [])


def test_rows_may_come_in_any_order_and_leave_gaps() -> None:
    read = seen()
    rows = [StoredEntry(7, None, LEAF), StoredEntry(5, raw())]
    assert read_rows(rows, 5, 4, read) == [sha256(b"\x00" + raw()).digest(), None, LEAF, None]
    assert read.findings == []


@pytest.mark.parametrize("seq", [4, 9, 6])
def test_a_row_that_stands_where_none_belongs_is_inserted(seq: int) -> None:
    """Before the first, after the last, or a second time; the leaf of the first one stays."""
    read = seen()
    leaves = read_rows([StoredEntry(6, None, LEAF), StoredEntry(seq, raw())], 5, 4, read)
    assert leaves == [None, LEAF, None, None]
    assert (only(read).verdict, only(read).seq) == ("inserted", seq)


@pytest.mark.parametrize(
    "row",
    [
        StoredEntry(0, None),
        StoredEntry(0, raw(), LEAF),
        StoredEntry(0, None, LEAF[:31]),
        StoredEntry(0, "text"),  # type: ignore[arg-type]
    ],
    ids=["nothing", "both", "a short leaf", "no bytes"],
)
def test_a_row_that_is_neither_body_nor_leaf_is_changed(row: StoredEntry) -> None:
    read = seen()
    assert read_rows([row], 0, 1, read) == [b""]
    assert (only(read).verdict, only(read).what) == ("changed", "the row is neither a body nor a leaf hash")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (raw() + b" ", "its body is not in canonical form"),
        (raw(structs.replace(BODY, v=2)), "its body is not in canonical form"),
        (raw(structs.replace(BODY, fields=("to", "from"))), "its body is not in canonical form"),
        (raw(structs.replace(BODY, concerns=BODY.concerns[::-1])), "its body is not in canonical form"),
        (raw(structs.replace(BODY, concerns=BODY.concerns[:1] * 2)), "its body is not in canonical form"),
        (raw(structs.replace(BODY, target="manager")), "its body is not in canonical form"),
        (raw(structs.replace(BODY, effective_at="2026-02-30")), "its body has a day that does not exist"),
        (
            raw(structs.replace(BODY, occurred_at="2026-11-02T08:20:00.000001Z")),
            "its body was recorded more than 5 minutes before it occurred",
        ),
        (raw(structs.replace(BODY, id="1")), "its body is not one"),
        (raw(structs.replace(BODY, id=BODY.id.replace("-", ""))), "its body is not one"),
        (b"{}", "its body is not one"),
        (b"\xff", "its body is not one"),
    ],
)
def test_a_body_in_another_form_is_changed_and_hashed_all_the_same(body: bytes, what: str) -> None:
    read = seen()
    assert read_rows([StoredEntry(3, body)], 3, 1, read) == [sha256(b"\x00" + body).digest()]
    assert (only(read).verdict, only(read).seq) == ("changed", 3)
    assert only(read).what.startswith(what)


@pytest.mark.parametrize("action", ["erased", "pruned", "restarted"])
def test_what_an_entry_declares_of_the_log_is_kept(action: str) -> None:
    body = structs.replace(BODY, action=f"activity_log.{action}")
    read = seen()
    read_rows([StoredEntry(2, raw(body))], 2, 1, read)
    assert read.declared == [Declared(2, f"activity_log.{action}", MANAGER, (BOB, OSLO))]


RULES = OwnerRules({}, {"role.assigned": ActionOwners(("role",), ("member",), personal=True)})


def owned(*bodies: Body, **members: frozenset[str]) -> Seen:
    """What is read of these rows where the target is one of which it matters whose it is."""
    read = Seen(ids=bytearray(16 * len(bodies)), rules=RULES, **members)
    read_rows([StoredEntry(seq, raw(body)) for seq, body in enumerate(bodies)], 0, len(bodies), read)
    return read


def test_of_a_personal_target_it_is_kept_whose_it_is_by_its_first_entry() -> None:
    """And whose by later ones; of any other target nothing is kept."""
    later = structs.replace(BODY, concerns=(BodyConcern(EVE, "member"),))
    read = owned(BODY, later, BODY, personal=frozenset({MANAGER}))
    assert (read.first, read.owners) == ({MANAGER: FirstOwners(0, (BOB,))}, {MANAGER: {EVE}})
    others = owned(BODY, later)
    assert (others.first, others.owners) == ({}, {})


def test_an_entry_that_no_rule_fits_says_nothing_of_an_owner() -> None:
    """Of an action that is not declared, or without the part that is required."""
    unknown = structs.replace(BODY, action="role.lent")
    without = structs.replace(BODY, concerns=(BodyConcern(OSLO, "scope"),))
    read = owned(unknown, without, personal=frozenset({MANAGER}))
    assert (read.first, read.unknown) == ({}, {MANAGER: 2})


def test_of_a_stub_it_is_kept_which_entries_cite_it_as_their_target() -> None:
    both = frozenset({MANAGER})
    assert owned(BODY, personal=both, stubs=both).actions == {MANAGER: {"role.assigned"}}
    assert owned(BODY, personal=both).actions == {}
