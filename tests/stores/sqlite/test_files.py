"""Files that are moved away, removed or replaced under an open log: nothing is acknowledged until they are back."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from trailbook.errors import StoreError
from trailbook.stores import Store, open_store
from trailbook.testing.engines import ORG, batch, filled, row

FILES = ("log.db", "log.db-wal", "log.db-shm")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A log of ten entries, open."""
    store, _ = open_store(f"sqlite:///{tmp_path}/log.db", create=True)
    filled(store, 10)
    yield store
    store.close()


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_written_or_read_while_a_file_is_away(store: Store, tmp_path: Path, name: str) -> None:
    """The words name the file; put back, the log goes on where it was."""
    head = store.head(ORG)
    (tmp_path / name).rename(tmp_path / "away")
    with pytest.raises(StoreError, match=f"the file {name} is not where it was"):
        store.head(ORG)
    with pytest.raises(StoreError, match=f"the file {name} is not where it was"):
        store.append(ORG, head, batch(head, [row(head.size)]))
    (tmp_path / "away").rename(tmp_path / name)
    assert store.head(ORG) == head
    filled(store, 1)
    assert store.head(ORG).size == head.size + 1


@pytest.mark.parametrize("name", FILES)
def test_another_file_of_the_same_name_is_not_written(store: Store, tmp_path: Path, name: str) -> None:
    """A copy of the log is another file: what this process writes would not be in it."""
    head = store.head(ORG)
    shutil.copy(tmp_path / name, tmp_path / "copy")
    (tmp_path / "copy").rename(tmp_path / name)
    with pytest.raises(StoreError, match=f"the file {name} was replaced"):
        store.append(ORG, head, batch(head, [row(head.size)]))
    with pytest.raises(StoreError, match=f"the file {name} was replaced"):
        store.head(ORG)


def test_whoever_opens_the_log_by_another_way_to_it_is_at_the_same_files(tmp_path: Path) -> None:
    """The control: a link to the folder, another process that opens and closes, and a log that is opened again."""
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    store, _ = open_store(f"sqlite:///{tmp_path}/link/log.db", create=True)
    filled(store, 10)
    other, _ = open_store(f"sqlite:///{tmp_path}/data/log.db")
    filled(other, 1)
    other.close()
    filled(store, 1)
    store.close()
    store, _ = open_store(f"sqlite:///{tmp_path}/data/log.db")
    assert store.head(ORG).size == 12
    filled(store, 1)
    store.close()


def test_a_link_that_leads_elsewhere_by_now_is_noticed(tmp_path: Path) -> None:
    """Whoever opens the log by its name would find the other one."""
    for name in ("log.db", "other.db"):
        begun, _ = open_store(f"sqlite:///{tmp_path}/{name}", create=True)
        filled(begun, 1)
        begun.close()
    (tmp_path / "link.db").symlink_to("log.db")
    store, _ = open_store(f"sqlite:///{tmp_path}/link.db")
    filled(store, 1)
    (tmp_path / "link.db").unlink()
    (tmp_path / "link.db").symlink_to("other.db")
    with pytest.raises(StoreError, match=r"the file link\.db was replaced"):
        filled(store, 1)
    store.close()
