"""Updates of inherited rows, which Django writes table by table: what belongs together becomes one entry.

Owns what is remembered of the last such update, and the taking back of its entries when the next statement writes
another table of the same rows. Refuses to join what another statement, actor or transaction stands between.
"""

from collections.abc import Callable
from typing import Any

from trailbook.capture.actor import Acting
from trailbook.capture.database import HostConnection
from trailbook.capture.django.entries import Names
from trailbook.capture.django.plans import Plan

_LAST = "SELECT coalesce(max(position), 0) FROM trailbook_outbox"
_MINE = {
    "sqlite": "DELETE FROM trailbook_outbox WHERE position > ? AND position <= ? AND tx = ?",
    "postgresql": "DELETE FROM trailbook_outbox WHERE position > ? AND position <= ?"
    " AND tx = pg_current_xact_id()::text",
}


class InheritedUpdate:
    """The update of one table of inherited rows, whose entries stand in the outbox after `begin`, up to `end`."""

    def __init__(self, plan: Plan, acting: Acting, names: Names) -> None:
        self.model = plan.registered.model
        self.tables = {plan.place.table}
        self._every = [place.table for place in plan.registered.places]
        self.acting = acting
        self.names = names
        self.begin = self.end = 0

    def goes_on(self, plan: Plan, acting: Acting) -> bool:
        """Whether a statement writes another table of the same rows, for the same actor."""
        return (
            plan.registered.model is self.model
            and plan.place.table not in self.tables
            and acting == self.acting
        )

    def is_sought(self, text: str, quoted: Callable[[str], str]) -> bool:
        """Whether a text is what `save` asks where there is nothing to set: whether a table has the row."""
        asked = text.replace("%s", "1", 1)
        return any(asked.startswith(f'SELECT 1 AS "a" FROM {quoted(table)} ') for table in self._every)

    def join(self, other: "InheritedUpdate") -> None:
        """Be about what an earlier update changed too."""
        self.tables |= other.tables
        keys = dict.fromkeys([*other.names, *self.names])
        self.names = {key: other.names.get(key, ()) + self.names.get(key, ()) for key in keys}

    def keep(self, connection: HostConnection, keep: Callable[[Names], Any]) -> None:
        """Write its entries, and remember where they begin and end: others may come after them."""
        self.begin = _last(connection)
        keep(self.names)
        self.end = _last(connection)

    def take_back(self, connection: HostConnection, transaction: str | None) -> None:
        """Take its entries out of the outbox again."""
        own = () if transaction is None else (transaction,)
        connection.execute(_MINE[connection.engine], (self.begin, self.end, *own))


def _last(connection: HostConnection) -> int:
    """The last position of the outbox, as this transaction sees it."""
    return int(connection.execute(_LAST).rows[0][0])
