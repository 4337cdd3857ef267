"""Who acts in the HR system, and how what they do reaches both hr.db and the activity log.

Owns one unit of work (`HR`): rows to write and entries to tell, kept together until both are durable.
Refuses to pass on any content: `tell` takes items, names of fields and dates, and nothing else.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct, structs
from sqlalchemy import insert, inspect
from sqlalchemy.orm import Session

from trailbook.demo.tables import Base, Integration, Person
from trailbook.model import Actor, Concern, Item, NewEntry, Origin, Outcome, Receipt, microseconds

Recorder = Callable[[NewEntry], None]
Row = TypeVar("Row", bound=Base)
Parts = Mapping[str, Item | Sequence[Item]]

JOB = Origin(interface="job")


class LogLike(Protocol):
    """What the HR system asks of an activity log."""

    def record_many(self, entries: Sequence[NewEntry]) -> list[Receipt]:
        """Record all or nothing, durable when it returns; raises what is refused."""
        ...


class Act(Struct, frozen=True, kw_only=True):
    """One moment of acting in a unit of work: who, when, from where, in whose name and as part of what."""

    hr: "HR"
    at: datetime
    actor: Actor
    origin: Origin
    behalf: Item | None = None
    correlation: str | None = None
    caused_by: UUID | None = None
    purpose: str | None = None

    @property
    def by(self) -> str:
        """The actor as hr.db writes it."""
        return f"{self.actor.type}/{self.actor.id}"

    def but(self, **changes: Any) -> "Act":
        """The same act with some members changed."""
        return structs.replace(self, **changes)

    def write(self, table: type[Base], **columns: Any) -> None:
        """Add a history row about this act; see `HR.write`."""
        behalf = self.behalf.id if self.behalf else None
        self.hr.write(table, **columns, at=self.at, by=self.by, behalf=behalf)

    def tell(self, action: str, target: Item, **about: Any) -> UUID:
        """Tell the log that this act was `action` on `target`, and return the entry's id.

        `about` holds `parts` (concerns by part), `fields`, `outcome`, `effective_at` and a reserved `id`, all optional.
        """
        return self.hr.record(_entry(self, action, target, **about))


class HR:
    """One unit of work on hr.db with the entries it owes to the log."""

    def __init__(self, session: Session, recorder: Recorder, rng: random.Random) -> None:
        self.session = session
        self._recorder = recorder
        self._rng = rng
        self._rows: dict[type[Base], list[dict[str, Any]]] = {}
        self._fresh: dict[tuple[type[Base], str], Base] = {}

    def key(self, prefix: str) -> str:
        """A new id that says nothing of what it stands for."""
        return f"{prefix}-{self._rng.getrandbits(40):010x}"

    def write(self, table: type[Base], **columns: Any) -> None:
        """Add a row of a history; such rows are inserted in bulk, since nothing is read back from them."""
        self._rows.setdefault(table, []).append(columns)

    def add(self, row: Base) -> None:
        """Add a row with an id of its own; `get` finds it at once, though it is written with all others."""
        self.session.add(row)
        (key,) = inspect(type(row)).primary_key
        self._fresh[type(row), getattr(row, key.name)] = row

    def record(self, entry: NewEntry) -> UUID:
        """Pass an entry on, under an id of its own unless it has a reserved one."""
        id_ = entry.id or self.reserve(entry.occurred_at)
        self._recorder(structs.replace(entry, id=id_))
        return id_

    def reserve(self, at: datetime) -> UUID:
        """The id of an entry to come, so that others can cite it as their cause before it is told."""
        return entry_id(at, self._rng)

    def get(self, table: type[Row], key: str) -> Row:
        """The row of an id.

        Raises: sqlalchemy.exc.NoResultFound.
        """
        fresh = self._fresh.get((table, key))
        return fresh if isinstance(fresh, table) else self.session.get_one(table, key)

    def flush(self) -> None:
        """Send everything written so far to hr.db, inside its transaction."""
        self.session.flush()
        for table, rows in self._rows.items():
            self.session.execute(insert(table), rows)
        self._rows.clear()
        self._fresh.clear()


def _entry(
    act: Act,
    action: str,
    target: Item,
    *,
    parts: Parts | None = None,
    fields: Sequence[str] = (),
    outcome: Outcome = "success",
    effective_at: str | None = None,
    id: UUID | None = None,
) -> NewEntry:
    return NewEntry(
        id=id,
        action=action,
        occurred_at=act.at,
        actor=act.actor,
        target=target,
        origin=act.origin,
        outcome=outcome,
        on_behalf_of=act.behalf,
        concerns=_concerns(parts) if parts else (),
        fields=tuple(fields),
        purpose=act.purpose,
        effective_at=effective_at,
        correlation=act.correlation,
        caused_by=act.caused_by,
    )


def _concerns(parts: Parts) -> tuple[Concern, ...]:
    return tuple(
        Concern(type=item.type, id=item.id, name=item.name, hint=item.hint, part=part)
        for part, items in parts.items()
        for item in ((items,) if isinstance(items, Item) else items)
    )


def entry_id(at: datetime, rng: random.Random) -> UUID:
    """A version 7 UUID of an instant. Source: RFC 9562 section 5.7."""
    number = microseconds(at) // 1000 << 80 | rng.getrandbits(80)
    number = number & ~(0xF000 << 64) | (0x7000 << 64)
    return UUID(int=number & ~(0xC000 << 48) | (0x8000 << 48))


def person_actor(person: Person) -> Actor:
    """A person as actor."""
    return Actor(kind="person", type="user", id=person.id, name=person.name, hint=person.hint)


def integration_actor(integration: Integration) -> Actor:
    """An integration as actor."""
    return Actor(kind="integration", type="integration", id=integration.id, name=integration.name)


def system_actor(rule: str, name: str) -> Actor:
    """One of the system's own rules as actor."""
    return Actor(kind="system", type="system", id=rule, name=name)
