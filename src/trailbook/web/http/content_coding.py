"""Content codings: a body that came as gzip or zstd, as the bytes it stands for.

Owns the bound on what a few compressed bytes may become: it is kept while unpacking, so that a bomb costs no more
memory than the largest honest body. Refuses codings it does not know, and several of them at once.
"""

import zlib

import zstandard

from trailbook.errors import InvalidError
from trailbook.web.http.problems import MediaTypeError
from trailbook.web.http.strict_json import MalformedError

_WINDOW = 8 * 1024 * 1024  # what a zstd frame may ask the reader to keep at hand (RFC 9659)
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
    reader = zlib.decompressobj(_GZIP)
    try:
        content = reader.decompress(body, most + 1)
    except zlib.error:
        raise MalformedError("the body is not gzip") from None
    if len(content) <= most and (not reader.eof or reader.unused_data):
        raise MalformedError("the body is not one whole gzip member")
    return content


def _unzstd(body: bytes, most: int) -> bytes:
    reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(body)
    try:
        content = reader.read(most + 1)
    except zstandard.ZstdError:
        raise MalformedError("the body is not zstd, or asks for a window above 8 MiB") from None
    if len(content) <= most and zstandard.frame_content_size(body) not in (-1, len(content)):
        raise MalformedError("the body is not one whole zstd frame")
    return bytes(content)
