"""The suite every `Directory` passes: subclass the class and give the fixture `engine`, or `directory` itself.

Owns by what identities and items are found, in examples. A directory grows with a ledger alone, and so both are asked.
"""

import pytest
from msgspec import structs

from trailbook.stores import EntryStore, Head
from trailbook.testing.engines import ORG, OTHER, Engine, batch, version


class DirectoryConformance:
    """What a `Directory` promises; the fixture `directory` gives an empty one, and the ledger that it grows with."""

    @pytest.fixture
    def directory(self, engine: Engine) -> EntryStore:
        """The directory under test."""
        return engine.store

    def test_identities(self, directory: EntryStore) -> None:
        directory.create(ORG)
        anna, hansen, bob = version(1, "Anna Berg"), version(1, "Anna Hansen"), version(2, None)
        v4 = version(3, "Mozilla", type_="origin", owner=1)
        elsewhere = structs.replace(version(4, None, type_="origin", owner=2), id=v4.id)
        v6 = structs.replace(version(5, None, type_="origin", owner=1), id="2001:db8::1/64")
        grown = [anna, bob, v4, elsewhere, v6, hansen]
        directory.append(ORG, Head(), batch(Head(), identities=grown))
        assert directory.identities(ORG, [("user", "u/1", None)]) == [anna, hansen]
        assert directory.identities(ORG, [("user", "u/9", None), ("role", "u/1", None)]) == []
        assert directory.identities(ORG, [("origin", v4.id or "", 1)]) == [v4]
        assert directory.identities(ORG, [("origin", v6.id or "", 1)]) == [v6]
        assert directory.identities_of(ORG, [hansen.token, hansen.token]) == [hansen]
        assert directory.versions(ORG, [1]) == [anna, hansen]
        assert {i.token for i in directory.versions(ORG, [1, 2, 1])} == {anna.token, hansen.token, bob.token}
        assert len(directory.versions(ORG, [1, 2, 1])) == 3
        assert directory.owned(ORG, [1]) == [v4, v6]

    def test_words(self, directory: EntryStore) -> None:
        directory.create(ORG)
        words = [("anna", 1), ("ann", 2), ("bob", 2), ("anna", 1), ("annz", 3), ("ao", 4), ("李娜", 5)]
        directory.append(ORG, Head(), batch(Head(), words=words))
        items = {q: directory.items_by_word(ORG, q) for q in ("ann", "anna", "annax", "b", "李", "%", "a_")}
        assert items == {
            "ann": {1, 2, 3}, "anna": {1}, "annax": set(), "b": {2}, "李": {5}, "%": set(), "a_": set(),
        }  # fmt: skip

    def test_items_by_several_words(self, directory: EntryStore) -> None:
        """Each beginning has its word, in the order of the first one's words, and each item once."""
        directory.create(ORG)
        words = [
            *(("anna", 3), ("annika", 1), ("berg", 3), ("berg", 1), ("bergen", 1)),
            *(("anders", 2), ("ann", 4), ("bob", 4), ("åse", 5), ("berg", 5)),
        ]
        directory.append(ORG, Head(), batch(Head(), words=words))
        asked = [
            ["an"],
            ["an", "be"],
            ["be", "an"],
            ["be"],
            ["an", "be", "bob"],
            ["åse", "berg"],
            ["x", "an"],
        ]
        items = [directory.items_by_words(ORG, each, 9) for each in asked]
        assert items == [[2, 4, 3, 1], [3, 1], [1, 3], [1, 3, 5], [], [5], []]
        assert directory.items_by_words(ORG, ["an"], 2) == [2, 4]
        assert directory.items_by_words(ORG, ["%"], 2) == directory.items_by_words(ORG, ["a_"], 2) == []

    def test_directories_are_apart(self, directory: EntryStore) -> None:
        """What one organisation knows, another does not; in its own it is there."""
        directory.create(ORG)
        directory.create(OTHER)
        anna, mine = version(1, "Anna"), version(2, "Mozilla", type_="origin", owner=1)
        words = [("anna", 1)]
        directory.append(OTHER, Head(), batch(Head(), identities=[anna, mine], words=words))
        known = {
            org: (
                directory.identities(org, [("user", "u/1", None)]),
                directory.identities_of(org, [anna.token]),
                directory.versions(org, [1]),
                directory.owned(org, [1]),
                directory.items_by_word(org, "a"),
                directory.items_by_words(org, ["a"], 9),
            )
            for org in (ORG, OTHER)
        }
        assert known[ORG] == ([], [], [], [], set(), [])
        assert known[OTHER] == ([anna], [anna], [anna], [mine], {1}, [1])
