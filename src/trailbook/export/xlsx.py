"""XLSX: the same table as CSV, for people who would rather not say which character separates cells.

Source: ECMA-376 (Office Open XML), parts 1 and 2, of which this is the smallest whole file. Written by hand,
because every row goes straight into the archive: memory stays flat and no library is needed. Every text is an
inline string in the format "text", so that nothing in it is ever a formula, also after somebody edits the cell.
Refuses to cut: a text longer than a cell may hold is replaced by words that say so.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING

from trailbook.export.columns import PLAIN, Layout, readers, remembering
from trailbook.export.sink import Sink

if TYPE_CHECKING:  # whoever exports has a log open; naming formats needs none
    from trailbook.finding import ExportLine

MOST_ROWS = 1_048_576  # of one sheet, its heading included; a longer table goes on in the next
MOST_TEXT = 32_767  # characters of one cell
_LEVEL = 1  # the fastest compression: the file is written as quickly as it is made
_ESCAPE = re.compile("_x[0-9A-Fa-f]{4}_")  # what a reader would take for a character written by its number
# XML 1.0 has no place for these; they are written by their number (ECMA-376 part 1, 22.9.2.19).
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\r]")
_MARKED = re.compile("[&<>]|_x|[\x00-\x08\x0b-\x1f\ufffe\uffff]")

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# Style 1 is text as it was typed, style 2 the heading.
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
    '</fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1" applyNumberFormat="1"/>'
    '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_RELS = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)


def xlsx_file(batches: Iterable["list[ExportLine]"], layout: Layout) -> Iterator[bytes]:
    """The file in pieces: a heading, then a row an entry; local times are those of the layout's zone."""
    sink = Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=_LEVEL) as archive:
        sheets = 0
        rows = _rows(batches, layout)
        more: list[str] | None = next(rows, [])
        while more is not None:
            sheets += 1
            with archive.open(f"xl/worksheets/sheet{sheets}.xml", "w", force_zip64=True) as sheet:
                sheet.write(_opening(layout).encode())
                room = MOST_ROWS - 1
                while more is not None and (part := more[:room]):
                    sheet.write("".join(part).encode())
                    room -= len(part)
                    more = more[len(part) :] or next(rows, None)
                    yield sink.taken()
                sheet.write(b"</sheetData></worksheet>")
            more = more or None
        for name, text in _parts(sheets):
            archive.writestr(name, text)
    yield sink.taken()


def _rows(batches: Iterable["list[ExportLine]"], layout: Layout) -> Iterator[list[str]]:
    reads = readers(layout)
    writes = [remembering(_plain if name in PLAIN else _typed, name) for name in layout.columns]
    for batch in batches:
        columns = [write(read(batch)) for read, write in zip(reads, writes, strict=True)]
        if batch:
            yield [f"<row>{cells}</row>" for cells in map("".join, zip(*columns, strict=True))]


def _typed(text: str) -> str:
    if not text:
        return "<c/>"
    return f'<c t="inlineStr" s="1"><is><t xml:space="preserve">{_text(text)}</t></is></c>'


def _plain(text: str) -> str:
    return f'<c t="inlineStr" s="1"><is><t>{text}</t></is></c>' if text else "<c/>"


def _text(text: str) -> str:
    """A text as XML has it, and back again to the same text in whatever reads the file."""
    if len(text) > MOST_TEXT:
        return f"({len(text)} characters, more than a cell holds: they are in the CSV and JSON lines exports)"
    if not _MARKED.search(text):
        return text
    named = _ESCAPE.sub(lambda match: "_x005F" + match[0], text)
    return _NOT_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", escape(named, quote=False))


def _opening(layout: Layout) -> str:
    head = "".join(f'<c t="inlineStr" s="2"><is><t>{name}</t></is></c>' for name in layout.columns)
    width = f'<cols><col min="1" max="{len(layout.columns)}" width="24" customWidth="1"/></cols>'
    frozen = (
        '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" '
        'state="frozen"/></sheetView></sheetViews>'
    )
    return f'{_XML}<worksheet xmlns="{_MAIN}">{frozen}{width}<sheetData><row>{head}</row>'


def _parts(sheets: int) -> Iterator[tuple[str, str]]:
    """What a workbook has beside its sheets."""
    numbers = range(1, sheets + 1)
    kinds = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    kinds += [(f"/xl/worksheets/sheet{n}.xml", "worksheet") for n in numbers]
    overrides = "".join(f'<Override PartName="{name}" ContentType="{_TYPE}.{k}+xml"/>' for name, k in kinds)
    rels = "application/vnd.openxmlformats-package.relationships+xml"
    yield (
        "[Content_Types].xml",
        (
            f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="{rels}"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
        ),
    )
    yield "_rels/.rels", _RELS
    listed = "".join(f'<sheet name="Entries {n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
    yield (
        "xl/workbook.xml",
        (f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'),
    )
    targets = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in numbers]
    targets.append((f"rId{sheets + 1}", "styles", "styles.xml"))
    related = "".join(f'<Relationship Id="{i}" Type="{_OFFICE}/{k}" Target="{t}"/>' for i, k, t in targets)
    yield (
        "xl/_rels/workbook.xml.rels",
        (f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>'),
    )
    yield "xl/styles.xml", _STYLES
