"""The log of the log: who searched, exported, took proofs and was refused, as entries of the same tree.

Owns which reading is told how often, and in which words without people: people in a filter are concerns; what is
theirs, what is of a restricted category, and typed text is left out. Refuses to let anything be answered that could not
be recorded, and to write twice what was written this hour, by this process or another. Only that somebody was refused
waits for a store that cannot be written: they are refused all the same.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from uuid import UUID

from msgspec import Struct, structs

from trailbook.access import Viewer
from trailbook.catalogue import Catalogue
from trailbook.clock import Clock
from trailbook.errors import EntryConflictError
from trailbook.finding import Memo
from trailbook.model import MAX_ID, Actor, Concern, Item, NewEntry, Origin, Outcome, microseconds
from trailbook.query import FIELDS, Query, Term, printed
from trailbook.stores import Identity
from trailbook.verify import Report

MINUTE, HOUR = 60_000_000, 3_600_000_000
EVERYTHING = "everything"
_MOST = 20_000  # readings remembered; what is forgotten is asked of the store

Record = Callable[[NewEntry], object]  # Raises: what recording raises
Known = Callable[[Sequence[tuple[str, str, None]], Viewer], Sequence[Identity]]


class Watched(Struct, frozen=True, kw_only=True):
    """The log that is watched: how it records and makes ids of text, and which items it knows for whom."""

    org: str
    catalogue: Catalogue
    clock: Clock
    record: Record
    hold: Record  # the same, but the entry waits where the store cannot be written
    known: Known
    id_from: Callable[[str], UUID]


class Watch:
    """Records the readings of one log, and remembers which it recorded: by ids alone, which name nobody."""

    def __init__(self, log: Watched) -> None:
        self._log = log
        self._recorded: Memo[UUID, bool] = Memo(_MOST)
        self._lock = threading.Lock()

    def searched(self, viewer: Viewer, query: Query) -> None:
        """A viewer searches: one entry a viewer, filter and hour. Raises: StoreError, and nothing is answered."""
        line = printed(structs.replace(query, as_of=None))
        self._once(f"searched {line}", viewer, partial(self._on_filter, "searched", viewer, query))

    def exported(self, viewer: Viewer, query: Query) -> None:
        """A viewer exports what a filter finds: one entry each time. Raises: StoreError."""
        self._log.record(self._on_filter("exported", viewer, query))

    def viewed(self, viewer: Viewer) -> None:
        """A viewer opens an entry: one entry a viewer and hour. Raises: StoreError."""
        self._once("viewed", viewer, partial(self._on_log, "viewed", viewer))

    def proved(self, viewer: Viewer) -> None:
        """A viewer takes proofs, or what they are made of: one entry a viewer and hour. Raises: StoreError."""
        self._once("proved", viewer, partial(self._on_log, "proof_downloaded", viewer))

    def refused(self, viewer: Viewer) -> None:
        """A viewer was refused: one entry a viewer and minute, which may wait for the store."""
        entry = partial(self._on_log, "viewed", viewer, "denied")
        self._once("refused", viewer, entry, within=MINUTE, record=self._log.hold)

    def verified(self, viewer: Viewer, report: Report) -> None:
        """Somebody verified the whole log: one entry each time, which says up to where. Raises: StoreError."""
        root = report.root
        target = Item(type="log", id=self._log.org)
        if root is not None:
            target = Item(type="checkpoint", id=f"{report.size}-{root.hex()}")
        if report.findings:
            entry = self._entry("verification_failed", viewer, target, outcome="failure")
        else:
            entry = self._entry("verified", viewer, target)
        self._log.record(entry)

    def _once(
        self,
        reading: str,
        viewer: Viewer,
        entry: Callable[[], NewEntry],
        *,
        within: int = HOUR,
        record: Record | None = None,
    ) -> None:
        who = f"{viewer.item.type}/{viewer.item.id}"
        number = microseconds(self._log.clock()) // within
        # The same in every process: the second one to record it finds it there.
        id_ = self._log.id_from(f"reading\n{number}\n{who}\n{reading}")
        with self._lock:
            if self._recorded.get(id_):
                return
        with suppress(EntryConflictError):  # recorded at another moment of the same hour
            (record or self._log.record)(structs.replace(entry(), id=id_))
        with self._lock:
            self._recorded.put(id_, True)

    def _on_log(self, action: str, viewer: Viewer, outcome: Outcome = "success") -> NewEntry:
        target = Item(type="log", id=self._log.org)
        return self._entry(action, viewer, target, outcome=outcome)

    def _on_filter(self, action: str, viewer: Viewer, query: Query) -> NewEntry:
        people = persons(self._log.catalogue, query)
        # The entry of a search is for everybody who reads the log: it names nobody who is only in what is restricted.
        reader = structs.replace(viewer, restricted=())
        versions = self._log.known([(type_, id_, None) for type_, id_ in people], reader)
        latest = {(v.type, v.id): v for v in versions if v.id is not None}  # oldest first
        concerns = tuple(
            Concern(part="filtered", type=v.type, id=v.id or "", name=v.name) for v in latest.values()
        )
        target = Item(type="search", id=without_people(self._log.catalogue, query))
        return structs.replace(self._entry(action, viewer, target), concerns=concerns)

    def _entry(self, action: str, viewer: Viewer, target: Item, *, outcome: Outcome = "success") -> NewEntry:
        item = viewer.item
        return NewEntry(
            action=f"activity_log.{action}",
            occurred_at=self._log.clock(),
            actor=Actor(kind=viewer.kind, type=item.type, id=item.id, name=item.name),
            target=target,
            outcome=outcome,
            origin=viewer.origin or Origin(interface="api"),
        )


def without_people(catalogue: Catalogue, query: Query) -> str:
    """The filter as one line without people, what is theirs, and text; its digest where it is too long for an id."""
    terms = []
    for term in query.terms:
        own = FIELDS[term.field].personal
        rest = tuple(value for value in term.values if not (own or _is_theirs(catalogue, term, value)))
        terms += [structs.replace(term, values=rest)] if rest else []
    line = printed(structs.replace(query, terms=tuple(terms), text=(), as_of=None)) or EVERYTHING
    return line if len(line) <= MAX_ID else sha256(line.encode()).hexdigest()


def persons(catalogue: Catalogue, query: Query) -> list[tuple[str, str]]:
    """Type and id of each person that a filter names, in its order, each once."""
    named = [
        value
        for term in query.terms
        for value in term.values
        if _is_theirs(catalogue, term, value) and catalogue.types[value.partition("/")[0]].person
    ]
    return [(type_, id_) for type_, _, id_ in (value.partition("/") for value in dict.fromkeys(named))]


def _is_theirs(catalogue: Catalogue, term: Term, value: str) -> bool:
    """Whether a value names a person, or one item of theirs or of a restricted category.

    All items of a type are nobody's.
    """
    type_, _, id_ = value.partition("/")
    declared, field = catalogue.types.get(type_), FIELDS[term.field]
    if declared is None or id_ == "*" or not field.items:
        return False
    return declared.person or declared.personal or catalogue.categories[declared.category].restricted
