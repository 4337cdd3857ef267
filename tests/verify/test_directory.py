"""The directory held against what bodies cite and manifests name: each row, each fault, and its control."""

from hashlib import sha256
from typing import Any

import msgspec
import pytest
from msgspec import structs

from trailbook.model import Item
from trailbook.record import (
    OwnerRules,
    Stub,
    item_preimage,
    origin_preimage,
    stub_list,
    stubs_digest,
    token_of,
)
from trailbook.record.owners import ActionOwners
from trailbook.stores import Identity
from trailbook.verify import Declared, DirectoryRead, Finding, Seen, declarations, judge, learn
from trailbook.verify.directory import Fact, Named
from trailbook.verify.rows import FirstOwners

SALT = bytes(16)
RULES = OwnerRules(
    {"user": False, "absence": True, "role": False},
    {"role.updated": ActionOwners(("role",), ()), "absence.updated": ActionOwners(("absence",), ("owner",))},
)
ERASED, PRUNED = "activity_log.erased", "activity_log.pruned"


def version(
    item: int, type_: str, id_: str, *, name: str | None = None, owner: int | None = None
) -> Identity:
    """A row that opens its token."""
    if type_ == "origin":
        preimage = origin_preimage(id_ or None, name)
    else:
        preimage = item_preimage(Item(type=type_, id=id_, name=name))
    token = token_of(preimage, SALT)
    return Identity(item=item, token=token, type=type_, id=id_, name=name, salt=SALT, owner=owner)


def stub(row: Identity) -> Identity:
    return structs.replace(row, id=None, name=None, salt=None)


ANNA = version(1, "user", "u-17", name="Anna Berg")
HANSEN = version(1, "user", "u-17", name="Anna Hansen")
BOB = version(2, "user", "u-42", name="Bob Li")
WEB = version(3, "origin", "192.0.2.7", name="Mozilla", owner=1)
LEAVE = version(4, "absence", "7", owner=2)
ROWS = (ANNA, BOB, WEB, LEAVE, HANSEN)


def directory(*rows: Identity) -> DirectoryRead:
    read = DirectoryRead()
    for row in rows:
        learn(read, row)
    return read


def cited(*rows: Identity, **members: Any) -> Seen:
    """What bodies say that cite these rows, Anna through her browser and Bob's leave about him."""
    first = {LEAVE.token: FirstOwners(3, (BOB.token,))}
    origins = {(WEB.token, ANNA.token)}
    members = {"cited": {row.token for row in rows}, "first": first, "origins": origins, **members}
    return Seen(ids=bytearray(), rules=RULES, **members)


def verdicts(read: DirectoryRead, seen: Seen, named: Named | None = None) -> list[tuple[str, str | None]]:
    return [(f.verdict, f.token) for f in judge(read, seen, named or Named())]


def test_an_honest_directory_has_no_finding() -> None:
    assert verdicts(directory(*ROWS), cited(*ROWS)) == []


@pytest.mark.parametrize(
    ("row", "verdict", "what"),
    [
        (ANNA, "inserted", "a second row has the same token"),
        (
            structs.replace(version(5, "user", "u-5"), name="Eve"),
            "changed",
            "the row does not open its token",
        ),
        (structs.replace(version(5, "user", "u-5"), salt=None), "changed", "the row does not open its token"),
        (structs.replace(version(5, "user", "u-5"), id=None), "changed", "the row does not open its token"),
        (version(2, "user", "u-5"), "changed", "the row has the number of another item"),
        (version(9, "user", "u-42", name="Bob"), "changed", "the row has the number of another item"),
        (version(1, "role", "u-17"), "changed", "the row has the number of another item"),
    ],
)
def test_a_row_that_does_not_fit_is_named(row: Identity, verdict: str, what: str) -> None:
    """The control: the next item's row, and another version of one that is there, fit."""
    read = directory(*ROWS)
    learn(read, version(5, "user", "u-5"))
    learn(read, version(2, "user", "u-42", name="Bobby"))
    assert read.findings == []
    read = directory(*ROWS)
    learn(read, row)
    (finding,) = read.findings
    assert (finding.verdict, finding.what, finding.token) == (verdict, what, row.token)


def test_a_number_is_not_given_out_again() -> None:
    """Numbers grow with the directory: one that was left out belongs to nobody."""
    read = directory(version(1, "user", "a"), version(3, "user", "b"))
    assert read.findings == []
    learn(read, version(2, "user", "c"))
    assert [f.what for f in read.findings] == ["the row has the number of another item"]


def test_a_row_that_nobody_cites_is_inserted() -> None:
    assert verdicts(directory(*ROWS), cited(*ROWS[:-1])) == [("inserted", HANSEN.token)]


def test_an_origin_belongs_to_the_actor_beside_it() -> None:
    wrong = cited(*ROWS, origins={(WEB.token, BOB.token)})
    assert verdicts(directory(*ROWS), wrong) == [("changed", WEB.token)]


def owned_by(owner: int | None, **members: Any) -> list[str]:
    """What is said of Bob's leave where its row names another owner."""
    rows = (ANNA, BOB, WEB, structs.replace(LEAVE, owner=owner), HANSEN)
    return [f.what for f in judge(directory(*rows), cited(*rows, **members), Named())]


def test_a_personal_item_belongs_to_whom_the_first_entry_says() -> None:
    """To no other, and to somebody; where an earlier entry was removed, to whom any entry that is there says."""
    later = {"owners": {LEAVE.token: {ANNA.token}}}
    assert owned_by(2) == []
    for members in ({}, later):
        assert owned_by(1, **members) == ["it belongs to another item than entries say"]
    gone = {"removed": [1]}
    assert owned_by(1, **gone, **later)[:-1] == []
    assert owned_by(1, **gone)[0] == "it belongs to another item than entries say"
    for members in ({}, later, gone):
        assert owned_by(None, **members)[0] == "it belongs to nobody, and entries say whose it is"


def test_where_no_rule_fits_nothing_is_said_of_an_owner() -> None:
    """An entry of an action that is not declared may have said whose it is; the control is the test above."""
    assert owned_by(1, unknown={LEAVE.token: 1}) == []
    assert owned_by(None, unknown={LEAVE.token: 1}) == []


def test_what_is_nobodys_has_no_owner() -> None:
    """A role that belonged to somebody would go with them."""
    manager = version(5, "role", "r-3", name="Manager")
    assert verdicts(directory(*ROWS, manager), cited(*ROWS, manager)) == []
    hers = structs.replace(manager, owner=1)
    assert verdicts(directory(*ROWS, hers), cited(*ROWS, hers)) == [("changed", hers.token)]


def test_an_origin_is_cited_as_one_and_nothing_else_is() -> None:
    named = Named(tokens={WEB.token: 12, LEAVE.token: 12})
    for row, type_ in ((WEB, "absence"), (LEAVE, "origin")):
        wrong = structs.replace(stub(row), type=type_)
        rows = tuple(wrong if other is row else stub(other) if other is LEAVE else other for other in ROWS)
        wrongs = verdicts(directory(*rows), cited(*rows), named)
        assert ("changed", row.token) in wrongs, row


def test_a_stub_is_the_work_of_an_erasure_that_names_it() -> None:
    """An erasure that names a row which still says something was not carried out."""
    rows = (ANNA, stub(BOB), WEB, LEAVE, HANSEN)
    named = Named(tokens={BOB.token: 12})
    assert verdicts(directory(*rows), cited(*rows), named) == []
    assert verdicts(directory(*rows), cited(*rows)) == [("missing", BOB.token)]
    assert verdicts(directory(*ROWS), cited(*ROWS), named) == [("unerased", BOB.token)]


def test_a_stub_of_a_type_that_nobody_declared_is_changed() -> None:
    odd = structs.replace(stub(version(5, "spaceship", "1")), owner=None)
    rows, named = (*ROWS, odd), Named(tokens={odd.token: 12})
    assert verdicts(directory(*rows), cited(*rows), named) == [("changed", odd.token)]
    plain = stub(version(5, "role", "1"))
    rows, named = (*ROWS, plain), Named(tokens={plain.token: 12})
    assert verdicts(directory(*rows), cited(*rows), named) == []


def test_a_stub_has_a_type_that_its_entries_take() -> None:
    """Of an older erasure nothing else says which type it had."""
    named, rows = Named(tokens={LEAVE.token: 12}), (ANNA, BOB, WEB, stub(LEAVE), HANSEN)
    actions = {LEAVE.token: {"absence.updated", "absence.of_a_host"}}
    assert verdicts(directory(*rows), cited(*rows, actions=actions), named) == []
    odd = (ANNA, BOB, WEB, structs.replace(stub(LEAVE), type="role", owner=None), HANSEN)
    assert verdicts(directory(*odd), cited(*odd, actions=actions), named) == [("changed", LEAVE.token)]


@pytest.mark.parametrize("change", [{"type": "user"}, {"owner": None}, {"owner": 1}])
def test_a_stub_is_as_its_erasure_binds_it(change: dict[str, Any]) -> None:
    named = Named(tokens={LEAVE.token: 12}, stubs={LEAVE.token: Stub("absence", 2)})
    rows = (ANNA, BOB, WEB, stub(LEAVE), HANSEN)
    assert verdicts(directory(*rows), cited(*rows), named) == []
    wrong = (ANNA, BOB, WEB, structs.replace(stub(LEAVE), **change), HANSEN)
    assert verdicts(directory(*wrong), cited(*wrong), named) == [("changed", LEAVE.token)]


def test_a_removed_entry_is_the_work_of_a_removal_that_names_it() -> None:
    read, named = directory(*ROWS), Named(removed={5: 12})
    assert list(judge(read, cited(*ROWS, removed=[5]), named)) == []
    (missing,) = judge(read, cited(*ROWS, removed=[5]), Named())
    assert (missing.verdict, missing.seq, missing.what) == ("missing", 5, "no removal names it")
    (unerased,) = judge(read, cited(*ROWS), named)
    assert (unerased.verdict, unerased.seq) == ("unerased", 5)


def manifest_of(content: dict[str, Any]) -> tuple[bytes, str]:
    raw = msgspec.json.encode(content)
    return raw, sha256(raw).hexdigest()


def declared(action: str, digest: str, type_: str) -> tuple[Declared, DirectoryRead]:
    """An entry at seq 12 about Bob whose target stands for a manifest."""
    fact = version(5, type_, f"2-{digest}")
    return Declared(12, action, fact.token, (BOB.token,)), directory(*ROWS, fact)


def findings(named: Named) -> list[tuple[str, int | None]]:
    return [(f.verdict, f.seq) for f in named.findings]


def test_a_cited_erasure_names_its_tokens() -> None:
    raw, digest = manifest_of({"v": 1, "item": 2, "tokens": [BOB.token]})
    entry, read = declared(ERASED, digest, "erasure")
    assert read.facts == {entry.target: Fact("erasure", f"2-{digest}")}
    named = declarations([entry], read, lambda kind, key: raw if (kind, key) == ("erasure", digest) else None)
    assert (named.tokens, named.findings) == ({BOB.token: 12}, [])
    assert named.manifests == {("erasure", digest)}


def test_a_cited_removal_names_its_seqs() -> None:
    raw, digest = manifest_of({"v": 1, "seqs": [[3, 5], [8, 8]]})
    entry, read = declared(PRUNED, digest, "removal")
    named = declarations([entry], read, lambda kind, key: raw)
    assert (named.removed, named.findings) == (dict.fromkeys((3, 4, 5, 8), 12), [])


def test_a_manifest_that_is_gone_altered_or_none_is_a_finding() -> None:
    raw, digest = manifest_of({"v": 1, "item": 2, "tokens": []})
    entry, read = declared(ERASED, digest, "erasure")
    assert findings(declarations([entry], read, lambda kind, key: raw)) == []
    assert findings(declarations([entry], read, lambda kind, key: None)) == [("missing", 12)]
    assert findings(declarations([entry], read, lambda kind, key: raw + b" ")) == [("changed", 12)]
    wrong, its_digest = manifest_of({"v": 1})
    entry, read = declared(ERASED, its_digest, "erasure")
    assert findings(declarations([entry], read, lambda kind, key: wrong)) == [("changed", 12)]


LIST = stub_list(SALT, {BOB.token: Stub("user", None), LEAVE.token: Stub("absence", 2)})


def bound(kept: bytes | None, **members: Any) -> Named:
    """What is named by an erasure of version 2 whose list is kept as `kept`."""
    tokens = sorted([BOB.token, LEAVE.token])
    raw, digest = manifest_of({"v": 2, "item": 2, "tokens": tokens, "stubs": stubs_digest(LIST), **members})
    entry, read = declared(ERASED, digest, "erasure")
    blobs = {("erasure", digest): raw, ("stubs", stubs_digest(LIST)): kept}
    return declarations([entry], read, lambda kind, key: blobs.get((kind, key)))


def test_an_erasure_of_version_2_binds_a_list_of_stubs() -> None:
    named = bound(LIST)
    assert named.stubs == {BOB.token: Stub("user", None), LEAVE.token: Stub("absence", 2)}
    assert (sorted(named.tokens), named.findings) == (sorted([BOB.token, LEAVE.token]), [])
    assert ("stubs", stubs_digest(LIST)) in named.manifests


def test_a_list_of_stubs_that_is_gone_altered_or_of_others_is_a_finding() -> None:
    assert findings(bound(LIST)) == []
    assert findings(bound(None)) == [("missing", 12)]
    assert findings(bound(LIST.replace(b"absence", b"payslip"))) == [("changed", 12)]
    assert findings(bound(LIST, tokens=[BOB.token])) == [("changed", 12)]
    assert findings(bound(LIST, v=3)) == [("changed", 12)]
    assert bound(LIST.replace(b"absence", b"payslip")).stubs == {}


def test_a_fact_of_another_kind_is_no_manifest() -> None:
    raw, digest = manifest_of({"v": 1, "seqs": [[3, 5]]})
    entry, read = declared(PRUNED, digest, "erasure")
    assert findings(declarations([entry], read, lambda kind, key: raw)) == [("missing", 12)]


def test_an_erasure_is_of_the_person_that_its_entry_is_about() -> None:
    raw, digest = manifest_of({"v": 1, "item": 1, "tokens": [ANNA.token]})
    entry, read = declared(ERASED, digest, "erasure")
    (finding,) = declarations([entry], read, lambda kind, key: raw).findings
    assert isinstance(finding, Finding)
    assert (finding.what, finding.token) == ("the erasure names another item", BOB.token)
