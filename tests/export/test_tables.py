"""XLSX and Parquet, read back by other people's libraries; and that every format has exactly the rows of the log."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import openpyxl
import pyarrow.parquet as pq
import pytest

from trailbook import Actor, Concern, Item, Log, NewEntry, Origin, Query, operator
from trailbook.deployment.opening import open_deployment
from trailbook.errors import ExportChangedError, InvalidError
from trailbook.export import COLUMNS, FORMATS, Format, Layout, exactly, file_pieces, unguarded, whole_file
from trailbook.export import xlsx as sheets
from trailbook.finding.rows import ExportRows
from trailbook.testing.small import opened
from trailbook.testing.steady import FrozenClock

ORG = "nordlys"
VIEWER = operator(ORG)
EVERYTHING = Query()
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
ALL = Layout(columns=COLUMNS, tz="Europe/Oslo")
HOSTILE = (
    *("=1+1", "+1", "-1", "@SUM(A1)", " =1", "a;=1", "=cmd|' /C calc'!A0", "'=1", "＝1"),
    *("_x000D_", "_x005F_", "a_x", "<b>&amp;</b>", "]]>", '"', "a,b", "100 %", "%s {actor} %%"),
    *("Åse Ødegård", "𝒳 four bytes", "שלום", "عربي", "\ue0001\ue001", "don't", "a", "x" * 300),
)


@pytest.fixture
def log() -> Iterator[Log]:
    """A log with every kind of entry that a sentence tells apart, under hostile names."""
    deployment = open_deployment("memory:")
    log = deployment.create(ORG)
    for at, name in enumerate(HOSTILE):
        member = Item(type="user", id=f"u-{at}", name=name)
        role = Item(type="role", id=f"r-{at}", name=name)
        origin = Origin(interface="web", ip="192.0.2.7", user_agent=name)
        log.record("role.assigned", actor=ANNA, target=role, concerns={"member": member}, origin=origin)
        own = Actor(kind="person", type="user", id=f"u-{at}", name=name)
        log.record("user.profile_updated", actor=own, target=member, fields=("address",), origin=origin)
        system = Actor(kind="system", type="system", id="sync")
        log.record(
            "role.deleted", actor=system, target=role, origin=Origin(interface="job"), outcome="denied"
        )
        robot = Actor(kind="integration", type="integration", id="i-1", name=name)
        log.record("user.created", actor=robot, target=member, origin=origin, on_behalf_of=ANNA_ITEM)
        log.record("role.assigned", actor=own, target=role, concerns={"member": member}, origin=origin)
    renamed = Item(type="user", id="u-0", name="Renamed")
    log.record("user.profile_updated", actor=ANNA, target=renamed, origin=Origin(interface="web"))
    yield log
    deployment.close()


ANNA_ITEM = Item(type="user", id="u-17", name="Anna Berg")


def written(
    log: Log, name: Format, query: Query = EVERYTHING, layout: Layout = ALL, lang: str = "en"
) -> bytes:
    """A whole export."""
    rows = log.export(query, viewer=VIEWER, order=FORMATS[name].order, lang=lang)
    return b"".join(file_pieces(name, exactly(rows), layout))


def table(content: bytes) -> list[tuple[str | None, ...]]:
    """The rows of a workbook as another library reads them, heading first; no cell may be a formula."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    found = []
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            assert all(cell.data_type in ("s", "inlineStr", "n") for cell in row)
            found.append(tuple(_read(cell.value) for cell in row))
    return found


def _read(text: str | None) -> str | None:
    """A text as ECMA-376 part 1, 22.9.2.19 reads it, which this library leaves to its caller."""
    return (
        None if text is None else re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), str(text))
    )


@pytest.mark.parametrize("lang", ["en", "nb"])
def test_lines_say_what_rows_say(log: Log, lang: str) -> None:
    """P45: the quick way and the plain one say the same of every entry, to the byte and in every language."""
    before = Query(as_of=log.size(viewer=VIEWER))  # reading is an entry too
    plain = list(log.rows(before, viewer=VIEWER, order="seq", lang=lang))
    assert written(log, "jsonl", before, lang=lang).splitlines() == [
        msgspec.json.encode(row) for row in plain
    ]
    assert len({row.sentence for row in plain}) > len(HOSTILE) * 3


def test_erased_and_deleted_items_stand_as_the_log_shows_them(tmp_path: Path) -> None:
    """R14: an export after an erasure has the pseudonym, and so has one that was under way."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock)
    log, viewer = deployment.create("acme"), operator("acme")
    entries = [_assigned(clock, at) for at in range(30)]
    log.record_many(entries)
    before = log.export(Query(as_of=30), viewer=viewer, order="seq")
    log.erase(Item(type="user", id="u-1"), actor=ANNA, origin=Origin(interface="cli"))
    for rows in (before, log.export(Query(as_of=30), viewer=viewer, order="seq")):
        content = b"".join(file_pieces("jsonl", rows.batches, ALL))
        assert content.splitlines() == [
            msgspec.json.encode(row) for row in log.rows(Query(as_of=30), viewer=viewer, order="seq")
        ]
        assert b'Person 1"' not in content
        assert b'Person 2"' in content
    deployment.close()


def test_a_workbook_reads_back(log: Log) -> None:
    """F13, R21: every text is recovered by another library, none is a formula; and CSV says the same."""
    content = written(log, "xlsx")
    heading, *rows = table(content)
    assert heading == COLUMNS
    lines = list(csv.reader(io.StringIO(written(log, "csv").decode("utf-8-sig"), newline="")))
    assert [tuple(cell or "" for cell in row) for row in rows] == [
        tuple(unguarded(cell) for cell in line) for line in lines[1:]
    ]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert all(b"<f>" not in archive.read(name) for name in archive.namelist())


def test_a_formula_would_be_seen() -> None:
    """F13, control: a cell that is one is told apart by the same reader."""
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"] = "=1+1"
    out = io.BytesIO()
    book.save(out)
    with pytest.raises(AssertionError):
        table(out.getvalue())


def test_a_table_goes_on_in_the_next_sheet(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """P48: an export has no limit: what does not fit one sheet stands in the next, each with its heading."""
    count = log.size(viewer=VIEWER)
    monkeypatch.setattr(sheets, "MOST_ROWS", 50)
    rows = table(written(log, "xlsx", layout=Layout(columns=("seq",))))
    numbers = [row[0] for row in rows if row[0] != "seq"]
    assert numbers == [str(count - 1 - at) for at in range(count)]
    assert len(rows) - count == -(-count // 49)


def test_nothing_found_is_a_table_without_rows(log: Log) -> None:
    """An empty answer is a heading."""
    assert table(written(log, "xlsx", Query(as_of=0))) == [COLUMNS]
    assert written(log, "csv", Query(as_of=0)).decode("utf-8-sig") == ",".join(COLUMNS) + "\r\n"
    assert pq.read_table(io.BytesIO(written(log, "parquet", Query(as_of=0)))).num_rows == 0


def test_a_cell_too_long_says_so() -> None:
    """Nothing is cut in silence: what no cell holds is said where it would stand."""
    assert "40000 characters" in sheets._text("x" * 40_000)
    assert sheets._text("\ufffe") == "_xFFFE_"  # XML has no place for it
    assert sheets._text("x" * sheets.MOST_TEXT) == "x" * sheets.MOST_TEXT


def test_parquet_reads_back(log: Log) -> None:
    """P45: types and values, as another program computes with them."""
    found = pq.read_table(io.BytesIO(written(log, "parquet"))).to_pylist()
    plain = list(log.rows(Query(), viewer=VIEWER, order="seq"))
    assert [row["seq"] for row in found] == [row.seq for row in plain]
    assert [row["sentence"] for row in found] == [row.sentence for row in plain]
    assert [row["occurred_at"].isoformat() for row in found] == [
        row.occurred_at.replace("Z", "+00:00") for row in plain
    ]
    assert [row["fields"] for row in found] == [list(row.fields) for row in plain]
    assert found[0]["concerns"] == [f"member: {HOSTILE[0]} (user/u-0)"]


@pytest.mark.parametrize("name", ["csv", "xlsx", "parquet"])
def test_columns_are_chosen(log: Log, name: Format) -> None:
    """P44: these columns in this order, the time in this zone, the sentence in this language."""
    layout = Layout(columns=("seq", "occurred_local", "sentence"), tz="Asia/Kolkata")
    content = written(log, name, layout=layout, lang="nb")
    if name == "parquet":
        read = [tuple(map(str, row.values())) for row in pq.read_table(io.BytesIO(content)).to_pylist()]
    elif name == "xlsx":
        read = [tuple(map(str, row)) for row in table(content)[1:]]
    else:
        read = [tuple(r) for r in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))][1:]
    first = next(row for row in read if row[0] == "0")
    plain = next(log.rows(Query(), viewer=VIEWER, order="seq", lang="nb"))
    assert first[1].endswith("+05:30")
    assert unguarded(first[2]) == plain.sentence


def test_unknown_columns_and_zones_are_named(log: Log) -> None:
    """The refusal names the column and lists those there are, before anything is written."""
    for layout in (
        Layout(columns=("seq", "salary")),
        Layout(columns=("seq", "seq")),
        Layout(columns=()),
        Layout(columns=("seq",), tz="Mars/Olympus"),
    ):
        with pytest.raises(InvalidError):
            written(log, "csv", layout=layout)


def test_a_count_that_does_not_hold_is_an_error(log: Log) -> None:
    """P45: fewer rows than were counted, or more, is no file; as many is one."""
    for off, bad in ((1, True), (-1, True), (0, False)):
        rows = log.export(Query(), viewer=VIEWER)
        wrong = ExportRows(count=rows.count + off, as_of=rows.as_of, batches=rows.batches)
        if bad:
            with pytest.raises(ExportChangedError):
                list(exactly(wrong))
        else:
            assert sum(map(len, exactly(wrong))) == rows.count


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    """F20: what breaks off leaves nothing, under no name; what ends well stands."""
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "out.csv") as out:  # noqa: PT012
        out.write(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with whole_file(tmp_path / "out.csv") as out:
        out.write(b"whole")
    assert (tmp_path / "out.csv").read_bytes() == b"whole"


def test_writers_go_on_meanwhile(tmp_path: Path) -> None:
    """P45, Must hold: an export of one `as_of` has what was counted, however many entries arrive while it is read."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock)
    log, viewer = deployment.create("acme"), operator("acme")
    log.record_many([_assigned(clock, at) for at in range(4_500)])
    rows = log.export(Query(), viewer=viewer)
    seqs: list[int] = []
    for batch in exactly(rows):
        seqs += [line.seq for line in batch]
        log.record_many([_assigned(clock, at) for at in range(10)])
    assert (rows.count, sorted(seqs)) == (4_500, list(range(4_500)))
    assert log.count(Query(), viewer=viewer)[0] > 4_500
    deployment.close()


def _assigned(clock: FrozenClock, at: int) -> NewEntry:
    return NewEntry(
        action="role.assigned",
        occurred_at=clock(),
        actor=ANNA,
        target=Item(type="role", id="r-3", name="Manager"),
        concerns=(Concern(part="member", type="user", id=f"u-{at}", name=f"Person {at}"),),
        origin=Origin(interface="web"),
    )
