"""Damage to a stored log: flipped bits and deliberate edits, each found, placed, and told from what is no damage.

What changed is read independently, table by table with apsw; `verify_log` must find every change of content and
nothing where there is none. The control re-hashes no body: the same assertions must fail with it.
"""

import base64
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from msgspec import Struct, structs
from tests.amounts import amount

from trailbook.deployment.verification import VerifyOptions, catalogue_rules, verify_log
from trailbook.errors import TrailbookError
from trailbook.proofs.outside_file import read_outside
from trailbook.stores import open_store
from trailbook.stores.sqlite.bodies import unpacked
from trailbook.testing.signed import KEYRING, ORG, ORIGIN, fill, open_signed
from trailbook.tree.merkle import EMPTY, TILE, compact_range, extend_frontier, leaf_hash
from trailbook.verify import Finding

FLIPS, EDITS = amount(200, 1000, 2000), amount(10, 50, 100)  # edits of each kind
TABLES = {
    "org": "SELECT number, name, size, range, recorded_at, items, removed FROM org",
    "entry": "SELECT place, body, leaf FROM entry",
    "entry_id": "SELECT org, id, seq FROM entry_id",
    "identity": "SELECT org, item, token, type, key, name, salt, owner FROM identity",
    "word": "SELECT org, word, item FROM word",
    "blob": "SELECT org, kind, key, content FROM blob",
}
ITEMS = 5  # column of `org`
MASK = (1 << 40) - 1
Contents = dict[str, dict[tuple[Any, ...], int]]
Findings = tuple[Finding, ...] | None  # None: the file cannot be opened, or its head not be read


class Subject(Struct):
    """The intact log: its file as bytes, its contents, and how to verify a copy of it."""

    folder: Path
    intact: bytes
    contents: Contents
    asked: VerifyOptions

    def copy(self, damaged: bytes | None = None) -> Path:
        """A copy at the one path used for all, without what an earlier one left beside it."""
        path = self.folder / "copy.db"
        for beside in ("-wal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        path.write_bytes(self.intact if damaged is None else damaged)
        return path

    def verify(self, path: Path, asked: VerifyOptions | None = None) -> Findings:
        """Every finding, or None where not even the head can be read."""
        try:
            store, _ = open_store(f"sqlite:///{path}")
        except TrailbookError:
            return None
        try:
            return verify_log(store, ORG, asked or self.asked).findings
        except TrailbookError:
            return None
        finally:
            store.close()


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("damage")
    store, _ = open_store(f"sqlite:///{folder / 'log.db'}", create=True)
    signed = open_signed(store, folder / "outside.txt")
    fill(signed, 600)
    store.close()
    asked = VerifyOptions(
        origin=ORIGIN,
        keys_of=KEYRING.verifiers,
        outside=tuple(signed.note for signed in read_outside(folder / "outside.txt").notes),
        now=signed.clock.at,
        rules=catalogue_rules(signed.log.catalogue),
    )
    contents = read(folder / "log.db")
    assert contents is not None
    return Subject(folder, (folder / "log.db").read_bytes(), contents, asked)


def read(path: Path) -> Contents | None:
    """Everything in the file, each row with how often it is there; None when it cannot be read."""
    contents: Contents = {}
    try:
        db = apsw.Connection(
            f"file:{path}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        )
        for table, sql in TABLES.items():
            rows: dict[tuple[Any, ...], int] = {}
            for raw in db.execute(sql):
                # Two packings of one body hold the same: a bit that no reader heeds is no change.
                row = (raw[0], _plain(raw[1]), *raw[2:]) if table == "entry" else raw
                rows[row] = rows.get(row, 0) + 1
            contents[table] = rows
        db.close()
    except (apsw.Error, UnicodeDecodeError):
        return None
    return contents


def _plain(stored: Any) -> Any:
    """A stored body as it is read."""
    return unpacked(stored) if isinstance(stored, bytes) else stored


def changed_seqs(before: Contents, after: Contents) -> set[int]:
    """The entries of which a row is not as it was."""
    return {row[0] & MASK for row, _ in before["entry"].items() ^ after["entry"].items() if row[0] >> 40 == 1}


def difference(before: Contents, after: Contents) -> str:
    """What is not as it was, shortened."""
    return str([(t, r) for t in TABLES for r, _ in before[t].items() ^ after[t].items()])[:800]


def counts_more_items(before: Contents, after: Contents) -> bool:
    """Whether nothing changed but the counter of item numbers, upwards: a gap in numbers says nothing."""
    if any(before[table] != after[table] for table in TABLES if table != "org"):
        return False
    (was,), (now,) = before["org"], after["org"]
    return now[:ITEMS] + now[ITEMS + 1 :] == was[:ITEMS] + was[ITEMS + 1 :] and now[ITEMS] > was[ITEMS]


def is_id_of_removed(before: Contents, after: Contents) -> bool:
    """Whether nothing changed but ids of removed entries, which are known by those rows alone."""
    if any(before[table] != after[table] for table in TABLES if table != "entry_id"):
        return False
    gone = {row[0] & MASK for row in before["entry"] if row[1] is None}
    return {row[2] for row, _ in before["entry_id"].items() ^ after["entry_id"].items()} <= gone


def is_placed(seq: int, findings: tuple[Finding, ...]) -> bool:
    """Whether a finding is about this entry, or about a tile's width of entries around it."""
    near = (f for f in findings if f.seq is not None and (f.stop or f.seq + 1) - f.seq <= TILE)
    return any(f.seq <= seq < (f.stop or f.seq + 1) for f in near if f.seq is not None)


def flips(count: int, size: int) -> Iterator[tuple[int, int]]:
    drawn = random.Random(4)
    return ((drawn.randrange(size), drawn.randrange(8)) for _ in range(count))


def flip_each(subject: Subject, count: int, asked: VerifyOptions) -> dict[str, int]:
    """Flip one bit at a time and assert the verdict; how many of each kind there were."""
    kinds = {"content": 0, "unreadable": 0, "index": 0, "nothing": 0}
    for place, bit in flips(count, len(subject.intact)):
        damaged = bytearray(subject.intact)
        damaged[place] ^= 1 << bit
        path = subject.copy(bytes(damaged))
        after = read(path)
        findings = subject.verify(path, asked)
        kinds[_judged(subject, after, findings, f"byte {place}, bit {bit}")] += 1
    return kinds


def _judged(subject: Subject, after: Contents | None, findings: Findings, where: str) -> str:
    if findings is None:
        return "unreadable"
    if after is None:
        assert findings, f"{where}: cannot be read, and nothing was found"
        return "unreadable"
    if after == subject.contents:
        false = [f for f in findings if f.verdict != "index"]
        assert not false, f"{where}: nothing changed, and found was {false[:3]}"
        return "index" if findings else "nothing"
    missed = f"{where}: a change was missed: {difference(subject.contents, after)}"
    silent = counts_more_items(subject.contents, after) or is_id_of_removed(subject.contents, after)
    assert findings or silent, missed
    outside = [s for s in changed_seqs(subject.contents, after) if s < 613 and not is_placed(s, findings)]
    assert not outside, f"{where}: seq {outside[:5]} not placed by {findings[:5]}"
    return "content"


def test_an_intact_log_has_no_finding(subject: Subject) -> None:
    """No false alarm."""
    assert subject.verify(subject.copy()) == ()


def test_every_flipped_bit_that_changes_something_is_found(subject: Subject) -> None:
    """2,000 flips in full."""
    kinds = flip_each(subject, FLIPS, subject.asked)
    assert kinds["content"] > FLIPS // 4
    assert kinds["nothing"] + kinds["index"] > 0


def test_flips_are_missed_when_bodies_are_not_hashed(subject: Subject) -> None:
    """The control: without the comparison of leaves the same assertions fail."""
    with pytest.raises(AssertionError, match=r"missed|not placed"):
        flip_each(subject, FLIPS, structs.replace(subject.asked, start=0, stop=0))


Edit = Callable[[apsw.Connection, random.Random], Callable[[tuple[Finding, ...]], bool]]


def verdicts_at(*expected: tuple[str, int]) -> Callable[[tuple[Finding, ...]], bool]:
    """Whether each of these seqs has its verdict, or lies where no kept tile can tell it from its neighbours."""

    def holds(findings: tuple[Finding, ...]) -> bool:
        exact = {(f.verdict, f.seq) for f in findings if f.stop is None}
        return all(e in exact or (e[1] >= 2 * TILE and is_placed(e[1], findings)) for e in expected)

    return holds


def some(verdict: str, place: str) -> Callable[[tuple[Finding, ...]], bool]:
    """Whether a finding has this verdict and names this place."""
    return lambda findings: any(f.verdict == verdict and place in f.place for f in findings)


def alone(verdict: str, place: str) -> Callable[[tuple[Finding, ...]], bool]:
    """The same, and no entry is accused beside it."""
    named = some(verdict, place)
    return lambda findings: (
        named(findings) and all(f.stop is not None or f.seq is None or f.token for f in findings)
    )


def _rows(db: apsw.Connection, sql: str, *given: object) -> list[Any]:
    return db.execute(sql, given).fetchall()


def _entry(db: apsw.Connection, drawn: random.Random) -> tuple[int, bytes]:
    place, body = drawn.choice(
        _rows(db, "SELECT place, body FROM entry WHERE body IS NOT NULL ORDER BY place")
    )
    return place, _plain(body) or b""


def _identities(db: apsw.Connection, drawn: random.Random, count: int) -> list[Any]:
    sql = "SELECT version, token, key, name, salt FROM identity WHERE type = 'user' AND key IS NOT NULL"
    return drawn.sample(_rows(db, sql + " ORDER BY version"), count)


def _token(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


def change_body(db: apsw.Connection, drawn: random.Random) -> Any:
    place, body = _entry(db, drawn)
    at = body.index(b'"occurred_at":"') + 15 + drawn.choice((3, 6, 9, 12))
    other = b"1" if body[at : at + 1] == b"0" else b"0"
    db.execute("UPDATE entry SET body = ? WHERE place = ?", (body[:at] + other + body[at + 1 :], place))
    return verdicts_at(("changed", place & MASK))


def change_column(db: apsw.Connection, drawn: random.Random) -> Any:
    (id_, seq), (_, other) = drawn.sample(_rows(db, "SELECT id, seq FROM entry_id WHERE seq > 150"), 2)
    db.execute("UPDATE entry_id SET seq = ? WHERE id = ?", (other, id_))
    return verdicts_at(("index", seq), ("index", other))


def change_posting(db: apsw.Connection, drawn: random.Random) -> Any:
    word, item = drawn.choice(_rows(db, "SELECT word, item FROM word"))
    db.execute("DELETE FROM word WHERE word = ? AND item = ?", (word, item))
    if drawn.random() < 0.5:
        db.execute("INSERT INTO word VALUES (1, ?, ?)", (word + "x", item))
    return alone("index", f"item {item}")


def swap_identities(db: apsw.Connection, drawn: random.Random) -> Any:
    first, second = _identities(db, drawn, 2)
    for to, of in ((first, second), (second, first)):
        db.execute("UPDATE identity SET key = ?, name = ?, salt = ? WHERE version = ?", (*of[2:], to[0]))
    checks = [some("changed", _token(row[1])) for row in (first, second)]
    return lambda findings: all(check(findings) for check in checks)


def change_salt(db: apsw.Connection, drawn: random.Random) -> Any:
    (row,) = _identities(db, drawn, 1)
    db.execute("UPDATE identity SET salt = ? WHERE version = ?", (drawn.randbytes(16), row[0]))
    return alone("changed", _token(row[1]))


def change_leaf_tile(db: apsw.Connection, drawn: random.Random) -> Any:
    key, content = drawn.choice(_rows(db, "SELECT key, content FROM blob WHERE kind = 'tile' ORDER BY key"))
    at = drawn.randrange(len(content))
    altered = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    db.execute("UPDATE blob SET content = ? WHERE kind = 'tile' AND key = ?", (altered, key))
    return alone("changed", f"tile {key}")


def change_checkpoint(db: apsw.Connection, drawn: random.Random) -> Any:
    sql = "SELECT key, content FROM blob WHERE kind = 'checkpoint' ORDER BY key"
    key, content = drawn.choice(_rows(db, sql))
    at = drawn.randrange(len(content))
    altered = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    db.execute("UPDATE blob SET content = ? WHERE kind = 'checkpoint' AND key = ?", (altered, key))
    return lambda findings: any(f.verdict in ("unsigned", "missing", "changed") for f in findings)


def remove_row(db: apsw.Connection, drawn: random.Random) -> Any:
    place, _ = _entry(db, drawn)
    db.execute("DELETE FROM entry WHERE place = ?", (place,))
    return verdicts_at(("missing", place & MASK))


def add_row(db: apsw.Connection, drawn: random.Random) -> Any:
    _, body = _entry(db, drawn)
    ((last,),) = _rows(db, "SELECT max(place) FROM entry")
    place = last + 1 + drawn.randrange(3)
    db.execute("INSERT INTO entry VALUES (?, ?, NULL)", (place, body))
    return verdicts_at(("inserted", place & MASK))


def exchange_rows(db: apsw.Connection, drawn: random.Random) -> Any:
    sql = "SELECT place, body FROM entry WHERE body IS NOT NULL AND place & ? < ? ORDER BY place"
    (first, body), (second, other) = drawn.sample(_rows(db, sql, MASK, 2 * TILE), 2)
    db.execute("UPDATE entry SET body = ? WHERE place = ?", (other, first))
    db.execute("UPDATE entry SET body = ? WHERE place = ?", (body, second))
    return verdicts_at(("moved", first & MASK), ("moved", second & MASK))


def cut_tail(db: apsw.Connection, drawn: random.Random) -> Any:
    """Cut by somebody who makes the head fit; half of the time kept checkpoints of what was cut go too."""
    ((base, size),) = _rows(db, "SELECT number << 40, size FROM org")
    left = size - drawn.randrange(1, 12)
    rows = _rows(db, "SELECT body, leaf FROM entry WHERE place < ? ORDER BY place", base + left)
    leaves = [leaf if body is None else leaf_hash(_plain(body) or b"") for body, leaf in rows]
    db.execute("DELETE FROM entry WHERE place >= ?", (base + left,))
    db.execute("DELETE FROM entry_id WHERE seq >= ?", (left,))
    range_ = b"".join(compact_range(extend_frontier(EMPTY, leaves)[0]))
    db.execute("UPDATE org SET size = ?, range = ?", (left, range_))
    if drawn.random() < 0.5:
        db.execute(
            "DELETE FROM blob WHERE kind IN ('checkpoint', 'anchor') AND key IN ('latest', ?)",
            (f"{size:020}",),
        )
    return lambda findings: any((f.verdict, f.seq, f.stop) == ("missing", left, size) for f in findings)


def insert_identity(db: apsw.Connection, drawn: random.Random) -> Any:
    raw = drawn.randbytes(24)
    row = (
        1,
        drawn.randrange(1, 300),
        raw,
        "user",
        f"user/x-{drawn.random()}",
        "Somebody",
        drawn.randbytes(16),
        None,
    )
    columns = "org, item, token, type, key, name, salt, owner"
    db.execute(f"INSERT INTO identity ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    return some("inserted", _token(raw))


def remove_identity(db: apsw.Connection, drawn: random.Random) -> Any:
    (row,) = _identities(db, drawn, 1)
    db.execute("DELETE FROM identity WHERE version = ?", (row[0],))
    return some("missing", _token(row[1]))


def falsely_erase(db: apsw.Connection, drawn: random.Random) -> Any:
    (row,) = _identities(db, drawn, 1)
    db.execute("UPDATE identity SET key = NULL, name = NULL, salt = NULL WHERE version = ?", (row[0],))
    return some("missing", _token(row[1]))


def restore_erased(db: apsw.Connection, drawn: random.Random) -> Any:
    version, raw = drawn.choice(
        _rows(db, "SELECT version, token FROM identity WHERE key IS NULL AND owner IS NULL")
    )
    row = ("user/u-3", "Person 3", drawn.randbytes(16), version)
    db.execute("UPDATE identity SET key = ?, name = ?, salt = ? WHERE version = ?", row)
    return some("unerased", _token(raw))


def empty_body(db: apsw.Connection, drawn: random.Random) -> Any:
    """A body taken away as retention does, by somebody who cites no removal."""
    place, body = _entry(db, drawn)
    db.execute("UPDATE entry SET body = NULL, leaf = ? WHERE place = ?", (leaf_hash(body), place))
    db.execute("UPDATE org SET removed = removed + 1")
    return verdicts_at(("missing", place & MASK))


def change_removed_leaf(db: apsw.Connection, drawn: random.Random) -> Any:
    place, _ = drawn.choice(_rows(db, "SELECT place, leaf FROM entry WHERE leaf IS NOT NULL ORDER BY place"))
    db.execute("UPDATE entry SET leaf = ? WHERE place = ?", (drawn.randbytes(32), place))
    return verdicts_at(("changed", place & MASK))


def change_manifest(db: apsw.Connection, drawn: random.Random) -> Any:
    sql = "SELECT number, kind, content FROM blob WHERE kind IN ('erasure', 'removal') ORDER BY number"
    number, _, content = drawn.choice(_rows(db, sql))
    at = drawn.randrange(len(content))
    altered = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    db.execute("UPDATE blob SET content = ? WHERE number = ?", (altered, number))
    return lambda findings: any(f.verdict == "changed" and "manifest" in f.what for f in findings)


BODY_EDITS: list[Edit] = [change_body, exchange_rows, remove_row]
ALL_EDITS: list[Edit] = [
    *BODY_EDITS,
    change_column,
    change_posting,
    swap_identities,
    change_salt,
    change_leaf_tile,
    change_checkpoint,
    add_row,
    cut_tail,
    insert_identity,
    remove_identity,
    falsely_erase,
    restore_erased,
    empty_body,
    change_removed_leaf,
    change_manifest,
]


def edit_each(subject: Subject, edit: Edit, asked: VerifyOptions, count: int = EDITS) -> None:
    """Make one edit at a time, each in a fresh copy, and assert that it is found where it was made."""
    drawn = random.Random(7)
    for number in range(count):
        path = subject.copy()
        db = apsw.Connection(str(path))
        db.execute("PRAGMA synchronous = OFF")
        holds = edit(db, drawn)
        db.close()
        findings = subject.verify(path, asked)
        assert findings is not None
        assert holds(findings), f"edit {number} of {edit.__name__}: {findings}"


@pytest.mark.parametrize("edit", ALL_EDITS, ids=lambda edit: edit.__name__)
def test_every_edit_is_found_where_it_was_made(subject: Subject, edit: Edit) -> None:
    """100 of each kind in full."""
    edit_each(subject, edit, subject.asked)


@pytest.mark.parametrize("edit", BODY_EDITS[:2], ids=lambda edit: edit.__name__)
def test_edits_of_bodies_are_missed_when_bodies_are_not_hashed(subject: Subject, edit: Edit) -> None:
    """The control: without the comparison of leaves the same assertions fail."""
    with pytest.raises(AssertionError, match="edit"):
        edit_each(subject, edit, structs.replace(subject.asked, start=0, stop=0))
