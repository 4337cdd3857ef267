"""Random schemas of a host: tables with keys, names, defaults, foreign keys and hierarchies, and what they declare.

Owns the drawing. Refuses to make the tables in a database: `host.py` does.
"""

from typing import Any

from msgspec import Struct
from sqlalchemy import Column, ForeignKey, Identity, Integer, MetaData, Sequence, String, Table, func, text
from sqlalchemy.orm import registry, relationship
from tests.capture.fuzz.shapes import ITEMS, OPS, OWNERS, SCHEMA, Numbers, Schema, Shape

KINDS = ("asset", "goal", "task", "role", "family")
NAMES = ["thing", "Thing", "order", "user", "Mixed Case", 'quo"te', "select", "dotted.name", "håndbok", "t_1"]
COLUMN_NAMES = ["{}", "{}", "{}_column", "{} Column", "{}ORDER", "group {}"] * 8 + ['{}"q']
KEYWORDS = {"a": ["order", "set", "where"], "b": ["group", "from", "update"], "seen": ["delete", "values"]}
KEYS = ["auto", "auto", "int", "text", "python", "server", "identity", "sequence"]
_RANDOM = {"postgresql": "gen_random_uuid()::text", "sqlite": "(lower(hex(randomblob(8))))"}


def drawn_schema(rng: Any, dialect: str, by: str) -> Schema:
    """A schema of one to four tables."""
    meta = MetaData()
    schema = Schema(meta=meta, mappers=registry(metadata=meta), shapes=[], numbers=Numbers())
    draw = _Draw(rng=rng, dialect=dialect, by=by, schema=schema)
    kinds = [kind for kind in KINDS if draw.chance(45)][:3] or [rng.choice(KINDS)]
    names = _distinct(rng, NAMES, len(kinds) + 1)
    for kind in kinds:
        schema.shapes.append(draw.shape(kind, names.pop()))
    sides = [shape for shape in schema.shapes if len(shape.key) == 1]
    sides = [side for side in sides if dialect == "postgresql" or side.table.schema is None]
    if len(sides) > 1 and draw.chance(60):
        schema.shapes.append(draw.link(names.pop(), sides[0], sides[1]))
    for shape in schema.shapes:
        draw.declare(shape)
    return schema


def _distinct(rng: Any, choice: list[str], count: int) -> list[str]:
    """Names for tables that no database takes for each other."""
    names: list[str] = []
    while len(names) < count:
        name = rng.choice(choice)
        if name.casefold() in {each.casefold() for each in names}:
            name = f"{name}_{len(names)}"
        names.append(name)
    return names


class _Draw(Struct):
    rng: Any
    dialect: str
    by: str
    schema: Schema

    def chance(self, percent: int) -> bool:
        return bool(self.rng.randrange(100) < percent)

    def shape(self, kind: str, name: str) -> Shape:
        """A table of a kind."""
        columns: dict[str, Column[Any]] = {}
        shape = Shape(kind=kind, columns=columns, key=(), actions=self._actions(kind))
        schema = SCHEMA if self._may_have_schema() and self.chance(15) else None
        self._key(shape)
        self._values(shape)
        self._parent(shape, schema)
        if kind == "family":
            columns["kind"] = self._column("kind", String, nullable=False, default="base")
        returning = {} if self.chance(93) else {"implicit_returning": False}
        shape.table = Table(name, self.schema.meta, *columns.values(), schema=schema, **returning)
        if kind == "family":
            self._family(shape)
        return shape

    def _may_have_schema(self) -> bool:
        return self.dialect == "postgresql" or self.by == "hooks"  # SQLite's triggers stay within a file

    def _key(self, shape: Shape) -> None:
        if shape.kind == "task":
            shape.key = ("k1", "k2")
            shape.columns["k1"] = self._column("k1", Integer, primary_key=True, autoincrement=False)
            shape.columns["k2"] = self._column("k2", String, primary_key=True)
            return
        how = self.rng.choice(KEYS if self.dialect == "postgresql" else KEYS[:6])
        type_ = String if how in ("text", "python", "server") else Integer
        args = [Identity()] if how == "identity" else []
        if how == "sequence":
            args = [Sequence(f"number of {shape.kind}", start=1, metadata=self.schema.meta)]
        more = {"int": {"autoincrement": False}, "server": {"server_default": text(_RANDOM[self.dialect])}}
        word = self.schema.numbers.word
        default = {"default": lambda: word()} if how == "python" else more.get(how, {})
        shape.columns["id"] = self._column("id", type_, *args, primary_key=True, **default)
        shape.key, shape.keys = ("id",), "given" if how in ("int", "text") else "auto"

    def _values(self, shape: Shape) -> None:
        columns, word = shape.columns, self.schema.numbers.word
        defaults = [{}, {}, {"default": "preset"}, {"default": lambda: "called"}]
        defaults += [{"default": func.upper("x")}, {"server_default": "given"}]
        updates = [{}, {}, {}, {"onupdate": lambda: word()}, {"onupdate": func.upper("y")}]
        columns["name"] = self._column("name", String)
        columns["a"] = self._column("a", String, **self.rng.choice(defaults))
        columns["b"] = self._column("b", String, **self.rng.choice(updates))
        columns["seen"] = self._column("seen", Integer, default=0)
        if shape.kind in OWNERS:
            given = {"nullable": False, "server_default": "u-0"} if shape.kind == "goal" else {}
            columns["owner"] = self._column("owner", String, **given)
        if self.chance(50):
            columns["code"] = self._column("code", String, unique=True)
            if shape.kind == "role" and self.chance(40):
                shape.identity = "code"
        if shape.kind == "task" and self.by == "hooks" and self.chance(30):
            shape.identity = "called"

    def _column(self, attribute: str, type_: Any, *args: Any, **more: Any) -> Column[Any]:
        pattern = self.rng.choice(COLUMN_NAMES)
        name = pattern.format(attribute)
        if attribute in KEYWORDS and self.chance(40):
            name = self.rng.choice(KEYWORDS[attribute])
        # What a row's class is SQLAlchemy's bulk inserts set by the name of the attribute, not of the column.
        if name != attribute and (attribute == "kind" or self.chance(50)):
            more["key"] = attribute
        return Column(name, type_, *args, **more)

    def _parent(self, shape: Shape, schema: str | None) -> None:
        parents = [each for each in self.schema.shapes if len(each.key) == 1]
        if self.dialect == "sqlite":  # whose foreign keys stay within a file
            parents = [each for each in parents if each.table.schema == schema]
        if parents and self.chance(60):
            shape.parent = parents[-1]
            top = shape.parent.columns["id"]
            shape.columns["parent"] = Column("parent", top.type, self._reference(shape, top))

    def _reference(self, shape: Shape, top: Column[Any]) -> ForeignKey:
        actions = [None, None, "CASCADE", "SET NULL"] if shape.kind != "link" else [None, None, "CASCADE"]
        gone, renamed = self.rng.choice(actions), self.rng.choice([None, "CASCADE"])
        shape.by_itself |= gone is not None or renamed is not None
        return ForeignKey(top, ondelete=gone, onupdate=renamed)

    def _family(self, shape: Shape) -> None:
        """A class that inherits, in a table of its own or in the same."""
        shape.base_is_tracked = self.chance(60)
        table = shape.table
        if self.chance(50):
            own = shape.columns["id"]
            top = Column(own.name, ForeignKey(own, onupdate="CASCADE"), primary_key=True)
            extra = Column("extra", String)
            shape.rest = Table(f"{table.name}_rest", self.schema.meta, top, extra, schema=table.schema)
        else:
            shape.columns["extra"] = Column("extra", String)
            table.append_column(shape.columns["extra"])

    def link(self, name: str, left: Shape, right: Shape) -> Shape:
        """An association of two tables."""
        columns: dict[str, Column[Any]] = {}
        actions = self._actions("link")
        shape = Shape(kind="link", columns=columns, key=("k1", "k2"), actions=actions)
        shape.sides = (left, right)
        for attribute, side in (("k1", left), ("k2", right)):
            top = side.columns["id"]
            columns[attribute] = Column(attribute, top.type, self._reference(shape, top), primary_key=True)
        columns["a"] = self._column("a", String)
        shape.table = Table(name, self.schema.meta, *columns.values())
        return shape

    def declare(self, shape: Shape) -> None:
        """Map a class to a table, or leave it to Core; and say which fields may be named."""
        sides = [side.model for side in shape.sides or ()]
        if sides and None not in sides and self.chance(70):
            sides[0].__mapper__.add_property("mates", relationship(sides[1], secondary=shape.table))
        elif shape.kind == "family" or self.chance(75):
            self._map(shape)
        fields = zip(("a", "b"), ITEMS[shape.kind].fields, strict=True)
        shape.fields = {shape.part(name): field for name, field in fields if name in shape.columns}

    def _map(self, shape: Shape) -> None:
        shape.model = type(f"Model{shape.kind.title()}", (), {})
        properties: dict[str, Any] = {**shape.columns, **self._relationship(shape)}
        is_family = shape.kind == "family"
        more = {"polymorphic_on": shape.columns["kind"], "polymorphic_identity": "base"} if is_family else {}
        self.schema.mappers.map_imperatively(shape.model, shape.table, properties=properties, **more)
        if is_family:
            shape.child = type("ModelChild", (shape.model,), {})
            shape.child_actions = self._actions("child")
            self.schema.mappers.map_imperatively(
                shape.child, shape.rest, inherits=shape.model, polymorphic_identity="child"
            )

    def _relationship(self, shape: Shape) -> dict[str, Any]:
        """The way up to the class of the parent, and its way down, which a class has to one other only."""
        above = shape.parent.model if shape.parent is not None else None
        if above is None or "downs" in above.__mapper__._init_properties:
            return {}
        by = shape.columns["parent"]
        cascade = self.rng.choice(["save-update, merge", "all, delete-orphan", "all"])
        passive = bool(next(iter(by.foreign_keys)).ondelete) and self.chance(50)
        down = relationship(
            shape.model, back_populates="up", cascade=cascade, passive_deletes=passive, foreign_keys=by
        )
        above.__mapper__.add_property("downs", down)
        return {"up": relationship(above, back_populates="downs", foreign_keys=by)}

    def _actions(self, kind: str) -> dict[str, str | None]:
        actions: dict[str, str | None] = dict(zip(OPS, ITEMS[kind].actions, strict=True))
        if self.chance(10):
            actions[self.rng.choice(OPS)] = None
        return actions
