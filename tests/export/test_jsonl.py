"""JSON lines: each line is the entry as the API answers it, and nothing else is in the file."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tables import ALL, HOSTILE, VIEWER, written

from trailbook import Actor, Item, Log, Origin, Query, open_deployment, operator
from trailbook.export import file_pieces, jsonl_file
from trailbook.finding.answers import Shown
from trailbook.testing.small import assigned, opened, person
from trailbook.testing.steady import FrozenClock

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
    """In order, every member, nothing lost: the lines are the rows."""
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


@pytest.mark.parametrize("lang", ["en", "nb"])
def test_lines_say_what_rows_say(hostile: Log, lang: str) -> None:
    """The quick way and the plain one say the same of every entry, to the byte and in every language."""
    before = Query(as_of=hostile.size(viewer=VIEWER))  # reading is an entry too
    plain = list(hostile.rows(before, viewer=VIEWER, order="seq", lang=lang))
    assert written(hostile, "jsonl", before, lang=lang).splitlines() == [
        msgspec.json.encode(row) for row in plain
    ]
    assert len({row.sentence for row in plain}) > len(HOSTILE) * 3


def test_erased_and_deleted_items_stand_as_the_log_shows_them(tmp_path: Path) -> None:
    """An export after an erasure has the pseudonym, and so has one that was under way."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock)
    log, viewer = deployment.create("acme"), operator("acme")
    entries = [assigned(clock, at) for at in range(30)]
    log.record_many(entries)
    before = log.export(Query(as_of=30), viewer=viewer, order="seq")
    log.erase(person(1), actor=ANNA, origin=Origin(interface="cli"))
    for rows in (before, log.export(Query(as_of=30), viewer=viewer, order="seq")):
        content = b"".join(file_pieces("jsonl", rows.batches, ALL))
        assert content.splitlines() == [
            msgspec.json.encode(row) for row in log.rows(Query(as_of=30), viewer=viewer, order="seq")
        ]
        assert b'Quixote1"' not in content
        assert b'Quixote2"' in content
    deployment.close()
