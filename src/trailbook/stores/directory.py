"""The directory of an engine: what tokens stand for, and the words that people find items by.

Owns by what identities are found. It grows and forgets only in commits of the ledger, and so has nothing that writes.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct


class Identity(Struct, frozen=True, kw_only=True, gc=False):
    """One item version of the directory: what a token stands for; `id`, `name`, `salt` are None once erased.

    An origin is an identity too: type `origin`, `id` its IP address or "", `name` its user agent, and
    `owner` the item number of its actor. Item numbers count from 1 within an organisation.
    """

    item: int
    token: str
    type: str
    id: str | None
    name: str | None
    salt: bytes | None
    owner: int | None = None


class Directory(Protocol):
    """Keeps the item versions that bodies cite, of each organisation apart."""

    def identities(self, org: str, keys: Iterable[tuple[str, str, int | None]]) -> list[Identity]:
        """All versions, oldest first, of items by (type, id, owner); owner is None but for origins."""

    def identities_of(self, org: str, tokens: Iterable[str]) -> list[Identity]:
        """The versions with these tokens, stubs included."""

    def versions(self, org: str, items: Iterable[int]) -> list[Identity]:
        """All versions of these item numbers, oldest first, stubs included."""

    def owned(self, org: str, items: Iterable[int]) -> list[Identity]:
        """The versions of what these items own (origins, personal items), oldest first, stubs included."""

    def items_by_word(self, org: str, prefix: str) -> set[int]:
        """Item numbers that have a folded word beginning with `prefix`."""

    def items_by_words(self, org: str, prefixes: Sequence[str], limit: int) -> list[int]:
        """At most `limit` item numbers that have, for each of these beginnings, a folded word with it.

        In the order of the words that begin with the first one, and each once.
        """
