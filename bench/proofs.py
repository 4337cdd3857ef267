"""What proofs cost: appending to the tree, proving one entry, hashing a whole log again, erasing a person.

Goals stated for ten million entries are scaled to the size measured. What is hashed, verified and proved is the log
that was recorded; only the log of erasures is grown, from real bodies under new ids.
"""

import random
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from typing import cast
from uuid import UUID

from bench.checking import bundles, verify_stored
from bench.generate import FIRST_DAY, batches
from bench.measuring import Control, Goal, Row, once, repeated, row, scaled, seconds, single, tell
from bench.site import BATCH, ORG, Built, Site, grow, record_all
from trailbook.access.viewer import operator
from trailbook.log.keys import Keys
from trailbook.log.log import Log
from trailbook.model import Actor, Concern, Item, NewEntry, Origin
from trailbook.record.canonical import decode_body
from trailbook.stores import Store, StoredEntry
from trailbook.tree.merkle import EMPTY, extend_frontier, node_hash

_LEAVES = 65_536  # a batch of leaf hashes
_PROOFS = 500
_COUNTED = 100
_MENTIONS = (100, 10_000, 100_000)
_PERSONS = 5  # erased for each number of mentions
_ADMIN = Actor(kind="person", type="user", id="admin", name="Anna Berg")
_ROLE = Item(type="role", id="r-1", name="Manager")


def run(site: Site, size: int) -> Iterator[Row]:
    """Cheapest first."""
    yield from _append(size)
    yield from _erasure(site, size)
    yield from _stored(site, size)
    yield from bundles(site, size)


def _append(size: int) -> Iterator[Row]:
    """Leaf hashes into the tree with its tiles, in batches, and one by one into the textbook's compact range."""
    tell(f"appending {size:,} leaf hashes")
    leaves = [sha256(at.to_bytes(4, "big")).digest() for at in range(min(size, _LEAVES))]
    ours = [size / t for t in repeated(partial(_in_batches, leaves, size), 3)]
    count = min(size, 1_000_000)
    naive = sorted(count / t for t in repeated(partial(_one_by_one, leaves, count), 3))[1]
    control = Control(name="textbook, leaf by leaf, keeps no tiles", value=naive)
    goal = Goal(1_000_000, least=True)
    yield row("tree append", size, ours, unit="leaves/s", goal=goal, control=control)


def _in_batches(leaves: Sequence[bytes], size: int) -> None:
    tree = EMPTY
    while tree.size < size:
        tree, _ = extend_frontier(tree, leaves[: size - tree.size])


def _one_by_one(leaves: Sequence[bytes], size: int) -> None:
    """The compact range of RFC 9162 as a stack: a node goes up while its left sibling waits."""
    stack: list[bytes] = []
    for at in range(size):
        node, left = leaves[at % len(leaves)], at
        while left & 1:
            node, left = node_hash(stack.pop(), node), left >> 1
        stack.append(node)


def _stored(site: Site, size: int) -> Iterator[Row]:
    """On the recorded log: the whole tree hashed again as the signer does at its first look, then single proofs."""
    built = site.recorded(size)
    control = Control(name="reading and hashing the bodies alone, no tree", value=site.hashed(built, size))
    tell("hashing the whole log again")
    taken, noise = once(partial(built.deployment.signer().sign, ORG))
    name = "full re-hash: bodies, tiles, head"
    yield row(name, size, [taken], unit="s", goal=scaled(30, size), control=control, noise=noise)
    yield verify_stored(built, size, control)
    tell("proving single entries")
    yield from _proofs(built, size)


def _proofs(built: Built, size: int) -> Iterator[Row]:
    """Random entries, asked as the page and the command line ask; reads are counted once the log is warm."""
    draw, store, viewer = random.Random(1), built.store(), operator(ORG)
    seqs = [draw.randrange(size) for _ in range(_PROOFS)]
    bodies = sorted(seconds(partial(store.kept_at, ORG, [seq])) for seq in seqs)
    control = Control(name="reading one body by seq", value=bodies[len(bodies) // 2] * 1000)
    ids = [_id_of(store, seq) for seq in seqs]
    taken = [seconds(partial(built.log.proof, id_, viewer=viewer)) for id_ in ids]
    yield row("first proof after opening", size, [taken[0] * 1000], unit="ms")
    yield from single("proof of one entry", size, taken[1:], goal=Goal(1), control=control)
    counted = _Counted(store)
    log = Log(cast(Store, counted), ORG, keys=Keys(bytes(32), bytes(32)), watched=False)
    log.proof(ids[0], viewer=viewer)
    counted.tiles = counted.rows = 0
    for id_ in ids[:_COUNTED]:
        log.proof(id_, viewer=viewer)
    mean = f"mean of {_COUNTED}"
    yield row("tiles read for one proof", size, [counted.tiles / _COUNTED], unit="tiles", noise=mean)
    yield row("rows read for one proof", size, [counted.rows / _COUNTED], unit="rows", noise=mean)
    store.close()


def _id_of(store: Store, seq: int) -> UUID:
    return UUID(decode_body(store.kept_at(ORG, [seq])[0].body or b"").id)


class _Counted:
    """What a proof needs of a store, counting the tiles and rows read through it."""

    def __init__(self, store: Store) -> None:
        self.tiles = self.rows = 0
        self._store = store
        self.seq_of = store.seq_of

    def blob(self, org: str, kind: str, key: str) -> bytes | None:
        """As the store's."""
        self.tiles += kind == "tile"
        return self._store.blob(org, kind, key)

    def kept(self, org: str, start: int, stop: int) -> Iterator[StoredEntry]:
        """As the store's."""
        self.rows += stop - start
        return self._store.kept(org, start, stop)

    def kept_at(self, org: str, seqs: Sequence[int]) -> list[StoredEntry]:
        """As the store's."""
        self.rows += len(seqs)
        return self._store.kept_at(org, seqs)


def _erasure(site: Site, size: int) -> Iterator[Row]:
    """Persons mentioned few and many times in one log; the fewest mentions are the control of the others."""
    steps = [mentions for mentions in _MENTIONS if mentions * _PERSONS <= max(size, 500)]
    built = site.empty()
    tell("growing a log for erasure")
    people = [[_person(mentions, at) for at in range(_PERSONS)] for mentions in steps]
    bystanders = [_person(0, at) for at in range(3)]
    everybody = [p for persons in [*people, bystanders] for p in persons]
    record_all(built.log, batches(map(_mention, everybody), BATCH))
    store = built.store()
    for mentions, persons in zip(steps, people, strict=True):
        _grow_mentions(store, everybody, persons, mentions - 1)
    store.close()
    for bystander in bystanders:  # the first one brings the whole write-ahead log into the database
        built.log.erase(bystander, actor=_ADMIN, origin=Origin(interface="cli"))
    control: Control | None = None
    for mentions, persons in zip(steps, people, strict=True):
        taken = [
            seconds(partial(built.log.erase, person, actor=_ADMIN, origin=Origin(interface="cli")))
            for person in persons
        ]
        goal = None if control is None else Goal(2 * control.value)
        values = [t * 1000 for t in taken]
        yield row(f"erasure, {mentions:,} mentions", mentions, values, unit="ms", goal=goal, control=control)
        control = control or Control(name=f"{mentions:,} mentions", value=sorted(values)[len(values) // 2])
    built.deployment.close()


def _grow_mentions(store: Store, everybody: Sequence[Item], persons: Sequence[Item], more: int) -> None:
    seqs = [everybody.index(person) for person in persons]
    grow(store, [row.body for row in store.kept_at(ORG, seqs) if row.body], more * len(persons))


def _person(mentions: int, at: int) -> Item:
    return Item(type="user", id=f"p-{mentions}-{at}", name=f"Kari Nordmann {mentions} {at}")


def _mention(person: Item) -> NewEntry:
    """They gave themselves a role, so that they are actor, concerned, and have an origin."""
    return NewEntry(
        action="role.assigned",
        occurred_at=FIRST_DAY,
        actor=Actor(kind="person", type=person.type, id=person.id, name=person.name),
        target=_ROLE,
        concerns=(Concern(part="member", type=person.type, id=person.id, name=person.name),),
        origin=Origin(interface="web", ip="192.0.2.7", user_agent="Mozilla/5.0"),
    )
