"""Writes by Core that change and remove rows: every form of UPDATE and DELETE that a host may execute on a table.

Owns the forms. Refuses to judge them: an update says which rows it matched, nothing more.
"""

from typing import Any

from sqlalchemy import and_, bindparam, delete, func, select, update
from tests.capture.fuzz.judge import Allowance
from tests.capture.fuzz.run import Run, way
from tests.capture.fuzz.shapes import Shape
from tests.capture.fuzz.values import (
    another_key,
    at_key,
    changed_where,
    condition,
    keyed,
    matched,
    on,
)


@way("Core: update", weight=4)
def _update(run: Run) -> Allowance:
    shape = run.shape(lambda s: s.kind != "family" or s.rest is None or s.base_is_tracked)
    statement, rows = changed_where(run, update(shape.table), shape, ordered=run.chance(0.2))
    run.execute(statement)
    return Allowance(matched=rows)


@way("Core: update returning")
def _update_returning(run: Run) -> Allowance:
    shape = run.shape()
    statement, rows = changed_where(run, update(shape.table), shape)
    columns = list(shape.table.c) if run.chance(0.7) else [run.rng.choice(list(shape.table.c))]
    options = {"yield_per": 2} if run.chance(0.2) else {}
    result = run.execute(statement.returning(*columns), execution_options=options)
    assert run.chance(0.3) or result.all() is not None
    return Allowance(matched=rows)


@way("Core: update, defaults returned")
def _update_defaults(run: Run) -> Allowance:
    shape = run.shape()
    statement, rows = changed_where(run, update(shape.table), shape)
    run.execute(statement.return_defaults())
    return Allowance(matched=rows)


@way("Core: harmless", weight=2)
def _harmless(run: Run) -> None:
    shape = run.shape()
    where = condition(run, shape, shape.columns)
    query = select(shape.table) if where is None else select(shape.table).where(where)
    some = query.cte("update")
    how = run.rng.choice([query, query.with_for_update(), select(func.count()).select_from(some)])
    run.execute(how).all()


@way("Core: update correlated")
def _update_correlated(run: Run) -> Allowance:
    shape = run.shape()
    other = shape.table.alias()
    there = on(shape, other)
    value = (
        select(func.max(there["a"]))
        .where(there[shape.key[0]] == shape.columns[shape.key[0]])
        .scalar_subquery()
    )
    where = condition(run, shape, shape.columns)
    statement = update(shape.table).values({shape.columns["a"]: value + "+"})
    rows = matched(run, shape, where)
    run.execute(statement if where is None else statement.where(where))
    return Allowance(matched=rows)


@way("Core: update from another table")
def _update_from(run: Run) -> Allowance:
    shape = run.shape(lambda s: s.parent is not None)
    assert shape.parent is not None
    above = shape.parent.table.alias("above") if run.chance(0.5) else shape.parent.table
    there = on(shape.parent, above)
    where = and_(there["id"] == shape.columns["parent"], there["name"].is_not(None))
    statement = (
        update(shape.table).where(where).values({shape.columns["a"]: there["name"] + run.numbers.word()})
    )
    run.execute(statement)
    return Allowance()


@way("Core: update with a CTE")
def _update_cte(run: Run) -> Allowance:
    shape = run.shape()
    there = on(shape, shape.table.alias())
    some = select(there[shape.key[0]].label("k")).where(there["a"].is_not(None)).cte("some")
    statement = update(shape.table).where(shape.columns[shape.key[0]].in_(select(some.c.k)))
    run.execute(statement.values({shape.columns["a"]: run.numbers.word()}))
    return Allowance()


@way("Core: update of an alias", refused=True)
def _update_alias(run: Run) -> Allowance:
    shape = run.shape()
    alias = shape.table.alias("other")
    columns = on(shape, alias)
    where = condition(run, shape, columns)
    statement = update(alias).values({columns["a"]: run.numbers.word()})
    run.execute(statement if where is None else statement.where(where))
    return Allowance()


@way("Core: update, many parameters by key", weight=3)
def _update_many(run: Run) -> Allowance:
    shape = run.shape()
    rows = [run.row(shape)[1] for _ in range(run.rng.choice([2, 2, 3, 5]))]
    unique = {tuple(row.values[n] for n in shape.key): row for row in rows}
    where = and_(*(shape.columns[name] == bindparam(f"at_{at}") for at, name in enumerate(shape.key)))
    statement = update(shape.table).where(where).values({shape.columns["a"]: bindparam("new")})
    sets = [{f"at_{at}": v for at, v in enumerate(key)} | {"new": run.numbers.word()} for key in unique]
    if run.chance(0.4):
        sets += [{f"at_{at}": v for at, v in enumerate(keyless(shape))} | {"new": "x"}]
    run.execute(statement, sets)
    return Allowance()


def keyless(shape: Shape) -> list[Any]:
    """A key that no row has."""
    return ["nobody" if shape.is_text(n) else -1 for n in shape.key]


@way("Core: update, many parameters, one row repeatedly")
def _update_repeatedly(run: Run) -> Allowance:
    shape = run.shape()
    _, row = run.row(shape)
    where = and_(*(shape.columns[name] == bindparam(f"at_{at}") for at, name in enumerate(shape.key)))
    statement = update(shape.table).where(where).values({shape.columns["a"]: bindparam("new")})
    key = {f"at_{at}": row.values[name] for at, name in enumerate(shape.key)}
    run.execute(statement, [key | {"new": run.numbers.word()} for _ in range(run.rng.choice([2, 3, 250]))])
    return Allowance(several=run.host.by_of(shape) == "triggers")


@way("Core: update, many parameters by another condition", refused=True)
def _update_conditions(run: Run) -> Allowance:
    shape = run.shape(lambda s: s.sides is None)
    sets = [{"old": run.row(shape)[1].values["a"], "new": run.numbers.word()} for _ in range(2)]
    statement = (
        update(shape.table)
        .where(shape.columns["a"] == bindparam("old"))
        .values({shape.columns["b"]: bindparam("new")})
    )
    run.execute(statement, sets)
    return Allowance(several=True)


@way("Core: update of a key", weight=2)
def _update_key(run: Run) -> None:
    shape = run.shape(lambda s: s.sides is None and s.rest is None)
    _, row = run.row(shape)
    key = another_key(run, shape)
    values = key | ({"a": run.numbers.word()} if run.chance(0.4) else {})
    if run.chance(0.3):
        where = and_(*(shape.columns[name] == bindparam(f"at_{at}") for at, name in enumerate(shape.key)))
        binds = {shape.columns[name]: bindparam(f"new_{name}") for name in values}
        sets = {f"at_{at}": row.values[name] for at, name in enumerate(shape.key)} | {
            f"new_{n}": v for n, v in values.items()
        }
        other = {f"at_{at}": v for at, v in enumerate(keyless(shape))} | {
            f"new_{n}": v for n, v in values.items()
        }
        run.execute(update(shape.table).where(where).values(binds), [sets, other])
    else:
        run.execute(update(shape.table).where(at_key(shape, shape.columns, row)).values(keyed(shape, values)))


@way("Core: update of a class", refused=True)
def _update_class(run: Run) -> None:
    shape = run.shape(lambda s: s.kind == "family" and s.rest is None)
    _, row = run.row(shape)
    kind = "base" if row.values["kind"] == "child" else "child"
    statement = update(shape.table).where(at_key(shape, shape.columns, row))
    run.execute(statement.values({shape.columns["kind"]: kind}))


@way("Core: delete", weight=3)
def _delete(run: Run) -> None:
    shape = run.shape(lambda s: s.rest is None)
    where = condition(run, shape, shape.columns)
    run.execute(delete(shape.table) if where is None else delete(shape.table).where(where))


@way("Core: delete by key", weight=2)
def _delete_key(run: Run) -> None:
    shape = run.shape(lambda s: s.rest is None)
    statement = delete(shape.table).where(at_key(shape, shape.columns, run.row(shape)[1]))
    run.execute(statement.returning(*shape.table.c) if run.chance(0.3) else statement)


@way("Core: delete, many parameters")
def _delete_many(run: Run) -> None:
    shape = run.shape(lambda s: s.rest is None)
    rows = [run.row(shape)[1] for _ in range(run.rng.choice([2, 3]))]
    where = and_(*(shape.columns[name] == bindparam(f"at_{at}") for at, name in enumerate(shape.key)))
    run.execute(
        delete(shape.table).where(where),
        [{f"at_{at}": row.values[n] for at, n in enumerate(shape.key)} for row in rows],
    )


@way("Core: delete by another table")
def _delete_using(run: Run) -> None:
    shape = run.shape(lambda s: s.parent is not None and s.rest is None)
    assert shape.parent is not None
    there = on(shape.parent, shape.parent.table)
    if run.host.dialect == "postgresql" and run.chance(0.6):
        run.execute(delete(shape.table).where(there["id"] == shape.columns["parent"]))
    else:
        run.execute(delete(shape.table).where(shape.columns["parent"].in_(select(there["id"]))))


@way("Core: delete of an alias", refused=True)
def _delete_alias(run: Run) -> None:
    shape = run.shape(lambda s: s.rest is None)
    alias = shape.table.alias("other")
    run.execute(delete(alias).where(at_key(shape, on(shape, alias), run.row(shape)[1])))
