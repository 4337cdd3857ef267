"""A host with a random schema in a real database, captured; what its tables and its outbox hold at any moment.

Owns the reading: by the driver's own cursor, so that what capture listens to takes no part in it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Engine, create_engine, event
from tests.capture.conftest import Database
from tests.capture.fuzz.schemas import OPS, OWNERS, SCHEMA, SECONDS, TYPES, Schema, Shape

from trailbook.capture import Capture, Ref
from trailbook.capture.declarations import WrittenBy

Ident = tuple[str, ...]
Rows = dict[tuple[str, Ident], "Row"]
_OF_TYPE = {named[0]: kind for kind, named in TYPES.items()}


class Row(Struct, frozen=True):
    """A row of a tracked table: what counts of it, what an entry says of it, and whose child it is."""

    values: dict[str, Any]
    owner: str | None
    parent: str | None = None
    sides: tuple[str, ...] = ()


class Entry(Struct, frozen=True):
    """An entry of the outbox: what became of which row, and what it says of it."""

    kind: str
    ident: Ident
    op: str
    owner: str | None
    name: str | None
    fields: frozenset[str]


class Picture(Struct, frozen=True):
    """What the tables and the outbox hold: every tracked row, and every entry since the start, in order."""

    rows: Rows
    entries: list[tuple[int, Entry]]


class Host(Struct, kw_only=True):
    """A captured host."""

    engine: Engine
    other: Engine
    capture: Capture
    schema: Schema
    by: WrittenBy
    places: str  # how the driver marks parameters

    @property
    def dialect(self) -> str:
        """Which database it is."""
        return self.engine.dialect.name

    def by_of(self, shape: Shape) -> str:
        """Who sees the rows of a table."""
        return "hooks" if shape.rest is not None else self.by

    def picture(self, connection: Connection) -> Picture:
        """What a connection's transaction sees."""
        driver = connection.connection.driver_connection
        assert driver is not None
        cursor = driver.cursor()
        rows: Rows = {}
        for shape in self.schema.shapes:
            rows |= self._rows(cursor, shape)
        cursor.execute("SELECT position, op, entry FROM trailbook_outbox ORDER BY position")
        entries = [
            (position, entry) for position, op, text in cursor.fetchall() for entry in _entries(op, text)
        ]
        cursor.close()
        return Picture(rows, entries)

    def _rows(self, cursor: Any, shape: Shape) -> Rows:
        quote = self.engine.dialect.identifier_preparer
        names = list(shape.columns)
        columns = [f"t.{quote.quote_identifier(str(shape.columns[name].name))}" for name in names]
        joined = ""
        if shape.rest is not None:
            top = next(iter(shape.rest.primary_key))
            key = quote.quote_identifier(str(top.name))
            joined = f" LEFT JOIN {quote.format_table(shape.rest)} r ON r.{key} = t.{key}"
            columns += ["r.extra", f"r.{key} IS NULL"]
            names += ["extra", "rest"]
        cursor.execute(f"SELECT {', '.join(columns)} FROM {quote.format_table(shape.table)} t{joined}")
        rows: Rows = {}
        for values in cursor.fetchall():
            row = dict(zip(names, values, strict=True))
            kind = kind_of(shape, row)
            if kind is not None:
                ident = tuple(str(row[part]) for part in shape.key)
                rows[kind, ident] = _row(shape, row)
        return rows


def kind_of(shape: Shape, row: dict[str, Any]) -> str | None:
    """The kind of a row, by its class; None of what is not tracked."""
    if shape.kind == "family" and row.get("kind") == "child" and shape.child_actions is not None:
        return "child"
    return shape.kind if shape.base_is_tracked else None


def _row(shape: Shape, row: dict[str, Any]) -> Row:
    counts = {name: value for name, value in row.items() if name != "seen"}
    owner = row.get("owner")
    parent = row.get("parent")
    sides = tuple(str(row[name]) for name in ("k1", "k2")) if shape.sides else ()
    return Row(counts, None if owner is None else str(owner), None if parent is None else str(parent), sides)


def _entries(op: str, text: str) -> Iterator[Entry]:
    entry = msgspec.json.decode(text)
    for each in entry if isinstance(entry, list) else [entry]:
        kind = _OF_TYPE.get(each["target"]["type"])
        if kind is not None:
            yield _entry(kind, op, each)


def _entry(kind: str, op: str, entry: dict[str, Any]) -> Entry:
    concerns = {each["part"]: each["id"] for each in entry.get("concerns", ())}
    second = [concerns[SECONDS[kind]]] if SECONDS.get(kind) in concerns else []
    if op in OPS and entry["action"] != TYPES[kind][1][OPS.index(op)]:
        op = f"{op} as {entry['action']}"
    return Entry(
        kind,
        (entry["target"]["id"], *second),
        op,
        concerns.get(OWNERS.get(kind, "")),
        entry["target"].get("name"),
        frozenset(entry.get("fields", ())),
    )


def declare(capture: Capture, shape: Shape, by: WrittenBy) -> None:
    """Say what the rows of a table are."""
    concerns = {}
    if shape.kind in OWNERS:
        concerns[OWNERS[shape.kind]] = Ref("user", shape.part("owner"))
    if shape.kind in SECONDS:
        concerns[SECONDS[shape.kind]] = Ref("user", shape.part("k2"))
    more: dict[str, Any] = {
        "id": shape.part(shape.key[0]),
        "fields": shape.fields,
        "concerns": concerns,
        "by": by,
    }
    if "seen" in shape.columns:
        more["ignore"] = [shape.part("seen")]
    if shape.kind not in ("goal", "link"):
        more["name"] = shape.part("name")
    if shape.base_is_tracked:
        capture.track(shape.model or shape.table, type=shape.type, actions=shape.actions, **more)
    if shape.child_actions is not None:
        capture.track(shape.child, type=TYPES["child"][0], actions=shape.child_actions, **more)


def engines(database: Database) -> tuple[Engine, Engine]:
    """Two engines on a database; on SQLite with foreign keys, and transactions that begin where they are said to."""
    more = {} if database.kind == "sqlite" else {"connect_args": {"prepare_threshold": None}}
    both = create_engine(database.url, **more), create_engine(database.url, **more)
    for engine in both if database.kind == "sqlite" else ():
        event.listen(engine, "connect", _connected)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return both


def _connected(connection: Any, record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA foreign_keys = ON")


@contextmanager
def hosting(both: tuple[Engine, Engine], schema: Schema, by: WrittenBy) -> Iterator[Host]:
    """The tables of a schema in an empty database, captured until the block ends."""
    engine, other = both
    if engine.dialect.name == "postgresql":
        _run(engine, [f'DROP SCHEMA IF EXISTS "{SCHEMA}" CASCADE', f'CREATE SCHEMA "{SCHEMA}"'])
    schema.meta.create_all(engine)
    capture = Capture("acme")
    try:
        for shape in schema.shapes:
            declare(capture, shape, "hooks" if shape.rest is not None else by)
        capture.install(engine)
        yield Host(engine=engine, other=other, capture=capture, schema=schema, by=by, places="?")
    finally:
        capture.stop()
        schema.mappers.dispose()
        schema.meta.drop_all(engine)
        _run(engine, ["DELETE FROM trailbook_outbox"])


def _run(engine: Engine, statements: Sequence[str]) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
