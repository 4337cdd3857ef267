"""What a log knows of items by now: what they are called, whether they are there, as what they acted.

Owns that all of it follows from entries that whoever asks sees: `sight` is all that they see of the log. Refuses to
find items; `typeahead.py` does.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct, structs

from trailbook.errors import DamagedError
from trailbook.finding.bound import BoundQuery, BoundTerm, Hidden
from trailbook.finding.finder import Finder, FinderMeans
from trailbook.finding.identities import name_of
from trailbook.finding.memo import Memo
from trailbook.model import Kind, instant, written
from trailbook.record import Body, decode_body
from trailbook.stores import Identity, StoredEntry

_MOST_NAMES = 50_000


class NameThen(Struct, frozen=True, gc=False):
    """What an item was called when the log had so many entries."""

    size: int
    name: str | None


class Items:
    """The items of one log, as its entries know them."""

    def __init__(self, means: FinderMeans, finder: Finder) -> None:
        self._finder = finder
        self._store = means.store
        self._org = means.org
        self._erasures = means.erasures
        self.identities = means.identities
        self._names: Memo[tuple[int, Hidden], NameThen] = Memo(
            _MOST_NAMES, means.erasures
        )  # by item and viewer

    def name_now(self, versions: Sequence[Identity], sight: BoundQuery) -> str | None:
        """The name of the version cited by the entry that happened last, among an item's versions."""
        if len(versions) == 1:
            return versions[0].name
        key = (versions[0].item, sight.hidden)
        remembered = self._names.peek(key)
        if remembered is not None and remembered.size == sight.as_of:
            return remembered.name
        erasures = self._erasures.count
        body = self._last(sight, BoundTerm("citing", items=(versions[0].item,)))
        name = name_of(versions, () if body is None else body.tokens())
        # This name may be of somebody who was erased since.
        self._erasures.keep(self._names, {key: NameThen(sight.as_of, name)}, erasures)
        return name

    def ended(self, items: Iterable[int], sight: BoundQuery) -> set[int]:
        """Those of these items that are there no longer: an entry deleted them, and no later one restored them."""
        return self._finder.present(sight, "ended", list(items))

    def kind_of(self, item: int, sight: BoundQuery) -> Kind | None:
        """The kind of actor that an item was last; None when it never acted."""
        body = self._last(sight, BoundTerm("actor", items=(item,)))
        return None if body is None else body.actor.kind

    def last_seen(self, item: int, sight: BoundQuery) -> str | None:
        """When the last entry happened that names an item; None where there is none."""
        query = structs.replace(sight, terms=(BoundTerm("citing", items=(item,)),))
        last = self._finder.seqs(query, order="desc", limit=1).end
        return None if last is None else written(instant(last.at))

    def led_to(self, ids: Sequence[str], sight: BoundQuery) -> dict[str, int]:
        """How many entries each of these entries led to."""
        if not ids:
            return {}
        return self._finder.values(
            structs.replace(sight, terms=(BoundTerm("cause", values=tuple(ids)),)), "cause"
        )

    def _last(self, sight: BoundQuery, term: BoundTerm) -> Body | None:
        """The body of the entry that happened last among those of a term, if there is one."""
        query = structs.replace(sight, terms=(term,))
        for seq in self._finder.seqs(query, order="desc", limit=1).seqs:
            body = self._store.kept_at(self._org, [seq])[0].body
            return None if body is None else decode_body(body)
        return None


def readable(stored: Iterable[StoredEntry]) -> tuple[list[tuple[int, Body]], list[int]]:
    """The bodies that can be read, by seq, and the seqs of those that cannot."""
    bodies, unread = [], []
    for row in stored:
        try:
            bodies += [] if row.body is None else [(row.seq, decode_body(row.body))]
        except DamagedError:
            unread.append(row.seq)
    return bodies, unread
