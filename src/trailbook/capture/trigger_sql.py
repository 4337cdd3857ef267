"""What triggers of both databases share: their names, how SQL is quoted, and which parts of a row a declaration names.

Owns the form of a trigger as statements. Refuses to know either database: `trigger_sqlite` and `trigger_postgresql` do.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from trailbook.capture.declarations import Located, Ref, Tracked

EVENTS = {"created": "INSERT", "updated": "UPDATE", "deleted": "DELETE"}
_LONGEST = 43  # with what stands around it 63 bytes, of which PostgreSQL makes a name


class Trigger(Struct, frozen=True):
    """A trigger: its name, and the statements that make it."""

    name: str
    statements: tuple[str, ...]


def name_of(tracked: Tracked, what: str) -> str:
    """The name of a table's trigger, its own also where a long name is cut or a schema stands before it."""
    table = tracked.bare
    if tracked.schema is not None or len(table.encode()) > _LONGEST or re.search('[."]', table):
        mark = hashlib.sha256(f"{tracked.schema or ''}\0{table}".encode()).hexdigest()[:8]
        readable = re.sub('[."]', "_", tracked.table).encode()[: _LONGEST - 9]
        table = f"{readable.decode(errors='ignore')}_{mark}"
    return f"trailbook_{table}_{what}"


def place_of(table: Located) -> str:
    """A table as SQL, in its schema."""
    schema = "" if table.schema is None else f"{quoted(table.schema)}."
    return f"{schema}{quoted(table.bare)}"


def without_id(tracked: Tracked) -> str:
    """What is said of a row that cannot be an item, as hooks say it."""
    return f"{tracked.table}: a row without an id cannot be captured"


def item(tracked: Tracked, row: str, as_object: Callable[[Mapping[str, str]], str]) -> str:
    """The item that a row is, as JSON made by the database."""
    return reference(
        tracked, row, Ref(tracked.type, tracked.id, tracked.name, tracked.hint), as_object=as_object
    )


def reference(tracked: Tracked, row: str, ref: Ref, *, as_object: Callable[[Mapping[str, str]], str]) -> str:
    """An item that a row points at, as JSON made by the database."""
    members = {"type": text(ref.type), "id": _id(tracked, row, ref.id)}
    if ref.name is not None:
        members["name"] = f"CAST({row}.{column(tracked, ref.name)} AS TEXT)"
    if ref.hint is not None:
        members["hint"] = f"COALESCE(CAST({row}.{column(tracked, ref.hint)} AS TEXT), '')"
    return as_object(members)


def _id(tracked: Tracked, row: str, part: Any) -> str:
    """An id as text; of a UUID as the host writes it, with its hyphens, whatever the database keeps."""
    value = f"CAST({row}.{column(tracked, part)} AS TEXT)"
    if part not in tracked.uuids:
        return value
    places = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    hyphened = " || '-' || ".join(f"substr({value}, {start}, {length})" for start, length in places)
    return f"CASE length({value}) WHEN 32 THEN {hyphened} ELSE {value} END"


def references(tracked: Tracked) -> Iterator[tuple[str, Ref]]:
    """Whom a row is about, by part."""
    for part, ref in tracked.concerns.items():
        if isinstance(ref, Ref):
            yield part, ref


def json_object(function: str) -> Callable[[Mapping[str, str]], str]:
    """How a database makes an object of members."""
    return lambda members: (
        f"{function}({', '.join(f'{text(name)}, {value}' for name, value in members.items())})"
    )


def counted_columns(tracked: Tracked) -> list[str]:
    """The columns whose change is an entry: all but those that are declared to mean nothing, and the identity."""
    names = [name for name in tracked.columns if name not in tracked.ignore or name in tracked.identity]
    return [*(column(tracked, name) for name in names), *map(quoted, sorted(tracked.rest))]


def identity_columns(tracked: Tracked) -> list[str]:
    """The columns whose change makes another item of the row."""
    return [column(tracked, name) for name in tracked.identity]


def fields_of(tracked: Tracked) -> list[tuple[str, str]]:
    """What the catalogue calls each field that may be named, sorted, with its column."""
    return sorted((field, column(tracked, attribute)) for attribute, field in tracked.fields.items())


def column(tracked: Tracked, part: Any) -> str:
    """The column of an attribute, quoted."""
    return quoted(tracked.columns[part])


def quoted(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as SQL."""
    return "'" + value.replace("'", "''") + "'"
