"""Holds: one organisation of a file, by whoever has the lock, and by nobody once that is let go."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from trailbook.errors import StoreError
from trailbook.stores import Store, open_store
from trailbook.stores.sqlite.holds import HeldError, Holds
from trailbook.testing.engines import ORG, OTHER, filled
from trailbook.testing.ledgers import Appending


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def store(log: Path) -> Iterator[Store]:
    store, _ = open_store(f"sqlite:///{log}", create=True)
    yield store
    store.close()


def test_an_organisation_is_held_by_one_and_free_before_and_after(log: Path) -> None:
    """Another process is another opening of the lock; to look is to leave no file."""
    mine, other = Holds(log), Holds(log)
    other.require_free(ORG)
    assert not log.with_name("log.db.held").exists()
    with mine.holding(ORG):
        assert (mine.is_mine(ORG), mine.is_mine(OTHER), other.is_mine(ORG)) == (True, False, False)
        with pytest.raises(HeldError):
            other.require_free(ORG)
        other.require_free(OTHER)
    other.require_free(ORG)
    assert not mine.is_mine(ORG)
    assert log.with_name("log.db.held").stat().st_mode & 0o777 == 0o600


def test_it_is_the_threads_own(log: Path) -> None:
    holds, mine = Holds(log), list[bool]()
    with holds.holding(ORG):
        thread = threading.Thread(target=lambda: mine.append(holds.is_mine(ORG)))
        thread.start()
        thread.join()
        assert (mine, holds.is_mine(ORG)) == ([False], True)


def test_a_name_without_the_lock_holds_nobody(log: Path) -> None:
    """That is what a dead process leaves; the control is the same name under the lock."""
    log.with_name("log.db.held").write_text(ORG)
    Holds(log).require_free(ORG)
    with Holds(log).holding(ORG), pytest.raises(HeldError):
        Holds(log).require_free(ORG)


def test_nobody_waits_for_ever(log: Path) -> None:
    """Neither to append nor to hold in turn, whichever organisation; let go, both are done."""
    hasty = Holds(log, patience=0.01)
    with Holds(log).holding(ORG):
        with pytest.raises(StoreError, match="try again"):
            hasty.wait(ORG)
        with pytest.raises(StoreError, match="try again"), hasty.holding(OTHER):
            pass
        hasty.wait(OTHER)
    hasty.wait(ORG)
    with hasty.holding(OTHER):
        assert hasty.is_mine(OTHER)


def test_a_link_to_the_log_leads_to_the_same_lock(log: Path, tmp_path: Path) -> None:
    log.touch()
    link = tmp_path / "link.db"
    link.symlink_to(log)
    with Holds(link).holding(ORG), pytest.raises(HeldError):
        Holds(log).require_free(ORG)


def test_a_lock_that_cannot_be_made_is_told_as_the_stores_own_failure(log: Path) -> None:
    log.with_name("log.db.held").mkdir()
    with pytest.raises(StoreError, match="cannot be made"), Holds(log).holding(ORG):
        pass


def test_who_waits_shares_a_transaction_with_nobody_who_need_not(store: Store, log: Path) -> None:
    """Eight organisations append at once while one of them is held: seven are there, the eighth follows."""
    orgs = [f"org-{number}" for number in range(8)]
    heads = [filled(store, 1, org) for org in orgs]
    with ExitStack() as held:
        held.enter_context(Holds(log).holding(orgs[3]))
        appends = [Appending(store, head, 9, org=org) for head, org in zip(heads, orgs, strict=True)]
        assert [append.is_over(20) for at, append in enumerate(appends) if at != 3] == [True] * 7
        assert not appends[3].is_over(0.1)
        assert [store.head(org).size for org in orgs] == [2, 2, 2, 1, 2, 2, 2, 2]
    assert appends[3].is_over(20)
    assert [append.error for append in appends] == [None] * 8
    assert store.head(orgs[3]).size == 2
