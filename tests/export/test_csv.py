"""CSV: one line an entry, read back by any reader of RFC 4180, and no cell that a spreadsheet would run."""

import csv
import io
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from trailbook import Actor, Item, Log, Origin, Query, open_deployment, operator
from trailbook.export import COLUMNS, Layout, csv_file, guarded, unguarded

OSLO = Layout(columns=COLUMNS, tz="Europe/Oslo")
FORMULAS = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(1)", "＝1+1", "＋1", "－1", "＠x", " =1+1", "   +1"),
    *("a;=1+1", "a; =1+1", ";@x", "'=1+1", "''=1", "' =1", "a;'+1", "=cmd|' /C calc'!A0"),
)
PLAIN = ("Anna", "a=b", "a - b", "x@y.example", "1+1", "don't", "a;b", "æøå", " space", 'a, "b"')
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")

# What a spreadsheet could take for a formula: at the beginning, or where it splits at semicolons.
RUNS = re.compile(r"(^|;)\s*[=+\-@\t\r\n＝＋－＠]")


@pytest.fixture
def log() -> Iterator[Log]:
    """A log whose names are formulas and their harmless likes."""
    deployment = open_deployment("memory:")
    log = deployment.create("nordlys")
    for at, name in enumerate((*FORMULAS, *PLAIN)):
        log.record(
            "role.assigned",
            actor=ANNA,
            target=Item(type="role", id=f"r-{at}", name=name),
            concerns={"member": Item(type="user", id=f"u-{at}", name=name)},
            origin=Origin(interface="web", user_agent=name),
        )
    yield log
    deployment.close()


def read(content: bytes) -> list[dict[str, str]]:
    """The file as a plain reader sees it."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def exported(log: Log) -> bytes:
    """The whole log as a file, oldest first."""
    rows = log.export(Query(), viewer=operator("nordlys"), order="seq")
    return b"".join(csv_file(rows.batches, OSLO))


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_guarded(text: str) -> None:
    """What could run has an apostrophe before it; without the guard it would run."""
    assert RUNS.search(text) or "'" in text
    assert not RUNS.search(guarded(text))
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text_stands_as_it_is(text: str) -> None:
    """Nothing else is touched."""
    assert guarded(text) == text


@given(st.text(alphabet="=+-@＝＠';\t\r\n ab", max_size=12) | st.text(max_size=40))
def test_every_text_comes_back(text: str) -> None:
    """The guard can always be taken away, and never leaves a formula."""
    assert unguarded(guarded(text)) == text
    assert not RUNS.search(guarded(text))


def test_the_file_reads_back(log: Log) -> None:
    """A mark, one heading, a line an entry with CRLF; every name is recovered."""
    content = exported(log)
    assert content.startswith(b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n")
    rows = read(content)
    names = (*FORMULAS, *PLAIN)
    assert content.count(b"\r\n") == len(names) + 1
    assert [unguarded(row["target"]) for row in rows] == list(names)
    assert [unguarded(row["user_agent"]) for row in rows] == list(names)
    assert [unguarded(row["concerns"]) for row in rows] == [
        f"member: {name} (user/u-{at})" for at, name in enumerate(names)
    ]
    assert all(not RUNS.search(cell) for row in rows for cell in row.values())


def test_times_in_both_zones(log: Log) -> None:
    """UTC with microseconds, and the local time with its offset."""
    row = read(exported(log))[0]
    assert row["occurred_at"].endswith("Z")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+0[12]:00", row["occurred_local"])
    assert (row["category"], row["action"], row["seq"]) == ("roles", "role.assigned", "0")


def test_an_error_on_the_way_is_raised(log: Log) -> None:
    """An error among the rows leaves the file's generator as it is, after what stood before."""

    def broken() -> Iterator[object]:
        yield next(log.export(Query(), viewer=operator("nordlys")).batches)
        raise OSError("the disk is gone")

    pieces = csv_file(broken(), OSLO)  # type: ignore[arg-type]
    assert len([next(pieces), next(pieces)]) == 2
    with pytest.raises(OSError, match="disk"):
        next(pieces)
