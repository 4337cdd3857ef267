"""The parts of a store that are used together, each under a name of its own.

Owns these names and nothing else. Whoever is handed a store names the least that it needs; all of it is for those who
open an engine and hand it on.
"""

from typing import Protocol

from trailbook.stores.blobs import Blobs
from trailbook.stores.directory import Directory
from trailbook.stores.inspection import Inspection
from trailbook.stores.ledger import Ledger


class TreeStore(Ledger, Blobs, Protocol):
    """Rows and tiles: what the tree of a log is computed from, and where its signed heads lie."""


class EntryStore(Ledger, Directory, Protocol):
    """Rows and what opens their tokens: what an entry is read from."""


class LogStore(TreeStore, EntryStore, Protocol):
    """All that a log is written to and read from."""


class Store(LogStore, Inspection, Protocol):
    """Everything that an engine keeps of logs."""

    def close(self) -> None:
        """Let go of files and connections; closing twice is fine."""
