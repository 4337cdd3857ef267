"""Columns: which a table has, in which order, and its local times, whatever the format."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow.parquet as pq
import pytest
from msgspec import Struct
from tables import VIEWER, written

from trailbook import Log, Query
from trailbook.errors import InvalidError
from trailbook.export import COLUMNS, Format, Layout, unguarded
from trailbook.export.columns import readers, remembering


class Body(Struct):
    """As much of an entry as its local time needs."""

    occurred_at: str


class Line(Struct):
    """As much of a line."""

    body: Body


@pytest.mark.parametrize("name", ["csv", "xlsx", "parquet"])
def test_columns_are_chosen(hostile: Log, name: Format) -> None:
    """These columns in this order, the time in this zone, the sentence in this language."""
    layout = Layout(columns=("seq", "occurred_local", "sentence"), tz="Asia/Kolkata")
    content = written(hostile, name, layout=layout, lang="nb")
    if name == "parquet":
        read = [tuple(map(str, row.values())) for row in pq.read_table(io.BytesIO(content)).to_pylist()]
    elif name == "xlsx":
        rows = (
            openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(min_row=2, values_only=True)
        )
        read = [
            (str(seq), f"{at}+05:30", str(sentence)) for seq, at, sentence in rows
        ]  # a date has no offset
    else:
        read = [tuple(r) for r in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))][1:]
    first = next(row for row in read if row[0] == "0")
    plain = next(hostile.rows(Query(), viewer=VIEWER, order="seq", lang="nb"))
    assert first[1].endswith("+05:30")
    assert unguarded(first[2]) == plain.sentence


def test_unknown_columns_and_zones_are_named() -> None:
    """The refusal names what is wrong and lists the columns there are; the same without the fault is read."""
    for layout, named in (
        (Layout(columns=("seq", "salary")), "salary"),
        (Layout(columns=("seq", "seq")), "each once"),
        (Layout(columns=()), "one column or more"),
        (Layout(columns=("seq",), tz="Mars/Olympus"), "zone"),
    ):
        with pytest.raises(InvalidError, match=named):
            readers(layout)
    assert len(readers(Layout(columns=("seq", "sentence")))) == 2
    assert len(readers(Layout(columns=COLUMNS))) == len(COLUMNS)


@pytest.mark.parametrize(
    "tz", ["UTC", "Europe/Oslo", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Monrovia"]
)
def test_a_remembered_hour_is_the_hour(tz: str) -> None:
    """Local times are those of the zone at every minute, over changes of the clock by an hour and by half of one."""
    begin = datetime(2026, 10, 3, 12, tzinfo=UTC)
    instants = [begin + timedelta(minutes=7 * at) for at in range(6_000)]
    instants += [datetime(1972, 1, 6, 23, tzinfo=UTC) + timedelta(minutes=at) for at in range(180)]
    lines: Any = [Line(Body(f"{at:%Y-%m-%dT%H:%M:%S.%f}Z")) for at in instants]
    (local,) = readers(Layout(columns=("occurred_local",), tz=tz))
    expected = [at.astimezone(ZoneInfo(tz)).isoformat(sep=" ", timespec="seconds") for at in instants]
    assert local(lines) == expected
    assert local(lines) == expected


def test_what_comes_again_is_made_once() -> None:
    """A cell that may come again is remembered; of what hardly ever does, nothing is."""
    made: list[str] = []

    def make(text: str) -> str:
        made.append(text)
        return text.upper()

    again, never = remembering(make, "actor"), remembering(make, "sentence")
    assert again(["a", "b", "a"]) + again(["a"]) == ["A", "B", "A", "A"]
    assert sorted(made) == ["a", "b"]
    assert never(["c"]) + never(["c"]) == ["C", "C"]
    assert made.count("c") == 2
