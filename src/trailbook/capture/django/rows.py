"""A cursor whose rows were read already: what the host asked for is handed on, what capture added is taken off.

Owns the place of the driver's cursor inside Django's while its rows are read. Refuses to know what the rows mean.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

Row = Sequence[Any]


class RowsRead:
    """Stands for `driver`, a cursor that was read to its end; everything else of it is asked as ever."""

    def __init__(self, driver: Any, rows: Sequence[Row], *, count: int, added: int) -> None:
        """`added` columns at the end of each row are capture's own; without others the host asked for no rows."""
        self.driver = driver
        self.rowcount = count
        columns = driver.description or ()
        self.description = list(columns[: len(columns) - added]) or None
        kept = [] if self.description is None else [tuple(row[: len(row) - added]) for row in rows]
        self._rows = iter(kept)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.driver, name)

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def __next__(self) -> Row:
        return next(self._rows)

    def fetchone(self) -> Row | None:
        """The next row, or None."""
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """So many rows more, one where nothing is given."""
        return list(islice(self._rows, size or 1))

    def fetchall(self) -> list[Row]:
        """All rows that are left."""
        return list(self._rows)


def unread(cursor: Any) -> None:
    """Give Django's cursor its driver's again, before it is used anew."""
    while isinstance(cursor.cursor, RowsRead):
        cursor.cursor = cursor.cursor.driver
