"""Where tracked rows lie: from a SQLAlchemy table or mapped class to its declaration, and to the columns it needs.

Owns the view of a mapping that hooks work with: attributes, tables of a hierarchy, discriminators. Refuses to execute
anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import BINARY, VARBINARY, Column, FromClause, LargeBinary, Table, inspect
from sqlalchemy.orm import Mapper

from trailbook.capture.declarations import Columns, Tracked

_BYTES = (LargeBinary, BINARY, VARBINARY)


class Declaration(Struct, frozen=True):
    """What a host declared of a mapped class, or of a table, which has no mapper."""

    mapper: Mapper[Any] | None
    tracked: Tracked


class Layout(Struct, frozen=True):
    """How a mapped class or a table is laid out: its columns by attribute, its tables (the base first), its mapper."""

    columns: Columns
    tables: list[Table]
    mapper: Mapper[Any] | None = None


class TrackedTable(Struct, kw_only=True):
    """A table with tracked rows. `base` is false for a table that only holds the rest of an inherited row.

    `attributes` are those of the declarations that stand in this table, and `table.column` where none names a column.
    """

    table: Table
    base: bool
    attributes: Mapping[str, Column[Any]]
    declared: list[Declaration]

    def look(self) -> None:
        """See which columns the table has: a class that inherits gives it some when it is declared."""
        self.attributes = columns_in(self.table, [each.mapper for each in self.declared])

    @property
    def bare(self) -> str:
        """The table's name in its schema."""
        return str(self.table.name)

    @property
    def schema(self) -> str | None:
        """The schema of the table, where its host names one."""
        return self.table.schema

    @property
    def triggered(self) -> bool:
        """Whether triggers see this table, so that hooks must not."""
        return self.declared[0].tracked.by == "triggers"

    def columns(self) -> list[Column[Any]]:
        """The columns that entries of this table are made of, the discriminator among them where it decides."""
        wanted = set().union(*(each.tracked.needs | set(each.tracked.key) for each in self.declared))
        columns = [column for name, column in self.attributes.items() if name in wanted]
        mark = self.discriminator()
        return columns if mark is None or mark in set(columns) else [*columns, mark]

    def missing(self) -> list[str]:
        """What an entry needs that does not lie in this table, but for a name, which may lie in the other one."""
        missing: set[str] = set()
        for each in self.declared:
            spared = () if self.base else (each.tracked.name, each.tracked.hint)
            missing |= (each.tracked.needs | set(each.tracked.key)) - set(self.attributes) - set(spared)
        return sorted(missing)

    def tracked(self, values: Mapping[Column[Any], Any]) -> Tracked | None:
        """The declaration of a row: that of its class, by the discriminator; None for a class that is not tracked."""
        mark = self.discriminator()
        if mark is None:
            return self.declared[0].tracked
        mapper = self.declared[0].mapper
        assert mapper is not None
        return nearest(mapper.polymorphic_map.get(values.get(mark)), self.declared)

    def discriminator(self) -> Column[Any] | None:
        """The column that says of which class a row is, where that decides its declaration."""
        mapper = self.declared[0].mapper
        if mapper is None or (len(self.declared) == 1 and mapper is mapper.base_mapper):
            return None
        mark = mapper.polymorphic_on
        return mark if isinstance(mark, Column) and mark.table is self.table else None


def nearest(mapper: Mapper[Any] | None, declared: Sequence[Declaration]) -> Tracked | None:
    """The declaration of a mapped class: its own, else that of the nearest class it inherits from."""
    tracked = {id(each.mapper): each.tracked for each in declared}
    for ancestor in () if mapper is None else mapper.iterate_to_root():
        if id(ancestor) in tracked:
            return tracked[id(ancestor)]
    return None


def locations_of(model: Any) -> Layout:
    """How a mapped class or a table is laid out."""
    if isinstance(model, Table):
        columns = {column.key: str(column.name) for column in model.columns}
        key = tuple(column.key for column in model.primary_key)
        schema = str(model.schema) if model.schema else None
        binary = _binary({column.key: column for column in model.columns})
        table = str(model.fullname)
        return Layout(Columns(table=table, key=key, columns=columns, schema=schema, binary=binary), [model])
    mapper: Mapper[Any] = inspect(model)
    attributes = {attribute.key: attribute.columns[0] for attribute in mapper.column_attrs}
    columns = {name: str(column.name) for name, column in attributes.items() if isinstance(column, Column)}
    key = tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)
    tables = [table for table in mapper.tables if isinstance(table, Table)]
    own = mapper.local_table
    name = str(own.fullname if isinstance(own, Table) else own.description)
    schema = str(own.schema) if isinstance(own, Table) and own.schema else None
    binary = _binary(attributes)
    return Layout(Columns(table=name, key=key, columns=columns, schema=schema, binary=binary), tables, mapper)


def _binary(columns: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name, column in columns.items() if isinstance(column.type, _BYTES))


def trigger_fault(layout: Layout) -> str:
    """Why triggers cannot cover a class, whose rows have to be just those of one table; empty where they can."""
    if len(layout.tables) > 1:
        return "a trigger sees one table, this class has several"
    mapper = layout.mapper
    if mapper is None or not mapper.single:
        return ""
    name, base = mapper.class_.__name__, mapper.base_mapper.class_.__name__
    return f"a trigger cannot tell the rows of {name} from others of their table: track {base}"


def columns_in(table: Table, mappers: Iterable[Mapper[Any] | None]) -> dict[str, Column[Any]]:
    """All columns of a table by what some classes call them, the first of them first.

    A column that none of them names, as one of another class in the same table, has its full name, which no attribute
    has: its change counts, and is no field.
    """
    columns: dict[str, Column[Any]] = {}
    for mapper in mappers:
        columns = {**attributes_in(table, mapper), **columns}
    known = set(columns.values())
    return columns | {str(column): column for column in table.columns if column not in known}


def attributes_in(table: FromClause, mapper: Mapper[Any] | None) -> dict[str, Column[Any]]:
    """The attributes whose columns stand in a table."""
    if mapper is None:
        return {column.key: column for column in table.columns if isinstance(column, Column)}
    attributes: dict[str, Column[Any]] = {}
    for attribute in mapper.column_attrs:
        for column in attribute.columns:
            if isinstance(column, Column) and column.table is table:
                attributes[attribute.key] = column
    for key in mapper.primary_key:
        # The key of an inherited row may have another name in its other table.
        name = mapper.get_property_by_column(key).key
        same = [each for each in _equivalent(mapper, key) if each.table is table]
        if name not in attributes and same and isinstance(same[0], Column):
            attributes[name] = same[0]
    return attributes


def _equivalent(mapper: Mapper[Any], column: Any) -> list[Any]:
    """The columns that hold the same as one, table after table."""
    columns = [column]
    for each in columns:
        more = mapper._equivalent_columns.get(each, ())
        columns += [other for other in more if not any(other is known for known in columns)]
    return columns
