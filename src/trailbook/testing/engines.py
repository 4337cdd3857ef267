"""An engine under test, and the small batches that the suites give it.

Owns numbered entries and item versions, each of which follows from its number. Refuses to test anything.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from trailbook.errors import HeadMovedError
from trailbook.stores import (
    Append,
    Blob,
    Head,
    Hint,
    Identity,
    Ledger,
    NewRow,
    Registry,
    Store,
    StoredEntry,
)
from trailbook.testing.steady import Steady

ORG, OTHER = "acme", "other"


class Engine(Struct, frozen=True):
    """An engine under test, and what it can do besides.

    `again` opens the same content a second time, as another process would; `url` is what another process opens.
    """

    store: Store
    registry: Registry
    again: Callable[[], tuple[Store, Registry]] | None = None
    url: str | None = None


def row(number: int) -> NewRow:
    """The entry of a number: its id and a body, not looked into."""
    return NewRow(UUID(int=number), b"body %d \x00\xff" % number)


def version(item: int, name: str | None, *, type_: str = "user", owner: int | None = None) -> Identity:
    """A version of an item; its token follows from item, type and name."""
    digest = sha256(f"{item}/{type_}/{name}/{owner}".encode()).hexdigest()
    ident = f"192.0.2.{item}" if type_ == "origin" else f"u/{item}"
    return Identity(
        item=item, token=digest[:32], type=type_, id=ident, name=name, salt=Steady(item)(16), owner=owner
    )


def batch(
    head: Head,
    rows: Sequence[NewRow] = (),
    *,
    identities: Sequence[Identity] = (),
    words: Sequence[tuple[str, int]] = (),
    blobs: Sequence[Blob] = (),
    hints: Sequence[Hint] = (),
    removed: int = 0,
) -> Append:
    """What a commit adds to a log that ends at `head`."""
    size = head.size + len(rows)
    new = Head(
        size=size,
        range=(sha256(b"%d" % size).digest(), sha256(b"right").digest()) if size else (),
        recorded_at=head.recorded_at + 1,
        items=max([head.items, *(i.item for i in identities)]),
        removed=head.removed + removed,
    )
    return Append(rows=rows, identities=identities, words=words, blobs=blobs, head=new, hints=hints)


def filled(ledger: Ledger, count: int, org: str = ORG) -> Head:
    """A log of `count` more entries, begun when it is not there."""
    ledger.create(org)
    head = ledger.head(org)
    adding = batch(head, [row(head.size + at) for at in range(count)])
    ledger.append(org, head, adding)
    return adding.head


def added(ledger: Ledger, adding: Callable[[Head], Append], org: str = ORG) -> Head:
    """The head once a batch is in, made anew for each head that somebody else was faster at."""
    while True:
        head = ledger.head(org)
        new = adding(head)
        try:
            ledger.append(org, head, new)
        except HeadMovedError:
            continue
        return new.head


def everything(ledger: Ledger, org: str = ORG) -> list[StoredEntry]:
    """Every row of a log, in order."""
    return list(ledger.kept(org, 0, ledger.head(org).size))
