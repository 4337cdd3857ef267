"""The directory: versions of items, made once, found again, and forgotten when somebody else has written."""

from collections.abc import Iterable

import pytest

from trailbook.model import Item, Origin
from trailbook.record import item_preimage, origin_preimage, token_of
from trailbook.recording import directory as module
from trailbook.recording.directory import Draft, RecentVersions, key_of
from trailbook.stores import Append, Head, Identity, MemoryStore
from trailbook.testing import Steady

ORG = "acme"
ANNA = Item(type="user", id="u-17", name="Anna Berg")
UNNAMED = Item(type="user", id="u-17")
RENAMED = Item(type="user", id="u-17", name="Anna Hansen")
WEB = Origin(interface="web", ip="192.0.2.7", user_agent="Mozilla/5.0")


class CountedStore(MemoryStore):
    """A store that remembers which identities it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.create(ORG)
        self.read: list[tuple[str, str, int | None]] = []

    def identities(self, org: str, keys: Iterable[tuple[str, str, int | None]]) -> list[Identity]:
        wanted = list(keys)
        self.read += wanted
        return super().identities(org, wanted)


@pytest.fixture
def store() -> CountedStore:
    return CountedStore()


def draft_of(directory: RecentVersions, store: MemoryStore) -> Draft:
    return Draft(directory, store.head(ORG).items, Steady(store.head(ORG).size))


def keep(draft: Draft, store: MemoryStore, directory: RecentVersions | None = None) -> None:
    """Make a draft durable, and let a directory know."""
    before = store.head(ORG)
    head = Head(recorded_at=before.recorded_at + 1, items=draft.items)
    batch = Append(rows=[], identities=draft.identities, words=draft.words, blobs=[], head=head)
    store.append(ORG, before, batch)
    if directory is not None:
        directory.learn(draft.exact)


def test_a_version_is_made_once_and_its_token_opens_to_it(store: CountedStore) -> None:
    draft = draft_of(RecentVersions(store, ORG), store)
    anna = draft.cite(ANNA)
    assert draft.cite(ANNA) is anna
    assert draft.identities == [anna]
    assert (anna.item, anna.type, anna.id, anna.name) == (1, "user", "u-17", "Anna Berg")
    assert anna.token == token_of(item_preimage(ANNA), anna.salt or b"")
    assert sorted(draft.words) == [("anna", 1), ("berg", 1)]


def test_another_name_is_another_version_of_the_same_item(store: CountedStore) -> None:
    """Whoever is cited without a name is cited by the latest."""
    draft = draft_of(RecentVersions(store, ORG), store)
    anna, renamed = draft.cite(ANNA), draft.cite(RENAMED)
    assert (renamed.item, renamed.name) == (anna.item, "Anna Hansen")
    assert renamed.token != anna.token
    assert draft.cite(UNNAMED) is renamed
    assert draft.cite(ANNA) is anna
    assert draft.cite(Item(type="user", id="u-18", name="Anna Berg")).item == 2


def test_an_origin_is_of_one_actor_alone(store: CountedStore) -> None:
    draft = draft_of(RecentVersions(store, ORG), store)
    actor, other = draft.cite(ANNA).item, draft.cite(Item(type="user", id="u-18")).item
    first, second = draft.cite_origin(WEB, actor), draft.cite_origin(WEB, other)
    assert draft.cite_origin(WEB, actor) is first
    assert (first.owner, second.owner) == (actor, other)
    assert first.item != second.item
    assert first.token == token_of(origin_preimage(WEB.ip, WEB.user_agent), first.salt or b"")
    assert (first.id, first.name) == ("192.0.2.7", "Mozilla/5.0")
    assert draft.words == [("anna", 1), ("berg", 1)]  # nobody is found by their browser


def test_what_is_durable_is_found_again_and_what_is_not_is_made_anew(store: CountedStore) -> None:
    directory = RecentVersions(store, ORG)
    lost = draft_of(directory, store)
    assert lost.cite(ANNA).item == 1
    again = draft_of(directory, store)
    anna = again.cite(ANNA)
    assert again.identities == [anna]
    keep(again, store, directory)
    store.read.clear()
    third = draft_of(directory, store)
    assert third.cite(ANNA) is anna
    assert third.identities == store.read == []
    assert third.cite(RENAMED).item == anna.item
    assert store.read == [("user", "u-17", None)]


def test_after_forgetting_the_store_is_asked(store: CountedStore) -> None:
    """Another process wrote: what it added is found, not made twice."""
    mine, theirs = RecentVersions(store, ORG), RecentVersions(store, ORG)
    draft = draft_of(theirs, store)
    anna = draft.cite(ANNA)
    keep(draft, store)
    mine.forget()
    later = draft_of(mine, store)
    assert later.cite(ANNA) == anna
    assert later.identities == []


def test_what_is_foreseen_is_read_at_once(store: CountedStore) -> None:
    directory = RecentVersions(store, ORG)
    draft = draft_of(directory, store)
    items = [ANNA, Item(type="user", id="u-18"), Item(type="role", id="r-3", name="Manager"), ANNA]
    draft.foresee(items)
    assert store.read == [("user", "u-17", None), ("user", "u-18", None), ("role", "r-3", None)]
    for item in items:
        draft.cite(item)
    assert len(store.read) == 3
    keep(draft, store, directory)
    draft_of(directory, store).foresee(items)
    assert len(store.read) == 3


def test_who_is_cited_again_outlives_a_generation(
    store: CountedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded by two generations: who was cited since is carried over, who was not is read again."""
    monkeypatch.setattr(module, "_MOST_KNOWN", 2)
    directory = RecentVersions(store, ORG)
    people = [Item(type="user", id=f"u-{n}", name=f"Person {n}") for n in range(5)]
    for person in people:
        draft = draft_of(directory, store)
        draft.cite(people[0])
        draft.cite(person)
        keep(draft, store, directory)
    store.read.clear()
    draft = draft_of(directory, store)
    draft.cite(people[0])
    assert store.read == []
    draft.cite(people[1])
    assert store.read == [("user", "u-1", None)]
    assert draft.identities == []


def test_a_key_names_the_owner_of_an_origin_and_of_nothing_else() -> None:
    personal = Identity(item=3, token="t", type="absence", id="7", name=None, salt=b"", owner=1)
    origin = Identity(item=4, token="u", type="origin", id="", name=None, salt=b"", owner=1)
    assert key_of(personal) == ("absence", "7", None)
    assert key_of(origin) == ("origin", "", 1)
