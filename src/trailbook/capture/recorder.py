"""The recorder: what capture of every framework shares, from a host's declarations to rows of its outbox.

Owns the organisation, the catalogue, the declarations, the bounds of the outbox and what becomes of an entry when it
is full. Refuses to know a framework: its room finds the rows that changed and hands over the connection whose
transaction holds them.
"""

import time
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import Struct

from trailbook.capture import outbox, rules, triggers
from trailbook.capture.actor import Acting, current
from trailbook.capture.blindspots import CaptureWarning
from trailbook.capture.database import HostConnection
from trailbook.capture.declarations import (
    ChangeKind,
    Columns,
    Declared,
    Located,
    Tracked,
    check_declared,
    kind_of,
)
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
from trailbook.capture.hooked import demand_kept, take_over
from trailbook.capture.meaning import Meaning
from trailbook.catalogue import Action, Catalogue, OnFailure, load
from trailbook.clock import Clock, utc_now
from trailbook.errors import ConfigurationError, OutboxFullError, UncapturedWriteError
from trailbook.model import Item, Outcome, microseconds

Concerns = Mapping[str, Item | Sequence[Item]]
STARTED, STOPPED = "activity_log.capture_started", "activity_log.capture_stopped"
GAP = "activity_log.capture_gap_found"


class Bounds(Struct, frozen=True, kw_only=True):
    """How many rows may wait: above `outbox` what may not be lost is refused, above `spool` everything is.

    Looked at at most once in `every` seconds. Raises: ConfigurationError for a member below 0.
    """

    outbox: int = 100_000
    spool: int = 1_000_000
    every: float = 1.0

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if not value >= 0:
                raise ConfigurationError(f"bounds: {name}: {value} is not 0 or more")


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
        if not org or not (isinstance(org, str) or callable(org)):
            raise ConfigurationError("org: is neither an organisation's name nor a callable that takes a row")
        if isinstance(org, str) and (why := rules.org_fault(org)):
            raise ConfigurationError(f"org: {why}")
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
        if declared.by == "triggers" and not isinstance(self.org, str):
            why = "triggers need an organisation that is a name, not one that only rows name"
            raise ConfigurationError(f"track({columns.table}): by: {why}")
        other = self.tracked.get(columns.table)
        if other is not None and "triggers" in (other.by, declared.by):
            raise ConfigurationError(
                f"track({columns.table}): by: the table is tracked by {other.by} already"
            )
        tracked = check_declared(self.catalogue, columns, declared)
        self.tracked[tracked.table] = tracked
        return tracked

    def triggered(self) -> list[Tracked]:
        """The declarations of tables that triggers cover."""
        return [tracked for tracked in self.tracked.values() if tracked.by == "triggers"]

    def make(
        self,
        connection: HostConnection,
        triggered: Sequence[Tracked] | None = None,
        *,
        hooked: Sequence[Located] | None = None,
    ) -> list[str]:
        """Make the outbox and the triggers, anew where somebody dropped them; the names of the triggers.

        `triggered` are the declarations of tables in this database that triggers cover, all of them where not given;
        `hooked` are all tables with rows that hooks cover, those of the declarations alone where not given. What waited
        in an outbox that was dropped is gone, which is recorded. Triggers on a table that hooks cover now go. Raises:
        ConfigurationError, SchemaNewerError.
        """
        if hooked is None:
            hooked = [tracked for tracked in self.tracked.values() if tracked.by == "hooks"]
        demand_kept(connection, hooked)
        take_over(connection, hooked)
        made = outbox.make(connection)
        dropped = made.missing and (made.before or triggers.installed_triggers(connection))
        tables = self.triggered() if triggered is None else triggered
        names = triggers.install_triggers(connection, tables, self.org)
        if dropped:
            self._say(connection, GAP)
            if not isinstance(self.org, str):
                lost = "what waited in it is gone, of organisations that nobody knows any more"
                warnings.warn(f"{', '.join(made.missing)}: was dropped; {lost}", CaptureWarning, stacklevel=4)
        return names

    def begin(
        self,
        connection: HostConnection,
        triggered: Sequence[Tracked] | None = None,
        *,
        hooked: Sequence[Located] | None = None,
    ) -> None:
        """As `make`, and record that capture began."""
        self.make(connection, triggered, hooked=hooked)
        self._say(connection, STARTED)

    def end(self, connection: HostConnection) -> None:
        """Record that capture stops."""
        self._say(connection, STOPPED)

    def announce(
        self, connection: HostConnection, running: triggers.Transaction, name: Callable[[], str | None]
    ) -> None:
        """Tell the triggers of a database who acts in the connection's transaction, whose name is asked on SQLite."""
        self._acting()
        triggers.announce(connection, running, name, job=self.job)

    def moment(self) -> Moment:
        """Who acts, now."""
        return Moment(acting=self._acting(), at=self._clock())

    def _acting(self) -> Acting:
        """Who acts, if the catalogue takes it, which is looked at once. Raises: EntryInvalidError."""
        acting = current(self.job)
        kept = acting.__dict__
        if kept.get("sound") is not self.catalogue:
            behalf = acting.on_behalf_of
            rules.demand(rules.known_faults(self.catalogue, acting.actor, behalf, acting.purpose))
            kept["sound"] = self.catalogue
        return acting

    def entries_of(self, kind: ChangeKind, rows: Sequence[tuple[Any, EntryItems]]) -> list[Captured]:
        """The entries of rows that changed alike, not written yet; each row comes with the items of its entry."""
        tracked, action = kind.tracked, kind.tracked.actions[kind.op]
        if action is None:
            return []
        fields = fields_of(tracked, kind.changed)
        moment, any_item = self.moment(), tracked.has_callables
        orgs: dict[str, list[EntryItems]] = {}
        for row, items in rows:
            if any_item:
                self._demand_fit(tracked, self.catalogue.action(action), items)
            orgs.setdefault(self._org(row), []).append(items)
        return [
            Captured(org, kind.op, captured_texts(moment, action, items, fields=fields), action)
            for org, items in orgs.items()
        ]

    def meant_entry(self, meant: Meant) -> tuple[UUID, Captured]:
        """The entry of what a host says a change means, not written yet, and its id.

        Raises: ActionUnknownError, EntryInvalidError.
        """
        self._demand_meant(meant.action, meant.target, meant)
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
        """The entries of what `recorded_as` says of a statement, not written yet.

        Raises: ActionUnknownError, EntryInvalidError.
        """
        moment, action = self.moment(), self.catalogue.action(meaning.action).name
        entries = []
        for target in meaning.targets:
            self._demand_meant(action, target, meaning)
            text = meant_text(moment, action, items_meant(target, meaning.concerns), fields=meaning.fields)
            entries.append(Captured(self._org(target), outbox.MEANT, [text], action))
        return entries

    def _demand_meant(self, action: str, target: Item, meant: Meant | Meaning) -> None:
        """Refuse what the log would refuse. Raises: ActionUnknownError, EntryInvalidError."""
        concerns = items_meant(target, meant.concerns).concerns
        outcome = getattr(meant, "outcome", "success")
        declared = self.catalogue.action(action)
        more = {"fields": meant.fields, "outcome": outcome}
        rules.demand(rules.meant_faults(self.catalogue, declared, target, concerns, **more))

    def write(
        self,
        connection: HostConnection,
        captured: Sequence[Captured],
        *,
        tx: str | None = None,
        database: Hashable = None,
    ) -> None:
        """Write entries in the connection's transaction, which `tx` names on SQLite; `database` tells databases apart.

        Raises: OutboxFullError; UncapturedWriteError where there is no outbox; what the host's library raises.
        """
        if not captured:
            return
        try:
            self._demand_room(connection, captured, database)
            outbox.write(connection, captured, at=microseconds(self._clock()), tx=tx)
        except Exception as error:
            if (missing := outbox.missing_outbox(error)) is not None:
                raise missing from error
            raise

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

        Raises: OutboxFullError; UncapturedWriteError where there is no outbox; what the host's library raises.
        """
        form, (instance, items) = form_of(kind), row
        if form is None:
            return
        if items.concerns and kind.tracked.has_callables:
            self._demand_fit(kind.tracked, self.catalogue.action(form.action), items)
        org = self.org if isinstance(self.org, str) else self._org(instance)
        at = microseconds(self._clock())
        text = captured_text(at, self._acting(), form, items=items)
        try:
            room = self._room(connection, database)
            if room != "free":
                self._demand_room_for(room, form.action)
            outbox.write_row(connection, (org, kind.op, at, 1, text, None), tx)
        except Exception as error:
            if (missing := outbox.missing_outbox(error)) is not None:
                raise missing from error
            raise

    def _demand_room(
        self, connection: HostConnection, captured: Sequence[Captured], database: Hashable
    ) -> None:
        room = self._room(connection, database)
        for entries in captured if room != "free" else ():
            self._demand_room_for(room, entries.action)

    def _demand_room_for(self, room: outbox.Room, action: str) -> None:
        if room == "spool-full" or self._on_failure[action] == "refuse":
            raise OutboxFullError(f"the outbox is full, and {action} may not be lost: is it drained?")

    def _demand_fit(self, tracked: Tracked, action: Action, items: EntryItems) -> None:
        """Refuse what callables returned and the log would refuse; of a Ref that is known from its declaration."""
        counts = Counter(part for part, _ in items.concerns)
        for part, item in items.concerns:
            why = ""
            if item.type not in self.catalogue.types:
                why = f"an item of the type {item.type!r}, which the catalogue does not have"
            elif counts[part] > action.parts[part].most:
                why = f"{counts[part]} items, of which {action.name} takes {action.parts[part].most}"
            if why:
                raise UncapturedWriteError(f"{tracked.table}: concerns.{part}: its callable returned {why}")

    def _org(self, row: Any) -> str:
        if isinstance(self.org, str):
            return self.org
        org: Any = self.org(row)
        if not isinstance(org, str) or not org:
            given = kind_of(org) if org != "" else "nothing"
            raise UncapturedWriteError(
                f"org: its callable returned {given}, where an organisation's name is due"
            )
        if why := rules.org_fault(org):
            raise UncapturedWriteError(f"org: its callable returned {org[:64]!r}, which {why}")
        return org

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
