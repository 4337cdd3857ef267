"""Refused rows and lines, written so that they can be mended and imported again.

Owns the two columns that a CSV file of refused rows has beside those of the file they came from, and the member that a
line of JSON has. Refuses to mend: cells stand as they came, and a line that does not read stands whole in the first.
"""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import msgspec

from trailbook.adapters.rows import cells_alone
from trailbook.adapters.settling import Line
from trailbook.errors import TrailbookError

Refusals = Callable[[Line, TrailbookError], None]

COLUMNS = ("Trailbook: line", "Trailbook: refused")
MEMBER = "refused"


def without_reasons(heading: Sequence[str], cells: Sequence[str]) -> Sequence[str]:
    """Cells under a heading but for those that an import wrote beside them when it refused their row."""
    return cells[: -len(COLUMNS)] if tuple(heading[-len(COLUMNS) :]) == COLUMNS else cells


def csv_refusals(out: BinaryIO | None, heading: Sequence[str], delimiter: str) -> Refusals:
    """What writes refused rows, under their heading once there is one; what was not UTF-8 stands as it was."""
    if out is None:
        return _nothing
    text = io.StringIO("\ufeff")  # a byte order mark, as spreadsheets ask for
    text.seek(1)
    write = csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow
    write([*without_reasons(heading, heading), *COLUMNS])

    def refused(line: Line, why: TrailbookError) -> None:
        cells = cells_alone(line.raw, delimiter)
        if len(cells) != len(heading):
            whole = line.raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
            cells = [whole, *[""] * (len(heading) - 1)]
        write([*without_reasons(heading, cells), str(line.number), why.detail])
        out.write(text.getvalue().encode("utf-8", "surrogateescape"))
        text.seek(0)
        text.truncate()

    return refused


def json_refusals(out: BinaryIO | None) -> Refusals:
    """What writes refused lines, each with its reason as a member; what is no object stands in that as a text."""
    if out is None:
        return _nothing

    def refused(line: Line, why: TrailbookError) -> None:
        reason: dict[str, Any] = {"line": line.number, "code": why.code, "detail": why.detail}
        members = None if why.code == "malformed" else msgspec.json.decode(line.raw)
        if not isinstance(members, dict):
            reason["text"] = line.raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
            members = {}
        out.write(msgspec.json.encode({**members, MEMBER: reason}) + b"\n")

    return refused


def _nothing(line: Line, why: TrailbookError) -> None:
    """Nobody asked for what was refused."""
