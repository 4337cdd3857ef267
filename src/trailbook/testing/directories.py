"""The suite every `Directory` passes: subclass the class and give the fixture `engine`, or `directory` itself.

Owns by what identities and items are found, in examples. A directory grows with a ledger alone, and so both are asked.
"""

from collections.abc import Sequence

import pytest
from msgspec import structs

from trailbook.stores import EntryStore, Head, Hint, Identity
from trailbook.testing.engines import ORG, OTHER, Engine, batch, row, version


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

    def test_a_row_that_is_there_belongs_to_somebody_from_a_commit_on(self, directory: EntryStore) -> None:
        """A row of the same commit too; those of others, and of other organisations, stay whose they are."""
        directory.create(ORG)
        directory.create(OTHER)
        anna, slip, other = version(1, "Anna"), version(2, None), version(3, None, owner=1)
        for org in (ORG, OTHER):
            directory.append(org, Head(), batch(Head(), [row(0)], identities=[anna, slip, other]))
        head, new = directory.head(ORG), version(4, None)
        adding = batch(head, [row(1)], identities=[new])
        owners = {slip.token: 1, new.token: 1}
        directory.append(ORG, head, structs.replace(adding, owners=owners))
        mine = [structs.replace(slip, owner=1), other, structs.replace(new, owner=1)]
        assert sorted(directory.owned(ORG, [1]), key=lambda i: i.item) == mine
        assert directory.versions(ORG, [1]) == [anna]
        assert directory.owned(OTHER, [1]) == [other]

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

    def test_the_vocabulary_and_who_has_a_word(self, directory: EntryStore) -> None:
        directory.create(ORG)
        words = [("anna", 1), ("anna", 2), ("annas", 3), ("bob", 2), ("李娜", 5)]
        directory.append(ORG, Head(), batch(Head(), words=words))
        assert sorted(directory.vocabulary(ORG)) == ["anna", "annas", "bob", "李娜"]
        of_words = directory.items_of_words(ORG, ["bob", "anna", "ann", "李娜"], 9)
        assert [word for word, _ in of_words] == ["bob", "anna", "anna", "李娜"]
        assert set(of_words) == {("bob", 2), ("anna", 1), ("anna", 2), ("李娜", 5)}
        assert len(directory.items_of_words(ORG, ["anna", "bob"], 1)) == 1
        assert directory.items_of_words(ORG, [], 9) == []

    def test_a_hint_is_the_one_of_the_latest_time(self, directory: EntryStore) -> None:
        """One an item: of an earlier time it changes nothing, of the same time it does, an empty one takes it back."""
        head = add_hints(
            directory, Head(), Hint(item=1, text="Technician", at=50), Hint(item=2, text="Cook", at=50)
        )
        assert directory.hints(ORG, [1, 2, 2, 3]) == {1: "Technician", 2: "Cook"}
        head = add_hints(directory, head, Hint(item=1, text="Pupil", at=49), Hint(item=2, text="Chef", at=50))
        assert directory.hints(ORG, [1, 2]) == {1: "Technician", 2: "Chef"}
        head = add_hints(directory, head, Hint(item=1, text="", at=60))
        assert directory.hints(ORG, [1]) == {}
        head = add_hints(directory, head, Hint(item=1, text="Pupil", at=59))
        assert directory.hints(ORG, [1]) == {}
        add_hints(directory, head, Hint(item=1, text="Driver", at=60))
        assert directory.hints(ORG, [1]) == {1: "Driver"}

    def test_a_hint_goes_with_its_item(self, directory: EntryStore) -> None:
        """Erased in the same commit, and swept where no version of the item is left; those of others stay."""
        anna, bob, eva = version(1, "Anna"), version(2, "Bob"), version(3, "Eva")
        texts = [Hint(item=item, text=f"Field {item}", at=1) for item in (1, 2, 3)]
        head = add_hints(directory, Head(), *texts, identities=[anna, bob, eva])
        # Said in the commit of the erasure itself, it goes too.
        erasing = batch(head, [row(1)], hints=[Hint(item=1, text="Field new", at=2)])
        directory.erase(ORG, head, erasing, items=[1])
        assert directory.hints(ORG, [1, 2, 3]) == {2: "Field 2", 3: "Field 3"}
        removing = batch(erasing.head, [row(2)])
        directory.remove(ORG, erasing.head, removing, leaves={}, sweep=[bob.token])
        assert directory.hints(ORG, [1, 2, 3]) == {3: "Field 3"}

    def test_directories_are_apart(self, directory: EntryStore) -> None:
        """What one organisation knows, another does not; in its own it is there."""
        directory.create(ORG)
        directory.create(OTHER)
        anna, mine = version(1, "Anna"), version(2, "Mozilla", type_="origin", owner=1)
        words, hints = [("anna", 1)], [Hint(item=1, text="Cook", at=1)]
        adding = batch(Head(), identities=[anna, mine], words=words, hints=hints)
        directory.append(OTHER, Head(), adding)
        known = {
            org: (
                directory.identities(org, [("user", "u/1", None)]),
                directory.identities_of(org, [anna.token]),
                directory.versions(org, [1]),
                directory.owned(org, [1]),
                directory.items_by_word(org, "a"),
                directory.items_by_words(org, ["a"], 9),
                directory.vocabulary(org),
                directory.items_of_words(org, ["anna"], 9),
                directory.hints(org, [1]),
            )
            for org in (ORG, OTHER)
        }
        assert known[ORG] == ([], [], [], [], set(), [], [], [], {})
        more = ({1}, [1], ["anna"], [("anna", 1)], {1: "Cook"})
        assert known[OTHER] == ([anna], [anna], [anna], [mine], *more)


def add_hints(directory: EntryStore, head: Head, *hints: Hint, identities: Sequence[Identity] = ()) -> Head:
    """The head of a log once these hints are in it."""
    directory.create(ORG)
    adding = batch(head, hints=hints, identities=identities)
    directory.append(ORG, head, adding)
    return adding.head
