"""Cursors: a place in an answer, authenticated and bound to organisation, viewer, filter and order.

Owns their form and their life of 30 days. Refuses every cursor it did not write for exactly this question.
"""

import base64
import binascii
import hashlib
import hmac

import msgspec
from msgspec import Struct

from trailbook.errors import CursorInvalidError

LIFE = 30 * 24 * 3600 * 1_000_000  # microseconds
_TAG = 16


class Cursor(Struct, frozen=True, array_like=True, kw_only=True):
    """Where to go on: from (at, seq) towards later entries or earlier ones, at one `as_of`, between two instants."""

    at: int
    seq: int
    later: bool
    as_of: int | None
    since: int | None
    until: int | None
    written: int


def write(cursor: Cursor, question: str, key: bytes) -> str:
    """The opaque text of a cursor; `question` is everything it is bound to, printed."""
    content = msgspec.msgpack.encode(cursor)
    return base64.urlsafe_b64encode(_tag(content, question, key) + content).decode().rstrip("=")


def read(text: str, question: str, key: bytes, now: int) -> Cursor:
    """The cursor of a text. Raises: CursorInvalidError, the same for every reason."""
    wrong = CursorInvalidError("the cursor is not valid for this question; begin again without it")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        tag, content = raw[:_TAG], raw[_TAG:]
        if len(text) > 512 or not hmac.compare_digest(tag, _tag(content, question, key)):
            raise wrong
        cursor = msgspec.msgpack.decode(content, type=Cursor)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise wrong from None
    if now - cursor.written > LIFE or write(cursor, question, key) != text:
        raise wrong
    return cursor


def _tag(content: bytes, question: str, key: bytes) -> bytes:
    bound = hashlib.sha256(question.encode()).digest()
    return hmac.digest(key, b"trailbook/cursor/v1\x00" + bound + content, "sha256")[:_TAG]
