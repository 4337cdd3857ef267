"""The judge: nothing that a text writes is missed, what cannot be told is unclear, and reading is no writing."""

import sqlite3
import unicodedata
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.amounts import amount

from trailbook.capture.sql_tables import Write, judged, table_name

WRITES = {
    "INSERT INTO t VALUES (1)": [Write("insert", "t")],
    "insert or replace into T values (1)": [Write("insert", "t", conflict="replace")],
    "REPLACE INTO t VALUES (1)": [Write("replace", "t")],
    "UPDATE ONLY hr.t SET a = 1": [Write("update", "t", "hr")],
    "UPDATE ONLY (t) SET a = 1": [Write("update", "t")],
    "UPDATE OR IGNORE t SET a = 1": [Write("update", "t", conflict="ignore")],
    'DELETE FROM "a "" b"': [Write("delete", 'a " b')],
    "DELETE FROM t; UPDATE u SET a = 1": [Write("delete", "t"), Write("update", "u")],
    "MERGE INTO t USING s ON (t.id = s.id) WHEN MATCHED THEN UPDATE SET a = 1": [Write("merge", "t")],
    "MERGE INTO t USING s ON (t.id = s.id) WHEN NOT MATCHED THEN INSERT VALUES (1)": [Write("merge", "t")],
    "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1": [Write("insert", "t", upserts=True)],
    "EXPLAIN ANALYZE DELETE FROM t": [Write("delete", "t")],
    "EXPLAIN (ANALYZE, VERBOSE) UPDATE t SET a = 1": [Write("update", "t")],
    "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x": [Write("insert", "t")],
    "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x": [Write("delete", "t")],
    "WITH x AS (UPDATE t SET a = 1 RETURNING *) UPDATE t SET a = 2": [Write("update", "t")] * 2,
    "SELECT 1; -- and then\nUPDATE t SET a = 1": [Write("update", "t")],
    "SELECT * FROM t FOR UPDATE; UPDATE t SET a = 1": [Write("update", "t")],
    "PREPARE p AS DELETE FROM t": [Write("delete", "t")],
    "CREATE RULE r AS ON UPDATE TO v DO INSTEAD UPDATE t SET a = NEW.a": [Write("update", "t")],
    "CREATE TRIGGER x AFTER INSERT ON u BEGIN SELECT 1; DELETE FROM t; END": [Write("delete", "t")],
}
POSTGRESQL = {
    "TRUNCATE TABLE t, ONLY hr.u *, w RESTART IDENTITY": [
        Write("truncate", "t"),
        Write("truncate", "u", "hr"),
        Write("truncate", "w"),
    ],
    "COPY t (a, b) FROM STDIN": [Write("copy", "t")],
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET a = 1; RETURN 1; END $$": [
        Write("update", "t")
    ],
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM t; SELECT 1'": [Write("delete", "t")],
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC DELETE FROM t; SELECT 1; END": [
        Write("delete", "t")
    ],
    "CREATE FUNCTION f() RETURNS x LANGUAGE plpgsql AS $$ BEGIN OPEN c FOR UPDATE t SET a = 1 RETURNING *; END $$": [
        Write("update", "t")
    ],
}
SQLITE = {
    "DELETE FROM [t]; UPDATE `u` SET a = 1": [Write("delete", "t"), Write("update", "u")],
    "UPDATE 'T' SET a = 1": [Write("update", "t")],
    "DELETE FROM 'main'.'t'": [Write("delete", "t", "main")],
}
UNCLEAR = [
    "CALL anything()",
    "DO $$ BEGIN NULL; END $$",
    "EXECUTE p(1)",
    "EXPLAIN ANALYZE EXECUTE p",
    "CREATE TABLE x AS EXECUTE p",
    "LOAD 'anything'",
    "FROBNICATE t",
    '"select" 1',
    "SELECT 1; MYSTERY",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS $$ pass $$",
    "CREATE FUNCTION f() RETURNS x LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM ' || 't'; END $$",
    "CREATE FUNCTION f() RETURNS x LANGUAGE sql AS E'DELETE FROM \\164'",
    "SELECT dblink_exec('', 'DELETE FROM t')",
    "SELECT 'open FROM t",
    "SELECT $$ open FROM t",
    "SELECT 1 /* open FROM t",
    "/* a /* b */ FROM t",
    "SELECT 'a\\', ' || 'b', '; DELETE FROM t; --\\''",
    "SELECT E'a'\n'\\'; DELETE FROM t --'",
    "SELECT E'a' -- b\n'b'\n'\\'; DELETE FROM t --'",
    "\ufeffUPDATE t SET a = 1",
    "UPDATE t\ud800 SET a = 1",
    "TRUNCATE u CASCADE",
    "SELECT u&\"\\0064blink_exec\"('', 'DELETE FROM t')",
    "UPDATE $1 SET a = 1",
    'UPDATE U&"\\0074" SET a = 1',
    "UPDATE `t` SET a = 1",
]
NAMES = [
    "कर्मचारी",
    unicodedata.normalize("NFD", "måling"),
    "lønn€",
    "👤",
    "a\u00a0b",
    "a\u2028b",
    "٣t",
    "t²",
    "\u0301t",
]
READS = [
    "SELECT * FROM t",
    "SELECT * FROM t FOR UPDATE",
    "SELECT * FROM t FOR UPDATE OF t SKIP LOCKED",
    "(SELECT * FROM t FOR NO KEY UPDATE)",
    "SELECT 'DELETE FROM t'",
    "SELECT E'it\\'s DELETE FROM t'",
    "SELECT U&'\\0041 DELETE FROM t'",
    "SELECT 1 WHERE a = 'C:\\dir\\'",
    "SELECT 'it\\'s DELETE FROM t'",
    "SELECT E'a'\n'b' -- c\n, 'c'",
    "/* a /* DELETE FROM t */ DELETE FROM t */ SELECT /* /* */ */ 1",
    "DEALLOCATE ALL",
    "SELECT $क्ष$ ' DELETE FROM t $क्ष$",
    "SELECT $$ DELETE FROM t $$, $tag$ DELETE FROM t $tag$",
    "SELECT 1 -- DELETE FROM t",
    "/* DELETE FROM t */ SELECT 1",
    "SELECT update, t.delete, 1 + insert FROM t WHERE update = 1",
    "SELECT delete FROM t",
    "SELECT a AS delete FROM t",
    "SELECT replace(a, 'x', 'y') FROM t",
    "CREATE OR REPLACE VIEW v AS SELECT 1",
    "CREATE TABLE t (a INTEGER REFERENCES u ON DELETE CASCADE ON UPDATE CASCADE ON CONFLICT REPLACE)",
    "CREATE TRIGGER x AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
    "COPY t TO STDOUT",
    "COPY (SELECT * FROM t) TO STDOUT",
    "GRANT INSERT, UPDATE, DELETE, TRUNCATE ON t TO u",
    "GRANT EXECUTE ON FUNCTION f() TO u",
    "EXPLAIN DELETE FROM t",
    "EXPLAIN QUERY PLAN UPDATE t SET a = 1",
    "PREPARE TRANSACTION 'x'",
    "COMMIT PREPARED 'x'",
    "DECLARE c CURSOR FOR SELECT * FROM t FOR UPDATE",
    "VALUES (1), (2)",
    "TABLE t",
    "BEGIN; SAVEPOINT a; RELEASE a; COMMIT",
    "",
    " ; ",
]


@pytest.mark.parametrize(("statement", "writes"), (WRITES | POSTGRESQL).items())
def test_what_writes(statement: str, writes: list[Write]) -> None:
    """Each way of writing names its table, folded, in order and as often as it is written."""
    assert list(judged("postgresql", statement).writes) == writes
    assert not judged("postgresql", statement).unclear


@pytest.mark.parametrize(("statement", "writes"), (WRITES | SQLITE).items())
def test_what_writes_in_sqlite(statement: str, writes: list[Write]) -> None:
    """SQLite has further quotes, and takes a string for a name where a name has to stand."""
    assert list(judged("sqlite", statement).writes) == writes


@pytest.mark.parametrize("statement", UNCLEAR)
def test_what_cannot_be_told(statement: str) -> None:
    """SQL that is made elsewhere, that begins with an unknown word, or that databases read differently."""
    judgement = judged("postgresql", statement)
    assert "cannot be told" in judgement.unclear
    assert not judgement.harmless


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_an_unquoted_name_has_every_character_that_a_database_takes(dialect: str, name: str) -> None:
    """Marks, symbols, digits and spaces beyond ASCII belong to the name; they do not end it."""
    for statement in ("UPDATE {} SET a = 1", "DELETE FROM {}", "INSERT INTO {}(a) VALUES (1)"):
        (write,) = judged(dialect, statement.format(name)).writes
        assert write.table == table_name(name).table == name.casefold()


@pytest.mark.parametrize("start", [":x", "@x", "#x", "$x", "$x::y"])
def test_parentheses_of_a_parameter_hide_no_write(start: str) -> None:
    """SQLite reads up to the parenthesis that ends it, quotes or not."""
    text = f"SELECT {start}('); DELETE FROM person; --')"
    assert authorized(text.replace("person", "u")) == {"u"}
    assert "parameter" in judged("sqlite", text).unclear


def test_comments_within_comments() -> None:
    """PostgreSQL nests them, SQLite ends them at the first end: each is read as its database does."""
    text = "/* a /* b */ DELETE FROM u; {} SELECT 1"
    assert judged("sqlite", text.format("")).tables == {"u"} == authorized(text.format(""))
    assert judged("postgresql", text.format("*/")).harmless
    assert judged("postgresql", text.format("*/ */; DELETE FROM u;")).unclear
    assert judged("postgresql", text.format("*/ DELETE FROM t;")).tables == {"t"}


def test_a_truncate_that_cascades_names_its_own_tables() -> None:
    """What else it empties is unclear, which is no reason to forget what it says."""
    judgement = judged("postgresql", "TRUNCATE a, ONLY b RESTART IDENTITY CASCADE")
    assert [write.table for write in judgement.writes] == ["a", "b"]
    assert "CASCADE" in judgement.unclear
    assert not judged("postgresql", "TRUNCATE a, b RESTRICT").unclear


@pytest.mark.parametrize("statement", READS)
def test_what_only_reads(statement: str) -> None:
    """The control: reading, locking, strings, comments, declarations and transactions write to no table."""
    assert judged("postgresql", statement).harmless


def test_a_table_and_its_schema() -> None:
    """A schema tells two tables apart only where both sides name one: a search path cannot be seen."""
    (write,) = judged("postgresql", "DELETE FROM Public.App_User").writes
    assert table_name("app_user").is_written(write)
    assert table_name("app_user", "public").is_written(write)
    assert not table_name("app_user", "archive").is_written(write)
    assert not table_name("app_users").is_written(write)
    long = "x" * 70
    (write,) = judged("postgresql", f"DELETE FROM {long}").writes
    assert table_name("x" * 63).is_written(write)


def test_a_long_text_is_judged_as_a_short_one() -> None:
    """A statement with thousands of rows is read whole, though its judgement is not kept."""
    values = ", ".join(["(%(a__0)s, %(b__0)s)"] * 3000)
    assert judged("postgresql", f"INSERT INTO t (a, b) VALUES {values}").writes == (Write("insert", "t"),)
    assert len(judged("postgresql", f"INSERT INTO t VALUES {values}; DELETE FROM u").writes) == 2


LONG = f" /* {'long ' * 3000}*/"


@pytest.mark.parametrize("statement", [*WRITES, *POSTGRESQL, *UNCLEAR, *READS])
def test_length_lets_nothing_through(statement: str) -> None:
    """A long text is read in fewer steps where no word in it can write; what may write is what it is in a short one."""
    short, long = judged("postgresql", statement), judged("postgresql", statement + LONG)
    assert (long.writes, long.begins) == (short.writes, short.begins) or short.unclear
    assert long.harmless is short.harmless or "open FROM t" in statement or "*" in statement
    assert judged("postgresql", f"SELECT 1 {LONG}; {statement}").writes == short.writes


# --- A grammar of spellings: every write to a table is found in all of them. ---

SPACE = st.sampled_from([" ", "\n", "\t", "  ", " /* DELETE FROM u */ ", " -- x\n", "/**/"])
DECOYS = (
    "'DELETE FROM u'",
    "'; UPDATE u SET a = 1; '",
    "1 -- DELETE FROM u\n",
    "/* UPDATE u */ 2",
    "'it''s'",
)


@st.composite
def spelled(draw: Any, *words: str) -> str:
    """Words in any case, with any space or comment between them."""
    cased = [draw(st.sampled_from([word.lower(), word.upper(), word.title()])) for word in words]
    return "".join(word + draw(SPACE) for word in cased)


@st.composite
def name_of(draw: Any, table: str, quotes: tuple[str, ...]) -> str:
    """A table's name, quoted or not, with a schema or without."""
    cased = draw(st.sampled_from([table, table.upper()]))
    name: str = draw(st.sampled_from(quotes)).format(cased)
    schema: str = draw(st.sampled_from(["", "main.", "main /* of */ ."]))
    return schema + name


@st.composite
def a_write(draw: Any, quotes: tuple[str, ...]) -> str:
    """One statement that writes to `person`."""
    name = draw(name_of("person", quotes))
    before = draw(
        st.sampled_from(
            ["", "WITH x AS (SELECT id FROM person) ", "WITH x(a) AS (VALUES (1)), y AS (SELECT 2) "]
        )
    )
    decoy = draw(st.sampled_from(DECOYS))
    kind = draw(st.sampled_from(["insert", "select", "update", "delete", "replace", "upsert"]))
    conflict = draw(st.sampled_from(["", "or ignore ", "OR REPLACE ", "or Abort "]))
    if kind == "delete":
        return before + draw(spelled("delete", "from")) + f"{name} WHERE name = {decoy}"
    if kind == "update":
        alias = draw(st.sampled_from(["", " AS p", " INDEXED BY by_name"]))
        return f"{before}{draw(spelled('update'))}{conflict}{name}{alias} SET name = {decoy}"
    head = (
        draw(spelled("replace", "into"))
        if kind == "replace"
        else f"{draw(spelled('insert'))}{conflict}{draw(spelled('into'))}"
    )
    rows = f"VALUES ({decoy})" if kind != "select" else "SELECT name FROM person"
    tail = " ON CONFLICT DO NOTHING" if kind == "upsert" else ""
    return f"{before}{head}{name} (name) {rows}{tail}"


READING = st.sampled_from(
    [
        "SELECT name FROM person",
        "SELECT replace(name, 'x', 'y') AS updated FROM person",
        "VALUES (1)",
        "SELECT {}",
    ]
)


@st.composite
def a_reading(draw: Any) -> str:
    """One statement that writes nowhere."""
    text: str = draw(READING)
    return text.replace("{}", draw(st.sampled_from(DECOYS)))


ANYWHERE = ("{}", '"{}"', "`{}`", "[{}]", "'{}'")
_CONFLICT_DO = sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE


def authorized(statement: str) -> set[str]:
    """The tables that SQLite itself asks leave to write to while it reads a text; the oracle."""
    written: set[str] = set()

    def ask(action: int, table: str | None, *more: object) -> int:
        if action in _CONFLICT_DO and table and not table.startswith("sqlite_"):
            written.add(table.casefold())
        return sqlite3.SQLITE_OK

    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(
            "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT); CREATE INDEX by_name ON person (name);"
            "CREATE TABLE u (id INTEGER PRIMARY KEY, a TEXT)"
        )
        connection.set_authorizer(ask)
        connection.executescript(statement)
    return written


@settings(max_examples=amount(150, 1500, 20_000), deadline=None)
@given(st.lists(a_write(ANYWHERE) | a_reading(), min_size=1, max_size=4))
def test_sqlite_agrees(statements: list[str]) -> None:
    """What SQLite's own authorizer is asked about is what the judge names, in any spelling."""
    text = ";\n".join(statements)
    judgement = judged("sqlite", text)
    assert not judgement.unclear
    assert judgement.tables == authorized(text)
    assert judgement.statements == len(statements)


@settings(max_examples=amount(100, 1000, 10_000), deadline=None)
@given(
    a_write(('"{}"', "{}")),
    a_reading(),
    st.sampled_from(["{}", "{}; {}", "EXPLAIN ANALYZE {}", "PREPARE p AS {}"]),
)
def test_every_spelling_is_one_write(write: str, reading: str, frame: str) -> None:
    """A write is found once wherever it stands, and the same text without it is harmless."""
    text = frame.format(*([write] if frame.count("{}") == 1 else [reading, write]))
    assert [each.table for each in judged("postgresql", text).writes] == ["person"]
    assert judged("postgresql", reading).harmless


@given(st.text(alphabet="'\"`[]$-/*;e( \\\n") | st.text())
def test_no_text_hides_what_comes_after_it(text: str) -> None:
    """Whatever stands before a write, it is unclear, or the write is seen, or it is inside a string or comment."""
    for dialect in ("sqlite", "postgresql"):
        judgement = judged(dialect, f"SELECT {text}\n; DELETE FROM person")
        seen = judgement.unclear or "person" in judgement.tables
        assert seen or any(mark in text for mark in "'\"[`$")


def test_the_oracle_can_fail() -> None:
    """Negative control: the authorizer names what is written, and nothing else."""
    assert authorized("SELECT * FROM person") == set()
    assert authorized("UPDATE person SET name = 1; DELETE FROM u") == {"person", "u"}
