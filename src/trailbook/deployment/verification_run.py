"""One verification under way: what was asked, what was learned so far, and reading a store that may be damaged.

Owns that nothing which a store cannot read ends a verification: it is a finding, and the rest is read all the same.
Refuses to judge what was read.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import Struct, field, structs

from trailbook.catalogue import Catalogue
from trailbook.deployment.granted import GrantRows
from trailbook.errors import StoreError
from trailbook.finding import Rebuild
from trailbook.record import OwnerRules, endings_of, owner_rules
from trailbook.stores import Head, Store, StoredEntry
from trailbook.tree import HASH, TILE, KeyRange
from trailbook.verify import DirectoryRead, Finding, Given, KeysOf, Seen, Tree, span

_T = TypeVar("_T")


class CatalogueRules(Struct, frozen=True):
    """What a catalogue says of entries: whose their items are, and of each action whether its target is there after it.

    What neither says is not compared.
    """

    owners: OwnerRules = OwnerRules()
    endings: dict[str, bool | None] = {}


def catalogue_rules(catalogue: Catalogue) -> CatalogueRules:
    """What a catalogue says."""
    return CatalogueRules(owner_rules(catalogue), endings_of(catalogue))


class VerifyOptions(Struct, frozen=True, kw_only=True):
    """What to verify by: the log's origin, its keys for an origin, heads kept outside, and what may be known.

    `start` and `stop` narrow the re-hash of bodies to whole tiles around them; every tile is still bound to the
    signed head. `ranges` are those that a file outside has of its keys. `now` is needed to say that entries have been
    unsigned for too long.
    """

    origin: str
    keys_of: KeysOf
    outside: Sequence[bytes] = ()
    ranges: Sequence[KeyRange] = ()
    start: int = 0
    stop: int | None = None
    now: datetime | None = None
    rules: CatalogueRules


class Run(Struct):
    """One verification, and what it has learned so far."""

    store: Store
    org: str
    options: VerifyOptions
    head: Head
    size: int  # entries that can be there: those of the head, as far as rows reach
    seen: Seen
    registry: GrantRows | None = None
    given: Given | None = None  # by the registry as the verification began
    tree: Tree = field(default_factory=Tree)
    directory: DirectoryRead = field(default_factory=DirectoryRead)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    names: set[tuple[str, str]] = field(default_factory=set)
    blobs: dict[tuple[str, str], bytes] = field(
        default_factory=dict
    )  # all but tiles, and tiles no name finds
    index: Rebuild | None = None  # of the whole log, for a part of it says little of a segment

    @property
    def whole(self) -> bool:
        """Whether all of the log is verified, not a part of it."""
        return self.options.start <= 0 and (self.options.stop is None or self.options.stop >= self.size)

    @property
    def origin(self) -> str:
        """The origin of the log's first epoch."""
        return f"{self.options.origin}/{self.org}"

    def read(self, read: Callable[..., _T], *arguments: object) -> _T | None:
        """What a store answers; None, and a finding said once, where it cannot."""
        try:
            return read(*arguments)
        except StoreError as error:
            unread = fault("index", f"the store cannot read something: {error.detail}", place="database file")
            if unread not in self.findings:
                self.findings.append(unread)
            return None

    def kept(self, first: int, stop: int) -> Iterable[StoredEntry]:
        """The rows of these seqs, one by one where they cannot be read together."""
        rows = self.read(lambda: list(self.store.kept(self.org, first, stop)))
        if rows is not None and all(first <= row.seq < stop for row in rows):
            return rows
        singles = (self.read(self.store.kept_at, self.org, [seq]) for seq in range(first, stop))
        return [row for rows in singles if rows for row in rows if first <= row.seq < stop]

    def blob(self, kind: str, key: str) -> bytes | None:
        """A blob as it was read at the beginning; a tile is read when it is asked for."""
        content = self.blobs.get((kind, key))
        if content is None and kind == "tile":
            content = self.read(self.store.blob, self.org, kind, key)
            if content is None and (kind, key) in self.names:  # kept, but its name does not find it
                tiles = self.read(lambda: [b for b in self.store.every_blob(self.org) if b.kind == "tile"])
                self.blobs |= {(b.kind, b.key): b.content for b in tiles or []}
                content = self.blobs.get((kind, key))
        return content if isinstance(content, bytes) else None

    def tile(self, level: int, index: int) -> bytes | None:
        """A complete tile of the log's tree."""
        if (index + 1) << 8 * (level + 1) > self.size:
            return None
        return self.blob("tile", f"{level}/{index}")

    def above(self, number: int) -> bytes | None:
        """The hash of a lowest tile in the tile above it."""
        tile = self.tile(1, number // TILE) if (number // TILE + 1) * TILE * TILE <= self.size else None
        at = number % TILE * HASH
        return tile[at : at + HASH] if tile is not None and len(tile) == TILE * HASH else None


def fault(verdict: str, what: str, *, place: str = "head") -> Finding:
    """A finding that is at no seq."""
    return Finding(verdict=verdict, what=what, place=place)  # type: ignore[arg-type]


def fault_at(verdict: str, seq: int, what: str, stop: int | None = None) -> Finding:
    """A finding at a seq, or at those from it up to `stop`."""
    return structs.replace(fault(verdict, what, place=span(seq, stop or seq + 1)), seq=seq, stop=stop)
