"""What is done to a log while its system calls are cut: `scenarios.py NAME FOLDER`, each a process of its own.

An acknowledgement is a line on stdout, flushed: `id UUID` for an entry, a word for anything else. Whoever reads
them judges the log afterwards.
"""

import random
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from trailbook import Actor, Concern, Item, Log, NewEntry, Origin
from trailbook.deployment.deployment import Deployment
from trailbook.deployment.opening import open_deployment
from trailbook.deployment.settings import Signs
from trailbook.finding.embedded.finder import open_embedded
from trailbook.finding.embedded.segments import Sizes
from trailbook.retention.removal import Retention

ORG = "acme"
ANNA = Actor(type="user", id="u-17", name="Anna Berg", kind="person")
JOB = Origin(interface="job", ip="192.0.2.7")
OPERATOR = Actor(type="system", id="operator", name="Operator", kind="system")
CLI = Origin(interface="cli")


def open_in(folder: Path, *, create: bool = False) -> Deployment:
    """The deployment in a folder."""
    signs = Signs(origin="log.example", outside=folder / "outside.txt")
    return open_deployment(f"sqlite:///{folder}/log.db", create=create, signs=signs)


def entry(chance: random.Random, late: timedelta = timedelta(0)) -> NewEntry:
    """An entry with an id of its own about one of few persons."""
    person = f"u-{chance.randrange(20)}"
    return NewEntry(
        id=UUID(int=chance.getrandbits(128)),
        action="role.assigned",
        occurred_at=datetime.now(UTC) - late,
        actor=ANNA,
        target=Item(type="role", id=f"r-{chance.randrange(5)}", name="Manager"),
        concerns=(Concern(type="user", id=person, name=f"Name {person}", part="member"),),
        origin=JOB,
    )


def say(*lines: str) -> None:
    """Acknowledge, all at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def begin(folder: Path) -> None:
    """The log that every scenario starts from: some entries, signed, with somebody to erase and something to prune."""
    deployment = open_in(folder, create=True)
    log = deployment.create(ORG)
    chance = random.Random(0)
    log.record_many([entry(chance, timedelta(days=500)) for _ in range(40)])
    deployment.signer().sign(ORG)
    deployment.close()


def one_by_one(deployment: Deployment, folder: Path, chance: random.Random) -> None:
    log = deployment.log(ORG)
    for _ in range(6):
        made = entry(chance)
        log.record_each([made])
        say(f"id {made.id}")


def batches(deployment: Deployment, folder: Path, chance: random.Random) -> None:
    log = deployment.log(ORG)
    for size in (1, 300, 40):
        made = [entry(chance) for _ in range(size)]
        log.record_many(made)
        say(*(f"id {each.id}" for each in made))


def together(deployment: Deployment, folder: Path, chance: random.Random) -> None:
    """Several threads, which share commits."""
    log = deployment.log(ORG)
    given = [[entry(chance) for _ in range(4)] for _ in range(4)]

    def work(made: list[NewEntry]) -> None:
        for each in made:
            log.record_many([each])
            say(f"id {each.id}")

    threads = [threading.Thread(target=work, args=(made,)) for made in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def seal(deployment: Deployment, folder: Path, chance: random.Random) -> None:
    """Small segments, then merged ones, from the entries that are there and some more."""
    log = deployment.log(ORG)
    sealing = Log(
        log._store,
        ORG,
        keys=deployment._keys,
        catalogue=log.catalogue,
        open_finder=open_embedded(sizes=Sizes(4, 16)),
    )
    sealing.upkeep.seal()
    made = [entry(chance) for _ in range(20)]
    sealing.record_many(made)
    say(*(f"id {each.id}" for each in made))
    sealing.upkeep.seal()


def sign(deployment: Deployment, folder: Path, chance: random.Random) -> None:
    log, signer = deployment.log(ORG), deployment.signer()
    for _ in range(3):
        made = entry(chance)
        log.record_many([made])
        say(f"id {made.id}")
        signed = signer.sign(ORG)
        say(f"signed {0 if signed is None else signed.size}")


def erase(deployment: Deployment, folder: Path, chance: random.Random) -> None:
    log = deployment.log(ORG)
    for person in ("u-3", "u-5"):
        receipt = log.erase(Item(type="user", id=person), actor=OPERATOR, origin=CLI)
        say(f"id {receipt.id}", f"erased {person}")


def prune(deployment: Deployment, folder: Path, chance: random.Random) -> None:
    log = deployment.log(ORG)
    rest = Retention(kept_for="extended", before=datetime.now(UTC))
    receipt = log.prune(rest, actor=OPERATOR, origin=CLI)
    say(f"id {receipt.id}", "pruned")


def backup(deployment: Deployment, folder: Path, chance: random.Random) -> None:
    deployment.backup(folder / "backup.db")
    say("backup")


SCENARIOS: dict[str, Callable[[Deployment, Path, random.Random], None]] = {
    each.__name__: each for each in (one_by_one, batches, together, seal, sign, erase, prune, backup)
}


def main(name: str, folder: str) -> None:
    place = Path(folder)
    deployment = open_in(place)
    SCENARIOS[name](deployment, place, random.Random(7))
    deployment.close()
    say("ended")


if __name__ == "__main__":
    main(*sys.argv[1:])
