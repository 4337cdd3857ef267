"""The signer: what it checks before it signs, what it refuses, and what it leaves outside."""

from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from trailbook.errors import SigningRefusedError
from trailbook.proofs.keyring import new_keys
from trailbook.proofs.outside_file import read_outside
from trailbook.stores import open_store
from trailbook.stores.sqlite.bodies import unpacked
from trailbook.testing import FrozenClock, Steady
from trailbook.testing.small import ORG, grow, opened
from trailbook.testing.trees import head_root
from trailbook.tree.checkpoint import Policy, open_checkpoint


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def edit(folder: Path, sql: str, *values: object) -> None:
    """Change the database as its administrator could, behind Trailbook's back."""
    db = apsw.Connection(str(folder / "log.db"))
    db.execute(sql, values)
    db.close()


def body_at(folder: Path, seq: int) -> bytes:
    """The body that lies in the file at a seq of the first organisation."""
    db = apsw.Connection(str(folder / "log.db"))
    body: bytes = db.execute("SELECT body FROM entry WHERE place & 0xFFFFFFFFFF = ?", (seq,)).get
    db.close()
    return unpacked(body)


def test_a_head_is_signed_when_it_is_new_and_its_root_is_that_of_the_tree(
    tmp_path: Path, clock: FrozenClock
) -> None:
    deployment = opened(tmp_path, clock)
    grow(deployment.create(ORG), clock, 300)
    signed = deployment.signer().sign(ORG)
    store, _ = open_store(f"sqlite:///{tmp_path}/log.db")
    assert signed is not None
    assert (signed.origin, signed.size, signed.root) == ("log.example/acme", 300, head_root(store.head(ORG)))
    note = (tmp_path / "outside.txt").read_bytes()
    assert signed.root != bytes(32)
    assert b"log.example/acme\n300\n" in note


def test_both_signatures_of_the_kept_note_hold(tmp_path: Path, clock: FrozenClock) -> None:
    deployment = opened(tmp_path, clock)
    grow(deployment.create(ORG), clock, 3)
    deployment.signer().sign(ORG)
    kept = read_outside(tmp_path / "outside.txt").notes[-1].note
    checkpoint = open_checkpoint(kept, Policy("log.example/acme", deployment.verifier_keys(ORG)))
    assert [signature.time for signature in checkpoint.signed] == [None, int(clock().timestamp())]


def test_nothing_new_is_signed_again_only_after_an_idle_hour(tmp_path: Path, clock: FrozenClock) -> None:
    deployment = opened(tmp_path, clock)
    grow(deployment.create(ORG), clock, 3)
    signer = deployment.signer()
    assert signer.sign(ORG) is not None
    clock.move(timedelta(minutes=59))
    assert signer.sign(ORG) is None
    clock.move(timedelta(minutes=1))
    again = signer.sign(ORG)
    assert again is not None
    assert again.size == 3


def test_the_time_of_checkpoints_never_runs_backwards(tmp_path: Path, clock: FrozenClock) -> None:
    """A clock set back an hour gives a later checkpoint no earlier time."""
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 3)
    signer = deployment.signer()
    signer.sign(ORG)
    before = signer.last(ORG)
    clock.move(timedelta(hours=-1))
    grow(log, clock, 1)
    signer.sign(ORG)
    after = signer.last(ORG)
    assert before is not None
    assert after is not None
    assert after.checkpoint.size > before.checkpoint.size
    assert after.time == before.time


@pytest.mark.parametrize("seq", [0, 255, 256, 299, 300, 555])
def test_a_changed_body_is_not_signed_over(tmp_path: Path, clock: FrozenClock, seq: int) -> None:
    """A body changed before or after the last signed head, in a whole tile or the last one."""
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 300)
    deployment.signer().sign(ORG)
    grow(log, clock, 260, first=500)
    signed_before = (
        seq < 256
    )  # a complete tile under the last head is not hashed again before every signature
    body = body_at(tmp_path, seq)
    edit(
        tmp_path,
        "UPDATE entry SET body = ? WHERE place & 0xFFFFFFFFFF = ?",
        body.replace(b'"success"', b'"failure"'),
        seq,
    )
    if signed_before:
        assert deployment.signer().sign(ORG) is not None  # `trailbook verify` finds this one
        return
    with pytest.raises(SigningRefusedError, match="not signed: seq"):
        deployment.signer().sign(ORG)


def test_the_same_bodies_untouched_are_signed(tmp_path: Path, clock: FrozenClock) -> None:
    """The control of the refusals above: the same log without an edit."""
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 300)
    deployment.signer().sign(ORG)
    grow(log, clock, 260, first=500)
    signed = deployment.signer().sign(ORG)
    assert signed is not None
    assert signed.size == 560


def test_a_changed_tile_is_not_signed_over(tmp_path: Path, clock: FrozenClock) -> None:
    deployment = opened(tmp_path, clock)
    grow(deployment.create(ORG), clock, 600)
    edit(tmp_path, "UPDATE blob SET content = zeroblob(8192) WHERE kind = 'tile' AND key = '0/1'")
    with pytest.raises(SigningRefusedError) as refused:
        deployment.signer().sign(ORG)
    assert refused.value.range == (256, 512)


def test_a_cut_tail_is_named_by_its_range(tmp_path: Path, clock: FrozenClock) -> None:
    """The database as it was yesterday, all consistent, does not reach the checkpoint kept outside."""
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 300)
    deployment.signer().sign(ORG)
    deployment.backup(tmp_path / "yesterday.db")
    grow(log, clock, 10, first=900)
    deployment.signer().sign(ORG)
    deployment.close()
    (tmp_path / "log.db").write_bytes((tmp_path / "yesterday.db").read_bytes())
    with pytest.raises(SigningRefusedError) as refused:
        opened(tmp_path, clock, create=False).signer().sign(ORG)
    assert refused.value.range == (300, 310)


def test_without_the_outside_file_the_cut_tail_is_not_seen(tmp_path: Path, clock: FrozenClock) -> None:
    """The negative control: what finds the cut is the copy outside, and nothing in the database."""
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 300)
    deployment.signer().sign(ORG)
    deployment.backup(tmp_path / "yesterday.db")
    grow(log, clock, 10, first=900)
    deployment.signer().sign(ORG)
    deployment.close()
    (tmp_path / "log.db").write_bytes((tmp_path / "yesterday.db").read_bytes())
    (tmp_path / "outside.txt").unlink()
    old = opened(tmp_path, clock, create=False)
    grow(old.log(ORG), clock, 1, first=2000)
    signed = old.signer().sign(ORG)
    assert signed is not None
    assert signed.size == 301


def test_a_fork_of_the_same_length_is_refused(tmp_path: Path, clock: FrozenClock) -> None:
    """Yesterday's copy, grown by other entries to the same size, is another history."""
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 300)
    deployment.backup(tmp_path / "yesterday.db")
    grow(log, clock, 10, first=900)
    deployment.signer().sign(ORG)
    deployment.close()
    (tmp_path / "log.db").write_bytes((tmp_path / "yesterday.db").read_bytes())
    forked = opened(tmp_path, clock, create=False)
    grow(forked.log(ORG), clock, 20, first=5000)
    with pytest.raises(SigningRefusedError, match="differs from the checkpoint of size 310"):
        forked.signer().sign(ORG)


def test_a_checkpoint_signed_by_another_key_is_refused(tmp_path: Path, clock: FrozenClock) -> None:
    deployment = opened(tmp_path, clock)
    grow(deployment.create(ORG), clock, 3)
    deployment.signer().sign(ORG)
    deployment.close()
    for file in (tmp_path / "log.db.signing").iterdir():
        file.unlink()
    new_keys(tmp_path / "log.db.signing", Steady(5))
    with pytest.raises(SigningRefusedError, match="not ours"):
        opened(tmp_path, clock, create=False).signer().sign(ORG)


def test_after_rotation_old_checkpoints_verify_and_an_entry_names_the_new_key(
    tmp_path: Path, clock: FrozenClock
) -> None:
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 3)
    deployment.signer().sign(ORG)
    old = read_outside(tmp_path / "outside.txt").notes[-1].note
    keyring = deployment.rotate_keys(tmp_path / "log.db.signing")
    deployment.signer().sign(ORG)
    new = read_outside(tmp_path / "outside.txt").notes[-1].note
    keys = deployment.verifier_keys(ORG)
    for note in (old, new):
        assert open_checkpoint(note, Policy("log.example/acme", keys)).signed
    assert old != new
    assert len(keys) == 4
    kept = body_at(tmp_path, 3)
    assert b'"activity_log.key_rotated"' in kept
    store, _ = open_store(f"sqlite:///{tmp_path}/log.db")
    assert keyring.fact("log.example/acme") in {i.id for i in store.every_identity(ORG) if i.type == "key"}


def test_a_signing_key_is_nowhere_in_the_database(tmp_path: Path, clock: FrozenClock) -> None:
    deployment = opened(tmp_path, clock)
    grow(deployment.create(ORG), clock, 300)
    deployment.signer().sign(ORG)
    seeds = list(deployment.signing.keyring.seeds.values())
    written = b"".join(file.read_bytes() for file in tmp_path.glob("log.db*") if file.is_file())
    assert len(seeds) == 2
    assert not any(seed in written or seed.hex().encode() in written for seed in seeds)
