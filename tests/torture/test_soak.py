"""Everybody at once for a long time: ten minutes in `make full`, a third of one in `make torture`.

One real server of two organisations: recorders, people, exports, live readers, and every attack there is. At the end
nothing acknowledged is lost, every count was and is exact, memory is level, no answer was the server's own fault, and
the log verifies.
"""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from msgspec import structs
from tests.amounts import amount
from tests.torture.attacks import ATTACKS, Seen, besieged
from tests.torture.company import Company, Samples, company, side_by_side
from tests.torture.soak import Count, Follower, Outcome, Reader, Recorder, Soak, faults
from tests.web.conftest import ORG, OTHER

from trailbook.stores import open_store

SECONDS = amount(20, 20, 600)
TABLE = "figures: soak"
BATCH = 40


def soaked(made: Company, seconds: float) -> tuple[Soak, dict[str, Seen]]:
    """Everybody at once for so long; then all that was counted is counted once more, in quiet."""
    soak = Soak(made)
    sizes = [(org, batch) for org in (ORG, OTHER) for batch in (1, 1, BATCH)]
    recorders = [Recorder(soak, org, number, batch) for number, (org, batch) in enumerate(sizes)]
    readers = [Reader(soak, org, recorders) for org in (ORG, OTHER)]
    followers = [Follower(soak, recorder) for recorder in recorders]
    steps = [(0.1, recorder.step) for recorder in recorders]
    steps += [
        step
        for each in readers
        for step in ((0.3, each.page), (0.5, each.count), (1, each.export), (1, each.at_once))
    ]
    parts = [lambda pause=pause, step=step: soak.until_over(pause, step) for pause, step in steps]
    with Samples(made.process, 1) as samples:
        with besieged(made.target, *ATTACKS) as siege:
            side_by_side(lambda: soak.last(seconds, siege.end), *parts, *(each.follow for each in followers))
        for reader in readers:
            reader.settled()
        soak.outcome.memory = samples.bytes
    for client in soak.clients:
        client.close()
    soak.outcome.counts += [count for each in followers for count in each.held()]
    for recorder in recorders:
        soak.outcome.acknowledged.setdefault(recorder.org, []).extend(recorder.ids)
    for name, seen in siege.seen.items():
        soak.outcome.broken += [f"{name}: {answer}" for answer in seen.broken]
        soak.outcome.broken += [f"{name}: {seen.leaks} answers leak"] * bool(seen.leaks)
    return soak, siege.seen


def judged(made: Company, outcome: Outcome) -> list[str]:
    """The verdict, once the server has ended: what the file holds, and what verifying it finds."""
    outcome.broken += [f"the server ended with {made.serving.process.returncode}"] * bool(
        made.serving.process.returncode
    )
    store, _ = open_store(f"sqlite:///{made.folder.path}/trailbook.db")
    for org in (ORG, OTHER):
        outcome.present[org] = [str(UUID(bytes=id_)) for id_, _ in store.ids(org)]
    store.close()
    for org in (ORG, OTHER):
        ended = made.folder.run("--org", org, "verify")
        outcome.findings += [f"verify: {ended.out}{ended.err}"] * bool(ended.code)
    return faults(outcome)


@pytest.mark.torture
def test_everybody_at_once(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """Nothing lost, every count exact, memory level, no 5xx but the documented 503, and proofs that hold."""
    with company(tmp_path / "log") as made:
        soak, seen = soaked(made, SECONDS)
    wrong = judged(made, soak.outcome)
    for name, each in seen.items():
        record_property(TABLE, row(name, each.tried, each.statuses))
    honest = row("honest users", soak.statuses.total(), soak.statuses)
    memory = " ".join(
        str(each >> 20) for each in soak.outcome.memory[:: max(1, len(soak.outcome.memory) // 10)]
    )
    record_property(
        TABLE,
        honest
        | {"acknowledged": str(sum(map(len, soak.outcome.acknowledged.values())))}
        | {"counts": str(len(soak.outcome.counts)), "wrong": str(len(wrong)), "memory in MiB": memory},
    )
    assert wrong == []
    assert all(ids for ids in soak.outcome.acknowledged.values())


def row(who: str, tried: int, statuses: dict[int, int]) -> dict[str, str]:
    """A line of the table."""
    answers = " ".join(f"{status}:{count}" for status, count in sorted(statuses.items()))
    return {"who": who, "tried": str(tried), "answers": answers}


MB = 1024 * 1024
GOOD = Outcome(
    acknowledged={ORG: ["a", "b"]},
    present={ORG: ["a", "b", "c"]},
    counts=[Count("roles", 2, 3, 2)],
    memory=[100 * MB] * 20 + [150 * MB] * 5,
)


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, ""),
        ({"acknowledged": {ORG: ["a", "d"]}}, f"lost d of {ORG}"),
        ({"present": {ORG: ["a", "b", "a"]}}, f"doubled a of {ORG}"),
        ({"counts": [Count("roles", 2, 3, 1)]}, "roles: 1, and not 2 to 3"),
        ({"counts": [Count("roles", 2, 3, 4)]}, "roles: 4, and not 2 to 3"),
        ({"memory": [100 * MB] * 20 + [160 * MB] * 5}, "memory grew from 105 to 168 MB"),
        ({"broken": ["GET /: 500"]}, "GET /: 500"),
        ({"findings": ["verify: changed"]}, "verify: changed"),
    ],
)
def test_the_verdict_can_fail(changed: dict[str, object], wrong: str) -> None:
    """The control: an entry that is lost or doubled, a count that is off, memory that grows, a 500, a finding."""
    assert faults(structs.replace(GOOD, **changed)) == ([wrong] if wrong else [])
