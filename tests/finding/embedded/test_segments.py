"""Sealing, damage and other processes: whatever happens to the index, answers are those of the entries."""

import threading
from pathlib import Path

import apsw
import pytest
from tests.finding.conftest import ME, ORG, ROLES, TINY, grow, index_of

from trailbook import Log
from trailbook.access.viewer import operator
from trailbook.errors import IndexDamagedError
from trailbook.finding.embedded import segments
from trailbook.index import Tail, segment
from trailbook.query import Query, from_params
from trailbook.stores import Store
from trailbook.testing import small
from trailbook.testing.steady import START, FrozenClock, new_log


def answers(log: Log) -> list[object]:
    """What a reader sees, in every way."""
    return [
        [e.id for e in log.rows(Query(), viewer=ME)],
        [e.id for e in log.rows(ROLES, viewer=ME, order="asc")],
        log.search(ROLES, viewer=ME, limit=7, count=True).count,
        log.facets(Query(), "category", viewer=ME),
        log.histogram(Query(), viewer=ME),
    ]


def opened(store: Store, seed: int = 5) -> Log:
    """The log as another process opens it."""
    return new_log(store, ORG, clock=FrozenClock(START), seed=seed, sizes=TINY)


def test_segments_are_small_then_merged(log: Log, store: Store) -> None:
    """What is sealed lies in large segments, but for the last few; the tail is less than a small one."""
    pieces = index_of(log).snapshot().pieces
    assert [(p.first, p.size) for p in pieces] == [(0, 32), (32, 64), (64, 96), (96, 100)]
    names = {key.rsplit("/", 1)[0] for kind, key in store.blob_names(ORG) if kind == "segment"}
    assert names == {"000000000000/32", "000000000032/32", "000000000064/32"}


def test_sealing_changes_no_answer(log: Log, store: Store) -> None:
    """Sealed, not sealed, sealed again and built anew: the same answers; nothing personal is in the index."""
    before = answers(log)
    assert answers(opened(store)) == before
    log.upkeep.reindex()
    assert answers(log) == before
    assert log.upkeep.seal() == 0
    content = b"".join(blob.content for blob in store.every_blob(ORG) if blob.kind in ("segment", "index"))
    assert b"Anna" not in content
    assert b"u-1" not in content


@pytest.mark.parametrize(
    "part", ["head", "at", "order", "category", "actor.terms", "about.ranks", "concerned"]
)
def test_a_damaged_part_is_never_answered_from(log: Log, store: Store, tmp_path: Path, part: str) -> None:
    """A reader gets the right answer, built from the entries; the check names it; reindex repairs it."""
    before = answers(log)
    key = f"000000000032/32/{part}"
    content = store.blob(ORG, "segment", key)
    assert content is not None
    flipped = bytes([*content[:-1], content[-1] ^ 1]) if content else b"x"
    damage(tmp_path / "log.db", key, flipped)
    reader = opened(store)
    assert answers(reader) == before
    assert any("32" in fault for fault in reader.upkeep.check())
    reader.upkeep.reindex()
    assert reader.upkeep.check() == []
    assert answers(opened(store)) == before


def test_without_the_digests_a_damaged_part_would_lie(
    log: Log, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the above: with the digest not checked, the answer is wrong."""
    before = answers(log)
    key = "000000000032/32/category"
    content = store.blob(ORG, "segment", key) or b""
    damage(tmp_path / "log.db", key, bytes(1 - b for b in content))
    monkeypatch.setattr(segment, "_differs", lambda content, digest: False)
    assert answers(opened(store)) != before


def test_a_damaged_list_is_said_and_repaired(log: Log, store: Store, tmp_path: Path) -> None:
    """Without its list the index does not guess; reindex makes it anew."""
    before = answers(log)
    damage(tmp_path / "log.db", "segments", b"\x00" * 40)
    reader = opened(store)
    with pytest.raises(IndexDamagedError, match="reindex"):
        reader.count(Query(), viewer=ME)
    assert "damaged" in reader.upkeep.check()[0]
    reader.upkeep.reindex()
    assert answers(reader) == before


def test_an_index_of_an_older_version_is_built_anew(log: Log, store: Store, tmp_path: Path) -> None:
    """Nothing is asked of anybody: it counts for none, and what is sealed from then on takes its place."""
    before, written = answers(log), store.blob(ORG, *segments.LIST) or b""
    older = written[32:].replace(b"\xa1v\x02", b"\xa1v\x01")
    damage(tmp_path / "log.db", "segments", segments._with_digest(older))
    assert segments.indexed(store, ORG) == 0
    reader = opened(store)
    assert (answers(reader), reader.upkeep.check()) == (before, [])
    assert reader.upkeep.seal() == 96
    assert store.blob(ORG, *segments.LIST) == written
    newer = written[32:].replace(b"\xa1v\x02", b"\xa1v\x03")
    damage(tmp_path / "log.db", "segments", segments._with_digest(newer))
    with pytest.raises(IndexDamagedError, match="version 3"):
        opened(store).count(Query(), viewer=ME)


def damage(file: Path, key: str, content: bytes) -> None:
    db = apsw.Connection(str(file))
    db.execute("UPDATE blob SET content = ? WHERE key = ?", (content, key))
    assert db.changes() == 1
    db.close()


def test_two_processes_seal_one_log(log: Log, store: Store) -> None:
    """Whoever seals second takes over what the first one sealed; both go on answering alike."""
    other = opened(store)
    assert answers(other) == answers(log)
    for turn in range(12):
        grow(log if turn % 2 else other, 13, 1000 + 13 * turn)
        (other if turn % 3 else log).upkeep.seal()
        if turn % 4 == 0:
            log.upkeep.seal()
        assert answers(log) == answers(other)
    assert log.upkeep.check() == []
    assert answers(opened(store, 9)) == answers(log)


def test_page_count_facets_and_rows_agree_while_others_write(log: Log) -> None:
    """At one `as_of` every door gives the same, whatever is recorded and sealed meanwhile."""
    stop = threading.Event()
    faults: list[str] = []

    def writing() -> None:
        number = 5000
        while not stop.is_set():
            grow(log, 5, number)
            log.upkeep.seal()
            number += 5

    def reading() -> None:
        for _ in range(25):
            first = log.search(ROLES, viewer=ME, limit=10, count=True)
            bound = from_params([("category", "roles"), ("as_of", str(first.as_of))])
            ids, cursor = [e.id for e in first.entries], first.next_cursor
            while cursor is not None:
                page = log.search(ROLES, viewer=ME, limit=10, cursor=cursor)
                ids, cursor = [*ids, *(e.id for e in page.entries)], page.next_cursor
            facet = log.facets(bound, "action", viewer=ME).values
            drawn = sum(bar.count for bar in log.histogram(bound, viewer=ME).bars)
            counts = {len(ids), first.count, sum(v.count or 0 for v in facet), drawn}
            if len(counts) != 1 or ids != [e.id for e in log.rows(bound, viewer=ME)]:
                faults.append(f"{counts}")

    writer = threading.Thread(target=writing)
    writer.start()
    try:
        reading()
    finally:
        stop.set()
        writer.join()
    assert faults == []


def test_verify_tells_a_damaged_index_from_a_damaged_entry(tmp_path: Path) -> None:
    """The verdict of a flipped bit in the index is `index`, and says that the entries are whole."""
    clock = FrozenClock(START)
    deployment = small.opened(tmp_path, clock)
    log = deployment.create(small.ORG)
    small.grow(log, clock, 4200)
    log.search(Query(), viewer=operator(small.ORG), limit=1)
    log.upkeep.seal()
    deployment.signer().sign(small.ORG)
    assert deployment.verify(small.ORG).findings == ()
    damage(tmp_path / "log.db", "000000000000/4096/actor", b"\x01")
    assert {f.verdict for f in deployment.verify(small.ORG).findings} == {"index"}
    log.upkeep.reindex()
    assert deployment.verify(small.ORG).findings == ()
    deployment.close()


def test_a_segment_that_lacks_entries_is_not_answered_from(
    log: Log, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was sealed without its last ones: they are found all the same, it is said, and reindex mends it."""
    before = answers(log)
    whole = Tail.fields
    with monkeypatch.context() as patch:
        patch.setattr(Tail, "fields", lambda tail, stop: whole(tail, stop - 3))
        log.upkeep.reindex()
    assert answers(opened(store)) == before
    assert "lacks some" in opened(store).upkeep.check()[0]
    log.upkeep.reindex()
    assert log.upkeep.check() == []
    assert answers(opened(store)) == before


def test_what_another_process_seals_while_the_index_is_made_anew_stands(log: Log, store: Store) -> None:
    """It lost the race to write the list, and the command ended with "the blob is another by now"."""
    before, other = answers(log), opened(store)
    sealed: list[int] = []
    log.upkeep.reindex(lambda done, total: sealed.append(other.upkeep.seal()))
    assert sum(sealed) > 0  # else there was no race
    assert answers(log) == answers(other) == answers(opened(store)) == before
    assert log.upkeep.check() == []
