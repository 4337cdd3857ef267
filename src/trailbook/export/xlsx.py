"""XLSX: a table for people, who sort and filter it: dates are dates, numbers numbers, everything else is text.

Source: ECMA-376 (Office Open XML), parts 1 and 2, of which this is a small whole file. Written by hand, because
every row goes straight into the archive: memory stays flat and no library is needed. Every text is an inline string
in the format "text", so that nothing in it is ever a formula, also after somebody edits the cell. Refuses to cut in
silence, and to write a date of which spreadsheets make another day.
"""

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from html import escape
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from trailbook.export.columns import PLAIN, About, Layout, headings, readers, remembering
from trailbook.export.sink import Sink
from trailbook.export.wording import words_of
from trailbook.query import local_time, zone

if TYPE_CHECKING:  # whoever exports has a log open; naming formats needs none
    from trailbook.finding import ExportLine

_Cells = Callable[[list[str]], list[str]]

MOST_ROWS = 1_048_576  # of one sheet, its heading included; a longer table goes on in the next
MOST_TEXT = 32_767  # characters of one cell, counted as UTF-16 has them
_ROOM = 400  # of those, kept for the words that say what was cut
_LEVEL = 1  # the fastest compression: the file is written as quickly as it is made
_LEAST_WIDTH, _MOST_WIDTH, _MEASURED = 8, 60, 500  # characters; rows whose cells say how wide a column is
_MOST_DAYS = 20_000
_TRACE = 0.0001  # seconds, more than the ninth figure of a day is and less than any time has
_EPOCH = date(1899, 12, 30)  # day 0 of a spreadsheet, as it is from March 1900 on
# Before it spreadsheets disagree about the day, for one of them knows 29 February 1900.
_OLDEST = "1900-03-01"
_ESCAPE = re.compile("_x[0-9A-Fa-f]{4}_")  # what a reader would take for a character written by its number
# XML 1.0 has no place for these; they are written by their number (ECMA-376 part 1, 22.9.2.19).
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MARKED = re.compile("[&<>]|_x|[\x00-\x08\x0b-\x1f\ufffe\uffff]")

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# The styles of cells, by their place in _STYLES; TEXT is text as it was typed.
_TEXT, _HEAD, _TIME, _INSTANT, _DAY, _WRAPPED = range(1, 7)
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="2">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss.000"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
    '</fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs>'
    '<cellXfs count="7"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1" applyNumberFormat="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"'
    ' applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>'
    '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_RELS = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
# The columns that are more than text.
_TIMES = {"occurred_at": _INSTANT, "recorded_at": _INSTANT, "occurred_local": _TIME, "when": _TIME}


class _Sheet(Struct, frozen=True):
    """A sheet that is written: its name, and the range that its reader may filter by."""

    name: str
    filtered: str | None = None


def xlsx_file(batches: Iterable["list[ExportLine]"], layout: Layout) -> Iterator[bytes]:
    """The file in pieces: what it is about, where the layout knows, then a row an entry under headings in words."""
    layout, sink, sheets = structs.replace(layout, words=True), Sink(), list[_Sheet]()
    words = words_of(layout.lang).sheet
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=_LEVEL) as archive:
        if layout.about is not None:
            sheets.append(_Sheet(words["about"]))
            _put(archive, _sheet(1), _first_sheet(layout, layout.about))
        opening, rows = _table(batches, layout)
        for number, parts in groupby(_placed(rows), itemgetter(0)):
            written = 1
            with archive.open(_sheet(len(sheets) + 1), "w", force_zip64=True) as file:
                file.write(opening.encode())
                for _, part in parts:
                    file.write("".join(part).encode())
                    written += len(part)
                    yield sink.taken()
                filtered = f"A1:{_letters(len(layout.columns))}{written}"
                file.write(f'</sheetData><autoFilter ref="{filtered}"/></worksheet>'.encode())
            sheets.append(_Sheet(f"{words['entries']} {number}", filtered))
        for name, text in _parts(sheets):
            _put(archive, name, text)
    yield sink.taken()


def _put(archive: zipfile.ZipFile, name: str, text: str) -> None:
    # Opened by name an archive's file has no time of its own, so that the same rows are the same bytes.
    with archive.open(name, "w") as file:
        file.write(text.encode())


def _placed(rows: Iterable[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """The rows with the number of the sheet in which they have room; there is one, even for no rows."""
    number, room = 1, MOST_ROWS - 1
    yield number, []
    for part in rows:
        while part:
            if not room:
                number, room = number + 1, MOST_ROWS - 1
            here, part = part[:room], part[room:]
            room -= len(here)
            yield number, here


def _table(batches: Iterable["list[ExportLine]"], layout: Layout) -> tuple[str, Iterator[list[str]]]:
    """What stands before the rows of a sheet, and the rows; the first ones say how wide the columns are."""
    reads, rest = readers(layout), iter(batches)
    first = next(rest, [])
    sample = [read(first[:_MEASURED]) for read in reads]
    widths = [
        max(map(len, [f"{head}   ", *texts])) for head, texts in zip(headings(layout), sample, strict=True)
    ]
    writes = [_cells(name, layout) for name in layout.columns]

    def rows() -> Iterator[list[str]]:
        for batch in filter(None, chain([first], rest)):
            columns = [write(read(batch)) for read, write in zip(reads, writes, strict=True)]
            yield [f"<row>{cells}</row>" for cells in map("".join, zip(*columns, strict=True))]

    return _opening(layout, widths), rows()


def _cells(name: str, layout: Layout) -> _Cells:
    """How the cells of a column are written."""
    cut = words_of(layout.lang).sheet["cut"]
    if name in _TIMES:
        return _times(_TIMES[name])
    if name == "effective_at":
        return remembering(_day, name)
    if name == "seq":
        return lambda texts: [f"<c><v>{text}</v></c>" for text in texts]
    return remembering(_plain if name in PLAIN else lambda text: _typed(text, cut), name)


def _times(style: int) -> _Cells:
    """Times as numbers of days; those before spreadsheets agree on the day as text."""
    days: dict[str, int] = {}

    def time(text: str) -> str:
        day = text[:10]
        if day < _OLDEST:
            return _plain(text)
        if day not in days:
            if len(days) > _MOST_DAYS:
                days.clear()
            days[day] = _serial(day)
        seconds: float = int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])
        if style == _INSTANT:
            seconds += int(text[20:23]) / 1000
        # Rounded up in its last figure: what lies a trace before a second is shown as the second before by some.
        return f'<c s="{style}"><v>{days[day] + (seconds + _TRACE) / 86_400:.9f}</v></c>'

    return lambda texts: [time(text) for text in texts]


def _day(text: str) -> str:
    return f'<c s="{_DAY}"><v>{_serial(text)}</v></c>' if text >= _OLDEST else _plain(text)


def _serial(day: str) -> int:
    return (date.fromisoformat(day) - _EPOCH).days


def _typed(text: str, cut: str) -> str:
    if not text:
        return "<c/>"
    return f'<c t="inlineStr" s="{_TEXT}"><is><t xml:space="preserve">{_text(text, cut)}</t></is></c>'


def _plain(text: str) -> str:
    return f'<c t="inlineStr" s="{_TEXT}"><is><t>{text}</t></is></c>' if text else "<c/>"


def _text(text: str, cut: str) -> str:
    """A text as XML has it, and back again to the same text in whatever reads the file."""
    if len(text) > MOST_TEXT // 2 and len(wide := text.encode("utf-16-le", "surrogatepass")) > 2 * MOST_TEXT:
        kept = wide[: 2 * (MOST_TEXT - _ROOM)].decode("utf-16-le", "ignore")
        text = kept + cut.format(count=len(text))
    if not _MARKED.search(text):
        return text
    # A carriage return comes back from some readers as its number, so a line ends by a line feed alone.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    named = _ESCAPE.sub(lambda match: "_x005F" + match[0], text)
    return _NOT_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", escape(named, quote=False))


def _letters(column: int) -> str:
    """The name of a column by its number, from 1."""
    name = ""
    while column:
        column, last = divmod(column - 1, 26)
        name = chr(ord("A") + last) + name
    return name


def _opening(layout: Layout, widths: Iterable[int]) -> str:
    head = "".join(
        f'<c t="inlineStr" s="{_HEAD}"><is><t>{_text(name, "")}</t></is></c>' for name in headings(layout)
    )
    frozen = (
        '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" '
        'state="frozen"/></sheetView></sheetViews>'
    )
    return f'{_XML}<worksheet xmlns="{_MAIN}">{frozen}{_widths(widths)}<sheetData><row>{head}</row>'


def _widths(widths: Iterable[int]) -> str:
    within = (min(max(width, _LEAST_WIDTH), _MOST_WIDTH) for width in widths)
    cols = (
        f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>' for n, width in enumerate(within, 1)
    )
    return f"<cols>{''.join(cols)}</cols>"


def _first_sheet(layout: Layout, about: About) -> str:
    """The question, who exported when, how many entries, and how to check, a line each."""
    words, cells = words_of(layout.lang).sheet, _times(_TIME)
    (at,) = cells([f"{local_time(datetime.fromisoformat(about.at), zone(layout.tz)):%Y-%m-%dT%H:%M:%S}"])
    check = "check-none" if about.file is None else "check-words"
    lines = [
        ("question", _wrapped(about.question)),
        ("count", f"<c><v>{about.count}</v></c>"),
        ("order", _wrapped(words[f"order-{about.order}"])),
        ("zone", _wrapped(layout.tz)),
        ("who", _wrapped(about.who)),
        ("when", at),
        ("organisation", _wrapped(about.org)),
        ("as_of", f"<c><v>{about.as_of}</v></c>"),
        ("check", _wrapped(words[check].format(file=about.file))),
    ]
    rows = [f"<row>{_bold(words['title'])}</row>"]
    rows += [f"<row>{_bold(words[name].format(zone=layout.tz))}{cell}</row>" for name, cell in lines]
    return f'{_XML}<worksheet xmlns="{_MAIN}">{_widths([28, 60])}<sheetData>{"".join(rows)}</sheetData></worksheet>'


def _bold(text: str) -> str:
    return f'<c t="inlineStr" s="{_HEAD}"><is><t>{_text(text, "")}</t></is></c>'


def _wrapped(text: str) -> str:
    return f'<c t="inlineStr" s="{_WRAPPED}"><is><t xml:space="preserve">{_text(text, "…")}</t></is></c>'


def _sheet(number: int) -> str:
    return f"xl/worksheets/sheet{number}.xml"


def _parts(sheets: list[_Sheet]) -> Iterator[tuple[str, str]]:
    """What a workbook has beside its sheets."""
    numbers = range(1, len(sheets) + 1)
    kinds = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    kinds += [(f"/{_sheet(n)}", "worksheet") for n in numbers]
    overrides = "".join(f'<Override PartName="{name}" ContentType="{_TYPE}.{k}+xml"/>' for name, k in kinds)
    rels = "application/vnd.openxmlformats-package.relationships+xml"
    yield (
        "[Content_Types].xml",
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="{rels}"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>',
    )
    yield "_rels/.rels", _RELS
    listed = "".join(
        f'<sheet name="{sheet.name}" sheetId="{n}" r:id="rId{n}"/>' for n, sheet in enumerate(sheets, 1)
    )
    yield (
        "xl/workbook.xml",
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f"<bookViews><workbookView/></bookViews><sheets>{listed}</sheets>"
        f"<definedNames>{''.join(_filters(sheets))}</definedNames></workbook>",
    )
    targets = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in numbers]
    targets.append((f"rId{len(sheets) + 1}", "styles", "styles.xml"))
    related = "".join(f'<Relationship Id="{i}" Type="{_OFFICE}/{k}" Target="{t}"/>' for i, k, t in targets)
    yield (
        "xl/_rels/workbook.xml.rels",
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>',
    )
    yield "xl/styles.xml", _STYLES


def _filters(sheets: list[_Sheet]) -> Iterator[str]:
    """The names by which a spreadsheet knows what each sheet's filter covers."""
    for at, sheet in enumerate(sheets):
        if sheet.filtered is not None:
            fixed = re.sub("([A-Z]+)([0-9]+)", r"$\1$\2", sheet.filtered)
            yield (
                f'<definedName name="_xlnm._FilterDatabase" localSheetId="{at}" hidden="1">'
                f"'{sheet.name}'!{fixed}</definedName>"
            )
