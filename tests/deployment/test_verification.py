"""Verification against whoever rewrites history: old copies, forks, cut tails, forged signatures; and its reach.

Each attack has its control: the same log without it has no finding.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from trailbook.deployment.restart import restart
from trailbook.deployment.verification import VerifyOptions, catalogue_rules, verify_heads, verify_log
from trailbook.proofs.keyring import keyring_of
from trailbook.proofs.outside_file import read_outside
from trailbook.proofs.signer import Signer, Signing
from trailbook.stores import Blob, open_store
from trailbook.stores.memory.store import MemoryStore
from trailbook.testing.signed import KEYRING, ORG, ORIGIN, SignedLog, entry_at, fill, open_signed
from trailbook.tree.checkpoint import parse_checkpoint, parse_note
from trailbook.tree.merkle import EMPTY, TILE, compact_range, extend_frontier
from trailbook.verify import (
    Finding,
)

THIEF = keyring_of({"log": b"t" * 32, "cosign": b"u" * 32})
BIG = TILE * TILE + 3 * TILE


def asked(signed_log: SignedLog, outside: Sequence[bytes] = ()) -> VerifyOptions:
    return VerifyOptions(
        origin=ORIGIN,
        keys_of=KEYRING.verifiers,
        outside=tuple(outside),
        now=signed_log.clock.at,
        rules=catalogue_rules(signed_log.log.catalogue),
    )


def notes(file: Path) -> tuple[bytes, ...]:
    return tuple(signed.note for signed in read_outside(file).notes)


def verdicts(findings: Sequence[Finding]) -> set[tuple[str, int | None, int | None]]:
    return {(f.verdict, f.seq, f.stop) for f in findings}


def more(signed_log: SignedLog, count: int, since: int = 0) -> None:
    """Record `count` more entries, of which the content follows from `since`, and sign."""
    signed_log.clock.move(timedelta(minutes=1))
    signed_log.log.record_many([entry_at(signed_log, n) for n in range(since, since + count)])
    signed_log.signer.sign(ORG)


@pytest.fixture
def signed(tmp_path: Path) -> SignedLog:
    signed_log = open_signed(MemoryStore(), tmp_path / "outside.txt")
    fill(signed_log, 300)
    return signed_log


def test_an_honest_log_has_no_finding(signed: SignedLog, tmp_path: Path) -> None:
    """The control of everything below."""
    steps: list[tuple[int, int]] = []
    heads = notes(tmp_path / "outside.txt")
    report = verify_log(
        signed.store, ORG, asked(signed, heads), progress=lambda done, total: steps.append((done, total))
    )
    assert report.findings == ()
    assert report.notes == ()
    assert report.size == report.checkpoint == steps[-1][0] == steps[-1][1] == 313
    assert report.root == parse_checkpoint(parse_note(heads[-1]).text).root
    assert report.checked["entries"] + report.checked["removed"] == 313


def test_a_database_and_memory_are_verified_alike(tmp_path: Path) -> None:
    store, _ = open_store(f"sqlite:///{tmp_path / 'log.db'}", create=True)
    memory, kept = open_signed(MemoryStore()), open_signed(store)
    for signed_log in (memory, kept):
        fill(signed_log, 300)
    assert verify_log(store, ORG, asked(kept)) == verify_log(memory.store, ORG, asked(memory))
    for read in ("blob_names", "every_word", "extent"):
        assert getattr(store, read)(ORG) == getattr(memory.store, read)(ORG)
    assert list(store.ids(ORG)) == list(memory.store.ids(ORG))
    assert {(b.kind, b.key): b for b in store.every_blob(ORG)} == {
        (b.kind, b.key): b for b in memory.store.every_blob(ORG)
    }
    assert list(store.every_identity(ORG, past_index=True)) == list(memory.store.every_identity(ORG))
    assert store.extent(ORG, 7) == memory.store.extent(ORG, 7) == 7
    assert store.faults() == memory.store.faults() == []
    store.close()


def test_an_old_copy_is_missing_what_a_checkpoint_outside_has(signed: SignedLog, tmp_path: Path) -> None:
    old = open_signed(MemoryStore())
    fill(old, 300)
    more(signed, 20)
    report = verify_log(old.store, ORG, asked(old, notes(tmp_path / "outside.txt")))
    assert verdicts(report.findings) == {("missing", 313, 333)}
    assert verify_log(old.store, ORG, asked(old)).findings == ()


def test_a_fork_differs_between_the_checkpoints_outside(signed: SignedLog, tmp_path: Path) -> None:
    """An old copy goes on with other entries, signed by the log's own keys."""
    fork = open_signed(MemoryStore())
    fill(fork, 300)
    more(signed, 20)
    more(fork, 25, since=1000)
    assert verify_log(fork.store, ORG, asked(fork)).findings == ()
    report = verify_log(fork.store, ORG, asked(fork, notes(tmp_path / "outside.txt")))
    assert verdicts(report.findings) == {("changed", 313, 333)}


def test_a_log_signed_again_by_its_operator_is_caught_outside(signed: SignedLog, tmp_path: Path) -> None:
    """Operator with key and database: everything rewritten and signed again from the first entry."""
    again = open_signed(MemoryStore(), seed=1)
    fill(again, 300)
    assert verify_log(again.store, ORG, asked(again)).findings == ()
    findings = verify_log(again.store, ORG, asked(again, notes(tmp_path / "outside.txt"))).findings
    assert ("changed", 0, 50) in verdicts(findings)


def test_a_thief_of_the_database_cannot_sign(signed: SignedLog, tmp_path: Path) -> None:
    """The tree is right again and signed, but by no key of the log."""
    stolen = MemoryStore()
    forged = open_signed(stolen, seed=1)
    signer = Signer(stolen, Signing(keyring=THIEF, origin=ORIGIN, clock=forged.clock))
    fill(structs.replace(forged, signer=signer), 300)
    findings = verify_log(stolen, ORG, asked(forged, notes(tmp_path / "outside.txt"))).findings
    assert {f.verdict for f in findings} == {"unsigned", "changed"}
    assert ("changed", 0, 50) in verdicts(findings)
    without = verify_log(stolen, ORG, asked(forged)).findings
    assert {f.verdict for f in without} == {"unsigned"}
    assert verify_log(signed.store, ORG, asked(signed)).findings == ()


def test_entries_that_wait_too_long_for_a_signature_are_unsigned(signed: SignedLog) -> None:
    signed.log.record_many([entry_at(signed, 5)])
    report = verify_log(signed.store, ORG, asked(signed))
    assert report.findings == ()
    assert report.notes == ("no checkpoint covers seq 313 yet",)
    signed.clock.move(timedelta(minutes=11))
    assert verdicts(verify_log(signed.store, ORG, asked(signed)).findings) == {("unsigned", 313, 314)}


def test_a_declared_restart_gives_up_what_it_names_and_nothing_else(
    signed: SignedLog, tmp_path: Path
) -> None:
    """The lost head is cited, so it is no finding; a greater one, or another root, is."""
    outside = tmp_path / "outside.txt"
    old = open_signed(MemoryStore(), outside)
    clean = read_outside(outside)
    fill(structs.replace(old, signer=open_signed(old.store).signer), 300)
    more(signed, 20)
    assert len(read_outside(outside).notes) > len(clean.notes)
    assert verdicts(verify_log(old.store, ORG, asked(old, notes(outside))).findings) == {
        ("missing", 313, 333)
    }
    assert restart(old.store, old.log, ORIGIN, read_outside(outside)) is not None
    old.signer.sign(ORG)
    assert verify_log(old.store, ORG, asked(old, notes(outside))).findings == ()
    more(signed, 5)
    assert ("missing", 313, 338) in verdicts(verify_log(old.store, ORG, asked(old, notes(outside))).findings)


def test_a_range_is_bound_to_the_signed_head(signed: SignedLog) -> None:
    """A narrower re-hash finds what is in its tiles; the control outside them does not."""
    rows = signed.store._log(ORG).rows  # type: ignore[attr-defined]
    body = rows[270].body.replace(b"success", b"failure")
    rows[270] = structs.replace(rows[270], body=body)
    for start, stop, expected in ((260, 280, True), (None, None, True)):
        narrow = structs.replace(asked(signed), start=start or 0, stop=stop)
        assert bool(verify_log(signed.store, ORG, narrow).findings) is expected
    rows[270] = structs.replace(rows[270], body=body.replace(b"failure", b"success"))
    body = rows[100].body.replace(b"success", b"failure")
    rows[100] = structs.replace(rows[100], body=body)
    findings = verify_log(signed.store, ORG, structs.replace(asked(signed), start=90, stop=110)).findings
    assert verdicts(findings) == {("changed", 100, None)}


def test_two_checkpoints_are_compared_by_the_tiles_between_them(signed: SignedLog, tmp_path: Path) -> None:
    heads = notes(tmp_path / "outside.txt")
    two = asked(signed, (heads[2], heads[-1]))
    assert verify_heads(signed.store, ORG, two).findings == ()
    other = open_signed(MemoryStore(), tmp_path / "other.txt", seed=1)
    fill(other, 300)
    forked = structs.replace(two, outside=(heads[2], notes(tmp_path / "other.txt")[4]))
    assert verdicts(verify_heads(signed.store, ORG, forked).findings) == {("changed", 150, 250)}


def test_an_uncited_manifest_and_a_lost_one(signed: SignedLog) -> None:
    store = signed.store
    store.put_blob(ORG, Blob("erasure", "0" * 64, b"{}"))
    assert [f.verdict for f in verify_log(store, ORG, asked(signed)).findings] == ["inserted"]
    blobs = store._log(ORG).blobs  # type: ignore[attr-defined]
    for name in [name for name in blobs if name[0] in ("erasure", "removal")]:
        del blobs[name]
    findings = verify_log(store, ORG, asked(signed)).findings
    removed = {f.seq for f in findings if f.what == "no removal names it"}
    assert len(removed) == signed.store.head(ORG).removed > 0
    assert sum("manifest that the entry cites" in f.what for f in findings) == 3
    assert any("no erasure names it" in f.what for f in findings)


def test_a_compact_range_of_another_tree_is_damage_of_the_head_alone(signed: SignedLog) -> None:
    log = signed.store._log(ORG)  # type: ignore[attr-defined]
    other, _ = extend_frontier(EMPTY, [b"\x03" * 32] * 313)
    log.head = structs.replace(log.head, range=compact_range(other))
    assert [f.verdict for f in verify_log(signed.store, ORG, asked(signed)).findings] == ["index"]
