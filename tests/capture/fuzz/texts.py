"""Writes as text, and by whatever else makes a text of its own; and writes whose meaning the host says itself.

Owns the ways to hand a text over. Hooks may refuse every text that writes; harmless ones they may not.
"""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import DDL, Column, MetaData, Table, column, delete, insert, select, table, text, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement, Executable
from tests.capture.fuzz import spellings
from tests.capture.fuzz.judge import Allowance, Name
from tests.capture.fuzz.run import Inapplicable, Run, way
from tests.capture.fuzz.shapes import ITEMS, Shape
from tests.capture.fuzz.units import is_plain, loaded
from tests.capture.fuzz.values import at_key, keyed, matched, new_row

from trailbook.capture import recorded_as
from trailbook.model import Item


class OwnElement(Executable, ClauseElement):
    """An element of the host's own that is compiled to text."""

    inherit_cache = False

    def __init__(self, statement: str) -> None:
        self.statement = statement


@compiles(OwnElement)
def _own(element: OwnElement, compiler: Any, **more: Any) -> str:
    return element.statement


def handed_over(run: Run, statement: str) -> None:
    """Execute a text in one of the ways to hand it over."""
    how = run.rng.choice(["text", "text", "driver", "ddl", "own", "options"])
    run.say(f"{statement}    (by {how})")
    plain = text(statement.replace(":", "\\:"))
    if how == "driver":
        run.connection.exec_driver_sql(statement)
    elif how == "ddl":
        run.connection.execute(DDL(statement.replace("%", "%%")))
    elif how == "own":
        run.connection.execute(OwnElement(statement))
    elif how == "options":
        run.connection.execute(plain.execution_options(yield_per=10))
    elif run.session is not None and run.chance(0.5):
        run.session.execute(plain)
    else:
        run.connection.execute(plain)


def only_on(run: Run, dialect: str) -> None:
    """This write exists on one database."""
    if run.host.dialect != dialect:
        raise Inapplicable


@way("Text: a write", weight=6, refused=True)
def _write(run: Run) -> None:
    handed_over(run, spellings.wrapped(run, spellings.write_text(run, run.shape())))


@way("Text: replace", refused=True)
def _replace(run: Run) -> Allowance:
    only_on(run, "sqlite")
    shape = run.shape(lambda s: s.rest is None)
    values = new_row(run, shape, key=True)
    if run.chance(0.7):
        _, row = run.row(shape)
        names = list(shape.key) if run.chance(0.6) or row.values.get("code") is None else ["code"]
        values |= {name: row.values[name] for name in names}
    verb = run.rng.choice(["REPLACE INTO", "INSERT OR REPLACE INTO"])
    handed_over(run, spellings.insert_text(run, shape, values, verb=verb))
    return Allowance(replaced=True)


@way("Text: truncate", refused=True)
def _truncate(run: Run) -> None:
    only_on(run, "postgresql")
    what = run.rng.choice(["", "TABLE ", "ONLY "])
    handed_over(run, f"TRUNCATE {what}{spellings.place(run, run.shape())} CASCADE")


@way("Text: merge", refused=True)
def _merge(run: Run) -> None:
    only_on(run, "postgresql")
    shape = run.shape()
    _, row = run.row(shape)
    on = [f"t.{spellings.column(shape, n)} = {spellings.literal(row.values[n])}" for n in shape.key]
    change = f"{spellings.column(shape, 'a')} = {spellings.literal(run.numbers.word())}"
    head = f"MERGE INTO {spellings.place(run, shape)} AS t USING (SELECT 1) s ON {' AND '.join(on)}"
    handed_over(run, f"{head} WHEN MATCHED THEN UPDATE SET {change}")


@way("Text: a prepared write", refused=True)
def _prepared(run: Run) -> None:
    only_on(run, "postgresql")
    name = f"p{run.numbers.number()}"
    handed_over(run, f"PREPARE {name} AS {spellings.write_text(run, run.shape())}")
    handed_over(run, f"EXECUTE {name}")


@way("Text: harmless", weight=2)
def _harmless(run: Run) -> None:
    statement = spellings.harmless_text(run, run.shape())
    run.say(statement)
    run.connection.execute(text(statement.replace(":", "\\:"))).all()


@way("Statement: prefixed", refused=True)
def _prefixed(run: Run) -> Allowance:
    shape = run.shape(lambda s: s.rest is None)
    if run.host.dialect == "sqlite" and run.chance(0.6):
        _, old = run.row(shape)
        values = new_row(run, shape, key=True) | {name: old.values[name] for name in shape.key}
        run.execute(insert(shape.table).prefix_with("OR REPLACE").values(keyed(shape, values)))
        return Allowance(replaced=True)
    values = {shape.columns["a"]: run.numbers.word()}
    rows = matched(run, shape, None)
    run.execute(update(shape.table).prefix_with("/* x */").values(values))
    return Allowance(matched=rows)


@way("Statement: another within or after", refused=True)
def _within(run: Run) -> Allowance:
    only_on(run, "postgresql")
    shape, other = run.shape(), run.shape()
    _, row = run.row(other)
    hidden = spellings.update_text(run, other, row)
    returned = other.columns[other.key[0]]
    inner = update(other.table).values({other.columns["a"]: run.numbers.word()}).returning(returned).cte("x")
    outer = update(shape.table).values(
        {shape.columns["name" if shape.sides is None else "a"]: run.numbers.word()}
    )
    how = run.rng.choice(["suffix", "select", "cte", "added"])
    if how == "suffix":
        run.execute(select(text("1")).suffix_with(f"; {hidden}"))
    elif how == "select":
        run.execute(select(inner))
    elif how == "cte":
        run.execute(outer.where(shape.columns[shape.key[0]].is_not(None)).add_cte(inner))
    else:
        run.execute(insert(shape.table).values(keyed(shape, new_row(run, shape))).add_cte(inner))
    return Allowance(several=True)


@way("Statement: a twin of the table", refused=True)
def _twin(run: Run) -> None:
    shape = run.shape()
    _, row = run.row(shape)
    parts = (*shape.key, "a")
    names = [str(shape.columns[part].name) for part in parts]
    twin = _twin_of(run, shape, names)
    where = [twin.c[name] == row.values[part] for name, part in zip(names, shape.key, strict=False)]
    how = run.rng.choice(["update", "update", "delete", "insert"])
    if how == "update" or shape.rest is not None:
        run.execute(update(twin).where(*where).values({names[-1]: run.numbers.word()}))
    elif how == "delete":
        run.execute(delete(twin).where(*where))
    else:
        new = new_row(run, shape, key=True)
        run.execute(insert(twin).values({n: new.get(part) for n, part in zip(names, parts, strict=True)}))


def _twin_of(run: Run, shape: Shape, names: list[str]) -> Any:
    """Another object for the same table."""
    name, schema = shape.table.name, shape.table.schema
    how = run.rng.choice(["other", "schema", "light", "case"])
    if how == "schema" and schema is None:
        schema = "main" if run.host.dialect == "sqlite" else "public"
    if how == "case" and run.host.dialect == "sqlite" and name.isascii():
        name = name.upper()
    if how == "light":
        return table(name, *map(column, names), schema=schema)
    return Table(name, MetaData(), *map(Column, names), schema=schema)


@way("Statement: compiled before", refused=True)
def _compiled(run: Run) -> None:
    shape = run.shape()
    _, row = run.row(shape)
    values = {shape.columns["a"]: run.numbers.word()}
    statement = update(shape.table).where(at_key(shape, shape.columns, row)).values(values)
    run.say(statement, "compiled before")
    run.connection.execute(statement.compile(run.host.engine))


@way("Meant: text in recorded_as", weight=2)
def _meant(run: Run) -> Allowance:
    shape, name, row = _known(run)
    statement = spellings.update_text(run, shape, row)
    if run.chance(0.2):
        statement = spellings.delete_text(run, shape, row)
    if "U&" in statement:  # nobody can tell which table it writes to, and so whether triggers see it
        raise Inapplicable
    return _recorded(run, shape, name, lambda: handed_over(run, statement))


@way("Meant: Core in recorded_as")
def _meant_core(run: Run) -> Allowance:
    shape, name, row = _known(run)
    a = shape.columns["a"]
    statement = update(shape.table).where(at_key(shape, shape.columns, row)).values({a: run.numbers.word()})
    return _recorded(run, shape, name, lambda: run.execute(statement))


@way("Meant: nothing touched")
def _meant_nothing(run: Run) -> Allowance:
    shape, name, _ = _known(run)
    a = shape.columns["a"]
    with recorded_as(ITEMS[shape.kind].actions[1], target=_item(name), concerns=_about(shape)):
        run.execute(update(shape.table).where(a == "nobody").values({a: "x"}))
    return Allowance()


@way("Meant: after a savepoint that was rolled back")
def _meant_again(run: Run) -> Allowance:
    run.demand_savepoints()
    shape, name, row = _known(run)
    a = shape.columns["a"]
    statement = update(shape.table).where(at_key(shape, shape.columns, row))

    def write() -> None:
        savepoint = run.connection.begin_nested()
        run.execute(statement.values({a: run.numbers.word()}))
        run.say("rollback to a savepoint before that")
        savepoint.rollback()
        run.execute(statement.values({a: run.numbers.word()}))

    return _recorded(run, shape, name, write)


@way("Meant: record_change", session=True)
def _record_change(run: Run) -> Allowance:
    shape = run.shape(is_plain)
    thing = loaded(run, shape)
    ident = shape.ident({name: getattr(thing, name) for name in shape.columns})
    thing.a = run.numbers.word()
    assert run.session is not None
    action = ITEMS[shape.kind].actions[1]
    run.say(f"set a; record_change {action}")
    run.host.capture.record_change(run.session, thing, action)
    return Allowance(meant=[(shape.kind, ident)])


def _known(run: Run) -> tuple[Shape, Name, Any]:
    """A table, and a row of it by what an entry that the host makes says of it: its id."""
    shape = run.shape(lambda s: s.kind != "family")
    ident, row = run.row(shape)
    form = run.host.capture.recorder.catalogue.types[ITEMS[shape.kind].type].id
    if form is not None and not re.fullmatch(form, ident[0]):
        raise Inapplicable  # nobody could say it of an item with such an id
    about = ["u-0"] if shape.kind == "link" else []  # whom the entry is about is the second column of its key
    return shape, (shape.kind, (ident[0], *about)), row


def _item(name: Name) -> Item:
    return Item(type=ITEMS[name[0]].type, id=name[1][0])


def _about(shape: Shape) -> dict[str, Item]:
    """Whom an entry has to be about, where its action asks for somebody."""
    return {"owner": Item(type="user", id="u-0")} if shape.kind in ("goal", "link") else {}


def _recorded(run: Run, shape: Shape, name: Name, write: Callable[[], Any]) -> Allowance:
    """Write in a block that says what it means."""
    with recorded_as(ITEMS[shape.kind].actions[1], target=_item(name), concerns=_about(shape)):
        write()
    return Allowance() if run.host.by_of(shape) == "triggers" else Allowance(meant=[name], instead=True)
