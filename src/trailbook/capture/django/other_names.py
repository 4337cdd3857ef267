"""Other names under which rows of registered models are written: partitions, tables that inherit, views.

Owns what a database says of them, asked before the first write to it and kept until a schema changes. Refuses to know
what another process makes meanwhile, and what triggers of the host's own write beside a table's rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from trailbook.capture.django.database import DjangoConnection
from trailbook.capture.django.tables import Registered
from trailbook.capture.relatives import relatives_of, view_triggers, views_over
from trailbook.capture.sql_tables import TableName, Write

OtherNames = Mapping[str, Mapping[TableName, tuple[Registered, ...]]]  # by the folded name of the table


def other_names_of(plain: DjangoConnection, tables: Mapping[str, Registered]) -> OtherNames:
    """The other names in a database of registered tables, but for those that are registered themselves."""
    plain.connection.validate_no_broken_transaction()
    plain.write_first()
    every = _in_sqlite(plain, tables) if plain.engine == "sqlite" else _in_postgresql(plain, tables)
    names: defaultdict[str, dict[TableName, tuple[Registered, ...]]] = defaultdict(dict)
    for name, entry in every:
        if not _is_registered(name, tables):
            others = names[name.table].get(name, ())
            names[name.table][name] = (*others, entry)
    return names


def written_by(names: OtherNames, write: Write) -> Iterator[Registered]:
    """The registered models whose rows a write may reach by another name."""
    for name, entries in names.get(write.table, {}).items():
        if name.is_written(write):
            yield from entries


def _is_registered(name: TableName, tables: Mapping[str, Registered]) -> bool:
    entry = tables.get(name.table)
    return entry is not None and any(place.name.covers(name) for place in entry.places)


def _in_postgresql(
    plain: DjangoConnection, tables: Mapping[str, Registered]
) -> Iterable[tuple[TableName, Registered]]:
    quoted = plain.connection.ops.quote_name
    places = {quoted(place.table): entry for entry in tables.values() for place in entry.places}
    for place, relative in relatives_of(plain, list(places)):
        yield relative.name, places[place]


def _in_sqlite(
    plain: DjangoConnection, tables: Mapping[str, Registered]
) -> Iterable[tuple[TableName, Registered]]:
    triggers = view_triggers(plain)
    for entry in {each.model: each for each in tables.values()}.values():
        for view in views_over(triggers, [place.name for place in entry.places]):
            yield view, entry
