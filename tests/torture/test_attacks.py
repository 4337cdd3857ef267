"""Attacks by whoever has an address or a key, while calm users go on: seven seconds of each, and sixty in `make full`.

What must hold is asserted: every calm request is answered as it should be, nothing leaks, no answer is the server's own
fault, and memory stays bounded. How long calm users wait beside what they wait without the attack is a table at the end
of the run, for a time is nothing to assert.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.amounts import amount
from tests.torture.attacks import ATTACKS, CANARY, Seen, Siege, besieged
from tests.torture.company import Calm, Client, Company, Samples, calm, company
from tests.web.conftest import ORG

SECONDS = amount(7, 7, 60)
TABLE = "figures: calm users beside attacks (times in ms, calm > attacked)"
MOST_MEMORY = 300 * 1024 * 1024  # bytes beyond those before the attack
# The usual limits keep most attackers out; where they are wide, what is behind them has to hold by itself.
LIMITS = {
    "usual": {},
    "wide": {"limits_reading": 1_000_000, "limits_recording": 1_000_000, "limits_failures": 1_000_000},
}
BEHIND = ("bodies_that_do_not_come", "halves_of_batches", "readers_that_take_little", "readers_that_take_all")
CASES = [
    *(pytest.param(name, "usual", id=name) for name in ATTACKS),
    *(pytest.param(name, "wide", id=f"{name}, wide limits") for name in BEHIND),
]


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Company]]:
    """The server with limits of a kind, begun when it is first asked for."""
    with ExitStack() as stack:
        running: dict[str, Company] = {}

        def at(limits: str) -> Company:
            if limits not in running:
                path = tmp_path_factory.mktemp(limits)
                running[limits] = stack.enter_context(company(path, **LIMITS[limits]))
            return running[limits]

        yield at


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "limits"), CASES)
def test_nobody_stops_anybody(
    companies: Callable[[str], Company],
    record_property: Callable[[str, object], None],
    name: str,
    limits: str,
) -> None:
    """Every calm request is answered 200, and the server holds no more than it may."""
    made = companies(limits)
    assert calm(made, 1).wrong == []
    without = calm(made, SECONDS / 2)
    with Samples(made.process, 0.2) as samples:
        with besieged(made.target, name) as siege:
            time.sleep(min(SECONDS / 5, 2))
            during = calm(made, SECONDS)
            assert siege.goes_on()
        more = max(samples.bytes) - samples.bytes[0]
    record_property(TABLE, row((name, limits), siege, (without, during), more))
    seen = siege.seen[name]
    assert (without.wrong, during.wrong) == ([], [])
    assert (seen.broken, seen.leaks) == ([], 0)
    assert seen.tried > 0
    assert more < MOST_MEMORY


def row(case: tuple[str, str], siege: Siege, two: tuple[Calm, Calm], more: int) -> dict[str, str]:
    """The line of an attack in the table."""
    seen, (without, during) = siege.seen[case[0]], two

    def beside(kind: str, part: float) -> str:
        before, after = without.at(kind, part), during.at(kind, part)
        return f"{before * 1000:.0f} > {after * 1000:.0f} ({after / before:.1f}x)"

    slowest = max(max(during.times[kind]) / max(without.times[kind]) for kind in during.times)
    return {
        "attack": f"{case[0]}, {case[1]} limits",
        "tried": str(seen.tried),
        "answers": " ".join(f"{status}:{count}" for status, count in sorted(seen.statuses.items())),
        "5xx": str(len(seen.broken)),
        "leaks": str(seen.leaks),
        "page p50": beside("page", 0.5),
        "page p99": beside("page", 0.99),
        "batch p50": beside("batch", 0.5),
        "batch p99": beside("batch", 0.99),
        "slowest": f"{slowest:.1f}x",
        "MiB": str(more >> 20),
    }


@pytest.mark.torture
def test_what_attackers_may_not_see_is_seen(companies: Callable[[str], Company]) -> None:
    """The control: whoever is named for the restricted category gets the entry, and that counts as a leak."""
    with besieged(companies("wide").named, "readers_that_take_all") as siege:
        time.sleep(5)
    assert siege.seen["readers_that_take_all"].leaks > 0


@pytest.mark.parametrize(
    ("status", "fields", "broken"),
    [
        (500, {}, 1),
        (503, {}, 1),
        (502, {"Retry-After": "1"}, 1),
        (503, {"Retry-After": "1"}, 0),
        (429, {}, 0),
    ],
)
def test_a_fault_of_the_server_counts(status: int, fields: dict[str, str], broken: int) -> None:
    """The control: a 5xx counts as broken, unless it is the documented 503; and the canary is found."""
    seen = Seen()
    seen.answered(status, fields, b"{}")
    assert (len(seen.broken), seen.leaks) == (broken, 0)
    seen.answered(200, {}, f"[{CANARY}]".encode())
    assert seen.leaks == 1


@pytest.mark.torture
def test_what_calm_users_are_refused_counts(companies: Callable[[str], Company]) -> None:
    """The control: without a session and without a server, nothing counts as answered well."""
    made = companies("usual")
    stranger = Client(made.serving.address, {})
    assert stranger.ask("GET", f"/orgs/{ORG}/activity").status == 401
    stranger.close()
    assert calm(strangers(made), 0.1).wrong == [401, 401]


def strangers(made: Company) -> Company:
    """The same server, to people whose session has ended."""
    gone = dict.fromkeys(made.cookies, "__Host-trailbook=gone")
    return Company(made.folder, made.serving, made.keys, gone, made.target, made.named)
