"""Exports over HTTP: a small file at once, straight from the filter.

Owns the headers of a file. Refuses parameters that mean nothing to an export, and never ends a transfer that
broke off as if it were whole.
"""

from collections.abc import Iterable, Iterator

from litestar.response import Stream

from trailbook.errors import Fault
from trailbook.export import COLUMNS, FORMATS, Format, Layout, exactly, file_pieces
from trailbook.web.api import read
from trailbook.web.asked import Asked, off_loop, refuse_parameters

_PIECE = 64 * 1024  # bytes; a thread is entered once a piece


def at_once_csv(asked: Asked) -> Stream:
    """GET entries.csv: everything the filter finds, for a spreadsheet."""
    return _at_once(asked, "csv")


def at_once_jsonl(asked: Asked) -> Stream:
    """GET entries.jsonl: everything the filter finds, for programs."""
    return _at_once(asked, "jsonl")


def _at_once(asked: Asked, name: Format) -> Stream:
    strays = dict.fromkeys(name for name, _ in asked.pairs if name in ("limit", "cursor", "count"))
    refuse_parameters(
        [Fault(f"/{name}", "parameter-unknown", "is not a parameter of an export") for name in strays]
    )
    query, paging = read(asked)
    rows = asked.log.export(query, viewer=asked.viewer, order=paging.order, lang=asked.lang)
    pieces = file_pieces(name, exactly(rows), Layout(columns=COLUMNS, tz=query.tz))
    file = f"activity-{asked.org}-{asked.site.deployment.clock():%Y-%m-%d}.{name}"
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "Content-Language": asked.lang}
    media_type = FORMATS[name].media_type
    return Stream(off_loop(_pieces(pieces), asked.site.limiter), headers=headers, media_type=media_type)


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= _PIECE:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)
