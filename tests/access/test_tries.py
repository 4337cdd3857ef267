"""Tries at a password: each limit is met, what is right is no failure, and nothing that counts is ever forgotten."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from trailbook.access import Account, Slots, Tries, Try, counted_as
from trailbook.access.tries import FORGOTTEN, LONGEST, OF_ACCOUNT, OF_ADDRESS, OF_ALL, Pauses
from trailbook.errors import TooManyTriesError
from trailbook.testing import FrozenClock, Steady

FREE = 4
HERE, MINUTE = "192.0.2.7", timedelta(minutes=1)


def tries(clock: FrozenClock, many: int = 16_384) -> Tries:
    return Tries(FREE, clock, Slots(Steady(1), many))


def begin(limit: Tries, login: str = "anna", address: str | None = HERE, org: str = "acme") -> Try:
    return limit.begin(Account(org, login, address))


def let_through(limit: Tries, logins: Iterable[str], addresses: Iterable[str]) -> int:
    """How many of these tries are let through, one after the other."""
    through = 0
    for login, address in zip(logins, addresses, strict=True):
        try:
            begin(limit, login, address)
        except TooManyTriesError:
            continue
        through += 1
    return through


def test_pauses_grow_and_end() -> None:
    """An account from one address: some failures are free, then each costs a longer pause, and a minute at most."""
    clock = FrozenClock()
    limit, waited = tries(clock), []
    for _ in range(FREE):
        begin(limit)
    for _ in range(7):
        with pytest.raises(TooManyTriesError) as refused:
            begin(limit)
        waited.append(refused.value.seconds)
        clock.move(timedelta(seconds=refused.value.seconds))
        begin(limit)
    assert waited == [5, 10, 20, 40, LONGEST, LONGEST, LONGEST]
    clock.move(timedelta(seconds=FORGOTTEN))
    for _ in range(FREE):
        begin(limit)


def test_a_pause_is_of_one_account_from_one_address() -> None:
    """Whoever guesses holds up neither the account elsewhere nor somebody else beside them."""
    limit = tries(FrozenClock())
    for _ in range(FREE):
        begin(limit)
    with pytest.raises(TooManyTriesError):
        begin(limit)
    begin(limit, address="192.0.2.8")
    begin(limit, login="bo")
    begin(limit, org="other")


def test_an_address_an_account_and_all() -> None:
    """Each has a ceiling of its own, whatever the others are; a minute later it is open again."""
    clock = FrozenClock()
    limit, many = tries(clock), FREE * OF_ALL * 2
    names, places = [f"n-{at}" for at in range(many)], [f"10.0.{at // 250}.{at % 250}" for at in range(many)]
    assert let_through(limit, names, [HERE] * many) == FREE * OF_ADDRESS
    clock.move(MINUTE)
    assert let_through(limit, ["anna"] * many, places) == FREE * OF_ACCOUNT
    clock.move(MINUTE)
    assert let_through(limit, names, places) == FREE * OF_ALL
    clock.move(MINUTE)
    assert let_through(limit, names[:FREE], [HERE] * FREE) == FREE


def test_what_went_well_is_no_failure() -> None:
    """A right password begins anew, however often; one that nobody looked at costs nothing either."""
    limit = tries(FrozenClock())
    for _ in range(FREE * OF_ALL * 2):
        begin(limit).went_well()
        begin(limit, login="bo").take_back()
    for _ in range(FREE):
        begin(limit)
    with pytest.raises(TooManyTriesError):
        begin(limit)


def test_whoever_was_here_before_is_held_up_by_nobody_elsewhere() -> None:
    """Ceilings that others have met keep out who is new; who signed in from there before gets in, but not to guess."""
    clock = FrozenClock()
    limit, many = tries(clock), FREE * OF_ALL
    begin(limit).went_well()
    names, places = [f"n-{at}" for at in range(many)], [f"10.0.{at // 250}.{at % 250}" for at in range(many)]
    let_through(limit, names, [HERE] * many)
    let_through(limit, ["anna"] * many, places)
    let_through(limit, names, places)
    begin(limit).went_well()
    with pytest.raises(TooManyTriesError):  # the control: from where they never were
        begin(limit, address="192.0.2.8")
    for _ in range(FREE):
        begin(limit)
    with pytest.raises(TooManyTriesError):
        begin(limit)


@given(st.lists(st.tuples(st.text(max_size=4), st.ip_addresses(v=4).map(str)), max_size=60))
def test_no_flood_of_names_makes_a_count_forgotten(flood: list[tuple[str, str]]) -> None:
    """In however few places: what shares one is counted together, which ends no pause."""
    limit = tries(FrozenClock(), many=3)
    for _ in range(FREE):
        begin(limit)
    let_through(limit, [login for login, _ in flood], [address for _, address in flood])
    with pytest.raises(TooManyTriesError):
        begin(limit)


def test_the_tables_do_not_grow() -> None:
    """As many names as one likes take as many places as there are."""
    pauses, places = Pauses(FREE), Slots(Steady(1), many=16)
    for at in range(1000):
        pauses.add(places.of(f"n-{at}"), float(at))
    assert len(vars(pauses)["_failures"]) == 16


def test_a_clock_that_goes_back_ends_no_pause() -> None:
    clock = FrozenClock()
    limit = tries(clock)
    for _ in range(FREE):
        begin(limit)
    clock.move(-timedelta(days=1))
    with pytest.raises(TooManyTriesError) as refused:
        begin(limit)
    assert refused.value.seconds <= LONGEST


def test_nobody_outside_knows_what_shares_a_place() -> None:
    """Another key, other places; the same key, the same ones."""
    names = [f"n-{at}" for at in range(50)]
    drawn = [[Slots(Steady(seed)).of(name, None) for name in names] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        (None, None),
    ],
)
def test_what_an_address_is_counted_as(address: str | None, counted: str | None) -> None:
    """Of IPv6 whoever has one address has 2^64 of them."""
    assert counted_as(address) == counted


def test_addresses_of_one_network_are_counted_together() -> None:
    limit, many = tries(FrozenClock()), FREE * OF_ADDRESS + 5
    names = [f"n-{at}" for at in range(many)]
    assert let_through(limit, names, [f"2001:db8::{at:x}" for at in range(many)]) == FREE * OF_ADDRESS
    assert let_through(tries(FrozenClock()), names, [f"2001:db8:0:{at:x}::1" for at in range(many)]) == many
