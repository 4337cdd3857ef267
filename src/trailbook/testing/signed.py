"""A small log with everything in it that a verifier meets: renames, origins, erasures, removals, signed heads.

Owns what is in it, the same bytes every time. Refuses to be a demo: its people mean nothing.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from trailbook.catalogue import load
from trailbook.log import Log
from trailbook.model import Actor, Concern, Item, NewEntry, Origin
from trailbook.proofs import Signer, Signing, keyring_of
from trailbook.retention import Retention
from trailbook.stores import Store
from trailbook.testing.steady import KEYS, FrozenClock, Steady

ORG, ORIGIN = "acme", "log.example"
KEYRING = keyring_of({"log": bytes(range(32)), "cosign": bytes(range(32, 64))})
_HOUSE = Actor(kind="system", type="system", id="house", name="House rules")
_JOB = Origin(interface="job")
_MANY = 20  # people


class SignedLog(Struct, frozen=True):
    """The log, its signer and its clock."""

    store: Store
    log: Log
    signer: Signer
    clock: FrozenClock


def open_signed(store: Store, outside: Path | None = None, *, seed: int = 0) -> SignedLog:
    """A log over `store`, begun if need be, with a signer whose keys are known to everybody."""
    clock = FrozenClock()
    store.create(ORG)
    log = Log(store, ORG, keys=KEYS, catalogue=load(), clock=clock, entropy=Steady(seed), watched=False)
    signing = Signing(keyring=KEYRING, origin=ORIGIN, clock=clock, outside=outside)
    return SignedLog(store, log, Signer(store, signing), clock)


def fill(signed: SignedLog, count: int, *, batch: int = 50) -> None:
    """Record `count` entries, sign after each batch; erase two people and remove the first fifth on the way."""
    while (size := signed.store.head(ORG).size) < count:
        signed.clock.move(timedelta(minutes=7))
        signed.log.record_many([entry_at(signed, n) for n in range(size, min(size + batch, count))])
        signed.signer.sign(ORG)
    signed.log.erase(Item(type="user", id="u-3"), actor=_HOUSE, origin=_JOB)
    signed.log.erase(Item(type="user", id="u-4"), actor=_HOUSE, origin=_JOB)
    before = signed.clock.at - timedelta(minutes=7 * (count // batch) * 4 // 5)
    signed.log.prune(Retention(kept_for="standard", before=before), actor=_HOUSE, origin=_JOB)
    signed.clock.move(timedelta(minutes=7))
    size = signed.store.head(ORG).size
    signed.log.record_many([entry_at(signed, n) for n in range(size, size + batch // 5)])
    signed.signer.sign(ORG)


def entry_at(signed: SignedLog, number: int) -> NewEntry:
    """The entry that follows from a number, at the log's time."""
    actor, other = _person(number % _MANY, number), _person(number * 7 % _MANY, number)
    where = Origin(interface="web", ip=f"192.0.2.{number % 5}", user_agent="Mozilla/5.0")
    about: Sequence[Concern] = (Concern(type=other.type, id=other.id, name=other.name, part="owner"),)
    if number % 3 == 0:
        target = Item(type="absence", id=f"{number % 50:08x}-0000-4000-8000-000000000000")
        return NewEntry(
            action="absence.requested",
            occurred_at=signed.clock.at,
            actor=actor,
            target=target,
            concerns=tuple(about),
            origin=where,
        )
    return NewEntry(
        action="user.profile_updated",
        occurred_at=signed.clock.at,
        actor=actor,
        target=Item(type=other.type, id=other.id, name=other.name),
        fields=("email", "phone") if number % 2 else (),
        origin=where if number % 4 else Origin(interface="api"),
    )


def _person(number: int, at: int) -> Actor:
    name = f"Person {number} Ødegård" + (" Li" if at % 200 > 150 and number % 4 == 0 else "")
    return Actor(kind="person", type="user", id=f"u-{number}", name=name)
