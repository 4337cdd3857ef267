"""A recording process to be killed: prints the ids of a batch, and only then may anybody count on them.

usage: recorder.py URL SEED BATCHES [early]; `early` acknowledges before the commit, as the negative control.
"""

import random
import sys
import time
from datetime import UTC, datetime
from uuid import UUID

from trailbook import Actor, Concern, Item, NewEntry, Origin, open_deployment

ANNA = Actor(type="user", id="u-17", name="Anna Berg", kind="person")


def entry(chance: random.Random) -> NewEntry:
    person = f"u-{chance.randrange(50)}"
    return NewEntry(
        id=UUID(int=chance.getrandbits(128)),
        action="role.assigned",
        occurred_at=datetime.now(UTC),
        actor=ANNA,
        target=Item(type="role", id=f"r-{chance.randrange(9)}", name="Manager"),
        concerns=(Concern(type="user", id=person, name=f"Name {chance.randrange(3)}", part="member"),),
        origin=Origin(interface="job", ip=f"192.0.2.{chance.randrange(9)}"),
    )


def acknowledge(batch: list[NewEntry]) -> None:
    sys.stdout.write("".join(f"{entry.id}\n" for entry in batch) + ".\n")
    sys.stdout.flush()


def main(url: str, seed: str, batches: str, *early: str) -> None:
    log = open_deployment(url).log("acme")
    chance = random.Random(int(seed))
    for _ in range(int(batches)):
        batch = [entry(chance) for _ in range(chance.randrange(1, 30))]
        if early:
            acknowledge(batch)
            time.sleep(0.2)
        log.record_many(batch)
        if not early:
            acknowledge(batch)


main(*sys.argv[1:])
