"""The outbox: a table in the host's own database that holds captured entries until the drain has moved them.

Owns the tables with their versions, and every statement on them. What it writes goes through the host's connection,
in the host's transaction. Refuses to know who acts, what an entry says, and any database but SQLite and PostgreSQL.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from trailbook.capture.database import HostConnection, connection_of
from trailbook.capture.entries import Captured
from trailbook.errors import ConfigurationError, SchemaNewerError, UncapturedWriteError
from trailbook.model import instant

if TYPE_CHECKING:
    from sqlalchemy import Connection

TABLES = ("trailbook_outbox", "trailbook_quarantine", "trailbook_capture")
_OF_ENTRIES = TABLES[:2]
VERSION = 1
MEANT = "meant"
_CHUNK = 250  # entries in one row of the outbox
_TOGETHER = 500  # rows that one statement forgets
_DIALECTS = {
    "sqlite": {
        "position": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "big": "INTEGER",
        "tx": "TEXT",
        "strict": " STRICT",
    },
    "postgresql": {
        "position": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "big": "BIGINT",
        "tx": "TEXT DEFAULT pg_current_xact_id()::text",
        "strict": "",
    },
}
_LOCK = {"sqlite": "SELECT 1", "postgresql": "SELECT pg_advisory_xact_lock(7236143201)"}
# Each version is a list of statements; a database is brought from its own to the newest in one transaction, or,
# where the driver begins none for DDL (sqlite3), again from the first that is missing.
_VERSIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE IF NOT EXISTS trailbook_outbox (
  position {position},
  org TEXT NOT NULL,
  tx {tx},
  op TEXT NOT NULL CHECK (op IN ('meant', 'created', 'updated', 'deleted')),
  captured_at {big} NOT NULL,
  entries INTEGER NOT NULL DEFAULT 1,
  entry TEXT NOT NULL,
  covers TEXT
){strict}""",
        "CREATE INDEX IF NOT EXISTS trailbook_outbox_meant ON trailbook_outbox (tx) WHERE op = 'meant'",
        """CREATE TABLE IF NOT EXISTS trailbook_quarantine (
  position {big} NOT NULL,
  part INTEGER NOT NULL,
  org TEXT NOT NULL,
  op TEXT NOT NULL,
  code TEXT NOT NULL,
  pointer TEXT NOT NULL,
  since {big} NOT NULL,
  entry TEXT NOT NULL,
  PRIMARY KEY (position, part)
){strict}""",
    ),
)
_INSERT = {
    "sqlite": "INSERT INTO trailbook_outbox (org, op, captured_at, entries, entry, covers, tx)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)",
    "postgresql": "INSERT INTO trailbook_outbox (org, op, captured_at, entries, entry, covers)"
    " VALUES (?, ?, ?, ?, ?, ?)",
}
_COLUMNS = "position, org, tx, op, captured_at, entry, covers"
_ALIKE = attrgetter("org", "op", "covers")  # what entries in one row share


class OutboxRow(Struct, frozen=True):
    """A row of the outbox."""

    position: int
    org: str
    tx: str | None
    op: str
    captured_at: int
    entry: str
    covers: str | None = None  # further items, `type/id` a line, whose captured rows fold into a meant entry


class Poison(Struct, frozen=True, kw_only=True):
    """An entry that the log refused, and why; `part` is its place in the row it came in."""

    position: int
    part: int
    org: str
    op: str
    code: str
    pointer: str
    since: int
    entry: str


class Health(Struct, frozen=True, kw_only=True):
    """How far the log is behind: entries that wait, since when the oldest does, and what was refused.

    `names_mended` counts names that could not be recorded as they were, since there is an outbox.
    """

    pending: int
    oldest: datetime | None
    quarantined: int
    names_mended: int = 0


class Wait(Struct, frozen=True, kw_only=True):
    """How many entries of an organisation wait, and since when the oldest does."""

    org: str
    pending: int
    oldest: datetime


Room = Literal["free", "outbox-full", "spool-full"]


class Made(Struct, frozen=True):
    """What was there before: the outbox's version, 0 where none was known, and which tables of entries were not."""

    before: int
    missing: tuple[str, ...]


def install_outbox(connection: "HostConnection | Connection") -> int:
    """Bring the tables to the newest version in the connection's transaction; which version they had before.

    Raises: SchemaNewerError, ConfigurationError.
    """
    return make(connection_of(connection)).before


def make(connection: HostConnection) -> Made:
    """Bring the tables to the newest version, and make anew those that somebody dropped. Raises: SchemaNewerError."""
    name = connection.engine
    connection.execute(_LOCK[name])
    missing = tuple(table for table in _OF_ENTRIES if not _is_there(connection, table))
    table = "CREATE TABLE IF NOT EXISTS trailbook_capture (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
    connection.execute(table + _DIALECTS[name]["strict"])
    before = _kept(connection, "version")
    if before > VERSION:
        raise SchemaNewerError(f"the outbox has version {before}, this Trailbook knows {VERSION}")
    for version in _VERSIONS[0 if missing else before :]:
        for statement in version:
            connection.execute(statement.format(**_DIALECTS[name]))
    if before < VERSION:
        put = "INSERT INTO trailbook_capture (name, value) VALUES ('version', ?)"
        put += " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        connection.execute(put, (str(VERSION),))
    return Made(before, missing)


def missing_outbox(error: BaseException) -> UncapturedWriteError | None:
    """What to raise instead of a driver's error that says that a table is not there; None for any other error."""
    for each in (error, getattr(error, "orig", None), error.__cause__):
        state = getattr(each, "sqlstate", None) or getattr(each, "pgcode", None)
        if state == "42P01" or (state is None and "no such table" in str(each) and "trailbook_" in str(each)):
            return UncapturedWriteError(
                "the outbox is not there, so that nothing that is tracked is written: install capture again"
            )
    return None


def _is_there(connection: HostConnection, table: str) -> bool:
    if connection.engine == "sqlite":
        asked = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    else:
        asked = "SELECT 1 WHERE to_regclass(?) IS NOT NULL"
    return bool(connection.execute(asked, (table,)).rows)


def remove(connection: HostConnection) -> None:
    """Drop the tables. Raises: ConfigurationError while entries wait in them."""
    state = health(connection)
    if state.pending or state.quarantined:
        left = f"{state.pending} entries wait and {state.quarantined} are in quarantine"
        raise ConfigurationError(f"capture: {left}; drain them first")
    for table in TABLES:
        connection.execute(f"DROP TABLE {table}")


def write(
    connection: HostConnection, captured: Sequence[Captured], *, at: int, tx: str | None = None
) -> None:
    """Write entries in the connection's transaction, at an instant in microseconds.

    `tx` names the transaction on SQLite; PostgreSQL knows it.
    """
    name = connection.engine
    last = (tx,) if name == "sqlite" else ()
    rows = [(org, op, at, count, text, covers, *last) for org, op, covers, count, text in _parts(captured)]
    if rows:
        connection.execute_many(_INSERT[name], rows)


def write_row(connection: HostConnection, row: tuple[Any, ...], tx: str | None) -> None:
    """Write one row in the connection's transaction: org, op, captured_at, entries, entry, covers."""
    name = connection.engine
    connection.execute_many(_INSERT[name], [(*row, tx) if name == "sqlite" else row])


def _parts(captured: Iterable[Captured]) -> Iterator[tuple[str, str, str | None, int, str]]:
    """What goes into rows: of entries alike, some together."""
    for (org, op, covers), alike in groupby(captured, _ALIKE):
        texts = [text for entries in alike for text in entries.texts]
        for start in range(0, len(texts), _CHUNK):
            part = texts[start : start + _CHUNK]
            yield org, op, covers, len(part), part[0] if len(part) == 1 else "[" + ",".join(part) + "]"


def page(connection: HostConnection, limit: int, *, without: Collection[str] = ()) -> list[OutboxRow]:
    """The rows to move next, oldest first; a transaction in which something was meant comes whole.

    Rows of the organisations in `without` are passed over.
    """
    other = f" WHERE org NOT IN ({', '.join('?' * len(without))})" if without else ""
    first = f"SELECT {_COLUMNS} FROM trailbook_outbox{other} ORDER BY position LIMIT ?"
    rows = [OutboxRow(*row) for row in connection.execute(first, (*without, limit)).rows]
    if len(rows) == limit:
        rows += _rest(connection, rows)
    return rows


def delete(connection: HostConnection, positions: Sequence[int]) -> set[int]:
    """Forget rows that were moved; the positions of those that were there."""
    there: set[int] = set()
    for start in range(0, len(positions), _TOGETHER):
        some = positions[start : start + _TOGETHER]
        marks = ", ".join("?" * len(some))
        gone = f"DELETE FROM trailbook_outbox WHERE position IN ({marks}) RETURNING position"
        there.update(position for (position,) in connection.execute(gone, some).rows)
    return there


def count_mended(connection: HostConnection, names: int) -> None:
    """Remember that so many names more were mended."""
    if names:
        statement = (
            "INSERT INTO trailbook_capture (name, value) VALUES ('names_mended', ?) ON CONFLICT (name) DO UPDATE"
            " SET value = CAST(CAST(trailbook_capture.value AS BIGINT) + CAST(excluded.value AS BIGINT) AS TEXT)"
        )
        connection.execute(statement, (str(names),))


def quarantine(connection: HostConnection, poison: Sequence[Poison]) -> int:
    """Keep what the log refused; how many of them were not there before."""
    put = (
        "INSERT INTO trailbook_quarantine (position, part, org, op, code, pointer, since, entry)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (position, part) DO NOTHING"
    )
    new = 0
    for p in poison:
        row = (p.position, p.part, p.org, p.op, p.code, p.pointer, p.since, p.entry)
        new += connection.execute(put, row).count
    return new


def quarantined(connection: HostConnection, limit: int = 1000) -> list[Poison]:
    """What is in quarantine, oldest first."""
    names = ("position", "part", "org", "op", "code", "pointer", "since", "entry")
    oldest = f"SELECT {', '.join(names)} FROM trailbook_quarantine ORDER BY since, position, part LIMIT ?"
    rows = connection.execute(oldest, (limit,)).rows
    return [Poison(**dict(zip(names, row, strict=True))) for row in rows]


def release(connection: HostConnection, position: int, part: int) -> bool:
    """Take one entry out of quarantine; whether it was there."""
    statement = "DELETE FROM trailbook_quarantine WHERE position = ? AND part = ?"
    return connection.execute(statement, (position, part)).count == 1


def health(connection: HostConnection) -> Health:
    """How many entries wait, since when, and how many are in quarantine."""
    statement = "SELECT coalesce(sum(entries), 0), min(captured_at) FROM trailbook_outbox"
    ((pending, oldest),) = connection.execute(statement).rows
    refused = _number(connection, "SELECT count(*) FROM trailbook_quarantine")
    since = None if oldest is None else instant(oldest)
    mended = _kept(connection, "names_mended")
    return Health(pending=int(pending), oldest=since, quarantined=refused, names_mended=mended)


def waits(connection: HostConnection) -> list[Wait]:
    """The organisations whose entries wait, by name."""
    statement = "SELECT org, sum(entries), min(captured_at) FROM trailbook_outbox GROUP BY org ORDER BY org"
    rows = connection.execute(statement).rows
    return [Wait(org=org, pending=int(pending), oldest=instant(oldest)) for org, pending, oldest in rows]


def waiting(connection: HostConnection, limit: int) -> int:
    """How many rows wait; their span, which costs nothing to know, where that is below `limit`."""
    statement = "SELECT coalesce(max(position) - min(position) + 1, 0) FROM trailbook_outbox"
    span = _number(connection, statement)
    return span if span < limit else _number(connection, "SELECT count(*) FROM trailbook_outbox")


def _number(connection: HostConnection, statement: str, *parameters: Any) -> int:
    """The one number that a statement asks for, 0 where there is none."""
    rows = connection.execute(statement, parameters).rows
    return int(rows[0][0]) if rows else 0


def _kept(connection: HostConnection, name: str) -> int:
    """A number that capture keeps in the host's database, 0 where it does not yet."""
    return _number(connection, "SELECT value FROM trailbook_capture WHERE name = ?", name)


def _rest(connection: HostConnection, rows: Sequence[OutboxRow]) -> Iterator[OutboxRow]:
    """What the page cut off of transactions in which something was meant."""
    meant = "SELECT DISTINCT tx FROM trailbook_outbox WHERE op = 'meant' AND tx IS NOT NULL"
    on_page = {row.tx for row in rows}
    cut = [tx for (tx,) in connection.execute(meant).rows if tx in on_page]
    rest = f"SELECT {_COLUMNS} FROM trailbook_outbox WHERE position > ? AND tx = ? ORDER BY position"
    for tx in cut:
        after = connection.execute(rest, (rows[-1].position, tx))
        yield from (OutboxRow(*row) for row in after.rows)
