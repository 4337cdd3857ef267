"""Rows of a CSV file: where one ends and the next begins, so that no line is lost in another.

Owns the framing of RFC 4180, read strictly. A quotation may hold line breaks, and a stray quotation mark looks like the
beginning of one: so while a quotation is open, the lines below are read as if it were none as well, and rows are handed
out once that other way has failed. Where the quotation fails first, each line that it took is refused. Refuses to look
into a cell, and to hold more than 16 MiB or 50,000 lines.
"""

import io
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct, structs

from trailbook.adapters.lines import Lines

MAX_ROW = 16 * 1024 * 1024  # bytes of one row, and of what waits until it is known what is a row
MAX_LINES = 50_000  # lines of the same
_QUOTED = re.compile(r'((?:[^"]++|"")*+)"')
_STRAY = "has a quotation mark inside a cell that does not begin with one"
_AFTER = "has more in a cell after the quotation mark that closes it"
_BARE = "has a carriage return outside of quotation marks"
_BELOW = "stands in a quotation that a line above opens and that goes wrong"
_LONG = f"is longer than {MAX_ROW} bytes or {MAX_LINES} lines"


class Row(Struct, frozen=True, gc=False):
    """A row: the line it begins on, counted from 1, its lines as they stand, and its cells, or why it has none.

    A blank line has no cells. Bytes that are not UTF-8 stand in a cell as lone surrogates.
    """

    number: int
    raw: bytes
    cells: Sequence[str] = ()
    fault: str = ""
    lines: int = 1


def read_rows(lines: Lines, delimiter: str) -> Iterator[Row]:
    """Every row, the heading among them, in order: together they stand on every line once. Raises: as `Lines`."""
    framing = _Framing(delimiter)
    for raw in lines:
        yield from framing.take(raw)
    yield from framing.end()


def cells_alone(raw: bytes, delimiter: str) -> Sequence[str]:
    """The cells of a row as if no other stood beside it; none where it does not read by itself."""
    way = _Way(delimiter)
    return () if way.take(raw) or way.open else way.row(1).cells


class _Way:
    """One way to read on: the lines of the row under way and their bytes, its cells, and a quotation that is open."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._cells: list[str] = []
        self._text: list[str] = []
        self.raws: list[bytes] = []
        self.size = 0
        self.open = False

    def take(self, raw: bytes) -> str:
        """Read one more line; why that cannot be, or nothing."""
        self.raws.append(raw)
        self.size += len(raw)
        if self.size > MAX_ROW or len(self.raws) > MAX_LINES:
            return _LONG
        line = raw.decode("utf-8", "surrogateescape")
        text = line.rstrip("\r\n")
        if self.open or '"' in text:
            return self._cut(text, line[len(text) :])
        self._cells = text.split(self._delimiter) if text.strip() else []
        return _BARE if "\r" in text else ""

    def row(self, number: int) -> Row:
        """The row that was under way, once it is whole; `number` is that of its last line."""
        count = len(self.raws)
        row = Row(number - count + 1, b"".join(self.raws), self._cells, lines=count)
        self._cells, self.raws, self.size = [], [], 0
        return row

    def forget_lines(self) -> None:
        """Begin anew with the lines; a quotation that is open goes on."""
        self.raws, self.size = [], 0

    def _cut(self, text: str, ending: str) -> str:
        at = 0
        while True:
            if self.open or text.startswith('"', at):
                at += not self.open
                quoted = _QUOTED.match(text, at)
                self.open = quoted is None
                if quoted is None:
                    self._text.append(text[at:] + ending)
                    return ""
                self._cells.append("".join([*self._text, quoted[1]]).replace('""', '"'))
                self._text, at = [], quoted.end()
            else:
                end = text.find(self._delimiter, at)
                cell = text[at : len(text) if end < 0 else end]
                if '"' in cell or "\r" in cell:
                    return _STRAY if '"' in cell else _BARE
                self._cells.append(cell)
                at += len(cell)
            if at == len(text):
                return ""
            if text[at] != self._delimiter:
                return _AFTER
            at += 1


class _Framing:
    """The plain way to read on, and while a quotation is open the other one: as if its line were no row at all."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._line = 0
        self._plain = _Way(delimiter)
        self._other: _Way | None = None
        self._waiting: list[Row] = []  # whole rows of the plain way since there is another
        self._size = 0  # of those, in bytes
        self._spoilt = False  # the row under way began on a line that was refused

    def take(self, raw: bytes) -> list[Row]:
        """Read one more line; the rows that are certain by it."""
        self._line += 1
        other, fault = self._other, self._plain.take(raw)
        if other is not None and other.take(raw):
            other = None
        if fault:
            return self._gone_wrong(fault, other)
        if not self._plain.open:
            self._size += self._plain.size
            self._waiting += self._whole()
        if other is None or self._size > MAX_ROW or len(self._waiting) > MAX_LINES:
            return self._certain()
        if not other.open:
            other.row(self._line)  # nobody's
        return []

    def end(self) -> list[Row]:
        """The rows that are certain by the end of the file."""
        return self._refused("it is never closed") if self._plain.open else self._waiting

    def _certain(self) -> list[Row]:
        rows, self._waiting, self._size = self._waiting, [], 0
        self._other = _Way(self._delimiter) if self._plain.open else None
        return rows

    def _gone_wrong(self, fault: str, other: _Way | None) -> list[Row]:
        """Refuse what the plain way took; the other one, where it is well, is the plain way from here on."""
        self._waiting = self._refused(fault)
        self._spoilt = other is not None and other.open
        self._plain = other if other is not None and other.open else _Way(self._delimiter)
        self._plain.forget_lines()
        return self._certain()

    def _whole(self) -> list[Row]:
        raws, row = self._plain.raws, self._plain.row(self._line)
        if not self._spoilt:
            return [row]
        self._spoilt = False
        return self._each(raws, _BELOW)

    def _refused(self, fault: str) -> list[Row]:
        """A refusal for each line of the rows that wait and of the one under way."""
        waited = [line for row in self._waiting for line in io.BytesIO(row.raw)]
        doubted = [*waited, *self._plain.raws]
        if len(doubted) == 1 and not self._plain.open:
            return self._each(doubted, fault)
        rows = self._each(doubted, _BELOW)
        if not self._spoilt or waited:
            why = f"opens a quotation that goes wrong on line {self._line}: {fault}"
            rows[0] = structs.replace(rows[0], fault=why)
        return rows

    def _each(self, raws: Sequence[bytes], fault: str) -> list[Row]:
        first = self._line - len(raws) + 1
        return [Row(number, raw, fault=fault) for number, raw in enumerate(raws, first)]
