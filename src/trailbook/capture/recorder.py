"""The recorder: what capture of every framework shares, from a host's declarations to rows of its outbox.

Owns the organisation, the catalogue, the declarations, the bounds of the outbox and what becomes of an entry when it
is full. Refuses to know a framework: its room finds the rows that changed and hands over the connection whose
transaction holds them.
"""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import Struct

from trailbook.capture import outbox, triggers
from trailbook.capture.actor import current
from trailbook.capture.database import HostConnection
from trailbook.capture.declarations import ChangeKind, Columns, Declared, Tracked, check_declared
from trailbook.capture.entries import (
    Captured,
    EntryItems,
    Moment,
    captured_text,
    captured_texts,
    fields_of,
    form_of,
    meant_text,
    new_ids,
)
from trailbook.capture.meaning import Meaning
from trailbook.catalogue import Catalogue, OnFailure, load
from trailbook.clock import Clock, utc_now
from trailbook.errors import ConfigurationError, OutboxFullError
from trailbook.model import Item, Outcome, microseconds

Concerns = Mapping[str, Item | Sequence[Item]]
STARTED, STOPPED = "activity_log.capture_started", "activity_log.capture_stopped"


class Bounds(Struct, frozen=True, kw_only=True):
    """How many rows may wait: above `outbox` what may not be lost is refused, above `spool` everything is.

    Looked at at most once in `every` seconds.
    """

    outbox: int = 100_000
    spool: int = 1_000_000
    every: float = 1.0


BOUNDS = Bounds()


class Meant(Struct, frozen=True, kw_only=True):
    """What a host says a change means: members of an entry beside its actor and its time.

    `covers` are further items whose captured rows mean the same.
    """

    action: str
    target: Item
    concerns: Concerns | None = None
    fields: Sequence[str] = ()
    outcome: Outcome = "success"
    effective_at: date | None = None
    caused_by: UUID | None = None
    id: UUID | None = None
    covers: Sequence[Item] = ()


class Recorder:
    """What a host records of itself, without its framework."""

    def __init__(
        self,
        org: str | Callable[[Any], str],
        *,
        name: str = "capture",
        job: str | None = None,
        folders: Sequence[Path] = (),
        bounds: Bounds = BOUNDS,
        on_failure: Mapping[str, OnFailure] | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """`org` is the organisation, or finds it from a row; `on_failure` overrides a category's or action's policy."""
        self.org = org
        self.name = name
        self.job = job
        self.catalogue = load(folders)
        self.tracked: dict[str, Tracked] = {}
        self._bounds = bounds
        self._on_failure = _policies(self.catalogue, on_failure or {})
        self._clock = clock
        self._rooms: dict[Hashable, tuple[float, outbox.Room]] = {}

    def track(self, columns: Columns, declared: Declared) -> Tracked:
        """Keep the declaration of a table, checked. Raises: ConfigurationError, ActionUnknownError."""
        tracked = check_declared(self.catalogue, columns, declared)
        self.tracked[tracked.table] = tracked
        return tracked

    def triggered(self) -> list[Tracked]:
        """The declarations of tables that triggers cover."""
        return [tracked for tracked in self.tracked.values() if tracked.by == "triggers"]

    def begin(self, connection: HostConnection, triggered: Sequence[Tracked] | None = None) -> None:
        """Make the outbox and the triggers where they are missing, and record that capture began.

        `triggered` are the declarations of tables in this database that triggers cover, all of them where not given.
        """
        outbox.install_outbox(connection)
        triggers.install_triggers(connection, self.triggered() if triggered is None else triggered, self.org)
        self._say(connection, STARTED)

    def end(self, connection: HostConnection) -> None:
        """Record that capture stops."""
        self._say(connection, STOPPED)

    def announce(
        self, connection: HostConnection, running: triggers.Transaction, name: Callable[[], str | None]
    ) -> None:
        """Tell the triggers of a database who acts in the connection's transaction, whose name is asked on SQLite."""
        triggers.announce(connection, running, name, job=self.job)

    def moment(self) -> Moment:
        """Who acts, now."""
        return Moment(acting=current(self.job), at=self._clock())

    def entries_of(self, kind: ChangeKind, rows: Sequence[tuple[Any, EntryItems]]) -> list[Captured]:
        """The entries of rows that changed alike, not written yet; each row comes with the items of its entry."""
        tracked, action = kind.tracked, kind.tracked.actions[kind.op]
        if action is None:
            return []
        fields, moment = fields_of(tracked, kind.changed), self.moment()
        if isinstance(self.org, str):
            texts = captured_texts(moment, action, [items for _, items in rows], fields=fields)
            return [Captured(self.org, kind.op, texts, action)]
        orgs: dict[str, list[EntryItems]] = {}
        for row, items in rows:
            orgs.setdefault(self._org(row), []).append(items)
        return [
            Captured(org, kind.op, captured_texts(moment, action, items, fields=fields), action)
            for org, items in orgs.items()
        ]

    def meant_entry(self, meant: Meant) -> tuple[UUID, Captured]:
        """The entry of what a host says a change means, not written yet, and its id. Raises: ActionUnknownError."""
        self.catalogue.action(meant.action)
        moment = self.moment()
        id_ = meant.id or UUID(next(new_ids(moment.at, 1)))
        text = meant_text(
            moment,
            meant.action,
            items_meant(meant.target, meant.concerns),
            id=id_,
            outcome=meant.outcome,
            effective_at=meant.effective_at and meant.effective_at.isoformat(),
            caused_by=meant.caused_by,
            fields=meant.fields,
        )
        covers = "\n".join(f"{item.type}/{item.id}" for item in meant.covers) or None
        return id_, Captured(self._org(meant.target), outbox.MEANT, [text], meant.action, covers)

    def meant_entries(self, meaning: Meaning) -> list[Captured]:
        """The entries of what `recorded_as` says of a statement, not written yet. Raises: ActionUnknownError."""
        moment, action = self.moment(), self.catalogue.action(meaning.action).name
        entries = []
        for target in meaning.targets:
            text = meant_text(moment, action, items_meant(target, meaning.concerns), fields=meaning.fields)
            entries.append(Captured(self._org(target), outbox.MEANT, [text], action))
        return entries

    def write(
        self,
        connection: HostConnection,
        captured: Sequence[Captured],
        *,
        tx: str | None = None,
        database: Hashable = None,
    ) -> None:
        """Write entries in the connection's transaction, which `tx` names on SQLite; `database` tells databases apart.

        Raises: OutboxFullError; what the host's library raises.
        """
        if not captured:
            return
        room = self._room(connection, database)
        for entries in captured if room != "free" else ():
            self._demand_room(room, entries.action)
        outbox.write(connection, captured, at=microseconds(self._clock()), tx=tx)

    def write_row(
        self,
        connection: HostConnection,
        kind: ChangeKind,
        row: tuple[Any, EntryItems],
        *,
        tx: str | None = None,
        database: Hashable = None,
    ) -> None:
        """Write the entry of one row, as `write` does with those of many: in as few steps as there are.

        Raises: OutboxFullError; what the host's library raises.
        """
        form = form_of(kind)
        if form is None:
            return
        room = self._room(connection, database)
        if room != "free":
            self._demand_room(room, form.action)
        at = microseconds(self._clock())
        text = captured_text(at, current(self.job), form, items=row[1])
        org = self.org if isinstance(self.org, str) else self.org(row[0])
        outbox.write_row(connection, (org, kind.op, at, 1, text, None), tx)

    def _demand_room(self, room: outbox.Room, action: str) -> None:
        if room == "spool-full" or self._on_failure[action] == "refuse":
            raise OutboxFullError(f"the outbox is full, and {action} may not be lost: is it drained?")

    def _org(self, row: Any) -> str:
        return self.org if isinstance(self.org, str) else self.org(row)

    def _room(self, connection: HostConnection, database: Hashable) -> outbox.Room:
        now = time.monotonic()
        at, room = self._rooms.get(database, (-self._bounds.every, "free"))
        if now - at >= self._bounds.every or room != "free":
            rows = outbox.waiting(connection, self._bounds.outbox)
            room = "spool-full" if rows >= self._bounds.spool else "outbox-full"
            room = room if rows >= self._bounds.outbox else "free"
            self._rooms[database] = (now, room)
        return room

    def _say(self, connection: HostConnection, action: str) -> None:
        """An entry of capture itself; of an organisation that only rows name there is none."""
        if isinstance(self.org, str):
            source = Item(type="source", id=self.name, name=f"Capture {self.name}")
            acting = current(self.job or self.name)
            text = meant_text(Moment(acting=acting, at=self._clock()), action, EntryItems(source))
            at = microseconds(self._clock())
            outbox.write(connection, [Captured(self.org, outbox.MEANT, [text], action)], at=at)


def items_meant(target: Item, concerns: Concerns | None) -> EntryItems:
    """The items of an entry that somebody meant."""
    pairs = [
        (part, item)
        for part, items in (concerns or {}).items()
        for item in ([items] if isinstance(items, Item) else items)
    ]
    return EntryItems(target, tuple(pairs))


def _policies(catalogue: Catalogue, overrides: Mapping[str, OnFailure]) -> dict[str, OnFailure]:
    """What becomes of each action when the outbox is full: as its category or the action itself was overridden."""
    for name, policy in overrides.items():
        if name not in catalogue.categories and name not in catalogue.actions:
            raise ConfigurationError(f"on_failure.{name}: is neither a category nor an action")
        if policy not in ("refuse", "spool"):
            raise ConfigurationError(f"on_failure.{name}: is not refuse or spool")
    return {
        action.name: overrides.get(action.name, overrides.get(action.category, action.on_failure))
        for action in catalogue.actions.values()
    }
