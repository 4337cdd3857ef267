"""Writes by the ORM without its unit of work: statements on classes, and the bulk methods of sessions.

Owns the forms. Refuses to judge them: an update says which rows it matched, nothing more.
"""

from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import aliased
from tests.capture.fuzz.inserts import conflicting, upsert
from tests.capture.fuzz.judge import Allowance
from tests.capture.fuzz.run import Run, way
from tests.capture.fuzz.shapes import Shape
from tests.capture.fuzz.units import is_mapped, is_plain
from tests.capture.fuzz.values import at_key, condition, many, matched, new_key, new_values, on_class


@way("Bulk: insert(Model)", session=True, weight=3)
def _insert(run: Run) -> None:
    shape = run.shape(is_mapped)
    assert run.session is not None
    model, rows = _mapped_rows(run, shape)
    statement = insert(model).returning(model) if run.chance(0.3) else insert(model)
    run.say(statement, rows)
    result = run.session.execute(statement, rows)
    assert run.chance(0.5) or not statement._returning or result.all()


def _mapped_rows(run: Run, shape: Shape) -> tuple[Any, list[dict[str, Any]]]:
    """A class, and new rows by its attributes."""
    by_key = {str(column.key): name for name, column in shape.columns.items()}
    rows = [
        {by_key[key]: value for key, value in row.items() if by_key[key] != "kind"}
        for row in many(run, shape)
    ]
    if shape.kind == "family" and run.chance(0.6):
        return shape.child, [row | {"extra": run.numbers.word()} for row in rows]
    return shape.model, rows


@way("Bulk: insert(Model).values", session=True)
def _insert_values(run: Run) -> None:
    shape = run.shape(is_plain)
    assert run.session is not None
    model, rows = _mapped_rows(run, shape)
    statement = insert(model).values(rows if run.chance(0.6) else rows[0])
    run.say(statement)
    run.session.execute(statement)


@way("Bulk: update(Model)", session=True, weight=3)
def _update(run: Run) -> Allowance:
    shape = run.shape(is_mapped)
    assert run.session is not None
    columns = on_class(shape)
    where = condition(run, shape, columns)
    values = {columns[name]: value for name, value in new_values(run, shape, columns).items()}
    statement = update(shape.model).values(values)
    statement = statement if where is None else statement.where(where)
    how = run.rng.choice(["auto", "fetch", "evaluate", False])
    rows = matched(run, shape, where)
    run.say(statement, f"synchronize_session={how}")
    run.session.execute(statement, execution_options={"synchronize_session": how})
    return Allowance(matched=rows)


@way("Bulk: update(child)", session=True)
def _update_child(run: Run) -> Allowance:
    shape = run.shape(lambda s: s.kind == "family")
    assert run.session is not None
    statement = update(shape.child).values(extra=run.numbers.word())
    how = run.rng.choice(["fetch", False])
    run.say(statement, f"synchronize_session={how}")
    run.session.execute(statement, execution_options={"synchronize_session": how})
    return Allowance()


def _sets(run: Run, shape: Shape, name: str) -> list[dict[str, Any]]:
    """Some rows' keys, each once, with a new value."""
    rows = [run.row(shape, shape.kind)[1] for _ in range(3)]
    keys = sorted({tuple(row.values[part] for part in shape.key) for row in rows}, key=str)
    return [dict(zip(shape.key, key, strict=True)) | {name: run.numbers.word()} for key in keys]


@way("Bulk: update(Model) by keys", session=True, weight=2)
def _update_keys(run: Run) -> None:
    shape = run.shape(is_mapped)
    assert run.session is not None
    sets = _sets(run, shape, "a")
    run.say(f"update({shape.model.__name__})", sets)
    run.session.execute(update(shape.model), sets)


@way("Bulk: update(Model) returning", session=True)
def _update_returning(run: Run) -> Allowance:
    shape = run.shape(is_plain)
    assert run.session is not None
    statement = update(shape.model).values(a=run.numbers.word()).returning(shape.model)
    if run.chance(0.5):
        statement = statement.where(at_key(shape, shape.columns, run.row(shape)[1]))
    run.say(statement)
    run.session.scalars(statement).all()
    return Allowance()


@way("Bulk: from_statement", session=True, refused=True)
def _from_statement(run: Run) -> None:
    shape = run.shape(is_plain)
    assert run.session is not None
    statement: Any = update(shape.model).values(a=run.numbers.word()).returning(shape.model)
    if run.chance(0.3):
        statement = insert(shape.model).values(_mapped_rows(run, shape)[1]).returning(shape.model)
    run.say(statement, "in from_statement")
    run.session.scalars(select(shape.model).from_statement(statement)).all()


@way("Bulk: update(aliased)", session=True, refused=True)
def _update_aliased(run: Run) -> Allowance:
    shape = run.shape(is_plain)
    assert run.session is not None
    other = aliased(shape.model)
    statement = update(other).values(a=run.numbers.word())
    if run.chance(0.5):
        statement = statement.where(other.a.is_not(None))
    run.say(statement)
    run.session.execute(statement, execution_options={"synchronize_session": False})
    return Allowance()


@way("Bulk: update(Model) of a key", session=True)
def _update_key(run: Run) -> None:
    shape = run.shape(is_plain)
    assert run.session is not None
    _, row = run.row(shape)
    key = new_key(run, shape)
    statement = (
        update(shape.model)
        .where(at_key(shape, shape.columns, row))
        .values({getattr(shape.model, n): v for n, v in key.items()})
    )
    run.say(statement)
    run.session.execute(statement, execution_options={"synchronize_session": False})


@way("Bulk: delete(Model)", session=True, weight=2)
def _delete_where(run: Run) -> None:
    shape = run.shape(lambda s: is_mapped(s) and s.rest is None)
    assert run.session is not None
    where = condition(run, shape, on_class(shape))
    statement = delete(shape.model) if where is None else delete(shape.model).where(where)
    how = run.rng.choice(["auto", "fetch", "evaluate", False])
    run.say(statement, f"synchronize_session={how}")
    run.session.execute(statement, execution_options={"synchronize_session": how})


@way("Bulk: Query.update, Query.delete", session=True, weight=2)
def _query(run: Run) -> Allowance:
    shape = run.shape(lambda s: is_mapped(s) and s.rest is None)
    assert run.session is not None
    where = condition(run, shape, on_class(shape))
    query = run.session.query(shape.model)
    query = query if where is None else query.filter(where)
    how = run.rng.choice(["auto", "fetch", "evaluate", False])
    if run.chance(0.5):
        run.say(f"query.update {where}")
        query.update({"a": run.numbers.word()}, synchronize_session=how)
    else:
        run.say(f"query.delete {where}")
        query.delete(synchronize_session=how)
    return Allowance()


@way("Bulk: bulk_insert_mappings", session=True)
def _bulk_insert(run: Run) -> None:
    shape = run.shape(is_mapped)
    assert run.session is not None
    model, rows = _mapped_rows(run, shape)
    run.say(f"bulk_insert_mappings {model.__name__}", rows)
    if run.chance(0.5):
        run.session.bulk_insert_mappings(model, rows, return_defaults=run.chance(0.4))
    else:
        run.session.bulk_save_objects([_object(model, row) for row in rows], return_defaults=run.chance(0.4))


def _object(model: Any, values: dict[str, Any]) -> Any:
    thing = model()
    for name, value in values.items():
        setattr(thing, name, value)
    return thing


@way("Bulk: bulk_update_mappings", session=True)
def _bulk_update(run: Run) -> None:
    shape = run.shape(is_mapped)
    assert run.session is not None
    sets = _sets(run, shape, "b")
    run.say(f"bulk_update_mappings {shape.model.__name__}", sets)
    run.session.bulk_update_mappings(shape.model, sets)


@way("Bulk: upsert(Model)", session=True, refused=True)
def _upsert(run: Run) -> None:
    shape = run.shape(is_plain)
    assert run.session is not None
    rows = conflicting(run, shape)
    statement = upsert(run, shape).on_conflict_do_nothing()
    run.say(statement, rows)
    run.session.execute(statement, rows)
