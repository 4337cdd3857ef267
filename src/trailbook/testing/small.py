"""A small real log on disk for tests of signing, erasing and restarting."""

from pathlib import Path

from trailbook import Actor, Concern, Item, Log, NewEntry, Origin
from trailbook.deployment import Deployment, Signs, open_deployment
from trailbook.testing.steady import FrozenClock

ORG = "acme"
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
WEB = Origin(interface="web", ip="192.0.2.7", user_agent="Mozilla/5.0")


def opened(folder: Path, clock: FrozenClock, *, create: bool = True) -> Deployment:
    """A deployment in `folder` whose checkpoints are copied to a file beside it."""
    signs = Signs(origin="log.example", outside=folder / "outside.txt")
    return open_deployment(f"sqlite:///{folder}/log.db", create=create, clock=clock, signs=signs)


def person(number: int) -> Item:
    """The user of a number, under a name of their own."""
    return Item(type="user", id=f"u-{number}", name=f"Zebedee Quixote{number}")


def assigned(clock: FrozenClock, number: int, origin: Origin = WEB) -> NewEntry:
    """Anna gave the user of a number the role Manager."""
    member = person(number)
    return NewEntry(
        action="role.assigned",
        occurred_at=clock(),
        actor=ANNA,
        target=Item(type="role", id="r-3", name="Manager"),
        concerns=(Concern(part="member", type=member.type, id=member.id, name=member.name),),
        origin=origin,
    )


def grow(log: Log, clock: FrozenClock, count: int, first: int = 100) -> None:
    """Record `count` entries, each about another person."""
    log.record_many([assigned(clock, first + at) for at in range(count)])
