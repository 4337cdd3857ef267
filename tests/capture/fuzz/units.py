"""Writes by the unit of work: objects that are made, changed, moved and removed.

Owns that each of these writes ends with a flush, so that it is judged alone. Refuses to judge them.
"""

from contextlib import suppress
from typing import Any

from sqlalchemy import func
from tests.capture.fuzz.judge import Allowance
from tests.capture.fuzz.run import Inapplicable, Run, way
from tests.capture.fuzz.shapes import Shape
from tests.capture.fuzz.values import another_key, new_row


def is_mapped(shape: Shape) -> bool:
    """Whether a class is mapped to the table, and no association."""
    return shape.model is not None and shape.sides is None


def is_plain(shape: Shape) -> bool:
    """Whether a class is mapped to the table, and nothing inherits from it."""
    return is_mapped(shape) and shape.kind != "family"


def made(run: Run, shape: Shape) -> Any:
    """A new object, perhaps of the class that inherits."""
    values = new_row(run, shape)
    values.pop("kind", None)
    parent = values.pop("parent", None)
    model = shape.model
    if shape.kind == "family" and run.chance(0.5):
        model = shape.child
        values["extra"] = run.numbers.word()
    thing = model()
    for name, value in values.items():
        setattr(thing, name, value)
    run.say(f"{type(thing).__name__}({values}, parent={parent})")
    if parent is not None:
        _put_under(run, shape, thing, parent)
    return thing


def _put_under(run: Run, shape: Shape, thing: Any, parent: Any) -> None:
    """Make an object the child of a row, by its relationship where it has one."""
    assert run.session is not None
    if shape.parent is not None and hasattr(shape.model, "up"):
        with run.session.no_autoflush:
            above = run.session.get(shape.parent.model, parent)
        run.session.add(thing)
        thing.up = above
    else:
        thing.parent = parent


def loaded(run: Run, shape: Shape) -> Any:
    """The object of a row that is there."""
    assert run.session is not None
    _, row = run.row(shape)
    thing = run.session.get(shape.model, tuple(row.values[name] for name in shape.key))
    if thing is None or thing in run.session.deleted:
        raise Inapplicable
    run.say(f"get {type(thing).__name__} {[row.values[name] for name in shape.key]}")
    return thing


def _changed(run: Run, shape: Shape, thing: Any) -> None:
    values: dict[str, Any] = {}
    for name in run.rng.sample(
        ["name", "a", "b", "seen", *(["owner"] if "owner" in shape.columns else [])], 2
    ):
        if name == "seen":
            values[name] = run.numbers.number()
        elif name == "owner":
            values[name] = f"u-{run.numbers.number()}"
        else:
            values[name] = run.rng.choice([run.numbers.word(), None, func.lower(run.numbers.word()), "same"])
    if hasattr(thing, "extra") and run.chance(0.4):
        values["extra"] = run.numbers.word()
    for name, value in values.items():
        setattr(thing, name, getattr(thing, name) if value == "same" and isinstance(value, str) else value)
    run.say(f"set {values}")


@way("Unit: add", session=True, weight=4)
def _add(run: Run) -> None:
    shape = run.shape(is_mapped)
    assert run.session is not None
    run.session.add_all([made(run, shape) for _ in range(run.rng.choice([1, 1, 2, 4]))])
    run.session.flush()


@way("Unit: change", session=True, weight=4)
def _change(run: Run) -> None:
    shape = run.shape(is_mapped)
    assert run.session is not None
    for thing in {
        id(t): t for t in (loaded(run, shape) for _ in range(run.rng.choice([1, 1, 2, 3])))
    }.values():
        _changed(run, shape, thing)
    run.session.flush()


@way("Unit: delete", session=True, weight=3)
def _delete(run: Run) -> None:
    shape = run.shape(is_mapped)
    assert run.session is not None
    run.session.delete(loaded(run, shape))
    run.session.flush()


@way("Unit: change of a key", session=True, weight=2)
def _key(run: Run) -> None:
    shape = run.shape(lambda s: is_plain(s))
    assert run.session is not None
    thing = loaded(run, shape)
    key = another_key(run, shape)
    for name, value in key.items():
        setattr(thing, name, value)
    if run.chance(0.5):
        thing.a = run.numbers.word()
    run.say(f"key becomes {key}")
    run.session.flush()


@way("Unit: several at once", session=True, weight=3)
def _several(run: Run) -> Allowance:
    assert run.session is not None
    for _ in range(run.rng.randint(2, 4)):
        with suppress(Inapplicable):  # a row may be gone since the last picture
            _another(run, run.shape(is_mapped))
    run.session.flush()
    return Allowance(several=True)


def _another(run: Run, shape: Shape) -> None:
    assert run.session is not None
    what = run.rng.choice(["add", "change", "delete", "flush"])
    if what == "add":
        run.session.add(made(run, shape))
    elif what == "flush":
        run.say("flush")
        run.session.flush()
    elif what == "change":
        _changed(run, shape, loaded(run, shape))
    else:
        run.session.delete(loaded(run, shape))
        run.say("delete it")


@way("Unit: add and delete again", session=True)
def _add_delete(run: Run) -> Allowance:
    shape = run.shape(is_mapped)
    assert run.session is not None
    thing = made(run, shape)
    run.session.add(thing)
    run.session.flush()
    if run.chance(0.5):
        _changed(run, shape, thing)
        run.session.flush()
    run.session.delete(thing)
    run.session.flush()
    return Allowance(several=True)


@way("Unit: delete and add the same key", session=True)
def _switch(run: Run) -> Allowance:
    shape = run.shape(is_plain)
    assert run.session is not None
    thing = loaded(run, shape)
    with run.session.no_autoflush:
        key = {name: getattr(thing, name) for name in shape.key}
        run.session.delete(thing)
        if run.chance(0.5):
            run.say("delete it, flush")
            run.session.flush()
        again = shape.model()
        for name, value in {**new_row(run, shape), **key}.items():
            setattr(again, name, value)
        run.say(f"add another with its key {key}")
    run.session.add(again)
    run.session.flush()
    return Allowance(replaced=True)


@way("Unit: merge", session=True, weight=2)
def _merge(run: Run) -> None:
    shape = run.shape(is_plain)
    assert run.session is not None
    thing = shape.model()
    values = new_row(run, shape, key=True)
    values.pop("parent", None)
    values.pop("code", None)
    if run.chance(0.6):
        _, row = run.row(shape)
        values |= {name: row.values[name] for name in shape.key}
    for name, value in values.items():
        setattr(thing, name, value)
    run.say(f"merge {values}")
    run.session.merge(thing)
    run.session.flush()


@way("Unit: move children", session=True, weight=2)
def _move(run: Run) -> None:
    shape = run.shape(lambda s: is_mapped(s) and s.parent is not None and hasattr(s.model, "up"))
    assert run.session is not None
    assert shape.parent is not None
    above = loaded(run, shape.parent)
    what = run.rng.choice(["append", "clear", "replace", "up"])
    if what == "append":
        above.downs.append(made(run, shape))
    elif what == "clear":
        above.downs.clear()
    elif what == "replace":
        above.downs = [loaded(run, shape)]
    else:
        loaded(run, shape).up = run.rng.choice([None, above])
    run.say(what)
    run.session.flush()


@way("Unit: many to many", session=True, weight=2)
def _mates(run: Run) -> None:
    link = run.shape(lambda s: s.sides is not None and hasattr(s.sides[0].model, "mates"))
    assert run.session is not None
    assert link.sides is not None
    left, right = loaded(run, link.sides[0]), loaded(run, link.sides[1])
    what = run.rng.choice(["toggle", "clear", "replace", "new"])
    if what == "new":
        left.mates.append(made(run, link.sides[1]))
    elif what == "clear":
        left.mates.clear()
    elif what == "replace":
        left.mates = [right]
    elif right in left.mates:
        left.mates.remove(right)
    else:
        left.mates.append(right)
    run.say(what)
    run.session.flush()
