"""Removing by retention: what is due goes, a manifest names it, and everything else still verifies."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from tests.retention.canary import files, stored

from trailbook import Log, NewEntry, Origin, Query, operator
from trailbook.errors import EntryExpiredError, InvalidError
from trailbook.query import from_params
from trailbook.record.canonical import decode_body
from trailbook.retention.removal import Retention
from trailbook.testing import FrozenClock
from trailbook.testing.small import ANNA, ORG, WEB, assigned, grow, opened
from trailbook.testing.trees import tree_faults
from trailbook.tree.merkle import leaf_hash

VIEWER = operator(ORG)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def old_and_new(folder: Path, clock: FrozenClock) -> Log:
    """Forty entries of long ago and forty of now, in a log on disk."""
    log = opened(folder, clock).create(ORG)
    grow(log, clock, 40)
    clock.move(timedelta(days=1200))
    grow(log, clock, 40, first=500)
    return log


def test_removal_takes_what_is_due_and_cites_it(tmp_path: Path, clock: FrozenClock) -> None:
    """Bodies of the class go, leaf hashes stay, the manifest names each seq, all other proofs verify."""
    log = old_and_new(tmp_path, clock)
    gone = log.search(from_params([("order", "asc")][:0]), viewer=VIEWER, order="asc", limit=1).entries[0]
    store = stored(tmp_path)  # with an entry of that reading
    leaves = [leaf_hash(row.body or b"") for row in store.kept(ORG, 0, 40)]
    receipt = log.prune(
        Retention(kept_for="extended", before=clock() - timedelta(days=1)), actor=ANNA, origin=WEB
    )
    rows = list(store.kept(ORG, 0, 82))
    assert [row.leaf for row in rows[:40]] == leaves
    assert all(row.body is not None for row in rows[40:])
    assert receipt.seq == 81
    manifest = store.blob(
        ORG, "removal", store.identities_of(ORG, [decode_body(rows[81].body or b"").target])[0].id or ""
    )
    assert msgspec.json.decode(manifest or b"")["seqs"] == [[0, 39]]
    assert tree_faults(store, ORG) == []
    assert log.count(Query(), viewer=VIEWER)[0] == 42
    with pytest.raises(EntryExpiredError):
        log.show(msgspec.convert(gone.id, type=receipt.id.__class__), viewer=VIEWER)


def test_removal_sweeps_identities_that_no_kept_body_cites(tmp_path: Path, clock: FrozenClock) -> None:
    log = old_and_new(tmp_path, clock)
    assert b"Quixote139" in files(tmp_path)
    log.prune(Retention(kept_for="extended", before=clock() - timedelta(days=1)), actor=ANNA, origin=WEB)
    written = files(tmp_path)
    assert b"Quixote139" not in written
    assert b"Quixote539" in written
    assert log.items("zebedee quixote139", viewer=VIEWER) == []
    assert log.items("manager", viewer=VIEWER)  # still cited by what is kept


def test_a_name_that_only_removed_entries_had_finds_nobody(tmp_path: Path) -> None:
    """Who has another name by now is found by that, in a log that verifies; by the old one they were found for ever."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    log.record_many([renamed(clock, "Zebedee Quixote")])
    clock.move(timedelta(days=1200))
    log.record_many([renamed(clock, "Zebedee Panza")])
    assert [item.id for item in log.items("quixote", viewer=VIEWER)] == ["u-9"]
    log.prune(Retention(kept_for="extended", before=clock() - timedelta(days=1)), actor=ANNA, origin=WEB)
    assert log.items("quixote", viewer=VIEWER) == []
    for name in ("zebedee", "panza"):
        assert [item.id for item in log.items(name, viewer=VIEWER)] == ["u-9"]
    deployment.signer().sign(ORG)
    assert deployment.verify(ORG).findings == ()
    assert b"uixote" not in files(tmp_path)
    deployment.close()


def renamed(clock: FrozenClock, name: str) -> NewEntry:
    """The role Manager for the same person under a name."""
    entry = assigned(clock, 9)
    concern = structs.replace(entry.concerns[0], id="u-9", name=name)
    return structs.replace(entry, concerns=(concern,))


def test_removal_refuses_what_is_not_due(tmp_path: Path, clock: FrozenClock) -> None:
    log = old_and_new(tmp_path, clock)
    for kept_for, back in (("permanent", 1), ("weekly", 1), ("extended", 5000), ("standard", 1)):
        with pytest.raises(InvalidError, match="retention"):
            log.prune(
                Retention(kept_for=kept_for, before=clock() - timedelta(days=back)), actor=ANNA, origin=WEB
            )
    assert log.count(Query(), viewer=VIEWER)[0] == 80


def test_another_process_notices_a_removal(tmp_path: Path, clock: FrozenClock) -> None:
    log = old_and_new(tmp_path, clock)
    other = opened(tmp_path, clock, create=False).log(ORG)
    assert other.count(Query(), viewer=VIEWER)[0] == 80
    log.prune(Retention(kept_for="extended", before=clock() - timedelta(days=1)), actor=ANNA, origin=WEB)
    assert other.count(Query(), viewer=VIEWER)[0] == 41


def test_what_the_removal_itself_cites_stays(tmp_path: Path) -> None:
    """With every other entry removed, the one that says so can still be read, and the log verifies."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 5)
    clock.move(timedelta(days=1))
    retention = Retention(kept_for="extended", before=clock())
    log.prune(retention, actor=ANNA, origin=Origin(interface="cli"))
    shown = list(log.rows(Query(), viewer=VIEWER))
    assert [entry.action for entry in shown] == ["activity_log.pruned"]
    assert shown[0].actor.name == ANNA.name
    deployment.signer().sign(ORG)
    assert deployment.verify(ORG).findings == ()
    deployment.close()
