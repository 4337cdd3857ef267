"""A host that is measured: the same table written in the same shapes, whoever audits it.

Owns what the hosts of both ORMs have in common, and how a process measures one of them. Times hold the commit, but
not the wait for the disk: that is the host's, whoever audits. Refuses to know which library audits.
"""

import gc
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from msgspec import Struct

from trailbook.model import Actor

ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
ACTIONS: Any = {"created": "user.created", "updated": "user.profile_updated", "deleted": None}
OUTBOX = "SELECT coalesce(sum(entries), 0) FROM trailbook_outbox"
ONCE, WARM_ONCE = 250, 30  # single writes that count, and those before them
MANY, WARM_MANY = 6, 2  # the same of transactions with many rows
Times = dict[str, list[float]]
Write = Callable[
    [int, int, str], None
]  # the number of the first row, how many, and a word that is new each time


class Host(Struct, frozen=True):
    """A host with one table, audited in one way."""

    writes: Mapping[str, Write]  # by shape, in order
    acting: AbstractContextManager[Any]  # in which somebody acts, as the library is told so
    traces: Callable[[], int]  # takes away what the audit kept, and says how much that was


class Turn(Struct, frozen=True):
    """What a process measured: the times, and for each shape the share of its rows that left a trace."""

    times: Times
    seen: dict[str, float]


def measured(host: Host, rows: int) -> Turn:
    """Microseconds a row of every shape, one figure a transaction, and what the audit kept of it."""
    turn, at = Turn({}, {}), 1
    host.traces()
    with host.acting:
        for shape, write in host.writes.items():
            size, rounds = (1, WARM_ONCE + ONCE) if is_single(shape) else (rows, WARM_MANY + MANY)
            spent = _spent(write, at, size=size, rounds=rounds)
            turn.times[shape] = spent[WARM_ONCE if size == 1 else WARM_MANY :]
            turn.seen[shape] = host.traces() / (rounds * size)
            at += rounds * size
    return turn


def _spent(write: Write, at: int, *, size: int, rounds: int) -> list[float]:
    clock, spent = time.perf_counter, []
    gc.collect()
    for turn in range(rounds):
        start = clock()
        write(at + turn * size, size, f"t{turn}")
        spent.append((clock() - start) * 1e6 / size)
    return spent


def is_single(shape: str) -> bool:
    """Whether each transaction of a shape has one row."""
    return shape.startswith("single")


def before(at: int, size: int) -> int:
    """The first row of a batch that the shape before left, for the transaction that begins at `at`."""
    return at - (WARM_MANY + MANY) * size


def rows_from(at: int, size: int, word: str) -> list[dict[str, Any]]:
    """Rows of people, each with an id of its own."""
    return [
        {"id": n, "name": f"Person {n}", "phone": f"{word}{n}", "title": "clerk"}
        for n in range(at, at + size)
    ]
