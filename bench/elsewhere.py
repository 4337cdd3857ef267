"""The same entries in other engines, each used as its own manual says: the controls of search and counts.

Owns one table, `activity`, in SQLite with five B-trees and a JSON body as an ordinary developer would build it, in
DuckDB and in PostgreSQL; and django-auditlog's table. Refuses to tune one against another: the same SQL for all.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psycopg

from trailbook.finding.embedded.finder import EmbeddedFinder
from trailbook.index import Piece
from trailbook.log.log import Log
from trailbook.stores import Store
from trailbook.testing.postgres import postgres

COLUMNS = ("seq", "moment", "actor", "about", "category", "action", "outcome")
_INDEXED = ("moment", "actor, moment", "about, moment", "category, moment", "action, moment")
_CHUNK = 10_000
FIVE = "five.db"
_POSTGRES = (
    "shared_buffers=2GB",
    "work_mem=256MB",
    "maintenance_work_mem=1GB",
    "wal_level=minimal",  # what is copied into a new table needs no journal then; only the loading is quicker
    "max_wal_senders=0",
)
_PAGE = "SELECT body FROM activity WHERE {where} ORDER BY moment DESC, seq DESC LIMIT 50"
_COUNT = "SELECT {by}, count(*) FROM activity WHERE {where} GROUP BY 1"
_BARS = "SELECT moment / 86400000000 AS day, count(*) FROM activity WHERE {where} GROUP BY 1"
_AUDITLOG = """
CREATE TABLE auditlog_logentry (
  id INTEGER PRIMARY KEY, content_type_id INTEGER NOT NULL, object_pk TEXT NOT NULL, object_id INTEGER,
  object_repr TEXT NOT NULL, serialized_data TEXT, action INTEGER NOT NULL, changes TEXT, actor_id INTEGER,
  actor_email TEXT, cid TEXT, remote_addr TEXT, remote_port INTEGER, timestamp TEXT NOT NULL, additional_data TEXT
);
CREATE INDEX auditlog_content ON auditlog_logentry (content_type_id);
CREATE INDEX auditlog_pk ON auditlog_logentry (object_pk);
CREATE INDEX auditlog_object ON auditlog_logentry (object_id);
CREATE INDEX auditlog_action ON auditlog_logentry (action);
CREATE INDEX auditlog_actor ON auditlog_logentry (actor_id);
CREATE INDEX auditlog_cid ON auditlog_logentry (cid);
CREATE INDEX auditlog_time ON auditlog_logentry (timestamp);
"""
_MENTIONED = """
SELECT * FROM auditlog_logentry
WHERE (content_type_id = 1 AND object_pk = ?) OR additional_data LIKE ? ORDER BY timestamp DESC LIMIT 50
"""


class Elsewhere:
    """An open table `activity` of some engine: pages, counts and bars, each a call that fetches its answer."""

    def __init__(self, name: str, execute: Callable[[str], Any]) -> None:
        self.name = name
        self._execute = execute

    def page(self, where: str) -> Callable[[], object]:
        """The newest 50 that hold, with their bodies."""
        return lambda: self._execute(_PAGE.format(where=where)).fetchall()

    def count(self, where: str, by: str) -> Callable[[], object]:
        """How many hold, by a column."""
        return lambda: self._execute(_COUNT.format(where=where, by=by)).fetchall()

    def bars(self, where: str) -> Callable[[], object]:
        """How many hold, by day."""
        return lambda: self._execute(_BARS.format(where=where)).fetchall()


def finder_of(log: Log) -> EmbeddedFinder:
    """The embedded finder of a log."""
    assert isinstance(log._finder, EmbeddedFinder)
    return log._finder


def arrays(log: Log, size: int) -> dict[str, Any]:
    """The first `size` entries as numbers, out of the index: `about` is the first concerned item, else the target."""
    parts = [_of_piece(piece) for piece in finder_of(log).index.snapshot().pieces if piece.count]
    numbers = {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}
    order = np.argsort(numbers["seq"])[:size]
    return {name: column[order] for name, column in numbers.items()}


def _of_piece(piece: Piece) -> dict[str, Any]:
    ranks = np.arange(piece.count)
    counts, concerned = piece.concerned(ranks)
    about = piece.column("target", ranks).astype(np.int64)
    begins = np.cumsum(counts) - counts
    about[counts > 0] = concerned[begins[counts > 0]]
    plain = {
        name: piece.column(name, ranks).astype(np.int64)
        for name in ("actor", "category", "action", "outcome")
    }
    return {"seq": piece.seqs(ranks), "moment": piece.at(), "about": about, **plain}


@contextmanager
def plain_sqlite(folder: Path, numbers: dict[str, Any], bodies: Iterator[bytes]) -> Iterator[Elsewhere]:
    """SQLite with five B-trees: as the recording left it in this folder, or filled now."""
    made = (folder / FIVE).exists()
    db = sqlite3.connect(folder / FIVE, isolation_level=None)
    if not made:
        begin_plain(db)
        fill_plain(db, table_rows(numbers, bodies))
    yield Elsewhere("five B-trees", db.execute)
    db.close()


def begin_plain(db: sqlite3.Connection) -> None:
    """The table and its five indexes, with the durable settings."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"CREATE TABLE activity ({', '.join(COLUMNS)}, body, PRIMARY KEY (seq))")
    index_plain(db)


def index_plain(db: sqlite3.Connection) -> None:
    """The five B-trees."""
    for number, columns in enumerate(_INDEXED):
        db.execute(f"CREATE INDEX activity_{number} ON activity ({columns})")


def fill_plain(db: sqlite3.Connection, chunks: Iterator[list[tuple[Any, ...]]]) -> None:
    """Many rows as quickly as SQLite takes them: without its indexes, which are built at the end."""
    for number in range(len(_INDEXED)):
        db.execute(f"DROP INDEX activity_{number}")
    db.execute("PRAGMA synchronous = OFF")
    for rows in chunks:
        insert_plain(db, rows)
    db.execute("PRAGMA cache_size = -1000000")
    index_plain(db)
    db.execute("PRAGMA synchronous = FULL")


def insert_plain(db: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows in one durable commit."""
    db.execute("BEGIN")
    db.executemany(f"INSERT INTO activity VALUES ({', '.join('?' * (len(COLUMNS) + 1))})", rows)
    db.execute("COMMIT")


@contextmanager
def in_duckdb(folder: Path, numbers: dict[str, Any]) -> Iterator[Elsewhere]:
    """DuckDB, loaded at once without the bodies; it has no index that would help, its columns are its index."""
    db = duckdb.connect(str(folder / "duck.db"), config={"threads": 2})
    given = {name: numbers[name] for name in COLUMNS}  # noqa: F841  # duckdb finds it by its name
    db.execute("CREATE TABLE activity AS SELECT *, '' AS body FROM given")
    yield Elsewhere("DuckDB", db.execute)
    db.close()


@contextmanager
def in_postgres(numbers: dict[str, Any], bodies: Iterator[bytes]) -> Iterator[Elsewhere]:
    """PostgreSQL, filled by COPY in the transaction that makes the table, then the same five B-trees."""
    with postgres(_POSTGRES) as server, psycopg.connect(_plain_url(server.url()), autocommit=True) as db:
        kinds = ", ".join(f"{name} bigint" for name in COLUMNS)
        with db.transaction(), db.cursor() as cursor:
            cursor.execute(f"CREATE TABLE activity ({kinds}, body text)")
            with cursor.copy("COPY activity FROM STDIN (FREEZE)") as copy:
                for rows in table_rows(numbers, bodies):
                    copy.write("".join(map(_copied, rows)))
        for columns in _INDEXED:
            db.execute(f"CREATE INDEX ON activity ({columns})")
        db.execute("ANALYZE activity")
        yield Elsewhere("PostgreSQL", db.execute)


def _copied(row: tuple[Any, ...]) -> str:
    """A row as COPY reads it; a body is canonical JSON, which has neither tabs nor line ends."""
    body = str(row[-1]).replace("\\", "\\\\")
    return "\t".join([*map(str, row[:-1]), body]) + "\n"


def _plain_url(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def table_rows(
    numbers: dict[str, Any], bodies: Iterator[bytes], chunk: int = _CHUNK
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of the table, some at a time."""
    for start in range(0, len(numbers["seq"]), chunk):
        columns = [numbers[name][start : start + chunk].tolist() for name in COLUMNS]
        texts = [body.decode() for _, body in zip(columns[0], bodies, strict=False)]
        yield list(zip(*columns, texts, strict=True))


def bodies_of(store: Store, org: str, size: int) -> Iterator[bytes]:
    """The first `size` bodies in order."""
    return (row.body or b"" for row in store.kept(org, 0, size))


@contextmanager
def auditlog(folder: Path, numbers: dict[str, Any], size: int) -> Iterator[Callable[[int], object]]:
    """django-auditlog's table with `size` rows; answers what an item number was the object of or mentioned in."""
    db = sqlite3.connect(folder / "auditlog.db", isolation_level=None)
    db.executescript(_AUDITLOG)
    db.execute("BEGIN")
    db.executemany(
        f"INSERT INTO auditlog_logentry VALUES ({', '.join('?' * 15)})",
        (
            (at, 2, f"o-{at % 997}", at % 997, "Manager", None, 1, '{"name": ["None", "None"]}', actor, None, None,
             "192.0.2.7", 443, str(moment), f'{{"concerns": ["{about}"]}}')
            for at, (actor, about, moment) in enumerate(
                zip(*(numbers[name][:size].tolist() for name in ("actor", "about", "moment")), strict=True)
            )
        ),
    )  # fmt: skip
    db.execute("COMMIT")
    yield lambda item: db.execute(_MENTIONED, (str(item), f'%"{item}"%')).fetchall()
    db.close()


def every(
    folder: Path, log: Log, store: Store, size: int
) -> tuple[dict[str, Any], list[Callable[[], AbstractContextManager[Elsewhere]]]]:
    """The numbers of the entries, and the engines to be opened one after the other."""
    numbers = arrays(log, size)
    return numbers, [
        lambda: in_duckdb(folder, numbers),
        lambda: in_postgres(numbers, bodies_of(store, log.org, size)),
        lambda: plain_sqlite(folder, numbers, bodies_of(store, log.org, size)),
    ]
