"""The index against whoever may write the file: what it hides or invents is named by seq, and built anew.

Each attack begins with the same log, whose index is sealed; the first test is the control of them all.
"""

from hashlib import sha256

import numpy as np
import pytest
from msgspec import Struct, structs
from tests.finding.conftest import TINY
from tests.finding.embedded import forged
from tests.finding.embedded.forged import Arrays, Forge

from trailbook import Log, Query, operator
from trailbook.catalogue import load
from trailbook.deployment.index_findings import as_written, is_of_index
from trailbook.deployment.verification import VerifyOptions, catalogue_rules, verify_log
from trailbook.finding.embedded.segments import LIST, SegmentList, indexed, read_list, read_segment
from trailbook.index import Segment
from trailbook.model import Progress, parse_instant
from trailbook.query import from_params
from trailbook.record import decode_body, endings_of
from trailbook.retention import Retention
from trailbook.stores import Blob, StoredEntry
from trailbook.stores.memory.store import MemoryStore
from trailbook.testing.signed import KEYRING, ORG, ORIGIN, SignedLog, entry_at, fill, open_signed
from trailbook.testing.steady import new_log
from trailbook.verify import Report

ME = operator(ORG)
HIDDEN = 150  # an entry in the middle of a large segment


class Kept(Struct):
    """A signed log, and the same with an index of tiny segments."""

    signed: SignedLog
    log: Log

    @property
    def store(self) -> MemoryStore:
        assert isinstance(self.signed.store, MemoryStore)
        return self.signed.store

    @property
    def rows(self) -> list[StoredEntry]:
        return self.store._log(ORG).rows


def kept(signed: SignedLog) -> Kept:
    log = new_log(signed.store, ORG, clock=signed.clock, seed=7, sizes=TINY)
    log.upkeep.seal()
    return Kept(signed, log)


def verified(log: Kept, progress: Progress = lambda done, total: None, **more: object) -> Report:
    catalogue = log.log.catalogue
    options = VerifyOptions(
        origin=ORIGIN,
        keys_of=KEYRING.verifiers,
        now=log.signed.clock.at,
        rules=catalogue_rules(catalogue),
    )
    return verify_log(log.store, ORG, structs.replace(options, **more), progress=progress)


def faults_of_index(report: Report) -> list[tuple[int | None, int | None, str]]:
    """What is found of the index; there must be nothing else."""
    assert all(is_of_index(finding) for finding in report.findings)
    return [(f.seq, f.stop, f.what.removesuffix("; entries intact")) for f in report.findings]


@pytest.fixture
def log() -> Kept:
    """Three hundred entries, of which people were erased and a fifth removed before anything was sealed."""
    signed = open_signed(MemoryStore())
    fill(signed, 300)
    return kept(signed)


def test_an_index_that_follows_from_the_entries(log: Kept) -> None:
    """The control of everything below: small segments and merged ones, with holes, and built anew."""
    spans = {listed.span for listed in read_list(log.store, ORG).segments}
    assert spans == {8, 32}
    assert verified(log).findings == ()
    log.log.upkeep.reindex()
    assert verified(log).findings == ()


def test_an_entry_that_a_crafted_index_hides(log: Kept) -> None:
    """Built over a changed body in a copy, and moved into the untouched file: search is blind, `verify` is not."""
    body, other = log.rows[HIDDEN].body or b"", log.rows[HIDDEN + 1].body or b""
    assert decode_body(body).action != decode_body(other).action
    asked = from_params([("action", decode_body(body).action)])
    before = {entry.seq for entry in log.log.rows(asked, viewer=ME)}
    log.rows[HIDDEN] = structs.replace(log.rows[HIDDEN], body=other)
    log.log.upkeep.reindex()
    log.rows[HIDDEN] = structs.replace(log.rows[HIDDEN], body=body)
    reader = kept(log.signed)
    assert {entry.seq for entry in reader.log.rows(asked, viewer=ME)} == before - {HIDDEN}
    assert list(as_written(log.store, ORG)) == []  # every digest holds
    ((seq, stop, what),) = faults_of_index(verified(log))
    assert (seq, stop) == (HIDDEN, HIDDEN + 1)
    assert all(part in what for part in ("hides its", "invents its", "action"))
    reader.log.upkeep.reindex()
    assert verified(log).findings == ()
    assert {entry.seq for entry in kept(log.signed).log.rows(asked, viewer=ME)} == before


def at_least(field: str) -> Forge:
    """A field's numbers lead out of the segment."""

    def change(segment: Segment, arrays: Arrays) -> None:
        arrays[field] = arrays[field].astype(np.int64) + 10**6

    return change


def without_entry(seq: int) -> Forge:
    """Everything that finds an entry is that of its neighbour, with whom it shares a place."""

    def change(segment: Segment, arrays: Arrays) -> None:
        rank = forged.rank_of(segment, seq)
        arrays["order"][rank] = arrays["order"][rank - 1]

    return change


@pytest.mark.parametrize(
    ("forge", "expected"),
    [
        (forged.without_posting("actor", HIDDEN), (HIDDEN, HIDDEN + 1, "hides its actor")),
        (forged.without_posting("about", HIDDEN), (HIDDEN, HIDDEN + 1, "hides its about")),
        (
            forged.other_column("outcome", HIDDEN, 7),
            (HIDDEN, HIDDEN + 1, "hides its outcome and invents its outcome"),
        ),
        (
            forged.other_column("target", HIDDEN, 9_999),
            (HIDDEN, HIDDEN + 1, "hides its target and invents its target"),
        ),
        (forged.other_count("action", 1, 0), (128, 160, "counts them wrongly: counts")),
        (forged.turned_round("about"), (128, 160, "in a wrong order, or counts them wrongly: about.ranks")),
        (at_least("order"), (128, 160, "cannot be read")),
        (at_least("actor.ranks"), (128, 160, "cannot be read")),
        (at_least("starts"), (128, 160, "cannot be read")),
        (without_entry(HIDDEN), (128, 160, "cannot be read")),
    ],
)
def test_one_part_alone(log: Kept, forge: Forge, expected: tuple[int, int, str]) -> None:
    """A posting, a column, a count, an order: each is named, where it can be by seq; digests say nothing of them."""
    forged.forge(log.store, ORG, 128, forge)
    assert list(as_written(log.store, ORG)) == []
    ((seq, stop, what),) = faults_of_index(verified(log))
    assert (seq, stop) == expected[:2]
    assert expected[2] in what
    kept(log.signed).log.upkeep.reindex()
    assert verified(log).findings == ()


def words(log: Kept, change: dict[str, list[str]]) -> None:
    listing = read_list(log.store, ORG)
    forged.put(log.store, ORG, [], structs.replace(listing, words={**listing.words, **change}))


def test_words_that_stand_for_others(log: Kept) -> None:
    """Two actions change places in the list: whoever asks for one finds the other."""
    first, second, *rest = read_list(log.store, ORG).words["action"]
    words(log, {"action": [second, first, *rest]})
    findings = faults_of_index(verified(log))
    assert findings
    assert all("action" in what for _, _, what in findings)
    words(log, {"action": [first, second, *rest]})
    assert verified(log).findings == ()


def test_a_segment_that_is_listed_no_more(log: Kept) -> None:
    """Whoever takes one out of the list hides its entries; whoever lists one twice is told, too."""
    listing = read_list(log.store, ORG)
    forged.put(log.store, ORG, [], structs.replace(listing, segments=listing.segments[1:]))
    assert [what for _, _, what in faults_of_index(verified(log))] == ["entries 0 to 32 are in no segment"]
    twice = structs.replace(listing, segments=(listing.segments[0], *listing.segments))
    forged.put(log.store, ORG, [], twice)
    assert [what for _, _, what in faults_of_index(verified(log))] == ["entries 0 to 32 are in two segments"]


def test_a_segment_that_reaches_beyond_the_log(log: Kept) -> None:
    listing = read_list(log.store, ORG)
    last = structs.replace(listing.segments[-1], span=4096)
    forged.put(log.store, ORG, [], structs.replace(listing, segments=(*listing.segments[:-1], last)))
    ((seq, _, what),) = faults_of_index(verified(log))
    assert (seq, "cannot be a segment of this log" in what) == (last.first, True)


@pytest.mark.parametrize("content", [b"", b"\x00", b"\xc1\xc1"])
def test_a_list_that_is_none_under_a_digest_that_fits(log: Kept, content: bytes) -> None:
    """It is a finding, and nothing that ends the verification."""
    log.store.put_blob(ORG, Blob(*LIST, sha256(content).digest() + content))
    assert [(seq, "list" in what) for seq, _, what in faults_of_index(verified(log))] == [(None, True)]


def test_a_list_without_segments_hides_nothing(log: Kept) -> None:
    """Everything is then read from the entries, as it is before the first segment is sealed."""
    before = [entry.seq for entry in log.log.rows(Query(), viewer=ME)]
    forged.put(log.store, ORG, [], SegmentList())
    assert verified(log).findings == ()
    reader = new_log(log.store, ORG, clock=log.signed.clock, seed=9, sizes=TINY)
    assert [entry.seq for entry in reader.rows(Query(), viewer=ME)] == before


def test_a_changed_entry_is_no_fault_of_the_index(log: Kept) -> None:
    """The index is right: it is not held against a body that was changed, and not made to follow it."""
    body = (log.rows[HIDDEN].body or b"").replace(b'"success"', b'"failure"')
    log.rows[HIDDEN] = structs.replace(log.rows[HIDDEN], body=body)
    forged.forge(log.store, ORG, 192, forged.without_posting("actor", 200))
    faults = [(f.verdict, f.seq) for f in verified(log).findings]
    assert faults == [("changed", HIDDEN), ("index", 200)]


def test_a_part_of_a_log_is_compared_by_its_digests_alone(log: Kept) -> None:
    """A segment is more than the part that is asked for; whoever asks for all of it is told."""
    forged.forge(log.store, ORG, 128, forged.without_posting("actor", HIDDEN))
    assert verified(log, start=100, stop=200).findings == ()
    assert verified(log, start=0, stop=10**6).findings != ()


def test_what_no_catalogue_here_declares_is_a_note(log: Kept) -> None:
    """Whether it ended its target was said by the catalogue that recorded it."""
    actor = entry_at(log.signed, 1).actor
    ended = structs.replace(entry_at(log.signed, 2), action="user.deleted", fields=(), actor=actor)
    log.signed.log.record_many([ended])
    log.signed.log.record_many([entry_at(log.signed, n) for n in range(400, 408)])
    log.signed.signer.sign(ORG)
    log.log.upkeep.seal()
    assert verified(log).notes == ()
    endings = {action: alive for action, alive in endings_of(load()).items() if action != "user.deleted"}
    report = verified(log, rules=structs.replace(catalogue_rules(load()), endings=endings))
    assert report.findings == ()
    assert report.notes == (
        "whether 1 entries end their target was not compared: no catalogue here declares their actions",
    )


def test_the_tail_is_read_from_the_entries(log: Kept) -> None:
    """What is not sealed lies nowhere in the index: whoever opens it reads the bodies."""
    tail = log.store.head(ORG).size - 1
    assert tail >= indexed(log.store, ORG)
    opened = kept(log.signed).log
    assert [entry.seq for entry in opened.rows(Query(), viewer=ME, order="desc")][:1] == [tail]
    log.rows[tail] = structs.replace(log.rows[tail], body=log.rows[tail - 1].body)
    other = [entry.id for entry in kept(log.signed).log.rows(Query(), viewer=ME, order="desc")]
    assert len(set(other)) == len(other) - 1  # as the changed body has it


def pruned(log: Kept) -> set[int]:
    """Remove what was recorded before the 140th entry; what is left."""
    some = entry_at(log.signed, 1)
    before = parse_instant(decode_body(log.rows[140].body or b"").recorded_at)
    log.log.prune(Retention(kept_for="standard", before=before), actor=some.actor, origin=some.origin)
    log.signed.signer.sign(ORG)
    return {row.seq for row in log.rows if row.body is not None}


def sealed(log: Kept) -> set[int]:
    """Every seq that some segment has."""
    segments = [read_segment(log.store, ORG, listed) for listed in read_list(log.store, ORG).segments]
    return {seq for segment in segments for seq in segment.seqs(np.arange(segment.count)).tolist()}


def test_removal_leaves_nothing_in_the_index(log: Kept) -> None:
    """Each segment that it touches is as if the removed entries had never been there."""
    reached, before = indexed(log.store, ORG), sealed(log)
    left = pruned(log)
    assert sealed(log) == {seq for seq in left if seq < indexed(log.store, ORG)}
    assert len(before - sealed(log)) > 30
    assert indexed(log.store, ORG) >= reached
    assert verified(log).findings == ()
    assert {entry.seq for entry in kept(log.signed).log.rows(Query(), viewer=ME)} == left


def test_what_an_older_removal_left_is_taken_out(log: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then it is masked, and `verify` compares what is kept and believes the rest; whoever seals next does it."""
    before = sealed(log)
    monkeypatch.setattr(log.log.recorder, "_seal", lambda: 0)
    left = pruned(log)
    assert sealed(log) == before
    assert verified(log).findings == ()
    seq = next(seq for seq in left if seq < 140 and set(range(seq - seq % 32, seq)) - left)
    first = seq - seq % 32
    forged.forge(log.store, ORG, first, forged.without_posting("actor", seq))
    assert [each[0] for each in faults_of_index(verified(log))] == [seq]
    woken: list[bool] = []
    older = new_log(log.store, ORG, clock=log.signed.clock, seed=11, sizes=TINY)
    older.upkeep.on_ripe = lambda: woken.append(True)
    assert {entry.seq for entry in older.rows(Query(), viewer=ME)} == left
    assert woken
    older.upkeep.reindex()
    assert verified(log).findings == ()


def test_two_processes_take_it_out(log: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second takes over what the first one wrote; both answer from what is left."""
    monkeypatch.setattr(log.log.recorder, "_seal", lambda: 0)
    left = pruned(log)
    other = new_log(log.store, ORG, clock=log.signed.clock, seed=11, sizes=TINY)
    assert other.count(Query(), viewer=ME)[0] == len(left)
    assert log.log.count(Query(), viewer=ME)[0] == len(left)
    log.log.upkeep.seal()
    other.upkeep.seal()
    assert sealed(log) == {seq for seq in left if seq < indexed(log.store, ORG)}
    for reader in (log.log, other):
        assert {entry.seq for entry in reader.rows(Query(), viewer=ME)} == left
    assert verified(log).findings == ()


def test_what_is_sealed_meanwhile_is_no_fault(log: Kept) -> None:
    """While the bodies are read others record, seal, merge, and build the index anew: nothing is found."""
    busy: list[int] = []

    def others(done: int, total: int | None) -> None:
        busy.append(done)
        log.signed.log.record_many([entry_at(log.signed, n) for n in range(1000, 1040)])
        log.log.upkeep.reindex() if len(busy) % 2 else log.log.upkeep.seal()

    for _ in range(3):
        assert verified(log, progress=others).findings == ()
        log.signed.signer.sign(ORG)
    assert busy
