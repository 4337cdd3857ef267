"""The other process of a suite: opens what a URL names, does what its command line says, and tells each step.

    python -m trailbook.testing.worker sqlite:///log.db append 3 500

Owns the steps that two processes take beside each other; a line on standard output ends each, and where a step waits
for its turn, a line on standard input begins it. Refuses to judge what comes of them: `processes` does.
"""

import sys
from collections.abc import Callable, Iterator

from msgspec import structs

from trailbook.errors import HeadMovedError
from trailbook.stores import Append, Blob, ExpectedBlob, Head, Store, open_store
from trailbook.testing.engines import ORG, added, batch, row, version

FIRST = 10_000  # the number of the other process's first entry


def whole(head: Head, rows: int) -> Append:
    """A commit of `rows` entries in which every part of a store gets something, by the new size."""
    size = head.size + rows
    new = [row(FIRST + at) for at in range(head.size, size)]
    identities, words = [version(head.items + 1, f"w{size}")], [(f"w{size}", head.items + 1)]
    return batch(head, new, identities=identities, words=words, blobs=[Blob("tile", f"{size}", b"%d" % size)])


def append(store: Store, commits: str, rows: str) -> None:
    """Add whole commits, one after the other."""
    for _ in range(int(commits)):
        tell(added(store, lambda head: whole(head, int(rows))).size)


class Halting(list[Blob]):
    """Blobs of a commit that stops between the last of them and its end, until told to go on."""

    def __iter__(self) -> Iterator[Blob]:
        yield from super().__iter__()
        tell("midway")
        sys.stdin.readline()


def halt(store: Store) -> None:
    """Add one whole commit, with a stop in the midst of it."""
    head = store.head(ORG)
    adding = whole(head, 5)
    store.append(ORG, head, structs.replace(adding, blobs=Halting(adding.blobs)))
    tell(adding.head.size)


def hold(store: Store) -> None:
    """Hold the log until told to go on, then append to the head that was there."""
    with store.holding(ORG):
        head = store.head(ORG)
        tell("holding")
        sys.stdin.readline()
        store.append(ORG, head, whole(head, 1))
        tell(head.size + 1)


def erase(store: Store, item: str) -> None:
    """Erase one item."""
    head = store.head(ORG)
    store.erase(ORG, head, batch(head), items=[int(item)])
    tell("erased")


def put(store: Store) -> None:
    """Put a blob that is not there yet, once told to."""
    tell("ready")
    sys.stdin.readline()
    try:
        store.put_blobs(ORG, [Blob("list", "", b"other")], expect=ExpectedBlob("list", "", None))
        tell("put")
    except HeadMovedError:
        tell("refused")


def tell(step: object) -> None:
    """Say that a step is done."""
    print(step, flush=True)


STEPS: dict[str, Callable[..., None]] = {
    "append": append,
    "halt": halt,
    "hold": hold,
    "erase": erase,
    "put": put,
}


if __name__ == "__main__":
    url, step, *words = sys.argv[1:]
    store, _ = open_store(url)
    STEPS[step](store, *words)
    store.close()
