"""One SQLite file: its settings, its schema, and the files that are refused."""

import os
import shutil
import threading
from contextlib import closing
from importlib import resources
from pathlib import Path

import apsw
import pytest

from trailbook.errors import DamagedError, SchemaNewerError, StoreError
from trailbook.stores import open_store
from trailbook.stores.sqlite.connection import APPLICATION_ID, Connections, migrations, our_errors
from trailbook.testing.engines import ORG, batch, filled, row

SCHEMA = (resources.files("trailbook.stores.sqlite") / "schema.sql").read_text("utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A log of ten entries, closed."""
    store, _ = open_store(f"sqlite:///{tmp_path}/log.db", create=True)
    filled(store, 10)
    store.close()
    return tmp_path / "log.db"


def schema(db: apsw.Connection) -> list[tuple[str, str, str]]:
    rows = db.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
    return [(type_, name, " ".join(sql.split())) for type_, name, sql in rows]


def test_migrations_end_at_the_schema(file: Path) -> None:
    with closing(apsw.Connection(str(file))) as migrated, closing(apsw.Connection(":memory:")) as truth:
        truth.execute(SCHEMA)
        assert schema(migrated) == schema(truth)
        assert migrated.execute("PRAGMA user_version").get == len(migrations())
        assert migrated.execute("PRAGMA application_id").get == APPLICATION_ID


def test_every_table_is_strict(file: Path) -> None:
    with closing(apsw.Connection(str(file))) as db:
        tables = db.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
        kept = {name: strict for name, strict in tables if not name.startswith("sqlite_")}
        assert len(kept) >= 7
        assert set(kept.values()) == {1}
        with pytest.raises(apsw.ConstraintError):
            db.execute("INSERT INTO entry (place, body) VALUES (99, 'text is no blob')")


def test_the_connection_that_writes_is_durable(file: Path) -> None:
    """synchronous FULL: under NORMAL a power cut loses what was acknowledged."""
    connections = Connections(file)

    def pragma(db: apsw.Connection, name: str) -> object:
        return db.execute(f"PRAGMA {name}").get

    with connections.writing() as db:
        assert pragma(db, "journal_mode") == "wal"
        assert pragma(db, "synchronous") == 2
        assert pragma(db, "secure_delete") == 1
        assert pragma(db, "page_size") == 8192
        assert pragma(db, "trusted_schema") == 0
    with connections.reading() as db:
        assert pragma(db, "journal_mode") == "wal"
        with pytest.raises(apsw.ReadOnlyError):
            db.execute("DELETE FROM entry")
    connections.close()


def test_a_newer_schema_is_refused_and_left_alone(file: Path) -> None:
    with closing(apsw.Connection(str(file))) as db:
        db.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    with pytest.raises(SchemaNewerError):
        open_store(f"sqlite:///{file}")
    with closing(apsw.Connection(str(file))) as db:
        assert db.execute("PRAGMA user_version").get == len(migrations()) + 1
        db.execute(f"PRAGMA user_version = {len(migrations())}")
    store, _ = open_store(f"sqlite:///{file}")
    assert store.head(ORG).size == 10
    store.close()


@pytest.mark.parametrize("create", [True, False])
def test_a_foreign_database_is_refused_and_left_alone(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "hr.db"
    with closing(apsw.Connection(str(path))) as db:
        db.execute("CREATE TABLE person (name TEXT); INSERT INTO person VALUES ('Anna')")
    before = path.read_bytes()
    with pytest.raises(StoreError) as refused:
        open_store(f"sqlite:///{path}", create=create)
    assert "not one of Trailbook" in refused.value.detail
    assert path.read_bytes() == before
    assert sorted(f.name for f in tmp_path.iterdir()) == ["hr.db"]


def test_a_damaged_header(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(b"garbage!" * 2 + whole[16:])
    with pytest.raises(DamagedError):
        open_store(f"sqlite:///{file}")
    file.write_bytes(whole)
    store, _ = open_store(f"sqlite:///{file}")
    assert store.head(ORG).size == 10
    store.close()


def test_a_damaged_page(file: Path) -> None:
    """The control is the whole file next to it: the same reading succeeds there."""
    copy = file.with_name("copy.db")
    shutil.copy(file, copy)
    with closing(apsw.Connection(str(file))) as db:
        page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'entry'").get
    raw = bytearray(file.read_bytes())
    raw[(page - 1) * 8192 : page * 8192] = b"\xff" * 8192
    file.write_bytes(raw)
    for path, damaged in ((file, True), (copy, False)):
        store, _ = open_store(f"sqlite:///{path}")
        if damaged:
            with pytest.raises(DamagedError):
                list(store.kept(ORG, 0, 10))
        else:
            assert len(list(store.kept(ORG, 0, 10))) == 10
        store.close()


def test_refusals_name_no_sql_and_no_path(file: Path) -> None:
    file.write_bytes(b"not a database at all, but long enough to look like one" * 100)
    with pytest.raises(DamagedError) as refused:
        open_store(f"sqlite:///{file}")
    assert str(file) not in refused.value.detail
    assert "SQL" not in refused.value.detail


def test_a_write_while_another_process_writes_waits_or_says_so(file: Path) -> None:
    store, _ = open_store(f"sqlite:///{file}")
    with closing(apsw.Connection(str(file))) as other:
        other.execute("BEGIN IMMEDIATE")
        store._connections._writer.set_busy_timeout(10)  # type: ignore[attr-defined]
        head = store.head(ORG)
        with pytest.raises(StoreError) as refused:
            store.append(ORG, head, batch(head, [row(99)]))
        assert "another process" in refused.value.detail
        other.execute("ROLLBACK")
    store.append(ORG, head, batch(head, [row(99)]))
    store.close()


def descriptors(file: Path) -> int:
    """How many descriptors of this process are open on a log and its journals."""
    names = (Path("/proc/self/fd") / fd for fd in os.listdir("/proc/self/fd"))
    return sum(str(name.readlink()).startswith(str(file)) for name in names if name.is_symlink())


def test_an_ended_thread_leaves_no_connection_open(file: Path) -> None:
    """Two hundred short threads read; what stays open is what one of them needs. The control holds on to each."""
    connections = Connections(file)
    held: list[apsw.Connection] = []

    def read(keep: list[apsw.Connection]) -> None:
        with connections.reading() as db:
            assert db.execute("SELECT count(*) FROM entry").get == 10
            keep.append(db)

    def many() -> int:
        for _ in range(200):
            kept: list[apsw.Connection] = []
            thread = threading.Thread(target=read, args=(held if hold else kept,))
            thread.start()
            thread.join()
        return descriptors(file)

    hold = False
    before = descriptors(file)
    assert many() - before <= 4
    hold = True
    assert many() - before >= 200
    held.clear()
    connections.close()
    assert descriptors(file) == 0


def test_a_store_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    """Read-only and not to be opened are told apart, and from everything else."""
    file = f"{tmp_path}/a.db"
    apsw.Connection(file).close(True)
    reader = apsw.Connection(file, flags=apsw.SQLITE_OPEN_READONLY)
    with pytest.raises(StoreError, match="read-only"), our_errors():
        reader.execute("CREATE TABLE t(a)")
    reader.close(True)
    with pytest.raises(StoreError, match="cannot be opened"), our_errors():
        apsw.Connection(f"{tmp_path}/no/a.db")
