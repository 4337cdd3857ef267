"""XLSX, read back by another library: every text is recovered, and none is a formula."""

import csv
import io
import re
import zipfile

import openpyxl
import pytest
from tables import VIEWER, written

from trailbook import Log, Query
from trailbook.export import COLUMNS, Layout, unguarded, xlsx


def table(content: bytes) -> list[tuple[str | None, ...]]:
    """The rows of a workbook as another library reads them, heading first; no cell may be a formula."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    rows = []
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            assert all(cell.data_type in ("s", "inlineStr", "n") for cell in row)
            rows.append(tuple(_read(cell.value) for cell in row))
    return rows


def _read(text: str | None) -> str | None:
    """A text as ECMA-376 part 1, 22.9.2.19 reads it, which this library leaves to its caller."""
    return (
        None if text is None else re.sub("_x([0-9A-F]{4})_", lambda match: chr(int(match[1], 16)), str(text))
    )


def test_a_workbook_reads_back(hostile: Log) -> None:
    """Every text is recovered by another library, none is a formula; and CSV says the same."""
    content = written(hostile, "xlsx")
    heading, *rows = table(content)
    assert heading == COLUMNS
    lines = list(csv.reader(io.StringIO(written(hostile, "csv").decode("utf-8-sig"), newline="")))
    assert [tuple(cell or "" for cell in row) for row in rows] == [
        tuple(unguarded(cell) for cell in line) for line in lines[1:]
    ]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert all(b"<f>" not in archive.read(name) for name in archive.namelist())


def test_a_formula_would_be_seen() -> None:
    """Control: a cell that is one is told apart by the same reader."""
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"] = "=1+1"
    out = io.BytesIO()
    book.save(out)
    with pytest.raises(AssertionError):
        table(out.getvalue())


def test_a_table_goes_on_in_the_next_sheet(hostile: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export has no limit: what does not fit one sheet stands in the next, each with its heading."""
    count = hostile.size(viewer=VIEWER)
    monkeypatch.setattr(xlsx, "MOST_ROWS", 50)
    rows = table(written(hostile, "xlsx", layout=Layout(columns=("seq",))))
    numbers = [row[0] for row in rows if row[0] != "seq"]
    assert numbers == [str(count - 1 - at) for at in range(count)]
    assert len(rows) - count == -(-count // 49)


def test_nothing_found_is_a_heading_alone(hostile: Log) -> None:
    """An empty answer is a heading."""
    assert table(written(hostile, "xlsx", Query(as_of=0))) == [COLUMNS]


def test_a_cell_too_long_says_so() -> None:
    """Nothing is cut in silence: what no cell holds is said where it would stand."""
    assert "40000 characters" in xlsx._text("x" * 40_000)
    assert xlsx._text("\ufffe") == "_xFFFE_"  # XML has no place for it
    assert xlsx._text("x" * xlsx.MOST_TEXT) == "x" * xlsx.MOST_TEXT
