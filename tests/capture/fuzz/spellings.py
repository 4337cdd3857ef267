"""Writes as text: one row's INSERT, UPDATE or DELETE, spelled in the many ways that SQLite and PostgreSQL read.

Owns the spellings: quotes, case, comments, schemas, aliases, what stands before and after. Refuses to execute them.
"""

from typing import Any

from tests.capture.fuzz.host import Row
from tests.capture.fuzz.run import Run
from tests.capture.fuzz.shapes import Shape
from tests.capture.fuzz.values import new_row

_RESERVED = {"order", "user", "select"}


def literal(value: Any) -> str:
    """A value as SQL."""
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    return "'" + str(value).replace("'", "''") + "'"


def place(run: Run, shape: Shape, *, escaped: bool = True) -> str:
    """A table's name in one of the ways to write it, perhaps with escapes."""
    name = _name(run, shape.table.name, escaped=escaped)
    if shape.table.schema is not None:
        return f'"{shape.table.schema}".{name}'
    schema = run.rng.choice(["", "", "", "main." if run.host.dialect == "sqlite" else "public."])
    between = run.rng.choice(["", "", " ", "/**/"]) if schema else ""
    return f"{schema}{between}{name}"


def _name(run: Run, name: str, *, escaped: bool) -> str:
    simple = name.isidentifier() and name.islower() and name.isascii() and name not in _RESERVED
    ways = ['"' + name.replace('"', '""') + '"']
    if simple:
        ways += [name, name.upper(), name.title()]
    if run.host.dialect == "sqlite":
        ways += [f"`{name}`", f"[{name}]", literal(name), ways[0].upper() if name.isascii() else ways[0]]
    elif escaped and name.isascii():
        ways.append('U&"' + "".join(f"\\{ord(letter):04x}" for letter in name) + '"')
    return str(run.rng.choice(ways))


def column(shape: Shape, name: str) -> str:
    """A column's name."""
    return '"' + str(shape.columns[name].name).replace('"', '""') + '"'


def _word(run: Run, word: str) -> str:
    return str(run.rng.choice([word, word.lower(), word.title()]))


def _gap(run: Run) -> str:
    return str(run.rng.choice([" ", " ", "\n", "\t", " /* x */ ", " -- UPDATE nothing\n"]))


def _where(shape: Shape, row: Row) -> str:
    return " AND ".join(f"{column(shape, name)} = {literal(row.values[name])}" for name in shape.key)


def update_text(run: Run, shape: Shape, row: Row) -> str:
    """An UPDATE of a row."""
    verb = _word(run, "UPDATE")
    if run.host.dialect == "sqlite" and run.chance(0.2):
        verb += " OR " + run.rng.choice(["REPLACE", "IGNORE", "ROLLBACK"])
    if run.host.dialect == "postgresql" and run.chance(0.2):
        verb += " ONLY"
    alias = run.rng.choice(["", "", " AS x", ' AS "update"'])
    value = literal(run.numbers.word())
    head = f"{verb}{_gap(run)}{place(run, shape)}{alias}{_gap(run)}"
    return f"{head}SET {column(shape, 'a')} = {value} WHERE {_where(shape, row)}"


def delete_text(run: Run, shape: Shape, row: Row) -> str:
    """A DELETE of a row."""
    head = f"{_word(run, 'DELETE')}{_gap(run)}{_word(run, 'FROM')}{_gap(run)}{place(run, shape)}"
    return f"{head} WHERE {_where(shape, row)}"


def insert_text(run: Run, shape: Shape, values: dict[str, Any], *, verb: str = "INSERT INTO") -> str:
    """An INSERT of a row."""
    values = {"seen": 0} | values if "seen" in shape.columns else values
    names = ", ".join(column(shape, name) for name in values)
    literals = ", ".join(map(literal, values.values()))
    return f"{_word(run, verb)}{_gap(run)}{place(run, shape)} ({names}) VALUES ({literals})"


def write_text(run: Run, shape: Shape) -> str:
    """A text that writes one row of a table."""
    kind = run.rng.choice(["update", "update", "delete", "insert"])
    if kind == "insert":
        return insert_text(run, shape, new_row(run, shape, key=True))
    _, row = run.row(shape)
    if kind == "delete" and shape.rest is None:
        return delete_text(run, shape, row)
    return update_text(run, shape, row)


def wrapped(run: Run, statement: str) -> str:
    """A statement with something around it."""
    ways = ["{}", "{}", "{};", "  {}", "/* SELECT 1 */ {}", "-- x\n{}", "WITH x AS (SELECT 1 AS y) {}"]
    if run.host.dialect == "postgresql":
        ways += ["WITH x AS ({} RETURNING 1) SELECT * FROM x", "DO $$ BEGIN {}; END $$"]
        ways += ["EXPLAIN (ANALYZE) {}", "SELECT 1; {}", "{}; SELECT 2", "/* /* */ */ {}"]
    return str(run.rng.choice(ways)).format(statement)


def harmless_text(run: Run, shape: Shape) -> str:
    """A text that writes nothing, whatever it looks like."""
    name, a = place(run, shape, escaped=False), column(shape, "a")
    word = shape.table.name.replace("'", "")
    texts = [
        f"SELECT count(*) FROM {name}",
        f"SELECT 'UPDATE {word} SET a = 1'",
        f"SELECT replace({a}, 'x', 'y') FROM {name} -- DELETE FROM {word}",
        f"WITH x AS (SELECT * FROM {name}) SELECT count(*) FROM x",
        f'SELECT {a} AS "update" FROM {name} /* INSERT INTO {word.replace("*", "")} */ WHERE 1 = 1',
    ]
    if run.host.dialect == "postgresql":
        texts += [f"SELECT {a} FROM {name} FOR UPDATE", f"EXPLAIN SELECT 1 FROM {name}", "SHOW search_path"]
    return str(run.rng.choice(texts))
