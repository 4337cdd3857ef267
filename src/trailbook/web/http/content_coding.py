"""Content codings: a body that came as gzip or zstd, as the bytes it stands for.

Owns that a body is read whole or not at all, however many members or frames it was packed in, and the bound on what a
few compressed bytes may become: it is kept while unpacking, so that a bomb costs no more memory than the largest
honest body. Refuses codings it does not know, several of them at once, and members by the thousand: to begin one costs
as much as some thousand bytes, and twenty bytes are one.
"""

import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import zstandard
from msgspec import Struct

from trailbook.errors import InvalidError
from trailbook.web.http.problems import MediaTypeError
from trailbook.web.http.strict_json import MalformedError

_WINDOW = 8 * 1024 * 1024  # what a zstd frame may ask the reader to keep at hand (RFC 9659)
MOST_PARTS = 1_000  # members or frames of a body
_GZIP = 31  # zlib's number for gzip framing alone


class _Coding(Struct, frozen=True, kw_only=True):
    """How a coding is unpacked: `step` bytes at once, by readers of which each part of a body has one of its own."""

    part: str
    step: int
    readers: Callable[[], Callable[[], Any]]  # for one body, what makes the reader of each part
    read: Callable[[Any, bytes, int], bytes]  # what a piece unpacks to, not much above so many bytes
    broken: type[Exception]
    refusal: str


# Source: RFC 1952 section 2.2; RFC 8878 section 3.1.
_CODINGS = {
    "gzip": _Coding(
        part="gzip member",
        step=16 * 1024,
        readers=lambda: partial(zlib.decompressobj, _GZIP),
        read=lambda reader, piece, most: reader.decompress(piece, most),
        broken=zlib.error,
        refusal="the body is not gzip, or something stands behind it",
    ),
    "zstd": _Coding(
        part="zstd frame",
        # This reader keeps to no bound: at 128 KiB for 3 bytes, some 6 MB before it is looked at.
        step=128,
        readers=lambda: zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj,
        read=lambda reader, piece, most: reader.decompress(piece),
        broken=zstandard.ZstdError,
        refusal="the body is not zstd, asks for a window above 8 MiB, or something stands behind it",
    ),
}


def unpacked(body: bytes, coding: str, too_large: InvalidError, most: int) -> bytes:
    """The bytes that a body in a content coding stands for, at most `most` of them.

    Raises: `too_large`; MalformedError; MediaTypeError for another coding. Source: RFC 9110 section 8.4.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        content = body
    elif coding in _CODINGS:
        content = _whole(body, _CODINGS[coding], most)
    else:
        raise MediaTypeError("send it as it is, or with the content coding gzip or zstd")
    if len(content) > most:
        raise too_large
    return content


def _whole(body: bytes, coding: _Coding, most: int) -> bytes:
    """What every part of a body unpacks to, one after the other; no more is unpacked once it is above `most`."""
    content, at, begin = bytearray(), 0, coding.readers()
    for _ in range(MOST_PARTS):
        reader = begin()
        while not reader.eof:
            piece = body[at : at + coding.step]
            if not piece:
                raise MalformedError(f"the body ends before its {coding.part} does")
            try:
                content += coding.read(reader, piece, most + 1 - len(content))
            except coding.broken:
                raise MalformedError(coding.refusal) from None
            at += len(piece)
            if len(content) > most:
                return bytes(content)
        at -= len(reader.unused_data)
        if at >= len(body):
            return bytes(content)
    raise MalformedError(f"the body has more than {MOST_PARTS} {coding.part}s")
