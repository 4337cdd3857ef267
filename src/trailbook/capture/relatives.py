"""Other names of a tracked table's rows: in PostgreSQL its partitions, the tables that inherit from it, its views; in
SQLite the views whose triggers write to it.

Owns the question to the database, asked when capture is installed. Refuses to guess: what is made afterwards is known
only once capture is installed again.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from trailbook.capture.database import HostConnection
from trailbook.capture.sql_tables import Judgement, TableName, judged, table_name
from trailbook.capture.trigger_sql import quoted

Kin = Literal["partition", "child", "other"]
# Rows of a table lie in what is `below` it and are written through what is `above`; rules and views are `through` both.
_RELATIVES = """
WITH RECURSIVE own(place, oid) AS (
    SELECT place, to_regclass(place)::oid FROM json_array_elements_text(CAST(? AS json)) AS given(place)
), below(place, oid) AS (
    SELECT place, oid FROM own WHERE oid IS NOT NULL
    UNION SELECT b.place, i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.oid
), above(place, oid) AS (
    SELECT place, oid FROM own WHERE oid IS NOT NULL
    UNION SELECT a.place, i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.oid
), rules(origin, oid) AS (
    SELECT d.refobjid, r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
), through(place, oid) AS (
    SELECT place, oid FROM (SELECT place, oid FROM below UNION SELECT place, oid FROM above) near
    UNION SELECT t.place, r.oid FROM through t JOIN rules r ON r.origin = t.oid
)
SELECT t.place, n.nspname::text, c.relname::text,
    CASE WHEN b.oid IS NULL THEN 'other' WHEN c.relispartition THEN 'partition' ELSE 'child' END
FROM through t JOIN own o ON o.place = t.place LEFT JOIN below b ON b.place = t.place AND b.oid = t.oid
    JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid <> o.oid AND c.relkind <> 'm' ORDER BY 1, 2, 3
"""


_FILES = "SELECT name FROM pragma_database_list"
_ON_VIEWS = (
    "SELECT tbl_name, sql FROM {file}.sqlite_master WHERE type = 'trigger'"
    " AND sql IS NOT NULL AND tbl_name COLLATE NOCASE IN ({views})"
)
_VIEWS = "SELECT name FROM {file}.sqlite_master WHERE type = 'view'"


class ViewTrigger(Struct, frozen=True):
    """A trigger on a view of SQLite, and what it writes to."""

    view: TableName
    body: Judgement

    def writes(self, tables: Iterable[TableName]) -> bool:
        """Whether it may write to one of some tables."""
        writes = self.body.writes
        return bool(self.body.unclear) or any(table.is_written(w) for w in writes for table in tables)


class Relative(Struct, frozen=True):
    """Another name under which rows of a table are written; a partition or a child holds some of them."""

    schema: str
    table: str
    kin: Kin

    @property
    def name(self) -> TableName:
        """Its name as the judge has it."""
        return table_name(self.table, self.schema)

    @property
    def place(self) -> str:
        """Its name as SQL."""
        return f"{quoted(self.schema)}.{quoted(self.table)}"


def relatives(connection: HostConnection, place: str) -> Iterator[Relative]:
    """The relatives of a table, whose name is given as SQL; none on SQLite, or where the table is not there."""
    return (relative for _, relative in relatives_of(connection, [place]))


def relatives_of(connection: HostConnection, places: Sequence[str]) -> Iterator[tuple[str, Relative]]:
    """The relatives of several tables, each after the name of its table as it was given."""
    if connection.engine == "postgresql":
        asked = msgspec.json.encode(places).decode()
        for place, schema, table, kin in connection.execute(_RELATIVES, (asked,)).rows:
            yield place, Relative(schema, table, kin)


def view_triggers(connection: HostConnection) -> list[ViewTrigger]:
    """The triggers on views of SQLite, in all files of a connection; none in PostgreSQL, whose views are relatives."""
    if connection.engine != "sqlite":
        return []
    files = [quoted(name) for (name,) in connection.execute(_FILES).rows]
    views = " UNION ALL ".join(_VIEWS.format(file=file) for file in files)
    asked = " UNION ALL ".join(_ON_VIEWS.format(file=file, views=views) for file in files)
    return [
        ViewTrigger(table_name(view), judged("sqlite", text)) for view, text in connection.execute(asked).rows
    ]


def views_over(triggers: Iterable[ViewTrigger], tables: Iterable[TableName]) -> set[TableName]:
    """The views by which some tables are written, by way of other views too."""
    views: set[TableName] = set()
    while True:
        reached = [*tables, *views]
        more = {each.view for each in triggers if each.view not in views and each.writes(reached)}
        if not more:
            return views
        views |= more
