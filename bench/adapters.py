"""What it costs to import a file, by the processor's time: CSV and JSON lines, recorded and refused.

Owns the files: roles given to many people by a few, as an old log would have it. The control records the very same
entries without a file. Refuses the wall's time: whoever imports shares the machine with others.
"""

import io
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice

import msgspec

from bench.measuring import Control, Goal, Row, row, tell
from bench.site import BATCH, ORG, Site
from trailbook.access.viewer import operator
from trailbook.adapters.files import import_csv, import_jsonl
from trailbook.adapters.mapping import read_plan
from trailbook.log.log import Log
from trailbook.model import Actor, Concern, Item, NewEntry, Origin, instant

_MOST = 200_000  # rows, of which more would say no more
_ACTORS, _ROLES, _PEOPLE = 50, 40, 2_000
_FIRST, _STEP = 1_704_067_200_000_000, 311_000_000  # microseconds
_HEADING = "When,What,Uid,User,Rid,Role,Mid,Member\n"
_PLAN = read_plan(b"""
source = "bench"
zone = "UTC"
[columns]
occurred_at = "When"
action = "What"
"actor.id" = "Uid"
"actor.name" = "User"
"target.id" = "Rid"
"target.name" = "Role"
"concerns.member.id" = "Mid"
"concerns.member.name" = "Member"
[fixed]
"actor.kind" = "person"
"actor.type" = "user"
"target.type" = "role"
"concerns.member.type" = "user"
"origin.interface" = "import"
""")

Work = Callable[[Log], object]


def run(site: Site, size: int) -> Iterator[Row]:
    """Each kind of file into a log of its own, and again with a fault in every line."""
    size = min(size, _MOST)
    tell("recording what the files will say")
    bare = Control(name="the same entries without a file, recorded", value=_rate(site, size, _recorded(size)))
    csv = (_HEADING + "".join(map(_csv_row, _entries(size)))).encode()
    lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in _entries(size))
    for name, raw, work in (("CSV", csv, _csv), ("JSON lines", lines, _json)):
        tell(f"importing {name}")
        good = _rate(site, size, partial(work, raw=raw))
        bad = _rate(site, size, partial(work, raw=raw.replace(b"u-", b"u\t-")))
        goal = Goal(20_000, least=True)
        unit = "rows/CPU s"
        yield row(f"import of {name}", size, [good], unit=unit, goal=goal, control=bare)
        recorded = Control(name="the same rows, recorded", value=good)
        yield row(f"import of {name}, every row refused", size, [bad], unit=unit, goal=goal, control=recorded)


def _rate(site: Site, size: int, work: Work) -> float:
    """Rows that this process does in a second of its processor's time."""
    built = site.empty()
    start = time.process_time()
    work(built.log)
    taken = time.process_time() - start
    assert built.log.size(viewer=operator(ORG)) in (0, size)
    built.deployment.close()
    return size / taken


def _recorded(size: int) -> Work:
    entries = list(_entries(size))

    def work(log: Log) -> None:
        rest = iter(entries)
        while batch := list(islice(rest, BATCH)):
            log.record_each(batch)

    return work


def _csv(log: Log, raw: bytes) -> None:
    _spend(import_csv(log, io.BytesIO(raw), _PLAN))


def _json(log: Log, raw: bytes) -> None:
    # A tab in an id is one however it is written; as it stands JSON has no such thing.
    _spend(import_jsonl(log, io.BytesIO(raw.replace(b"\t", b"\\t"))))


def _spend(lines: Iterable[object]) -> None:
    for _ in lines:
        pass


def _entries(size: int) -> Iterator[NewEntry]:
    for at in range(size):
        yield NewEntry(
            action="role.assigned",
            occurred_at=instant(_FIRST + at * _STEP),
            actor=Actor(kind="person", type="user", id=f"u-{at % _ACTORS}", name=f"Person {at % _ACTORS}"),
            target=Item(type="role", id=f"r-{at % _ROLES}", name=f"Role {at % _ROLES}"),
            concerns=(_member(at * 7 % _PEOPLE),),
            origin=Origin(interface="import"),
        )


def _member(number: int) -> Concern:
    return Concern(part="member", type="user", id=f"m-{number}", name=f"Member {number}")


def _csv_row(entry: NewEntry) -> str:
    when, member = entry.occurred_at.replace(tzinfo=None).isoformat(), entry.concerns[0]
    items = (entry.actor, entry.target, member)
    return (
        ",".join([when, entry.action, *(text for item in items for text in (item.id, item.name or ""))])
        + "\n"
    )
