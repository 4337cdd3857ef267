"""XLSX, read back by another library: dates are dates, every text is recovered, and none is a formula."""

import csv
import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from msgspec import structs
from tables import ALL, VIEWER, written

from trailbook import Item, Log, Origin, Query
from trailbook.export import COLUMNS, About, Layout, headings, unguarded, xlsx
from trailbook.export.xlsx import _TIME, _times
from trailbook.testing.small import ANNA
from trailbook.testing.steady import FrozenClock, new_log

ABOUT = About(
    question="=1+1",
    org="nordlys",
    count=131,
    as_of=131,
    order="desc",
    who="@Anna",
    at="2026-11-02T08:15:00.123456Z",
    file="roles-2025-nordlys.xlsx",
)
TOLD = structs.replace(ALL, words=True, about=ABOUT)


def opened(content: bytes) -> Any:
    """The workbook as another library reads it; no cell may be a formula, in its eyes or in the XML."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert all(b"<f>" not in archive.read(name) for name in archive.namelist())
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = (cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row)
    assert all(cell.data_type in ("s", "inlineStr", "n", "d") for cell in cells)
    return book


def table(content: bytes) -> list[tuple[Any, ...]]:
    """The rows of the sheets of entries, each with its heading."""
    return [
        tuple(_read(value) for value in row)
        for sheet in opened(content).worksheets
        for row in sheet.iter_rows(values_only=True)
    ]


def _read(value: Any) -> Any:
    """A text as ECMA-376 part 1, 22.9.2.19 reads it, which this library leaves to its caller."""
    if not isinstance(value, str):
        return value
    return re.sub("_x([0-9A-F]{4})_", lambda match: chr(int(match[1], 16)), value)


def _as_csv(name: str, value: Any) -> str:
    """A cell as CSV has it, as far as a workbook keeps it: milliseconds, and no offset beside a local time."""
    if isinstance(value, datetime):
        at = name.endswith("_at")
        return value.isoformat("T" if at else " ", "milliseconds" if at else "seconds")
    return "" if value is None else str(value)


def test_a_workbook_says_what_the_csv_says(hostile: Log) -> None:
    """Every text is recovered by another library, none is a formula; times are dates, and numbers numbers."""
    content = written(hostile, "xlsx", layout=ALL)
    heading, *rows = table(content)
    assert heading == headings(structs.replace(ALL, words=True))
    lines = list(csv.reader(io.StringIO(written(hostile, "csv").decode("utf-8-sig"), newline="")))[1:]
    times = {"occurred_at": 23, "recorded_at": 23, "occurred_local": 19}  # so many characters are in both
    for row, line in zip(rows, lines, strict=True):
        for name, cell, text in zip(COLUMNS, row, line, strict=True):
            assert _as_csv(name, cell) == unguarded(text)[: times.get(name)], name
            assert (name not in times) or isinstance(cell, datetime)
            assert (name != "seq") or isinstance(cell, int)


def test_a_formula_would_be_seen() -> None:
    """Control: a cell that is one is told apart by the same reader."""
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"] = "=1+1"
    out = io.BytesIO()
    book.save(out)
    with pytest.raises(AssertionError):
        table(out.getvalue())


def test_the_first_sheet_tells_what_the_file_is(hostile: Log) -> None:
    """Question, count, order, zone, who, when and how to check, in the words of the language; none is a formula."""
    first, entries = opened(written(hostile, "xlsx", layout=TOLD)).worksheets
    lines = dict(first.iter_rows(values_only=True))
    assert lines["Shown"] == "=1+1"
    assert (lines["Exported by"], lines["Number of entries"], lines["Order"]) == (
        "@Anna",
        131,
        "Newest first",
    )
    assert lines["Exported at (Europe/Oslo)"] == datetime(2026, 11, 2, 9, 15)  # noqa: DTZ001  # a workbook has no zone
    assert "trailbook verify roles-2025-nordlys.xlsx" in lines["How to check"]
    assert entries.title == "Entries 1"
    norwegian = structs.replace(TOLD, lang="nb", about=structs.replace(ABOUT, file=None))
    first, entries = opened(written(hostile, "xlsx", layout=norwegian)).worksheets
    assert (first.title, entries.title) == ("Om denne filen", "Oppføringer 1")
    assert "uten signert erklæring" in dict(first.iter_rows(values_only=True))["Slik kontrolleres filen"]
    assert entries["B1"].value == "Når (Europe/Oslo)"


def test_every_sheet_filters_and_stands_ready_to_read(hostile: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit one sheet stands in the next: each with heading, filter, frozen heading and widths."""
    count = hostile.size(viewer=VIEWER)
    monkeypatch.setattr(xlsx, "MOST_ROWS", 50)
    layout = Layout(columns=("seq", "actor", "sentence"), about=ABOUT)
    book = opened(written(hostile, "xlsx", layout=layout))
    first, *sheets = book.worksheets
    numbers = [row[0] for sheet in sheets for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert numbers == [count - 1 - at for at in range(count)]
    assert [sheet.title for sheet in sheets] == [f"Entries {at + 1}" for at in range(-(-count // 49))]
    assert (first.freeze_panes, first.auto_filter.ref) == (None, None)
    for sheet in sheets:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == f"A1:C{sheet.max_row}"
        assert sheet["A1"].value == "Number in the log"
        widths = [sheet.column_dimensions[column].width for column in "ABC"]
        assert widths == [
            len("Number in the log") + 3,
            60,
            60,
        ]  # a name of 300 characters makes no wider column


def test_nothing_found_is_a_heading_alone(hostile: Log) -> None:
    """An empty answer is a heading, with a filter over it."""
    content = written(hostile, "xlsx", Query(as_of=0))
    assert table(content) == [headings(structs.replace(ALL, words=True))]
    assert opened(content).worksheets[0].auto_filter.ref == "A1:AA1"


def test_the_same_rows_are_the_same_bytes(hostile: Log) -> None:
    """A workbook has no time of its own making, so that an export begun again is the same file."""
    assert written(hostile, "xlsx", layout=TOLD) == written(hostile, "xlsx", layout=TOLD)


@pytest.fixture
def one_entry() -> Callable[..., list[tuple[Any, ...]]]:
    """A log with one entry, as a workbook has it."""

    def tell(at: datetime, tz: str = "UTC", **more: Any) -> list[tuple[Any, ...]]:
        clock = FrozenClock(datetime(2026, 11, 2, tzinfo=UTC))
        log = new_log(clock=clock, org="nordlys")
        role = Item(type="role", id="r-1", name="Role")
        member = {"member": Item(type="user", id="u-1", name="Bob Li")}
        origin = Origin(interface="web", user_agent=more.pop("user_agent", None))
        log.record(
            "role.assigned", actor=ANNA, target=role, concerns=member, origin=origin, occurred_at=at, **more
        )
        layout = Layout(columns=("when", "occurred_at", "effective_at", "user_agent"), tz=tz)
        return table(written(log, "xlsx", layout=layout))[1:]

    return tell


def test_times_are_converted_before_the_zone_goes(one_entry: Callable[..., list[tuple[Any, ...]]]) -> None:
    """A workbook has no zone: the local time is written, over the change of the clocks too."""
    for at, local in (
        (datetime(2026, 10, 25, 0, 30, 15, tzinfo=UTC), "2026-10-25T02:30:15"),
        (datetime(2026, 10, 25, 1, 30, 15, tzinfo=UTC), "2026-10-25T02:30:15"),
        (datetime(2026, 10, 25, 23, 59, 59, 999_999, tzinfo=UTC), "2026-10-26T00:59:59"),
    ):
        ((when, utc, effective, _),) = one_entry(at, "Europe/Oslo", effective_at="2026-12-01")
        assert when == datetime.fromisoformat(local)
        assert abs(utc - at.replace(tzinfo=None)) <= timedelta(milliseconds=1)
        assert effective == datetime(2026, 12, 1)  # noqa: DTZ001


def test_no_second_is_lost_by_a_reader_that_cuts(hostile: Log) -> None:
    """LibreOffice takes the whole seconds of a time that lies a trace before the next one: none of a day's does."""
    write = _times(_TIME)
    cells = write(
        [f"2026-03-02 {at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}" for at in range(0, 86_400, 7)]
    )
    days = [float(re.search("<v>(.*)</v>", cell)[1]) for cell in cells]  # type: ignore[index]
    assert [int((day - int(day)) * 86_400) for day in days] == list(range(0, 86_400, 7))


def test_days_on_which_spreadsheets_disagree_are_text(
    one_entry: Callable[..., list[tuple[Any, ...]]],
) -> None:
    """Before March 1900 one spreadsheet counts a day that never was; the first day after is a date."""
    ((when, utc, effective, _),) = one_entry(
        datetime(1900, 2, 28, 23, 59, tzinfo=UTC), effective_at="1899-12-31"
    )
    assert (when, utc[:10], effective) == ("1900-02-28 23:59:00", "1900-02-28", "1899-12-31")
    ((when, _, effective, _),) = one_entry(datetime(1900, 3, 1, tzinfo=UTC), effective_at="1900-03-01")
    assert when == effective == datetime(1900, 3, 1)  # noqa: DTZ001


def test_what_no_cell_holds_is_cut_visibly(tmp_path: Path) -> None:
    """A text longer than a cell says so at its end and how long it is; one that fits stands whole, lines and all."""
    long = xlsx._text("𝒳" * 20_000, "… (cut: {count} characters)")  # each two of UTF-16
    assert long.endswith("… (cut: 20000 characters)")
    assert len(long.encode("utf-16-le")) // 2 <= xlsx.MOST_TEXT
    assert xlsx._text("x" * xlsx.MOST_TEXT, "cut") == "x" * xlsx.MOST_TEXT
    assert xlsx._text("x" * (xlsx.MOST_TEXT + 1), "cut")[-4:] == "xcut"
    assert xlsx._text("\ufffe", "cut") == "_xFFFE_"  # XML has no place for it
    assert xlsx._text("a\r\nb\rc\nd", "cut") == "a\nb\nc\nd"
