"""The door that opens an engine: which URLs there are, and what is refused without leaving anything behind."""

from pathlib import Path

import pytest

from trailbook.errors import ConfigurationError, NotFoundError
from trailbook.stores import MemoryStore, is_log_file, open_store, schema_of, store_file
from trailbook.stores.sqlite.connection import migrations


def test_a_url_opens_its_engine(tmp_path: Path) -> None:
    assert isinstance(open_store("memory:")[0], MemoryStore)
    store, _ = open_store(f"sqlite:///{tmp_path}/log.db", create=True)
    store.close()
    assert is_log_file(tmp_path / "log.db")


def test_what_is_not_there_is_not_made_unasked(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="`trailbook init` makes one"):
        open_store(f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(NotFoundError, match=r"the folder .*nowhere does not exist"):
        open_store(f"sqlite:///{tmp_path}/nowhere/log.db", create=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["mysql://x", "sqlite://x", "log.db", ""])
def test_an_unknown_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="use sqlite:///FILE"):
        open_store(url)


def test_the_file_that_a_store_is() -> None:
    assert store_file("sqlite:///log.db") == Path("log.db")
    assert store_file("sqlite:////var/log.db") == Path("/var/log.db")
    assert [store_file(url) for url in ("memory:", "postgresql://host/log", "log.db")] == [None] * 3


def test_the_schema_of_a_file_is_read_without_bringing_it_up_to_date(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    assert schema_of(url) is schema_of("memory:") is None
    open_store(url, create=True)[0].close()
    assert schema_of(url) == (len(migrations()), len(migrations()))


def test_another_file_is_no_log(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    assert not is_log_file(other)
    other.write_bytes(b"SQLite format 3\0".ljust(100, b"\0"))
    assert not is_log_file(other)
