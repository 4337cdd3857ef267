"""What hooks cannot see, found when capture begins rather than when something is missing.

Owns the findings of `Capture.check`. Refuses to be reassuring: what no declaration tells is in the published table of
write paths, `docs/reference/capture.md`.
"""

from collections.abc import Iterable

from trailbook.capture.blindspots import Blindspot
from trailbook.capture.sqlalchemy.tables import TrackedTable

_BY_THE_DATABASE = ("cascade", "set null", "set default")


def blindspots(places: Iterable[TrackedTable]) -> list[Blindspot]:
    """Every known blind spot of tables that are covered by hooks."""
    spots: list[Blindspot] = []
    for place in places:
        if place.triggered:
            continue
        for key in place.table.foreign_keys:
            if place.base and (key.ondelete or "").lower() in _BY_THE_DATABASE:
                detail = (
                    f"{key.parent.name} has ON DELETE {(key.ondelete or '').upper()}: rows that the database itself"
                    f" deletes or changes, when a row of {key.column.table.name} goes, are seen by triggers only"
                )
                spots.append(Blindspot(str(place.table.fullname), "cascade-in-database", detail))
            if place.base and (key.onupdate or "").lower() in _BY_THE_DATABASE:
                detail = (
                    f"{key.parent.name} has ON UPDATE {(key.onupdate or '').upper()}: seen by triggers only"
                )
                spots.append(Blindspot(str(place.table.fullname), "cascade-in-database", detail))
    return spots
