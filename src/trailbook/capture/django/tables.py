"""Where registered rows lie: from a model to its tables, and from a table to the columns that an entry needs.

Owns the view of a model that capture works with: attributes, columns, the tables of an inherited model. Refuses models
whose rows it could not follow: two parents with tables, a parent registered beside its child.
"""

from collections.abc import Iterable, Iterator, Mapping
from inspect import isclass
from typing import Any

from django.db.models import BinaryField, Field, Model, UUIDField
from msgspec import Struct, structs

from trailbook.capture.declarations import Columns, Declared, Ref, Tracked
from trailbook.capture.recorder import Recorder
from trailbook.capture.sql_tables import TableName, table_name
from trailbook.errors import ConfigurationError


class Registered(Struct, frozen=True, kw_only=True):
    """A registered model: what was declared of it, and where its rows lie, its own table first."""

    model: type[Model]
    tracked: Tracked
    places: "tuple[Place, ...]"
    reads_object: bool  # a callable of the host's takes an object

    @property
    def identity(self) -> frozenset[str]:
        """The columns whose change makes another item of a row."""
        return frozenset(self.tracked.columns[name] for name in self.tracked.identity)

    @property
    def inherits(self) -> bool:
        """Whether a row lies in several tables."""
        return len(self.places) > 1


class Place(Struct, frozen=True, kw_only=True):
    """A table of a registered model: its name as the model has it and as the judge does, its key, and its fields."""

    table: str
    name: TableName
    own: bool  # false for a parent's
    key: tuple[str, ...]  # columns
    fields: "Mapping[str, Field[Any, Any]]"  # by column

    @property
    def bare(self) -> str:
        """The table's name in its schema."""
        return _split(self.table)[1]

    @property
    def schema(self) -> str | None:
        """The schema that the host has put into the name."""
        return _split(self.table)[0]

    def attributes(self, column: str) -> tuple[str, ...]:
        """What a column is called in declarations: by the field's name, and for a foreign key by its id's too."""
        field = self.fields[column]
        return tuple(dict.fromkeys((field.name, field.attname)))


def registered(recorder: Recorder, model: type[Model], declared: Declared) -> Registered:
    """A model's declaration, checked.

    Raises: ConfigurationError naming the model and what is wrong; ActionUnknownError naming the nearest action.
    """
    concrete = _concrete(model)
    places = tuple(_places(concrete))
    names = {name: str(field.column) for field in _fields(concrete) for name in (field.name, field.attname)}
    key = tuple(field.attname for field in concrete._meta.pk_fields)
    schema, table = _split(concrete._meta.db_table)
    whole = table if schema is None else f"{schema}.{table}"
    held = {name for f in _fields(concrete) if isinstance(f, BinaryField) for name in (f.name, f.attname)}
    columns = Columns(table=whole, key=key, columns=names, schema=schema, binary=frozenset(held))
    own = _by_value(declared, {field.name: field.attname for field in _fields(concrete)})
    try:
        checked = recorder.track(columns, structs.replace(own, ignore=_alike(declared.ignore, names)))
    except ConfigurationError as error:
        raise fault(model, str(error).removeprefix(f"track({columns.table}): ")) from None
    tracked = recorder.tracked[checked.table] = structs.replace(checked, uuids=_uuids(concrete))
    if len(places) > 1 and tracked.by == "triggers":
        raise fault(model, "by: a trigger sees one table, and the rows of this model lie in several")
    if len(places) > 1 and callable(tracked.id):
        raise fault(model, "id: of a model whose rows lie in several tables it has to be a field")
    return Registered(
        model=concrete,
        tracked=tracked,
        places=places,
        reads_object=callable(recorder.org) or tracked.has_callables,
    )


def fault(model: type[Model], why: str) -> ConfigurationError:
    """A fault of a registration, to be raised."""
    return ConfigurationError(f"register({model.__name__}): {why}")


def _concrete(given: object) -> type[Model]:
    model: Any = given
    if not isclass(given) or not hasattr(given, "_meta"):
        raise ConfigurationError(f"register: {given!r} is not a model")
    if model._meta.abstract or model._meta.swapped:
        raise fault(model, "has no table: register the models that inherit from it")
    concrete: type[Model] = model._meta.concrete_model or model
    return concrete


def _fields(model: type[Model]) -> "list[Field[Any, Any]]":
    return [field for field in model._meta.concrete_fields if field.column is not None]


def _by_value(declared: Declared, names: Mapping[str, str]) -> Declared:
    """A declaration that reads of a foreign key what is stored, of an object as of a row: never what it points at."""

    def part(given: Any) -> Any:
        return names.get(given, given) if isinstance(given, str) else given

    def ref(given: Any) -> Any:
        if not isinstance(given, Ref):
            return given
        return structs.replace(given, id=part(given.id), name=part(given.name), hint=part(given.hint))

    concerns = declared.concerns
    if isinstance(concerns, Mapping):  # what else it may be, the check of the declaration refuses
        concerns = {name: ref(each) for name, each in concerns.items()}
    return structs.replace(
        declared,
        id=part(declared.id),
        name=part(declared.name),
        hint=part(declared.hint),
        owner=ref(declared.owner),
        concerns=concerns,
    )


def _line(model: type[Model]) -> Iterator[type[Model]]:
    """A model and those that it inherits from, each with a table, up to the first. Raises: ConfigurationError."""
    owner = model
    while True:
        yield owner
        links = {parent: link for parent, link in owner._meta.parents.items() if not parent._meta.proxy}
        if not links:
            return
        if len(links) > 1:
            raise fault(
                model,
                f"{owner.__name__} inherits from several models with tables, whose rows cannot be followed",
            )
        [(parent, link)] = links.items()
        if owner._meta.pk is not link:
            raise fault(model, f"the primary key of {owner.__name__} is not the link to its parent")
        if link.target_field is not parent._meta.pk:
            raise fault(model, f"{owner.__name__} is not linked to the primary key of {parent.__name__}")
        owner = parent


def _places(model: type[Model]) -> Iterable[Place]:
    for owner in _line(model):
        if percent := next(
            (f.column for f in owner._meta.local_concrete_fields if "%" in (f.column or "")), None
        ):
            raise fault(
                model, f"the column {percent!r} has a percent sign, which texts of SQL take for a parameter"
            )
        local = {str(f.column): f for f in owner._meta.local_concrete_fields if f.column is not None}
        yield Place(
            table=owner._meta.db_table,
            name=_named(owner._meta.db_table),
            own=owner is model,
            key=tuple(str(field.column) for field in owner._meta.pk_fields),
            fields=local,
        )


def _named(table: str) -> TableName:
    """A table's name as the judge has it."""
    schema, name = _split(table)
    return table_name(name, schema)


def _split(table: str) -> tuple[str | None, str]:
    """The schema that a host has put into a table's name, with the quotes around its dot, and the rest."""
    schema, dot, name = table.strip('"').rpartition('"."')
    return schema if dot else None, name


def _uuids(model: type[Model]) -> frozenset[str]:
    """The attributes that are UUIDs, or point at one: SQLite keeps them without hyphens."""
    return frozenset(
        name
        for field in _fields(model)
        if isinstance(getattr(field, "target_field", field), UUIDField)
        for name in (field.name, field.attname)
    )


def _alike(ignored: Iterable[str], names: Mapping[str, str]) -> Iterable[str]:
    """What is ignored by every name that it has: a foreign key by its field's and by its id's."""
    if isinstance(ignored, str):
        return ignored  # which the check of the declaration refuses
    given = list(ignored)
    columns = {names[name] for name in given if name in names}
    return [*given, *(name for name, column in names.items() if column in columns and name not in given)]
