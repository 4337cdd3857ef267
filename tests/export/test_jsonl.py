"""JSON lines: each line is the entry as the API answers it, and nothing else is in the file."""

from collections.abc import Iterator

import msgspec
import pytest

from trailbook import Actor, Item, Log, Origin, Query, open_deployment, operator
from trailbook.export import jsonl_file
from trailbook.finding.answers import Shown

ANNA = Actor(kind="person", type="user", id="u-17", name="Anna\u00a0Berg \u2603")


@pytest.fixture
def log() -> Iterator[Log]:
    """A log of 600 entries: more than one reading of the store."""
    deployment = open_deployment("memory:")
    log = deployment.create("nordlys")
    for at in range(600):
        log.record(
            "user.profile_updated",
            actor=ANNA,
            target=Item(type="user", id=f"u-{at}", name=f"Person {at}"),
            fields=("address",),
            origin=Origin(interface="web"),
        )
    yield log
    deployment.close()


def test_each_line_is_an_entry(log: Log) -> None:
    """P45: in order, every member, nothing lost: the lines are the rows."""
    viewer = operator("nordlys")
    content = b"".join(jsonl_file(log.export(Query(as_of=599), viewer=viewer, order="seq").batches))
    lines = content.splitlines()
    assert content.endswith(b"\n")
    assert [msgspec.json.decode(line, type=Shown) for line in lines] == list(
        log.rows(Query(as_of=599), viewer=viewer, order="seq")
    )
    assert [msgspec.json.decode(line)["seq"] for line in lines] == list(range(599))


def test_nothing_found_is_an_empty_file(log: Log) -> None:
    """An empty answer is an empty file."""
    assert b"".join(jsonl_file(log.export(Query(as_of=0), viewer=operator("nordlys")).batches)) == b""
