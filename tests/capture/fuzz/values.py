"""Values and conditions for writes: new rows, what an update sets, which rows a statement is about.

Owns that a new value is one that no row has had, so that whatever is written shows. Refuses to execute anything but the
question which rows a condition matches.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, exists, func, literal, or_, select, tuple_
from tests.capture.fuzz.host import Row
from tests.capture.fuzz.judge import Name
from tests.capture.fuzz.run import Inapplicable, Run
from tests.capture.fuzz.shapes import Shape

Columns = Mapping[str, Any]


def on(shape: Shape, selectable: Any = None) -> Columns:
    """The columns of a table, or of an alias of it, by attribute."""
    if selectable is None:
        return shape.columns
    return {name: selectable.c[column.key] for name, column in shape.columns.items()}


def on_class(shape: Shape) -> Columns:
    """The columns of a table as its class has them, by attribute."""
    return {name: getattr(shape.model, name, column) for name, column in shape.columns.items()}


def keyed(shape: Shape, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by attribute as Core takes them: by the columns' keys."""
    return {str(shape.columns[name].key): value for name, value in values.items()}


def new_row(run: Run, shape: Shape, *, key: bool | None = None) -> dict[str, Any]:
    """The values of a new row, by attribute."""
    if shape.sides is not None:
        return _new_link(run, shape)
    word = run.numbers.word
    row: dict[str, Any] = {}
    if key or (key is None and (shape.keys == "given" or run.chance(0.25))):
        row = new_key(run, shape)
    row["name"] = word()
    for name in ("a", "b"):
        if run.chance(0.6):
            row[name] = word() if run.chance(0.8) else None
    if "owner" in shape.columns and (shape.kind == "goal" or run.chance(0.7)):
        row["owner"] = f"u-{run.numbers.number()}"
    if "code" in shape.columns and (shape.identity == "code" or run.chance(0.5)):
        row["code"] = word()
    if shape.parent is not None and run.rows(shape.parent):
        _, parent = run.row(shape.parent)
        row["parent"] = parent.values["id"] if run.chance(0.7) else None
    if shape.kind == "family":
        row["kind"] = "base"
    return row


def new_key(run: Run, shape: Shape) -> dict[str, Any]:
    """A key that no row has had."""
    key: dict[str, Any] = {}
    for name in shape.key:
        is_text = shape.is_text(name)
        key[name] = run.numbers.word() if is_text else run.numbers.number() * 1000
    return key


def another_key(run: Run, shape: Shape) -> dict[str, Any]:
    """What a row is called from now on: another key, a part of one, or another id that is no key."""
    if shape.identity == "code" and run.chance(0.6):
        return {"code": run.numbers.word()}
    key = new_key(run, shape)
    return {"k2": key["k2"]} if len(key) > 1 and run.chance(0.6) else key


def _new_link(run: Run, shape: Shape) -> dict[str, Any]:
    assert shape.sides is not None
    taken = {ident for ident, _ in run.rows(shape)}
    pairs = [
        {"k1": left.values["id"], "k2": right.values["id"]}
        for _, left in run.rows(shape.sides[0])[:6]
        for _, right in run.rows(shape.sides[1])[:6]
        if (str(left.values["id"]), str(right.values["id"])) not in taken
    ]
    if not pairs:
        raise Inapplicable
    return run.rng.choice(pairs) | ({"a": run.numbers.word()} if run.chance(0.5) else {})


def many(run: Run, shape: Shape, *, key: bool | None = None) -> list[dict[str, Any]]:
    """The values of some new rows, which all name the same columns."""
    if shape.sides is not None:
        return [keyed(shape, _new_link(run, shape))]
    first = new_row(run, shape, key=key)
    rows = [first]
    for _ in range(run.rng.choice([1, 1, 2, 2, 3, 7] * 6 + [260])):
        again = new_row(run, shape, key="id" in first or "k1" in first)
        rows.append(
            {
                name: again.get(name) if name not in ("owner", "kind") else again.get(name, value)
                for name, value in first.items()
            }
        )
    return [keyed(shape, row) for row in rows]


def at_key(shape: Shape, columns: Columns, row: Row) -> Any:
    """The condition that names a row by its key."""
    return and_(*(columns[name] == row.values[name] for name in shape.key))


def condition(run: Run, shape: Shape, columns: Columns) -> Any:
    """A condition, or None for every row."""
    kind = run.rng.choice(
        ["key", "key", "keys", "value", "null", "all", "none", "inside", "exists", "or", "tuple"]
    )
    if kind in ("key", "keys", "value", "or", "tuple"):
        return _of_rows(run, shape, columns, kind)
    if kind == "null":
        return columns["a"].is_(None) if run.chance(0.5) else columns["a"].is_not(None)
    if kind == "none":
        return columns["a"] == "nobody"
    if kind == "inside":
        other = shape.table.alias()
        there = on(shape, other)
        return columns[shape.key[0]].in_(select(there[shape.key[0]]).where(there["a"].is_not(None)))
    if kind == "exists" and shape.parent is not None:
        above = shape.parent.table.alias()
        return exists().where(on(shape.parent, above)["id"] == columns["parent"])
    return None


def _of_rows(run: Run, shape: Shape, columns: Columns, kind: str) -> Any:
    _, row = run.row(shape)
    some = [row, *(run.row(shape)[1] for _ in range(2))]
    if kind == "key":
        return at_key(shape, columns, row)
    if kind == "tuple" and len(shape.key) > 1:
        names = [columns[name] for name in shape.key]
        return tuple_(*names).in_([tuple(each.values[name] for name in shape.key) for each in some])
    if kind == "value":
        return columns["a"] == row.values["a"]
    if kind == "or":
        return or_(*(at_key(shape, columns, each) for each in some))
    return columns[shape.key[0]].in_([each.values[shape.key[0]] for each in some])


def matched(run: Run, shape: Shape, where: Any, selectable: Any = None) -> set[Name]:
    """The rows that a condition matches."""
    columns = on(shape, selectable)
    names = [name for name in (*shape.key, "kind", "code") if name in columns]
    asked = select(*(columns[name] for name in names))
    rows = run.connection.execute(asked if where is None else asked.where(where)).all()
    named = [dict(zip(names, row, strict=True)) for row in rows]
    return {(kind, shape.ident(row)) for row in named if (kind := shape.kind_of(row)) is not None}


def new_values(run: Run, shape: Shape, columns: Columns) -> dict[str, Any]:
    """What an update sets, by attribute."""
    word = run.numbers.word
    values: dict[str, Any] = {}
    names = [n for n in ("name", "a", "b", "owner", "seen") if n in columns]
    for name in run.rng.sample(names, run.rng.randint(1, min(2, len(names)))):
        column = columns[name]
        if name == "seen":
            values[name] = run.numbers.number()
        elif name == "owner":
            values[name] = f"u-{run.numbers.number()}"
        else:
            values[name] = run.rng.choice(
                [
                    word(),
                    word(),
                    None,
                    column,
                    func.upper(literal(word())),
                    column + "+",
                    columns[shape.key[0]].concat("")
                    if shape.columns[shape.key[0]].type.python_type is str
                    else word(),
                ]
            )
    return values


def changed_where(run: Run, statement: Any, shape: Shape, *, ordered: bool = False) -> tuple[Any, set[Name]]:
    """An update with values and a condition; and the rows it matches."""
    columns = shape.columns
    where = condition(run, shape, columns)
    values = keyed(shape, new_values(run, shape, columns))
    statement = (
        statement.ordered_values(*((shape.table.c[k], v) for k, v in values.items()))
        if ordered
        else statement.values(values)
    )
    return (statement if where is None else statement.where(where)), matched(run, shape, where)
