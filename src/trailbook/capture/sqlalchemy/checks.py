"""What hooks cannot see, found when capture begins rather than when something is missing.

Owns the findings of `Capture.check`, and which tables REPLACE by themselves as the host declares them. Refuses to be
reassuring: what no declaration tells is in the published table of write paths, `docs/reference/capture.md`.
"""

from collections.abc import Iterable

from sqlalchemy import Table

from trailbook.capture.blindspots import Blindspot
from trailbook.capture.sqlalchemy.tables import TrackedTable

_UNIQUE = ("primary_key", "unique")
_BY_THE_DATABASE = ("cascade", "set null", "set default")


def blindspots(places: Iterable[TrackedTable]) -> list[Blindspot]:
    """Every known blind spot of tables that are covered by hooks."""
    spots: list[Blindspot] = []
    for place in places:
        if place.triggered:
            continue
        for key in place.table.foreign_keys:
            if not place.base and key.parent.primary_key:
                continue  # the row of its base goes too, which is seen there
            if (key.ondelete or "").lower() in _BY_THE_DATABASE:
                detail = (
                    f"{key.parent.name} has ON DELETE {(key.ondelete or '').upper()}: rows that the database itself"
                    f" deletes or changes, when a row of {key.column.table.name} goes, are seen by triggers only"
                )
                spots.append(Blindspot(str(place.table.fullname), "cascade-in-database", detail))
            if (key.onupdate or "").lower() in _BY_THE_DATABASE:
                detail = (
                    f"{key.parent.name} has ON UPDATE {(key.onupdate or '').upper()}: seen by triggers only"
                )
                spots.append(Blindspot(str(place.table.fullname), "cascade-in-database", detail))
    return spots


def replaces(table: Table) -> bool:
    """Whether SQLite removes another row for a plain INSERT or UPDATE of a table, once it is made as the host says."""
    options = [each.dialect_options["sqlite"].get("on_conflict") for each in table.constraints]
    for column in table.columns:
        options += [column.dialect_options["sqlite"].get(f"on_conflict_{rule}") for rule in _UNIQUE]
    return any(str(option).upper() == "REPLACE" for option in options)
