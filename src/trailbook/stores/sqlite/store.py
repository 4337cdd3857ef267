"""The embedded engine: a `Store` over one SQLite file, one transaction a commit.

Owns its SQL, and that appends which wait at once, of any organisations, share one transaction. Gives bodies back
byte for byte and refuses to look inside them.
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import apsw
from msgspec import Struct

from trailbook.errors import DamagedError, HeadMovedError, NotFoundError, StoreError, TrailbookError
from trailbook.stores.blobs import Blob, ExpectedBlob
from trailbook.stores.directory import Identity
from trailbook.stores.group_commit import Turns
from trailbook.stores.ledger import Append, Head, StoredEntry
from trailbook.stores.sqlite.bodies import packed, unpacked
from trailbook.stores.sqlite.connection import Connections
from trailbook.stores.sqlite.holds import HeldError, Holds

_TOGETHER, _ROOM = 20_000, 200_000  # entries in one transaction, and those that may wait
# The key of an entry's row is the organisation's number before its seq, so that a log lies together and in order:
# reading a range of one reads nothing of any other.
_SEQ_BITS = 40
_SEQ_MASK = (1 << _SEQ_BITS) - 1
_HASH = 32
_CHUNK = 4096

_CREATE = (
    "INSERT OR IGNORE INTO org (name, size, range, recorded_at, items, removed) VALUES (?, 0, x'', 0, 0, 0)"
)
_HEAD = "SELECT number, size, range, recorded_at, items, removed FROM org WHERE name = ?"
_MOVE_HEAD = "UPDATE org SET size = ?, range = ?, recorded_at = ?, items = ?, removed = ? WHERE number = ?"
_ADD_ENTRY = "INSERT INTO entry (place, body) VALUES (?, ?)"
_ADD_ID = "INSERT INTO entry_id (org, id, seq) VALUES (?, ?, ?)"
_ADD_IDENTITY = (
    "INSERT INTO identity (org, item, token, type, key, name, salt, owner) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_BELONG = "UPDATE identity SET owner = ? WHERE org = ? AND token = ?"
_ADD_WORD = "INSERT OR IGNORE INTO word (org, word, item) VALUES (?, ?, ?)"
_SAY_HINT = (
    "INSERT INTO hint (org, item, text, at) VALUES (?, ?, ?, ?) ON CONFLICT (org, item) DO UPDATE"
    " SET text = excluded.text, at = excluded.at WHERE excluded.at >= hint.at"
)
_ADD_BLOB = "INSERT OR REPLACE INTO blob (org, kind, key, content) VALUES (?, ?, ?, ?)"
_KEPT = "SELECT place, body, leaf FROM entry WHERE place >= ? AND place < ? ORDER BY place"
_KEPT_AT = "SELECT place, body, leaf FROM entry WHERE place = ?"
_SEQ_OF = "SELECT id, seq FROM entry_id WHERE org = ? AND id = ?"
_IDENTITY = "SELECT item, token, type, key, name, salt, owner FROM identity WHERE org = ?"
_BY_KEY = _IDENTITY + " AND key = ? ORDER BY version"
_BY_TOKEN = _IDENTITY + " AND token = ?"
_BY_ITEM = _IDENTITY + " AND item = ? ORDER BY version"
_ALL = _IDENTITY + " ORDER BY version"
# Past the index: verification asks what the table holds, and an index can be what is damaged.
_ALL_ROWS = _ALL.replace("FROM identity", "FROM identity NOT INDEXED")
_BY_OWNER = _IDENTITY + " AND owner = ? ORDER BY version"
_STUB = "UPDATE identity SET key = NULL, name = NULL, salt = NULL WHERE org = ? AND item = ?"
_FORGET_WORDS = "DELETE FROM word WHERE org = ? AND item = ?"
_FORGET_WORD = "DELETE FROM word WHERE org = ? AND word = ? AND item = ?"
_FORGET_HINT = "DELETE FROM hint WHERE org = ? AND item = ?"
_REMOVE = "UPDATE entry SET body = NULL, leaf = ? WHERE place = ?"
_SWEEP = "DELETE FROM identity WHERE org = ? AND token = ?"
_SWEEP_WORDS = "DELETE FROM word WHERE org = ? AND item NOT IN (SELECT item FROM identity WHERE org = ?)"
_SWEEP_HINTS = "DELETE FROM hint WHERE org = ? AND item NOT IN (SELECT item FROM identity WHERE org = ?)"
_HINT = "SELECT item, text FROM hint WHERE org = ? AND item = ? AND text <> ''"
_VOCABULARY = "SELECT DISTINCT word FROM word WHERE org = ?"
_OF_WORD = "SELECT word, item FROM word WHERE org = ? AND word = ? LIMIT ?"
_BY_WORD = "SELECT DISTINCT item FROM word WHERE org = ? AND word >= ? AND word < ?"
_BY_WORDS = "SELECT item FROM word AS first WHERE org = ? AND word >= ? AND word < ?"
_AND_WORD = (
    " AND EXISTS (SELECT 1 FROM word AS other"
    " WHERE other.org = first.org AND other.item = first.item AND other.word >= ? AND other.word < ?)"
)
_DROP_BLOB = "DELETE FROM blob WHERE org = ? AND kind = ? AND key = ?"
_BLOB_NAMES = "SELECT kind, key FROM blob WHERE org = ? ORDER BY kind, key"
_EVERY_BLOB = "SELECT number, kind, key, content FROM blob NOT INDEXED WHERE org = ? AND number > ? LIMIT 256"
_IDS = "SELECT id, seq FROM entry_id WHERE org = ? AND id > ? ORDER BY id LIMIT 65536"
_WORDS = "SELECT word, item FROM word WHERE org = ? ORDER BY word, item"
_LAST = "SELECT max(place) FROM entry WHERE place >= ? AND place < ?"
_FAULTS = "PRAGMA integrity_check"
_STRAYS = """
SELECT 'entry', count(*) FROM entry WHERE place >> 40 NOT IN (SELECT number FROM org)
UNION ALL SELECT 'entry_id', count(*) FROM entry_id WHERE org NOT IN (SELECT number FROM org)
UNION ALL SELECT 'identity', count(*) FROM identity WHERE org NOT IN (SELECT number FROM org)
UNION ALL SELECT 'word', count(*) FROM word WHERE org NOT IN (SELECT number FROM org)
UNION ALL SELECT 'hint', count(*) FROM hint WHERE org NOT IN (SELECT number FROM org)
UNION ALL SELECT 'blob', count(*) FROM blob WHERE org NOT IN (SELECT number FROM org)
"""
# The schema has none: whoever adds one makes the file do something at every write.
_FOREIGN = "SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'view') ORDER BY name"
_BLOB = "SELECT content FROM blob WHERE org = ? AND kind = ? AND key = ?"


class _Adding(Struct, frozen=True):
    """What is to be appended to a log whose head still is `expected`; `holding` says that who appends holds it."""

    org: str
    expected: Head
    batch: Append
    holding: bool


class SqliteStore:
    """A `Store` in one file, durable at every commit."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._numbers: dict[str, int] = {}
        self._holds = Holds(connections.path)
        self._turns: Turns[_Adding, None] = Turns(self._add, together=_TOGETHER, room=_ROOM)

    @property
    def path(self) -> Path:
        return self._connections.path

    @property
    def fit(self) -> bool:
        return self._connections.fit

    def schema(self) -> tuple[int, int]:
        return self._connections.schema()

    def create(self, org: str) -> None:
        with self._connections.writing() as db:
            db.execute(_CREATE, (org,))

    def orgs(self) -> list[str]:
        with self._connections.reading() as db:
            return [row[0] for row in db.execute("SELECT name FROM org ORDER BY name")]

    def head(self, org: str) -> Head:
        with self._connections.reading() as db:
            return _head(db, org)[1]

    def append(self, org: str, expected: Head, batch: Append) -> None:
        adding = self._adding(org, expected, batch)
        self._once_free(org, lambda: self._turns.ask(adding, len(batch.rows)))

    @contextmanager
    def holding(self, org: str) -> Iterator[None]:
        with self._holds.holding(org):
            with self._connections.writing() as db:
                # What was being written when the hold began is there after this; what comes later sees the hold.
                _head(db, org)
            yield

    def _adding(self, org: str, expected: Head, batch: Append) -> _Adding:
        return _Adding(org, expected, batch, self._holds.is_mine(org))

    def _once_free(self, org: str, write: Callable[[], None]) -> None:
        """Write as soon as nobody else holds the organisation: waiting is done here, with no transaction open."""
        while True:
            try:
                return write()
            except HeldError:
                self._holds.wait(org)

    def _take(self, adding: _Adding, take: Callable[[apsw.Connection, int], None]) -> None:
        """Append, and in the same transaction take something away, of which no old page stays in a file."""

        def write() -> None:
            with self._connections.writing() as db:
                take(db, self._append(db, adding))

        self._once_free(adding.org, write)
        self._connections.empty_wal()

    def _append(self, db: apsw.Connection, adding: _Adding) -> int:
        """Append what fits, unless somebody else holds the organisation; its number."""
        if not adding.holding:
            self._holds.require_free(adding.org)
        return _append(db, adding)

    def _add(self, waiting: Sequence[_Adding]) -> list[Exception | None]:
        with self._connections.writing() as db:
            if len(waiting) == 1:
                self._append(db, waiting[0])
                return [None]
            return [self._apart(db, adding) for adding in waiting]

    def erase(self, org: str, expected: Head, batch: Append, *, items: Sequence[int]) -> None:
        def stub(db: apsw.Connection, number: int) -> None:
            db.executemany(_STUB, ((number, item) for item in items))
            db.executemany(_FORGET_WORDS, ((number, item) for item in items))
            db.executemany(_FORGET_HINT, ((number, item) for item in items))

        self._take(self._adding(org, expected, batch), stub)

    def remove(
        self,
        org: str,
        expected: Head,
        batch: Append,
        *,
        leaves: Mapping[int, bytes],
        sweep: Sequence[str],
        forget: Sequence[tuple[str, int]] = (),
    ) -> None:
        def clear(db: apsw.Connection, number: int) -> None:
            base = number << _SEQ_BITS
            db.executemany(_REMOVE, ((leaf, base + seq) for seq, leaf in leaves.items()))
            db.executemany(_SWEEP, ((number, base64.urlsafe_b64decode(token)) for token in sweep))
            db.execute(_SWEEP_WORDS, (number, number))
            db.executemany(_FORGET_WORD, ((number, word, item) for word, item in forget))
            db.execute(_SWEEP_HINTS, (number, number))

        self._take(self._adding(org, expected, batch), clear)

    def seq_of(self, org: str, ids: Sequence[UUID]) -> dict[UUID, int]:
        with self._connections.reading() as db:
            number = self._number(db, org)
            rows = db.executemany(_SEQ_OF, ((number, id_.bytes) for id_ in ids))
            return {UUID(bytes=id_): seq for id_, seq in rows}

    def kept(self, org: str, start: int, stop: int) -> Iterator[StoredEntry]:
        # A transaction for each chunk: a reader who takes their time must not keep the write-ahead log from shrinking.
        for low in range(start, stop, _CHUNK):
            with self._connections.reading() as db:
                base = self._number(db, org) << _SEQ_BITS
                rows: list[Any] = db.execute(_KEPT, (base + low, base + min(low + _CHUNK, stop))).fetchall()
            yield from (_kept(base, row) for row in rows)

    def kept_at(self, org: str, seqs: Sequence[int]) -> list[StoredEntry]:
        with self._connections.reading() as db:
            base = self._number(db, org) << _SEQ_BITS
            rows = (db.execute(_KEPT_AT, (base + seq,)).get for seq in seqs if 0 <= seq <= _SEQ_MASK)
            return [_kept(base, row) for row in filter(None, rows)]

    def identities(self, org: str, keys: Iterable[tuple[str, str, int | None]]) -> list[Identity]:
        return self._directory(org, _BY_KEY, (_key(*key) for key in keys))

    def identities_of(self, org: str, tokens: Iterable[str]) -> list[Identity]:
        return self._directory(org, _BY_TOKEN, (base64.urlsafe_b64decode(token) for token in tokens))

    def versions(self, org: str, items: Iterable[int]) -> list[Identity]:
        return self._directory(org, _BY_ITEM, items)

    def owned(self, org: str, items: Iterable[int]) -> list[Identity]:
        return self._directory(org, _BY_OWNER, items)

    def still(self, org: str) -> AbstractContextManager[None]:
        return self._connections.still()

    def every_identity(self, org: str, *, past_index: bool = False) -> Iterator[Identity]:
        with self._connections.reading() as db:
            rows = db.execute(_ALL_ROWS if past_index else _ALL, (self._number(db, org),)).fetchall()
        return map(_identity, rows)

    def hints(self, org: str, items: Iterable[int]) -> dict[int, str]:
        with self._connections.reading() as db:
            number = self._number(db, org)
            rows: list[Any] = db.executemany(_HINT, ((number, item) for item in set(items))).fetchall()
            return dict(rows)

    def vocabulary(self, org: str) -> list[str]:
        with self._connections.reading() as db:
            rows: list[Any] = db.execute(_VOCABULARY, (self._number(db, org),)).fetchall()
            return [word for (word,) in rows]

    def items_of_words(self, org: str, words: Iterable[str], limit: int) -> list[tuple[str, int]]:
        pairs: list[Any] = []
        with self._connections.reading() as db:
            number = self._number(db, org)
            for word in words:
                pairs += db.execute(_OF_WORD, (number, word, limit - len(pairs))).fetchall()
        return pairs

    def items_by_word(self, org: str, prefix: str) -> set[int]:
        with self._connections.reading() as db:
            number = self._number(db, org)
            return {row[0] for row in db.execute(_BY_WORD, (number, prefix, prefix + "\U0010ffff"))}

    def items_by_words(self, org: str, prefixes: Sequence[str], limit: int) -> list[int]:
        having = "".join(_AND_WORD for _ in prefixes[1:])
        bounds = [text for prefix in prefixes for text in (prefix, prefix + "\U0010ffff")]
        with self._connections.reading() as db:
            rows = db.execute(_BY_WORDS + having + " ORDER BY word, item", (self._number(db, org), *bounds))
            items: dict[int, None] = {}  # each once, in order
            for (item,) in rows:
                items[item] = None
                if len(items) == limit:
                    break
            return list(items)

    def blob(self, org: str, kind: str, key: str) -> bytes | None:
        with self._connections.reading() as db:
            row = db.execute(_BLOB, (self._number(db, org), kind, key)).fetchone()
            return None if row is None else row[0]

    def put_blob(self, org: str, blob: Blob) -> None:
        with self._connections.writing() as db:
            db.execute(_ADD_BLOB, (self._number(db, org), blob.kind, blob.key, blob.content))

    def put_blobs(
        self,
        org: str,
        put: Sequence[Blob],
        *,
        drop: Sequence[tuple[str, str]] = (),
        expect: ExpectedBlob,
    ) -> None:
        with self._connections.writing() as db:
            number = self._number(db, org)
            if db.execute(_BLOB, (number, expect.kind, expect.key)).get != expect.content:
                raise HeadMovedError(f"the blob {expect.kind}/{expect.key} is another by now")
            db.executemany(_DROP_BLOB, ((number, *name) for name in drop))
            db.executemany(_ADD_BLOB, ((number, b.kind, b.key, b.content) for b in put))

    def blob_names(self, org: str) -> list[tuple[str, str]]:
        with self._connections.reading() as db:
            rows: list[Any] = db.execute(_BLOB_NAMES, (self._number(db, org),)).fetchall()
            return rows

    def every_blob(self, org: str) -> Iterator[Blob]:
        last = 0
        while True:
            with self._connections.reading() as db:
                rows: list[Any] = db.execute(_EVERY_BLOB, (self._number(db, org), last)).fetchall()
            yield from (Blob(kind, key, content) for _, kind, key, content in rows)
            if not rows:
                return
            # A damaged tree can lead back to where it was: without this the loop would never end.
            if rows[-1][0] <= last:
                raise DamagedError("the table of blobs is out of order")
            last = rows[-1][0]

    def ids(self, org: str) -> Iterator[tuple[bytes, int]]:
        last = b""
        while True:
            with self._connections.reading() as db:
                rows: list[Any] = db.execute(_IDS, (self._number(db, org), last)).fetchall()
            yield from rows
            if not rows:
                return
            if not (isinstance(rows[-1][0], bytes) and rows[-1][0] > last):
                raise DamagedError("the table of entry ids is out of order")
            last = rows[-1][0]

    def every_word(self, org: str) -> list[tuple[str, int]]:
        with self._connections.reading() as db:
            rows: list[Any] = db.execute(_WORDS, (self._number(db, org),)).fetchall()
            return rows

    def extent(self, org: str, below: int | None = None) -> int:
        with self._connections.reading() as db:
            base = self._number(db, org) << _SEQ_BITS
            most = _SEQ_MASK + 1 if below is None else min(below, _SEQ_MASK + 1)
            last: int | None = db.execute(_LAST, (base, base + most)).get
            return 0 if last is None else last - base + 1

    def faults(self) -> list[str]:
        with self._connections.reading() as db:
            texts = [str(row[0]) for row in db.execute(_FAULTS)]
            strays = [(table, count) for table, count in db.execute(_STRAYS) if count]
            foreign = [
                f"there is a {type_} {name!r}, which is none of ours" for type_, name in db.execute(_FOREIGN)
            ]
        lines = [line for text in texts if text != "ok" for line in text.split("\n")]
        lines += [f"{count} rows of {table} belong to no organisation" for table, count in strays]
        return lines + foreign

    def copy_to(self, file: Path, progress: Callable[[int, int], None]) -> None:
        self._connections.copy_to(file, progress)

    def close(self) -> None:
        self._connections.close()

    def _apart(self, db: apsw.Connection, adding: _Adding) -> Exception | None:
        """One append among others of a transaction: refused, it leaves nothing behind and harms no other."""
        db.execute("SAVEPOINT one")
        try:
            self._append(db, adding)
        except (
            HeldError,
            TrailbookError,  # ours are about one log, such as a damaged head; the file's own are not caught
        ) as error:
            db.execute("ROLLBACK TO one")
            return error
        except apsw.ConstraintError:
            db.execute("ROLLBACK TO one")
            return StoreError("an entry of the batch is in the log already")
        finally:
            db.execute("RELEASE one")
        return None

    def _directory(self, org: str, sql: str, keys: Iterable[object]) -> list[Identity]:
        with self._connections.reading() as db:
            number = self._number(db, org)
            return list(map(_identity, db.executemany(sql, ((number, key) for key in dict.fromkeys(keys)))))

    def _number(self, db: apsw.Connection, org: str) -> int:
        if org not in self._numbers:
            self._numbers[org] = _head(db, org)[0]
        return self._numbers[org]


def _append(db: apsw.Connection, adding: _Adding) -> int:
    """Append what fits; the number of the organisation."""
    number, head = _head(db, adding.org)
    if head != adding.expected:
        raise HeadMovedError(f"the log has {head.size} entries, not {adding.expected.size}")
    batch = adding.batch
    first = (number << _SEQ_BITS) + head.size
    size = head.size
    db.executemany(_ADD_ENTRY, ((first + i, packed(r.body, size + i)) for i, r in enumerate(batch.rows)))
    db.executemany(_ADD_ID, ((number, r.id.bytes, size + i) for i, r in enumerate(batch.rows)))
    db.executemany(_ADD_IDENTITY, (_identity_row(number, i) for i in batch.identities))
    db.executemany(_BELONG, ((item, number, base64.urlsafe_b64decode(t)) for t, item in batch.owners.items()))
    db.executemany(_ADD_WORD, ((number, word, item) for word, item in batch.words))
    if batch.hints:
        db.executemany(_SAY_HINT, ((number, hint.item, hint.text, hint.at) for hint in batch.hints))
    db.executemany(_ADD_BLOB, ((number, b.kind, b.key, b.content) for b in batch.blobs))
    new = batch.head
    moved = (new.size, b"".join(new.range), new.recorded_at, new.items, new.removed, number)
    db.execute(_MOVE_HEAD, moved)
    return number


def _head(db: apsw.Connection, org: str) -> tuple[int, Head]:
    row = db.execute(_HEAD, (org,)).fetchone()
    if row is None:
        raise NotFoundError("there is no such organisation")
    number, size, hashes, recorded_at, items, removed = row
    if not isinstance(hashes, bytes) or not all(isinstance(n, int) for n in (number, size, items, removed)):
        raise DamagedError("the head of the log is damaged")
    pieces = tuple(hashes[i : i + _HASH] for i in range(0, len(hashes), _HASH))
    return number, Head(size=size, range=pieces, recorded_at=recorded_at, items=items, removed=removed)


def _kept(base: int, row: tuple[Any, ...]) -> StoredEntry:
    place, body, leaf = row
    # Not by a mask: a damaged place of another organisation must not pass for one of this log.
    return StoredEntry(place - base, None if body is None else unpacked(_bytes(body)), leaf and _bytes(leaf))


def _bytes(value: Any) -> bytes:
    """A column of bytes; what a damaged header of its row makes of it is given as text, and is no entry."""
    return value if isinstance(value, bytes) else str(value).encode()


def _key(type_: str, id_: str, owner: int | None) -> str:
    return f"origin/{owner}/{id_}" if type_ == "origin" else f"{type_}/{id_}"


def _identity_row(number: int, identity: Identity) -> tuple[object, ...]:
    key = None if identity.id is None else _key(identity.type, identity.id, identity.owner)
    token = base64.urlsafe_b64decode(identity.token)
    return (number, identity.item, token, identity.type, key, identity.name, identity.salt, identity.owner)


def _identity(row: tuple[Any, ...]) -> Identity:
    item, token, type_, key, name, salt, owner = row
    if not isinstance(token, bytes) or not isinstance(type_, str) or not isinstance(key, str | None):
        raise DamagedError("a row of the directory is damaged")
    return Identity(
        item=item,
        token=base64.urlsafe_b64encode(token).decode(),
        type=type_,
        id=None if key is None else key.split("/", 2 if type_ == "origin" else 1)[-1],
        name=name,
        salt=salt,
        owner=owner,
    )
