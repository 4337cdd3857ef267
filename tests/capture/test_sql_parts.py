"""The parts of a write are cut where the database would cut them, and what has another shape is refused."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, strategies as st

from trailbook.capture.sql_parts import Assignment, write_parts
from trailbook.errors import UncapturedWriteError

REFUSED = {
    "UPDATE t x SET a = 1": "no SET",
    "UPDATE ONLY t SET a = 1": "not known",
    "UPDATE OR IGNORE t SET a = 1": "no SET",
    "UPDATE t SET a = 1 FROM b": "FROM",
    "UPDATE t SET a = 1 ORDER BY a LIMIT 1": "ORDER",
    "UPDATE t SET (a, b) = (1, 2)": "plain columns",
    "UPDATE t SET a[1] = 1": "plain columns",
    "UPDATE t SET a = 1 WHERE CURRENT OF c": "CURRENT",
    "UPDATE t SET a = 1; DELETE FROM t": "more than one",
    "UPDATE t SET a = (1": "open",
    "UPDATE t SET a = 1)": "did not open",
    "INSERT OR REPLACE INTO t VALUES (1)": "IGNORE",
    "INSERT INTO t AS x VALUES (1)": "another name",
    "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2": "upsert",
    "REPLACE INTO t VALUES (1)": "does not begin",
    "WITH x AS (SELECT 1) DELETE FROM t": "does not begin",
    "DELETE FROM t x WHERE a = 1": "another name",
    "DELETE FROM t USING b": "another table",
    "INSERT INTO t SELECT * FROM (DELETE FROM u RETURNING *)": "DELETE within",
    "SELECT 1": "does not begin",
    "": "does not begin",
}


@pytest.mark.parametrize("statement", REFUSED)
def test_what_has_another_shape_is_refused(statement: str) -> None:
    with pytest.raises(UncapturedWriteError, match=REFUSED[statement]):
        write_parts("postgresql", statement)


def test_an_insert() -> None:
    """What it returns already comes first; a comment and a semicolon at its end are left out."""
    parts = write_parts("sqlite", 'INSERT OR IGNORE INTO "T" ("a") VALUES (%s), (%s) RETURNING "id" ; -- end')
    assert (parts.verb, parts.target, parts.table, parts.returning) == ("insert", '"T"', "t", '"id"')
    assert parts.returned(['"n"']) == 'INSERT OR IGNORE INTO "T" ("a") VALUES (%s), (%s) RETURNING "id", "n"'
    nothing = write_parts("postgresql", "INSERT INTO t SELECT 1 ON CONFLICT DO NOTHING -- end")
    assert nothing.returned(["n"]) == "INSERT INTO t SELECT 1 ON CONFLICT DO NOTHING RETURNING n"


def test_an_update() -> None:
    """Commas within parentheses, brackets and strings divide nothing, nor does a FROM that belongs to DISTINCT."""
    statement = (
        """UPDATE hr."T" SET "A" = CASE WHEN x IS DISTINCT FROM 2 THEN max(1, %s) ELSE 'a, b' END, b = DEFAULT,"""
        """ c = ARRAY[1, 2] /* , d = 3 */ WHERE b IN (SELECT b FROM u WHERE c LIMIT 1) RETURNING *"""
    )
    parts = write_parts("postgresql", statement)
    assert (parts.target, parts.table) == ('hr."T"', "t")
    assert parts.assignments == (
        Assignment("a", "CASE WHEN x IS DISTINCT FROM 2 THEN max(1, %s) ELSE 'a, b' END"),
        Assignment("b", None),
        Assignment("c", "ARRAY[1, 2]"),
    )
    assert parts.where == "WHERE b IN (SELECT b FROM u WHERE c LIMIT 1)"
    assert parts.returned(["n"]).endswith("LIMIT 1) RETURNING *, n")


def test_an_expression_that_may_be_another_the_next_time() -> None:
    """Queries, clocks, chance, and functions that nobody knows; what is known to last is compared."""
    for expression in (
        "random() < 1",
        "(SELECT 1)",
        "CURRENT_TIMESTAMP",
        "nextval('s')",
        "own(1)",
        '"Own" (1)',
        "now()",
    ):
        (assignment,) = write_parts("postgresql", f"UPDATE t SET a = {expression}").assignments
        assert not assignment.lasts, expression
    for expression in (
        "%s",
        "a + 1",
        "upper(coalesce(a, 'random()'))",
        "CASE WHEN (a IN (1, 2)) THEN b ELSE (c) END",
    ):
        (assignment,) = write_parts("postgresql", f"UPDATE t SET a = {expression}").assignments
        assert assignment.lasts, expression


def test_a_delete() -> None:
    parts = write_parts("sqlite", "DELETE FROM 't' WHERE a = %s")
    assert (parts.verb, parts.table, parts.where) == ("delete", "t", "WHERE a = %s")
    assert write_parts("sqlite", "DELETE FROM t").where == ""


def test_what_may_follow_a_write() -> None:
    """Django's migrations on PostgreSQL put SET CONSTRAINTS behind an UPDATE; nothing else may stand there."""
    parts = write_parts("postgresql", "UPDATE t SET a = %s; SET CONSTRAINTS ALL IMMEDIATE")
    assert parts.returned(["n"]) == "UPDATE t SET a = %s RETURNING n; SET CONSTRAINTS ALL IMMEDIATE"
    with pytest.raises(UncapturedWriteError, match="more than one"):
        write_parts("postgresql", "UPDATE t SET a = %s; SET search_path = x")


EXPRESSIONS = st.recursive(
    st.sampled_from(["1", "a", "'x, y'", '"b"', "NULL", "'it''s'", "-- c\n2", "/* , */ 3"]),
    lambda inner: st.one_of(
        st.builds("({})".format, inner),
        st.builds("max({}, {})".format, inner, inner),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, inner, inner, inner),
        st.builds("{} + {}".format, inner, inner),
        st.builds("(SELECT {} FROM t LIMIT 1)".format, inner),
    ),
    max_leaves=6,
)


@given(st.lists(EXPRESSIONS, min_size=1, max_size=3), EXPRESSIONS)
def test_every_piece_is_given_back(expressions: list[str], condition: str) -> None:
    """SQLite runs the whole, so that it is SQL; the parts are those that it was made of."""
    names = ["a", '"b"', "c"][: len(expressions)]
    set_ = ", ".join(f"{name} = {each}" for name, each in zip(names, expressions, strict=True))
    statement = f"UPDATE t SET {set_} WHERE {condition}"
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (a, b, c)")
        connection.execute(statement)
        parts = write_parts("sqlite", statement)
        connection.execute(parts.returned(["a"])).fetchall()
    assert [each.column for each in parts.assignments] == ["a", "b", "c"][: len(expressions)]
    for assignment, expression in zip(parts.assignments, expressions, strict=True):
        assert (assignment.expression or "").endswith(
            expression.removeprefix("-- c\n").removeprefix("/* , */ ")
        )
    assert parts.where.startswith("WHERE ")
