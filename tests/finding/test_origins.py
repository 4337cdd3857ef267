"""Which origins lie in a network: what the directory has, however it is asked, and nothing of who was erased."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings, strategies as st
from msgspec import structs
from tests.finding.conftest import ME, ORG

from trailbook import Actor, Item, Log, NewEntry, Origin
from trailbook.errors import DamagedError
from trailbook.finding.memo import Erasures
from trailbook.finding.origins import Origins
from trailbook.query import from_params
from trailbook.stores import Identity, MemoryStore
from trailbook.testing.steady import START, new_log
from trailbook.testing.stores import version

CLI = Origin(interface="cli")
ADDRESSES = st.sampled_from(
    ["192.0.2.7", "192.0.2.77", "10.0.0.0", "2001:db8::", "2001:db8::1", "::", "::ffff"]
)
NETWORKS = ["0.0.0.0/0", "192.0.2.0/26", "192.0.2.0/24", "10.0.0.0/8", "::/0", "2001:db8::/32", "::/112"]


class ReadStore(MemoryStore):
    """Counts how often the whole directory is read; `more` stands in it then, and `meanwhile` happens."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = 0
        self.more: list[Identity] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def every_identity(self, org: str, *, past_index: bool = False) -> Iterator[Identity]:
        self.whole += 1
        read = [*super().every_identity(org), *self.more]
        self.meanwhile()
        return iter(read)


def came(who: int, ip: str | None, agent: str | None = None) -> NewEntry:
    """Somebody did something from an address."""
    actor = Actor(kind="person", type="user", id=f"u-{who}", name=f"Anna {who}")
    origin = Origin(interface="web", ip=ip, user_agent=agent)
    target = Item(type="user", id=actor.id, name=actor.name)
    at = START - timedelta(days=1)
    return NewEntry(action="user.profile_updated", occurred_at=at, actor=actor, target=target, origin=origin)


def among(log: Log, *networks: str) -> set[str]:
    """The addresses of the entries that a filter by these finds."""
    query = from_params([("ip", network) for network in networks])
    return {entry.origin.ip or "" for entry in log.rows(query, viewer=ME)}


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3), st.none() | ADDRESSES), max_size=12), st.integers(0, 12))
def test_a_network_has_the_addresses_that_lie_in_it(given: list[tuple[int, str | None]], first: int) -> None:
    """Whether they were read at once or came later."""
    log = new_log(MemoryStore(), ORG)
    for begin, end in ((0, first), (first, len(given))):
        log.record_many([came(who, ip) for who, ip in given[begin:end]])
        there = {ip for _, ip in given[:end] if ip is not None}
        for network in NETWORKS:
            assert among(log, network) == {ip for ip in there if ip_address(ip) in ip_network(network)}
        for ip in there:
            assert among(log, ip) == {ip}


def test_one_address_of_several_people_and_programs_is_all_of_theirs() -> None:
    """An origin is an item of its actor; the same one with another agent is the same item."""
    log = new_log(MemoryStore(), ORG)
    log.record_many([came(1, "192.0.2.7"), came(1, "192.0.2.7", "curl"), came(2, "192.0.2.7"), came(2, None)])
    assert len(log._reader.origins.within(["192.0.2.7"])) == 2
    assert len(log._reader.origins.within(["192.0.2.7", "192.0.2.0/24"])) == 2  # each once
    query = from_params([("ip", "192.0.2.7")])
    assert log.count(query, viewer=ME)[0] == 3
    assert log.count(from_params([("ip.not", "192.0.2.7")]), viewer=ME)[0] == 1


def test_only_what_came_since_is_read() -> None:
    """The whole directory once, and again after an erasure; then of whoever is gone there is nothing."""
    store = ReadStore()
    log = new_log(store, ORG)
    log.record_many([came(1, "192.0.2.7"), came(2, "192.0.2.8")])
    for _ in range(3):
        assert among(log, "192.0.2.0/24") == {"192.0.2.7", "192.0.2.8"}
    log.record_many([came(3, "192.0.2.9")])
    assert among(log, "192.0.2.0/24") == {"192.0.2.7", "192.0.2.8", "192.0.2.9"}
    assert store.whole == 1
    log.erase(Item(type="user", id="u-1"), actor=came(2, None).actor, origin=CLI)
    assert among(log, "192.0.2.0/24") == {"192.0.2.8", "192.0.2.9"}
    assert among(log, "192.0.2.7") == set()
    assert store.whole == 2


def test_who_is_erased_while_the_directory_is_read_is_not_remembered() -> None:
    """What was read before it is answered with, once, and read anew the next time."""
    erasures, store = Erasures(), ReadStore()
    log = new_log(store, ORG)
    log.record_many([came(1, "192.0.2.7")])
    origins = Origins(store, ORG, erasures)
    store.meanwhile = erasures.announce
    assert len(origins.within(["192.0.2.7"])) == 1
    assert origins._read.peek(ORG) is None
    store.meanwhile = lambda: None
    assert len(origins.within(["192.0.2.7"])) == 1
    assert origins._read.peek(ORG) is not None


def test_an_address_that_is_none_is_damage() -> None:
    """The control is the directory without it."""
    store = ReadStore()
    new_log(store, ORG).record_many([came(1, "192.0.2.7")])
    assert len(Origins(store, ORG, Erasures()).within(["192.0.2.7"])) == 1
    store.more = [structs.replace(version(9, None, type_="origin", owner=1), id="192.0.2.x")]
    with pytest.raises(DamagedError, match="address"):
        Origins(store, ORG, Erasures()).within(["192.0.2.7"])
