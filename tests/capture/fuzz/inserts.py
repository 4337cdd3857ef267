"""Writes by Core that make rows: every form of INSERT that a host may execute on a table.

Owns the forms. Refuses to judge them.
"""

from typing import Any

from sqlalchemy import func, insert, literal, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from tests.capture.fuzz.run import Run, way
from tests.capture.fuzz.shapes import Shape
from tests.capture.fuzz.values import condition, keyed, many, new_row, on


@way("Core: insert", weight=3)
def _insert(run: Run) -> None:
    shape = run.shape()
    run.execute(insert(shape.table).values(keyed(shape, new_row(run, shape))))


@way("Core: insert, parameters", weight=2)
def _insert_parameters(run: Run) -> None:
    shape = run.shape()
    run.execute(insert(shape.table), keyed(shape, new_row(run, shape)))


@way("Core: insert with expressions")
def _insert_expressions(run: Run) -> None:
    shape = run.shape(lambda s: s.sides is None)
    row = keyed(shape, new_row(run, shape))
    row[str(shape.columns["name"].key)] = func.upper(run.numbers.word())
    key = shape.columns[shape.key[0]]
    if shape.keys == "given" and shape.is_text(shape.key[0]):
        row[str(key.key)] = func.lower(literal(run.numbers.word()))
    run.execute(insert(shape.table).values(row))


@way("Core: insert of many values", weight=2)
def _insert_values(run: Run) -> None:
    shape = run.shape()
    run.execute(insert(shape.table).values(many(run, shape)))


@way("Core: insert, many parameters", weight=3)
def _insert_many(run: Run) -> None:
    shape = run.shape()
    run.execute(insert(shape.table), many(run, shape))


@way("Core: insert, many parameters, returning")
def _insert_many_returning(run: Run) -> None:
    shape = run.shape()
    returned = run.execute(insert(shape.table).returning(*shape.table.c), many(run, shape)).all()
    assert returned


@way("Core: insert returning")
def _insert_returning(run: Run) -> None:
    shape = run.shape()
    # What leaves out the key or the name is refused.
    columns = list(shape.table.c) if run.chance(0.8) else [run.rng.choice(list(shape.table.c))]
    result = run.execute(insert(shape.table).values(keyed(shape, new_row(run, shape))).returning(*columns))
    assert run.chance(0.3) or result.all()


@way("Core: insert from select", weight=2)
def _insert_from_select(run: Run) -> None:
    shape = run.shape(
        lambda s: s.sides is None and s.identity != "code" and (s.keys == "auto" or s.is_text(s.key[0]))
    )
    names = ["name", *(n for n in ("owner", "kind", "a") if n in shape.columns)]
    source = shape.table.alias() if run.chance(0.5) else shape.table
    there = on(shape, source)
    chosen = [there[name] if name != "kind" else literal("base") for name in names]
    if shape.keys == "given":
        names.extend(shape.key)
        new = run.numbers.word()
        chosen.append(
            func.lower(literal(new)) + there[shape.key[-1]] if len(shape.key) == 1 else there[shape.key[0]]
        )
        chosen.extend([literal(new) + there["k2"]] if len(shape.key) > 1 else [])
    where = condition(run, shape, there)
    query = select(*chosen) if where is None else select(*chosen).where(where)
    if run.chance(0.3):
        query = select(query.cte("some"))
    run.execute(insert(shape.table).from_select([shape.columns[n].key for n in names], query))


def conflicting(run: Run, shape: Shape) -> list[dict[str, Any]]:
    """New rows, and one with the key of a row that is there."""
    rows = many(run, shape, key=True)
    _, old = run.row(shape)
    again = dict(rows[0])
    again |= keyed(shape, {name: old.values[name] for name in shape.key})
    code = shape.columns.get("code")
    if code is not None and shape.identity != "code":
        again.pop(str(code.key), None)
        rows = [{k: v for k, v in row.items() if k != code.key} for row in rows]
    return [again] if shape.sides else [*rows, again]


def upsert(run: Run, shape: Shape) -> Any:
    return (sqlite_insert if run.host.dialect == "sqlite" else postgresql_insert)(shape.table)


@way("Core: on conflict do nothing", weight=2)
def _do_nothing(run: Run) -> None:
    shape = run.shape()
    rows = conflicting(run, shape)
    statement = upsert(run, shape).on_conflict_do_nothing()
    how = run.rng.choice(["many", "values", "single"])
    if how == "many":
        run.execute(statement, rows)
    else:
        run.execute(statement.values(rows if how == "values" else rows[-1]))


@way("Core: on conflict do update", weight=2, refused=True)
def _do_update(run: Run) -> None:
    shape = run.shape(lambda s: s.sides is None)
    rows = conflicting(run, shape)
    elements = [shape.columns[name] for name in shape.key]
    statement = upsert(run, shape)
    name = shape.columns["name"]
    values = (
        {shape.columns["a"]: run.numbers.word()} if run.chance(0.5) else {name: statement.excluded[name.key]}
    )
    statement = statement.on_conflict_do_update(index_elements=elements, set_=values)
    if run.chance(0.5):
        run.execute(statement.values(rows))
    else:
        run.execute(statement, rows)
