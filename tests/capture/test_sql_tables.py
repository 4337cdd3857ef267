"""Which tables a text of SQL writes to: nothing that it writes is missed, and reading is no writing."""

import pytest
from hypothesis import given, strategies as st

from trailbook.capture.sql_tables import EVERYTHING, written_tables

WRITES = {
    "INSERT INTO t VALUES (1)": {"t"},
    "insert or replace into T values (1)": {"t"},
    "REPLACE INTO t VALUES (1)": {"t"},
    "UPDATE ONLY hr.t SET a = 1": {"t"},
    "UPDATE OR IGNORE t SET a = 1": {"t"},
    'DELETE FROM "a "" b"': {'a " b'},
    "DELETE FROM [t]; UPDATE `u` SET a = 1": {"t", "u"},
    "MERGE INTO t USING s ON (t.id = s.id) WHEN MATCHED THEN DELETE": {"t"},
    "TRUNCATE TABLE t, hr.u": {"t", "u"},
    "COPY t FROM STDIN": {"t"},
    "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1": {"t"},
    "EXPLAIN ANALYZE DELETE FROM t": {"t"},
    "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x": {"t"},
    "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x": {"t"},
    "SELECT 1; -- and then\nUPDATE t SET a = 1": {"t"},
    "CALL anything()": {EVERYTHING},
    "DO $$ BEGIN NULL; END $$": {EVERYTHING},
}
READS = [
    "SELECT * FROM t",
    "SELECT * FROM t FOR UPDATE",
    "SELECT * FROM t FOR NO KEY UPDATE",
    "SELECT 'DELETE FROM t'",
    "SELECT E'it\\'s DELETE FROM t'",
    "SELECT $$ DELETE FROM t $$, $tag$ DELETE FROM t $tag$",
    "SELECT 1 -- DELETE FROM t",
    "/* DELETE FROM t */ SELECT 1",
    "CREATE TABLE t (a INTEGER REFERENCES u ON DELETE CASCADE ON UPDATE CASCADE)",
    "COPY t TO STDOUT",
    "SELECT replace(name, 'a', 'b') FROM t",
    "",
]
NOT_UNDERSTOOD = [
    "SELECT 'open FROM t",
    "SELECT $$ open FROM t",
    "SELECT 1 /* open FROM t",
    "/* a /* b */ FROM t */",
]


@pytest.mark.parametrize(("statement", "tables"), WRITES.items())
def test_what_writes(statement: str, tables: set[str]) -> None:
    """Each way of writing names its table, folded and without schema; what cannot be followed is everything."""
    assert written_tables(statement) == tables


@pytest.mark.parametrize("statement", READS)
def test_what_only_reads(statement: str) -> None:
    """The control: reading, locking, strings, comments and declarations write to no table."""
    assert written_tables(statement) == frozenset()


@pytest.mark.parametrize("statement", NOT_UNDERSTOOD)
def test_what_is_not_understood_may_write_to_whatever_it_mentions(statement: str) -> None:
    """An open quote or a nested comment is read differently by different databases."""
    assert {"from", "t"} <= written_tables(statement)


INSIDE = st.sampled_from(["", "a", "DELETE FROM u", "; UPDATE u SET a = 1;", "BEGIN", '"'])
SHELLS = st.sampled_from(["'{}'", "-- {}\n", "/* {} */", "$$ {} $$", "$q$ {} $q$", "E'{}'", "(a)", "1"])


@given(st.lists(st.builds(str.format, SHELLS, INSIDE), max_size=6))
def test_strings_and_comments_neither_write_nor_hide_a_write(pieces: list[str]) -> None:
    """Whatever stands in them is no statement, and a statement after them is seen."""
    before = "SELECT " + " , ".join(pieces)
    assert written_tables(before) == frozenset()
    assert written_tables(f"{before}; DELETE FROM t") == {"t"}
