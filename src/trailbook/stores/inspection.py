"""What only verification asks of an engine: everything that it holds, read past whatever it finds it by.

Owns the reading of whole tables, past the indexes and past the head. Refuses to be quick.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from trailbook.stores.blobs import Blob
from trailbook.stores.directory import Identity


class Inspection(Protocol):
    """Gives all that is kept of an organisation, whatever the head says."""

    def still(self, org: str) -> AbstractContextManager[None]:
        """While this lasts the thread reads everything as of one moment; to be short, for it holds up erasures."""

    def every_identity(self, org: str, *, past_index: bool = False) -> Iterator[Identity]:
        """The whole directory, in the order it grew; `past_index` reads every row itself, which is slower."""

    def ids(self, org: str) -> Iterator[tuple[bytes, int]]:
        """Every entry id, as its 16 bytes, with its `seq`, in the order of the ids."""

    def every_word(self, org: str) -> list[tuple[str, int]]:
        """Every folded word with the item number that has it, sorted."""

    def every_blob(self, org: str) -> Iterator[Blob]:
        """Every blob, read past whatever index `blob` finds one by."""

    def extent(self, org: str, below: int | None = None) -> int:
        """One more than the greatest `seq` (less than `below`) at which a row lies, whatever the head says."""

    def faults(self) -> list[str]:
        """What the engine itself finds wrong with its files, in words: a hint where to look, never a proof."""
