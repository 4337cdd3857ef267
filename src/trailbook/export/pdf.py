"""PDF: the printed list as a file, for reading and for an archive. Needs the extra `pdf` (typst, pypdf).

Owns the rows of a list and the child processes that set them, one at a time, each some thousand rows: what is held
here is no more than that. Refuses half a file: a child that fails or takes too long is the end of it. Nothing lies on
the disk under a name, and a child is given neither the log nor this process's environment.
"""

import os
import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, structs

from trailbook.errors import ExportFailedError
from trailbook.export.columns import Layout
from trailbook.export.pdf_wire import Answer, Ask, Row, answer_decoder, frames, put
from trailbook.export.printed import above, stamp, title, weekday, whole
from trailbook.export.wording import words_of
from trailbook.query import local_time, zone

if TYPE_CHECKING:  # whoever exports has a log open; naming formats needs none
    from trailbook.finding import ExportLine

_MOST = 1_500  # letters of a row, of which every page has room for several
_NUMBERED = 7  # letters in place of one that is shown by its number
_PIECE = 256 * 1024
_WORK = {"set": "sets the pages of a PDF", "join": "joins the pages of a PDF"}


class Pace(Struct, frozen=True, kw_only=True):
    """How many rows a child is given at once, and how long it is waited for, in seconds.

    5,000 rows take about 390 MiB of a child. At each `tick` whoever writes the file may say that it is not wanted.
    """

    rows: int = 5_000
    setting: float = 120
    joining: float = 900
    tick: float = 0.5


PACE = Pace()


def pdf_file(
    batches: Iterable["list[ExportLine]"], layout: Layout, pace: Pace | None = None
) -> Generator[bytes, None, None]:
    """The file in pieces; an empty one says that a child is at work. Raises: ExportFailedError."""
    pace = pace or PACE
    with TemporaryFile() as parts:
        put(parts, msgspec.json.encode(whole(layout)))
        yield from _sheets(batches, layout, pace, parts)
        with (yield from _child("join", parts, pace)) as file:
            while piece := file.read(_PIECE):
                yield piece


def _sheets(
    batches: Iterable["list[ExportLine]"], layout: Layout, pace: Pace, parts: IO[bytes]
) -> Iterator[bytes]:
    """Have all rows set, some thousand at a time, and put what was made of them among the parts."""
    chunks = _chunks(batches, _Rows(layout), pace.rows)
    rows, more = next(chunks, []), next(chunks, None)
    missing: list[str] = []
    begun = False
    while True:
        ask = _ask(layout, rows, missing, begun=begun, more=more is not None)
        answer, sheets = yield from _set(ask, pace)
        if answer.stand or more is None:
            put(parts, sheets)
            begun = True
        if more is None:
            return
        # What was on the last sheet begins the next ones, so that no page ends half-way.
        rows, more, missing = rows[answer.stand :] + more, next(chunks, None), answer.missing


class _Rows:
    """Makes rows of lines, in the words of a layout."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._zone = zone(layout.tz)
        self._changed = words_of(layout.lang).printed["changed"]
        self._days: dict[str, str] = {}

    def of(self, line: "ExportLine") -> list[Row]:
        """A line as a row, or as several where it is longer than rows are."""
        at = local_time(datetime.fromisoformat(line.body.occurred_at), self._zone)
        link = _absolute(line.target.link, self._layout.base)
        texts, note = list(_parted(line.sentence)), self._note(line)
        if len(note) > _MOST // 2:
            texts, note = [*texts, *_parted(note)], ""
        day = self._day(at)
        rows = [
            Row(day=day, text=text, link=link, name=_name(text, line, link), last=False) for text in texts
        ]
        rows[-1] = structs.replace(rows[-1], note=note, last=True)
        category = self._label("category", line.body.category)
        rows[0] = structs.replace(rows[0], time=_clock(at, self._zone), category=category)
        return rows

    def _day(self, at: datetime) -> str:
        key = f"{at:%Y-%m-%d}"
        if key not in self._days:
            self._days = {key: weekday(at.date(), self._layout.lang)}  # neighbours share it
        return self._days[key]

    def _note(self, line: "ExportLine") -> str:
        """How it went, where it did not go well, and which fields changed."""
        notes = []
        if line.body.outcome != "success":
            notes.append(self._label("outcome", line.body.outcome))
        if line.body.fields:
            fields = ", ".join(self._label("field", name).lower() for name in line.body.fields)
            notes.append(self._changed.format(fields=fields))
        return " · ".join(notes)

    def _label(self, kind: str, name: str) -> str:
        catalogue = self._layout.catalogue
        return catalogue.label(kind, name, self._layout.lang) if catalogue else name


def _chunks(batches: Iterable["list[ExportLine]"], rows: _Rows, size: int) -> Iterator[list[Row]]:
    held: list[Row] = []
    for batch in batches:
        for line in batch:
            held += rows.of(line)
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    if held:
        yield held


def _ask(layout: Layout, rows: list[Row], missing: list[str], *, begun: bool, more: bool) -> Ask:
    words = words_of(layout.lang).printed
    return Ask(
        lang=layout.lang,
        title=title(layout),
        at=stamp(layout),
        heads=(words["time"], words["what"], words["category"]),
        none=words["none"],
        numbers=words["numbers"],
        rows=rows,
        missing=missing,
        above=None if begun else above(layout),
        whole=not more,
    )


def _clock(at: datetime, tz: ZoneInfo) -> str:
    return f"{at:%H:%M}" if at.tzinfo is tz else f"{at:%H:%M} UTC"


def _absolute(link: str | None, base: str | None) -> str | None:
    """A link as a file can hold it, which lies nowhere: with its host, or none."""
    if link is None or link.startswith(("https://", "http://")):
        return link
    return urljoin(f"{base}/", link) if base else None


def _name(text: str, line: "ExportLine", link: str | None) -> tuple[int, int]:
    """Where a link belongs in a sentence: the name it leads to, or all of it where that is not there just once."""
    name = line.target.name
    if link and name and text.count(name) == 1:
        start = text.index(name)
        return start, start + len(name)
    return (0, len(text)) if link else (0, 0)


def _parted(text: str) -> Iterator[str]:
    """A sentence in parts that fit on a page, also if each of its letters were shown by number; at blanks if may be."""
    while (end := _fitting(text)) < len(text):
        blank = text.rfind(" ", end // 2, end) + 1
        yield text[: blank or end]
        text = text[blank or end :]
    yield text


def _fitting(text: str) -> int:
    """How many letters of a text there is room for."""
    room = _MOST
    if len(text) * _NUMBERED <= room:
        return len(text)
    for at, letter in enumerate(text):
        room -= 1 if " " <= letter <= "~" else _NUMBERED
        if room < 0:
            return at
    return len(text)


def _set(ask: Ask, pace: Pace) -> Generator[bytes, None, tuple[Answer, bytes]]:
    with TemporaryFile() as given:
        put(given, msgspec.json.encode(ask))
        with (yield from _child("set", given, pace)) as out:
            answer, sheets = frames(out)
    return answer_decoder.decode(answer), sheets


def _child(work: str, given: IO[bytes], pace: Pace) -> Generator[bytes, None, IO[bytes]]:
    """What a child makes of a file; an empty piece at every tick. Raises: ExportFailedError."""
    given.seek(0)
    out = TemporaryFile()  # noqa: SIM115  # the caller reads it and closes it
    try:
        # No secret of this process goes along: the path of imports, one thread, and one order of whatever is hashed.
        path = os.pathsep.join(place or os.getcwd() for place in sys.path)
        command = [sys.executable, "-P", "-B", "-s", "-m", "trailbook.export.pdf_sheets", work]
        env = {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "RAYON_NUM_THREADS": "1"}
        with subprocess.Popen(command, stdin=given, stdout=out, stderr=subprocess.DEVNULL, env=env) as child:
            try:
                yield from _waited(child, pace.setting if work == "set" else pace.joining, pace.tick)
            finally:
                child.kill()  # of one that ended it does nothing
        if child.returncode:
            raise ExportFailedError(f"a process that {_WORK[work]} ended with status {child.returncode}")
        out.seek(0)
    except BaseException:
        out.close()
        raise
    return out


def _waited(child: "subprocess.Popen[bytes]", patience: float, tick: float) -> Iterator[bytes]:
    for _ in range(max(1, round(patience / tick))):
        try:
            child.wait(tick)
            return
        except subprocess.TimeoutExpired:
            yield b""
    raise ExportFailedError(f"a process that makes a PDF took longer than {patience:g} seconds")
