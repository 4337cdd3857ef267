"""The host of this process: its settings, its registered models, and the recorder that writes its entries.

Owns `register` and the moment at which a declaration is checked. Refuses to register without the app, the same table
twice, and a declaration under which an entry would be refused later.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings as project
from django.db.models import Model
from msgspec import structs

from trailbook.capture.declarations import Declared, Op, Part, Ref, Tracked, WrittenBy
from trailbook.capture.django.database import DjangoConnection
from trailbook.capture.django.other_names import OtherNames, other_names_of, written_by
from trailbook.capture.django.settings import Settings, checked
from trailbook.capture.django.tables import Registered, fault, registered
from trailbook.capture.entries import items_of
from trailbook.capture.recorder import Bounds, Recorder
from trailbook.capture.sql_tables import Write
from trailbook.errors import ConfigurationError
from trailbook.model import Item

APP = "trailbook.capture.django"


class Host:
    """What this process captures, and how."""

    def __init__(self, settings: Settings) -> None:
        """Raises: ConfigurationError."""
        self.settings = settings
        self.recorder = Recorder(
            settings.org,
            name=settings.name,
            job=settings.job,
            folders=settings.folders,
            bounds=Bounds(**structs.asdict(settings.bounds)),
            on_failure=settings.on_failure,
        )
        self.registered: dict[type[Model], Registered] = {}
        self.tables: dict[str, Registered] = {}  # by the folded name of each table with registered rows
        self.by_triggers = False  # whether any is registered so
        # What a database says, by its alias and name, until a schema changes.
        self.triggered: dict[tuple[str, str], frozenset[str]] = {}  # the tables with triggers
        self._other_names: dict[tuple[str, str], OtherNames] = {}

    def register(self, model: type[Model], declared: Declared) -> Tracked:
        """Keep the declaration of a model. Raises: ConfigurationError, ActionUnknownError."""
        entry = registered(self.recorder, model, declared)
        for place in entry.places:
            other = self.tables.get(place.name.table)
            if other is not None:
                raise fault(
                    model, f"the table {place.table} belongs to {other.model.__name__}, which is registered"
                )
        self.registered[entry.model] = entry
        self.by_triggers |= declared.by == "triggers"
        self.tables.update({place.name.table: entry for place in entry.places})
        self.forget_schemas()
        return entry.tracked

    def forget_schemas(self) -> None:
        """Ask the databases anew, for what they have may be another."""
        self.triggered.clear()
        self._other_names.clear()

    def other_names(self, plain: DjangoConnection) -> OtherNames:
        """By which other names rows of registered models are written in a database. Raises: django.db.Error."""
        names = self._other_names.get(plain.database)
        if names is None:
            names = self._other_names[plain.database] = other_names_of(plain, self.tables)
        return names

    def written(self, plain: DjangoConnection, write: Write) -> Iterator[Registered]:
        """The registered models whose rows a write may reach, by their tables' own names or by others."""
        entry = self.tables.get(write.table)
        if entry is not None and any(place.name.is_written(write) for place in entry.places):
            yield entry
        yield from self.written_by_other_name(plain, write)

    def written_by_other_name(self, plain: DjangoConnection, write: Write) -> Iterator[Registered]:
        """Those whose rows a write may reach by a partition, a table that inherits, or a view."""
        return written_by(self.other_names(plain), write)

    def of(self, model: type[Model]) -> Registered:
        """The declaration of a model, of a proxy that of its model. Raises: ConfigurationError."""
        entry = self.registered.get(model._meta.concrete_model or model)
        if entry is None:
            raise fault(model, "is not registered")
        return entry


@cache
def the_host() -> Host:
    """The host of this process. Raises: ConfigurationError where its settings are wrong or missing."""
    if not apps.is_installed(APP):
        raise ConfigurationError(f"INSTALLED_APPS: {APP} is missing")
    if not hasattr(project, "TRAILBOOK"):
        raise ConfigurationError("TRAILBOOK: is missing in the settings")
    return Host(checked(project.TRAILBOOK))


def register(
    model: type[Model],
    *,
    type: str,
    id: Part | None = None,
    name: Part | None = None,
    hint: Part | None = None,
    owner: Ref | Callable[[Any], Any] | None = None,
    category: str | None = None,
    actions: Mapping[Op, str | None],
    concerns: Mapping[str, Ref | Callable[[Any], Any]] | None = None,
    fields: Iterable[str] | Mapping[str, str] = (),
    ignore: Iterable[str] = (),
    by: WrittenBy = "hooks",
) -> Tracked:
    """Declare what the rows of a model are, and what their changes are called; call it in `AppConfig.ready()`.

    Attributes are names of fields; callables take an object of the model. `hint` tells namesakes apart, as things are
    today; `owner` fills the part that the actions require; `fields` may be named, as themselves or as the catalogue
    calls them; a change of `ignore` alone is no entry. Raises: ConfigurationError, ActionUnknownError.
    """
    declared = Declared(
        type=type,
        id=id,
        name=name,
        hint=hint,
        owner=owner,
        category=category,
        actions=actions,
        concerns=concerns,
        fields=fields,
        ignore=ignore,
        by=by,
    )
    return the_host().register(model, declared)


def registered_item(instance: Model) -> Item:
    """Which item an object is, as its model was registered. Raises: ConfigurationError, UncapturedWriteError."""
    return items_of(the_host().of(instance.__class__).tracked, instance).target
