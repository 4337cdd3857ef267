"""Where a row of CSV ends: every line is of one row, and a stray quotation mark spoils no row but those it spans."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from trailbook.adapters.lines import Lines
from trailbook.adapters.rows import MAX_LINES, MAX_ROW, Row, cells_alone, read_rows
from trailbook.errors import ConfigurationError

WIDTH = 3
CELLS = st.text('aé ,;"\n', max_size=5)
TABLES = st.lists(st.lists(CELLS, min_size=WIDTH - 1, max_size=WIDTH - 1), min_size=1, max_size=6)


def rows_of(raw: bytes, delimiter: str = ",") -> list[Row]:
    """Every row, which together are the file."""
    lines = Lines(io.BytesIO(raw), MAX_ROW)
    rows = list(read_rows(lines, delimiter))
    assert b"".join(row.raw for row in rows) == raw
    assert [row.number for row in rows] == [1 + sum(r.lines for r in rows[:at]) for at in range(len(rows))]
    assert sum(row.lines for row in rows) == lines.count
    return rows


def written(table: Sequence[Sequence[str]], *, quoting: int = csv.QUOTE_MINIMAL, end: str = "\n") -> bytes:
    """A table as others write it."""
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator=end).writerows(table)  # type: ignore[call-overload]
    return text.getvalue().encode()


def good(rows: Sequence[Row]) -> list[list[str]]:
    """The cells of rows that read."""
    return [list(row.cells) for row in rows if row.cells and not row.fault]


@pytest.mark.parametrize(
    ("raw", "cells"),
    [
        (b"a,b\nc,d", [["a", "b"], ["c", "d"]]),
        (b"a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]),
        (b"a,\n,b\n", [["a", ""], ["", "b"]]),
        (b'"a","b"\n', [["a", "b"]]),
        (b'"a,""b""",c\n', [['a,"b"', "c"]]),
        (b'"a\nb","c\r\n"\nd,e\n', [["a\nb", "c\r\n"], ["d", "e"]]),
        (b'"","\n\n"\n"x",y\n', [["", "\n\n"], ["x", "y"]]),
        ("å,ø\n".encode(), [["å", "ø"]]),
        (b"\xff,b\n", [["\udcff", "b"]]),
        (b"a,b\n\n  \nc,d\n", [["a", "b"], ["c", "d"]]),
    ],
)
def test_rows_read_as_rfc_4180_has_them(raw: bytes, cells: list[list[str]]) -> None:
    rows = rows_of(raw)
    assert good(rows) == cells
    assert not any(row.fault for row in rows)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (b'a,b"c\n', "inside a cell"),
        (b'a, "b"\n', "inside a cell"),
        (b'"a"b,c\n', "after the quotation mark"),
        (b'"a" ,c\n', "after the quotation mark"),
        (b"a,b\rc,d\n", "carriage return"),
    ],
)
def test_a_line_that_does_not_read_is_refused_alone(line: bytes, word: str) -> None:
    """The lines around it are the control."""
    first, bad, last = rows_of(b"1,2\n" + line + b'"3","4"\n')
    assert (bad.number, bad.cells) == (2, ())
    assert word in bad.fault
    assert (first.cells, last.cells) == (["1", "2"], ["3", "4"])


def test_the_lines_that_a_stray_quotation_mark_spans_are_refused() -> None:
    """Up to where it shows that there was no quotation, or to the end of the file; with a partner it is one."""
    rows = rows_of(b'1,a\n2,"b\n3,c\n4,"d"\n5,e\n')
    assert [(row.number, bool(row.fault)) for row in rows] == [
        (1, False),
        (2, True),
        (3, True),
        (4, True),
        (5, False),
    ]
    assert "line 4" in rows[1].fault
    rows = rows_of(b'1,a\n2,"b\n3,c\n')
    assert [bool(row.fault) for row in rows] == [False, True, True]
    assert good(rows_of(b'1,a\n2,"b\n3,c"\n4,d\n')) == [["1", "a"], ["2", "b\n3,c"], ["4", "d"]]


def test_a_quotation_that_closes_by_chance_takes_no_row_with_it() -> None:
    """A cell that begins with a line break looks like the end of a quotation that a line above opened by mistake."""
    raw = b'1,"a\n2,"\nb"\n3,"c"\n'
    assert good(rows_of(raw)) == [["3", "c"]]
    loose = list(csv.reader(io.StringIO(raw.decode())))
    assert ["1", "a\n2,"] in loose  # the control: read loosely, the second row is gone and nobody knows


def test_no_more_is_held_than_a_row_may_have() -> None:
    """What is longer is refused, named, and what stands below it is read."""
    long = b"x" * (MAX_ROW + 10)
    lines = Lines(io.BytesIO(b"1,2\n" + long + b"\n3,4\n"), MAX_ROW)
    first, bad, last = read_rows(lines, ",")
    assert (bad.number, "longer" in bad.fault, len(bad.raw)) == (2, True, MAX_ROW + 1)
    assert (first.cells, last.cells, lines.count) == (["1", "2"], ["3", "4"], 3)
    many = b'1,"2\n' + b"3,4\n" * MAX_LINES + b'5,"6"\n'
    rows = list(read_rows(Lines(io.BytesIO(many), MAX_ROW), ","))
    assert [row.number for row in rows if row.fault] == list(range(1, MAX_LINES + 2))
    assert good(rows) == [["5", "6"]]


@given(TABLES, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.sampled_from(["\n", "\r\n"]))
def test_what_others_write_reads_back(table: list[list[str]], quoting: int, end: str) -> None:
    table = [[f"k{at}", *cells] for at, cells in enumerate(table)]
    assert good(rows_of(written(table, quoting=quoting, end=end))) == table
    for cells in table:
        assert list(cells_alone(written([cells]), ",")) == cells


@given(TABLES, st.data())
def test_one_byte_changes_no_other_row(table: list[list[str]], data: st.DataObject) -> None:
    """Changed, removed or doubled: every other row reads as before or is refused, and each line is of one row."""
    table = [[f"k{at}", *cells] for at, cells in enumerate(table)]
    pieces = [written([cells]) for cells in table]
    raw = b"".join(pieces)
    at = data.draw(st.integers(0, len(raw) - 1))
    put = data.draw(st.sampled_from([b"", raw[at : at + 1] * 2, b",", b'"', b"\n", b"\r", b"a", b"\xff"]))
    ends = [len(b"".join(pieces[: n + 1])) for n in range(len(pieces))]
    touched = {next(n for n, end in enumerate(ends) if at < end)}
    if raw[at : at + 1] == b"\n":  # what stood between two rows is of both
        touched.add(min(touched) + 1)
    for cells in good(rows_of(raw[:at] + put + raw[at + 1 :])):
        of = {n for n in range(len(table)) if any(f"k{n}" in cell for cell in cells)}
        assert cells in table or of <= touched or len(cells) != WIDTH


@pytest.mark.parametrize("raw", ["a,b\n1,2\n".encode("utf-16"), "a,b\n".encode("utf-16-le"), b"a\0b"])
def test_what_is_no_utf_8_is_one_refusal(raw: bytes) -> None:
    with pytest.raises(ConfigurationError, match="UTF-16"):
        rows_of(raw)
    assert good(list(read_rows(Lines(io.BytesIO(b"\xef\xbb\xbfa,b\n"), MAX_ROW), ","))) == [["a", "b"]]
