"""Entries that were shown before: given again while the log stands still, made anew with whatever changes it."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from msgspec import structs

from trailbook import Item, Log, operator
from trailbook.deployment.deployment import Deployment
from trailbook.finding.answers import Shown
from trailbook.finding.identities import Identities
from trailbook.query import from_params
from trailbook.retention.removal import Retention
from trailbook.stores import Identity
from trailbook.testing import FrozenClock
from trailbook.testing.small import ANNA, ORG, WEB, assigned, grow, opened, person

ME = operator(ORG)
ROLES = from_params([("category", "roles")])
ROLE = Item(type="role", id="r-3", name="Manager")
Change = Callable[[Deployment, FrozenClock], object]


def shown(log: Log, lang: str = "en") -> tuple[Shown, ...]:
    return log.search(ROLES, viewer=ME, order="asc", limit=5, lang=lang).entries


def renamed(deployment: Deployment, clock: FrozenClock) -> object:
    entry = assigned(clock, 101)
    concern = structs.replace(entry.concerns[0], name="Somebody Else")
    return deployment.log(ORG).record_many([structs.replace(entry, concerns=(concern,))])


def deleted(deployment: Deployment, clock: FrozenClock) -> object:
    return deployment.log(ORG).record("role.deleted", actor=ANNA, target=ROLE, origin=WEB)


def signed(deployment: Deployment, clock: FrozenClock) -> object:
    return deployment.signer().sign(ORG)


def erased(deployment: Deployment, clock: FrozenClock) -> object:
    return deployment.log(ORG).erase(person(101), actor=ANNA, origin=WEB)


def pruned(deployment: Deployment, clock: FrozenClock) -> object:
    retention = Retention(kept_for="extended", before=clock() - timedelta(days=1))
    return deployment.log(ORG).prune(retention, actor=ANNA, origin=WEB)


@pytest.mark.parametrize("change", [renamed, deleted, signed, erased, pruned])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_changes_an_entry_shows_at_once(tmp_path: Path, change: Change, *, elsewhere: bool) -> None:
    """A log that showed its entries before answers as one that never did, whoever changed them."""
    clock = FrozenClock()
    here = opened(tmp_path, clock)
    grow(here.create(ORG), clock, 5)
    clock.move(timedelta(days=1200))
    for _ in range(2):  # the first reading is an entry, and makes the log another one
        before = shown(here.log(ORG)), shown(here.log(ORG), "nb")
    other = opened(tmp_path, clock, create=False) if elsewhere else here
    change(other, clock)
    after = shown(here.log(ORG)), shown(here.log(ORG), "nb")
    fresh = opened(tmp_path, clock, create=False).log(ORG)
    assert after == (shown(fresh), shown(fresh, "nb"))
    assert after[0] != before[0]  # the control: there was something to see


def test_while_nothing_changes_entries_are_given_again(tmp_path: Path) -> None:
    """The control of the above: they are remembered, each language and each entry for itself."""
    clock = FrozenClock()
    log = opened(tmp_path, clock).create(ORG)
    grow(log, clock, 5)
    first = shown(log), shown(log, "nb")  # the reading is an entry, and makes the log another one
    first = shown(log), shown(log, "nb")
    again = shown(log), shown(log, "nb")
    for made, given in zip(first, again, strict=True):
        assert [id(entry) for entry in made] == [id(entry) for entry in given]
    assert [entry.seq for entry in first[0]] == [entry.seq for entry in first[1]]
    assert all(en.sentence != nb.sentence for en, nb in zip(*first, strict=True))


def test_an_item_that_retention_takes_meanwhile_is_shown_as_it_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entries were read, and then the last of their items removed: the page failed."""
    clock = FrozenClock()
    here = opened(tmp_path, clock)
    grow(here.create(ORG), clock, 5)
    clock.move(timedelta(days=1200))
    before = shown(here.log(ORG))
    fresh = opened(tmp_path, clock, create=False)
    read, calls = Identities.versions, list[int]()

    def late(identities: Identities, items: Iterable[int]) -> dict[int, tuple[Identity, ...]]:
        asked = list(items)
        if not calls:
            pruned(here, clock)
        calls.append(len(asked))
        return read(identities, asked)

    monkeypatch.setattr(Identities, "versions", late)
    assert [entry.target for entry in shown(fresh.log(ORG))] == [entry.target for entry in before]
    assert shown(fresh.log(ORG)) == ()  # the control: they were removed


def test_related(log: Log) -> None:
    """Entries of one correlation belong together; an entry is not related to itself."""
    roles = [e for e in log.rows(ROLES, viewer=ME) if e.correlation]
    page = log.related(UUID(roles[3].id), viewer=ME, limit=5)
    assert page.count == len(roles) - 1
    assert [e.id for e in page.entries] == [r.id for r in roles if r.id != roles[3].id][:5]
    rest = log.related(UUID(roles[3].id), viewer=ME, limit=200, cursor=page.next_cursor)
    assert len(page.entries) + len(rest.entries) == page.count
    alone = next(e for e in log.rows(ROLES, viewer=ME) if not e.correlation)
    assert log.related(UUID(alone.id), viewer=ME).entries == ()
