"""Content codings: a body that came as gzip or zstd, as the bytes it stands for.

Owns that a body is read whole or not at all, however many members or frames it was packed in, and the bound on what a
few compressed bytes may become: it is kept while unpacking, so that a bomb costs no more memory than the largest
honest body. Refuses codings it does not know, several of them at once, and members by the thousand: to begin one costs
as much as some thousand bytes, and twenty bytes are one.
"""

import zlib

import zstandard

from trailbook.errors import InvalidError
from trailbook.web.http.problems import MediaTypeError
from trailbook.web.http.strict_json import MalformedError

_WINDOW = 8 * 1024 * 1024  # what a zstd frame may ask the reader to keep at hand (RFC 9659)
_PIECE = 128  # bytes unpacked at once: at 128 KiB for 3 of them, some 6 MB before the bound is looked at
_GZIP_PIECE = 16 * 1024  # and of gzip, whose reader keeps to a bound by itself
MOST_PARTS = 1_000  # members or frames of a body
_GZIP = 31  # zlib's number for gzip framing alone


def unpacked(body: bytes, coding: str, too_large: InvalidError, most: int) -> bytes:
    """The bytes that a body in a content coding stands for, at most `most` of them.

    Raises: `too_large`; MalformedError; MediaTypeError for another coding. Source: RFC 9110 section 8.4.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        content = body
    elif coding == "gzip":
        content = _gunzip(body, most)
    elif coding == "zstd":
        content = _unzstd(body, most)
    else:
        raise MediaTypeError("send it as it is, or with the content coding gzip or zstd")
    if len(content) > most:
        raise too_large
    return content


def _gunzip(body: bytes, most: int) -> bytes:
    """Every member of a gzip body, one after the other. Source: RFC 1952 section 2.2."""
    content, at = bytearray(), 0
    for _ in range(MOST_PARTS):
        reader = zlib.decompressobj(_GZIP)
        while not reader.eof:
            piece = body[at : at + _GZIP_PIECE]
            if not piece:
                raise MalformedError("the body ends before its gzip member does")
            try:
                content += reader.decompress(piece, most + 1 - len(content))
            except zlib.error:
                raise MalformedError("the body is not gzip, or something stands behind it") from None
            at += len(piece)
            if len(content) > most:
                return bytes(content)
        at -= len(reader.unused_data)
        if at >= len(body):
            return bytes(content)
    raise MalformedError(f"the body has more than {MOST_PARTS} gzip members")


def _unzstd(body: bytes, most: int) -> bytes:
    """Every frame of a zstd body, one after the other. Source: RFC 8878 section 3.1."""
    content, at, context = bytearray(), 0, zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    for _ in range(MOST_PARTS):
        reader = context.decompressobj()
        while not reader.eof:
            piece = body[at : at + _PIECE]
            if not piece:
                raise MalformedError("the body ends before its zstd frame does")
            try:
                content += reader.decompress(piece)
            except zstandard.ZstdError:
                text = "the body is not zstd, asks for a window above 8 MiB, or something stands behind it"
                raise MalformedError(text) from None
            at += len(piece)
            if len(content) > most:
                return bytes(content)
        at -= len(reader.unused_data)
        if at >= len(body):
            return bytes(content)
    raise MalformedError(f"the body has more than {MOST_PARTS} zstd frames")
