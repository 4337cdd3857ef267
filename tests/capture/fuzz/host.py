"""A host with a random schema in a real database, captured; what its tables and its outbox hold at any moment.

Owns the reading: by the driver's own cursor, so that what capture listens to takes no part in it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Engine, create_engine, event
from tests.capture.conftest import Database
from tests.capture.fuzz.shapes import ITEMS, OPS, OWNERS, SCHEMA, SECONDS, Ident, Schema, Shape

from trailbook.capture import Capture, Ref
from trailbook.capture.declarations import WrittenBy
from trailbook.capture.folding import folded
from trailbook.capture.outbox import OutboxRow

Rows = dict[tuple[str, Ident], "Row"]
_OF_TYPE = {items.type: kind for kind, items in ITEMS.items()}


class Row(Struct, frozen=True):
    """A row of a tracked table: what counts of it, whom it is about, and the keys of the rows that it hangs on."""

    values: dict[str, Any]
    owner: str | None
    above: frozenset[str] = frozenset()


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

    @property
    def dialect(self) -> str:
        """Which database it is."""
        return self.engine.dialect.name

    def by_of(self, shape: Shape) -> str:
        """Who sees the rows of a table."""
        return by_of(shape, self.by)

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

    def folded(self, connection: Connection, after: int) -> list[Entry]:
        """The entries after a position as the drain would record them: folded into what was meant."""
        statement = (
            "SELECT position, org, tx, op, captured_at, entry, covers FROM trailbook_outbox"
            f" WHERE position > {after} ORDER BY position"
        )
        rows = [OutboxRow(*row) for row in connection.exec_driver_sql(statement)]
        verb = self.capture.catalogue.action
        each_entry = folded(rows, lambda org, action: verb(action).verb)
        return [entry for e in each_entry if not e.folds for entry in _entries(e.op, e.text)]

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
            kind = shape.kind_of(row)
            if kind is not None:
                rows[kind, shape.ident(row)] = _row(shape, row)
        return rows


def _row(shape: Shape, row: dict[str, Any]) -> Row:
    counts = {name: value for name, value in row.items() if name != "seen"}
    above = ["parent"] if shape.parent is not None else [*shape.key] if shape.sides is not None else []
    owner = row.get("owner")
    return Row(counts, None if owner is None else str(owner), frozenset(str(row[name]) for name in above))


def _entries(op: str, text: str) -> Iterator[Entry]:
    entry = msgspec.json.decode(text)
    for each in entry if isinstance(entry, list) else [entry]:
        kind = _OF_TYPE.get(each["target"]["type"])
        if kind is not None:
            yield _entry(kind, op, each)


def _entry(kind: str, op: str, entry: dict[str, Any]) -> Entry:
    concerns = {each["part"]: each["id"] for each in entry.get("concerns", ())}
    second = [concerns[SECONDS[kind]]] if SECONDS.get(kind) in concerns else []
    if op in OPS and entry["action"] != ITEMS[kind].actions[OPS.index(op)]:
        op = f"{op} as {entry['action']}"
    id_ = entry["target"]["id"]
    return Entry(
        kind,
        (str(id_), *second),
        op if id_ is not None else f"{op} of what has no id",
        concerns.get(OWNERS.get(kind, "")),
        entry["target"].get("name"),
        frozenset(entry.get("fields", ())),
    )


def by_of(shape: Shape, by: WrittenBy) -> WrittenBy:
    """Who sees a table: of classes that inherit, hooks, for triggers cannot tell them apart and are refused."""
    return "hooks" if shape.kind == "family" else by


def declare(capture: Capture, shape: Shape, by: WrittenBy) -> None:
    """Say what the rows of a table are."""
    more = {"id": _id(shape), "fields": shape.fields, "concerns": _concerns(shape), "by": by}
    if "seen" in shape.columns:
        more["ignore"] = [shape.part("seen")]
    if shape.kind not in ("goal", "link"):
        more["name"] = shape.part("name")
    if shape.base_is_tracked:
        model = shape.model or shape.table
        capture.track(model, type=ITEMS[shape.kind].type, actions=shape.actions, **more)
    if shape.child is not None:
        capture.track(shape.child, type=ITEMS["child"].type, actions=shape.child_actions, **more)


def _id(shape: Shape) -> Any:
    if shape.identity == "called":
        first, second = map(shape.part, shape.key)
        return lambda row: f"{getattr(row, first)}:{getattr(row, second)}"
    return shape.part("code" if shape.identity == "code" else shape.key[0])


def _concerns(shape: Shape) -> dict[str, Ref]:
    concerns = {}
    if shape.kind in OWNERS:
        concerns[OWNERS[shape.kind]] = Ref("user", shape.part("owner"))
    if shape.kind in SECONDS and shape.identity == "key":
        concerns[SECONDS[shape.kind]] = Ref("user", shape.part("k2"))
    return concerns


def engines(database: Database, *, at_once: bool = True) -> tuple[Engine, Engine]:
    """Two engines on a database; on SQLite with foreign keys and a second file.

    A transaction begins where it is said to, or else, as sqlite3 does by itself, with the first write.
    """
    more = {} if database.kind == "sqlite" else {"connect_args": {"prepare_threshold": None}}
    both = create_engine(database.url, **more), create_engine(database.url, **more)
    for engine in both if database.kind == "sqlite" else ():
        event.listen(engine, "connect", _begun_at_once if at_once else _connected)
        if at_once:
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return both


def _begun_at_once(connection: Any, record: object) -> None:
    connection.isolation_level = None
    _connected(connection, record)


def _connected(connection: Any, record: object) -> None:
    ((_, _, file),) = connection.execute("PRAGMA database_list").fetchall()
    connection.execute(f"ATTACH '{file}.side' AS \"{SCHEMA}\"")
    for place in ("main", SCHEMA):
        connection.execute(f'PRAGMA "{place}".synchronous = OFF')
    connection.execute("PRAGMA foreign_keys = ON")


@contextmanager
def hosting(
    both: tuple[Engine, Engine], schema: Schema, by: WrittenBy, *, other_too: bool = False
) -> Iterator[Host]:
    """The tables of a schema in an empty database, captured through one engine or both until the block ends."""
    engine, other = both
    if engine.dialect.name == "postgresql":
        _run(engine, f'DROP SCHEMA IF EXISTS "{SCHEMA}" CASCADE', f'CREATE SCHEMA "{SCHEMA}"')
    schema.meta.create_all(engine)
    capture = Capture("acme")
    try:
        for shape in schema.shapes:
            declare(capture, shape, by_of(shape, by))
        for each in both if other_too else (engine,):
            capture.install(each)
        yield Host(engine=engine, other=other, capture=capture, schema=schema, by=by)
    except BaseException:
        with suppress(Exception):  # what went wrong is told, not what could not be tidied up after it
            _tidy(capture, schema, engine)
        raise
    else:
        _tidy(capture, schema, engine)


def _tidy(capture: Capture, schema: Schema, engine: Engine) -> None:
    capture.stop()
    schema.mappers.dispose()
    schema.meta.drop_all(engine)
    _run(engine, "DELETE FROM trailbook_outbox")


def _run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
