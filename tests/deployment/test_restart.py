"""Going on from a backup: declared for everybody to see, with nobody back who was erased."""

import shutil
from pathlib import Path

import pytest
from tests.retention.canary import GONE, SECRETS, about, hits, stored

from trailbook.errors import ConfigurationError
from trailbook.record.canonical import decode_body
from trailbook.testing import FrozenClock
from trailbook.testing.small import ANNA, ORG, WEB, grow, opened
from trailbook.testing.trees import tree_faults


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def restore(folder: Path) -> None:
    """Put the backup in the place of the log."""
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        (folder / name).unlink(missing_ok=True)
    shutil.copy(folder / "backup.db", folder / "log.db")


def test_a_restored_backup_goes_on_only_as_a_declared_restart(tmp_path: Path, clock: FrozenClock) -> None:
    """New origin, an entry that cites what was lost, and erased stays erased."""
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 30)
    log.record_many(about(clock))
    deployment.signer().sign(ORG)
    deployment.backup(tmp_path / "backup.db")
    log.erase(GONE, actor=ANNA, origin=WEB)
    grow(log, clock, 5, first=700)
    lost = deployment.signer().sign(ORG)
    deployment.close()
    restore(tmp_path)
    (tmp_path / "backup.db").unlink()
    restored = opened(tmp_path, clock, create=False)
    outside = tmp_path / "outside.txt"
    assert set(hits(tmp_path)) == set(SECRETS)  # the backup still had the person
    assert list(restored.behind(outside)) == [ORG]
    done = restored.restart(outside)[0]
    assert (done.lost, done.origin, done.erased_again) == ((32, 38), "log.example/acme/1", 1)
    assert hits(tmp_path) == []
    store = stored(tmp_path)
    assert lost is not None
    first = decode_body(store.kept_at(ORG, [32])[0].body or b"")
    assert first.action == "activity_log.restarted"
    assert store.identities_of(ORG, [first.target])[0].id == f"38-{lost.root.hex()}"
    signed = restored.signer().sign(ORG)
    assert signed is not None
    assert signed.origin == "log.example/acme/1"
    assert restored.behind(outside) == {}
    assert restored.restart(outside) == []
    assert tree_faults(store, ORG) == []


def test_a_whole_copy_needs_no_restart(tmp_path: Path, clock: FrozenClock) -> None:
    """The control: a copy that reaches the last outside checkpoint goes on as it is."""
    deployment = opened(tmp_path, clock)
    grow(deployment.create(ORG), clock, 30)
    deployment.signer().sign(ORG)
    assert deployment.behind(tmp_path / "outside.txt") == {}
    assert deployment.restart(tmp_path / "outside.txt") == []


def test_a_backup_older_than_a_restart_is_refused(tmp_path: Path, clock: FrozenClock) -> None:
    """Under the restart's origin other entries were signed; one that was taken after it goes on."""
    deployment, outside = opened(tmp_path, clock), tmp_path / "outside.txt"
    grow(deployment.create(ORG), clock, 5)
    deployment.signer().sign(ORG)
    deployment.backup(tmp_path / "backup.db")
    grow(deployment.log(ORG), clock, 5, first=200)
    deployment.signer().sign(ORG)
    deployment.close()
    restore(tmp_path)
    (tmp_path / "backup.db").rename(tmp_path / "older.db")
    restored = opened(tmp_path, clock, create=False)
    assert [done.lost for done in restored.restart(outside)] == [(5, 10)]
    restored.signer().sign(ORG)
    restored.backup(tmp_path / "backup.db")
    restored.close()
    restore(tmp_path)  # the control: taken after the restart
    again = opened(tmp_path, clock, create=False)
    assert again.restart(outside) == []
    again.close()
    shutil.copy(tmp_path / "older.db", tmp_path / "backup.db")
    restore(tmp_path)
    older = opened(tmp_path, clock, create=False)
    with pytest.raises(ConfigurationError, match=r"went on as log\.example/acme/1"):
        older.restart(outside)
    older.close()


def test_always_begins_a_new_origin(tmp_path: Path, clock: FrozenClock) -> None:
    """Where the old origin cannot be signed any more: a log that lost nothing is restarted too, if one asks for it."""
    deployment, outside = opened(tmp_path, clock), tmp_path / "outside.txt"
    grow(deployment.create(ORG), clock, 5)
    deployment.signer().sign(ORG)
    assert deployment.restart(outside) == []
    (done,) = deployment.restart(outside, always=True)
    assert (done.org, done.lost, done.origin, done.erased_again) == (ORG, (5, 5), "log.example/acme/1", 0)
    signed = deployment.signer().sign(ORG)
    assert signed is not None
    assert (signed.origin, signed.size) == ("log.example/acme/1", 6)
    deployment.close()
