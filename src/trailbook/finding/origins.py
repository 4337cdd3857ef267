"""The addresses that entries came from: which origins of a log have one, or lie in a network.

Owns that the directory is read when an address is first asked for, and then only what came since. Refuses to keep an
address once somebody was erased: all of them are read anew.
"""

import threading
from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from socket import AF_INET, AF_INET6, inet_pton

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from trailbook.errors import DamagedError
from trailbook.finding.memo import Erasures, Memo
from trailbook.index import Ints
from trailbook.stores import Identity, Store

Keys = npt.NDArray[np.bytes_]
_KEY = "S17"  # the version of an address in one byte, then its own four or sixteen; numpy pads with zeros


class _Addresses(Struct, frozen=True):
    """Addresses ascending, with the item number of the origin that each is of; of items up to `reached`."""

    keys: Keys
    items: Ints
    reached: int


_NONE = _Addresses(np.zeros(0, _KEY), np.zeros(0, np.int64), 0)


class Origins:
    """The origins of one organisation by their addresses."""

    def __init__(self, store: Store, org: str, erasures: Erasures) -> None:
        self._store = store
        self._org = org
        self._erasures = erasures
        self._lock = threading.Lock()
        self._read: Memo[str, _Addresses] = Memo(1, erasures)

    def within(self, networks: Sequence[str]) -> Ints:
        """The item numbers of the origins at one of these addresses, or in one of these networks, each once.

        They stay an array: a wide network has most of a log's origins. Raises: DamagedError.
        """
        with self._lock:
            addresses = self._up_to_now()
        items = []
        for network in map(ip_network, networks):
            ends = np.array([_key(str(end)) for end in (network[0], network[-1])], _KEY)
            low, high = addresses.keys.searchsorted(ends[:1]), addresses.keys.searchsorted(ends[1:], "right")
            items.append(addresses.items[low[0] : high[0]])
        return items[0] if len(items) == 1 else np.unique(np.concatenate(items))

    def _up_to_now(self) -> _Addresses:
        erasures, size = self._erasures.count, self._store.head(self._org).items
        addresses = self._read.peek(self._org) or _NONE
        if addresses.reached < size:
            addresses = _joined(addresses, self._since(addresses.reached, size), size)
            self._read.put(self._org, addresses)
            if erasures != self._erasures.count:  # somebody who was read may be gone by now
                self._read.clear()
        return addresses

    def _since(self, reached: int, size: int) -> Iterable[Identity]:
        """The versions of the items after those that were read: of all of them, the directory is read in one go."""
        if not reached:
            return self._store.every_identity(self._org)
        return self._store.versions(self._org, range(reached + 1, size + 1))


def _joined(addresses: _Addresses, identities: Iterable[Identity], reached: int) -> _Addresses:
    """These addresses with those of more identities, each origin once."""
    fresh = {i.item: i.id for i in identities if i.type == "origin" and i.id}
    try:
        keys = np.array([_key(ip) for ip in fresh.values()], _KEY)
    except OSError:
        raise DamagedError("the directory has an origin whose address is none") from None
    keys = np.concatenate([addresses.keys, keys])
    order = np.argsort(keys, kind="stable")
    items = np.concatenate([addresses.items, np.fromiter(fresh, np.int64)])
    return _Addresses(keys[order], items[order], reached)


def _key(ip: str) -> bytes:
    return b"6" + inet_pton(AF_INET6, ip) if ":" in ip else b"4" + inet_pton(AF_INET, ip)
