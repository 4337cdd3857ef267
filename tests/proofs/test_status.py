"""What a log's trust rests on: facts alone, and a head that nobody of ours signed is none."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from trailbook.errors import NotFoundError
from trailbook.proofs import SignedHead, Signer, Signing, Trust, keyring_of, trust
from trailbook.proofs.outside_file import add_note
from trailbook.proofs.timestamping import NOTE, TOKEN
from trailbook.stores import Blob, MemoryStore
from trailbook.testing import FrozenClock, new_log
from trailbook.testing.signed import KEYRING
from trailbook.testing.small import ORG, grow
from trailbook.tree import Checkpoint, format_note, format_vkey, sign_checkpoint

THIEF = keyring_of({"log": b"t" * 32, "cosign": b"u" * 32})
ORIGIN = "log.example/acme"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock: FrozenClock) -> MemoryStore:
    store = MemoryStore()
    grow(new_log(store, ORG, clock=clock), clock, 3)
    return store


@pytest.fixture
def signing(clock: FrozenClock, tmp_path: Path) -> Signing:
    return Signing(keyring=KEYRING, origin="log.example", clock=clock, outside=tmp_path / "outside.txt")


def forged(size: int) -> bytes:
    return format_note(sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), THIEF.signers(ORIGIN), 5))


def test_without_signing_only_the_size_is_known(store: MemoryStore) -> None:
    assert trust(store, ORG, None) == Trust(size=3)
    with pytest.raises(NotFoundError):
        trust(store, "nobody", None)


def test_before_the_first_signature_there_is_no_head(store: MemoryStore, signing: Signing) -> None:
    facts = trust(store, ORG, signing)
    assert (facts.size, facts.origin, facts.signed, facts.outside) == (3, ORIGIN, None, None)
    assert facts.keys == tuple(format_vkey(key) for key in KEYRING.verifiers(ORIGIN))
    assert facts.keeps_outside
    assert not trust(store, ORG, structs.replace(signing, outside=None)).keeps_outside


def test_a_signed_head_is_told_with_its_time(
    store: MemoryStore, signing: Signing, clock: FrozenClock
) -> None:
    """What is recorded since does not move it, kept or outside."""
    at = clock.at
    Signer(store, signing).sign(ORG)
    clock.move(timedelta(hours=2))
    grow(new_log(store, ORG, clock=clock, seed=1), clock, 1)
    facts = trust(store, ORG, signing)
    assert (facts.size, facts.refused) == (4, None)
    assert facts.signed == facts.outside == SignedHead(3, at)


def test_a_kept_head_that_others_signed_is_refused(store: MemoryStore, signing: Signing) -> None:
    Signer(store, signing).sign(ORG)
    store.put_blob(ORG, Blob("checkpoint", "latest", forged(3)))
    facts = trust(store, ORG, signing)
    assert facts.signed is None
    assert "not ours" in (facts.refused or "")
    assert facts.outside is not None


@pytest.mark.parametrize("damage", ["forged", "cut", "gone"])
def test_a_head_outside_that_cannot_be_believed_is_none(
    store: MemoryStore, signing: Signing, damage: str
) -> None:
    assert signing.outside is not None
    Signer(store, signing).sign(ORG)
    if damage == "forged":
        add_note(signing.outside, forged(3))
    elif damage == "cut":
        signing.outside.write_bytes(signing.outside.read_bytes().replace(b"\n3\n", b"\n03\n"))
    else:
        signing.outside.unlink()
    facts = trust(store, ORG, signing)
    assert facts.outside is None
    assert facts.signed is not None


def test_the_last_timestamp_is_told_by_the_size_that_it_is_over(store: MemoryStore, signing: Signing) -> None:
    """A token whose note is gone says nothing."""
    assert trust(store, ORG, signing).stamped is None
    Signer(store, signing).sign(ORG)
    note = store.blob(ORG, "checkpoint", "latest") or b""
    store.put_blob(ORG, Blob(TOKEN, f"{3:020d}", b"token"))
    assert trust(store, ORG, signing).stamped is None
    store.put_blob(ORG, Blob(NOTE, f"{3:020d}", note))
    assert trust(store, ORG, signing).stamped == 3
    assert not trust(store, ORG, signing).asks_authority
