"""Other names of a tracked table's rows in PostgreSQL: its partitions, the tables that inherit from it, its views.

Owns the question to the database, asked when capture is installed. Refuses to guess: what is made afterwards is known
only once capture is installed again. SQLite has none of these but views, which write by triggers of the host's own.
"""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from trailbook.capture.database import HostConnection
from trailbook.capture.sql_tables import TableName, table_name
from trailbook.capture.trigger_sql import quoted

Kin = Literal["partition", "child", "other"]
# Rows of a table lie in what is `below` it and are written through what is `above`; rules and views are `through` both.
_RELATIVES = """
WITH RECURSIVE below(oid) AS (
    SELECT to_regclass(?)::oid
    UNION SELECT i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.oid
), above(oid) AS (
    SELECT to_regclass(?)::oid
    UNION SELECT i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.oid
), rules(origin, oid) AS (
    SELECT d.refobjid, r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
), through(oid) AS (
    SELECT oid FROM (SELECT oid FROM below UNION SELECT oid FROM above) near
    UNION SELECT r.oid FROM through t JOIN rules r ON r.origin = t.oid
)
SELECT n.nspname::text, c.relname::text,
    CASE WHEN c.oid NOT IN (SELECT oid FROM below WHERE oid IS NOT NULL) THEN 'other'
        WHEN c.relispartition THEN 'partition' ELSE 'child' END
FROM through t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid <> to_regclass(?) AND c.relkind <> 'm' ORDER BY 1, 2
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
    if connection.engine == "postgresql":
        for schema, table, kin in connection.execute(_RELATIVES, (place,) * 3).rows:
            yield Relative(schema, table, kin)
