"""Other names of a tracked table's rows in PostgreSQL: its partitions, the tables that inherit from it, its views.

Owns the question to the database, asked when capture is installed. Refuses to guess: what is made afterwards is known
only once capture is installed again. SQLite has none of these but views, which write by triggers of the host's own.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from trailbook.capture.database import HostConnection
from trailbook.capture.sql_tables import TableName, table_name
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
