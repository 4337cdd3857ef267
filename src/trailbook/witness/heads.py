"""What a witness has seen: the last head of each log that it cosigned, and the heads that it refused, in one file.

Owns that looking at the last head and keeping the next one is one step, durable before anybody is answered. Refuses to
forget: there is no way to take a head back, and a file that is gone is not begun anew.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
from msgspec import Struct

from trailbook.errors import ConfigurationError, DamagedError, NotFoundError, SchemaNewerError, StoreError

APPLICATION_ID = 0x74726277  # "trbw"
VERSION = 1
BUSY_MS = 10_000
MOST_REFUSED = 100  # of a log; whoever has its key could sign any number
_SCHEMA = """
CREATE TABLE cosigned (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    time INTEGER NOT NULL,  -- seconds since 1970
    note BLOB NOT NULL      -- with the witness's cosignatures
) STRICT, WITHOUT ROWID;
CREATE TABLE refused (
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    time INTEGER NOT NULL,
    held INTEGER NOT NULL,      -- size of the head that it does not extend
    proved INTEGER NOT NULL,    -- whether the two cannot be of one history
    note BLOB NOT NULL,         -- as it was signed by the log
    against BLOB NOT NULL,      -- the cosigned head that it does not extend
    PRIMARY KEY (origin, size, root)
) STRICT, WITHOUT ROWID;
"""
_LAST = "SELECT origin, size, root, time, note FROM cosigned"
_REFUSED = "SELECT origin, size, root, time, held, proved, note, against FROM refused"
_KEEP = """
INSERT INTO cosigned (origin, size, root, time, note) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (origin) DO UPDATE
SET size = excluded.size, root = excluded.root, time = excluded.time, note = excluded.note
"""
# What was refused for want of a proof only, and has one now.
_PROVED_SINCE = "DELETE FROM refused WHERE origin = ? AND size = ? AND root = ? AND NOT proved"
_REFUSE = """
INSERT OR IGNORE INTO refused (origin, size, root, time, held, proved, note, against)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
WHERE (SELECT count(*) FROM refused WHERE origin = ?1 AND proved = ?6) < ?9
"""


class CosignedHead(Struct, frozen=True, kw_only=True):
    """A head that was cosigned: its log, size and root; `time` in seconds since 1970; the whole note."""

    origin: str
    size: int
    root: bytes
    time: int
    note: bytes


class RefusedHead(Struct, frozen=True, kw_only=True):
    """A signed head that does not extend the cosigned head of `held` entries, and both notes.

    `proved`: the log signed two histories. Else there was no proof that it did not, and none that it did.
    """

    origin: str
    size: int
    root: bytes
    time: int
    held: int
    proved: bool
    note: bytes
    against: bytes


class Turn(Struct, frozen=True):
    """Looking and keeping, while nobody else can."""

    connection: apsw.Connection

    def last(self, origin: str) -> CosignedHead | None:
        """The last head of a log that was cosigned."""
        return next(_cosigned(self.connection, "WHERE origin = ?", (origin,)), None)

    def keep(self, head: CosignedHead) -> None:
        """Make this the last head of its log."""
        self.connection.execute(_KEEP, (head.origin, head.size, head.root, head.time, head.note))
        self.connection.execute(_PROVED_SINCE, (head.origin, head.size, head.root))

    def refuse(self, head: RefusedHead) -> bool:
        """Remember that this head was refused; whether that is news."""
        row = (head.origin, head.size, head.root, head.time, head.held, head.proved, head.note, head.against)
        self.connection.execute(_REFUSE, (*row, MOST_REFUSED))
        return bool(self.connection.changes())


class Heads:
    """The open file of a witness."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            raise NotFoundError(
                f"what the witness has seen, {file.name}, is not there. Where it is lost, begin another witness with"
                " another name and new keys: this one could cosign two histories"
            )
        self._lock = threading.Lock()
        with _our_errors():
            self._connection = _opened(file)

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Look and keep in one step: all of it, durably, or nothing. Raises: StoreError."""
        with self._lock, _our_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield Turn(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def cosigned(self) -> list[CosignedHead]:
        """The last head of every log, by origin. Raises: StoreError."""
        with self._lock, _our_errors():
            return list(_cosigned(self._connection, "ORDER BY origin"))

    def refused(self) -> list[RefusedHead]:
        """Every head that was refused, by origin and size. Raises: StoreError."""
        with self._lock, _our_errors():
            return [
                RefusedHead(
                    origin=origin,
                    size=size,
                    root=root,
                    time=time,
                    held=held,
                    proved=bool(proved),
                    note=note,
                    against=against,
                )
                for origin, size, root, time, held, proved, note, against in self._connection.execute(
                    f"{_REFUSED} ORDER BY origin, size, root"
                )
            ]

    def close(self) -> None:
        """Let go of the file; closing twice is fine."""
        with self._lock:
            self._connection.close()


def begin_heads(file: Path) -> None:
    """Make the file of a witness that has seen nothing. Raises: ConfigurationError where there is one."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise ConfigurationError(f"heads_file: {file.name}: {error.strerror}") from None
    with _our_errors():
        connection = apsw.Connection(str(file))
        _durable(connection)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_SCHEMA)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
        connection.close()


def _opened(file: Path) -> apsw.Connection:
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
    if connection.execute("PRAGMA application_id").get != APPLICATION_ID:
        raise DamagedError(f"{file.name} is no file of a witness")
    if connection.execute("PRAGMA user_version").get > VERSION:
        raise SchemaNewerError(f"{file.name} was written by a newer Trailbook")
    _durable(connection)
    return connection


def _durable(connection: apsw.Connection) -> None:
    connection.set_busy_timeout(BUSY_MS)
    # FULL: a head that a power cut takes back could be cosigned a second time, and otherwise.
    for setting in ("journal_mode = WAL", "synchronous = FULL", "trusted_schema = OFF"):
        connection.execute(f"PRAGMA {setting}").fetchall()


def _cosigned(connection: apsw.Connection, where: str, given: tuple[str, ...] = ()) -> Iterator[CosignedHead]:
    for origin, size, root, time, note in connection.execute(f"{_LAST} {where}", given):
        yield CosignedHead(origin=origin, size=size, root=root, time=time, note=note)


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise DamagedError("the witness's file is damaged or is not one of Trailbook") from error
    except apsw.Error as error:
        raise StoreError(f"the witness's file could not answer ({type(error).__name__})") from error
