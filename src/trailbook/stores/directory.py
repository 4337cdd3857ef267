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


class Hint(Struct, frozen=True, kw_only=True, gc=False):
    """What the host said of an item, `at` in microseconds: empty where it took back what it had said.

    An item has one, that which was said of the latest time. It belongs to the item, to none of its versions: no token
    commits to it and no body cites it.
    """

    item: int
    text: str
    at: int


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

    def hints(self, org: str, items: Iterable[int]) -> dict[int, str]:
        """What the host says today of those of these items that it says anything of."""

    def vocabulary(self, org: str) -> list[str]:
        """Every folded word that any item has, each once, in no order."""

    def items_of_words(self, org: str, words: Iterable[str], limit: int) -> list[tuple[str, int]]:
        """These words with the items that have them, at most so many pairs, the words in the order given."""

    def items_by_word(self, org: str, prefix: str) -> set[int]:
        """Item numbers that have a folded word beginning with `prefix`."""

    def items_by_words(self, org: str, prefixes: Sequence[str], limit: int) -> list[int]:
        """At most `limit` item numbers that have, for each of these beginnings, a folded word with it.

        In the order of the words that begin with the first one, and each once.
        """
