"""A log whose index has segments of every size, and a tail."""

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from trailbook import Actor, Item, Log, NewEntry, Origin
from trailbook.access.viewer import operator
from trailbook.finding.embedded.projection import Projection
from trailbook.finding.embedded.segments import Sizes
from trailbook.query import from_params
from trailbook.stores import Store, open_store
from trailbook.testing.steady import START, FrozenClock, new_log

ORG = "acme"
TINY = Sizes(small=8, large=32)
ME = operator(ORG)
WEB = Origin(interface="web")
ROLES = from_params([("category", "roles")])


def grow(log: Log, count: int, first: int = 0) -> None:
    """Entries of two categories by three actors, some of them late."""
    random = Random(first)
    entries = []
    for at in range(first, first + count):
        who = Actor(type="user", id=f"u-{at % 3}", name=f"Anna {at % 3}", kind="person")
        late = timedelta(days=random.choice([0, 0, 40]), minutes=at)
        if at % 4:
            made = NewEntry(
                action="user.profile_updated",
                occurred_at=START - late - timedelta(days=1),
                actor=who,
                target=Item(type="user", id=f"u-{at % 3}", name=f"Anna {at % 3}"),
                origin=WEB,
            )
        else:
            made = NewEntry(
                action="role.created",
                occurred_at=START - late - timedelta(days=1),
                actor=who,
                target=Item(type="role", id=f"r-{at}", name="Approver"),
                origin=WEB,
                correlation="together" if at % 8 else None,
            )
        entries.append(made)
    log.record_many(entries)


def index_of(log: Log) -> Projection:
    """The index that a log keeps in this process."""
    assert isinstance(log.upkeep, Projection)
    return log.upkeep


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/log.db", create=True)[0]


@pytest.fixture
def log(store: Store) -> Log:
    log = new_log(store, ORG, clock=FrozenClock(START), sizes=TINY)
    grow(log, 100)
    assert log.upkeep.seal() == 96
    return log
