"""Capture: a host's declarations, its databases, and the moment at which an entry joins the host's transaction.

Owns `track`, `install`, `record` and the rule that an entry is written where and when its change is. Refuses a write
that it cannot capture, outside a transaction, or into a full outbox where the category's policy says so.
"""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UNSET, Struct
from sqlalchemy import Connection, Engine, Table
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import Mapper, Session

from trailbook.capture.blindspots import Blindspot, CaptureWarning
from trailbook.capture.declarations import ChangeKind, Declared, Op, Part, Ref, Tracked, WrittenBy, kind_of
from trailbook.capture.entries import Captured, CapturedRow, EntryItems, items_of
from trailbook.capture.hooked import replacing
from trailbook.capture.meaning import Meaning, WrittenMeaning, last_position
from trailbook.capture.recorder import BOUNDS, Bounds, Concerns, Meant, Recorder
from trailbook.capture.sql_tables import TableName, table_name
from trailbook.capture.sqlalchemy import rollback
from trailbook.capture.sqlalchemy.checks import blindspots, replaces
from trailbook.capture.sqlalchemy.database import EngineConnection, engine_name
from trailbook.capture.sqlalchemy.rows import Plan
from trailbook.capture.sqlalchemy.session import Flushing
from trailbook.capture.sqlalchemy.statements import Parts, Rows, Statements
from trailbook.capture.sqlalchemy.tables import (
    Declaration,
    Layout,
    TrackedTable,
    attributes_in,
    locations_of,
    nearest,
    trigger_fault,
)
from trailbook.catalogue import Catalogue, OnFailure
from trailbook.clock import Clock, utc_now
from trailbook.errors import ConfigurationError, UncapturedWriteError
from trailbook.model import Item, Outcome

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine  # needs greenlet, which a host without it does without


class _Alike(Struct):
    """Rows of one kind of change, each with the items of its entry."""

    kind: ChangeKind
    rows: list[tuple[Any, EntryItems]]


class Capture:
    """What a host records of itself: one object beside its engine."""

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
        others: Sequence[str] = (),
    ) -> None:
        """`org` is the organisation, or finds it from a row; `on_failure` overrides a category's or action's policy.

        `others` are tables that only have a tracked table's name, each as `schema.table`. Raises: ConfigurationError.
        """
        namesakes = frozenset(map(_namesake, others))
        self.recorder = Recorder(
            org, name=name, job=job, folders=folders, bounds=bounds, on_failure=on_failure, clock=clock
        )
        self.places: dict[Table, TrackedTable] = {}
        self.engines: list[Engine] = []
        self._declared: list[Declaration] = []
        self._nearest: dict[Mapper[Any] | None, Tracked | None] = {}
        self._flushing = Flushing(self)
        self._statements = Statements(self, self._flushing, namesakes)

    @property
    def org(self) -> str | Callable[[Any], str]:
        """The organisation, or what finds it from a row."""
        return self.recorder.org

    @property
    def name(self) -> str:
        """What this capture is called among the sources of the log."""
        return self.recorder.name

    @property
    def catalogue(self) -> Catalogue:
        """What can be recorded."""
        return self.recorder.catalogue

    @property
    def tracked(self) -> Mapping[str, Tracked]:
        """The declarations, by table."""
        return self.recorder.tracked

    def track(
        self,
        model: Any,
        *,
        type: str,
        id: Part | None = None,
        name: Part | None = None,
        hint: Part | None = None,
        owner: Ref | Callable[[Any], Any] | None = None,
        category: str | None = None,
        actions: Mapping[Op, str | None],
        concerns: Mapping[str, Ref | Callable[[Any], Any]] | None = None,
        fields: Iterable[str] | Mapping[str, str] = (),
        ignore: Iterable[str] = (),
        by: WrittenBy = "hooks",
    ) -> Tracked:
        """Declare what the rows of a mapped class or table are, and what their changes are called.

        `hint` tells namesakes apart, as things are today; `owner` fills the part that the actions require; `fields` may
        be named, as themselves or as the catalogue calls them; a change of `ignore` alone is no entry. Raises:
        ConfigurationError, ActionUnknownError.
        """
        layout = self._layout(model)
        declared = Declared(
            type=type,
            id=id,
            name=name,
            hint=hint,
            owner=owner,
            category=category,
            actions=actions,
            concerns=concerns,
            fields=fields,
            ignore=ignore,
            by=by,
        )
        self._demand_own_table(layout, by)
        self._demand_own_names(layout)
        tracked = self.recorder.track(layout.columns, declared)
        declaration = Declaration(layout.mapper, tracked)
        self._declared.append(declaration)
        self._nearest.clear()
        for table in layout.tables:
            self._place(table, declaration)
        if layout.mapper is not None:
            self._flushing.watch(layout.mapper.class_)
        return tracked

    def install(self, engine: "Engine | AsyncEngine") -> list[Blindspot]:
        """Make the outbox in a database, begin to capture what this engine writes, and record that it began.

        Returns, and warns of, what hooks cannot see there. Raises: ConfigurationError, SchemaNewerError.
        """
        plain = _sync_engine(engine)
        engine_name(plain)
        for place in self.places.values():
            place.look()
        if plain not in self.engines:
            self.engines.append(plain)
            self._statements.listen(plain)
            rollback.listen(plain)
        if not plain.dialect.is_async:
            with self._undone(plain), plain.begin() as connection:
                self.make(connection)
        unseen = self.check()
        for spot in unseen:
            warnings.warn(f"{spot.table}: {spot.detail}", CaptureWarning, stacklevel=2)
        return unseen

    async def install_async(self, engine: "AsyncEngine") -> list[Blindspot]:
        """As `install`, for an engine that is awaited."""
        unseen = self.install(engine)
        with self._undone(_sync_engine(engine)):
            async with engine.begin() as connection:
                await connection.run_sync(self.make)
        return unseen

    def mend(self, connection: Connection) -> list[str]:
        """Make the outbox and the triggers in the connection's database where they are missing; the triggers' names."""
        host = EngineConnection(connection)
        names = self.recorder.make(host, hooked=self._hooked(host))
        self._statements.guard.relate(host)
        return names

    def make(self, connection: Connection) -> None:
        """Make the outbox in the connection's database where it is missing, and record that capture began."""
        host = EngineConnection(connection)
        self.recorder.begin(host, hooked=self._hooked(host))
        self._statements.guard.relate(host)

    def _hooked(self, host: EngineConnection) -> list[TrackedTable]:
        """The tables that hooks cover. Raises: ConfigurationError for one that is declared to REPLACE by itself."""
        places = [place for place in self.places.values() if not place.triggered]
        for place in places if host.engine == "sqlite" else ():
            if replaces(place.table):
                raise replacing(place.bare)
        return places

    def triggered(self) -> list[Tracked]:
        """The declarations of tables that triggers cover."""
        return self.recorder.triggered()

    def announce(self, connection: Connection) -> None:
        """Tell the triggers of a database who acts in the connection's transaction; without one they know nobody."""
        if connection.in_transaction() and _is_transacted(connection):
            rollback.look(connection)
            host, running = EngineConnection(connection), rollback.of(connection)
            self.recorder.announce(host, running, lambda: _transaction(connection))

    def check(self) -> list[Blindspot]:
        """What hooks cannot see of the tracked tables, as far as their declarations tell."""
        return blindspots(self.places.values())

    def leave(self, engine: "Engine | AsyncEngine") -> None:
        """Capture no more what one engine writes, and record it; an awaited engine has `leave_async` do so first.

        What is written to tracked tables through it from now on is refused, as through any engine without capture.
        """
        plain = _sync_engine(engine)
        try:
            if not plain.dialect.is_async:
                with plain.begin() as connection:
                    self.end(connection)
        finally:
            self._forget(plain)

    async def leave_async(self, engine: "AsyncEngine") -> None:
        """As `leave`, for an engine that is awaited."""
        async with engine.begin() as connection:
            await connection.run_sync(self.end)
        self.leave(engine)

    def end(self, connection: Connection) -> None:
        """Record in the connection's transaction that capture stops."""
        self.recorder.end(EngineConnection(connection))

    def elsewhere(self, engine: "Engine | AsyncEngine") -> None:
        """Say that an engine's database holds none of the tracked tables, only some of their name: it is not watched.

        Raises: ConfigurationError for an engine that is captured.
        """
        plain = _sync_engine(engine)
        if any(plain.dialect is captured.dialect for captured in self.engines):
            raise ConfigurationError("elsewhere: this engine is captured")
        self._statements.guard.elsewhere.append(plain.dialect)

    def stop(self) -> None:
        """Leave every engine and listen no more: what is written afterwards is neither captured nor refused."""
        with ExitStack() as stack:
            stack.callback(self._statements.stop)
            stack.callback(self._flushing.stop)
            for engine in self.engines:
                stack.callback(self.leave, engine)

    def record(
        self,
        session: Session | Connection,
        action: str,
        *,
        target: Item,
        concerns: Concerns | None = None,
        fields: Sequence[str] = (),
        outcome: Outcome = "success",
        effective_at: date | None = None,
        caused_by: UUID | None = None,
        id: UUID | None = None,
        covers: Sequence[Item] = (),
    ) -> UUID:
        """Say what a change means, in the session's transaction; the row capture of the same change folds into it.

        `covers` are further items whose captured rows mean the same. Returns the entry's id.
        Raises: ActionUnknownError, UncapturedWriteError, OutboxFullError.
        """
        connection = session if isinstance(session, Connection) else session.connection()
        meant = Meant(
            action=action,
            target=target,
            concerns=concerns,
            fields=fields,
            outcome=outcome,
            effective_at=effective_at,
            caused_by=caused_by,
            id=id,
            covers=covers,
        )
        id_, entry = self.recorder.meant_entry(meant)
        self.demand_transaction(connection)
        self.write(connection, [entry])
        return id_

    def record_change(
        self,
        session: Session,
        instance: Any,
        action: str,
        *,
        target: Item | None = None,
        concerns: Concerns | None = None,
        **more: Any,
    ) -> UUID:
        """Say what the change of an object means; what is not given comes from its declaration.

        With another `target` the object's own row folds into the entry all the same. Further members are those of
        `record`. Raises: as `record`; ConfigurationError for a class not tracked.
        """
        tracked = self.find(locations_of(type(instance)).mapper)
        if tracked is None:
            raise ConfigurationError(f"record_change: {type(instance).__name__} is not tracked")
        session.flush()
        own = items_of(tracked, instance)
        if concerns is None and target is None:
            concerns = own.by_part()
        return self.record(
            session, action, target=target or own.target, concerns=concerns, covers=[own.target], **more
        )

    def keep_rows(self, connection: Connection, plan: Plan, rows: Rows) -> None:
        """Write the entries of rows that a planned statement touched."""
        place = plan.place
        kinds: dict[str, _Alike] = {}
        for values in rows:
            tracked = place.tracked(values)
            if tracked is not None and (plan.op != "updated" or tracked.counts(plan.changed)):
                # The name of an inherited row may stand in its other table: then the entry cites the last one. Of the
                # hint it says nothing then.
                elsewhere = () if place.base else (tracked.name, tracked.hint)
                blank = {part: UNSET for part in elsewhere if isinstance(part, str)}
                row = CapturedRow(
                    {**blank, **{name: values[c] for name, c in place.attributes.items() if c in values}}
                )
                alike = kinds.get(key := f"{tracked.table}/{tracked.type}")
                if alike is None:
                    alike = kinds[key] = _Alike(ChangeKind(tracked, plan.op, plan.changed), [])
                alike.rows.append((row, items_of(tracked, row)))
        self._write_alike(connection, kinds.values())

    def keep_parts(self, connection: Connection, parts: Parts) -> None:
        """Write the entries of changed rows that lie in several tables."""
        kinds: dict[tuple[str, tuple[str, ...]], _Alike] = {}
        for part in parts:
            names, row = tuple(sorted(part.changed)), CapturedRow(part.values)
            kind = ChangeKind(part.tracked, "updated", names)
            alike = kinds.setdefault((f"{part.tracked.table}/{part.tracked.type}", names), _Alike(kind, []))
            alike.rows.append((row, items_of(part.tracked, row)))
        self._write_alike(connection, kinds.values())

    def _write_alike(self, connection: Connection, kinds: Iterable[_Alike]) -> None:
        entries = [each for alike in kinds for each in self.recorder.entries_of(alike.kind, alike.rows)]
        self.write(connection, entries)

    def keep_meaning(self, connection: Connection, meaning: Meaning) -> None:
        """Write the entries that a host said a statement means, where they do not stand in the transaction."""
        host, running = EngineConnection(connection), rollback.of(connection)
        if any(each.meaning is meaning and each.is_there(host) for each in running.meant):
            return
        entries, after = self.recorder.meant_entries(meaning), last_position(host)
        self.write(connection, entries)
        others = [each for each in running.meant if each.meaning is not meaning]
        running.meant = [*others, WrittenMeaning(meaning, after, entries[0].texts[0])]

    def write(self, connection: Connection, captured: Sequence[Captured]) -> None:
        """Write entries in the connection's transaction. Raises: OutboxFullError."""
        if captured:
            host, tx = EngineConnection(connection), _transaction(connection)
            self.recorder.write(host, captured, tx=tx, database=connection.engine)

    def write_row(self, connection: Connection, kind: ChangeKind, row: tuple[Any, EntryItems]) -> None:
        """Write the entry of one row in the connection's transaction. Raises: OutboxFullError."""
        tx = None if connection.dialect.name == "postgresql" else _transaction(connection)
        host = EngineConnection(connection)
        self.recorder.write_row(host, kind, row, tx=tx, database=connection.engine)

    def demand_transaction(self, connection: Connection) -> None:
        """Refuse a write that no transaction holds together with its entry. Raises: UncapturedWriteError."""
        for engine in self.engines:
            if connection.dialect is engine.dialect:
                break
        else:
            raise UncapturedWriteError(
                "a tracked table is written through an engine without capture: install it"
            )
        if not _is_transacted(connection):
            raise UncapturedWriteError("a tracked table is written without a transaction (autocommit)")
        rollback.look(connection)

    @contextmanager
    def _undone(self, engine: Engine) -> Iterator[None]:
        """An engine whose database was refused is not captured."""
        try:
            yield
        except BaseException:
            self._forget(engine)
            raise

    def _forget(self, engine: Engine) -> None:
        self._statements.deafen(engine)
        rollback.deafen(engine)
        self.engines.remove(engine)

    def _layout(self, model: Any) -> Layout:
        """How a model is laid out, unless it is none, or is tracked already."""
        try:
            layout = locations_of(model)
        except NoInspectionAvailable:
            raise ConfigurationError(
                f"track: is {kind_of(model)}, where a mapped class or a Table is due"
            ) from None
        place = self.places.get(layout.tables[0])
        others = [] if place is None else [each.mapper for each in place.declared]
        if others and (layout.mapper is None or None in others or layout.mapper in others):
            raise ConfigurationError(f"track({layout.columns.table}): is tracked already")
        return layout

    def _demand_own_table(self, layout: Layout, by: WrittenBy) -> None:
        """Refuse triggers where the rows of a table are of several classes, or the other way round."""
        place = next((self.places[table] for table in layout.tables if table in self.places), None)
        why = trigger_fault(layout) if by == "triggers" else ""
        if not why and place is not None and (by == "triggers" or place.triggered):
            why = f"{place.table.name} holds rows of a class that is tracked already, which triggers cannot tell apart"
        if why:
            raise ConfigurationError(f"track({layout.columns.table}): by: {why}; cover it with hooks")

    def _demand_own_names(self, layout: Layout) -> None:
        """Refuse a class that calls a column as another class in its table calls another column."""
        for place in (self.places[table] for table in layout.tables if table in self.places):
            for name, column in attributes_in(place.table, layout.mapper).items():
                if place.attributes.get(name, column) is not column:
                    why = f"{name} is another column of {place.table.name} in a class that is tracked already"
                    raise ConfigurationError(f"track({layout.columns.table}): {why}")

    def _place(self, table: Table, declaration: Declaration) -> None:
        """Note a declaration of rows in a table."""
        place, mapper = self.places.get(table), declaration.mapper
        if place is None:
            base = mapper is None or table is mapper.base_mapper.local_table
            place = self.places[table] = TrackedTable(table=table, base=base, attributes={}, declared=[])
        place.declared.append(declaration)
        place.look()

    def find(self, mapper: Mapper[Any] | None) -> Tracked | None:
        """The declaration of a class, or None."""
        if mapper not in self._nearest:
            self._nearest[mapper] = nearest(mapper, self._declared)
        return self._nearest[mapper]


def _namesake(name: str) -> TableName:
    schema, _, table = name.rpartition(".")
    if not schema or not table:
        raise ConfigurationError(f"others: {name!r} has to be a schema and a table, as archive.person")
    return table_name(table, schema)


def _sync_engine(engine: "Engine | AsyncEngine") -> Engine:
    """The engine itself, or the one inside an engine that is awaited; without importing what only such a host has."""
    either: Any = engine
    plain: Engine = getattr(either, "sync_engine", either)
    return plain


def _transaction(connection: Connection) -> str | None:
    """A name for the running transaction, made when first asked for; PostgreSQL has its own."""
    if connection.dialect.name != "sqlite":
        return None
    running = rollback.of(connection)
    if running.name is None:
        running.name = os.urandom(16).hex()
    return running.name


def _is_transacted(connection: Connection) -> bool:
    pooled = connection.connection
    assert pooled.dbapi_connection is not None
    alone = connection.dialect.detect_autocommit_setting(pooled.dbapi_connection)
    return not alone or rollback.in_transaction(pooled.driver_connection)
