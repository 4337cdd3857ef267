"""CSV: one entry a line, for people who open it in a spreadsheet. Source: RFC 4180.

UTF-8 with a byte order mark, because spreadsheets read it as something else without one. Owns the guard against
formulas: an apostrophe before what a spreadsheet could run, which `unguarded` takes away again. Refuses to
shorten or clean a text in any other way.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from trailbook.export.columns import PLAIN, Layout, headings, readers, remembering

if TYPE_CHECKING:  # whoever exports has a log open; naming formats needs none
    from trailbook.finding import ExportLine

BOM = "\ufeff"

# A formula begins a cell, or a cell of a reader that splits at semicolons, whatever blanks stand before it.
# The apostrophe is guarded too, so that taking guards away gives back every text exactly.
_OPENS = "['=+\\-@\\t\\r\\n＝＋－＠]"
_UNSAFE = re.compile(rf"(^|;)(?=\s*{_OPENS})")
_GUARD = re.compile(rf"(^|;)'(?=\s*{_OPENS})")
_QUOTED = re.compile('[",\r\n]')
_MARKED = re.compile(r'[",;\r\n]|\A[\s\'=+\-@＝＋－＠]')  # most texts are plain at a glance


def guarded(text: str) -> str:
    """`text` with an apostrophe wherever a spreadsheet could begin to read a formula."""
    return _UNSAFE.sub(r"\1'", text)


def unguarded(cell: str) -> str:
    """The text that `guarded` made this cell of."""
    return _GUARD.sub(r"\1", cell)


def csv_file(batches: Iterable["list[ExportLine]"], layout: Layout) -> Iterator[bytes]:
    """The file in pieces: a heading line, then a line an entry; local times are those of the layout's zone."""
    reads = readers(layout)
    writes = [None if name in PLAIN else remembering(cell, name) for name in layout.columns]
    yield (BOM + ",".join(map(cell, headings(layout))) + "\r\n").encode()
    for batch in batches:
        if not batch:
            continue
        texts = [
            read(batch) if write is None else write(read(batch))
            for read, write in zip(reads, writes, strict=True)
        ]
        yield ("\r\n".join(map(",".join, zip(*texts, strict=True))) + "\r\n").encode()


def cell(text: str) -> str:
    """A text as one cell: guarded, and in quotes where a comma, a quote or a line break is in it."""
    if not _MARKED.search(text):
        return text
    safe = guarded(text)
    return '"' + safe.replace('"', '""') + '"' if _QUOTED.search(safe) else safe
