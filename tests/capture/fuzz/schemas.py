"""Random schemas of a host: tables with keys, names, defaults, foreign keys and hierarchies, and what they declare.

Owns the shapes of which a schema is made, each under a type of its own, so that an entry tells whose row it is of.
Refuses to capture: `host.py` makes the tables in a database.
"""

from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import (
    Column,
    ForeignKey,
    Identity,
    Integer,
    MetaData,
    Sequence,
    String,
    Table,
    func,
    text,
)
from sqlalchemy.orm import registry, relationship

Kind = Literal["asset", "goal", "task", "role", "link", "family"]
OPS = ("created", "updated", "deleted")
# By kind: the type of its items, what their changes are called, and two fields of it.
TYPES: dict[str, tuple[str, tuple[str, str, str], tuple[str, str]]] = {
    "asset": ("asset", ("asset.created", "asset.updated", "asset.deleted"), ("note", "status")),
    "goal": ("goal", ("goal.created", "goal.updated", "goal.deleted"), ("description", "status")),
    "task": ("task", ("task.created", "task.due_date_changed", "task.deleted"), ("description", "status")),
    "role": ("role", ("role.created", "role.updated", "role.deleted"), ("description", "status")),
    "link": (
        "clock_entry",
        ("clock_entry.added", "clock_entry.corrected", "clock_entry.deleted"),
        ("note", "status"),
    ),
    "family": ("team", ("team.created", "team.updated", "team.deleted"), ("description", "status")),
    "child": (
        "location",
        ("location.created", "location.updated", "location.deleted"),
        ("description", "status"),
    ),
}
OWNERS = {"asset": "holder", "goal": "owner", "task": "assignee"}
SECONDS = {"task": "subject", "link": "owner"}  # the part that tells the second column of a key
NAMES = ["thing", "Thing", "order", "user", "Mixed Case", 'quo"te', "select", "dotted.name", "håndbok", "t_1"]
COLUMN_NAMES = ["{}", "{}", "{}_column", "{} Column", "{}ORDER", "group {}"] * 8 + ['{}"q']
KEYWORDS = {"a": ["order", "set", "where"], "b": ["group", "from", "update"], "seen": ["delete", "values"]}
SCHEMA = "Side"


class Shape(Struct, kw_only=True):
    """A table of the host and what it declares: its columns by attribute, its class if it is mapped."""

    kind: str
    table: Table
    columns: dict[str, Column[Any]]
    key: tuple[str, ...]
    keys: Literal["auto", "given"]
    actions: dict[str, str | None]
    fields: dict[str, str]
    model: Any = None
    rest: Table | None = None  # the table of a class that inherits, where it has its own
    child: Any = None  # the class that inherits
    child_actions: dict[str, str | None] | None = None
    parent: "Shape | None" = None
    action_of_parent: str | None = None  # what the database does when the parent goes
    sides: "tuple[Shape, Shape] | None" = None  # what an association joins
    base_is_tracked: bool = True

    @property
    def type(self) -> str:
        """The type of its items."""
        return TYPES[self.kind][0]

    def part(self, attribute: str) -> str:
        """What the declaration calls an attribute: a table's column goes by its key."""
        return attribute if self.model is not None else str(self.columns[attribute].key)


class Schema(Struct, kw_only=True):
    """The tables of one host, parents first."""

    meta: MetaData
    mappers: registry
    shapes: list[Shape]
    numbers: "Numbers"


class Numbers:
    """Values that no row has had before."""

    def __init__(self) -> None:
        self._last = 1000

    def number(self) -> int:
        """A new number."""
        self._last += 1
        return self._last

    def word(self) -> str:
        """A new text; now and then such as no parser should trip over."""
        number = self.number()
        return f"v{number}" if number % 23 else f'v{number}\'; DELETE FROM "thing" -- %s'


def drawn_schema(rng: Any, dialect: str, by: str) -> Schema:
    """A schema of one to four tables."""
    meta, numbers = MetaData(), Numbers()
    kinds = [kind for kind in ("asset", "goal", "task", "role", "family") if rng.randrange(100) < 45]
    kinds = kinds[:3] or [rng.choice(["asset", "goal", "task", "role", "family"])]
    names = iter(_distinct(rng, len(kinds) + 2))
    schema = Schema(meta=meta, mappers=registry(metadata=meta), shapes=[], numbers=numbers)
    draw = _Draw(rng=rng, dialect=dialect, by=by, schema=schema)
    for kind in kinds:
        schema.shapes.append(draw.shape(kind, next(names)))
    single = [shape for shape in schema.shapes if len(shape.key) == 1]
    if len(single) > 1 and rng.randrange(100) < 60:
        schema.shapes.append(draw.link(next(names), single[0], single[1]))
    for shape in schema.shapes:
        draw.mapped(shape)
    return schema


def _distinct(rng: Any, count: int) -> list[str]:
    """Names for tables that no database takes for each other."""
    names: list[str] = []
    while len(names) < count:
        name = rng.choice(NAMES)
        if name.casefold() in {each.casefold() for each in names}:
            name = f"{name}_{len(names)}"
        names.append(name)
    return names


class _Draw(Struct):
    rng: Any
    dialect: str
    by: str
    schema: Schema

    def shape(self, kind: str, name: str) -> Shape:
        """A table of a kind."""
        rng = self.rng
        columns: dict[str, Column[Any]] = {}
        key, keys = self._key(kind, columns)
        columns["name"] = self._column("name", String)
        columns["a"] = self._column("a", String, **self._default())
        columns["b"] = self._column("b", String, **self._update())
        columns["seen"] = self._column("seen", Integer, default=0)
        if kind in OWNERS:
            columns["owner"] = self._column(
                "owner",
                String,
                nullable=kind != "goal",
                **({"server_default": "u-0"} if kind == "goal" else {}),
            )
        if rng.randrange(100) < 50:
            columns["code"] = self._column("code", String, unique=True)
        parent, action = self._parent(columns)
        if kind == "family":
            columns["kind"] = self._column("kind", String, nullable=False, default="base")
        schema = SCHEMA if self._has_schema() else None
        implicit = {} if rng.randrange(100) < 93 else {"implicit_returning": False}
        table = Table(name, self.schema.meta, *columns.values(), schema=schema, **implicit)
        shape = Shape(
            kind=kind,
            table=table,
            columns=columns,
            key=key,
            keys=keys,
            actions=self._actions(kind),
            fields={},
            parent=parent,
            action_of_parent=action,
        )
        shape.base_is_tracked = kind != "family" or rng.randrange(100) < 60
        if kind == "family" and rng.randrange(100) < 50:
            own = columns[key[0]]
            top = Column(own.name, ForeignKey(own, ondelete=None), primary_key=True)
            shape.rest = Table(f"{name}_rest", self.schema.meta, top, Column("extra", String), schema=schema)
        elif kind == "family":
            columns["extra"] = Column("extra", String)
            table.append_column(columns["extra"])
        return shape

    def link(self, name: str, left: Shape, right: Shape) -> Shape:
        """An association of two tables."""
        action = self.rng.choice([None, None, "CASCADE"])
        columns: dict[str, Column[Any]] = {
            attribute: Column(
                attribute, ForeignKey(side.columns[side.key[0]], ondelete=action), primary_key=True
            )
            for attribute, side in (("k1", left), ("k2", right))
        }
        columns["a"] = self._column("a", String)
        table = Table(name, self.schema.meta, *columns.values())
        return Shape(
            kind="link",
            table=table,
            columns=columns,
            key=("k1", "k2"),
            keys="given",
            actions=self._actions("link"),
            fields={},
            sides=(left, right),
            action_of_parent=action,
        )

    def mapped(self, shape: Shape) -> None:
        """Map a class to a table, or leave it to Core."""
        rng = self.rng
        sides = [side.model for side in shape.sides or ()]
        if sides and None not in sides and rng.randrange(100) < 70:
            sides[0].__mapper__.add_property("mates", relationship(sides[1], secondary=shape.table))
        elif shape.kind == "family" or rng.randrange(100) < 75:
            self._map(shape)
        names = TYPES[shape.kind][2]
        shape.fields = {
            shape.part(a): f for a, f in zip(("a", "b"), names, strict=True) if a in shape.columns
        }

    def _map(self, shape: Shape) -> None:
        shape.model = type(f"Model{shape.kind.title()}", (), {})
        properties: dict[str, Any] = dict(shape.columns)
        if shape.rest is None:
            properties.pop("extra", None)
        above = shape.parent.model if shape.parent is not None else None
        if above is not None and "downs" not in above.__mapper__._init_properties:
            cascade = self.rng.choice(["save-update, merge", "all, delete-orphan", "all"])
            passive = self.rng.choice([True, False]) if shape.action_of_parent else False
            above.__mapper__.add_property(
                "downs",
                relationship(
                    shape.model,
                    back_populates="up",
                    cascade=cascade,
                    passive_deletes=passive,
                    foreign_keys=shape.columns["parent"],
                ),
            )
            properties["up"] = relationship(
                above, back_populates="downs", foreign_keys=shape.columns["parent"]
            )
        more = (
            {"polymorphic_on": shape.columns["kind"], "polymorphic_identity": "base"}
            if shape.kind == "family"
            else {}
        )
        self.schema.mappers.map_imperatively(shape.model, shape.table, properties=properties, **more)
        if shape.kind == "family":
            shape.child = type("ModelChild", (shape.model,), {})
            self.schema.mappers.map_imperatively(
                shape.child, shape.rest, inherits=shape.model, polymorphic_identity="child"
            )
            shape.child_actions = self._actions("child")

    def _key(self, kind: str, columns: dict[str, Column[Any]]) -> tuple[tuple[str, ...], Any]:
        if kind == "task":
            columns["k1"] = self._column("k1", Integer, primary_key=True, autoincrement=False)
            columns["k2"] = self._column("k2", String, primary_key=True)
            return ("k1", "k2"), "given"
        made = ["auto", "auto", "int", "text", "python", "server", "identity", "sequence"]
        how = self.rng.choice(made if self.dialect == "postgresql" else made[:6])
        more: dict[str, Any] = {"primary_key": True}
        args: list[Any] = []
        word = self.schema.numbers.word
        if how == "python":
            more["default"] = lambda: word()
        elif how == "server":
            random = (
                "gen_random_uuid()::text" if self.dialect == "postgresql" else "(lower(hex(randomblob(8))))"
            )
            more["server_default"] = text(random)
        elif how == "identity":
            args.append(Identity())
        elif how == "sequence":
            args.append(Sequence(f"number of {kind}", start=1, metadata=self.schema.meta))
        elif how == "int":
            more["autoincrement"] = False
        type_ = String if how in ("text", "python", "server") else Integer
        columns["id"] = self._column("id", type_, *args, **more)
        return ("id",), "given" if how in ("int", "text") else "auto"

    def _column(self, attribute: str, type_: Any, *args: Any, **more: Any) -> Column[Any]:
        pattern = self.rng.choice([*COLUMN_NAMES, *[None] * 9] if attribute in KEYWORDS else COLUMN_NAMES)
        name = self.rng.choice(KEYWORDS[attribute]) if pattern is None else pattern.format(attribute)
        if name != attribute and self.rng.randrange(100) < 50:
            more["key"] = attribute
        return Column(name, type_, *args, **more)

    def _default(self) -> dict[str, Any]:
        return self.rng.choice(
            [
                {},
                {},
                {"default": "preset"},
                {"default": lambda: "called"},
                {"default": func.upper("x")},
                {"server_default": "given"},
            ]
        )

    def _update(self) -> dict[str, Any]:
        word = self.schema.numbers.word
        return self.rng.choice([{}, {}, {}, {"onupdate": lambda: word()}, {"onupdate": func.upper("y")}])

    def _parent(self, columns: dict[str, Column[Any]]) -> tuple[Shape | None, str | None]:
        parents = [shape for shape in self.schema.shapes if len(shape.key) == 1]
        if not parents or self.rng.randrange(100) < 40:
            return None, None
        action = self.rng.choice([None, None, "CASCADE", "SET NULL"])
        parent = parents[-1]
        target = parent.columns[parent.key[0]]
        columns["parent"] = Column("parent", target.type, ForeignKey(target, ondelete=action))
        return parent, action

    def _has_schema(self) -> bool:
        return self.dialect == "postgresql" and self.rng.randrange(100) < 15

    def _actions(self, kind: str) -> dict[str, str | None]:
        actions: dict[str, str | None] = dict(zip(OPS, TYPES[kind][1], strict=True))
        if self.rng.randrange(100) < 10:
            actions[self.rng.choice(OPS)] = None
        return actions
