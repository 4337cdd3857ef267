"""What the hooks ask of the capture they work for.

Owns the protocol between them, so that none of them knows how an entry is written. Refuses to do anything.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Table

from trailbook.capture.declarations import Op
from trailbook.capture.meaning import Said
from trailbook.capture.sqlalchemy.tables import TrackedTable

Rows = Iterable[Mapping[Column[Any], Any]]


class Keeper(Protocol):
    """Keeps what hooks found."""

    places: dict[Table, TrackedTable]

    def demand_engine(self, connection: Connection) -> None:
        """Refuse a write through an engine without capture."""

    def announce(self, connection: Connection) -> None:
        """Tell the triggers of a database who acts."""

    def demand_transaction(self, connection: Connection) -> None:
        """Refuse a write that no transaction holds together with its entry."""

    def keep_rows(
        self, connection: Connection, place: TrackedTable, op: Op, found: tuple[Rows, Iterable[str]]
    ) -> None:
        """Write the entries of rows that a statement touched, and of the attributes it set."""

    def keep_said(self, connection: Connection, said: Said) -> None:
        """Write the entries that a host said a statement means."""
