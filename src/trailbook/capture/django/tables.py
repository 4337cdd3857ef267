"""Where registered rows lie: from a model to its tables, and from a table to the columns that an entry needs.

Owns the view of a model that capture works with: attributes, columns, the tables of an inherited model. Refuses models
whose rows it could not follow: two parents with tables, a parent registered beside its child.
"""

from collections.abc import Iterable, Mapping
from inspect import isclass
from typing import Any

from django.db.models import Field, Model, UUIDField
from msgspec import Struct, structs

from trailbook.capture.declarations import Columns, Declared, Part, Ref, Tracked
from trailbook.capture.recorder import Recorder
from trailbook.errors import ConfigurationError


class Registered(Struct, frozen=True, kw_only=True):
    """A registered model: what was declared of it, and where its rows lie, its own table first."""

    model: type[Model]
    tracked: Tracked
    places: "tuple[Place, ...]"
    reads_object: bool  # a callable of the host's takes an object

    @property
    def inherits(self) -> bool:
        """Whether a row lies in several tables."""
        return len(self.places) > 1


class Place(Struct, frozen=True, kw_only=True):
    """A table of a registered model: its name as the host wrote it and folded, its key, and its fields by column."""

    table: str
    folded: str
    own: bool  # false for a parent's
    key: tuple[str, ...]  # columns
    fields: "Mapping[str, Field[Any, Any]]"

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
    columns = Columns(table=concrete._meta.db_table, key=key, columns=names)
    checked = recorder.track(columns, structs.replace(declared, ignore=_alike(declared.ignore, names)))
    tracked = recorder.tracked[checked.table] = structs.replace(checked, uuids=_uuids(concrete))
    if len(places) > 1 and tracked.by == "triggers":
        raise fault(model, "by: a trigger sees one table, and the rows of this model lie in several")
    if len(places) > 1 and callable(tracked.id):
        raise fault(model, "id: of a model whose rows lie in several tables it has to be a field")
    return Registered(
        model=concrete,
        tracked=tracked,
        places=places,
        reads_object=callable(recorder.org) or any(callable(part) for part in _parts(tracked)),
    )


def fold(table: str) -> str:
    """A table's name as the judge knows it: the last part of it, in small letters."""
    return table.rpartition(".")[2].strip('"').casefold()


def fault(model: type[Model], why: str) -> ConfigurationError:
    """A fault of a registration, to be raised."""
    return ConfigurationError(f"register({model.__name__}): {why}")


def _concrete(given: object) -> type[Model]:
    model: Any = given
    if not isclass(model) or getattr(model, "_meta", None) is None:
        raise ConfigurationError(f"register: {model!r} is not a model")
    if model._meta.abstract or model._meta.swapped:
        raise fault(model, "has no table: register the models that inherit from it")
    concrete: type[Model] = model._meta.concrete_model or model
    return concrete


def _fields(model: type[Model]) -> "list[Field[Any, Any]]":
    return [field for field in model._meta.concrete_fields if field.column is not None]


def _places(model: type[Model]) -> Iterable[Place]:
    parents = [parent for parent in model._meta.parents if not parent._meta.proxy]
    direct = [
        parent
        for parent in parents
        if not any(issubclass(other, parent) and other is not parent for other in parents)
    ]
    if len(direct) > 1:
        raise fault(model, "inherits from several models with tables, whose rows cannot be followed")
    for owner in (model, *sorted(parents, key=lambda parent: -len(parent.__mro__))):
        local = {str(f.column): f for f in owner._meta.local_concrete_fields if f.column is not None}
        yield Place(
            table=owner._meta.db_table,
            folded=fold(owner._meta.db_table),
            own=owner is model,
            key=tuple(str(field.column) for field in owner._meta.pk_fields),
            fields=local,
        )


def _parts(tracked: Tracked) -> Iterable[Part | None]:
    yield from (tracked.id, tracked.name, tracked.hint)
    for ref in tracked.concerns.values():
        if isinstance(ref, Ref):
            yield from (ref.id, ref.name, ref.hint)
        else:
            yield ref


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
