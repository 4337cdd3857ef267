"""Tries at a password: how many may go wrong, from where and for whom, before no password is looked at.

Owns what is counted: each account from each address, with pauses that grow, each address, each account, and all. Counts
lie in tables of a fixed number of slots, each found by a keyed digest: what shares a slot is counted together, so
that no flood of names or addresses makes any count forgotten. Refuses to keep what was typed.
"""

import ipaddress
import secrets
import threading
from collections import OrderedDict
from collections.abc import Hashable
from hashlib import blake2b

from msgspec import Struct

from trailbook.access.throttle import MOST, Throttle
from trailbook.clock import Clock, Entropy
from trailbook.errors import TooManyTriesError

SLOTS = 16_384  # of each table: a few megabytes, and more than may fail in all in a quarter of an hour
# Seconds: the longest pause, and how long nothing may go wrong for a fresh start.
LONGEST, FORGOTTEN = 60.0, 900.0
_FIRST = 5.0  # seconds
# Beside those of one account from one address, a minute: of an address, of an account, and in all.
OF_ADDRESS, OF_ACCOUNT, OF_ALL = 3, 10, 100


def counted_as(address: str | None) -> str | None:
    """What an address is counted as: of IPv6 the network of 64 bits, for whoever has one address has all of those."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))


class Slots:
    """Where each thing that is counted lies: nobody outside can tell which others it shares a slot with."""

    def __init__(self, entropy: Entropy = secrets.token_bytes, many: int = SLOTS) -> None:
        self._key = entropy(32)
        self._many = many

    def digest(self, *parts: str | None) -> bytes:
        """What stands for these texts."""
        return blake2b(repr(parts).encode(), key=self._key, digest_size=16).digest()

    def of(self, *parts: str | None) -> int:
        """Their slot."""
        return int.from_bytes(self.digest(*parts)) % self._many


class Pauses:
    """Failures by their slot: so many are free, and after each more nothing may be tried for a while."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._failures: dict[int, tuple[int, float]] = {}

    def wait(self, slot: int, now: float) -> float:
        """Seconds until something may be tried; `now` is in seconds."""
        count, at = self._failures.get(slot, (0, now))
        # A clock that went back ends no pause, and makes none longer.
        return max(0.0, self._pause(count) - max(0.0, now - at))

    def add(self, slot: int, now: float) -> None:
        """Count a failure."""
        count, at = self._failures.get(slot, (0, now))
        self._failures[slot] = (1 if now - at >= FORGOTTEN else count + 1, now)

    def take_back(self, slot: int) -> None:
        """Count one failure less: it was none."""
        count, at = self._failures.get(slot, (0, 0.0))
        self._failures[slot] = (max(0, count - 1), at)

    def clear(self, slot: int) -> None:
        """Begin anew, for whoever knew the password."""
        self._failures.pop(slot, None)

    def _pause(self, count: int) -> float:
        return 0.0 if count < self._free else min(LONGEST, _FIRST * 2.0 ** min(count - self._free, 10))


class Account(Struct, frozen=True):
    """What is tried: the name in an organisation, whether there is one or not, and the address it is tried from."""

    org: str
    login: str
    address: str | None


class Try:
    """One try that was let through. It counts as a failure until it is said to have been none."""

    def __init__(
        self, tries: "Tries", pair: tuple[bytes, int], taken: list[tuple[Throttle, Hashable]]
    ) -> None:
        self._tries = tries
        self._pair = pair
        self._taken = taken

    def went_well(self) -> None:
        """The password was right: the account is known from this address from now on."""
        self.take_back()
        self._tries.know(*self._pair)

    def take_back(self) -> None:
        """No password was looked at, or it was right."""
        self._tries.take_back(self._pair[1], self._taken)

    def makes_entry(self, org: str, person: tuple[str, str] | None) -> bool:
        """Whether its failure is an entry: a few of each person and then one a minute, of names that nobody has one."""
        return self._tries.makes_entry(org, person)


class Tries:
    """Who tried how often; `failures` a minute are those of one account from one address."""

    def __init__(self, failures: int, clock: Clock, slots: Slots | None = None) -> None:
        self._clock = clock
        self._slots = slots or Slots()
        self._pairs = Pauses(failures)
        self._addresses = Throttle(failures * OF_ADDRESS, 60, SLOTS)
        self._accounts = Throttle(failures * OF_ACCOUNT, 60, SLOTS)
        self._all = Throttle(failures * OF_ALL, 60)
        # Whoever is forgotten here is only a stranger again.
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._entries = Throttle(3, 180)
        self._strangers = Throttle(1, 60)
        self._lock = threading.Lock()

    def begin(self, account: Account) -> Try:
        """Count a try before any password is looked at. Raises: TooManyTriesError when it may not be made."""
        now, address = self._now(), counted_as(account.address)
        pair = self._slots.digest(account.org, account.login, address)
        slot = self._slots.of(account.org, account.login, address)
        counts: list[tuple[Throttle, Hashable]] = [
            (self._addresses, self._slots.of(address)),
            (self._accounts, self._slots.of(account.org, account.login)),
            (self._all, None),
        ]
        with self._lock:
            waits = [self._pairs.wait(slot, now)]
            # Who signed in from here before is not kept out by what strangers do to their name or in their network.
            if pair not in self._known:
                waits += [throttle.wait(who, now) for throttle, who in counts]
            if max(waits):
                raise TooManyTriesError(max(waits))
            self._pairs.add(slot, now)
            # `take` gives 0 where it took. Of a known owner a bucket may have been empty: what gave nothing gets
            # nothing back.
            return Try(self, (pair, slot), [each for each in counts if not each[0].take(each[1], now)])

    def know(self, pair: bytes, slot: int) -> None:
        """From now on this account's owner is known where they are; others' failures hold them up no more."""
        with self._lock:
            self._pairs.clear(slot)
            self._known[pair] = None
            self._known.move_to_end(pair)
            while len(self._known) > MOST:
                self._known.popitem(last=False)

    def take_back(self, slot: int, taken: list[tuple[Throttle, Hashable]]) -> None:
        """Count a try no more."""
        with self._lock:
            self._pairs.take_back(slot)
            for throttle, who in taken:
                throttle.give(who, self._now())

    def makes_entry(self, org: str, person: tuple[str, str] | None) -> bool:
        """As `Try.makes_entry`."""
        throttle, who = (self._strangers, (org,)) if person is None else (self._entries, (org, *person))
        return throttle.take(who, self._now()) == 0

    def _now(self) -> float:
        return self._clock().timestamp()
