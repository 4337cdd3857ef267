"""Whoever runs the database moves an item to somebody else, or a stub to another type: `verify` names each edit.

The control is the same log without the edit, which has no finding. What is done by SQL here needs no key and no body.
"""

import hashlib
import shutil
from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from msgspec import structs

from trailbook import Actor, Concern, Item, NewEntry, Origin
from trailbook.deployment.verification import CatalogueRules, VerifyOptions, catalogue_rules, verify_log
from trailbook.record import canonical_json
from trailbook.recording.contract import LogChange
from trailbook.retention.erasure import Command, plan_erasure
from trailbook.retention.removal import Retention
from trailbook.stores import Blob, Head, open_store
from trailbook.testing.signed import KEYRING, ORG, ORIGIN, SignedLog, open_signed
from trailbook.verify import Finding, Report

HR = Actor(kind="system", type="system", id="hr", name="HR system")
JOB = Origin(interface="job")
ROLE = Item(type="role", id="r-3", name="Manager")
BOB, CY, DAN, EVA = (Item(type="user", id=f"u-{n}", name=f"Person {n}") for n in range(42, 46))
Named = set[tuple[str, str]]


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def own(signed: SignedLog, type_: str, number: int, owner: Item) -> NewEntry:
    """An entry about something that belongs to somebody."""
    action = {"payslip": "payslip.published", "sick_leave_follow_up": "sick_leave_follow_up.started"}[type_]
    return NewEntry(
        action=action,
        occurred_at=signed.clock.at,
        actor=HR,
        target=Item(type=type_, id=uuid(number)),
        concerns=(Concern(type=owner.type, id=owner.id, name=owner.name, part="owner"),),
        origin=JOB,
    )


def by(signed: SignedLog, person: Item) -> NewEntry:
    """What somebody did themselves, from their own browser."""
    actor = Actor(kind="person", type=person.type, id=person.id, name=person.name)
    where = Origin(interface="web", ip="192.0.2.9", user_agent="Mozilla/5.0")
    return NewEntry(
        action="role.updated", occurred_at=signed.clock.at, actor=actor, target=ROLE, origin=where
    )


def erase_v1(signed: SignedLog, person: Item) -> None:
    """Erase somebody as it was done before there were lists of stubs."""
    command = Command(actor=HR, at=signed.clock.at, origin=JOB)
    newer = plan_erasure(signed.store, ORG, signed.log.catalogue, person, command, salt=bytes(16))

    def plan(head: Head) -> LogChange:
        change = newer(head)
        (manifest, _), number = change.blobs, change.entry.target.id.partition("-")[0]
        tokens = msgspec.json.decode(manifest.content)["tokens"]
        content = canonical_json({"v": 1, "item": int(number), "tokens": tokens})
        digest = hashlib.sha256(content).hexdigest()
        entry = structs.replace(change.entry, target=Item(type="erasure", id=f"{number}-{digest}"))
        return structs.replace(change, entry=entry, blobs=(Blob("erasure", digest, content),))

    signed.log.recorder.change(plan)


def open_at(folder: Path, *, create: bool = False) -> SignedLog:
    store, _ = open_store(f"sqlite:///{folder}/log.db", create=create)
    return open_signed(store, folder / "outside.txt", seed=0 if create else 1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Payslips of two, and two who are gone, one erased with a list of stubs and one without."""
    folder = tmp_path_factory.mktemp("whole")
    signed = open_at(folder, create=True)
    signed.log.record_many(
        [
            *(own(signed, "payslip", n, owner) for n, owner in enumerate((BOB, CY, BOB, EVA))),
            own(signed, "sick_leave_follow_up", 9, DAN),
            *(by(signed, person) for person in (BOB, CY, DAN, EVA, structs.replace(DAN, name="Dan"))),
        ]
    )
    erase_v1(signed, EVA)
    signed.log.erase(DAN, actor=HR, origin=JOB)
    signed.signer.sign(ORG)
    signed.store.close()
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "log"))


def edit(folder: Path, sql: str, *values: Any) -> int:
    """How many rows an edit of the file changed."""
    db = apsw.Connection(str(folder / "log.db"))
    db.execute(sql, values)
    changed = db.changes()
    db.close()
    return changed


def report(folder: Path, rules: bool = True) -> Report:
    signed = open_at(folder)
    catalogue = signed.log.catalogue
    asked = VerifyOptions(
        origin=ORIGIN,
        keys_of=KEYRING.verifiers,
        now=signed.clock.at,
        rules=catalogue_rules(catalogue) if rules else CatalogueRules(),
    )
    try:
        return verify_log(signed.store, ORG, asked)
    finally:
        signed.store.close()


def verdicts(findings: Sequence[Finding]) -> Named:
    return {(finding.verdict, finding.what) for finding in findings}


OF_PAYSLIP = "UPDATE identity SET owner = {} WHERE key = 'payslip/" + uuid(0) + "'"
OF_BOB, OF_CY = (f"(SELECT item FROM identity WHERE key = 'user/{p.id}')" for p in (BOB, CY))
STUB = "UPDATE identity SET {} WHERE key IS NULL AND type = '{}' AND owner IS NOT NULL"
ERASED_USERS = "FROM identity WHERE type = 'user' AND key IS NULL"
LIST = "UPDATE blob SET content = {} WHERE kind = 'stubs'"
EDITS = {
    "nobody's": (OF_PAYSLIP.format("NULL"), "it belongs to nobody, and entries say whose it is"),
    "another's": (OF_PAYSLIP.format(OF_CY), "it belongs to another item than entries say"),
    "a role of somebody": (
        f"UPDATE identity SET owner = {OF_BOB} WHERE type = 'role'",
        "it belongs to somebody, and no item of its type does",
    ),
    "type, by the list": (
        STUB.format("type = 'payslip'", "sick_leave_follow_up"),
        "the erasure of seq 11 binds another type",
    ),
    "owner, by the list": (
        STUB.format("owner = NULL", "sick_leave_follow_up"),
        "the erasure of seq 11 binds another owner",
    ),
    "another owner, by the list": (
        STUB.format(f"owner = {OF_CY}", "sick_leave_follow_up"),
        "the erasure of seq 11 binds another owner",
    ),
    "type, by entries": (
        STUB.format("type = 'absence'", "payslip"),
        "its type is none that is a target of the entries that cite it",
    ),
    "owner, by entries": (STUB.format("owner = NULL", "payslip"), "it belongs to nobody, and entries say whose it is"),
    "another owner, by entries": (
        STUB.format(f"owner = {OF_CY}", "payslip"),
        "it belongs to another item than entries say",
    ),
    "another person": (
        f"UPDATE identity SET item = (SELECT min(item) {ERASED_USERS})"
        f" WHERE version = (SELECT max(version) {ERASED_USERS})",
        "the erasure names another item",
    ),
    "a stub less": (
        "DELETE FROM identity WHERE key IS NULL AND type = 'sick_leave_follow_up'",
        "entries cite it",
    ),
    "another list": (
        LIST.format("CAST(replace(CAST(content AS TEXT), 'sick_leave', 'well_leave') AS BLOB)"),
        "the list of stubs is not the one its erasure binds",
    ),
    "another salt": (
        LIST.format("CAST('another salt ...' || CAST(substr(content, 17) AS TEXT) AS BLOB)"),
        "the list of stubs is not the one its erasure binds",
    ),
    "no list": (
        "DELETE FROM blob WHERE kind = 'stubs'",
        "the list of stubs that its erasure binds",
    ),
    "a second list": (
        "INSERT INTO blob (org, kind, key, content) SELECT number, 'stubs', 'x', x'00' FROM org",
        "no entry cites it",
    ),
}  # fmt: skip


def test_nothing_is_found_where_nothing_was_edited(folder: Path) -> None:
    honest = report(folder)
    assert (honest.findings, honest.notes) == ((), ())


@pytest.mark.parametrize(("sql", "what"), EDITS.values(), ids=EDITS)
def test_an_edit_is_named(sql: str, what: str, folder: Path) -> None:
    assert edit(folder, sql) > 0
    assert what in {finding.what for finding in report(folder).findings}


def places(whole: Path, folder: Path, *edits: str) -> set[str]:
    """Where findings are once these edits were made in turn."""
    shutil.copytree(whole, folder)
    for sql in edits:
        edit(folder, sql)
    named = {finding.place.partition(", item")[0] for finding in report(folder).findings}
    shutil.rmtree(folder)
    return named


def test_no_edit_hides_another(whole: Path, tmp_path: Path) -> None:
    """In pairs each is named where it was made, as it is alone."""
    alone = {name: places(whole, tmp_path / "log", sql) for name, (sql, _) in EDITS.items()}
    for first, second in combinations(EDITS, 2):
        both = places(whole, tmp_path / "log", EDITS[first][0], EDITS[second][0])
        assert both >= alone[first] | alone[second], (first, second)


def test_what_was_hidden_from_an_erasure_is_named_after_it_too(folder: Path) -> None:
    """The payslip stays in clear, and `verify` says which; without the edit it goes."""
    assert edit(folder, OF_PAYSLIP.format("NULL"))
    signed = open_at(folder)
    signed.log.erase(BOB, actor=HR, origin=JOB)
    left = signed.store.identities(ORG, [("payslip", uuid(n), None) for n in (0, 2)])
    signed.store.close()
    assert [row.id for row in left] == [uuid(0)]
    named = {finding.token for finding in report(folder).findings}
    assert named == {left[0].token}


def test_under_a_catalogue_that_is_not_loaded_there_is_a_note_and_no_finding(folder: Path) -> None:
    """What the list of an erasure binds is checked without any."""
    note = "whose 3 items are is not checked: 3 entries about them were recorded under another catalogue"
    assert edit(folder, OF_PAYSLIP.format("NULL"))
    unread = report(folder, rules=False)
    assert (unread.findings, unread.notes) == ((), (note,))
    assert edit(folder, EDITS["type, by the list"][0])
    assert verdicts(report(folder, rules=False).findings) == {("changed", EDITS["type, by the list"][1])}


def test_an_item_that_nobody_owned_belongs_to_whom_the_next_entry_names(folder: Path) -> None:
    """So that an erasure reaches it: it was refused before anybody said whose it is."""
    signed = open_at(folder)
    slip = Item(type="payslip", id=uuid(77))
    denied = structs.replace(by(signed, CY), action="access.denied", target=slip, outcome="denied")
    signed.log.record_many([denied])
    (row,) = signed.store.identities(ORG, [("payslip", slip.id, None)])
    assert row.owner is None
    signed.log.record_many([own(signed, "payslip", 77, BOB), own(signed, "payslip", 77, CY)])
    bob = signed.store.identities(ORG, [("user", BOB.id, None)])[0].item
    (row,) = signed.store.identities(ORG, [("payslip", slip.id, None)])
    assert row.owner == bob
    signed.signer.sign(ORG)
    assert report(folder).findings == ()
    signed.log.erase(BOB, actor=HR, origin=JOB)
    assert signed.store.identities(ORG, [("payslip", slip.id, None)]) == []
    signed.store.close()


KIN = Item(type="dependant", id=uuid(5))


def benefit(signed: SignedLog, owner: Item, number: int = 6) -> NewEntry:
    """Somebody's benefit, in which one of their family has a part."""
    parts = (("owner", owner), ("dependant", KIN))
    return NewEntry(
        action="benefit.enrolled",
        occurred_at=signed.clock.at,
        actor=HR,
        target=Item(type="benefit", id=uuid(number)),
        concerns=tuple(Concern(type=i.type, id=i.id, name=i.name, part=part) for part, i in parts),
        origin=JOB,
    )


def test_a_personal_item_beside_the_target_belongs_to_its_owner(folder: Path) -> None:
    """Named in somebody's benefit alone, a dependant goes with them; `verify` names whoever hides them from that."""
    signed = open_at(folder)
    signed.log.record_many([benefit(signed, BOB), benefit(signed, CY, 7)])
    signed.signer.sign(ORG)
    assert report(folder).findings == ()
    (kin,) = signed.store.identities(ORG, [("dependant", KIN.id, None)])
    for owner in ("NULL", OF_CY):
        assert edit(folder, f"UPDATE identity SET owner = {owner} WHERE key = 'dependant/{KIN.id}'")
        assert {finding.token for finding in report(folder).findings} == {kin.token}
    assert signed.log.recorder.mend_owners() == 1
    signed.log.erase(BOB, actor=HR, origin=JOB)
    assert signed.store.identities(ORG, [("dependant", KIN.id, None)]) == []
    signed.store.close()


def test_owners_are_mended_from_the_entries(folder: Path) -> None:
    """What an older version or an edit left with nobody or with another goes back; a second time nothing is wrong."""
    signed = open_at(folder)
    before = list(signed.store.every_identity(ORG))
    for name in ("nobody's", "another's"):
        edit(folder, EDITS[name][0])
        assert list(signed.store.every_identity(ORG)) != before
        assert signed.log.recorder.mend_owners() == 1
        assert list(signed.store.every_identity(ORG)) == before
        assert signed.log.recorder.mend_owners() == 0
    signed.store.close()
    assert report(folder).findings == ()


def test_retention_moves_an_item_to_whom_the_entries_that_stay_name(folder: Path) -> None:
    """It was Bob's by an entry that goes and is Cy's by one that stays: an erasure of Cy has to reach it."""
    signed = open_at(folder)
    signed.clock.move(timedelta(days=1200))
    before = signed.clock.at
    signed.log.record_many([own(signed, "payslip", 0, CY), own(signed, "payslip", 2, BOB)])
    for kept_for in ("extended", "standard"):
        signed.log.prune(Retention(kept_for=kept_for, before=before), actor=HR, origin=JOB)
    bob, cy = (signed.store.identities(ORG, [("user", p.id, None)])[0].item for p in (BOB, CY))
    slips = signed.store.identities(ORG, [("payslip", uuid(n), None) for n in (0, 1, 2)])
    assert [(row.id, row.owner) for row in slips] == [(uuid(0), cy), (uuid(2), bob)]
    stubs = [row.type for row in signed.store.every_identity(ORG) if row.id is None]
    assert sorted(stubs) == ["user", "user"]  # what entries cite no more is swept, whatever a list binds
    signed.signer.sign(ORG)
    signed.store.close()
    assert report(folder).findings == ()
    for owner in ("NULL", OF_BOB):
        assert edit(folder, OF_PAYSLIP.format(owner))
        assert {finding.token for finding in report(folder).findings} == {slips[0].token}
