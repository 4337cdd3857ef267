"""Time and randomness held still, and a log over them: the same test gives the same bytes every time.

Owns a clock that moves only when told and entropy drawn from a seed. Refuses to be used for real secrets.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trailbook.catalogue import load
from trailbook.finding import DEFAULT_SIZES, OpenFinder, Sizes, open_embedded
from trailbook.log import Keys, Log
from trailbook.stores import MemoryStore, Store

START = datetime(2026, 11, 2, 8, 15, tzinfo=UTC)
KEYS = Keys(secret=bytes(range(32)), organisation=bytes(range(32, 64)))


class FrozenClock:
    """A clock that shows `at` until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def move(self, by: timedelta) -> datetime:
        """Go forward, or back, and show the new time."""
        self.at += by
        return self.at


class Steady:
    """Entropy from a seed: call it with a number of bytes."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def __call__(self, count: int) -> bytes:
        return self._random.randbytes(count)


def new_log(
    store: Store | None = None,
    org: str = "acme",
    *,
    clock: FrozenClock | None = None,
    seed: int = 0,
    folders: Sequence[Path] = (),
    sizes: Sizes = DEFAULT_SIZES,
    open_finder: OpenFinder | None = None,
    watched: bool = False,
) -> Log:
    """A log of its own with time and randomness held still, in memory unless a store is given.

    `folders` are a host's catalogue, `sizes` those of the index's segments, where no other engine is given; reading it
    is an entry only where it is `watched`. Raises: CatalogueError, StoreError.
    """
    kept = store or MemoryStore()
    kept.create(org)
    still = clock or FrozenClock()
    return Log(
        kept,
        org,
        keys=KEYS,
        catalogue=load(folders),
        clock=still,
        entropy=Steady(seed),
        open_finder=open_finder or open_embedded(sizes=sizes),
        watched=watched,
    )
