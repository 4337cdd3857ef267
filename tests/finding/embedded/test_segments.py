"""Sealing, damage and other processes: whatever happens to the index, answers are those of the entries."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import apsw
import pytest

from trailbook import Actor, Item, Log, NewEntry, Origin
from trailbook.access.viewer import operator
from trailbook.errors import FiguresOfAPersonError, FilterInvalidError, IndexDamagedError, TooManyBarsError
from trailbook.finding.embedded.segments import Sizes
from trailbook.index import segment
from trailbook.query import Query, Term, from_params
from trailbook.stores import Store, open_store
from trailbook.testing import small
from trailbook.testing.steady import START, FrozenClock, new_log

ORG = "acme"
TINY = Sizes(small=8, large=32)
ME = operator(ORG)
WEB = Origin(interface="web")
ROLES = from_params([("category", "roles")])


def grow(log: Log, count: int, first: int = 0) -> None:
    """Entries of two categories by three actors, some of them late."""
    random = Random(first)
    entries = []
    for at in range(first, first + count):
        who = Actor(type="user", id=f"u-{at % 3}", name=f"Anna {at % 3}", kind="person")
        late = timedelta(days=random.choice([0, 0, 40]), minutes=at)
        if at % 4:
            made = NewEntry(
                action="user.profile_updated",
                occurred_at=START - late - timedelta(days=1),
                actor=who,
                target=Item(type="user", id=f"u-{at % 3}", name=f"Anna {at % 3}"),
                origin=WEB,
            )
        else:
            made = NewEntry(
                action="role.created",
                occurred_at=START - late - timedelta(days=1),
                actor=who,
                target=Item(type="role", id=f"r-{at}", name="Approver"),
                origin=WEB,
                correlation="together" if at % 8 else None,
            )
        entries.append(made)
    log.record_many(entries)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/log.db", create=True)[0]


@pytest.fixture
def log(store: Store) -> Log:
    log = new_log(store, ORG, clock=FrozenClock(START), sizes=TINY)
    grow(log, 100)
    assert log.seal() == 96
    return log


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
    """engine.md 1: what is sealed lies in large segments, but for the last few; the tail is less than a small one."""
    pieces = log._projection.pieces
    assert [(p.first, p.size) for p in pieces] == [(0, 32), (32, 64), (64, 96), (96, 100)]
    names = {key.rsplit("/", 1)[0] for kind, key in store.blob_names(ORG) if kind == "segment"}
    assert names == {"000000000000/32", "000000000032/32", "000000000064/32"}


def test_sealing_changes_no_answer(log: Log, store: Store) -> None:
    """Sealed, not sealed, sealed again and built anew: the same answers; nothing personal is in the index."""
    before = answers(log)
    assert answers(opened(store)) == before
    log.reindex()
    assert answers(log) == before
    assert log.seal() == 0
    content = b"".join(blob.content for blob in store.every_blob(ORG) if blob.kind in ("segment", "index"))
    assert b"Anna" not in content
    assert b"u-1" not in content


@pytest.mark.parametrize(
    "part", ["head", "at", "order", "category", "actor.terms", "about.ranks", "concerned"]
)
def test_a_damaged_part_is_never_answered_from(log: Log, store: Store, tmp_path: Path, part: str) -> None:
    """F5: a reader gets the right answer, built from the entries; the check names it; reindex repairs it."""
    before = answers(log)
    key = f"000000000032/32/{part}"
    content = store.blob(ORG, "segment", key)
    assert content is not None
    flipped = bytes([*content[:-1], content[-1] ^ 1]) if content else b"x"
    damage(tmp_path / "log.db", key, flipped)
    reader = opened(store)
    assert answers(reader) == before
    assert any("32" in fault for fault in reader.check_index())
    reader.reindex()
    assert reader.check_index() == []
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
    """F5: without its list the index does not guess; reindex makes it anew."""
    before = answers(log)
    damage(tmp_path / "log.db", "segments", b"\x00" * 40)
    reader = opened(store)
    with pytest.raises(IndexDamagedError, match="reindex"):
        reader.count(Query(), viewer=ME)
    assert "damaged" in reader.check_index()[0]
    reader.reindex()
    assert answers(reader) == before


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
        (other if turn % 3 else log).seal()
        if turn % 4 == 0:
            log.seal()
        assert answers(log) == answers(other)
    assert log.check_index() == []
    assert answers(opened(store, 9)) == answers(log)


def test_page_count_facets_and_rows_agree_while_others_write(log: Log) -> None:
    """At one `as_of` every door gives the same, whatever is recorded and sealed meanwhile."""
    stop = threading.Event()
    faults: list[str] = []

    def writing() -> None:
        number = 5000
        while not stop.is_set():
            grow(log, 5, number)
            log.seal()
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


def by(log: Log, name: str, **more: str) -> dict[str, int | None]:
    query = from_params(list(more.items()))
    return {v.value: v.count for v in log.facets(query, name, viewer=ME).values}  # type: ignore[arg-type]


def test_facets(log: Log) -> None:
    """P27: exact counts; a facet ignores the filter's own terms on its field; persons have no number (R20)."""
    assert by(log, "category") == {"users": 75, "roles": 25}
    assert by(log, "category", category="roles") == {"users": 75, "roles": 25}
    assert by(log, "action", category="roles") == {"role.created": 25}
    assert by(log, "actor") == {"user/u-0": None, "user/u-1": None, "user/u-2": None}
    assert by(log, "target_type") == {"user": 75, "role": 25}
    assert by(log, "concerns", category="roles")["role/r-8"] == 1


def test_facets_are_paged(log: Log) -> None:
    """Values follow each other without gap or repeat, by name; a cursor is of its own question alone."""
    read: list[str] = []
    cursor = None
    while True:
        page = log.facets(ROLES, "concerns", viewer=ME, limit=7, cursor=cursor)
        read += [v.value for v in page.values]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(read) == len(set(read)) == 25
    with pytest.raises(FilterInvalidError):
        log.facets(ROLES, "rank", viewer=ME)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "figure",
    [
        lambda log, query: log.histogram(query, viewer=ME),
        lambda log, query: log.facets(query, "action", viewer=ME),
    ],
)
def test_no_figures_of_a_person(log: Log, figure: Callable[[Log, Query], object]) -> None:
    """R20: what one person did is listed and totalled, never drawn or split; of integrations it may be."""
    for name in ("actor", "by_or_about"):
        for negated in (False, True):
            query = Query(terms=(Term(name, ("user/u-1",), negated),))
            with pytest.raises(FiguresOfAPersonError):
                figure(log, query)
            assert log.count(query, viewer=ME)[0] > 0
    figure(log, Query(terms=(Term("actor", ("integration/i-1",)),)))


def test_bars_about_a_person_are_weeks_or_longer(log: Log) -> None:
    """R20: a day of somebody's is not drawn."""
    about = Query(terms=(Term("concerns", ("user/u-1",)),))
    with pytest.raises(FiguresOfAPersonError):
        log.histogram(about, viewer=ME, bucket="day")
    assert log.histogram(about, viewer=ME).bucket == "week"
    assert log.histogram(Query(), viewer=ME).bucket == "day"


def test_bars_are_cut_on_the_calendar(log: Log) -> None:
    """P37: days of the zone, 25 hours at the end of summer time; too many bars are refused, not thinned."""
    query = from_params([("from", "2026-10-24"), ("to", "2026-10-26"), ("tz", "Europe/Oslo")])
    bars = log.histogram(query, viewer=ME, bucket="day").bars
    assert [bar.from_ for bar in bars] == [
        "2026-10-23T22:00:00.000000Z",
        "2026-10-24T22:00:00.000000Z",
        "2026-10-25T23:00:00.000000Z",
    ]
    assert len(log.histogram(query, viewer=ME, bucket="hour").bars) == 73
    with pytest.raises(TooManyBarsError):
        log.histogram(from_params([("date", "past-12-months")]), viewer=ME, bucket="hour")


def test_bars_by_category(log: Log) -> None:
    """Each bar says its parts, and they add up."""
    bars = log.histogram(Query(), viewer=ME, by_category=True).bars
    assert all(sum((bar.parts or {}).values()) == bar.count for bar in bars)
    assert sum((bar.parts or {}).get("roles", 0) for bar in bars) == 25


def test_related(log: Log) -> None:
    """Entries of one correlation belong together; an entry is not related to itself."""
    roles = [e for e in log.rows(ROLES, viewer=ME) if e.correlation]
    page = log.related(UUID(roles[3].id), viewer=ME, limit=5)
    assert page.count == len(roles) - 1
    assert [e.id for e in page.entries] == [r.id for r in roles if r.id != roles[3].id][:5]
    rest = log.related(UUID(roles[3].id), viewer=ME, limit=200, cursor=page.next_cursor)
    assert len(page.entries) + len(rest.entries) == page.count
    alone = next(e for e in log.rows(ROLES, viewer=ME) if not e.correlation)
    assert log.related(UUID(alone.id), viewer=ME).entries == ()


def test_verify_tells_a_damaged_index_from_a_damaged_entry(tmp_path: Path) -> None:
    """F5: the verdict of a flipped bit in the index is `index`, and says that the entries are whole."""
    clock = FrozenClock(START)
    deployment = small.opened(tmp_path, clock)
    log = deployment.create(small.ORG)
    small.grow(log, clock, 4200)
    log.search(Query(), viewer=operator(small.ORG), limit=1)
    log.seal()
    deployment.signer().sign(small.ORG)
    assert deployment.verify(small.ORG).findings == ()
    damage(tmp_path / "log.db", "000000000000/4096/actor", b"\x01")
    assert {f.verdict for f in deployment.verify(small.ORG).findings} == {"index"}
    log.reindex()
    assert deployment.verify(small.ORG).findings == ()
    deployment.close()
