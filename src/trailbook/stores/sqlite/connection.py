"""One SQLite file: connections with the durable settings, migrations, and foreign errors turned into ours.

Owns every PRAGMA and the promise behind "durable". Refuses a file of a newer schema or one that was moved away since,
and refuses to write again through a connection whose write failed below SQLite: pages after a failed fsync cannot be
trusted.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from weakref import WeakSet

import apsw

from trailbook.errors import (
    DamagedError,
    SchemaNewerError,
    StorageFullError,
    StoreError,
    UnwritableError,
)
from trailbook.stores.sqlite.files import Files

APPLICATION_ID = 0x7472626B  # "trbk"
BUSY_MS = 10_000  # how long a call waits for another process to let go of the file
_MIGRATIONS = "migrations"
# FULL: with NORMAL a power cut loses acknowledged entries, for WAL is then not synced at commit.
_SETTINGS = (
    *("page_size = 8192", "journal_mode = WAL", "synchronous = FULL"),
    *("secure_delete = ON", "trusted_schema = OFF"),
)


@contextmanager
def our_errors() -> Iterator[None]:
    """Let no apsw exception out: each becomes a StoreError whose words name no SQL and no path."""
    try:
        yield
    except apsw.FullError as error:
        raise StorageFullError("the disk is full; nothing was recorded") from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise DamagedError("the database file is damaged or is not one of Trailbook") from error
    except UnicodeDecodeError as error:  # text that is none any more
        raise DamagedError("the database holds text that cannot be read") from error
    except apsw.ReadOnlyError as error:
        raise UnwritableError("the store cannot be written: its file or its folder is read-only") from error
    except apsw.CantOpenError as error:
        raise StoreError(
            "the store's file, or one beside it, cannot be opened: look at the folder's rights"
        ) from error
    except apsw.BusyError as error:
        raise StoreError("another process is writing to the log; try again") from error
    except apsw.Error as error:
        raise StoreError(f"the store could not answer ({type(error).__name__})") from error


class Connections:
    """The one writing connection of this process, behind a lock, and a reading connection a thread."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._local = threading.local()
        # Weakly: a thread's own reference is the only one, so that the connection closes when the thread ends.
        self._readers: WeakSet[apsw.Connection] = WeakSet()
        self._failed = False
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
        if create:
            make_private(path)
        with our_errors():
            self._writer = _open(path, flags)
            _migrate(self._writer)
            self._files = Files(path)

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """One transaction, begun immediately; all of it or nothing. Raises: StoreError."""
        with self._lock, our_errors():
            if self._failed:
                raise UnwritableError("an earlier write failed below the database; open the store again")
            # The lock at once, not at the first write: a transaction that has read cannot wait for another writer's
            # end, because what it has read would be old by then. SQLite refuses it without waiting.
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._files.require()  # what goes into a file that was moved away is lost to whoever opens the log
                self._writer.execute("COMMIT")
            except BaseException as error:
                self._failed = isinstance(error, apsw.IOError)
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """This thread's reading connection. Raises: StoreError."""
        self._files.require()
        with our_errors():
            reader: apsw.Connection | None = getattr(self._local, "reader", None)
            if reader is None:
                reader = _open(self.path, apsw.SQLITE_OPEN_READONLY)
                self._local.reader = reader
                with self._lock:
                    self._readers.add(reader)
            yield reader

    @contextmanager
    def still(self) -> Iterator[None]:
        """All that this thread reads meanwhile is of one moment. Raises: StoreError."""
        with self.reading() as reader:
            reader.execute("BEGIN")
            try:
                yield
            finally:
                if reader.in_transaction:
                    reader.execute("ROLLBACK")

    @property
    def fit(self) -> bool:
        """Whether no write of this process failed below the database."""
        return not self._failed

    def schema(self) -> tuple[int, int]:
        """The schema that the file has now, and the one that is known here. Raises: StoreError."""
        with self.reading() as reader:
            return _version(reader), len(migrations())

    def empty_wal(self) -> None:
        """Bring the write-ahead log into the database and cut it to nothing, so that no old page stays in it.

        Raises: StoreError when readers of other processes kept it in use for 10 s; what was written is durable.
        """
        with self._lock, our_errors():
            busy = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy is not None and busy[0]:
                raise StoreError(
                    "the write is durable, but readers keep old pages of the write-ahead log in use"
                )

    def copy_to(self, file: Path, progress: Callable[[int, int], None]) -> None:
        """Copy the database as it is now while others go on writing; `progress` gets pages done and in all.

        Raises: StoreError.
        """
        make_private(file)
        with our_errors(), self.reading() as reader:
            target = apsw.Connection(str(file))
            try:
                with target.backup("main", reader, "main") as copying:
                    while not copying.done:
                        copying.step(1024)
                        progress(copying.page_count - copying.remaining, copying.page_count)
            finally:
                target.close()

    def close(self) -> None:
        """Close every connection; closing twice is fine."""
        with self._lock, our_errors():
            for reader in list(self._readers):
                reader.close()
            self._readers.clear()
            # Anew, or a thread that lives on would find the reader that was just closed.
            self._local = threading.local()
            self._writer.close()


def make_private(path: Path) -> None:
    """Make the file that is not there yet, for its owner alone; SQLite gives its journals the same mode.

    Raises: StoreError.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"the file {path.name} cannot be made: {error.strerror}") from error


def _open(path: Path, flags: int) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=flags)
    try:
        return _set(connection, flags)
    except BaseException:
        connection.close()
        raise


def _set(connection: apsw.Connection, flags: int) -> apsw.Connection:
    connection.set_busy_timeout(BUSY_MS)
    _version(connection)  # a file of somebody else is refused before anything in it is changed
    # At most a gigabyte is read without being copied. It is address space, no memory that is taken.
    connection.execute("PRAGMA mmap_size = 1073741824")
    if flags & apsw.SQLITE_OPEN_READWRITE:
        # One at a time: a PRAGMA that answers with a row holds back whatever stands behind it.
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}").fetchall()
    return connection


def migrations() -> list[str]:
    """The numbered migrations, in order, as SQL texts."""
    folder = resources.files(__package__) / _MIGRATIONS
    return [
        f.read_text("utf-8") for f in sorted(folder.iterdir(), key=lambda f: f.name) if f.name[0].isdigit()
    ]


def schema_of_file(path: Path) -> tuple[int, int]:
    """The schema of a file that is opened for nothing else, and the one that is known here. Raises: StoreError."""
    with our_errors():
        connection = _open(path, apsw.SQLITE_OPEN_READONLY)
        try:
            return _version(connection), len(migrations())
        finally:
            connection.close()


def _migrate(connection: apsw.Connection) -> None:
    scripts = migrations()
    if _version(connection) == len(scripts):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)  # another process may have migrated while this one waited
        if version > len(scripts):
            raise SchemaNewerError(f"the file has schema {version}, this Trailbook knows {len(scripts)}")
        for number, script in enumerate(scripts[version:], version + 1):
            connection.execute(script)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: apsw.Connection) -> int:
    def number(sql: str) -> int:
        value: int = connection.execute(sql).get
        return value

    if number("PRAGMA application_id") != APPLICATION_ID and number("SELECT count(*) FROM sqlite_schema"):
        raise StoreError("the file is a database, but not one of Trailbook")
    return number("PRAGMA user_version")
