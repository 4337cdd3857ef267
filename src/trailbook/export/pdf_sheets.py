"""A child process of a PDF export: sets some thousand rows on sheets with typst, or joins sheets with pypdf.

Run as `python -m trailbook.export.pdf_sheets set` or `join`: frames in, frames or a file out. Owns that no letter is
lost: what no font has stands as its number. Refuses to know the log, its keys or anything but the rows it is given.
"""

import io
import re
import sys
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pypdf
import typst
from msgspec import structs
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, TextStringObject

from trailbook.export.pdf_wire import Answer, Ask, Join, Row, ask_decoder, frames, join_decoder, put

_HERE = Path(__file__).parent
_TRIES = 5
# Controls, formats that are not seen, and private letters, which a font shows as whatever it likes. Joiners stay.
_UNSEEN = (
    "\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff"
    "\ud800-\udfff\ue000-\uf8ff\U000e0000-\U0010ffff"
)
# Every letter that no alphabet of Europe has, and every mark: what is left when nothing else helps.
_STRANGE = "\u0300-\u036f\u0483-\u0489\u0530-\U0010ffff"
_LONG = re.compile(r"(?<=\S{36})(?=\S)")  # no line is shorter than so many letters
_REFUSED = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_WRITTEN = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)")


def main(work: str) -> None:
    """Do the one or the other, from standard input to standard output."""
    given = frames(sys.stdin.buffer)
    if work == "set":
        answer, sheets = set_rows(ask_decoder.decode(next(given)))
        put(sys.stdout.buffer, msgspec.json.encode(answer))
        put(sys.stdout.buffer, sheets)
    else:
        joined(join_decoder.decode(next(given)), given).write(sys.stdout.buffer)


def set_rows(ask: Ask) -> tuple[Answer, bytes]:
    """The sheets of these rows, with one before them that is thrown away. Raises: typst.TypstError."""
    missing = dict.fromkeys(ask.missing)
    unseen = _UNSEEN
    for left in reversed(range(_TRIES)):
        number = _numbering(unseen, missing)
        compiler = _compiler("pdf.typ", _members(ask, number))
        try:
            # As PDF/A, a letter that no font has is an error that names it; otherwise it would not be there at all.
            sheets = _compiled(compiler, ask.at, "a-2b")
            break
        except typst.TypstError as error:
            refused = _refused(error)
            if not left or not refused:
                raise
            if refused <= missing.keys():  # named otherwise than it is written: then all that could be meant
                unseen = _UNSEEN + _STRANGE
            missing |= dict.fromkeys(sorted(refused))
    last = msgspec.json.decode(compiler.query("<last>", field="value"))
    stand = len(ask.rows) if ask.whole or not last else last[0]
    return Answer(stand, list(missing)), sheets


def joined(join: Join, parts: Iterator[bytes]) -> pypdf.PdfWriter:
    """One file of all sheets, numbered. Of each part the first sheet goes, and the last of all but the last part."""
    writer, part = pypdf.PdfWriter(), _read(next(parts))
    for after in parts:
        writer.append(part, pages=(1, len(part.pages) - 1), import_outline=False)
        part = _read(after)
    writer.append(part, pages=(1, len(part.pages)), import_outline=False)
    _number(writer, join)
    stamp = part.metadata
    dates = {name: str(stamp[name]) for name in ("/CreationDate", "/ModDate")} if stamp else {}
    writer.add_metadata({"/Title": join.title, "/Producer": "Trailbook", **dates})
    writer.root_object[NameObject("/Lang")] = TextStringObject(join.lang)
    return writer


def _number(writer: pypdf.PdfWriter, join: Join) -> None:
    """Put upon each page the sheet that has its number and nothing else."""
    ask = {"lang": join.lang, "left": join.left, "words": join.page, "pages": len(writer.pages)}
    numbers = _read(_compiled(_compiler("pdf_numbers.typ", ask), join.at))
    draw = DecodedStreamObject()
    draw.set_data(b"q /Number Do Q")
    drawing = writer._add_object(draw)  # pypdf has no public name for it
    for page, number in zip(writer.pages, numbers.pages, strict=True):
        form = writer._add_object(_form(number).clone(writer))
        resources = page["/Resources"]
        assert isinstance(resources, DictionaryObject)
        own = DictionaryObject(resources)  # one dictionary may be that of many pages
        own[NameObject("/XObject")] = DictionaryObject({NameObject("/Number"): form})
        page[NameObject("/Resources")] = own
        page[NameObject("/Contents")] = ArrayObject([page.raw_get("/Contents"), drawing])


def _form(page: pypdf.PageObject) -> DecodedStreamObject:
    """A page as something that another page can draw. Source: ISO 32000-1, 8.10."""
    contents = page.get_contents()
    assert contents is not None
    form = DecodedStreamObject()
    form.set_data(contents.get_data())
    form[NameObject("/Type")] = NameObject("/XObject")
    form[NameObject("/Subtype")] = NameObject("/Form")
    form[NameObject("/BBox")] = page.mediabox
    form[NameObject("/Resources")] = page.raw_get("/Resources")
    return form


def _read(sheets: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(sheets))


def _compiler(template: str, ask: dict[str, Any]) -> typst.Compiler:
    return typst.Compiler(
        str(_HERE / template),
        root=str(_HERE),
        font_paths=typst.Fonts(include_system_fonts=False),
        sys_inputs={"ask": msgspec.json.encode(ask).decode()},
    )


def _compiled(compiler: typst.Compiler, at: int, *standards: Any) -> bytes:
    made = compiler.compile(format="pdf", pdf_standards=list(standards), timestamp=at, pdf_tags=False)
    assert isinstance(made, bytes)
    return made


def _members(ask: Ask, number: "re.Pattern[str]") -> dict[str, Any]:
    """What the template reads."""

    def shown(text: str) -> str:
        return number.sub(_numbers, text)

    cover = None
    if ask.above is not None:
        cover = {name: _LONG.split(shown(text)) for name, text in structs.asdict(ask.above).items()}
    rows = enumerate(ask.rows)
    days = [
        (day, [_row(row, at, shown, ask.numbers) for at, row in group]) for day, group in groupby(rows, _day)
    ]
    members = {
        "lang": ask.lang,
        "title": shown(ask.title),
        "heads": ask.heads,
        "none": ask.none,
        "cover": cover,
        "days": days,
    }
    return {**members, "letters": _letters(members)}


def _day(row: tuple[int, Row]) -> str:
    return row[1].day


def _row(row: Row, at: int, shown: Any, numbers: str) -> dict[str, Any]:
    start, end = row.name
    before, name, after = (shown(text) for text in (row.text[:start], row.text[start:end], row.text[end:]))
    changed = before + name + after != row.text or shown(row.note) != row.note
    return {
        "number": at,
        "time": row.time,
        "before": _LONG.split(before),
        "name": _LONG.split(name),
        "after": _LONG.split(after),
        "link": row.link,
        "named": row.name != (0, len(row.text)),
        "note": " · ".join(note for note in (shown(row.note), numbers if changed else "") if note),
        "category": shown(row.category),
        "last": row.last,
    }


def _letters(members: dict[str, Any]) -> list[str]:
    """Every letter in these texts, and the accents of Latin; another script's marks are set upon something."""
    every = set(msgspec.json.encode(members).decode())
    return sorted(
        each for each in every if "\u0300" <= each <= "\u036f" or unicodedata.category(each)[0] not in "MZC"
    )


def _numbering(unseen: str, missing: dict[str, None]) -> "re.Pattern[str]":
    """What is shown by number: runs of such letters, and of texts that were refused."""
    texts = [re.escape(text) for text in sorted(missing, key=len, reverse=True)]
    return re.compile("(?:" + "|".join([*texts, f"[{unseen}]"]) + ")+")


def _numbers(match: "re.Match[str]") -> str:
    return "[" + " ".join(f"U+{ord(letter):04X}" for letter in match[0]) + "]"


def _refused(error: typst.TypstError) -> set[str]:
    """The texts that an error of PDF/A names, which writes them as Rust does."""

    def read(match: "re.Match[str]") -> str:
        return chr(int(match[1], 16)) if match[1] else match[2]

    return {_WRITTEN.sub(read, text) for text in _REFUSED.findall(error.diagnostic)}


if __name__ == "__main__":
    main(sys.argv[1])
